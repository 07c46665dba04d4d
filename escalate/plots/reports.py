"""Pictures of reported figures, by themselves and beside simulated ones."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.comparison import LEVEL, Comparison
from escalate.errors import FigureError, Problem, closest
from escalate.figures import Figure, disagreements
from escalate.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


__all__ = ["figures", "reported"]


def figures(comparisons: Iterable[Comparison], *, ax: Axes | None = None) -> Axes:
    """Draw reported figures and what was simulated in their place, a row a figure.

    A row's numbers are divided by the one that was reported, or by the geometric middle of a
    range. The broad bar is what the words admit, with an arrow where they leave an end open;
    the line is the central 90% of many runs, dashed if it misses the bar, and the mark is the
    run. Zero stands apart at the left, and what lies beyond the scale at its end; the numbers
    themselves are at the right.

    Parameters
    ----------
    comparisons : iterable of Comparison
        What `escalate.compare_figures` gives.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import escalate as esc
    >>> run = esc.simulate(esc.load_scenario("february-2023"), rng=1)
    >>> esc.plots.figures(esc.compare_figures(run)).get_xlabel()
    'Simulated over reported (ratio, log scale)'
    """
    rows = tuple(comparisons)
    name = "Simulated over reported (ratio, log scale)"
    ax = style.axes(ax, style.TWO_COLUMNS, 0.8 + 0.13 * max(len(rows), 4), x=name)
    if not rows:
        return style.nothing(ax, "There is no reported figure to compare with.")
    named = [[n for n in (c.figure.low, c.figure.high) if n is not None] for c in rows]
    units = [math.sqrt(n[0] * n[-1]) or max(n) for n in named]
    ratios = [v / unit for c, unit in zip(rows, units, strict=True) if unit
              for v in (c.value, c.low, c.high) if v > 0.0]  # fmt: skip
    reach = int(np.clip(np.ceil(np.abs(np.log2(ratios)).max(initial=1.0)), 1, 4))
    zero, edge = -reach - 1.0, reach + 0.4

    def place(value: float, unit: float) -> float:
        """Give x: the log of the ratio, within the scale; NaN for NaN."""
        if value > 0.0:
            return max(min(math.log2(value / unit), edge), zero + 0.7) if unit else edge
        return zero if value == 0.0 else math.nan

    for y, (c, unit) in enumerate(zip(rows, units, strict=True)):
        low, high = (place(end, unit) for end in c.figure.bounds)
        ax.barh(y, high - low + 0.16, 0.66, low - 0.08, color=style.PALE, zorder=1)
        for end, tip, arrow in ((c.figure.low, low, "<"), (c.figure.high, high, ">")):
            if end is None:
                ax.plot(tip, y, arrow, color=style.GREY, markersize=4.0, zorder=2)
        colour, _, dash = style.FITS if c.compatible else style.MISSED
        ends = [place(c.low, unit), place(c.high, unit)]
        ax.plot(ends, [y, y], color=colour, linestyle=dash, linewidth=1.1, zorder=3)
        ax.plot(ends, [y, y], "|", color=colour, markersize=5.0, zorder=3)
        colour, mark, _ = style.FITS if c.run_compatible else style.MISSED
        ax.plot(place(c.value, unit), y, mark, color=colour, markersize=5.5, markeredgecolor="w",
                markeredgewidth=0.4, zorder=4)  # fmt: skip
        many = f" ({style.short(c.low)}{style.TO}{style.short(c.high)})" if c.found else ""
        style.write(ax, style.short(c.value) + many, 1.0, y, (3, 0), ("axes fraction", "data"))
    style.rows(ax, {y: _said(c.figure) for y, c in enumerate(rows)})
    at = [t for t in range(1 - reach, reach + 1) if reach < 3 or t % 2 == 0]
    ax.set_xticks([zero, *at], ["0", *(f"{2**t}" if t >= 0 else f"1/{2**-t}" for t in at)])
    ax.axvline(0.0, color=style.GREY, linewidth=0.6, zorder=0)
    ax.axvline(zero + 0.5, color=style.GREY, linewidth=0.6, linestyle=":", zorder=0)
    ax.set(xlim=(zero - 0.5, edge + 0.3), ylim=(len(rows) - 0.4, -0.6))
    many = f" ({LEVEL:.0%} of {rows[0].replications})" if rows[0].replications else ""
    style.write(ax, f"run{many}", 1.0, 1.0, (3, 5), "axes fraction")
    keys = {
        "reported": (style.box(style.PALE, style.PALE),),
        "fits": (style.line(*style.FITS, 5.0),),
    }
    return style.legend(ax, {**keys, "MISSED": (style.line(*style.MISSED, 5.0),)})


def reported(figures: Iterable[Figure], quantity: str, *, ax: Axes | None = None) -> Axes:
    """Draw what was reported of one quantity, a row a figure, in the order of the days counted.

    The broad bar is what the words admit, with an arrow where they leave an end open; the mark
    is the number that was named, or both of a range. Its shape and colour are those of the side
    that struck. At the right stands who said so, and which earlier figures that contradicts or
    revises.

    Parameters
    ----------
    figures : iterable of Figure
        What was reported; those of other quantities are left out.
    quantity : str
        What was counted or measured, such as ``killed``.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    FigureError
        If there is no figure of that quantity.

    Examples
    --------
    >>> import escalate as esc
    >>> esc.plots.reported(esc.shipped_figures(), "killed").get_xlabel()
    'Killed, as reported (people; log scale from 1 on)'
    """
    given = tuple(figures)
    rows = sorted(
        (figure for figure in given if figure.quantity == quantity),
        key=lambda f: (f.date_start, f.date_end, f.claimed_on or f.date_end, f.id),
    )
    if not rows:
        known = closest(quantity, {figure.quantity for figure in given})
        raise FigureError([Problem("quantity", f"no figure is of {quantity!r}: {known},")])
    units = list(dict.fromkeys(figure.unit for figure in rows))
    share = units == ["fraction"]
    scale = units[0] if len(units) == 1 else "number"
    name = f"{quantity.replace('_', ' ').capitalize()}, as reported ({scale}"
    ax = style.axes(ax, style.TWO_COLUMNS, min(0.9 + 0.16 * max(len(rows), 2), 100.0),
                    x=f"{name})" if share else f"{name}; log scale from 1 on)")  # fmt: skip
    largest = max([n for f in rows for n in (f.low, f.high, f.bounds[1]) if n and n < math.inf],
                  default=1.0)  # fmt: skip
    edge = 1.0 if share else min(2.0 * max(largest, 5.0), 1e15)
    if not share:
        ax.set_xscale("symlog", linthresh=1.0)
    sides = sorted({figure.attacker for figure in given} - {"both"})
    looks = dict(zip(sides, zip(style.SIDES, style.MARKERS, strict=True), strict=False))
    seen: dict[str, tuple[str, str]] = {}
    against: dict[str, list[str]] = {}
    for found in disagreements(rows):
        against.setdefault(found.later.id, []).append(f"{found.kind} {found.earlier.id}")
    for y, f in enumerate(rows):
        low, high = f.bounds
        low, high = min(low, edge), min(high, edge)
        ax.barh(y, high - low, 0.66, low, color=style.PALE, zorder=1)
        for end, tip, arrow in ((f.low, low, "<"), (f.high, high, ">")):
            if end is None:
                ax.plot(tip, y, arrow, color=style.GREY, markersize=4.0, clip_on=False, zorder=2)
        seen[f.attacker] = colour, mark = looks.get(f.attacker, (style.INK, "D"))
        ends = list(dict.fromkeys(min(n, edge) for n in (f.low, f.high) if n is not None))
        ax.plot(ends, [y] * len(ends), mark, color=colour, markersize=4.5, markeredgecolor="w",
                markeredgewidth=0.4, clip_on=False, zorder=4)  # fmt: skip
        words = "; ".join([f.claimant, *against.get(f.id, ())])
        style.write(ax, _plain(words, 36), 1.0, y, (8, 0), ("axes fraction", "data"))
        if y and f.date_start != rows[y - 1].date_start:
            ax.axhline(y - 0.5, color=style.GREY, linewidth=0.5, linestyle=":", zorder=0)
    labels = [_plain(f"{_days(f)}   {_said(f, quantity)}", 48) for f in rows]
    style.rows(ax, dict(enumerate(labels)))
    ax.set(xlim=(0.0, edge), ylim=(len(rows) - 0.4, -0.6))
    if not share:
        top = math.floor(math.log10(edge))
        at = [0.0, *(10.0**p for p in range(0, top + 1, 1 + top // 10))]
        ax.set_xticks(at, [style.short(n) for n in at])
        ax.set_xticks([], minor=True)
    keys: dict[str, tuple[Any, ...]] = {
        f"by {side}": (style.line(*seen[side], "", 4.5),)
        for side in sorted(seen, key=lambda side: (side not in looks, side))
    }
    keys["admitted by the words"] = (style.box(style.PALE, style.PALE),)
    if any(f.low is None or f.high is None for f in rows):
        keys["open end"] = (style.line(style.GREY, ">", "", 4.0),)
    return style.legend(ax, keys)


def _plain(words: str, most: int) -> str:
    """Give what somebody wrote on one line, cut where it is long, and not read as a formula."""
    words = re.sub(r"[\n\t\r\0]+", " ", words)
    return (words if len(words) <= most else f"{words[: most - 1]}…").replace("$", r"\$")


def _days(figure: Figure) -> str:
    """Give the days that are counted, as short as can be."""
    first, last = figure.date_start, figure.date_end
    if first == last:
        return f"{first}"
    return (
        f"{first}{style.TO}{last:%d}"
        if first.month == last.month
        else (
            f"{first}{style.TO}{last:%m-%d}"
            if first.year == last.year
            else f"{first}{style.TO}{last}"
        )
    )


def _said(c: Figure, known: str = "") -> str:
    """Say in a few words what was reported, of anything but what is known already."""
    sign = {"exactly": "", "about": "≈ ", "nearly": "≲ ", "at_least": "≥ ", "more_than": "> ",
            "at_most": "≤ ", "less_than": "< "}.get(c.relation)  # fmt: skip
    ends = dict.fromkeys(style.short(n) for n in (c.low, c.high) if n is not None)
    named = c.relation.replace("_", " ") if sign is None else sign + style.TO.join(ends)
    kind = "" if c.weapon_category in ("all", "unspecified") else f"{c.weapon_category} "
    what = {"response_delay": "delay", "intercepted_fraction": "share stopped"}.get(
        c.quantity, c.quantity
    )
    unit = {"hours": " h", "USD": " USD"}.get(c.unit, "")
    of = f"{kind}{'' if c.quantity == known else what}".strip().replace("_", " ")
    return f"{c.id} {c.attacker} {of}".strip() + f": {named}{unit}"
