"""What if nothing had been vowed: one decision changed on the way, in a thousand wars.

Forks the winter exchange on the morning of the strike on Belgorod, lets the answer that was vowed
for it not come, and shows what that changes for those who are killed. Draws `06_what_if.png`.
"""

import matplotlib.pyplot as plt
import numpy as np

import escalate as esc

scenario = esc.load_scenario("winter-2023-24")
hours = 48.0  # midnight before 30 December
wars = esc.simulate_many(
    scenario, replications=1000, rng=1, outcomes=["killed", "killed_per_day", "launched"]
)
vows = ("vow", "vow_hypersonic")
forked = wars.fork(hours, {f"sides.RU.retaliations.{vow}.rule": "never" for vow in vows})

for i, side in enumerate(scenario.sides):
    change = forked.data["killed"][:, i] - wars.data["killed"][:, i]
    error = change.std(ddof=1) / np.sqrt(len(change))
    print(f"killed in {side}: {wars.data['killed'][:, i].mean():.1f}; "
          f"without the answer {change.mean():+.1f} +- {error:.1f}")  # fmt: skip
    alone = np.hypot(*(e.data["killed"][:, i].std(ddof=1) for e in (wars, forked)))
    if change.std() > 0.0:
        print(f"  pairing spares {(alone / change.std(ddof=1)) ** 2:.1f} times the wars")

days = int(hours // 24)
same = np.array_equal(
    wars.data["killed_per_day"][:, :days], forked.data["killed_per_day"][:, :days]
)
print(f"the days before the fork are the same in all wars: {same}")

figure, axes = plt.subplots(2, 1, figsize=(7.0, 5.0), sharex=True, sharey=True,
                            layout="constrained")  # fmt: skip
for ax, ensemble, title in zip(axes, (wars, forked), ("as it was", "not answered"), strict=True):
    esc.plots.fan(ensemble, "killed_per_day", "UA", ax=ax, cumulative=True)
    ax.set_title(title, loc="left", fontsize=8)
figure.savefig("06_what_if.png", dpi=200)
