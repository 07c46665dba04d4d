"""Where does an exchange of proportionate answers run away? Interception against gain.

Both sides of a shipped scenario answer with so many drones for each one that they believe got
through (the gain), and stop a given share of what comes. Draws R over both, in weapons, from five
rounds of answers in simulated wars, with the boundary R = 1 that the parameters imply before any
war is fought, and what lies beyond it: the people killed. Draws `07_phase_boundary.png`.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

import escalate as esc
from escalate.designs import grid
from escalate.meanfield import mean_field
from escalate.plots.sweeps import heat_map

ROUNDS, ROUND_DAYS = 5, 2

# Nobody strikes of their own accord, and each side begins with one strike of 20 drones. The delays
# add up to a little less than two days, so the k-th round of answers leaves on day 2 k.
shipped = esc.load_scenario("two-equal-sides")
both = {
    "tempos": {},
    "weapons.drone.stock": 20_000,  # so that stocks do not bind
    "plans.answer.weapons": {"drone": 1.0},
    "plans.answer.duration_hours": 0.0,
    "plans.answer.waves": 1,
    "layers.electronic_warfare.kill_prob.drone": 0.0,
    "layers.point.shots": 1,
    "retaliations.answer.rule": esc.Rule("proportional", gain=1.0, measure="hits"),
    "retaliations.answer.delay": "fixed",
    "retaliations.answer.delay_hours": 39.5,
    "retaliations.answer.slip_prob": 0.0,
    "assessment.false_alarms_per_day": 0.0,
}
scenario = shipped.replace(
    {f"sides.{side}.{path}": value for side in "AB" for path, value in both.items()}
    | {
        "end": shipped.date(24.0 * (ROUNDS + 1) * ROUND_DAYS),
        "calendar": [
            esc.OrderedStrike(at=shipped.date(22.0), side=side, plan="answer", counts={"drone": 20})
            for side in "AB"
        ],
    }
)


def by_round(ensemble):
    """Give the drones launched in each round, by both sides."""
    days = ensemble.data["launched_per_day"].sum(axis=2)
    return days.reshape(len(days), ROUNDS + 1, ROUND_DAYS).sum(axis=2)


outcomes = {
    "killed": None,
    "launched_per_day": None,
    "provoking": lambda ensemble: by_round(ensemble)[:, :-1].sum(axis=1),
    "provoked": lambda ensemble: by_round(ensemble)[:, 1:].sum(axis=1),
    "people killed": lambda ensemble: ensemble.data["killed"].sum(axis=1),
}
stopped, gain = (f"sides.{{}}.{path}" for path in (
    "layers.point.kill_prob.drone", "retaliations.answer.rule.gain"
))  # fmt: skip
design = grid(
    esc.lever(stopped.format("A"), 0.0, 0.9, also=stopped.format("B"), name="interception rate"),
    esc.uncertainty(gain.format("A"), 0.25, 2.5, also=gain.format("B"), name="retaliation gain"),
    levels=10,
)
wars = esc.sweep(scenario, design, replications=100, rng=1, outcomes=outcomes)
print(wars)

r = wars.mean("provoked") / wars.mean("provoking")
implied = np.array(
    [mean_field(wars.scenario_of(k), unit="weapons", rng=1).number for k in range(len(design))]
)
table = design.to_dataframe().assign(simulated=r, implied=implied)
killed = wars.table("people killed")
for name in ("people killed", "people killed.low", "people killed.high"):
    table[name] = killed[name]
print("\nAn answer of 1.25 drones for each one that got through:")
print(table[table["retaliation gain"] == 1.25].drop(columns="retaliation gain")
      .round(2).to_string(index=False))  # fmt: skip
same = (r > 1.0) == (implied > 1.0)
print(f"\nBoth R are on the same side of 1 at {same.sum()} of {len(design)} points.")

figure, axes = plt.subplots(1, 2, figsize=(7.09, 2.9), sharey=True, layout="constrained")
heat_map(wars, r, label="R, drones launched for each one before", ax=axes[0])
heat_map(wars, "people killed", label="People killed in twelve days", ax=axes[1])
x, y = (np.unique(table[name]) for name in design.names)
edge = [withStroke(linewidth=3.2, foreground="#222222")]
for ax in axes:
    boundary = ax.contour(
        x, y, implied.reshape(len(x), len(y)).T, [1.0], colors="w", linewidths=1.8
    )
    boundary.set_path_effects(edge)
key = Line2D([], [], color="w", linewidth=1.8, path_effects=edge)
axes[0].legend([key], ["R = 1 from the parameters"], loc="lower right", bbox_to_anchor=(1.0, 1.0),
               frameon=False, fontsize=7)  # fmt: skip
figure.savefig("07_phase_boundary.png", dpi=200)
