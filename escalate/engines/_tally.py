"""Outcomes of one compiled run, added up as rows of arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from escalate._compile import inlined, kernel
from escalate.engines import _steps as steps
from escalate.events import KINDS

__all__ = ["BY_CATEGORY", "BY_LAYER", "BY_SIDE", "BY_TARGET", "DAILY", "add_up", "tally"]

BY_SIDE = (
    "strikes", "answers", "killed", "injured", "blackout_regions", "blackout_hours",
    "alert_hours", "cost_usd", "defence_cost_usd", "response_delay_hours",
    "reproduction_number", "false_alarms", "rung",
)  # fmt: skip
"""Outcomes with dimensions replication and side."""

BY_CATEGORY = ("launched", "dud", "intercepted", "lost", "leaked", "strayed", "stock")
"""Outcomes with dimensions replication, side and weapon category."""

BY_TARGET = ("hits", "damage_sites")
"""Outcomes with dimensions replication, side and target category."""

BY_LAYER = ("stopped", "shots", "passed_unengaged")
"""Outcomes with dimensions replication and layer."""

DAILY = (
    "strikes_per_day", "launched_per_day", "intercepted_per_day", "leaked_per_day",
    "killed_per_day", "injured_per_day", "damage_per_day", "unengaged_per_day",
)  # fmt: skip
"""Outcomes with dimensions replication, day and side."""


_LOST = len(KINDS)  # weapons stopped by electronic warfare, which is no kind of its own
_SERIES = np.full(len(KINDS), -1)
_SERIES[[steps.STRIKE, steps.LAUNCHED, steps.INTERCEPTED, steps.LEAKED, steps.KILLED,
         steps.INJURED, steps.DAMAGE, steps.UNENGAGED]] = range(len(DAILY))  # fmt: skip
_OTHER_SIDE = np.zeros(len(KINDS), np.int64)
_OTHER_SIDE[steps.INTERCEPTED] = 1  # told by the side that stops, counted with the one that flies


@inlined
def add_up(w: Any, counts: Any, values: Any, daily: Any, column: Any) -> None:
    """Add the rows of the log up, whatever they are about.

    `counts` is by kind and thing, the weapons first, then layers and targets, each with one
    place before for none; `values` by kind and target. All start at zero, as does `daily`, by
    (day, side, outcome); `column` gives each daily outcome its place there, -1 for none.

    Sorting by kind is left to the end of the war: here it would be a guess that the processor
    gets wrong at every other row.
    """
    log = w.log
    layers = 1 + len(w.weapons)
    targets = layers + 1 + len(w.layers)
    days = daily.shape[0]
    for i in range(w.used["log"]):
        kind = log["kind"][i]
        count = log["count"][i]
        # Numbers without a sign, because one below zero would count from the end.
        row = counts[np.uint64(kind)]
        row[np.uint64(1 + log["weapon"][i])] += count
        row[np.uint64(layers + 1 + log["layer"][i])] += count
        target = log["target"][i]
        row[np.uint64(targets + 1 + target)] += count
        values[np.uint64(kind)][np.uint64(1 + target)] += log["value"][i]
        if kind == steps.INTERCEPTED:
            electronic = w.layers["electronic"][log["layer"][i]]
            counts[_LOST, 1 + log["weapon"][i]] += electronic * count
        if days > 0 and _SERIES[kind] >= 0 and column[_SERIES[kind]] >= 0:
            amount = float(count)
            if kind == steps.STRIKE:
                amount = 1.0
            elif kind == steps.DAMAGE:
                amount = log["value"][i]
            side = log["side"][i]
            if _OTHER_SIDE[kind] != 0:
                side = 1 - side
            # What is still in the air at the horizon counts towards the last day.
            day = min(int(log["time_hours"][i] / 24.0), days - 1)
            daily[day, side, column[_SERIES[kind]]] += amount


@kernel(allocates=True)
def tally(
    w: Any, counts: Any, values: Any, by_side: Any, by_category: Any, by_target: Any, by_layer: Any
) -> None:
    """Make outcomes of what `add_up` made of a war's log, and of its tables at the end.

    The arrays are one replication's: (side, outcome), (side, category, outcome),
    (side, target category, outcome), (layer, outcome). All start at zero.
    """
    for k in range(len(w.weapons)):
        side, category = w.weapons["side"][k], w.weapons["category"][k]
        by_category[side, category, 0] += counts[steps.LAUNCHED, 1 + k]
        by_category[side, category, 1] += counts[steps.DUD, 1 + k]
        by_category[side, category, 2] += counts[steps.INTERCEPTED, 1 + k]
        by_category[side, category, 3] += counts[_LOST, 1 + k]
        by_category[side, category, 4] += counts[steps.LEAKED, 1 + k]
        by_category[side, category, 5] += counts[steps.STRAYED, 1 + k]
        by_category[side, category, 6] += w.weapons["stock"][k]
    first = 2 + len(w.weapons)
    for b in range(len(w.layers)):
        by_layer[b, 0] += counts[steps.INTERCEPTED, first + b]
        by_layer[b, 1] += counts[steps.SHOTS, first + b]
        by_layer[b, 2] += counts[steps.UNENGAGED, first + b]
    first = first + 1 + len(w.layers)
    for t in range(len(w.targets)):
        side, category = w.targets["side"][t], w.targets["category"][t]
        by_target[side, category, 0] += counts[steps.LEAKED, first + t]
        by_target[side, category, 1] += values[steps.DAMAGE, 1 + t]
        by_side[side, 2] += counts[steps.KILLED, first + t]
        by_side[side, 3] += counts[steps.INJURED, first + t]
    strikes = w.strikes
    made = w.used["strikes"]
    delays = np.empty((2, made))
    answered = np.zeros(2, dtype=np.int64)
    provoked = np.zeros(2, dtype=np.int64)
    for s in range(made):
        side = strikes["side"][s]
        by_side[side, 0] += 1.0
        if strikes["cause"][s] == steps.ANSWER:
            by_side[side, 1] += 1.0
        by_side[side, 7] += strikes["cost_usd"][s]
        by_side[1 - side, 8] += strikes["shot_cost_usd"][s]
        parent = strikes["provoked_by"][s]
        if parent >= 0:
            provoked[strikes["side"][parent]] += 1
            if strikes["first_launch_hours"][s] < math.inf:
                delays[side, answered[side]] = (
                    strikes["first_launch_hours"][s] - strikes["first_launch_hours"][parent]
                )
                answered[side] += 1
    for side in range(2):
        by_side[side, 9] = math.nan
        if answered[side] > 0:
            by_side[side, 9] = np.median(delays[side, : answered[side]])
        by_side[side, 10] = math.nan
        if by_side[side, 0] > 0.0:
            by_side[side, 10] = provoked[side] / by_side[side, 0]
        by_side[side, 11] = w.sides["false_alarms"][side]
        by_side[side, 12] = w.sides["rung"][side]
    regions = w.regions
    for r in range(len(regions)):
        side = regions["side"][r]
        if regions["dark_ever"][r] != 0:
            by_side[side, 4] += 1.0
        by_side[side, 5] += regions["dark_hours"][r]
        by_side[side, 6] += regions["alert_hours"][r]
