"""Pictures of tournaments: what rules do to one another, and what noise does to them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.errors import EscalateError, closest
from escalate.plots import _style as style
from escalate.tournaments import OUTCOMES, Evolution, Tournament

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["fingerprint", "noise_sweep", "payoff_matrix", "replicator"]

_LINES = (*style.SIDES, *style.WEAPONS)
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", "h", ">")
_SAID = {
    "killed": "Killed", "injured": "Injured", "damage_sites": "Damage",
    "blackout_hours": "Hours without power", "strikes": "Strikes", "launched": "Weapons launched",
    "cost_usd": "Cost of weapons", "defence_cost_usd": "Cost of defence",
    "duration_days": "From the first strike to the last", "striking_days": "Days with strikes",
}  # fmt: skip
_NOISE = {
    "slip_prob": "Chance of a slip (-)",
    "misperceive_prob": "Chance to misperceive a round (-)",
    "miss_prob": "Chance to miss a strike (-)",
    "false_alarms_per_day": "False alarms (1/day)",
    "false_alarm_size": "Size of a false alarm (weapons)",
    "noise_sd_log": "Sd of the log of what is believed (-)",
    "exaggeration": "Believed over true size (-)",
}


def payoff_matrix(
    tournament: Tournament,
    what: str | Mapping[str, float] | None = None,
    *,
    noise: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what each rule came to against each, as a number and a shade.

    The rule of a row is the one whose outcome it is. The column at the right is the mean of the
    row, in the shades of the others.

    Parameters
    ----------
    tournament : Tournament
        A tournament.
    what : str or mapping, optional
        An outcome, or weights of several; those of the tournament if not given.
    noise : float, optional
        At which level; may be left out if there is one only.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        As `Tournament.matrix`.

    Examples
    --------
    >>> from escalate.tournaments import tournament
    >>> cup = tournament(["tit_for_tat", "always"], replications=10, rng=1)
    >>> payoff_matrix(cup, "strikes").get_title(loc="left")
    'Strikes (strikes)'
    """
    table = tournament.matrix(what, noise=noise)
    n = len(table)
    longest = max(map(len, table.index))
    ax = style.axes(
        ax, min(1.2 + 0.34 * n + 0.06 * longest, style.TWO_COLUMNS), 0.7 + 0.24 * n + 0.04 * longest
    )
    mean = table.mean(axis=1)
    low, high = float(table.to_numpy().min()), float(table.to_numpy().max())
    shade = _shades(low, high)
    unit, word = _unit(max(-low, high))
    digits = 0 if max(-low, high) >= 99.95 * unit else 1
    gap = 0.25
    for y, name in enumerate(table.index):
        for x, value in [*enumerate(table.loc[name]), (n + gap, mean[name])]:
            face = shade(value)
            ax.fill([x, x + 1, x + 1, x], [y, y, y + 1, y + 1], color=face, linewidth=0.0)
            style.write(
                ax, f"{value / unit:.{digits}f}", x + 0.5, y + 0.5, ha="center", color=_ink(face)
            )
    ax.set_xlim(0.0, n + 1 + gap)
    ax.set_ylim(n, 0.0)
    ax.spines[:].set_visible(False)
    style.rows(ax, {y + 0.5: _name(name) for y, name in enumerate(table.index)})
    ax.set_xticks(
        [*(x + 0.5 for x in range(n)), n + gap + 0.5], [*map(_name, table.columns), "mean"],
        rotation=40.0, ha="left", rotation_mode="anchor", fontsize=style.SMALL,
    )  # fmt: skip
    ax.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False, length=0.0)
    ax.set_ylabel("Rule", fontsize=style.MEDIUM)
    ax.set_xlabel("Opponent", fontsize=style.MEDIUM)
    ax.xaxis.set_label_position("top")
    label = _label(tournament, what) + (f", in {word}s" if word else "")
    if len(tournament.levels) > 1:
        at = tournament.levels[tournament.level(noise)]
        label = f"{label}\n{_noise(tournament.noise).removesuffix(' (-)')}: {at:g}"
    ax.set_title(label, fontsize=style.MEDIUM, loc="left")
    return ax


def noise_sweep(
    tournament: Tournament,
    what: str | Mapping[str, float] | None = None,
    *,
    rules: Sequence[str] | None = None,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw what each rule comes to on average over its opponents, by the level of noise.

    Bars are intervals of the means. As all matches have the same random numbers, two rules may
    differ although their bars overlap; `Tournament.difference` says by how much.

    Parameters
    ----------
    tournament : Tournament
        A tournament with two levels of noise or more.
    what : str or mapping, optional
        An outcome, or weights of several; those of the tournament if not given.
    rules : sequence of str, optional
        Rules to draw; all if not given. They are averaged over all opponents anyhow.
    level : float, optional
        Confidence of the intervals. [-]
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        Unknown rule or outcome, no weights stated, or a tournament with one level of noise.

    Examples
    --------
    >>> from escalate.tournaments import tournament
    >>> cup = tournament(["tit_for_tat", "generous"], noise=[0.0, 0.1], replications=10, rng=1)
    >>> noise_sweep(cup, "killed_suffered").get_xlabel()
    'Chance of a slip (-)'
    """
    levels = tournament.levels
    if len(levels) < 2:
        raise EscalateError(f"a sweep needs two levels of noise or more, but got {len(levels)}")
    drawn = list(tournament.rules) if rules is None else list(rules)
    for name in drawn:
        if name not in tournament.rules:
            raise EscalateError(f"unknown rule {name!r}: {closest(str(name), tournament.rules)}")
    ax = style.axes(
        ax, style.ONE_COLUMN * 1.2, 2.6, _noise(tournament.noise), _label(tournament, what)
    )
    tables = [tournament.ranking(what, noise=at, level=level) for at in levels]
    ends = []
    for name in drawn:
        colour, mark, dash = _look(list(tournament.rules).index(name))
        burden, low, high = (
            np.array([table.loc[name, column] for table in tables])
            for column in ("burden", "low", "high")
        )
        ax.errorbar(
            levels, burden, np.abs([burden - low, high - burden]), color=colour, marker=mark,
            linestyle=dash, markersize=3.5, linewidth=1.0, elinewidth=0.6,
        )  # fmt: skip
        ends.append((burden[-1], _name(name), colour, mark))
    _endings(ax, ends)
    return ax


def fingerprint(
    points: xr.Dataset, outcome: str = "killed_suffered", *, ax: Axes | None = None
) -> Axes:
    """Draw an outcome of a rule by misperception and gain, as a shade.

    Shades are even on a square-root scale, so that what is small can be told from nothing.

    Parameters
    ----------
    points : Dataset
        What `escalate.tournaments.fingerprint` gives, with two gains and two levels or more.
    outcome : str, optional
        One of `escalate.tournaments.OUTCOMES`.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        Unknown outcome, or fewer than two gains or levels.

    Examples
    --------
    >>> from escalate import tournaments
    >>> points = tournaments.fingerprint(
    ...     "proportional",
    ...     "proportional",
    ...     noise={"exaggeration": [1.0, 1.2]},
    ...     gains=[0.8, 1.0],
    ...     replications=10,
    ...     rng=1,
    ... )
    >>> fingerprint(points).get_ylabel()
    'Gain of proportional (-)'
    """
    from matplotlib.colors import PowerNorm
    from matplotlib.ticker import MaxNLocator

    if outcome not in OUTCOMES:
        raise EscalateError(f"unknown outcome {outcome!r}: {closest(outcome, OUTCOMES)}")
    levels, gains = points["noise"].to_numpy(), points["gain"].to_numpy()
    if len(levels) < 2 or len(gains) < 2:
        raise EscalateError(
            f"a fingerprint needs two gains and levels or more, but got {len(gains)} and "
            f"{len(levels)}"
        )
    kind = points["noise"].attrs["kind"].split(", ")[0]
    rule, opponent = (_name(points.attrs[role]) for role in ("rule", "opponent"))
    ax = style.axes(ax, style.ONE_COLUMN, 2.6, _NOISE.get(kind, kind), f"Gain of {rule} (-)")
    mean = points[outcome].mean("replication").transpose("gain", "noise").to_numpy()
    across, up = np.argsort(levels), np.argsort(gains)
    drawn = ax.pcolormesh(
        levels[across], gains[up], mean[np.ix_(up, across)], cmap="cividis_r", shading="nearest",
        norm=PowerNorm(0.5, vmin=min(float(mean.min()), 0.0), vmax=max(float(mean.max()), 1e-9)),
        rasterized=True,
    )  # fmt: skip
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(drawn, ax=ax, pad=0.03, fraction=0.08)
    bar.ax.yaxis.set_major_locator(MaxNLocator(6))
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=style.SMALL, width=0.6, length=2.5)
    bar.set_label(_outcome(outcome), fontsize=style.MEDIUM)
    ax.set_title(f"Against {opponent}", fontsize=style.MEDIUM, loc="left")
    return ax


def replicator(evolution: Evolution, *, ax: Axes | None = None) -> Axes:
    """Draw the shares of rules over generations, with their intervals.

    Parameters
    ----------
    evolution : Evolution
        What `Tournament.replicator` gives.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from escalate.tournaments import tournament
    >>> cup = tournament(["tit_for_tat", "always"], replications=10, rng=1)
    >>> replicator(cup.replicator("killed_suffered")).get_xlabel()
    'Generation'
    """
    shares = evolution.shares
    ax = style.axes(ax, style.ONE_COLUMN * 1.2, 2.4, "Generation", "Share of the population (%)")
    ends = []
    last = len(shares) - 1
    for place, name in enumerate(shares.columns):
        colour, mark, dash = _look(place)
        ax.fill_between(
            shares.index, 100.0 * evolution.low[name], 100.0 * evolution.high[name],
            color=style.mixed(colour, 0.7), alpha=0.5, linewidth=0.0,
        )  # fmt: skip
        # Marks stand apart from those of other rules, so that grey lines can be told by them.
        every = max(last // 6, 1)
        ax.plot(
            shares.index, 100.0 * shares[name], color=colour, linestyle=dash, linewidth=1.1,
            marker=mark, markersize=3.5, markevery=(place * every // len(shares.columns), every),
        )  # fmt: skip
        ends.append((100.0 * float(shares[name].iloc[-1]), _name(name), colour, mark))
    ax.set_xlim(0, last)
    ax.set_ylim(0.0, None)
    _endings(ax, ends)
    return ax


def _look(place: int) -> tuple[str, str, Any]:
    """Give colour, mark and dashes of a rule by its number."""
    dash = style.DASHES[place // len(_LINES) % len(style.DASHES)]
    return _LINES[place % len(_LINES)], _MARKS[place % len(_MARKS)], dash


def _endings(ax: Axes, ends: list[tuple[float, str, str, str]]) -> None:
    """Write names at the right of lines; those that would overlap give way to each other."""
    ends = sorted(ends)
    bottom, top = ax.get_ylim()
    at = np.array([(y - bottom) / (top - bottom) for y, *_ in ends])
    steps = np.arange(len(at)) * 1.25 * style.SMALL / style.points(ax)[1]
    up = np.maximum.accumulate(at - steps)
    down = np.minimum.accumulate((at - steps)[::-1])[::-1]
    puts = np.maximum(np.minimum((up + down) / 2 + steps, 1.0 - steps[::-1]), 0.02 + steps)
    for (_, name, colour, mark), y, put in zip(ends, at, puts, strict=True):
        # The line to a name is of its colour and the mark before it is that of its line.
        ax.plot([1.01, 1.05], [y, put], transform=ax.transAxes, color=colour, linewidth=0.6,
                clip_on=False)  # fmt: skip
        ax.plot(1.075, put, mark, transform=ax.transAxes, color=colour, markersize=3.5,
                clip_on=False)  # fmt: skip
        style.write(ax, name, 1.075, put, (4, 0), "axes fraction", va="center")


def _shades(low: float, high: float) -> Any:
    """Give what turns a number into a colour, pale for the lowest and dark for the highest."""
    import matplotlib as mpl

    colours, reach = mpl.colormaps["cividis_r"], high - low or 1.0
    return lambda value: colours((value - low) / reach)


def _ink(face: Any) -> str:
    """Give a colour of type that can be read on another."""
    red, green, blue = face[:3]
    return style.INK if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "white"


def _unit(most: float) -> tuple[float, str]:
    """Give what to divide numbers by, the largest of which is given, and its name."""
    for unit, word in ((1e9, "billion"), (1e6, "million"), (1e4, "thousand")):
        if most >= unit:
            return (1e3 if word == "thousand" else unit), word
    return 1.0, ""


def _name(rule: str) -> str:
    return rule.replace("_", " ")


def _noise(noise: Mapping[str, Any]) -> str:
    """Say what noise is a level of."""
    kind = next(iter(noise), "slip_prob")
    return _NOISE[kind]


def _outcome(name: str) -> str:
    """Say what an outcome is, with its unit."""
    for end, whose in (("_suffered", " on own side"), ("_done", " on other side")):
        if name.endswith(end):
            return f"{_SAID[name.removesuffix(end)]}{whose} ({OUTCOMES[name]})"
    return f"{_SAID[name]} ({OUTCOMES[name]})"


def _label(tournament: Tournament, what: str | Mapping[str, float] | None) -> str:
    """Say what is drawn: an outcome, what both sides bear, or a weighted sum."""
    weights = tournament.weights if what is None else what
    if isinstance(weights, str):
        return _outcome(weights)
    stated = {name: weight for name, weight in (weights or {}).items() if weight}
    if len(stated) == 1 and set(stated.values()) == {1.0}:
        return _outcome(next(iter(stated)))
    bases = {name.removesuffix("_suffered").removesuffix("_done") for name in stated}
    if len(stated) == 2 and len(bases) == 1 and set(stated.values()) == {1.0}:
        return f"{_SAID[bases.pop()]} on both sides ({OUTCOMES[next(iter(stated))]})"
    terms = [f"{weight:g} x {name}".replace("_", " ") for name, weight in stated.items()]
    return "\n".join(textwrap.wrap(f"Burden: {' + '.join(terms)}", 44))
