"""Pictures of reported figures beside simulated ones."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from escalate.comparison import LEVEL, Comparison
from escalate.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


__all__ = ["figures"]


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
    style.rows(ax, {y: _said(c) for y, c in enumerate(rows)})
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


def _said(comparison: Comparison) -> str:
    """Say in a few words what was reported."""
    c = comparison.figure
    sign = {"exactly": "", "about": "≈ ", "nearly": "≲ ", "at_least": "≥ ", "more_than": "> ",
            "at_most": "≤ ", "less_than": "< "}.get(c.relation)  # fmt: skip
    ends = dict.fromkeys(style.short(n) for n in (c.low, c.high) if n is not None)
    named = c.relation if sign is None else sign + style.TO.join(ends)
    kind = "" if c.weapon_category in ("all", "unspecified") else f"{c.weapon_category} "
    what = {"response_delay": "delay", "intercepted_fraction": "share stopped"}.get(c.quantity)
    unit = {"hours": " h", "USD": " USD"}.get(c.unit, "")
    return f"{c.id} {c.attacker} {kind}{what or c.quantity}: {named}{unit}".replace("_", " ")
