"""Pictures of strike tables: forecasts against what came, sizes of strikes, and interception."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from escalate.errors import EscalateError, closest
from escalate.forecast import ForecastScores
from escalate.plots import _style as style
from escalate.series import fit_interception, fit_sizes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["forecast_fan", "interception_by_size", "salvo_sizes"]

_NAMED = {"all": "Weapons", "missile": "Missiles", "drone": "Drones"}


def forecast_fan(
    scores: ForecastScores,
    group: str = "all",
    *,
    outcome: str = "launched",
    forecast: str = "model",
    ax: Axes | None = None,
) -> Axes:
    """Draw forecasts of a rolling origin against what came.

    Parameters
    ----------
    scores : ForecastScores
        Of `escalate.forecast.score_forecasts`.
    group, outcome : str, optional
        What was forecast.
    forecast : str, optional
        ``model``, or one of the baselines.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        If a name is unknown, or nothing was scored under it.

    Notes
    -----
    Each block of days has its own forecast, made before it began: the central 50% and 90% and the
    median as steps, what came as a point, hollow where the 90% missed it.

    Examples
    --------
    >>> import pandas as pd
    >>> from escalate.forecast import ForecastScores
    >>> quantiles = {"q05": 4, "q25": 8, "q50": 10, "q75": 13, "q95": 20, "inside_90": True}
    >>> week = {"outcome": "launched", "group": "all", "forecast": "model", "observed": 12.0}
    >>> start = pd.Timestamp("2024-01-01")
    >>> scores = ForecastScores(pd.DataFrame([{**week, **quantiles, "start": start}]), 7, 1)
    >>> forecast_fan(scores).get_ylabel()
    'Weapons launched a week'
    """
    weeks = scores.weeks
    for column, value in (("group", group), ("outcome", outcome), ("forecast", forecast)):
        known = list(dict.fromkeys(weeks[column]))
        if value not in known:
            raise EscalateError(f"unknown {column} {value!r}: {closest(value, known)}")
    weeks = weeks[
        (weeks["group"] == group) & (weeks["outcome"] == outcome) & (weeks["forecast"] == forecast)
    ].sort_values("start")
    span = "a week" if scores.horizon == 7 else f"in {scores.horizon} days"
    ax = style.axes(ax, style.TWO_COLUMNS, 2.6, y=f"{_NAMED[group]} {outcome} {span}")
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

    start: Any = date2num(weeks["start"].to_numpy())  # type: ignore[no-untyped-call]
    colour = style.SIDES[0]
    keys: dict[str, tuple[Any, ...]] = {}
    edges = np.column_stack([start, start + scores.horizon]).ravel()

    def steps(name: str) -> Any:
        return np.repeat(weeks[name].to_numpy(dtype=float), 2)

    for low, high, white, word in (
        ("q05", "q95", 0.8, "central 90%"),
        ("q25", "q75", 0.55, "central 50%"),
    ):
        face = style.mixed(colour, white)
        ax.fill_between(edges, steps(low), steps(high), facecolor=face, linewidth=0.0)
        keys[word] = (style.box(face, face),)
    ax.plot(edges, steps("q50"), color=colour, linewidth=1.2)
    keys["median"] = (style.line(colour, "", "-", 0.0),)
    seen = weeks["observed"].to_numpy(dtype=float)
    inside = weeks["inside_90"].to_numpy(dtype=bool)
    middle = start + scores.horizon / 2.0
    for chosen, fill, word in ((inside, style.INK, "observed"), (~inside, "white", "outside 90%")):
        if chosen.any():
            mark = ax.plot(
                middle[chosen], seen[chosen], "o", color=style.INK, markersize=3.5,
                markerfacecolor=fill, markeredgewidth=0.9, zorder=5, clip_on=False,
            )[0]  # fmt: skip
            keys[word] = (mark,)
    ax.set_ylim(0.0, 1.06 * max(float(weeks["q95"].max()), float(seen.max()), 1.0))
    ax.set_xlim(edges[0], edges[-1])
    ax.xaxis_date()
    locator = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(
        ConciseDateFormatter(  # type: ignore[no-untyped-call]
            locator,
            formats=["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S"],
            zero_formats=["", "%b %Y", "%b", "%d %b", "%H:%M", "%H:%M"],
            show_offset=False,
        )
    )
    of = "" if forecast == "model" else f" ({forecast})"
    ax.set_xlabel(f"Date of each forecast{of}", fontsize=style.MEDIUM)
    return style.legend(ax, keys)


def salvo_sizes(sizes: ArrayLike, *, what: str = "weapons", ax: Axes | None = None) -> Axes:
    """Draw how often strikes are larger than a size, with the negative binomial fitted to them.

    Parameters
    ----------
    sizes : array_like, shape (strikes,)
        At least 1 each. [weapons]
    what : str, optional
        What to call the weapons.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        As `escalate.series.fit_sizes`.

    Notes
    -----
    Both axes are logarithmic: bulk and tail are seen alike. A Poisson distribution of the same
    mean stands beside it.

    Examples
    --------
    >>> sizes = np.random.default_rng(1).negative_binomial(1.0, 0.05, 300)
    >>> salvo_sizes(sizes[sizes > 0], what="drones").get_xlabel()
    'Size of a strike (drones)'
    """
    found = fit_sizes(sizes)
    values = np.sort(np.asarray(sizes, dtype=float).ravel())
    ax = style.axes(ax, style.ONE_COLUMN, 2.5, x=f"Size of a strike ({what})",
                    y="Strikes at least as large (%)")  # fmt: skip
    from scipy import stats

    n = len(values)
    x = np.unique(np.round(np.geomspace(1.0, 1.6 * values[-1], 200)))
    m, k = found.untruncated_mean, min(max(found.dispersion.value, 1e-3), 1e4)
    keys: dict[str, tuple[Any, ...]] = {}
    laws = {
        "negative binomial": stats.nbinom(k, k / (k + m)),
        "Poisson": stats.poisson(found.mean.value),
    }
    looks = zip(style.SIDES, style.DASHES[:2], strict=True)
    for (word, law), (colour, dash) in zip(laws.items(), looks, strict=True):
        tail = 100.0 * law.sf(x - 1.0) / law.sf(0.0)
        ax.plot(x, tail, color=colour, linewidth=1.2, linestyle=dash)
        keys[word] = (style.line(colour, "", dash, 0.0),)
    share = 100.0 * (1.0 - np.searchsorted(values, values, side="left") / n)
    mark = ax.plot(values, share, "o", color=style.INK, markersize=2.5, markeredgewidth=0.0,
                   zorder=5)[0]  # fmt: skip
    keys[f"{n:,} strikes"] = (mark,)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(50.0 / n, 130.0)
    ax.set_xlim(0.9, 1.7 * values[-1])
    _plain(ax.xaxis)
    _plain(ax.yaxis)
    return style.legend(ax, keys)


def interception_by_size(
    launched: ArrayLike, stopped: ArrayLike, *, what: str = "weapons", ax: Axes | None = None
) -> Axes:
    """Draw the share stopped of each strike against its size.

    Parameters
    ----------
    launched, stopped : array_like, shape (strikes,)
        As in `escalate.series.fit_interception`. [weapons]
    what : str, optional
        What to call the weapons.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        As `escalate.series.fit_interception`.

    Notes
    -----
    Behind the strikes the range that holds the central 90% of strikes under the beta-binomial
    fitted, and the narrower one if each weapon had its own luck. Large dots are the shares of all
    weapons of eight parts of the strikes, by size.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> launched = rng.integers(1, 100, 200)
    >>> stopped = rng.binomial(launched, rng.beta(8.0, 2.0, 200))
    >>> interception_by_size(launched, stopped).get_ylabel()
    'Share stopped (%)'
    """
    n = np.asarray(launched, dtype=float).ravel()
    y = np.asarray(stopped, dtype=float).ravel()
    found = fit_interception(n, y)
    ax = style.axes(
        ax, style.ONE_COLUMN, 2.5, x=f"Size of a strike ({what})", y="Share stopped (%)"
    )
    from scipy import stats

    p = found.probability.value
    rho = min(max(found.correlation.value, 1e-6), 1.0 - 1e-6)
    total = (1.0 - rho) / rho
    x = np.unique(np.round(np.geomspace(1.0, float(n.max()), 80)))
    laws = {
        "beta-binomial": stats.betabinom(x, p * total, (1.0 - p) * total),
        "binomial": stats.binom(x, p),
    }
    keys: dict[str, tuple[Any, ...]] = {}
    for (word, law), white in zip(laws.items(), (0.75, 0.4), strict=True):
        face = style.mixed(style.SIDES[0], white)
        low, high = (100.0 * law.ppf(q) / x for q in (0.05, 0.95))
        ax.fill_between(x, low, high, facecolor=face, linewidth=0.0)
        keys[word] = (style.box(face, face),)
    ax.plot(n, 100.0 * y / n, "o", color=style.GREY, markersize=2.0, markeredgewidth=0.0,
            alpha=0.6, zorder=4, clip_on=False)  # fmt: skip
    order = np.argsort(n, kind="stable")
    mark: Any = None
    for part in np.array_split(order, min(8, len(n))):
        at = math.exp(float(np.log(n[part]).mean()))
        mark = ax.plot(at, 100.0 * y[part].sum() / n[part].sum(), "D", color=style.INK,
                       markersize=4.0, zorder=5, clip_on=False)[0]  # fmt: skip
    keys["an eighth together"] = (mark,)
    ax.set_xscale("log")
    ax.set_xlim(0.9, 1.15 * float(n.max()))
    ax.set_ylim(0.0, 100.0)
    _plain(ax.xaxis)
    return style.legend(ax, keys)


def _plain(axis: Any) -> None:
    """Write numbers out on a logarithmic axis: 0.1, 1, 10, 100."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(10.0))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.9g}"))
    axis.set_minor_formatter(NullFormatter())
