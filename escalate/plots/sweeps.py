"""Pictures of sweeps: an outcome over the parameters of a design."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from escalate.designs import AS_IT_IS, Parameter
from escalate.errors import EscalateError, closest
from escalate.experiments import Sweep
from escalate.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["heat_map", "lines", "parallel_coordinates", "tornado"]

Array = np.ndarray[Any, Any]

_MOST_LINES, _MOST_NUMBERS = 8, 80  # that can be told apart, or read
_ROLES = {"lever": (style.SIDES[0], 0.45, ""), "uncertainty": (style.SIDES[1], 0.75, "/////")}


class _Axis(NamedTuple):
    """Where the values of a parameter stand."""

    name: str
    values: list[Any]
    places: Array
    """Numbers where they are, words at 0, 1, 2 and so on."""
    numeric: bool
    log: bool

    @property
    def edges(self) -> Array:
        """Edges of cells around the values, half-way between them."""
        x = np.log(self.places) if self.log else self.places
        if len(x) == 1:
            return np.array([self.places[0] - 0.5, self.places[0] + 0.5])
        middles = (x[1:] + x[:-1]) / 2.0
        edges = np.array([2.0 * x[0] - middles[0], *middles, 2.0 * x[-1] - middles[-1]])
        return np.exp(edges) if self.log else edges

    def label(self, ax: Axes, which: str) -> None:
        """Write name, scale and values along an axis."""
        axis = getattr(ax, f"{which}axis")
        width, height = style.points(ax)
        axis.set_label_text(_folded(self.name, width if which == "x" else height))
        axis.label.set_fontsize(style.MEDIUM)
        if self.log and len(self.places) > 1:
            getattr(ax, f"set_{which}scale")("log")
            axis.set_tick_params(which="both", labelsize=style.SMALL, width=0.6)
        if not self.numeric:
            room = width / len(self.values) if which == "x" else 90.0
            words = [_folded(_word(value), room, style.SMALL) for value in self.values]
            axis.set_ticks(self.places, words, fontsize=style.SMALL)
            axis.set_tick_params(length=0.0)


def _axis_of(parameter: Parameter, found: Iterable[Any]) -> _Axis:
    """Give the axis of a parameter, with the values that occur."""
    occurring = set(found)
    if parameter.choices:
        values = [label for label, _ in parameter.choices if label in occurring]
        values += [AS_IT_IS] if AS_IT_IS in occurring else []
    else:
        values = sorted(occurring, key=lambda value: (isinstance(value, str), value))
    numeric = all(_is_number(value) for value in values)
    if numeric:
        values = sorted(values)
    places = np.array(values if numeric else range(len(values)), dtype=float)
    return _Axis(parameter.name, values, places, numeric, numeric and parameter.log)


def heat_map(
    sweep: Sweep,
    outcome: str | ArrayLike,
    *,
    label: str = "",
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw an outcome over the two parameters of a grid, as a shade with lines of equal height.

    Dark is little. The first parameter goes across and the second up, numbers where they are and
    words one after the other; over words there are no lines, and the numbers stand in the cells.
    A cell is hatched where the interval of its mean is wider than a step between two lines, so
    that they may as well run elsewhere; it has a cross where a war failed, and stays white where
    there is no point or no value.

    Parameters
    ----------
    sweep : Sweep
        Over a grid, or a table with most of the combinations of two parameters.
    outcome : str or array_like, shape (points,)
        One of `Sweep.columns`, of which the mean is drawn; or numbers of your own, such as a
        ratio of two means, which have no interval.
    label : str, optional
        What to call it; needed for numbers of your own.
    level : float, optional
        Chance that the interval of a mean holds it. [-]
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        With the parameters' own numbers along it, so that more can be drawn in.

    Raises
    ------
    EscalateError
        Unknown outcome, or a design that is no grid of two parameters.

    Examples
    --------
    >>> import escalate as esc
    >>> from escalate.plots.sweeps import heat_map
    >>> channels = esc.lever("sides.A.layers.point.channels", choices=[2, 10])
    >>> tempo = esc.uncertainty("sides.B.tempos.routine.rate_per_day", choices=[0.1, 0.4])
    >>> table = esc.sweep(
    ...     esc.load_scenario("two-equal-sides"),
    ...     esc.designs.grid(channels, tempo),
    ...     replications=20,
    ...     rng=1,
    ... )
    >>> heat_map(table, "killed.A").get_xlabel()
    'channels'
    """
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import LogLocator, MaxNLocator

    axes, at = _combinations(sweep, "a heat map", 2)
    mean, half, words = _shown(sweep, outcome, label, level)
    ax = style.axes(ax, style.ONE_COLUMN, 2.9)
    across, up = axes
    across.label(ax, "x")
    up.label(ax, "y")
    values = np.full((len(up.values), len(across.values)), np.nan)
    values[at[1], at[0]] = mean
    known = np.ma.masked_invalid(values)
    if not known.count():
        return style.nothing(ax, "No point has a value.")
    # Over more than two powers of ten a straight scale would show the largest alone.
    wide = known.min() > 0.0 and known.max() > 100.0 * known.min()
    mesh = ax.pcolormesh(
        across.edges, up.edges, known, cmap="cividis", norm=LogNorm() if wide else None,
        rasterized=True,
    )  # fmt: skip
    bar = ax.get_figure(root=True).colorbar(mesh, ax=ax, pad=0.02)  # type: ignore[union-attr]
    bar.set_label(words, fontsize=style.MEDIUM)
    bar.ax.tick_params(labelsize=style.SMALL, width=0.6, length=2.5)
    bar.outline.set_linewidth(0.6)
    locator = LogLocator(subs=(1.0, 2.0, 5.0)) if wide else MaxNLocator(6)
    low, high = float(known.min()), float(known.max())
    steps = [s for s in locator.tick_values(low, high) if low <= s <= high]
    if len(steps) > 1:
        bar.set_ticks(steps, labels=[_word(s) for s in steps])
        bar.minorticks_off()

    shade: Any = mesh.norm

    def ink(value: float) -> str:
        """Give what can be read on a shade."""
        return "w" if float(shade(value)) < 0.55 else style.INK

    keys: dict[str, tuple[Any, ...]] = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        least = np.maximum(mean - half, 0.0)  # a mean of nothing is no height of a logarithm
        reach = np.log((mean + half) / least) if wide else 2.0 * half
    apart = np.diff(np.log(steps) if wide else steps)
    for point in np.flatnonzero(reach > (apart.min() if len(apart) else math.inf)):
        i, j = at[0][point], at[1][point]
        x, y = across.edges[i : i + 2], up.edges[j : j + 2]
        ax.add_patch(
            Rectangle(
                (x[0], y[0]), x[1] - x[0], y[1] - y[0], facecolor="none", linewidth=0.0,
                edgecolor=ink(mean[point]), hatch="//////", alpha=0.35,
            )
        )  # fmt: skip
        hatched = style.box("#BBBBBB", "w")
        hatched.set(hatch="//////", edgecolor=style.INK, linewidth=0.0)
        keys[f"{level:.0%} interval wider than a step of the scale"] = (hatched,)
    drawable = across.numeric and up.numeric and min(known.shape) > 1
    if drawable and len(steps) > 1 and known.count() > 3:
        inner = [s for s in steps if low < s < high]
        drawn = ax.contour(across.places, up.places, known, inner,
                           colors=[ink(s) for s in inner], linewidths=0.9)  # fmt: skip
        ax.clabel(drawn, fmt=_word, fontsize=style.SMALL, inline_spacing=2)
    elif not drawable and known.size <= _MOST_NUMBERS:
        for point in np.flatnonzero(~np.isnan(mean)):
            x, y = across.places[at[0][point]], up.places[at[1][point]]
            style.write(ax, _word(mean[point]), x, y, ha="center", color=ink(mean[point]))
    failed = np.flatnonzero(sweep.dataset["error"].to_numpy() != "")
    if len(failed):
        ax.plot(across.places[at[0][failed]], up.places[at[1][failed]], "x", color=style.SIDES[1],
                markersize=5.0, markeredgewidth=1.3, zorder=5)  # fmt: skip
        cross = style.line(style.SIDES[1], "x", "", 5.0)
        cross.set_markeredgewidth(1.3)
        keys["failed"] = (cross,)
    ax.set_xlim(across.edges[0], across.edges[-1])
    ax.set_ylim(up.edges[0], up.edges[-1])
    return style.legend(ax, keys) if keys else ax


def lines(
    sweep: Sweep,
    outcome: str,
    *,
    across: str = "",
    label: str = "",
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean of an outcome against one parameter, with a line per value of a second.

    Bands, and bars where there are words along the axis, are intervals of the mean, each by
    itself. With common random numbers two lines may differ for sure though their intervals
    overlap: the difference has a smaller error than either.

    Parameters
    ----------
    sweep : Sweep
        Over one parameter, or a grid or table of two.
    outcome : str
        One of `Sweep.columns`.
    across : str, optional
        Name of the parameter that goes across; the first if not given.
    label : str, optional
        What to call the outcome.
    level : float, optional
        Chance that the interval of a mean holds it. [-]
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        Unknown outcome or parameter, or a design of more than two parameters, or with more than
        eight values of the second.

    Examples
    --------
    >>> import escalate as esc
    >>> from escalate.plots.sweeps import lines
    >>> channels = esc.lever("sides.A.layers.point.channels", 2, 10, whole=True, levels=3)
    >>> war = esc.load_scenario("two-equal-sides")
    >>> table = esc.sweep(war, esc.designs.grid(channels), replications=20, rng=1)
    >>> lines(table, "killed.A").get_ylabel()
    'Killed, A (people)'
    """
    names = list(sweep.design.names)
    if across and across not in names:
        raise EscalateError(f"unknown parameter {across!r}: {closest(across, names)}")
    axes, at = _combinations(sweep, "a picture of lines", 1, 2)
    first = names.index(across) if across else 0
    along, place = axes[first], at[first]
    others, which = (
        (axes[1 - first], at[1 - first]) if len(axes) > 1 else (None, np.zeros_like(place))
    )
    many = len(others.values) if others else 1
    if many > _MOST_LINES:
        assert others is not None
        raise EscalateError(
            f"a picture of lines shows {_MOST_LINES} values of the second parameter at most, but "
            f"{others.name!r} has {many}; draw a heat map, or give `across={others.name!r}`"
        )
    mean, half, words = _shown(sweep, outcome, label, level)
    ax = style.axes(ax, style.ONE_COLUMN, 2.6, y=words)
    along.label(ax, "x")
    if np.isnan(mean).all():
        return style.nothing(ax, "No point has a value.")
    colours = _colours(many, others is not None and others.numeric)
    keys: dict[str, tuple[Any, ...]] = {}
    for k, colour in enumerate(colours):
        own = np.flatnonzero((which == k) & ~np.isnan(mean))
        own = own[np.argsort(place[own])]
        x, y, bar = along.places[place[own]], mean[own], half[own]
        mark, dash = "osD^vP*X"[k], style.DASHES[k % len(style.DASHES)]
        if along.numeric:
            ax.plot(x, y, color=colour, marker=mark, linestyle=dash, markersize=3.5, linewidth=1.1)
            ax.fill_between(x, y - bar, y + bar, facecolor=colour, alpha=0.22, linewidth=0.0)
        else:  # between words there is nothing to draw a line through
            dash, x = "", x + 0.5 * ((k + 0.5) / many - 0.5)
            ax.errorbar(x, y, np.where(np.isfinite(bar), bar, 0.0), color=colour, marker=mark,
                        linestyle="", markersize=4.0, elinewidth=1.0, capsize=2.0)  # fmt: skip
        if others is not None:
            keys[_word(others.values[k])] = (style.line(colour, mark, dash, 3.5),)
    if not along.numeric:
        ax.set_xlim(-0.5, len(along.values) - 0.5)
    if others is None:
        return ax
    # Beside the picture, in the order in which the lines end where that is the order of values.
    ax.legend(
        [key[0] for key in keys.values()], list(keys), title=_folded(others.name, 90.0),
        title_fontsize=style.SMALL, fontsize=style.SMALL, frameon=False, loc="upper left",
        bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, alignment="left", handlelength=2.2,
    )  # fmt: skip
    return ax


def tornado(sweep: Sweep, outcome: str, *, level: float = 0.95, ax: Axes | None = None) -> Axes:
    """Draw how far each parameter alone moves an outcome, the one that moves it most on top.

    The line is the mean in the scenario as it is, a bar leads from there to the mean at a value
    of one parameter, which stands at its end. The whisker is the interval of that difference. With
    common random numbers the replications are paired, which makes it narrow. Levers are full,
    uncertainties hatched.

    Parameters
    ----------
    sweep : Sweep
        Over what `escalate.designs.one_at_a_time` gave.
    outcome : str
        One of `Sweep.columns`.
    level : float, optional
        Chance that the interval of a difference holds it; for each by itself. [-]
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        Unknown outcome, or another design.

    Notes
    -----
    It says nothing about what parameters do together; see the indices of sensitivity for that.

    Examples
    --------
    >>> import escalate as esc
    >>> from escalate.plots.sweeps import tornado
    >>> war = esc.load_scenario("two-equal-sides")
    >>> channels = esc.lever("sides.A.layers.point.channels", 2, 20, whole=True)
    >>> design = esc.designs.one_at_a_time(war, channels)
    >>> tornado(esc.sweep(war, design, replications=20, rng=1), "killed.A").get_xlabel()
    'Killed, A (people)'
    """
    design = sweep.design
    if design.kind != "one_at_a_time":
        raise EscalateError(
            "a tornado needs a design that changes one parameter at a time, such as "
            f"one_at_a_time(...) gives, but this one is a {design.kind}"
        )
    words = _shown(sweep, outcome, "", level)[2]
    base = float(sweep.mean(outcome)[0])
    if math.isnan(base):
        ax = style.axes(ax, style.ONE_COLUMN, 2.0, x=words)
        return style.nothing(ax, "The scenario as it is has no value.")
    table = design.to_dataframe()
    changes = sweep.difference(outcome, 0, level)
    halves = changes["high"] - changes["difference"]
    bars: list[tuple[Parameter, list[tuple[str, float, float]]]] = []
    for i, one in enumerate(design.parameters):
        found = []
        for point, row in enumerate(design.rows):
            if row[i] is not None:
                change = float(changes["difference"].iloc[point])
                found.append((_word(row[i]), change, float(halves.iloc[point])))
        bars.append((one, found))
    bars.sort(key=lambda bar: _spread([change for _, change, _ in bar[1]]))
    # Two values that pull apart share a line; all else stands below each other.
    several = [
        1 if len(found) == 2 and found[0][1] * found[1][1] <= 0.0 else len(found)
        for _, found in bars
    ]
    heights = [max(1.0, 0.42 * number) for number in several]
    ax = style.axes(ax, style.ONE_COLUMN, 0.75 + 0.34 * sum(heights), x=words)
    titles: dict[float, str] = {}
    written = [(base, 0.0, 0.0)]  # where the words at the ends begin, which way, and how long
    for i, (one, found) in enumerate(bars):
        colour, white, hatch = _ROLES[one.role]
        top = sum(heights[: i + 1]) - 0.15
        thick = (heights[i] - 0.3) / several[i]
        for k, (word, change, half) in enumerate(found):
            y = top - thick * (0.5 + (k if several[i] > 1 else 0))
            if math.isnan(change):
                style.write(ax, f"{word}: no value", base, y, (4, 0), color=style.GREY)
                continue
            ax.barh(y, change, 0.86 * thick, base, facecolor=style.mixed(colour, white),
                    edgecolor=colour, linewidth=0.6, hatch=hatch, zorder=2)  # fmt: skip
            end, tip = base + change, half if math.isfinite(half) else 0.0
            ax.plot([end - tip, end + tip], [y, y], color=style.INK, linewidth=1.0, zorder=4)
            lesser = several[i] == 1 and (change, k) == min((f[1], j) for j, f in enumerate(found))
            left = lesser or change < 0.0
            beyond = min(end - tip, base) if left else max(end + tip, base)
            style.write(ax, word, beyond, y, (-4 if left else 4, 0), ha="right" if left else "left")
            written.append((beyond, -1.0 if left else 1.0, 0.6 * style.SMALL * len(word) + 8.0))
        title = _folded(one.name, 110.0)
        scenario = table[one.name].iloc[0]
        titles[top + 0.15 - heights[i] / 2.0] = (
            title if scenario == AS_IT_IS else f"{title}\n(is {_word(scenario)})"
        )
    ax.axvline(base, color=style.INK, linewidth=0.8, zorder=3)
    style.rows(ax, titles)
    ax.set_ylim(0.0, sum(heights))
    # Wide enough for the words at the ends, which take more of the axis the wider it is.
    low, high, width = base, base, 0.75 * style.points(ax)[0]
    for _ in range(30):
        reached = [x + way * length * (high - low) / width for x, way, length in written]
        low, high = min(reached), max(reached)
    if high > low:
        ax.set_xlim(low, high)
    style.write(ax, f"as it is: {_word(base)}", base, 1.0, (0, 5), ("data", "axes fraction"),
                ha="center")  # fmt: skip
    keys = {}
    for role in dict.fromkeys(one.role for one, _ in bars):
        colour, white, hatch = _ROLES[role]
        box = style.box(style.mixed(colour, white), colour)
        box.set_hatch(hatch)
        keys[role] = (box,)
    keys[f"{level:.0%} interval of the difference"] = (style.line(style.INK, "", "-", 0.0),)
    ax.legend([key[0] for key in keys.values()], list(keys), loc="lower right", ncols=len(keys),
              bbox_to_anchor=(1.0, 1.0 + 14.0 / style.points(ax)[1]), fontsize=style.SMALL,
              frameon=False, borderaxespad=0.0, columnspacing=1.0, handlelength=1.4,
              handletextpad=0.5)  # fmt: skip
    return ax


def parallel_coordinates(
    sweep: Sweep,
    outcomes: str | Iterable[str],
    *,
    highlight: float | ArrayLike = 0.1,
    ax: Axes | None = None,
) -> Axes:
    """Draw each point as a line through all its parameters and mean outcomes.

    Dark is much of the last outcome. By default the tenth of the points with most of it is
    drawn full, the rest thin behind it: where the full lines come through a parameter's axis
    close together, that parameter matters for the worst. Points of the same word are spread a
    little, so that one sees how many they are.

    Parameters
    ----------
    sweep : Sweep
        Over any design but one of one at a time.
    outcomes : str or iterable of str
        Some of `Sweep.columns`; the last one gives the shade.
    highlight : float or array_like of bool, optional
        Share of the points with most of the last outcome, or which points, shape (points,). [-]
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        With every axis from 0, its least value, to 1, its largest.

    Raises
    ------
    EscalateError
        Unknown outcome, a share not in [0, 1], another number of points, or another design.

    Examples
    --------
    >>> import escalate as esc
    >>> from escalate.plots.sweeps import parallel_coordinates
    >>> channels = esc.lever("sides.A.layers.point.channels", 2, 20, whole=True)
    >>> tempo = esc.uncertainty("sides.B.tempos.routine.rate_per_day", 0.05, 0.5)
    >>> design = esc.designs.latin_hypercube(channels, tempo, points=20, rng=1)
    >>> war = esc.load_scenario("two-equal-sides")
    >>> table = esc.sweep(war, design, replications=5, rng=1)
    >>> ax = parallel_coordinates(table, ["killed.A", "blackout_hours.A"])
    >>> len(ax.get_xticks())
    4
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    design = sweep.design
    if design.kind == "one_at_a_time":
        raise EscalateError(
            "parallel coordinates need a value of every parameter at each point, but a design of "
            "one at a time leaves the others alone; draw a tornado"
        )
    chosen = [outcomes] if isinstance(outcomes, str) else list(outcomes)
    if not chosen:
        raise EscalateError("`outcomes` must name at least one outcome, but got none")
    table = design.to_dataframe()
    uprights = [_upright(one, list(table[one.name])) for one in design.parameters]
    for outcome in chosen:
        mean, _, words = _shown(sweep, outcome, "", 0.95)
        low, high = _ends(mean)
        ticks = {0.0: _word(low), 1.0: _word(high)} if high > low else {0.5: _word(low)}
        uprights.append(_Upright(words, _within(mean, low, high), ticks))
    shade = mean
    picked = _picked(highlight, shade)
    ax = style.axes(ax, style.TWO_COLUMNS, 3.0)
    places = np.column_stack([upright.places for upright in uprights])
    whole = ~np.isnan(places).any(axis=1)
    if not whole.any():
        return style.nothing(ax, "No point has a value of every outcome.")
    # From pale, but not as pale as paper, to dark: what is much is dark in print as well.
    colours = LinearSegmentedColormap.from_list(
        "much", ["#E0BE36", "#8C8878", "#2F4D6E", "#00163F"]
    )
    norm = Normalize(low, high if high > low else low + 1.0)
    behind = float(np.clip(60.0 / whole.sum(), 0.12, 0.7))
    for those, alpha, thick in ((whole & ~picked, behind, 0.6), (whole & picked, 0.85, 1.1)):
        rows = np.flatnonzero(those)
        rows = rows[np.argsort(shade[rows], kind="stable")]  # the darkest on top
        ax.add_collection(
            LineCollection(
                [np.column_stack([range(len(uprights)), places[row]]) for row in rows],
                colors=colours(norm(shade[rows])), alpha=alpha, linewidths=thick,
                zorder=2 + (thick > 1.0),
            )
        )  # fmt: skip
    for x, upright in enumerate(uprights):
        ax.plot([x, x], [0.0, 1.0], color=style.INK, linewidth=0.7, zorder=4)
        for y, word in upright.ticks.items():
            # Numbers stand beyond the ends of their axis, words beside their place on it.
            beyond = 7.0 if y == 1.0 else -7.0
            offset = (4.0, 0.0) if upright.words or y == 0.5 else (0.0, beyond)
            style.write(ax, word, x, y, offset, ha="left" if offset[0] else "center",
                        bbox={"boxstyle": "round,pad=0.15", "facecolor": "w", "edgecolor": "none",
                              "alpha": 0.8})  # fmt: skip
    room = style.points(ax)[0] / len(uprights)
    titles = [_folded(upright.title, room, style.SMALL) for upright in uprights]
    ax.set_xticks(range(len(uprights)), titles, fontsize=style.SMALL)
    ax.tick_params(axis="x", length=0.0, pad=12.0)
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.set_xlim(-0.15, len(uprights) - 0.85)
    ax.set_ylim(-0.02, 1.08)
    figure: Any = ax.get_figure(root=True)
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=ax, pad=0.03, fraction=0.03)
    bar.set_label(uprights[-1].title, fontsize=style.SMALL)
    bar.ax.tick_params(labelsize=style.SMALL, width=0.6, length=2.5)
    bar.outline.set_linewidth(0.6)
    missing = int((~whole).sum())
    if missing:
        style.write(ax, f"{missing} of {len(whole)} points have no value", 0.0, 1.0, (0, 12),
                    "axes fraction", color=style.GREY)  # fmt: skip
    return ax


class _Upright(NamedTuple):
    """One axis of parallel coordinates."""

    title: str
    places: Array
    """Where each point crosses it, from 0 to 1; NaN where it has no value."""
    ticks: dict[float, str]
    words: bool = False
    """Whether there are words along it."""


def _upright(parameter: Parameter, found: Sequence[Any]) -> _Upright:
    """Give the axis of a parameter."""
    axis = _axis_of(parameter, found)
    where = dict(zip(axis.values, axis.places, strict=True))
    at = np.array([where[value] for value in found])
    if axis.numeric:
        low, high = _ends(at)
        ticks = {0.0: _word(low), 1.0: _word(high)} if high > low else {0.5: _word(low)}
        scaled = (np.log(at), math.log(low), math.log(high)) if axis.log else (at, low, high)
        return _Upright(axis.name, _within(*scaled), ticks)
    last = len(axis.values) - 1
    ticks = {(k / last if last else 0.5): _word(value) for k, value in enumerate(axis.values)}
    # The golden ratio spreads points of one word evenly, however many they are.
    aside = (np.arange(len(at)) * 0.6180339887) % 1.0 - 0.5
    places = _within(at, 0.0, float(last)) + aside * 0.3 / max(last, 1)
    return _Upright(axis.name, np.clip(places, 0.0, 1.0), ticks, True)


def _ends(values: Array) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    return (float(known.min()), float(known.max())) if len(known) else (math.nan, math.nan)


def _within(values: Array, low: float, high: float) -> Array:
    """Give where values lie between two ends, from 0 to 1; in the middle if these are one."""
    return (values - low) / (high - low) if high > low else np.where(np.isnan(values), np.nan, 0.5)


def _picked(highlight: Any, values: Array) -> Array:
    """Give which points are highlighted."""
    if _is_number(highlight):
        if not 0.0 <= highlight <= 1.0:
            raise EscalateError(f"`0 <= highlight <= 1` must hold, but got {highlight!r}")
        number = math.ceil(highlight * int(np.sum(~np.isnan(values))) - 1e-9)
        order = np.argsort(np.where(np.isnan(values), -math.inf, values), kind="stable")
        picked = np.zeros(len(values), bool)
        picked[order[len(order) - number :]] = True
        return picked
    given = np.asarray(highlight)
    if given.dtype != bool or given.shape != values.shape:
        raise EscalateError(
            f"`highlight` must be a share, or say yes or no for each of {len(values)} points, but "
            f"got an array of {given.dtype} of shape {given.shape}"
        )
    return given


# ---------------------------------------------------------------------- what is drawn
def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))


def _word(value: Any) -> str:
    """Write a value, numbers to three digits."""
    if not _is_number(value) or not math.isfinite(value):
        return str(value)
    for unit, name in ((1e9, "bn"), (1e6, "M")):
        if abs(value) >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:.3g}"


def _folded(words: str, room: float, size: float = style.MEDIUM) -> str:
    """Give words in lines that fit, broken at blanks and dots too."""
    wide = max(int(room / (0.55 * size)), 8)
    return "\n".join(
        line.replace(". ", ".") for line in textwrap.wrap(words.replace(".", ". "), wide)
    )


def _combinations(sweep: Sweep, what: str, *numbers: int) -> tuple[list[_Axis], list[Array]]:
    """Give the axes of a design that is a grid, and where on each of them every point stands."""
    design = sweep.design
    if len(design.parameters) not in numbers or design.kind == "one_at_a_time":
        allowed = " or ".join({1: "one parameter", 2: "two parameters"}[n] for n in numbers)
        raise EscalateError(
            f"{what} needs a design such as grid(...) gives over {allowed}, but this one is a "
            f"{design.kind} over {len(design.parameters)}: {', '.join(design.names)}"
        )
    table = design.to_dataframe()
    if table.duplicated().any():
        raise EscalateError(f"{what} needs each combination once, but some come twice")
    axes = [_axis_of(one, table[one.name]) for one in design.parameters]
    cells = math.prod(len(axis.values) for axis in axes)
    if design.kind != "grid" and len(design) < cells / 2:
        raise EscalateError(
            f"{what} needs most combinations of the values of its parameters, but a "
            f"{design.kind} has {len(design)} of {cells}; draw parallel coordinates"
        )
    at = [
        np.array([axis.values.index(value) for value in table[axis.name]], dtype=int)
        for axis in axes
    ]
    return axes, at


def _shown(sweep: Sweep, outcome: Any, label: str, level: float) -> tuple[Array, Array, str]:
    """Give the mean of an outcome at each point, half its interval, and what to call it."""
    if not isinstance(outcome, str):
        values = np.asarray(outcome, dtype=float)
        if values.shape != (len(sweep.design),):
            raise EscalateError(
                f"`outcome` must be a name or have shape ({len(sweep.design)},), a number for "
                f"each point, but it has {values.shape}"
            )
        if not label:
            raise EscalateError("numbers of your own need a `label`, but got none")
        return values, np.full(len(values), np.nan), label
    if outcome not in sweep.columns:
        known = closest(outcome, sweep.columns)
        raise EscalateError(f"unknown outcome {outcome!r}: {known}")
    found = sweep.table(outcome, level)
    mean = found[outcome].to_numpy()
    return mean, found[f"{outcome}.high"].to_numpy() - mean, label or _named(sweep, outcome)


def _named(sweep: Sweep, outcome: str) -> str:
    """Say what an outcome is, whose, and in which unit."""
    head, *places = outcome.split(".")
    unit = sweep.unit(outcome)
    words = head.removesuffix("_usd").removesuffix("_hours").replace("_", " ")
    words = ", ".join([words[0].upper() + words[1:], *places])
    return words if unit in ("", "1", head) else f"{words} ({unit})"


def _spread(changes: Sequence[float]) -> float:
    """Give how far changes lie apart, none at all among them."""
    known = [0.0, *(change for change in changes if not math.isnan(change))]
    return max(known) - min(known)


def _colours(number: int, ordered: bool) -> list[Any]:
    """Give colours of lines: from dark to bright where their values have an order."""
    import matplotlib as mpl

    if ordered and number > 2:
        return [mpl.colormaps["cividis"](0.85 * k / (number - 1)) for k in range(number)]
    return [*style.SIDES, *style.WEAPONS[1:], style.WEAPONS[0]][:number]
