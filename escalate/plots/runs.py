"""Pictures of one run."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.comparison import Comparison
from escalate.errors import Problem, ScenarioError, closest
from escalate.events import KINDS
from escalate.plots import _style as style
from escalate.plots.reports import figures
from escalate.results import Run
from escalate.rules import CATEGORIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


__all__ = ["causal_tree", "interception", "overview", "stocks", "timeline"]


def timeline(run: Run, *, ax: Axes | None = None, max_arrows: int = 20) -> Axes:
    r"""Draw every strike at its time, one side's upwards and the other's downwards.

    A bar begins at the first launch and is as wide as the strike is long, if that can be seen.
    Its height is the weapons launched: what got through from the middle line on, and what was
    stopped or failed beyond. Strikes of artillery alone are pale and stand behind. Arrows lead
    from strikes to their answers; the largest numbers of people killed stand at the margin.

    Parameters
    ----------
    run : Run
        A run.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    max_arrows : int, optional
        Draw no more than this, those to the largest answers, and say so. [arrows]

    Returns
    -------
    Axes

    Examples
    --------
    >>> import escalate as esc
    >>> run = esc.simulate(esc.load_scenario("two-equal-sides"), rng=1)
    >>> esc.plots.timeline(run).get_ylabel()
    'Weapons launched per strike\n(square-root scale)'
    """
    from matplotlib.patches import FancyArrowPatch

    ax = style.axes(
        ax, style.TWO_COLUMNS, 2.8, y="Weapons launched per strike\n(square-root scale)"
    )
    clock, strikes, end = (
        style.clock(ax, run.scenario),
        run.tables["strikes"],
        run.scenario.horizon_hours,
    )
    made, first, causes = _made(run)
    launched, side, killed = (strikes[c] for c in ("launched", "side", "killed"))
    if not len(made):
        return style.nothing(ax, "No strike was made.")
    peaks = [int(launched[side == i].max(initial=0)) for i in (0, 1)]
    _mirror(ax, peaks, np.sqrt, np.square, style.ROUND, room=0.25)
    truces = run.rows("truce")
    begun: list[float] = []
    for when, begins in zip(truces["time_hours"], truces["count"], strict=True):
        if begins:
            begun.append(float(when))
        elif begun:  # the one that began first ends first
            _shade_truce(ax, clock(begun.pop(0)), clock(float(when)))
    for still in begun:
        _shade_truce(ax, clock(still), clock(end))

    up, rows = np.where(side == 0, 1, -1), run.rows("launched")
    shells = run.tables["weapons"]["category"][rows["weapon"]] == CATEGORIES.index("artillery")
    flown = np.isin(np.arange(len(side)), rows["strike"][~shells])
    hours = np.maximum(np.maximum(strikes["last_impact_hours"], first) - first, end / 250.0)
    width = clock(first + hours) - clock(first)
    leaked, keys = strikes["leaked"], {}
    parts = [("got through", 0.0, 0 * leaked, leaked),
             ("stopped or failed", 0.7, leaked, launched - leaked)]  # fmt: skip
    for part, white, below, counts in parts:
        shell = style.GREY, max(white, 0.85), 0.5
        looks = [(style.SIDES[side[s]], white, 0.0) if flown[s] else shell for s in made]
        bars = ax.bar(
            clock(first[made]), (up * counts)[made], width[made], (up * below)[made], label=part,
            color=[style.mixed(ink, face) for ink, face, _ in looks], linewidth=0.4, align="edge",
            edgecolor=[style.mixed(ink, edge) for ink, _, edge in looks],
        )  # fmt: skip
        for bar, strike in zip(bars, made, strict=True):  # the small stand before the large
            bar.set_zorder(1 + flown[strike] + 1 / (1 + launched[strike]))
        keys[part] = tuple(style.box(style.mixed(ink, white), ink) for ink in style.SIDES)
    if not flown[made].all():
        keys["artillery alone"] = (
            style.box(style.mixed(style.GREY, 0.85), style.mixed(style.GREY, 0.5)),
        )

    answers = made[causes[made] >= 0]
    drawn = answers[np.argsort(-launched[answers], kind="stable")[:max_arrows]]
    for answer in drawn:
        cause = causes[answer]
        begin = clock(min(first[cause] + hours[cause], first[answer]))
        ax.add_artist(FancyArrowPatch(
            (begin, up[cause] * launched[cause]), (clock(first[answer]), (up * launched)[answer]),
            arrowstyle="-|>", mutation_scale=6.0, linewidth=0.7, color=style.INK, shrinkA=0.0,
            shrinkB=0.0, connectionstyle=f"arc3,rad={-0.25 * up[cause]}", zorder=4,
        ))  # fmt: skip
    if len(drawn):
        few = f"{len(drawn)} largest of {len(answers)} answers"
        keys["answer" if len(drawn) == len(answers) else few] = (
            style.line(style.INK, ">", "-", 3.0),
        )

    written: list[tuple[int, float]] = []
    for strike in made[np.argsort(-killed[made], kind="stable")]:
        others = [abs(first[strike] - other) for i, other in written if i == side[strike]]
        many = killed[strike] > killed.max() / 10 and len(others) < 3
        if many and min(others, default=end) > 0.09 * end:
            written.append((side[strike], first[strike]))
            middle, edge = first[strike] + hours[strike] / 2, ax.get_ylim()[side[strike] ^ 1]
            x = clock(min(middle, end))  # what lands after the end is counted, but not drawn
            ax.plot(
                [x, x], [(up * launched)[strike], 0.78 * edge], ":", color=style.GREY, linewidth=0.6
            )
            at = "left" if middle < 0.03 * end else "right" if middle > 0.97 * end else "center"
            style.write(ax, f"{killed[strike]} killed", x, edge, (0, -4 * up[strike]), ha=at)
    ax.axhline(0.0, color=style.INK, linewidth=0.6, zorder=5)
    for i, name in enumerate(run.names["side"]):
        middle = (_height(ax, 0.0) + 1 - i) / 2
        style.write(
            ax, f"{name}\nstrikes", 1.0, middle, (4, 0), "axes fraction", color=style.SIDES[i]
        )
    return style.legend(ax, keys)


def stocks(run: Run, *, side: str | None = None, ax: Axes | None = None) -> Axes:
    r"""Draw the stock of each weapon over time, in steps.

    It is initial + produced + delivered - launched, row by row of the log; what is produced
    stands in the log, and so here, when something first asks for it. The scale is that of
    the logarithm of 1 + stock: equal shares lost look alike, and zero can be seen.

    Parameters
    ----------
    run : Run
        A run.
    side : str, optional
        One side's stocks; both if not given, the second side's downwards.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    ScenarioError
        Unknown side.

    Examples
    --------
    >>> import escalate as esc
    >>> run = esc.simulate(esc.load_scenario("two-equal-sides"), rng=1)
    >>> esc.plots.stocks(run).get_ylabel()
    'Weapons in stock\n(log scale)'
    """
    sides = _sides(run, side)
    ax = style.axes(ax, style.TWO_COLUMNS, 2.4, y="Weapons in stock\n(log scale)")
    clock, weapons, log = style.clock(ax, run.scenario), run.tables["weapons"], run.tables["log"]
    owned = np.flatnonzero(np.isin(weapons["side"], sides))
    if not len(owned):
        return style.nothing(ax, "No weapon is owned.")
    sign = {"launched": -1, "produced": 1, "delivered": 1}
    change = log["count"] * np.array([sign.get(kind, 0) for kind in KINDS])[log["kind"]]
    peaks, ends = [0] * len(sides), []
    alike: dict[tuple[int, int], int] = {}
    for weapon in owned:
        rows = (log["weapon"] == weapon) & (change != 0)
        level = weapons["initial"][weapon] + np.cumsum([0, *change[rows], 0])
        owner, category = (int(weapons[c][weapon]) for c in ("side", "category"))
        half = sides.index(owner)
        peaks[half] = max(peaks[half], int(level.max()))
        level = -level if half else level
        before = alike[owner, category] = alike.get((owner, category), -1) + 1
        name = f"{run.names['side'][owner]} {run.names['weapon'][weapon]}".replace("_", " ")
        ax.step(
            clock(np.array([0.0, *log["time_hours"][rows], run.scenario.horizon_hours])), level,
            where="post", color=style.WEAPONS[category], linewidth=1.1, label=name,
            linestyle=style.DASHES[before % len(style.DASHES)],
        )  # fmt: skip
        ends.append((float(level[-1]), name, style.WEAPONS[category], style.SIDES[owner]))
    _mirror(ax, peaks, np.log1p, np.expm1, style.ROUND[::3], room=0.05)
    ax.axhline(0.0, color=style.INK, linewidth=0.6)
    ends.sort(key=lambda end: end[0])
    at = np.array([_height(ax, y) for y, *_ in ends])
    steps = np.arange(len(at)) * 1.2 * style.SMALL / style.points(ax)[1]
    # Names that would overlap give way to each other, as far up as down.
    up = np.maximum.accumulate(at - steps)
    down = np.minimum.accumulate((at - steps)[::-1])[::-1]
    for (_, name, colour, ink), y, put in zip(ends, at, (up + down) / 2 + steps, strict=True):
        arrow = {"arrowstyle": "-", "color": colour, "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)}
        ax.annotate(name, (1.0, y), (1.025, put), "axes fraction", va="center",
                    fontsize=style.SMALL, color=ink, arrowprops=arrow)  # fmt: skip
    return ax


def interception(run: Run, *, side: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw what became of the weapons launched at a side, by their category.

    A bar is all weapons of a category launched at that side, their number at its end. Its
    parts are the shares of them that failed, that each layer of the defence stopped, the
    outermost first, and that got through. So a layer's share is of what was launched, not of
    what came as far as the layer. Electronic layers are hatched.

    Parameters
    ----------
    run : Run
        A run.
    side : str, optional
        The defender; both, one below the other, if not given.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    ScenarioError
        Unknown side.

    Examples
    --------
    >>> import escalate as esc
    >>> run = esc.simulate(esc.load_scenario("two-equal-sides"), rng=1)
    >>> esc.plots.interception(run).get_xlabel()
    'Share of the weapons launched (%)'
    """
    sides = _sides(run, side)
    ax = style.axes(ax, style.ONE_COLUMN, 3.0, x="Share of the weapons launched (%)")
    log, weapons, layers = (run.tables[name] for name in ("log", "weapons", "layers"))
    ticks, y = {}, 0.0
    for defender in sides:
        own = np.flatnonzero(layers["side"] == defender)
        against = weapons["side"] == 1 - defender
        if not weapons["launched"][against].any():
            continue
        named = [f"{i} {run.names['layer'][k]}".replace("_", " ") for i, k in enumerate(own, 1)]
        words = f"At {run.names['side'][defender]}, stopped by: {', '.join(named) or 'no layer'}"
        lines = textwrap.wrap(words, int(style.points(ax)[0] / (0.55 * style.SMALL)))
        y += 0.6 * len(lines)
        style.write(ax, "\n".join(lines), 0.0, y - 0.45, va="bottom", color=style.SIDES[defender],
               in_layout=False)  # fmt: skip
        greens = [style.mixed("#009E73", white) for white in np.linspace(0.85, 0.2, len(own))]
        faces = ["w", *greens, style.INK]
        hatches = ["", *("////" if electronic else "" for electronic in layers["electronic"][own])]
        for category, word in enumerate(CATEGORIES):
            held = against & (weapons["category"] == category)
            sent = int(weapons["launched"][held].sum())
            if not sent:
                continue
            ours = np.isin(log["weapon"], np.flatnonzero(held)) * log["count"]
            dud, hit, leaked = (ours * (log["kind"] == list(KINDS).index(kind))
                                for kind in ("dud", "intercepted", "leaked"))  # fmt: skip
            by_layer = [hit[log["layer"] == layer].sum() for layer in own]
            shares = np.array([dud.sum(), *by_layer, leaked.sum()]) * 100.0 / sent
            lefts = np.cumsum(shares) - shares
            ax.barh(y, shares, 0.72, lefts, color=faces, edgecolor=style.INK, linewidth=0.4,
                    hatch=[*hatches, ""])  # fmt: skip
            for i in range(1, len(own) + 1):
                if shares[i] > 5.0:
                    style.write(ax, f"{i}", lefts[i] + shares[i] / 2, y, ha="center",
                           bbox={"fc": faces[i], "lw": 0, "pad": 0.5})  # fmt: skip
            style.write(ax, f"{sent:,}", 100.0, y, (3, 0))
            ticks[y] = word
            y += 1.0
    if not ticks:
        return style.nothing(ax, "Nothing was launched.")
    style.rows(ax, ticks)
    ax.set(xlim=(0.0, 100.0), ylim=(y - 0.4, -0.4))
    return style.legend(
        ax,
        {"failed": (style.box("w", style.INK),), "got through": (style.box(style.INK, style.INK),)},
    )


def causal_tree(run: Run, *, ax: Axes | None = None) -> Axes:
    r"""Draw who provoked whom: the strikes over time, each joined to its answers.

    A chain of answers runs along a lane of its own, and a further answer to the same strike
    opens another. Lanes are used again once they are free, so their order means nothing.
    Strikes neither provoked nor answered stand apart, in a row a side. The area of a mark
    grows with the weapons launched.

    Parameters
    ----------
    run : Run
        A run.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import escalate as esc
    >>> run = esc.simulate(esc.load_scenario("two-equal-sides"), rng=1)
    >>> esc.plots.causal_tree(run).get_ylabel()
    'Chains of answers\n(a lane each)'
    """
    ax = style.axes(ax, style.TWO_COLUMNS, 2.4, y="Chains of answers\n(a lane each)")
    clock, (made, first, causes) = style.clock(ax, run.scenario), _made(run)
    side, launched = (run.tables["strikes"][c] for c in ("side", "launched"))
    if not len(made):
        return style.nothing(ax, "No strike was made.")
    lanes = _lanes(made, first, causes, 0.02 * run.scenario.horizon_hours)
    ticks: dict[float, str] = {}
    for i, name in enumerate(run.names["side"]):
        alone = [int(s) for s in made if s not in lanes and side[s] == i]
        if alone:
            row = min(0.0, *ticks, 0.0) - 1.2
            ticks[row] = f"{name} alone ({len(alone)})"
            lanes |= dict.fromkeys(alone, row)
    x = clock(first)
    for strike in made[causes[made] >= 0]:
        path = [causes[strike], causes[strike], strike]
        ax.plot(x[path], [lanes[s] for s in (path[0], strike, strike)], color=style.GREY,
                linewidth=0.7, zorder=1)  # fmt: skip
    most, keys = launched.max(), {}
    for i, name in enumerate(run.names["side"]):
        own = made[side[made] == i]
        ax.scatter(
            x[own], [lanes[s] for s in own], 5.0 + 60.0 * launched[own] / most,
            color=style.SIDES[i], marker=style.MARKERS[i], edgecolor="w", linewidth=0.4, zorder=2,
            clip_on=False,
        )  # fmt: skip
        keys[f"{name} strikes"] = (style.line(style.SIDES[i], style.MARKERS[i], "", 5.0),)
    size = max(n for n in style.ROUND if n <= most)
    key = style.line(style.PALE, "o", "", math.sqrt(5.0 + 60.0 * size / most))
    style.rows(ax, ticks)
    ax.set_ylim(min(lanes.values()) - 0.8, max(lanes.values()) + 0.8)
    return style.legend(ax, {**keys, f"{size:,} weapons": (key,)})


def overview(run: Run, comparisons: Iterable[Comparison] | None = None) -> Figure:
    """Put the pictures of a run on one page, two columns wide.

    Parameters
    ----------
    run : Run
        A run.
    comparisons : iterable of Comparison, optional
        Reported figures to show with it, from `escalate.compare_figures`.

    Returns
    -------
    Figure
        To be saved with its ``savefig``; it needs no display, and pyplot does not know it.

    Examples
    --------
    >>> import escalate as esc
    >>> run = esc.simulate(esc.load_scenario("two-equal-sides"), rng=1)
    >>> len(esc.plots.overview(run).axes)
    4
    """
    from matplotlib.figure import Figure

    from escalate.plots._layout import Layout

    rows = tuple(comparisons or ())
    # A long table of figures takes the right column of the page, a short one its foot.
    long, table = len(rows) > 15, 0.7 + 0.126 * len(rows)
    heights = [4.2, table] if long else [4.2, 2.6, table][: 2 + bool(rows)]
    page = Figure((style.TWO_COLUMNS, sum(heights)), layout=Layout())
    bands = page.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    left, right = bands[1].subfigures(1, 2, width_ratios=(0.64, 1.0) if long else (1.2, 1.0))
    tree, shares = left.subfigures(2, 1, height_ratios=(1.0, 1.2)) if long else (left, right)
    first, second = bands[0].subplots(2, 1, sharex=True, height_ratios=(1.2, 1.0))
    stocks(run, ax=second)
    timeline(run, ax=first).label_outer()
    bands[0].align_ylabels()
    causal_tree(run, ax=tree.subplots())
    interception(run, ax=shares.subplots())
    if rows:
        figures(rows, ax=(right if long else bands[2]).subplots())
    for ax, letter in zip(page.axes, "abcde", strict=False):
        style.write(ax, letter, 0.0, 1.0, (2, 5), ("subfigure fraction", "axes fraction"),
               fontsize=style.LARGE, fontweight="bold", in_layout=False)  # fmt: skip
    return page


def _sides(run: Run, name: str | None) -> tuple[int, ...]:
    names = run.names["side"]
    if name is None:
        return (0, 1)
    if name not in names:
        raise ScenarioError([Problem("side", f"unknown side {name!r}: {closest(name, names)},")])
    return (names.index(name),)


def _made(run: Run) -> tuple[Any, Any, Any]:
    """Give the strikes that launched something, and of all strikes the hour and the cause."""
    strikes = run.tables["strikes"]
    launched = strikes["launched"] > 0
    first = np.where(launched, strikes["first_launch_hours"], 0.0)
    causes = np.where(launched[strikes["provoked_by"]], strikes["provoked_by"], -1)
    return np.flatnonzero(launched), first, causes


def _shade_truce(ax: Axes, begin: Any, over: Any) -> None:
    """Shade the time of a truce."""
    ax.axvspan(begin, over, facecolor="#EEEEEE", zorder=0)
    middle = begin + (over - begin) / 2
    where = ("data", "axes fraction")
    style.write(ax, "truce", middle, 0.0, (0, 6), where, color=style.GREY, ha="center")


def _mirror(ax: Axes, peaks: Sequence[int], scale: Any, back: Any, round_numbers: Sequence[int],
            room: float) -> None:  # fmt: skip
    """Scale y alike up and down from zero, to a little beyond the peak of each way."""
    ax.set_yscale("function", functions=(lambda y: np.sign(y) * scale(np.abs(y)),
                                         lambda y: np.sign(y) * back(np.abs(y))))  # fmt: skip
    most = float(scale(max(*peaks, 1)))
    # A side that did next to nothing keeps some room, so as to be seen to do so.
    ends = [max(float(scale(peak)), 0.15 * most) + room * most for peak in peaks]
    ticks = [0]
    for n in round_numbers:
        if scale(n) - scale(ticks[-1]) > 0.08 * sum(ends):
            ticks.append(n)
    signed = [s * n for s, end in zip((1, -1), ends, strict=False) for n in ticks if scale(n) < end]
    ax.set_yticks(signed, [f"{abs(n):,}" for n in signed])
    ax.set_ylim(-float(back(ends[1])) if len(ends) > 1 else 0.0, float(back(ends[0])))


def _height(ax: Axes, y: float) -> float:
    """Give the part of the axes that lies below y."""
    return float((ax.transScale + ax.transLimits).transform((0.0, y))[1])


def _lanes(made: Any, first: Any, causes: Any, gap: float) -> dict[int, float]:
    """Give a lane to every strike that was provoked or answered."""
    ends = {s: first[s] for s in made}  # of the longest chain from each strike on
    after: dict[int, int] = {}  # the answer that carries that chain on
    for strike in made[causes[made] >= 0][::-1]:
        if ends[strike] > ends[causes[strike]]:
            ends[causes[strike]], after[causes[strike]] = ends[strike], strike
    lanes: dict[int, float] = {}
    free: list[float] = []  # when the last chain in each lane ended
    for strike in made:
        cause = causes[strike]
        if after.get(cause) == strike:
            lanes[strike] = lanes[cause]
        elif cause >= 0 or strike in after:
            begin = first[cause if cause >= 0 else strike] - gap
            fit = [i for i, end in enumerate(free) if end < begin]
            lane = min(fit, key=lambda i: abs(i - lanes.get(cause, 0)), default=len(free))
            free[lane : lane + 1] = [ends[strike]]
            lanes[strike] = float(lane)
    return lanes
