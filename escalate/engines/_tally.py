"""Outcomes of one compiled run, added up as rows of arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from escalate._compile import inlined, kernel
from escalate.engines import _steps as steps

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


@inlined
def add_up(
    w: Any, by_side: Any, by_category: Any, by_target: Any, by_layer: Any, daily: Any, column: Any
) -> None:
    """Add the rows of the log to the outcomes of a run.

    The arrays are one replication's: (side, outcome), (side, category, outcome),
    (side, target category, outcome), (layer, outcome), (day, side, outcome). `column` gives
    for each daily outcome its place in `daily`, -1 for none. All start at zero.
    """
    log = w.log
    strikes = w.strikes
    days = daily.shape[0]
    for i in range(w.used["log"]):
        kind = log["kind"][i]
        strike = log["strike"][i]
        if strike < 0 or kind > steps.INJURED:
            continue
        attacker = strikes["side"][strike]
        defender = 1 - attacker
        count = log["count"][i]
        series = -1
        side = attacker
        amount = float(count)
        if kind == steps.STRIKE:
            series = 0
            amount = 1.0
        elif kind == steps.LAUNCHED:
            by_category[attacker, w.weapons["category"][log["weapon"][i]], 0] += count
            series = 1
        elif kind == steps.DUD:
            by_category[attacker, w.weapons["category"][log["weapon"][i]], 1] += count
        elif kind == steps.INTERCEPTED:
            layer = log["layer"][i]
            category = w.weapons["category"][log["weapon"][i]]
            by_category[attacker, category, 2] += count
            if w.layers["electronic"][layer] != 0:
                by_category[attacker, category, 3] += count
            by_layer[layer, 0] += count
            series = 2
        elif kind == steps.SHOTS:
            by_layer[log["layer"][i], 1] += count
        elif kind == steps.UNENGAGED:
            by_layer[log["layer"][i], 2] += count
            series = 7
            side = defender
        elif kind == steps.LEAKED:
            by_category[attacker, w.weapons["category"][log["weapon"][i]], 4] += count
            by_target[defender, w.targets["category"][log["target"][i]], 0] += count
            series = 3
        elif kind == steps.STRAYED:
            by_category[attacker, w.weapons["category"][log["weapon"][i]], 5] += count
        elif kind == steps.DAMAGE:
            amount = log["value"][i]
            by_target[defender, w.targets["category"][log["target"][i]], 1] += amount
            series = 6
            side = defender
        elif kind == steps.KILLED:
            by_side[defender, 2] += count
            series = 4
            side = defender
        elif kind == steps.INJURED:
            by_side[defender, 3] += count
            series = 5
            side = defender
        if series >= 0 and column[series] >= 0:
            # What is still in the air at the horizon counts towards the last day.
            day = min(int(log["time_hours"][i] / 24.0), days - 1)
            daily[day, side, column[series]] += amount


@kernel(allocates=True)
def tally(w: Any, by_side: Any, by_category: Any) -> None:
    """Add what a run's tables hold at its end to what `add_up` made of its log."""
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
    for k in range(len(w.weapons)):
        by_category[w.weapons["side"][k], w.weapons["category"][k], 6] += w.weapons["stock"][k]
