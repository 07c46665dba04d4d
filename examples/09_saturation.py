"""When does a raid swamp the defence? Raid size against channels and layers.

Sends raids of one to ninety drones at one layer and at two, with six channels and with twelve,
asks which share gets through, and holds that against the closed form of a burst at channels with
a fixed cycle. Draws `09_saturation.png`.
"""

from datetime import datetime, timedelta

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

import escalate as esc
from escalate.designs import grid
from escalate.plots.sweeps import heat_map, lines
from escalate.theory.saturation import burst_engaged

KILL, CYCLE, WINDOW = 0.7, 0.1, 0.25  # so that each channel comes to begin three engagements

start = datetime(2030, 1, 1)
layer = esc.Layer(
    kill_prob={"drone": KILL}, channels=6, cycle_hours=CYCLE, window_hours={"drone": WINDOW}
)
scenario = esc.Scenario(
    start=start,
    end=start + timedelta(hours=12),
    sides={
        "A": esc.Side(
            weapons={"drone": esc.Weapon(category="drone", stock=1000, speed_km_per_hour=180.0)},
            plans={"raid": esc.Plan(targets={"town": 1.0})},
        ),
        "B": esc.Side(
            layers={"outer": layer, "inner": layer},
            regions={"border": esc.Region(depth_km=360.0)},
            targets={"town": esc.Target(category="urban", region="border")},
        ),
    },
    calendar=[esc.OrderedStrike(at=start, side="A", plan="raid", counts={"drone": 1})],
)


def share_through(ensemble):
    """Give which share of the raid got through, in each war."""
    launched, leaked = (ensemble.data[name][:, 0].sum(axis=1) for name in ("launched", "leaked"))
    return leaked / launched


def expected(raid, outer, inner):
    """Give the same by the closed form: a burst at the outer layer, what is left at the inner."""
    begun = [
        burst_engaged(np.arange(raid + 1), channels, CYCLE, WINDOW) for channels in (outer, inner)
    ]
    stopped = np.arange(int(begun[0][raid]) + 1)
    chances = stats.binom.pmf(stopped, int(begun[0][raid]), KILL)
    left = raid - stopped
    return float(chances @ (left - KILL * begun[1][left])) / raid


outcomes = {"launched": None, "leaked": None, "share through": share_through}
raid = esc.uncertainty("calendar[0].counts.drone", 1, 90, whole=True, levels=16, name="drones")
outer, inner = (f"sides.B.layers.{name}.channels" for name in ("outer", "inner"))
defences = {"6": (6, 0), "12": (12, 0), "6, then 6": (6, 6), "12, then 12": (12, 12)}
defence = esc.lever(
    "channels", choices={name: {outer: a, inner: b} for name, (a, b) in defences.items()}
)
wars = esc.sweep(scenario, grid(raid, defence), replications=400, rng=1, outcomes=outcomes)
print(wars)

table = wars.table("share through", level=0.99)
table["closed form"] = [expected(row.drones, *defences[row.channels]) for row in table.itertuples()]
inside = table["closed form"].between(table["share through.low"], table["share through.high"])
print(f"\nThe closed form lies in the 99% interval at {inside.sum()} of {len(inside)} points.\n")
print("Share that gets through:")
print(table.pivot(index="drones", columns="channels", values="share through")[[*defences]]
      .iloc[::3].round(2).to_string())  # fmt: skip

# The same twelve channels, split between the two layers, which differ in nothing else.
ahead = esc.lever(outer, 0, 12, whole=True, levels=13, name="channels of the outer layer")
behind = esc.lever(inner, 0, 12, whole=True, levels=13, name="channels of the inner layer")
large = scenario.replace({"calendar[0].counts.drone": 48})
split = esc.sweep(large, grid(ahead, behind), replications=200, rng=1, outcomes=outcomes)

figure, (left, right) = plt.subplots(1, 2, figsize=(7.09, 2.9), layout="constrained")
lines(wars, "share through", label="Share that gets through", ax=left)
for name in defences:
    own = table[table["channels"] == name]
    left.plot(own["drones"], own["closed form"], color="k", linewidth=0.6, linestyle=":", zorder=5)
left.set_title("Markers: wars; dotted: closed form", loc="left", fontsize=8)
heat_map(split, "share through", label="Share of 48 that gets through", ax=right)
figure.savefig("09_saturation.png", dpi=200)
