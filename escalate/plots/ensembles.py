"""Pictures of many replications."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.comparison import figures_of
from escalate.ensemble import OUTCOMES, SERIES, Ensemble
from escalate.errors import EscalateError, closest
from escalate.figures import Figure
from escalate.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["distribution", "fan"]

_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
_BY_ATTACKER = {
    "strikes_per_day": "strikes", "launched_per_day": "launched",
    "intercepted_per_day": "intercepted", "leaked_per_day": "hits",
}  # fmt: skip
_BY_DEFENDER = {"killed_per_day": "killed", "injured_per_day": "injured"}
_NAMED = {
    "strikes_per_day": "Strikes", "launched_per_day": "Weapons launched",
    "intercepted_per_day": "Weapons stopped", "leaked_per_day": "Weapons got through",
    "killed_per_day": "People killed", "injured_per_day": "People injured",
    "damage_per_day": "Damage (sites)", "unengaged_per_day": "Weapons never engaged",
}  # fmt: skip


def fan(
    ensemble: Ensemble,
    outcome: str,
    side: str,
    *,
    cumulative: bool = False,
    figures: Iterable[Figure] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw an outcome over time: its median and the central 50% and 90% of the replications.

    Parameters
    ----------
    ensemble : Ensemble
        With that daily series among its outcomes.
    outcome : str
        One of `escalate.ensemble.SERIES`.
    side : str
        Whose: who launched, or who suffered.
    cumulative : bool, optional
        Draw what has come together since the start instead of what each day brings.
    figures : iterable of Figure, optional
        Reported figures to draw in, those of the scenario if not given. Drawn are those of the
        same quantity and side over all weapons: single days as they were said; with `cumulative`
        any window, at its end, on top of the median at its begin. Figures of a part of the
        country are dashed.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        Unknown side, or an outcome that the ensemble does not hold or that is no daily series.

    Examples
    --------
    >>> import escalate as esc
    >>> wars = esc.simulate_many(
    ...     esc.load_scenario("two-equal-sides"), replications=50, rng=1, outcomes="killed_per_day"
    ... )
    >>> esc.plots.fan(wars, "killed_per_day", "A", cumulative=True).get_ylabel()
    'People killed since the start'
    """
    held = [name for name in ensemble.data if name in SERIES]
    if outcome not in held:
        known = f"; to have it, give outcomes=[{outcome!r}]" if outcome in SERIES else ""
        raise EscalateError(
            f"unknown daily outcome {outcome!r}: {closest(outcome, held or SERIES)}{known}"
        )
    number, scenario = _side(ensemble, side), ensemble.scenario
    values = ensemble.data[outcome][:, :, number].astype(float)
    if cumulative:
        values = np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)
    bands = np.quantile(values, _LEVELS, axis=0)
    when = "since the start" if cumulative else "a day"
    ax = style.axes(ax, style.TWO_COLUMNS, 2.6, y=f"{_NAMED[outcome]} {when}")
    clock = style.clock(ax, scenario)
    days = values.shape[1]
    edges = np.minimum(24.0 * np.arange(days if cumulative else days + 1), scenario.horizon_hours)
    x, colour = clock(edges), style.SIDES[number]
    if not cumulative:  # a day's number holds for the whole day
        bands = np.concatenate([bands, bands[:, -1:]], axis=1)
    step: Any = None if cumulative else "post"
    keys: dict[str, tuple[Any, ...]] = {}
    for i, white, word in ((0, 0.8, "central 90%"), (1, 0.55, "central 50%")):
        face = style.mixed(colour, white)
        ax.fill_between(x, bands[i], bands[4 - i], step=step, facecolor=face, linewidth=0.0)
        keys[word] = (style.box(face, face),)
    drawn = ax.plot(x, bands[2], color=colour, linewidth=1.2)[0]
    if not cumulative:
        drawn.set_drawstyle("steps-post")
    keys["median"] = (style.line(colour, "", "-", 0.0),)
    shown = list(_comparable(figures_of(scenario) if figures is None else figures, outcome, side))
    top = float(bands[4].max())
    marks: list[tuple[float, float, float, bool]] = []
    for figure in shown:
        begin = (figure.date_start - scenario.start.date()) / timedelta(hours=1)
        end = (figure.date_end - scenario.start.date()) / timedelta(hours=1) + 24.0
        if end - begin > 24.0 and not cumulative:
            continue
        below = float(np.interp(begin, edges, bands[2])) if cumulative else 0.0
        low, high = figure.bounds
        marks.append((end if cumulative else end - 12.0, low + below, high + below,
                      figure.place == "countrywide"))  # fmt: skip
        top = max(top, low + below, high + below if high < math.inf else 0.0)
    if len(ax.get_shared_y_axes().get_siblings(ax)) > 1:  # those beside it may need more
        top = max(top, ax.get_ylim()[1] / 1.08)
    ax.set_ylim(0.0, 1.08 * top if top > 0.0 else 1.0)
    for k, (at, low, high, whole) in enumerate(sorted(marks)):
        same = sum(other[0] == at for other in sorted(marks)[:k])
        place = clock(min(at, scenario.horizon_hours)) + 0.09 * (same if not cumulative else -same)
        dash: Any = "-" if whole else (0, (2, 1.2))
        tip = min(high, 0.97 * ax.get_ylim()[1])
        ax.plot([place, place], [low, tip], color=style.INK, linewidth=1.0, linestyle=dash,
                zorder=4, clip_on=False)  # fmt: skip
        ends = [low] if high == math.inf else [low, high]
        ax.plot([place] * len(ends), ends, "_", color=style.INK, markersize=5.0, zorder=4,
                clip_on=False)  # fmt: skip
        if high == math.inf:
            ax.plot(place, tip, "^", color=style.INK, markersize=3.5, zorder=4, clip_on=False)
        if low == high:
            ax.plot(place, low, "D", color=style.INK, markersize=3.0, zorder=4, clip_on=False)
        keys["reported" if whole else "reported of a part"] = (
            style.line(style.INK, "", dash, 0.0),
        )
    return style.legend(ax, keys)


def distribution(ensemble: Ensemble, outcome: str, *, ax: Axes | None = None, **where: str) -> Axes:
    """Draw how an outcome is spread over the replications.

    Under the bars stand the central 90% and the median. Replications without a value, such as
    a delay where nothing was answered, are counted in the legend and not drawn.

    Parameters
    ----------
    ensemble : Ensemble
        With that outcome.
    outcome : str
        Any that is no daily series.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    **where : str
        Of the other dimensions one each, such as ``side="UA"`` or ``category="drone"``; without
        ``side`` both are drawn, over any other dimension the outcome is added up.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        Unknown outcome, dimension or place.

    Examples
    --------
    >>> import escalate as esc
    >>> wars = esc.simulate_many(esc.load_scenario("two-equal-sides"), replications=200, rng=1)
    >>> esc.plots.distribution(wars, "launched", category="drone").get_xlabel()
    'Launched, drone'
    """
    held = [name for name in ensemble.data if name not in SERIES]
    if outcome not in held:
        raise EscalateError(f"unknown outcome {outcome!r}: {closest(outcome, held)}")
    dimensions = OUTCOMES[outcome][1:]
    coordinates = ensemble.dataset.coords
    for name, value in where.items():
        if name not in dimensions:
            raise EscalateError(f"unknown dimension {name!r}: {closest(name, dimensions)}")
        known = [str(v) for v in coordinates[name].to_numpy()]
        if value not in known:
            raise EscalateError(f"unknown {name} {value!r}: {closest(value, known)}")
    array = ensemble.dataset[outcome].sel(where)
    array = array.sum([d for d in array.dims if d not in ("replication", "side")], skipna=False)
    groups = {
        str(name): array.sel(side=name).to_numpy() if "side" in array.dims else array.to_numpy()
        for name in (array["side"].to_numpy() if "side" in array.dims else [where.get("side", "")])
    }
    words = outcome.replace("_usd", " (USD)").replace("_hours", " (h)").replace("_", " ")
    words = ", ".join([words[0].upper() + words[1:], *(v for n, v in where.items() if n != "side")])
    ax = style.axes(ax, style.ONE_COLUMN, 2.4, x=words, y="Share of replications")
    known_values = {name: v[np.isfinite(v)] for name, v in groups.items()}
    together = np.concatenate(list(known_values.values()))
    if not len(together):
        return style.nothing(ax, "No replication has a value.")
    bins = _bins(together)
    keys: dict[str, tuple[Any, ...]] = {}
    tallest = 0.0
    sides = list(ensemble.scenario.sides)
    for name, values in known_values.items():
        i = sides.index(name) if name in sides else 0
        missing = len(groups[name]) - len(values)
        word = name or "all"
        if missing:
            word += f" ({missing} of {len(groups[name])} without)"
        face = style.mixed(style.SIDES[i], 0.75 if len(groups) > 1 else 0.55)
        keys[word] = (style.box(face, style.SIDES[i]),)
        if not len(values):
            continue
        shares = np.histogram(values, bins)[0] / len(values)
        tallest = max(tallest, float(shares.max()))
        ax.stairs(shares, bins, fill=True, facecolor=face, alpha=0.6, linewidth=0.0)
        ax.stairs(shares, bins, color=style.SIDES[i], linewidth=1.0,
                  linestyle=style.DASHES[i])  # fmt: skip
    for k, (name, values) in enumerate(known_values.items()):
        if len(values):
            i = sides.index(name) if name in sides else 0
            low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
            y = -tallest * (0.06 + 0.07 * k)
            ax.plot([low, high], [y, y], color=style.SIDES[i], linewidth=1.2)
            ax.plot(middle, y, style.MARKERS[i], color=style.SIDES[i], markersize=3.5)
    ax.set_ylim(-tallest * (0.06 + 0.07 * len(groups)), 1.08 * tallest)
    ax.set_yticks([t for t in ax.get_yticks() if 0.0 <= t <= 1.08 * tallest])
    return style.legend(ax, keys)


def _bins(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Give the edges of bars: whole numbers in the middle of them where all are whole."""
    low, high = float(values.min()), float(values.max())
    if np.all(values == np.round(values)):
        width = max(math.ceil((high - low + 1.0) / 40.0), 1)
        return np.arange(low - 0.5, high + width + 0.5, width)
    return np.histogram_bin_edges(values, bins=min(40, max(10, int(math.sqrt(len(values))))))


def _side(ensemble: Ensemble, side: str) -> int:
    names = list(ensemble.scenario.sides)
    if side not in names:
        raise EscalateError(f"unknown side {side!r}: {closest(side, names)}")
    return names.index(side)


def _comparable(figures: Iterable[Figure], outcome: str, side: str) -> Iterable[Figure]:
    """Give the figures that count the same of the same side, over all weapons."""
    for figure in figures:
        struck, striking = _BY_DEFENDER.get(outcome), _BY_ATTACKER.get(outcome)
        if figure.weapon_category in ("all", "unspecified") and (
            (figure.quantity == struck and figure.defender == side)
            or (figure.quantity == striking and figure.attacker == side)
        ):
            yield figure
