"""Pictures of sensitivity indices, and of the part of the space in which something happens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.errors import EscalateError, closest
from escalate.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from escalate.experiments import Sweep
    from escalate.sensitivity import Discovery, Indices

__all__ = ["discovery", "indices", "indices_over_time", "morris"]

_ROLES = {"lever": style.SIDES[0], "uncertainty": style.SIDES[1], "both": style.GREY}


def indices(found: Indices, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw S1 and ST of each parameter with their intervals.

    The full bar is S1, the pale one ST. Where a number is not to be trusted there is no bar,
    but a word; see `Indices.verdict`.

    Parameters
    ----------
    found : Indices
        What `escalate.sensitivity.sobol_indices` gave.
    outcome : str, optional
        Which, if it has several.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        An unknown outcome, or indices of another kind.

    Examples
    --------
    >>> import escalate as esc
    >>> from escalate.plots.sensitivity import indices
    >>> from escalate.sensitivity import saltelli, sobol_indices
    >>> costs = [
    ...     esc.uncertainty(f"sides.{side}.weapons.drone.unit_cost_usd", 2e4, 5e4) for side in "AB"
    ... ]
    >>> table = esc.sweep(
    ...     esc.load_scenario("two-equal-sides"), saltelli(*costs, base=16), replications=2, rng=1
    ... )
    >>> indices(sobol_indices(table, "cost_usd.A")).get_xlabel()
    'Share of the variance of cost_usd.A'
    """
    outcome = _outcome(found, outcome, "sobol")
    table = found.table[found.table["outcome"] == outcome]
    names = _by_size(found, outcome, "ST")
    height = 0.55 + 0.34 * len(names)
    ax = style.axes(ax, style.ONE_COLUMN, height, x=f"Share of the variance of {outcome}")
    seen: dict[str, str] = {}
    for y, name in enumerate(names):
        for index, offset, white in (("S1", -0.17, 0.1), ("ST", 0.17, 0.65)):
            row: Any = table[(table["parameter"] == name) & (table["index"] == index)].iloc[0]
            colour = _ROLES[row["role"]]
            seen[row["role"]] = colour
            if math.isnan(row["value"]):
                style.write(ax, f"{index}: {row['note']}", 0.0, y + offset, (3, 0),
                            color=style.GREY)  # fmt: skip
                continue
            face = style.mixed(colour, white)
            ax.barh(y + offset, row["value"], 0.3, color=face, edgecolor=colour, linewidth=0.6)
            ax.plot([row["low"], row["high"]], [y + offset] * 2, color=style.INK, linewidth=1.0)
            ax.plot([row["low"], row["high"]], [y + offset] * 2, "|", color=style.INK,
                    markersize=4.0)  # fmt: skip
    style.rows(ax, {float(y): _marked(found, name) for y, name in enumerate(names)})
    ax.set_xlim(0.0, 1.0)
    ax.set_ylim(len(names) - 0.5, -0.5)
    keys: dict[str, tuple[Any, ...]] = {
        word: tuple(style.box(style.mixed(colour, white), colour) for colour in seen.values())
        for word, white in (("alone (S1)", 0.1), ("with others (ST)", 0.65))
    }
    keys[f"{found.level:.0%} interval"] = (style.line(style.INK, "|", "-", 4.0),)
    return style.legend(ax, keys)


def indices_over_time(
    found: Indices,
    outcome: str,
    *,
    index: str | None = None,
    cumulative: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw an index of each parameter day by day, with its interval.

    Days on which an index is not to be trusted are left out.

    Parameters
    ----------
    found : Indices
        What `escalate.sensitivity.sobol_indices` or `morris_indices` gave.
    outcome : str
        A daily series of the sweep, and its side, such as ``killed_per_day.UA``.
    index : str, optional
        Which; ``ST`` or ``mu_star`` if not given.
    cumulative : bool, optional
        Of what has come together since the start.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        An outcome that is no daily series of the sweep, or an unknown index.

    Examples
    --------
    >>> import escalate as esc
    >>> from escalate.plots.sensitivity import indices_over_time
    >>> from escalate.sensitivity import saltelli, sobol_indices
    >>> belts = [
    ...     esc.lever(f"sides.{side}.layers.point.channels", 4, 16, whole=True) for side in "AB"
    ... ]
    >>> table = esc.sweep(
    ...     esc.load_scenario("two-equal-sides"), saltelli(*belts, base=16), replications=2, rng=1,
    ...     outcomes=["killed", "killed_per_day"],
    ... )  # fmt: skip
    >>> indices_over_time(sobol_indices(table), "killed_per_day.A").get_ylabel()
    'ST of killed_per_day.A'
    """
    values = found.over_time(outcome, cumulative=cumulative)
    index = index or str(values["index"].to_numpy()[-1 if found.kind == "sobol" else 0])
    known = [str(name) for name in values["index"].to_numpy()]
    if index not in known:
        raise EscalateError(f"unknown index {index!r}: {closest(index, known)}")
    from matplotlib.ticker import MaxNLocator

    when = ",\nsince the start" if cumulative else ""
    ax = style.axes(ax, style.TWO_COLUMNS, 2.4, x="Day", y=f"{index} of {outcome}{when}")
    own = values.sel(index=index)
    days = own["day"].to_numpy()
    keys: dict[str, tuple[Any, ...]] = {}
    any_drawn = False
    for i, name in enumerate(own["parameter"].to_numpy()):
        one = own.sel(parameter=name)
        colour = style.WEAPONS[i % len(style.WEAPONS)]
        mark = "osD^vP"[i % 6]
        dash = style.DASHES[0 if str(one["role"].to_numpy()) == "lever" else 1]
        value, low, high = (one[part].to_numpy() for part in ("value", "low", "high"))
        any_drawn |= bool(np.isfinite(value).any())
        ax.fill_between(days, low, high, facecolor=colour, alpha=0.18, linewidth=0.0)
        ax.plot(days, value, color=colour, linestyle=dash, linewidth=1.2)
        alone = np.isfinite(value) & (np.arange(len(days)) % max(len(days) // 12, 1) == 0)
        ax.plot(days[alone], value[alone], mark, color=colour, markersize=3.0)
        keys[_marked(found, str(name))] = (style.line(colour, mark, dash, 3.0),)
    ax.set_xlim(float(days[0]), float(max(days[-1], days[0] + 1)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if found.kind == "sobol":
        ax.set_ylim(0.0, 1.02)
    if not any_drawn:
        return style.nothing(ax, "On no day is an index known well enough.")
    return style.legend(ax, keys)


def morris(found: Indices, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw how far each parameter moves an outcome, against how much that differs over the space.

    On the left of the dashed line, on which the spread of the effects is their mean size, a
    parameter does different things in different places.

    Parameters
    ----------
    found : Indices
        What `escalate.sensitivity.morris_indices` gave.
    outcome : str, optional
        Which, if it has several.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        An unknown outcome, or indices of another kind.

    Examples
    --------
    >>> import escalate as esc
    >>> from escalate.plots.sensitivity import morris as draw
    >>> from escalate.sensitivity import morris, morris_indices
    >>> costs = [
    ...     esc.uncertainty(f"sides.{side}.weapons.drone.unit_cost_usd", 2e4, 5e4) for side in "AB"
    ... ]
    >>> table = esc.sweep(
    ...     esc.load_scenario("two-equal-sides"), morris(*costs, trajectories=4), replications=2,
    ...     rng=1,
    ... )  # fmt: skip
    >>> draw(morris_indices(table, "cost_usd.A")).get_xlabel()
    'Mean size of effect on cost_usd.A (mu*)'
    """
    outcome = _outcome(found, outcome, "morris")
    table = found.table[found.table["outcome"] == outcome].set_index(["index", "parameter"])
    ax = style.axes(ax, style.ONE_COLUMN, 2.6, x=f"Mean size of effect on {outcome} (mu*)",
                    y="Spread of effects (sigma)")  # fmt: skip
    known = table["value"].dropna().index
    names = [n for n in _by_size(found, outcome, "mu_star")
             if ("mu_star", n) in known and ("sigma", n) in known]  # fmt: skip
    unsure = [n for n in _by_size(found, outcome, "mu_star") if n not in names]
    if not names:
        return style.nothing(ax, "No effect is known well enough.")
    numbers: dict[str, tuple[Any, Any]] = {}
    for n in names:
        numbers[n] = table.loc[("mu_star", n)], table.loc[("sigma", n)]
    right = max(float(mean["high"]) for mean, _ in numbers.values()) * 1.06 or 1.0
    top = max(float(spread["high"]) for _, spread in numbers.values()) * 1.12
    top = top if top > 0.0 else right
    ax.set_xlim(-0.03 * right, right)
    ax.set_ylim(-0.04 * top, top)
    ax.plot([0.0, right], [0.0, right], color=style.GREY, linewidth=0.8,
            linestyle=style.DASHES[1], zorder=1)  # fmt: skip
    keys: dict[str, tuple[Any, ...]] = {}
    taken: list[tuple[float, float]] = []
    width, height = style.points(ax)
    for name, (mean, spread) in numbers.items():
        role = str(mean["role"])
        colour, mark = _ROLES[role], style.MARKERS[role != "lever"]
        x, y = float(mean["value"]), float(spread["value"])
        ax.plot([mean["low"], mean["high"]], [y, y], color=colour, linewidth=0.9)
        ax.plot([x, x], [spread["low"], spread["high"]], color=colour, linewidth=0.9)
        ax.plot(x, y, mark, color=colour, markersize=4.5, zorder=4)
        # Names that would fall on each other are stacked.
        at = (x / right * width, y / top * height)
        lift = sum(abs(at[0] - a) < 70.0 and abs(at[1] - b) < 8.0 for a, b in taken)
        taken.append(at)
        on_left = x > 0.6 * right
        style.write(ax, name, x, y, (-5 if on_left else 5, 6.0 + 8.0 * lift),
                    ha="right" if on_left else "left",
                    bbox={"facecolor": "w", "alpha": 0.75, "linewidth": 0.0, "pad": 0.4},
                    )  # fmt: skip
        keys[role] = (style.line(colour, mark, "-", 4.5),)
    if unsure:
        keys[f"{len(unsure)} not known well enough"] = (style.line("none", "", "", 0.0),)
    return style.legend(ax, keys)


def discovery(
    found: Discovery,
    sweep: Sweep,
    x: str | None = None,
    y: str | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw the points over two parameters, where it happens and where not, and the boxes.

    A box is a slab or a rectangle of the two parameters; what else bounds it is written beside it.

    Parameters
    ----------
    found : Discovery
        What `escalate.sensitivity.discover` gave.
    sweep : Sweep
        What it was given.
    x, y : str, optional
        Names of two parameters that take numbers; those that bound the largest box if not given.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        An unknown parameter, one that takes no numbers, or fewer than two that do.

    Examples
    --------
    >>> import escalate as esc
    >>> from escalate.plots.sensitivity import discovery
    >>> from escalate.sensitivity import discover
    >>> answers = "sides.{}.retaliations.answer.answers_mean"
    >>> a, b = (esc.uncertainty(answers.format(s), 0.2, 3.0, name=s) for s in "AB")
    >>> table = esc.sweep(
    ...     esc.load_scenario("two-equal-sides"), esc.designs.sobol(a, b, points=64, rng=1),
    ...     replications=5, rng=1, outcomes="answers",
    ... )  # fmt: skip
    >>> discovery(discover(table, "answers.A", above=20.0, rng=1), table, "A", "B").get_ylabel()
    'B'
    """
    from matplotlib.patches import Rectangle

    design = sweep.design
    columns = dict(zip(design.names, zip(*design.rows, strict=True), strict=True))
    numeric = [n for n, v in columns.items() if all(isinstance(one, (int, float)) for one in v)]
    bounding = [name for box in found.boxes for name in box.ranges]
    order = list(dict.fromkeys([*bounding, *numeric]))
    for name in (x, y):
        if name is not None and name not in numeric:
            raise EscalateError(
                f"`x` and `y` must be parameters that take numbers, but got {name!r}: "
                f"{closest(name, numeric)}"
            )
    x = x or next((name for name in order if name != y), None)
    y = y or next((name for name in order if name != x), None)
    if x is None or y is None or x == y:
        raise EscalateError("it takes two parameters that take numbers to draw a box over")
    ax = style.axes(ax, style.ONE_COLUMN, 3.0, x=x, y=y)
    across, up = (np.array(columns[name], float) for name in (x, y))
    logs = {one.name for one in design.parameters if one.log}
    for name, scale in ((x, ax.set_xscale), (y, ax.set_yscale)):
        if name in logs:
            scale("log")
    happens = found.happens == 1.0
    keys: dict[str, tuple[Any, ...]] = {}
    for rows, word, colour, mark, size in (
        (found.happens == 0.0, "otherwise", style.GREY, ".", 2.5),
        (happens, found.event, style.SIDES[1], "o", 3.0),
    ):
        face = "none" if mark == "." else colour
        ax.plot(across[rows], up[rows], mark, color=colour, markersize=size, markeredgewidth=0.6,
                markerfacecolor=colour if mark == "." else face, linestyle="none",
                alpha=0.8)  # fmt: skip
        keys[word] = (style.line(colour, mark, "", size + 1.0),)
    edges = []
    for values, name in ((across, x), (up, y)):
        low, high = float(values.min()), float(values.max())
        margin = 0.03 * (high - low) if name not in logs else 0.0
        factor = (high / low) ** 0.03 if name in logs else 1.0
        edges.append((low / factor - margin, high * factor + margin))
    ax.set_xlim(*edges[0])
    ax.set_ylim(*edges[1])
    for i, box in enumerate(found.boxes):
        (left, right), (bottom, top) = (
            _within(box.ranges.get(name, (-math.inf, math.inf)), edge)
            for name, edge in ((x, edges[0]), (y, edges[1]))
        )
        dash = style.DASHES[i % len(style.DASHES)]
        ax.add_patch(
            Rectangle((left, bottom), right - left, top - bottom, facecolor="none",
                      edgecolor=style.INK, linewidth=1.4, linestyle=dash, zorder=5, clip_on=False)
        )  # fmt: skip
        others = {n: r for n, r in box.ranges.items() if n not in (x, y)}
        words = [f"coverage {box.coverage:.0%}, density {box.density:.2f}"]
        more = str(type(box)(others, box.choices, 0, 0, 0, 0, 0, 0, box.whole))
        if others or box.choices:
            words.append(f"if {more}")
        keys["\n".join(words)] = (style.line(style.INK, "", dash, 0.0),)
    ax.legend([key[0] for key in keys.values()], list(keys), loc="lower left",
              bbox_to_anchor=(0.0, 1.0), fontsize=style.SMALL, frameon=False, borderaxespad=0.2,
              borderpad=0.0, handletextpad=0.5, handlelength=1.8)  # fmt: skip
    return ax


def _within(bounds: tuple[float, float], edge: tuple[float, float]) -> tuple[float, float]:
    return max(bounds[0], edge[0]), min(bounds[1], edge[1])


def _outcome(found: Indices, outcome: str | None, kind: str) -> str:
    """Give the outcome that is to be drawn."""
    if found.kind != kind:
        raise EscalateError(f"this draws indices of {kind}, but got those of {found.kind}")
    known = list(found.verdicts.index)
    if outcome is None and len(known) == 1:
        return str(known[0])
    if outcome not in known:
        raise EscalateError(f"unknown outcome {outcome!r}: {closest(str(outcome), known)}")
    return str(outcome)


def _by_size(found: Indices, outcome: str, index: str) -> list[str]:
    """Give the parameters, the largest first."""
    raw = found.raw[(found.raw["outcome"] == outcome) & (found.raw["index"] == index)]
    return [str(n) for n in raw.sort_values("value", ascending=False, kind="stable")["parameter"]]


def _marked(found: Indices, name: str) -> str:
    """Give a parameter's name with its role, for print that is grey."""
    raw = found.raw
    role = raw.loc[raw["parameter"] == name, "role"].iloc[0]
    return f"{name} (lever)" if role == "lever" and name != "lever" else name
