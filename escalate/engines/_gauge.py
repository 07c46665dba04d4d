"""What a compiled war gives for reported figures, read off its tables in one pass.

The meaning of every quantity is that of `escalate.metrics.figure_value`, which reads the tables
of a `Run`; here it is made of the same tables while they lie in the engine.
"""

from __future__ import annotations

import math
from typing import Any

from escalate._compile import inlined, kernel
from escalate.engines import _steps as steps

__all__ = ["BLACKOUT", "DELAY", "DISTINCT", "DURATION", "gauge"]

DISTINCT = 2
"""In the place of a slot: regions are counted, each once."""

DURATION, DELAY, BLACKOUT = range(3)
"""Quantities that are no sum of the log's counts."""


@inlined
def _is_in(regions: Any, row: int, region: int) -> bool:
    """Tell whether a region is among those of a row; -1 stands for the whole country."""
    return row < 0 or (region >= 0 and regions[row, region] != 0)


@inlined
def _duration(w: Any, side: int, begin: float, end: float) -> float:
    """Time from first launch to last impact of the largest strike begun in a window."""
    strikes = w.strikes
    largest = -1
    for s in range(w.used["strikes"]):
        first = strikes["first_launch_hours"][s]
        if (
            strikes["side"][s] == side
            and begin <= first < end
            and (largest < 0 or strikes["launched"][s] > strikes["launched"][largest])
        ):
            largest = s
    if largest < 0:
        return math.nan
    taken: float = strikes["last_impact_hours"][largest] - strikes["first_launch_hours"][largest]
    return taken


@inlined
def _delay(
    w: Any, side: int, begin: float, end: float, categories: int, row: int, regions: Any
) -> float:
    """Time to the answer that a figure speaks of."""
    strikes = w.strikes
    log = w.log
    best = math.nan
    early = True
    at = math.inf
    for s in range(w.used["strikes"]):
        parent = strikes["provoked_by"][s]
        if strikes["side"][s] != side or parent < 0:
            continue
        first = strikes["first_launch_hours"][s]
        before = strikes["first_launch_hours"][parent]
        if not (begin <= first < end and begin <= before < begin + 24.0):
            continue
        used = False
        there = False
        for i in range(w.used["log"]):
            if log["strike"][i] == s and log["weapon"][i] >= 0:
                if categories >> w.weapons["category"][log["weapon"][i]] & 1:
                    used = True
                if _is_in(regions, row, log["region"][i]):
                    there = True
        if not (used and there):
            continue
        # In the order of the last day first, then of time, then of the delay itself.
        earlier = first < end - 24.0
        delay = first - before
        if (
            math.isnan(best)
            or (early and not earlier)
            or (early == earlier and (first < at or (first == at and delay < best)))
        ):
            best = delay
            early = earlier
            at = first
    return best


@inlined
def _dark(w: Any, side: int, begin: float, end: float, row: int, regions: Any, mark: Any) -> float:
    """Count a side's regions without power at some time of a window."""
    log = w.log
    for region in range(len(w.regions)):
        mark[region] = 0
    for i in range(w.used["log"]):
        region = log["region"][i]
        if (
            log["kind"][i] != steps.BLACKOUT
            or log["side"][i] != side
            or log["time_hours"][i] >= end
            or not _is_in(regions, row, region)
        ):
            continue
        if log["count"][i] != 0:
            mark[region] = 1
        elif log["time_hours"][i] < begin:
            mark[region] = 0
    total = 0.0
    for region in range(len(w.regions)):
        total = total + mark[region]
    return total


@kernel
def gauge(
    w: Any,
    first: Any,
    entries: Any,
    windows: Any,
    special: Any,
    special_windows: Any,
    regions: Any,
    mark: Any,
    sums: Any,
) -> None:
    """Add up the log of a war for each figure.

    Parameters
    ----------
    w : World
        A war fought to its end, its log kept.
    first : ndarray of int64, shape (kinds + 1,)
        Where in `entries` those of each kind of row begin.
    entries : ndarray of int64, shape (n, 5)
        Figure, side that struck, slot of the sum or `DISTINCT`, categories as bits, row of
        `regions` or -1.
    windows : ndarray of float64, shape (n, 2)
        From when, and until before when. [h]
    special, special_windows : ndarray
        The same for what is no sum, with its code in the place of the slot.
    regions : ndarray of uint8, shape (rows, regions)
        Which regions a place holds.
    mark : ndarray of uint8, shape (n + 1, regions)
        Scratch space.
    sums : ndarray of float64, shape (figures, 2)
        Where the sums are put, all zero before.
    """
    log = w.log
    strikes = w.strikes
    mark[:, :] = 0
    for i in range(w.used["log"]):
        kind = log["kind"][i]
        strike = log["strike"][i]
        weapon = log["weapon"][i]
        if first[kind] == first[kind + 1] or strike < 0 or weapon < 0:
            continue
        time = log["time_hours"][i]
        side = strikes["side"][strike]
        category = w.weapons["category"][weapon]
        region = log["region"][i]
        for e in range(first[kind], first[kind + 1]):
            if (
                entries[e, 1] == side
                and windows[e, 0] <= time < windows[e, 1]
                and entries[e, 3] >> category & 1
                and _is_in(regions, entries[e, 4], region)
            ):
                if entries[e, 2] == DISTINCT:
                    # A region of -1 counts as one more, as it would among distinct numbers.
                    if mark[e, region] == 0:
                        mark[e, region] = 1
                        sums[entries[e, 0], 0] += 1.0
                else:
                    sums[entries[e, 0], entries[e, 2]] += log["count"][i]
    for e in range(len(special)):
        side = special[e, 1]
        begin, end = special_windows[e, 0], special_windows[e, 1]
        if special[e, 2] == DURATION:
            value = _duration(w, side, begin, end)
        elif special[e, 2] == DELAY:
            value = _delay(w, side, begin, end, special[e, 3], special[e, 4], regions)
        else:
            value = _dark(w, 1 - side, begin, end, special[e, 4], regions, mark[len(entries)])
        sums[special[e, 0], 0] += value
