"""A third agent: a mediator who calls for a truce when too many have died.

Adds a process to the war in a few lines, and shows what the truce changes and what it
leaves to the bit as it was. Draws `03_mediator.png`.
"""

import matplotlib.pyplot as plt
import numpy as np

import escalate as esc

scenario = esc.load_scenario("two-equal-sides")


def mediator(war):
    """Look every day; after four deaths, obtain ten days of truce that is mostly kept."""
    while war.total("killed", "A") + war.total("killed", "B") < 4:
        yield war.wait(24.0)
    war.truce(hours=240.0, compliance_prob=0.9)


without = [esc.simulate(scenario, rng=1, replication=k) for k in range(40)]
with_one = [esc.simulate(scenario, rng=1, replication=k, processes=[mediator]) for k in range(40)]


def killed(run):
    """Give the number killed on both sides."""
    return sum(outcome["killed"] for outcome in run.summary().values())


change = np.array([killed(b) - killed(a) for a, b in zip(without, with_one, strict=True)])
error = change.std(ddof=1) / np.sqrt(len(change))
print(f"killed without a mediator: {np.mean([killed(run) for run in without]):.1f}")
print(f"change with one: {change.mean():+.1f} +- {error:.1f} (paired, {len(change)} wars)")

first = with_one[0]
known = set(without[0].events.query("kind == 'truce'")["time_hours"])  # the calendar's own
truces = first.events.query("kind == 'truce'")["time_hours"]
called = min(time for time in truces if time not in known)
before = [e[e["time_hours"] < called] for e in (without[0].events, first.events)]
same = before[0].equals(before[1])
print(f"in the first war the mediator calls after {called:.0f} h; same until then: {same}")

figure, axes = plt.subplots(2, 1, figsize=(7.0, 5.0), sharex=True, layout="constrained")
for ax, run, title in zip(
    axes, (without[0], first), ("without a mediator", "with one"), strict=True
):
    esc.plots.timeline(run, ax=ax)
    ax.set_title(title, loc="left", fontsize=8)
figure.savefig("03_mediator.png", dpi=200)
