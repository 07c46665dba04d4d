"""Aid sooner, later, or little by little? A schedule of deliveries against blackout hours.

One side of a shipped scenario has few interceptors and lives on aid: 240 of them within two
months, which come all at once, early or late, or in parts. Nobody knows how often the other side
will strike of its own accord. Compares how long regions are without power, war by war under the
same luck, and asks which schedule one would regret least. Draws `08_aid_and_blackout.png`.
"""

import matplotlib.pyplot as plt
import numpy as np

import escalate as esc
from escalate.designs import grid
from escalate.plots.sweeps import heat_map, lines
from escalate.precision import mean_and_half_width

shipped = esc.load_scenario("two-equal-sides")
others = [entry for entry in shipped.calendar if not isinstance(entry, esc.Delivery)]
scenario = shipped.replace(
    {
        "sides.A.layers.point.magazine": 40,
        "sides.A.layers.point.resupply_per_day": 0.0,
        "calendar": [esc.Delivery(at=shipped.start, side="A", magazines={"point": 0}), *others],
    }
)


def deliveries(day, many, every=None):
    """Give what a schedule changes in the scenario: its first entry is the aid."""
    return {
        "calendar[0].at": shipped.date(24.0 * day),
        "calendar[0].magazines.point": many,
        "calendar[0].every_days": every,
    }


aid = esc.lever(
    "aid",
    choices={
        "all on day 5": deliveries(5, 240),
        "all on day 30": deliveries(30, 240),
        "80 on days 5, 30, 55": deliveries(5, 80, every=25.0),
        "30 a week from day 5": deliveries(5, 30, every=7.0),
    },
)
tempo = esc.uncertainty("sides.B.tempos.routine.rate_per_day", 0.0, 0.8, levels=5,
                        name="strikes of B's own accord per day")  # fmt: skip
design = grid(tempo, aid)
wars = esc.sweep(scenario, design, replications=100, rng=1, outcomes=["blackout_hours", "killed"])
print(wars)

hours = wars.dataset["blackout_hours"].sel(side="A").to_numpy()
tempos, schedules = tempo.values(), aid.values()
hours = hours.reshape(len(tempos), len(schedules), -1)
best = wars.mean("blackout_hours.A").reshape(hours.shape[:2]).argmin(axis=1)

print("\nRegion-hours without power; in brackets how much more than by the best, paired:")
print("per day  " + "".join(f"{name:>26}" for name in schedules))
regret = np.zeros(hours.shape[:2])
for i, rate in enumerate(tempos):
    cells = []
    for k in range(len(schedules)):
        regret[i, k], half = mean_and_half_width(hours[i, k] - hours[i, best[i]], 0.95)
        more = f"({regret[i, k]:+.0f} \N{PLUS-MINUS SIGN}{half:.0f})" if k != best[i] else "(best)"
        cells.append(f"{hours[i, k].mean():.0f} {more}")
    print(f"{rate:7.1f}  " + "".join(f"{cell:>26}" for cell in cells))
worst = dict(zip(schedules, regret.max(axis=0), strict=True))
name = min(worst, key=worst.get)
print(f"\nLeast regret, whatever the tempo: {name}, at most {worst[name]:.0f} hours more.")

figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.0), layout="constrained")
lines(wars, "blackout_hours.A", ax=left)
heat_map(wars, regret.ravel(), label="More than by the best (region-hours)", ax=right)
figure.savefig("08_aid_and_blackout.png", dpi=200)
