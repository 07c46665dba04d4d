"""Forecast the strikes of the days ahead as distributions, and score such forecasts.

The model is plain on purpose. What is launched in a week is negative binomial around a level that
drifts; how fast it drifts is not known, so several speeds are kept and weighed by how well each
has done lately. Missiles come in massed strikes as well, set off by waits of their own.
Everything is fitted anew at each origin from the days before it. Three baselines stand beside it,
and whoever claims to know more must score below them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from escalate.errors import EscalateError, closest
from escalate.strikes import Strikes, as_day, as_whole
from escalate.theory._check import Floats, within

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BASELINES",
    "Forecast",
    "ForecastScores",
    "baseline",
    "forecast",
    "score_forecasts",
]

BASELINES: Mapping[str, str] = MappingProxyType(
    {
        "last value": "the week before, for certain; its CRPS is the absolute error",
        "8-week NB": "a negative binomial with mean and variance of the last 8 weeks",
        "52-week climatology": "the last 52 weeks, each as likely",
    }
)
"""What a forecast has to beat, by name. A "week" is as long as the horizon."""

HALF_LIVES_DAYS = (7.0, 28.0, 112.0, 448.0)
"""How long the levels remember [days]."""

TREND_SHARE = 0.5
"""Power by which one more level follows the ratio of the fastest level to the next."""

MEMORY_DAYS = 91.0
"""Half-life of what levels are weighed by, and of what their dispersion is learnt from [days]."""

MASSED = 20
"""Missiles from which a day's launches are a massed strike."""

_HISTORY_DAYS = 364
_WEIGHT_FROM = 1e-3
_TAIL = 1e-9
_LONGEST = 1 << 18
_MOST = 60_000  # a level, beyond which _LONGEST would cut into what is likely
_SIZES = np.geomspace(0.05, 300.0, 48)  # k of a negative binomial: variance = m + m^2 / k
_PRIOR = -0.5 * np.log(_SIZES / 3.0) ** 2
_LEAST_PER_DAY, _SOME_PER_DAY = 0.07, 1.5
_WAITS = 8
_AHEAD = 400


@dataclass(frozen=True, eq=False)
class Forecast:
    """A distribution over whole numbers.

    Examples
    --------
    >>> coin = Forecast(np.array([0.25, 0.5, 0.25]))
    >>> coin.mean, coin.quantile(0.5), coin.crps(1), coin.pit(1)
    (1.0, 1, 0.125, 0.5)
    """

    chance: Floats
    """Chances of 0, 1, 2 and so on; shape (n,). [-]"""

    @property
    def mean(self) -> float:
        """Mean [weapons]."""
        return float(self.chance @ np.arange(len(self.chance)))

    def cdf(self, value: float) -> float:
        """Chance of `value` or less [-]."""
        return float(min(1.0, self.chance[: max(0, math.floor(value) + 1)].sum()))

    def quantile(self, level: float) -> int:
        """Give the smallest number with at least this chance of it or less.

        Parameters
        ----------
        level : float
            From 0 to 1. [-]

        Returns
        -------
        int
            [weapons]
        """
        wanted = float(within("level", level, 0.0, 1.0))
        cumulated = np.cumsum(self.chance)
        return int(np.searchsorted(cumulated, wanted * cumulated[-1] * (1.0 - 1e-12)))

    def crps(self, observed: float) -> float:
        """Score by the continuous ranked probability score, as `escalate.scores.crps`.

        Parameters
        ----------
        observed : float
            What happened. [weapons]

        Returns
        -------
        float
            [weapons]
        """
        y = float(within("observed", observed, 0.0))
        below = np.cumsum(self.chance)[:-1]
        beyond = max(0.0, y - len(below))
        step = np.clip(np.arange(1.0, len(below) + 1.0) - y, 0.0, 1.0)  # share of [x, x+1) past y
        return float(((1.0 - step) * below**2 + step * (1.0 - below) ** 2).sum() + beyond)

    def log_score(self, observed: float) -> float:
        """Give minus the logarithm of the chance of what happened; infinite for none [nat]."""
        y = int(within("observed", observed, 0.0))
        chance = float(self.chance[y]) if y < len(self.chance) else 0.0
        return -math.log(chance) if chance > 0.0 else math.inf

    def pit(self, observed: float) -> float:
        """Give the chance of less than what happened, and half of that of just as much [-].

        Uniform over many forecasts, but for the steps, where they are right.
        """
        return 0.5 * (self.cdf(observed) + self.cdf(observed - 1.0))


def forecast(
    table: Strikes,
    origin: date,
    *,
    horizon: int = 7,
    group: str = "all",
    outcome: str = "launched",
) -> Forecast:
    r"""Forecast the sum of the days ahead.

    Parameters
    ----------
    table : Strikes
        Only the days before `origin` are looked at.
    origin : datetime.date
        First day forecast; at most a day after the last one covered, at least 364 days after the
        first.
    horizon : int, optional
        How many days to add up. [days]
    group : str, optional
        One of the table's groups.
    outcome : str, optional
        ``launched`` or ``neutralised``; see `escalate.strikes.OUTCOMES`.

    Returns
    -------
    Forecast

    Raises
    ------
    EscalateError
        If a name is unknown, there is too little history, or a day of it has no report.

    Notes
    -----
    *Levels.* The mean of the next block of days is an exponentially weighted mean of the days
    before, with one of `HALF_LIVES_DAYS`, or the fastest of them times the square root of its
    ratio to the next, which follows a trend half way. Around each level the block is negative
    binomial. Its dispersion is learnt from how earlier blocks fell around the level as it then
    stood, by Bayes' rule on a grid, and the levels are mixed by their likelihoods; both forget
    with a half-life of `MEMORY_DAYS` [1]_, [2]_.

    *Massed strikes.* For missiles half of the chance is given to a second view: days of at least
    `MASSED` are a renewal process with gamma waits (an accumulating stock that is spent at
    once), of sizes as remembered with a half-life of 182 days, on top of a negative binomial
    for all other days.

    *Together.* Drones and missiles are forecast apart, as soon as there have been any, and added
    up as independent; categories of missiles are not parted, since massed strikes bring them
    together.

    References
    ----------
    .. [1] A. E. Raftery, M. Karny, P. Ettler, Online prediction under model uncertainty via
       dynamic model averaging, Technometrics 52 (2010) 52-66.
    .. [2] M. West, J. Harrison, Bayesian Forecasting and Dynamic Models, 2nd ed., Springer 1997,
       ch. 6 (discounting).

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from escalate.strikes import read_strikes
    >>> path = pathlib.Path(tempfile.mkdtemp(), "strikes.csv")
    >>> sizes = np.random.default_rng(1).negative_binomial(2.0, 2.0 / 42.0, 500)
    >>> rows = [f"{date(2023, 1, 1) + timedelta(days=i)},{size}" for i, size in enumerate(sizes)]
    >>> _ = path.write_text("\n".join(["date,count", *rows]) + "\n")
    >>> week = forecast(read_strikes(path), date(2024, 4, 1))
    >>> week.quantile(0.05), round(week.mean), week.quantile(0.95)
    (160, 274, 409)
    """
    days = _Days(table, outcome, horizon)
    return _together([days.part(name, origin) for name in days.parts(group, origin)])


def baseline(
    name: str,
    table: Strikes,
    origin: date,
    *,
    horizon: int = 7,
    group: str = "all",
    outcome: str = "launched",
) -> Forecast:
    r"""Forecast as one of `BASELINES` does.

    Parameters
    ----------
    name : str
        Which one.
    table, origin, horizon, group, outcome
        As in `forecast`.

    Returns
    -------
    Forecast

    Raises
    ------
    EscalateError
        As `forecast`, or if there is no such baseline.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from escalate.strikes import read_strikes
    >>> path = pathlib.Path(tempfile.mkdtemp(), "strikes.csv")
    >>> rows = [f"{date(2023, 1, 1) + timedelta(days=i)},{9 + i % 7}" for i in range(500)]
    >>> _ = path.write_text("\n".join(["date,count", *rows]) + "\n")
    >>> baseline("last value", read_strikes(path), date(2024, 4, 1)).mean
    84.0
    """
    if name not in _BASELINE:
        raise EscalateError(f"unknown baseline {name!r}: {closest(str(name), _BASELINE)}")
    days = _Days(table, outcome, horizon)
    days.parts(group, origin)
    return _BASELINE[name](_blocks(days.before(group, origin), horizon), horizon)


class _Days:
    """The days of a table as forecasts look at them: never past their origin."""

    def __init__(self, table: Strikes, outcome: str, horizon: int) -> None:
        horizon = as_whole("horizon", horizon)
        if not 1 <= horizon <= _HISTORY_DAYS // 4:
            raise EscalateError(
                f"`1 <= horizon <= {_HISTORY_DAYS // 4}` must hold, but got {horizon}"
            )
        self.table, self.outcome, self.horizon = table, outcome, horizon
        self.daily = table.daily(outcome)
        self.launched = self.daily if outcome == "launched" else table.daily("launched")
        if table.events["tally"].all():
            raise EscalateError("the table must hold strike weapons, but holds kill tallies alone")

    def parts(self, group: str, origin: date) -> list[str]:
        """Name what is forecast apart: of a whole, what has ever been launched before."""
        held = [str(name) for name in self.daily]
        if group not in held:
            raise EscalateError(f"unknown group {group!r}: {closest(str(group), held)}")
        if group != "all":
            return [group]
        past = max(0, (as_day("origin", origin) - self.table.first).days)
        seen = (self.daily.iloc[:past] > 0.0).any() | (self.launched.iloc[:past] > 0.0).any()
        return [name for name in held if name != "all" and seen[name]] or [group]

    def before(self, group: str, origin: date) -> Floats:
        """Give the days before a forecast."""
        table, origin = self.table, as_day("origin", origin)
        enough = table.first + timedelta(days=_needed(self.horizon))
        end = table.last + timedelta(days=1)
        if not enough <= origin <= end:
            raise EscalateError(
                f"a forecast must start between {enough}, when {_needed(self.horizon)} days have "
                f"been seen, and {end}, when the table ends, but got {origin}"
            )
        history = self.daily[group].iloc[: (origin - table.first).days]
        missing = history.isna()
        if missing.any():
            raise EscalateError(
                f"every day before a forecast must have its number {self.outcome}, but "
                f"{missing.sum():,} have none, the first of them {missing.idxmax():%Y-%m-%d}"
            )
        days = np.asarray(history, dtype=float)
        most = _blocks(days, self.horizon).max()
        if most > _MOST:
            raise EscalateError(
                f"{self.horizon} days must bring {_MOST:,} weapons at most to be forecast, but "
                f"brought {most:,.0f}"
            )
        return days

    def part(self, name: str, origin: date) -> Floats:
        """Forecast what is forecast apart."""
        days = self.before(name, origin)
        chance: Floats = _levels(days, self.horizon)
        if name == "missile":
            massed = (self.launched[name].iloc[: len(days)] >= MASSED).to_numpy()
            if massed.sum() >= _WAITS:
                return _mixed([chance, _renewal(days, massed, self.horizon)], [0.5, 0.5])
        return chance


def _needed(horizon: int) -> int:
    """Days of history: as many whole blocks as make up the climatology's year."""
    return math.ceil(_HISTORY_DAYS / horizon) * horizon


def _blocks(days: Any, horizon: int) -> Floats:
    whole = len(days) // horizon * horizon
    sums: Floats = (
        np.asarray(days[len(days) - whole :], dtype=float).reshape(-1, horizon).sum(axis=1)
    )
    return sums


def _together(parts: Sequence[Floats]) -> Forecast:
    total = np.ones(1)
    for chance in parts:
        total = _sum_of(total, chance)
    return Forecast(total / total.sum())


def _mixed(chances: Sequence[Floats], weights: Sequence[float] | Floats) -> Floats:
    out = np.zeros(max(map(len, chances)))
    for chance, weight in zip(chances, weights, strict=True):
        out[: len(chance)] += weight * chance
    return out


def _sum_of(one: Floats, other: Floats) -> Floats:
    """Give the distribution of a sum of independent numbers, without the thinnest of its tail."""
    n = len(one) + len(other) - 1
    size = 1 << (n - 1).bit_length()
    both = np.fft.irfft(np.fft.rfft(one, size) * np.fft.rfft(other, size), size)[:n]
    both = np.maximum(both, 0.0)
    kept = int(np.searchsorted(np.cumsum(both), (1.0 - 1e-3 * _TAIL) * both.sum())) + 1
    return np.asarray(both[:kept])


def _log_nb(x: ArrayLike, mean: ArrayLike, k: ArrayLike) -> Any:
    """Log-chance of a negative binomial with that mean and variance ``mean + mean^2 / k``."""
    x, mean, k = np.asarray(x), np.asarray(mean), np.asarray(k)
    out = special.gammaln(x + k) - special.gammaln(k) - special.gammaln(x + 1.0)
    return out - k * np.log1p(mean / k) + special.xlogy(x, mean / (k + mean))


def _nb(mean: float, sizes: Floats, weights: Floats, least: int = 0) -> Floats:
    """Mix negative binomials of one mean, up to a tail that does not matter."""
    most = max(least, _reach(mean, float(sizes.min())))
    chance = weights @ np.exp(_log_nb(np.arange(most)[None], mean, sizes[:, None]))
    return np.asarray(chance / chance.sum())


def _reach(mean: float, k: float) -> int:
    """Give a number that a negative binomial hardly exceeds: a gamma's quantile and some."""
    top = mean / k * float(special.gammainccinv(k, _TAIL))
    return int(min(_LONGEST, top + 10.0 * math.sqrt(top + 1.0) + 20.0))


def _levels(days: Floats, horizon: int) -> Floats:
    """Mix levels of several speeds, each with a dispersion learnt from its own errors."""
    blocks = _blocks(days, horizon)
    n = len(blocks)
    keep = 0.5 ** (1.0 / np.array(HALF_LIVES_DAYS))
    totals, weight = np.zeros(len(keep)), np.zeros(len(keep))
    means = np.empty((n + 1, len(keep)))
    first = len(days) - n * horizon
    for i, value in enumerate([*days, 0.0]):
        if i >= first and (i - first) % horizon == 0:
            means[(i - first) // horizon] = horizon * totals / np.maximum(weight, 1e-9)
        totals, weight = keep * totals + value, keep * weight + 1.0
    some = _SOME_PER_DAY * horizon
    drift = ((means[:, 0] + some) / (means[:, 1] + some)) ** TREND_SHARE
    means = np.column_stack([means, means[:, 0] * drift])
    means = np.maximum(means, _LEAST_PER_DAY * horizon)
    # Of each block, under each level, for each dispersion.
    likely = _log_nb(blocks[:, None, None], means[:n, :, None], _SIZES)
    forget = 0.5 ** (horizon / MEMORY_DAYS)
    of_size, of_level = np.zeros(likely.shape[1:]), np.zeros(likely.shape[1])
    for block in range(1, n + 1):
        posterior = special.softmax(of_size + _PRIOR, axis=1)
        if block == n:
            break
        seen = np.log((posterior * np.exp(likely[block])).sum(axis=1) + 1e-300)
        of_level = forget * of_level + seen
        of_size = forget * of_size + likely[block]
    weights = special.softmax(of_level)
    weights = np.where(weights >= _WEIGHT_FROM, weights, 0.0)
    chances = []
    for level in np.flatnonzero(weights):
        some_sizes = posterior[level] >= 0.01
        shares = posterior[level][some_sizes]
        chances.append(_nb(float(means[n, level]), _SIZES[some_sizes], shares / shares.sum()))
    return _mixed(chances, weights[weights > 0.0] / weights.sum())


def _renewal(days: Floats, massed: Any, horizon: int) -> Floats:
    """Forecast massed days by the waits between them, and all others by their level."""
    when = np.flatnonzero(massed)
    age = len(days) - 1.0 - np.arange(len(days))
    since = len(days) - 1 - int(when[-1])
    recent = np.exp2(-age[when[1:]] / 365.0)
    shape, scale = _gamma_waits(np.diff(when), recent, since)
    waits = np.diff(special.gammainc(shape, np.arange(_AHEAD + 1.0) / scale))
    left = max(1e-12, float(special.gammaincc(shape, since / scale)))
    first = np.diff(special.gammainc(shape, (since + np.arange(horizon + 1.0)) / scale)) / left
    # How many massed days there will be: the chance that the k-th falls on each day.
    none_after = np.append(1.0, 1.0 - np.cumsum(waits[: horizon - 1]))[::-1]
    counts, nth = [max(0.0, 1.0 - float(first.sum()))], first
    while len(counts) <= horizon:
        counts.append(float(nth @ none_after))
        nth = np.append(0.0, np.convolve(nth, waits)[: horizon - 1])
    number = np.array(counts) / sum(counts)
    memory = 0.5 ** (age[when] / 182.0)
    one, likely = np.ones(1), np.array([10.0])  # each size remembered stands for those around it
    sizes = [_nb(max(float(value), 0.1), likely, one) for value in days[when]]
    size = _mixed(sizes, memory / memory.sum())
    others = _blocks(np.where(massed, 0.0, days), horizon)
    recent = 0.5 ** (np.arange(len(others))[::-1] * horizon / MEMORY_DAYS)
    mean = max(float(recent @ others / recent.sum()), _LEAST_PER_DAY * horizon)
    posterior = special.softmax(recent @ _log_nb(others[:, None], mean, _SIZES) + _PRIOR)
    some = posterior >= 0.01
    term = _nb(mean, _SIZES[some], posterior[some] / posterior[some].sum())
    terms, weights = [], []
    for weight in number:
        if weight > _WEIGHT_FROM * 1e-2:
            terms.append(term)
            weights.append(float(weight))
        term = _sum_of(term, size)
    return _mixed(terms, np.array(weights) / sum(weights))


def _gamma_waits(waits: Any, weights: Any, since: int) -> tuple[float, float]:
    """Fit shape and scale of gamma waits in whole days, the last one unfinished."""
    start = np.array([0.0, math.log(float(waits.mean()))])

    def loss(x: Any) -> float:
        shape, scale = np.exp(np.clip(x, -4.0, 8.0))
        share = special.gammainc(shape, waits / scale) - special.gammainc(
            shape, (waits - 1.0) / scale
        )
        seen = float(weights @ np.log(share + 1e-12))
        seen += math.log(float(special.gammaincc(shape, since / scale)) + 1e-12)
        return -seen + 2.0 * float(x[0]) ** 2  # the shape is 1, memoryless, unless data say more

    best = optimize.minimize(loss, start, method="Nelder-Mead").x
    shape, scale = np.exp(np.clip(best, -4.0, 8.0))
    return float(shape), float(scale)


def _last_value(blocks: Floats, horizon: int) -> Forecast:
    chance = np.zeros(int(blocks[-1]) + 1)
    chance[-1] = 1.0
    return Forecast(chance)


def _rolling_nb(blocks: Floats, horizon: int) -> Forecast:
    recent = blocks[-8:]
    mean = max(float(recent.mean()), 0.01)
    excess = float(recent.var(ddof=1)) - mean
    k = min(mean * mean / excess, 1e6) if excess > 0.0 else 1e6  # Poisson, where less than it
    # A long tail, so that even a week it all but rules out has its chance.
    return Forecast(_nb(mean, np.array([max(k, 0.01)]), np.ones(1), 1000 + int(20.0 * mean)))


def _climatology(blocks: Floats, horizon: int) -> Forecast:
    recent = blocks[-math.ceil(_HISTORY_DAYS / horizon) :].astype(int)
    return Forecast(np.bincount(recent) / len(recent))


_BASELINE: Mapping[str, Callable[[Floats, int], Forecast]] = dict(
    zip(BASELINES, (_last_value, _rolling_nb, _climatology), strict=True)
)


@dataclass(frozen=True, eq=False)
class ForecastScores:
    """How forecasts from a rolling origin have done."""

    weeks: pd.DataFrame
    """One row per forecast: ``outcome``, ``group``, ``start``, ``forecast`` (``model`` or a
    baseline), ``observed``, ``mean``, ``crps``, ``log_score``, ``pit``, ``inside_50``,
    ``inside_90``, and the quantiles ``q05``, ``q25``, ``q50``, ``q75``, ``q95``."""
    horizon: int
    """Days of each forecast [days]."""
    asked: int
    """Forecasts that were asked for; fewer are scored where the table ends before."""

    @property
    def scored(self) -> int:
        """Forecasts that could be scored."""
        return int(self.weeks["start"].nunique())

    def _of(self, outcome: str, group: str) -> pd.DataFrame:
        return self.weeks[(self.weeks["outcome"] == outcome) & (self.weeks["group"] == group)]

    def summary(self) -> pd.DataFrame:
        """Average over the weeks.

        Returns
        -------
        pandas.DataFrame
            By ``outcome``, ``group`` and ``forecast``: ``crps`` and its standard error ``se``,
            ``difference`` (CRPS less that of the best baseline) and ``difference_se``,
            ``log_score``, and the shares ``inside_50`` and ``inside_90`` within the central
            intervals.

        Notes
        -----
        Errors of consecutive weeks may go together: standard errors are those of Newey and West
        [1]_ with ``floor(4 (n / 100)^(2/9))`` lags, for the difference the one of Diebold and
        Mariano [2]_. For fewer than 8 weeks, too few to see what goes together, they are those of
        independent weeks; NaN for one. They are too small for few: of 13 independent weeks, 1.96
        of them either way hold the mean 88 times in 100.

        References
        ----------
        .. [1] W. K. Newey, K. D. West, Automatic lag selection in covariance matrix estimation,
           Review of Economic Studies 61 (1994) 631-653.
        .. [2] F. X. Diebold, R. S. Mariano, Comparing predictive accuracy, Journal of Business
           and Economic Statistics 13 (1995) 253-263.
        """
        import pandas as pd

        rows = []
        keys = self.weeks[["outcome", "group"]].drop_duplicates().itertuples(index=False)
        for outcome, group in keys:
            part = self._of(outcome, group)
            crps = part.pivot(index="start", columns="forecast", values="crps")
            best = crps[list(BASELINES)].mean().idxmin()
            for name in ("model", *BASELINES):
                own = part[part["forecast"] == name]
                other = (crps[name] - crps[best]).to_numpy()
                rows.append({
                    "outcome": outcome, "group": group, "forecast": name,
                    "crps": own["crps"].mean(), "se": _error(own["crps"].to_numpy()),
                    "difference": other.mean(), "difference_se": _error(other),
                    "best_baseline": best, "log_score": own["log_score"].mean(),
                    "inside_50": own["inside_50"].mean(), "inside_90": own["inside_90"].mean(),
                })  # fmt: skip
        return pd.DataFrame(rows).set_index(["outcome", "group", "forecast"])

    def text(self) -> str:
        """Give the averages as a table to print; a dash stands for an error nobody can tell."""
        lines: list[str] = []
        table = self.summary().reset_index()
        for outcome, group in dict.fromkeys(zip(table["outcome"], table["group"], strict=True)):
            own = self._of(outcome, group)
            part = table[(table["outcome"] == outcome) & (table["group"] == group)]
            mean = own[own["forecast"] == "model"]["observed"].mean()
            what = {"all": "all strike weapons", "missile": "missiles", "drone": "drones"}[
                str(group)
            ]
            lines += [
                f"{what}, {outcome} (mean {mean:,.1f})",
                f"  {'':20}{'mean CRPS':>10} {'s.e.':>8} {'less best baseline':>20} "
                f"{'log score':>10} {'in 50%':>7} {'in 90%':>7}",
            ]
            for row in part.to_dict("records"):
                name = row["forecast"]
                less = f"{row['difference']:+.2f} ({_two(row['difference_se'])})"
                less = "best" if name == row["best_baseline"] else less
                lines.append(
                    f"  {name:20}{row['crps']:10.2f} {_two(row['se']):>8} {less:>20} "
                    f"{row['log_score']:10.2f} {row['inside_50']:7.2f} {row['inside_90']:7.2f}"
                )
            lines.append("")
        return "\n".join(lines).rstrip()


def _two(number: float) -> str:
    return "-" if math.isnan(number) else f"{number:.2f}"


def _error(values: Floats) -> float:
    """Give the standard error of a mean of values that may go together."""
    n = len(values)
    if n < 2:
        return math.nan
    apart = values - values.mean()
    lags = int(4.0 * (n / 100.0) ** (2.0 / 9.0)) if n >= 8 else 0
    variance = float(apart @ apart) / n
    for lag in range(1, lags + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1.0)) * float(apart[lag:] @ apart[:-lag]) / n
    return math.sqrt(max(variance, 0.0) / (n - 1))


def score_forecasts(
    table: Strikes,
    start: date,
    end: date,
    *,
    horizon: int = 7,
    groups: Sequence[str] | None = None,
    outcomes: Sequence[str] = ("launched", "neutralised"),
) -> ForecastScores:
    r"""Forecast block after block from a rolling origin, and score the model and its baselines.

    Parameters
    ----------
    table : Strikes
        What is forecast; each forecast looks at the days before it alone.
    start, end : datetime.date
        First and last day; blocks follow one another and end by `end`, or with the table.
    horizon : int, optional
        Days of a block. [days]
    groups : sequence of str, optional
        What to forecast; all groups of the table if not given.
    outcomes : sequence of str, optional
        What of it; one that the table does not give is left out.

    Returns
    -------
    ForecastScores

    Raises
    ------
    EscalateError
        If there is less than a year of history before `start`, or no block to score.

    Examples
    --------
    A table that is the same each week leaves little to get wrong, and most to who repeats it.

    >>> import tempfile, pathlib
    >>> from escalate.strikes import read_strikes
    >>> path = pathlib.Path(tempfile.mkdtemp(), "strikes.csv")
    >>> rows = [f"{date(2023, 1, 1) + timedelta(days=i)},{9 + i % 7}" for i in range(500)]
    >>> _ = path.write_text("\n".join(["date,count", *rows]) + "\n")
    >>> scores = score_forecasts(read_strikes(path), date(2024, 1, 1), date(2024, 3, 31))
    >>> scores.scored, scores.asked, scores.summary()["crps"].round(1).tolist()
    (13, 13, [2.8, 0.0, 2.1, 0.0])
    """
    import pandas as pd

    start, end = as_day("start", start), as_day("end", end)
    horizon = as_whole("horizon", horizon)
    if start > end:
        raise EscalateError(f"`start <= end` must hold, but got {start} and {end}")
    if horizon < 1:
        raise EscalateError(f"`1 <= horizon` must hold, but got {horizon}")
    asked = ((end - start).days + 1) // horizon
    scored = ((min(end, table.last) - start).days + 1) // horizon
    if asked < 1:
        raise EscalateError(
            f"{start} to {end} must hold a forecast of {horizon} days, but is {asked} of them"
        )
    if scored < 1:
        raise EscalateError(
            f"a forecast must be followed by what happened: {horizon} days from {start} on, but "
            f"the table ends on {table.last}"
        )
    rows: list[dict[str, Any]] = []
    said = [name for name in outcomes if table.daily(name)["all"].notna().any()]
    if not said:
        raise EscalateError(f"the table must say what was {' or '.join(outcomes)}, but does not")
    for outcome in said:
        days = _Days(table, outcome, horizon)
        for number in range(scored):
            origin = start + timedelta(days=number * horizon)
            first = (origin - table.first).days
            wanted = {group: days.parts(group, origin) for group in groups or table.groups}
            every = dict.fromkeys(name for names in wanted.values() for name in names)
            parts = {name: days.part(name, origin) for name in every}
            for group, names in wanted.items():
                here = days.daily[group].to_numpy()[first : first + horizon]
                if np.isnan(here).any():
                    continue  # a day without report: nothing to score by
                blocks = _blocks(days.before(group, origin), horizon)
                made = {"model": _together([parts[name] for name in names])}
                made |= {name: law(blocks, horizon) for name, law in _BASELINE.items()}
                rows += [
                    {"outcome": outcome, "group": group, "start": pd.Timestamp(origin),
                     "forecast": name, **_scored(one, float(here.sum()))}
                    for name, one in made.items()
                ]  # fmt: skip
    if not rows:
        raise EscalateError(
            f"a forecast must be followed by what happened, but no {horizon} days from {start} on "
            "have a report each"
        )
    order = {outcome: i for i, outcome in enumerate(said)}
    rows.sort(key=lambda row: (order[row["outcome"]], list(table.groups).index(row["group"])))
    return ForecastScores(pd.DataFrame(rows), horizon, asked)


def _scored(made: Forecast, observed: float) -> dict[str, float]:
    quantiles = {f"q{100 * q:02.0f}": made.quantile(q) for q in (0.05, 0.25, 0.5, 0.75, 0.95)}
    return {
        "observed": observed, "mean": made.mean, "crps": made.crps(observed),
        "log_score": made.log_score(observed), "pit": made.pit(observed),
        "inside_50": quantiles["q25"] <= observed <= quantiles["q75"],
        "inside_90": quantiles["q05"] <= observed <= quantiles["q95"], **quantiles,
    }  # fmt: skip
