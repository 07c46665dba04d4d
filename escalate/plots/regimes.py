"""Pictures of regimes: R along the horizon, and outcomes over two parameters."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from escalate.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from escalate.regimes import PhaseDiagram, Regime

__all__ = ["phase_diagram", "regime"]


def regime(found: Regime, *, ax: Axes | None = None) -> Axes:
    """Draw the reproduction number along the horizon, and where it changed.

    A point is R of the strikes decided on in a window, its line the interval; an arrow says that
    the interval goes on beyond the picture. Steps are R between the changes that were found.
    Strikes in the shaded end are not counted, for not all of them had the time to be answered.

    Parameters
    ----------
    found : Regime
        What `escalate.regimes.regime` gave.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import escalate as esc
    >>> from escalate.plots.regimes import regime as draw
    >>> from escalate.regimes import regime
    >>> run = esc.simulate(esc.load_scenario("two-equal-sides"), rng=1)
    >>> draw(regime(run, rng=1)).get_ylabel()
    'Reproduction number R'
    """
    ax = style.axes(ax, style.TWO_COLUMNS, 2.4, y="Reproduction number R")
    clock = style.clock(ax, found.scenario)
    known = [w for w in found.windows if not math.isnan(w.number)]
    if not known:
        return style.nothing(ax, "No strike had the time to be answered.")
    end, last = found.scenario.horizon_hours, max(found.reproduction.until_hours)
    # High enough for every R, and for every interval that is not much wider than it.
    highest = max(w.number for w in known)
    top = max(1.5, *(min(w.high, 1.6 * highest) for w in (*known, found.reproduction))) * 1.12
    ax.axvspan(clock(last), clock(end), facecolor="#EEEEEE", zorder=0)
    ax.axhline(1.0, color=style.GREY, linewidth=0.8, linestyle=style.DASHES[1], zorder=1)
    style.write(ax, "R = 1", 1.0, 1.0, (4, 0), ("axes fraction", "data"), color=style.GREY)
    for window in known:
        x = clock((window.from_hours + max(window.until_hours)) / 2.0)
        ax.plot([x, x], [window.low, min(window.high, top)], color=style.INK, linewidth=0.8)
        ax.plot(x, window.number, "o", color=style.INK, markersize=3.5, zorder=4)
        if window.high > top:
            ax.plot(x, top, "^", color=style.INK, markersize=3.5, clip_on=False)
    edges = [0.0, *found.changes, last]
    for part, begin, over in zip(found.segments, edges, edges[1:], strict=False):
        if not math.isnan(part.number):
            ax.plot([clock(begin), clock(over)], [part.number] * 2, color=style.SIDES[1],
                    linewidth=2.0, solid_capstyle="butt", zorder=3)  # fmt: skip
    for when in found.changes:
        ax.axvline(clock(when), color=style.SIDES[1], linewidth=0.8, linestyle=style.DASHES[2])
    whole = found.reproduction
    high = " or more" if whole.high == math.inf else f"{style.TO}{whole.high:.2f}"
    name = found.name[0].upper() + found.name[1:]
    ax.set_ylim(0.0, top)
    keys = {f"window ({whole.level:.0%})": (style.line(style.INK, "o", "-", 3.5),)}
    keys["between changes" if found.changes else "throughout (no change found)"] = (
        style.line(style.SIDES[1], "", "-", 0.0),
    )
    keys["too late to be answered"] = (style.box("#EEEEEE", "#EEEEEE"),)
    above = style.legend(ax, keys).get_legend()
    assert above is not None
    rise = above.get_window_extent().height * 72.0 / above.get_figure(root=True).dpi  # type: ignore[union-attr]
    words = f"{name}: R {whole.number:.2f} ({whole.low:.2f}{high})"
    return style.write(ax, words, 0.0, 1.0, (0, rise + 9.0), "axes fraction",
                       fontsize=style.MEDIUM)  # fmt: skip


def phase_diagram(diagram: PhaseDiagram, *, ax: Axes | None = None) -> Axes:
    """Draw an outcome over two parameters, and the line on which the mean-field R is 1.

    Dark is little. The white line is the analytic boundary; where the outcome is R, the dashed
    one is where R as it came out of the wars is 1. Both are straight between the values that
    the parameters took.

    Parameters
    ----------
    diagram : PhaseDiagram
        What `escalate.regimes.phase_diagram` gave.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import escalate as esc
    >>> from escalate.plots.regimes import phase_diagram as draw
    >>> from escalate.regimes import phase_diagram
    >>> diagram = phase_diagram(
    ...     esc.load_scenario("two-equal-sides"),
    ...     ("sides.A.retaliations.answer.slip_prob", [0.0, 0.2]),
    ...     ("sides.B.assessment.miss_prob", [0.0, 0.5]),
    ...     replications=10,
    ...     rng=1,
    ... )
    >>> draw(diagram).get_ylabel()
    'B.assessment.miss_prob'
    """
    from matplotlib.colors import LogNorm
    from matplotlib.patheffects import AbstractPathEffect, withStroke

    ax = style.axes(ax, style.ONE_COLUMN, 3.1)
    width, height = style.points(ax)
    for label, path, room in (
        (ax.set_xlabel, diagram.x_path, width),
        (ax.set_ylabel, diagram.y_path, height),
    ):
        label(_folded(path, room), fontsize=style.MEDIUM)
    if np.isnan(diagram.values).all():
        return style.nothing(ax, "No cell has a value.")
    x, y = _edges(diagram.x), _edges(diagram.y)
    values = np.ma.masked_invalid(diagram.values)
    # Over more than two powers of ten a straight scale would show the largest alone.
    wide = values.min() > 0.0 and values.max() > 100.0 * values.min()
    mesh = ax.pcolormesh(x, y, values, cmap="cividis", norm=LogNorm() if wide else None,
                         rasterized=True)  # fmt: skip
    ax.set_facecolor("w")
    bar = ax.get_figure(root=True).colorbar(mesh, ax=ax, pad=0.02)  # type: ignore[union-attr]
    is_r = diagram.outcome == "reproduction_number"
    bar.set_label(f"R in {diagram.unit}" if is_r else f"Mean {diagram.outcome}",
                  fontsize=style.MEDIUM)  # fmt: skip
    bar.ax.tick_params(labelsize=style.SMALL, width=0.6, length=2.5)
    bar.outline.set_linewidth(0.6)
    keys = {}
    # A white road with dark edges, and dashes that can run along it.
    edges: list[AbstractPathEffect] = [withStroke(linewidth=4.2, foreground=style.INK)]
    halo: list[AbstractPathEffect] = [withStroke(linewidth=2.2, foreground="w")]
    lines = [("mean-field R = 1", diagram.mean_field, "w", 2.8, style.DASHES[0], edges)]
    if is_r:
        lines.append(("simulated R = 1", diagram.values, style.INK, 1.2, style.DASHES[1], halo))
    for name, surface, colour, thick, dash, around in lines:
        finite = surface[np.isfinite(surface)]
        key = style.line("none", "", "", 0.0)
        if not len(finite):
            keys[name.replace("= 1", "unknown")] = (key,)
        elif not finite.min() < 1.0 < finite.max():
            keys[name.replace("= 1", "> 1" if finite.min() >= 1.0 else "< 1") + " everywhere"] = (
                key,
            )
        else:
            surface = np.ma.masked_invalid(surface)
            drawn = ax.contour(diagram.x, diagram.y, surface, [1.0], colors=colour,
                               linewidths=thick, linestyles=[dash])  # fmt: skip
            key = style.line(colour, "", dash, 0.0)
            for artist in (drawn, key):
                artist.set_path_effects(around)
            key.set_linewidth(thick)
            keys[name] = (key,)
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(y[0], y[-1])
    return style.legend(ax, keys)


def _edges(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    """Give the edges of cells around some values, half-way between them."""
    middles = (values[1:] + values[:-1]) / 2.0
    return [2.0 * values[0] - middles[0], *middles, 2.0 * values[-1] - middles[-1]]


def _folded(path: str, room: float) -> str:
    """Give a path without its first word, in lines that fit, broken at the dots."""
    words = path.removeprefix("sides.").replace(".", ". ")
    lines = textwrap.wrap(words, max(int(room / (0.55 * style.MEDIUM)), 10))
    return "\n".join(line.replace(". ", ".") for line in lines)
