"""Numbers from a run: outcomes by side, the reproduction number, and reported figures' twins.

Everything here is worked out from the event log and the table of strikes, and changes
neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np

from escalate.errors import Problem, ScenarioError, closest
from escalate.events import KINDS
from escalate.figures import Figure
from escalate.results import Run
from escalate.rules import CATEGORIES

__all__ = [
    "OUTCOMES",
    "QUANTITIES",
    "check_figures",
    "children",
    "episode_sizes",
    "figure_value",
    "reproduction_number",
    "response_delays",
    "summary",
]

Array = np.ndarray[Any, Any]

OUTCOMES: dict[str, str] = {
    "strikes": "strikes decided on",
    "answers": "of these, ordered by a rule",
    "launched": "weapons launched",
    "dud": "of these, failed",
    "intercepted": "of these, stopped by the other side",
    "lost": "of those, to electronic warfare",
    "leaked": "of the launched, got through",
    "strayed": "of the launched, passed through a third party's airspace",
    "killed": "people killed on this side",
    "injured": "people injured on this side",
    "damage_sites": "damage suffered, in whole sites",
    "blackout_regions": "regions of this side that lost power at some time",
    "blackout_hours": "region-hours without power",
    "alert_hours": "region-hours under air-raid alert",
    "cost_usd": "cost of the weapons launched [USD]",
    "defence_cost_usd": "cost of the interceptors spent in defence [USD]",
    "response_delay_hours": "median time from a strike suffered to its answer [h]",
    "reproduction_number": "answers that a strike of this side provokes, on average",
}
"""Outcomes of `summary` and their meaning."""

QUANTITIES = (
    "launched", "intercepted", "intercepted_fraction", "hits", "strikes", "killed", "injured",
    "cost", "duration", "response_delay", "blackout_regions", "regions_hit", "spillover",
)  # fmt: skip
"""Quantities of reported figures that a run can be compared with."""

_MISSILES = ("cruise", "ballistic", "hypersonic")
_AIR = ("drone", *_MISSILES, "decoy")
_KINDS = {kind: number for number, kind in enumerate(KINDS)}


def children(run: Run) -> Array:
    """Count the strikes that each strike provoked.

    Parameters
    ----------
    run : Run
        A run.

    Returns
    -------
    ndarray of int64, shape (strikes,)
        [strikes]
    """
    parents = run.tables["strikes"]["provoked_by"]
    return np.bincount(parents[parents >= 0], minlength=len(parents)).astype(np.int64)


def reproduction_number(
    run: Run, side: str | None = None, *, until_hours: float | None = None
) -> float:
    """Strikes provoked per strike, read from the causal links.

    Parameters
    ----------
    run : Run
        A run.
    side : str, optional
        Count only what strikes of this side provoked.
    until_hours : float, optional
        Count only what strikes decided on up to then provoked; the horizon if not given. [h]

    Returns
    -------
    float
        R; NaN without strikes. [-]

    Notes
    -----
    Strikes near the horizon have had little time to be answered. Over all strikes of both
    sides the answers per strike are one less the episodes per strike, which is below 1 however
    the exchange runs away; whether it does is seen from strikes old enough to have been
    answered, so `until_hours` should lie a few response delays before the horizon.
    """
    strikes = run.tables["strikes"]
    counts = children(run)
    chosen = np.ones(len(counts), dtype=bool)
    if side is not None:
        chosen &= strikes["side"] == _side(run, side)
    if until_hours is not None:
        chosen &= strikes["decided_hours"] <= until_hours
    counts = counts[chosen]
    return float(counts.mean()) if len(counts) else math.nan


def episode_sizes(run: Run) -> Array:
    """Count the strikes of each episode: a strike nobody provoked, and all that follow from it.

    Parameters
    ----------
    run : Run
        A run.

    Returns
    -------
    ndarray of int64, shape (episodes,)
        In the order of their first strikes. [strikes]
    """
    parents = run.tables["strikes"]["provoked_by"]
    roots = np.arange(len(parents))
    for strike, parent in enumerate(parents):  # a parent stands before its children
        if parent >= 0:
            roots[strike] = roots[parent]
    return np.bincount(roots, minlength=len(parents))[parents < 0].astype(np.int64)


def response_delays(run: Run, side: str | None = None) -> Array:
    """Give the times from the first launch of a strike to the first launch of each answer to it.

    Parameters
    ----------
    run : Run
        A run.
    side : str, optional
        Only answers of this side.

    Returns
    -------
    ndarray of float64, shape (answers,)
        [h]
    """
    strikes = run.tables["strikes"]
    chosen = (strikes["provoked_by"] >= 0) & np.isfinite(strikes["first_launch_hours"])
    if side is not None:
        chosen &= strikes["side"] == _side(run, side)
    first = strikes["first_launch_hours"]
    delays: Array = first[chosen] - first[strikes["provoked_by"][chosen]]
    return delays


def _side(run: Run, name: str) -> int:
    names = run.names["side"]
    if name not in names:
        raise ScenarioError([Problem("side", f"unknown side {name!r}: {closest(name, names)},")])
    return names.index(name)


def summary(run: Run) -> dict[str, dict[str, float]]:
    """Give what happened, by side.

    Parameters
    ----------
    run : Run
        A run.

    Returns
    -------
    dict
        Side to outcome to number, see `OUTCOMES`.
    """
    strikes = run.tables["strikes"]
    regions = run.tables["regions"]
    blackouts = run.rows("blackout")
    out: dict[str, dict[str, float]] = {}
    for i, name in enumerate(run.names["side"]):
        made = strikes["side"] == i
        suffered = strikes["side"] == 1 - i
        dark = (blackouts["side"] == i) & (blackouts["count"] > 0)
        own = regions["side"] == i
        delays = response_delays(run, name)
        row: dict[str, float] = {
            "strikes": int(made.sum()),
            "answers": int((made & (strikes["cause"] == 4)).sum()),
        }
        for outcome in ("launched", "dud", "intercepted", "lost", "leaked", "strayed"):
            row[outcome] = int(strikes[outcome][made].sum())
        for outcome in ("killed", "injured"):
            row[outcome] = int(strikes[outcome][suffered].sum())
        row["damage_sites"] = float(strikes["damage"][suffered].sum())
        row["blackout_regions"] = len(np.unique(blackouts["region"][dark]))
        row["blackout_hours"] = float(regions["dark_hours"][own].sum())
        row["alert_hours"] = float(regions["alert_hours"][own].sum())
        row["cost_usd"] = float(strikes["cost_usd"][made].sum())
        row["defence_cost_usd"] = float(strikes["shot_cost_usd"][suffered].sum())
        row["response_delay_hours"] = float(np.median(delays)) if len(delays) else math.nan
        row["reproduction_number"] = reproduction_number(run, name)
        out[name] = row
    return out


def _regions_of(run: Run, figure: Figure, side: int) -> Array | None:
    """Give the numbers of a side's regions that a figure's place names; None for all."""
    scenario = run.scenario
    place = figure.place
    if place in ("countrywide", "both directions"):
        return None
    names = run.names["region"]
    owners = run.tables["regions"]["side"]
    held = scenario.places.get(place, (place,))
    return np.array([r for r, n in enumerate(names) if n in held and owners[r] == side])


def check_figures(run_scenario: Any, figures: Iterable[Figure]) -> None:
    """Refuse figures that a scenario has no sides or regions for.

    Parameters
    ----------
    run_scenario : Scenario
        What is at war.
    figures : iterable of Figure
        The figures it is to be compared with.

    Raises
    ------
    ScenarioError
        A side or a place that the scenario does not know; all of them at once.
    """
    scenario = run_scenario
    problems = []
    regions = {r for side in scenario.sides.values() for r in side.regions}
    third = {r.third_party for s in scenario.sides.values() for r in s.regions.values()}
    places = regions | set(scenario.places) | third | {"countrywide", "both directions"}
    for figure in figures:
        if figure.quantity not in QUANTITIES:
            known = closest(figure.quantity, QUANTITIES)
            message = f"unknown quantity {figure.quantity!r}: {known},"
            problems.append(Problem(f"figures.{figure.id}.quantity", message))
        elif figure.attacker == "both" and figure.unit in ("hours", "fraction"):
            message = f"{figure.quantity} of both sides together has no meaning"
            problems.append(Problem(f"figures.{figure.id}.attacker", message))
        for column, others in (("attacker", ("both",)), ("defender", ("both", "third party"))):
            side = getattr(figure, column)
            if side not in (*scenario.sides, *others):
                known = closest(side, scenario.sides)
                problems.append(
                    Problem(f"figures.{figure.id}.{column}", f"unknown side {side!r}: {known},")
                )
        if figure.place not in places:
            known = closest(figure.place, places - {""})
            problems.append(
                Problem(f"figures.{figure.id}.place", f"unknown place {figure.place!r}: {known},")
            )
    if problems:
        raise ScenarioError(problems, scenario.name)


def figure_value(run: Run, figure: Figure) -> float:
    """Give what a run says to a reported figure: the same quantity, window, place and weapons.

    Parameters
    ----------
    run : Run
        A run.
    figure : Figure
        A reported figure.

    Returns
    -------
    float
        In the figure's unit; NaN if the run has nothing to compare, such as no answer to
        time.

    Notes
    -----
    The window is whole days of the scenario's local time. It is what happened in the run
    that is compared, not what its claimants say. Weapons "launched" at a place are those
    that were stopped on their way to it or reached it; for a countrywide figure duds count
    as well. A response delay runs from the first launch of the strike answered, on the first
    day of the window, to the first launch of the answer.
    """
    if figure.attacker == "both":
        sides = range(2)
        return float(sum(_one_way(run, figure, side) for side in sides))
    return _one_way(run, figure, run.names["side"].index(figure.attacker))


def _categories(figure: Figure) -> Array:
    """Give the numbers of the weapon categories that a figure speaks of."""
    name = figure.weapon_category
    if name == "missile":
        held: tuple[str, ...] = _MISSILES
    elif name in CATEGORIES:
        held = (name,)
    elif figure.quantity in ("launched", "intercepted", "intercepted_fraction", "cost"):
        held = _AIR  # "missiles and drones": shelling is never counted among them
    else:
        held = CATEGORIES
    return np.array([CATEGORIES.index(c) for c in held])


def _hours(run: Run, day: Any) -> float:
    return run.scenario.hours(datetime.combine(day, time()))


def _one_way(run: Run, figure: Figure, attacker: int) -> float:
    begin = _hours(run, figure.date_start)
    end = _hours(run, figure.date_end + timedelta(days=1))
    strikes = run.tables["strikes"]
    log = run.tables["log"]
    weapons = run.tables["weapons"]
    regions = _regions_of(run, figure, 1 - attacker)
    quantity = figure.quantity
    if quantity == "response_delay":
        return _delay(run, figure, attacker, begin, end, regions)
    if quantity == "blackout_regions":
        return _dark(run, 1 - attacker, begin, end, regions)
    if quantity in ("duration", "cost"):
        first = strikes["first_launch_hours"]
        chosen = (strikes["side"] == attacker) & (first >= begin) & (first < end)
        if quantity == "cost":
            return float(strikes["cost_usd"][chosen].sum())
        if not chosen.any():
            return math.nan
        largest = np.flatnonzero(chosen)[np.argmax(strikes["launched"][chosen])]
        return float(strikes["last_impact_hours"][largest] - first[largest])

    own_strike = log["strike"] >= 0
    own_strike[own_strike] = strikes["side"][log["strike"][own_strike]] == attacker
    in_window = own_strike & (log["time_hours"] >= begin) & (log["time_hours"] < end)
    known = in_window & (log["weapon"] >= 0)
    of_category = np.zeros_like(known)
    of_category[known] = np.isin(weapons["category"][log["weapon"][known]], _categories(figure))

    def total(*kinds: str, anywhere: bool = False) -> float:
        chosen = of_category & np.isin(log["kind"], [_KINDS[kind] for kind in kinds])
        if regions is not None and not anywhere:
            chosen &= np.isin(log["region"], regions)
        return float(log["count"][chosen].sum())

    def launched() -> float:
        return total("launched") if regions is None else total("intercepted", "leaked")

    if quantity in ("launched", "strikes"):
        return launched()
    if quantity == "intercepted_fraction":
        sent = launched()
        return total("intercepted") / sent if sent > 0 else math.nan
    if quantity == "hits":
        return total("damage") if figure.unit != "weapons" else total("leaked")
    if quantity == "regions_hit":
        chosen = of_category & (log["kind"] == _KINDS["leaked"])
        if regions is not None:
            chosen &= np.isin(log["region"], regions)
        return float(len(np.unique(log["region"][chosen])))
    if quantity == "spillover":
        third = run.names["third_party"]
        neighbours = run.tables["regions"]["third_party"]
        beside = np.flatnonzero(
            neighbours == third.index(figure.place) if figure.place in third else neighbours >= 0
        )
        chosen = of_category & (log["kind"] == _KINDS["strayed"])
        return float(log["count"][chosen & np.isin(log["region"], beside)].sum())
    if quantity in ("intercepted", "killed", "injured"):
        return total(quantity)
    raise ScenarioError(
        [Problem(f"figures.{figure.id}.quantity", f"no run has a quantity {quantity!r}")]
    )


def _delay(
    run: Run, figure: Figure, attacker: int, begin: float, end: float, regions: Array | None
) -> float:
    """Time to an answer in the window to a strike on its first day.

    The first answer on the last day of the window, the day on which the figure puts it, or
    failing that the first of all.
    """
    strikes = run.tables["strikes"]
    log = run.tables["log"]
    first = strikes["first_launch_hours"]
    found: list[tuple[bool, float, float]] = []
    for strike in np.flatnonzero(strikes["side"] == attacker):
        parent = strikes["provoked_by"][strike]
        if parent < 0 or not begin <= first[strike] < end:
            continue
        if not begin <= first[parent] < begin + 24.0:
            continue
        rows = (log["strike"] == strike) & (log["weapon"] >= 0)
        used = run.tables["weapons"]["category"][log["weapon"][rows]]
        if not np.isin(used, _categories(figure)).any():
            continue
        if regions is not None and not np.isin(log["region"][rows], regions).any():
            continue
        delay = float(first[strike] - first[parent])
        found.append((first[strike] < end - 24.0, float(first[strike]), delay))
    return min(found)[2] if found else math.nan


def _dark(run: Run, side: int, begin: float, end: float, regions: Array | None) -> float:
    """Count a side's regions without power at some time of the window."""
    rows = run.rows("blackout")
    dark: set[int] = set()
    touched: set[int] = set()
    for when, region, owner, count in zip(
        rows["time_hours"], rows["region"], rows["side"], rows["count"], strict=True
    ):
        if owner != side or when >= end or (regions is not None and region not in regions):
            continue
        if count:
            dark.add(int(region))
            touched.add(int(region))
        else:
            dark.discard(int(region))
            if when < begin:
                touched.discard(int(region))
    return float(len(touched))
