"""Read tempo, massing, salvo sizes, interception and mutual excitation off daily strike tables.

Each fit gives its numbers with intervals and says in a sentence what the data say, or that they
do not say. Tests shuffle the data instead of trusting a formula, and shuffle only nearby days,
since a war that grows makes everything go together with everything. They are two-sided and state a
false alarm of 5%; docs/strike-tables.md says how often they cry wolf, and on what they fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from escalate.errors import EscalateError
from escalate.randomness import Seed
from escalate.strikes import Strikes
from escalate.theory._check import Floats, within

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Estimate",
    "ExcitationFit",
    "InterceptionFit",
    "MassingFit",
    "SeriesFit",
    "SizeFit",
    "TempoFit",
    "calibrate_series",
    "fit_excitation",
    "fit_interception",
    "fit_massing",
    "fit_sizes",
    "fit_tempo",
    "moving_mean",
]

FALSE_ALARM = 0.05
"""Chance that a test finds what is not there, as stated [-]."""

_FEW = 10


@dataclass(frozen=True)
class Estimate:
    """A number and its 95% interval."""

    value: float
    """Best estimate."""
    low: float
    """Lower end; NaN where there is none."""
    high: float
    """Upper end; infinite where the data set none."""

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True)
class TempoFit:
    """How often strikes of a size come, and whether they remember the last one."""

    strikes: int
    """Days of at least that size [days]."""
    wait_days: Estimate
    """Mean wait from one to the next [days]."""
    variation: Estimate
    """Standard deviation over mean of the waits, and the range it has if days are drawn at random
    within each quarter of a year. [-]"""
    pvalue: float
    """Chance of a variation as far out if strikes are memoryless [-]."""
    verdict: str
    """What the data say."""


@dataclass(frozen=True)
class MassingFit:
    """Whether large strikes cost or need time: the mark of stocks that are set aside."""

    strikes: int
    """Strikes with a wait on either side [days]."""
    before: Estimate
    """Rank correlation of a strike's size with the wait before it [-]."""
    before_pvalue: float
    """Chance of one as far out without a relation [-]."""
    after: Estimate
    """Rank correlation of a strike's size with the wait after it [-]."""
    after_pvalue: float
    """Chance of one as far out without a relation [-]."""
    verdict: str
    """What the data say."""


@dataclass(frozen=True)
class SizeFit:
    """Negative binomial sizes of strikes, none of which is 0."""

    strikes: int
    """Strikes [days]."""
    mean: Estimate
    """Mean of a strike [weapons]."""
    dispersion: Estimate
    """k of the negative binomial, of variance ``m + m^2 / k``; 0 is the logarithmic series [-]."""
    untruncated_mean: float
    """m of the negative binomial, before 0 is cut off [weapons]."""
    variance_over_mean: float
    """Of the strikes themselves; 1 for Poisson [-]."""
    verdict: str
    """What the data say."""


@dataclass(frozen=True)
class InterceptionFit:
    """Beta-binomial interceptions, with what a larger strike does to them."""

    strikes: int
    """Strikes of known outcome [days or rows]."""
    probability: Estimate
    """Mean chance that a weapon is stopped [-]."""
    correlation: Estimate
    """Correlation of two weapons of one strike, 0 if each is stopped by its own luck [-]."""
    pearson: float
    """Pearson's dispersion against a binomial of that chance; 1 without over-dispersion [-]."""
    slope: Estimate
    """Change of log-odds with each doubling of the strike, at the same date [-]."""
    pvalue: float
    """Chance of one as far out if size does not matter, by the ratio of likelihoods [-]."""
    verdict: str
    """What the data say."""


@dataclass(frozen=True)
class ExcitationFit:
    """What the last days of either side do to the day of one."""

    days: int
    """Days that both report [days]."""
    names: tuple[str, str]
    """Names of the sides."""
    own: tuple[Estimate, Estimate]
    """Response of each side to its own last days: log of its rate per log of excess [-]."""
    own_pvalue: tuple[float, float]
    """Chance of one as far out if days within four weeks are exchangeable [-]."""
    cross: tuple[Estimate, Estimate]
    """Response of each side to the other's last days [-]."""
    cross_pvalue: tuple[float, float]
    """Chance of one as far out if the two sides' calendars have nothing to do with one another;
    twice the lone one, as there are two tests [-]."""
    verdict: str
    """What the data say."""


@dataclass(frozen=True)
class SeriesFit:
    """All fits of one table."""

    tempo: TempoFit
    massing: MassingFit
    sizes: dict[str, SizeFit]
    """By category."""
    interception: dict[str, InterceptionFit]
    """By category, or subclass of a category."""
    excitation: ExcitationFit | None

    def table(self) -> pd.DataFrame:
        """Give the numbers as a table.

        Returns
        -------
        pandas.DataFrame
            Columns ``fit``, ``of``, ``quantity``, ``value``, ``low``, ``high`` (95%), ``pvalue``.
        """
        import pandas as pd

        rows: list[tuple[Any, ...]] = []

        def add(
            fit: str, of: str, quantity: str, found: Estimate, pvalue: float = math.nan
        ) -> None:
            rows.append((fit, of, quantity, found.value, found.low, found.high, pvalue))

        tempo, massing = self.tempo, self.massing
        add("tempo", "", "wait_days", tempo.wait_days)
        add("tempo", "", "variation", tempo.variation, tempo.pvalue)
        add("massing", "", "before", massing.before, massing.before_pvalue)
        add("massing", "", "after", massing.after, massing.after_pvalue)
        for of, size in self.sizes.items():
            add("sizes", of, "mean", size.mean)
            add("sizes", of, "dispersion", size.dispersion)
        for of, fit in self.interception.items():
            add("interception", of, "probability", fit.probability)
            add("interception", of, "correlation", fit.correlation)
            add("interception", of, "slope", fit.slope, fit.pvalue)
        if self.excitation is not None:
            found = self.excitation
            for i, name in enumerate(found.names):
                add("excitation", name, "own", found.own[i], found.own_pvalue[i])
                add("excitation", name, "cross", found.cross[i], found.cross_pvalue[i])
        names = ("fit", "of", "quantity", "value", "low", "high", "pvalue")
        return pd.DataFrame(rows, columns=list(names))

    def text(self) -> str:
        """Give the verdicts, one a line."""
        lines = [f"tempo: {self.tempo.verdict}", f"massing: {self.massing.verdict}"]
        lines += [f"sizes, {of}: {fit.verdict}" for of, fit in self.sizes.items()]
        lines += [f"interception, {of}: {fit.verdict}" for of, fit in self.interception.items()]
        if self.excitation is not None:
            lines.append(f"excitation: {self.excitation.verdict}")
        return "\n".join(lines)


def calibrate_series(
    table: Strikes,
    other: Strikes | None = None,
    *,
    least: int = 20,
    shuffles: int = 999,
    rng: Any = None,
) -> SeriesFit:
    r"""Fit all that a strike table can say.

    Parameters
    ----------
    table : Strikes
        What one side launched.
    other : Strikes, optional
        What the other side did, for mutual excitation: drones launched, or shot down where
        launches are not known.
    least : int, optional
        Weapons from which a day counts as a strike in `fit_tempo` and `fit_massing`: missiles
        where the table has any. [weapons]
    shuffles : int, optional
        How often each test shuffles.
    rng : int, SeedSequence, Generator or None, optional
        Where chance comes from.

    Returns
    -------
    SeriesFit
        Tempo and massing of missiles, sizes of a day's launches by category, interception by
        subclass; rows that are estimates (`split`) or posted by regional commands, which seldom
        say what was launched, are left out of interception.

    Raises
    ------
    EscalateError
        If there are too few strikes to fit anything.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from escalate.strikes import read_strikes
    >>> sizes = np.random.default_rng(1).negative_binomial(0.2, 0.01, 400)
    >>> days = np.datetime_as_string(np.datetime64("2023-01-01") + np.arange(400))
    >>> path = pathlib.Path(tempfile.mkdtemp(), "strikes.csv")
    >>> rows = [f"{day},{size},{size // 2}" for day, size in zip(days, sizes)]
    >>> _ = path.write_text("\n".join(["date,launched,destroyed", *rows]) + "\n")
    >>> found = calibrate_series(read_strikes(path), shuffles=99, rng=1)
    >>> list(found.sizes), found.tempo.verdict[:41]
    (['unspecified'], 'waits of 5.2 days are memoryless as far a')
    """
    seed = Seed.of(rng)
    draw = [Seed(seed.entropy, (*seed.spawn_key, i)) for i in range(3)]  # one for each test
    group = "missile" if "missile" in table.groups else "all"
    daily = table.daily()[group]
    by_category = table.daily(by="category")
    sizes = {
        str(name): fit_sizes(by_category[name][by_category[name] > 0])
        for name in by_category
        if (by_category[name] > 0).sum() >= _FEW
    }
    rows = table.events
    rows = rows[~rows["split"] & ~rows["regional"] & ~rows["tally"]]
    rows = rows[rows["neutralised"].notna() & (rows["launched"] > 0)]
    of = rows["category"].where(
        (rows["subclass"] == "") | (rows["subclass"] == rows["category"]),
        rows["category"] + ", " + rows["subclass"],
    )
    interception = {}
    for name, part in rows.groupby(of):
        # A strike is a day: rows of one day share its defence and its weather.
        days = part.groupby("day")[["launched", "neutralised"]].sum()
        if len(days) >= _FEW:
            when = (days.index - days.index[0]).days.to_numpy(dtype=float)
            interception[str(name)] = fit_interception(
                days["launched"], days["neutralised"], when=when
            )
    excitation = None
    if other is not None:
        import pandas as pd

        theirs = other.daily("launched" if other.complete else "intercepted")
        both = pd.concat(
            [table.daily()["all"], theirs["drone" if "drone" in theirs else "all"]],
            axis=1, keys=["first", "second"], join="inner",
        )  # fmt: skip
        sides = [
            str(t.events["side"].iloc[0]) or n for t, n in ((table, "first"), (other, "second"))
        ]
        excitation = fit_excitation(
            both["first"], both["second"], names=(sides[0], sides[1]),
            shuffles=shuffles, rng=draw[2],
        )  # fmt: skip
    return SeriesFit(
        fit_tempo(daily, least=least, shuffles=shuffles, rng=draw[0]),
        fit_massing(daily, least=least, shuffles=shuffles, rng=draw[1]),
        sizes, interception, excitation,
    )  # fmt: skip


def fit_tempo(
    daily: ArrayLike, *, least: float = 20, shuffles: int = 999, rng: Any = None
) -> TempoFit:
    """Fit how often days of a size come, and test whether they are memoryless.

    Parameters
    ----------
    daily : array_like, shape (days,)
        Weapons a day, without gaps. [weapons]
    least : float, optional
        From how many on a day counts. [weapons]
    shuffles : int, optional
        How often to shuffle.
    rng : int, SeedSequence, Generator or None, optional
        Where chance comes from.

    Returns
    -------
    TempoFit

    Raises
    ------
    EscalateError
        If a number is missing or negative, or fewer than 10 days count.

    Notes
    -----
    The wait has the interval of an exponential mean, by the chi-squared distribution, wider where
    waits are more scattered than that; for regular waits it is too wide. The test
    puts the days that count anywhere within the quarter (91 days) in which they fell: memoryless
    within it, as busy as it was.

    Examples
    --------
    >>> days = np.zeros(400)
    >>> days[::10] = 50
    >>> found = fit_tempo(days, rng=1)
    >>> found.strikes, round(found.wait_days.value, 1), found.verdict[:32]
    (40, 10.0, 'waits are more regular than chan')
    """
    values = _series("daily", daily)
    strikes = values >= least
    count = int(strikes.sum())
    _enough(count, "days that count")
    waits = np.diff(np.flatnonzero(strikes))
    mean, seen = float(waits.mean()), _variation(waits)
    n = len(waits) / max(1.0, seen) ** 2  # bunched waits say less than as many memoryless ones
    wait = Estimate(
        mean,
        n * mean / float(special.gammainccinv(n, 0.025)),
        n * mean / float(special.gammaincinv(n, 0.025)),
    )
    draw = _generator(rng)
    shuffled = np.array([
        _variation(np.diff(np.flatnonzero(_permuted(strikes, 91, draw)))) for _ in range(shuffles)
    ])  # fmt: skip
    pvalue = _pvalue(seen, shuffled)
    low, high = np.quantile(shuffled, (0.025, 0.975))
    what = f"standard deviation over mean {seen:.2f}, at random {low:.2f} to {high:.2f}"
    verdict = f"waits of {mean:.1f} days are memoryless as far as the data say ({what})"
    if pvalue <= FALSE_ALARM:
        way = "regular" if seen < np.median(shuffled) else "bunched"
        verdict = f"waits are more {way} than chance ({what}, p = {pvalue:.3f})"
    return TempoFit(count, wait, Estimate(seen, float(low), float(high)), pvalue, verdict)


def fit_massing(
    daily: ArrayLike, *, least: float = 20, shuffles: int = 999, rng: Any = None
) -> MassingFit:
    """Test whether a strike's size goes with the wait before it, or the wait after it.

    Parameters
    ----------
    daily, least, shuffles, rng
        As in `fit_tempo`.

    Returns
    -------
    MassingFit

    Raises
    ------
    EscalateError
        As `fit_tempo`.

    Notes
    -----
    A side that strikes when it has set enough aside shows neither if the size is fixed; one that
    strikes at its own times with all it has shows the first; one that strikes as it likes and
    then has to fill up again, the second. Sizes are shuffled among eight consecutive strikes;
    of the two chances the smaller counts twice. The interval is that of a bootstrap of the strikes
    as they are, a common trend included, which only the test takes out.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> days = np.zeros(2000)
    >>> when = np.cumsum(rng.integers(4, 20, 100))
    >>> days[when] = 20 + 3 * np.diff(when, prepend=0)
    >>> fit_massing(days, rng=1).verdict[:42]
    'a longer wait goes before a larger strike '
    """
    values = _series("daily", daily)
    when = np.flatnonzero(values >= least)
    _enough(len(when), "days that count")
    sizes, waits = values[when], np.diff(when).astype(float)
    draw = _generator(rng)
    found = []
    for own, wait in ((sizes[1:], waits), (sizes[:-1], waits)):
        seen = _rank_correlation(own, wait)
        null = np.array([_rank_correlation(_permuted(own, 8, draw), wait) for _ in range(shuffles)])
        pick = draw.integers(0, len(own), (shuffles, len(own)))
        again = np.array([_rank_correlation(own[p], wait[p]) for p in pick])
        low, high = np.nanquantile(again, (0.025, 0.975))
        found.append((Estimate(seen, float(low), float(high)), _pvalue(seen, null)))
    (before, p_before), (after, p_after) = found
    told = []
    if 2.0 * min(p_before, p_after) <= FALSE_ALARM:
        if p_before <= p_after or 2.0 * p_before <= FALSE_ALARM:
            way = "larger" if before.value > 0 else "smaller"
            told.append(f"a longer wait goes before a {way} strike (rank correlation {before})")
        if p_after < p_before or 2.0 * p_after <= FALSE_ALARM:
            way = "longer" if after.value > 0 else "shorter"
            told.append(f"a {way} wait follows a larger strike (rank correlation {after})")
    verdict = " and ".join(told) or (
        "the data do not say that sizes and waits go together (rank correlation with the wait "
        f"before {before}, after {after})"
    )
    return MassingFit(len(when), before, p_before, after, p_after, verdict)


def fit_sizes(sizes: ArrayLike) -> SizeFit:
    """Fit the sizes of strikes by a negative binomial without 0.

    Parameters
    ----------
    sizes : array_like, shape (strikes,)
        At least 1 each. [weapons]

    Returns
    -------
    SizeFit

    Raises
    ------
    EscalateError
        If a size is below 1, or there are fewer than 10.

    Notes
    -----
    By maximum likelihood, with a profile interval for k; the mean has that of its standard error,
    on a log scale. The data tell sizes from Poisson if the interval ends before a k at which the
    variance is a thousandth above the mean. Sizes of which most are 1 and a few enormous end at
    the smallest k allowed.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> sizes = rng.negative_binomial(2.0, 2.0 / 32.0, 500)
    >>> found = fit_sizes(sizes[sizes > 0])
    >>> found.mean.low < 30 < found.mean.high, found.dispersion.low < 2 < found.dispersion.high
    (True, True)
    """
    y = np.asarray(within("sizes", sizes, 1.0), dtype=float).ravel()
    _enough(len(y), "strikes")

    def loss(x: Any) -> float:
        mean, k = math.exp(x[0]), math.exp(x[1])
        none = -k * math.log1p(mean / k)
        seen = special.gammaln(y + k) - special.gammaln(k) - special.gammaln(y + 1.0)
        seen = seen + none + y * math.log(mean / (k + mean)) - math.log(-math.expm1(none))
        return -float(seen.sum())

    top = 1e3 * max(10.0, float(y.mean()))  # a variance that is a thousandth above the mean
    bounds = (
        (math.log(1e-3), math.log(float(y.max()) + 1.0)),
        (math.log(1e-3), math.log(top)),
    )
    start = [math.log(float(y.mean())), 0.0]
    best, (k,) = _fitted(loss, start, bounds, len(y), only=(1,))
    dispersion = Estimate(*(math.exp(v) for v in k))
    mean, error = float(y.mean()), float(y.std(ddof=1)) / math.sqrt(len(y))
    wide = math.exp(1.96 * error / mean)
    ratio = error * error * len(y) / mean
    verdict = f"over-dispersed, variance {ratio:.1f} times the mean; k {dispersion}"
    if best[1] > math.log(0.5 * top):
        dispersion = Estimate(math.inf, dispersion.low, math.inf)
    if dispersion.value < 0.002:
        dispersion = Estimate(0.0, 0.0, dispersion.high)
        verdict = (
            f"as wide as it can be, variance {ratio:.1f} times the mean: single ones and masses, "
            "which one negative binomial does not hold together"
        )
    if dispersion.high > 0.99 * top:
        verdict = f"the data do not tell it from Poisson (variance {ratio:.1f} times the mean)"
    sizes_ = Estimate(mean, mean / wide, mean * wide)
    return SizeFit(len(y), sizes_, dispersion, math.exp(best[0]), ratio, verdict)


def fit_interception(
    launched: ArrayLike, stopped: ArrayLike, *, when: ArrayLike | None = None
) -> InterceptionFit:
    """Fit interceptions by a beta-binomial, and what the size of the strike does to them.

    Parameters
    ----------
    launched : array_like, shape (strikes,)
        At least 1 each. [weapons]
    stopped : array_like, shape (strikes,)
        At most as many. [weapons]
    when : array_like, shape (strikes,), optional
        Date of each strike, so that a defence that changes while strikes grow is not taken for
        an effect of size; not held against them if not given. [days]

    Returns
    -------
    InterceptionFit

    Raises
    ------
    EscalateError
        If more is stopped than launched, shapes differ, or there are fewer than 10 strikes.

    Notes
    -----
    A strike's chance is Beta with mean p and ``p (1 - p) rho`` for variance, so two weapons of
    one strike are stopped together with correlation rho. The slope is fitted with
    ``logit p = a + b log2(launched) + c when``. Maximum likelihood, intervals by profile, and
    for few strikes the limits of Student and Fisher in place of those of chi-squared. A strike is
    taken to know nothing of the one before.

    References
    ----------
    J. G. Skellam, A probability distribution derived from the binomial distribution by regarding
    the probability of success as variable, Journal of the Royal Statistical Society B 10 (1948)
    257-261.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> launched = rng.integers(1, 100, 300)
    >>> stopped = rng.binomial(launched, rng.beta(8.0, 2.0, 300))
    >>> found = fit_interception(launched, stopped)
    >>> found.probability.low < 0.8 < found.probability.high, found.verdict[:47]
    (True, 'the data do not say that size matters; weapons ')
    """
    n = np.asarray(within("launched", launched, 1.0), dtype=float).ravel()
    y = np.asarray(within("stopped", stopped, 0.0), dtype=float).ravel()
    if n.shape != y.shape:
        raise EscalateError(
            f"`launched` and `stopped` must have one shape, but have {n.shape} and {y.shape}"
        )
    if np.any(y > n):
        i = int(np.argmax(y > n))
        raise EscalateError(
            f"`stopped <= launched` must hold, but got {y[i]:g} and {n[i]:g} at [{i}]"
        )
    _enough(len(n), "strikes")
    time = np.zeros(len(n))
    if when is not None:
        time = np.asarray(within("when", when), dtype=float).ravel()
        if time.shape != n.shape:
            raise EscalateError(
                f"`when` must have the shape of `launched`, {n.shape}, but has {time.shape}"
            )
        time = (time - time.mean()) / max(float(time.std()), 1e-9)
    size = np.log2(n) - np.log2(n).mean()
    varies = bool(np.ptp(size) > 0.0)

    def law(logit: Any, log_rho: float) -> float:
        p = special.expit(np.clip(logit, -30.0, 30.0))
        rho = float(special.expit(log_rho))
        total = (1.0 - rho) / rho
        a, b = np.maximum(p * total, 1e-12), np.maximum((1.0 - p) * total, 1e-12)
        seen = special.betaln(y + a, n - y + b) - special.betaln(a, b)
        return -float(seen.sum())

    share = float(np.clip(y.sum() / n.sum(), 0.01, 0.99))
    start = [math.log(share / (1.0 - share)), -2.0]
    ends = ((-12.0, 12.0), (-14.0, 6.0))
    _, (chance, rho) = _fitted(lambda x: law(x[0], x[1]), start, ends, len(n))
    p_, rho_ = (Estimate(*(float(special.expit(v)) for v in e)) for e in (chance, rho))

    def with_size(x: Any) -> float:
        return law(x[0] + x[2] * size + x[3] * time, x[1])

    best, found = _fitted(
        with_size, [*start, 0.0, 0.0], (*ends, (-5.0, 5.0), (-5.0, 5.0)), len(n), only=(2,)
    )
    slope = Estimate(*found[0]) if varies else Estimate(0.0, -math.inf, math.inf)
    flat, _ = _fitted(lambda x: with_size([x[0], x[1], 0.0, x[2]]), [*start, 0.0],
                      (*ends, (-5.0, 5.0)), len(n), only=())  # fmt: skip
    gain = with_size([flat[0], flat[1], 0.0, flat[2]]) - with_size(best)
    left = len(n) - 3.0 - float(np.ptp(time) > 0.0)  # strikes less parameters
    ratio = left * math.expm1(2.0 * max(gain, 0.0) / len(n))
    pvalue = float(special.fdtrc(1.0, left, ratio)) if varies else 1.0
    p = p_.value
    inside = (y - n * p) ** 2 / (n * p * (1.0 - p)) if 0.0 < p < 1.0 else np.zeros(len(n))
    pearson = float(inside.sum() / (len(n) - 1))
    fate = "share their fate" if rho_.low > 0.005 else "may be stopped one by one"
    said = f"the data do not say that size matters; weapons of one strike {fate}"
    if pvalue <= FALSE_ALARM:
        way = "falls" if slope.value < 0 else "rises"
        said = f"the share stopped {way} with size (log-odds {slope} a doubling); weapons {fate}"
    verdict = f"{said} (correlation {rho_}, mean chance {p_})"
    return InterceptionFit(len(n), p_, rho_, pearson, slope, pvalue, verdict)


def fit_excitation(
    first: ArrayLike,
    second: ArrayLike,
    *,
    names: tuple[str, str] = ("first", "second"),
    trend_days: int = 61,
    shuffles: int = 999,
    rng: Any = None,
) -> ExcitationFit:
    """Fit what the last days of either side do to the next day of both.

    Parameters
    ----------
    first, second : array_like, shape (days,)
        Weapons a day of either side, on one calendar; NaN where a day has no report. [weapons]
    names : tuple of str, optional
        What to call them.
    trend_days : int, optional
        Days of the centred moving mean that is taken for the trend; odd. [days]
    shuffles : int, optional
        How often to shuffle.
    rng : int, SeedSequence, Generator or None, optional
        Where chance comes from.

    Returns
    -------
    ExcitationFit

    Raises
    ------
    EscalateError
        If shapes differ, a number is negative or there are fewer than four times `trend_days`
        days.

    Notes
    -----
    With ``x`` the mean excess of ``log(1 + weapons)`` over its trend in the 14 days before, by
    weights that halve every two days, a day's number is negative binomial with mean
    ``trend exp(a + own x_own + cross x_other)``. The test of ``cross`` moves the other side's
    calendar round by a month or more: both keep their own memory and lose any common one. The
    test of ``own`` shuffles days within four weeks. A moving mean holds a little of each day
    itself, which pulls the response to one's own days down; by as much as it does so in shuffled
    days, `own` is corrected. Intervals are Student's, with standard errors of a bootstrap of
    fortnights.

    Two sides that go up and down together within four months (weather, seasons of fighting) pass
    for excitation: a relation found is not yet an answer given. Where there is a response to one's
    own days, `own` is too small.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> one, two = rng.poisson(20.0, (2, 400))
    >>> fit_excitation(one, two, shuffles=99, rng=1).verdict[:31]
    'the data do not say that either'
    """
    a, b = (_series(name, v, gaps=True) for name, v in (("first", first), ("second", second)))
    if a.shape != b.shape:
        raise EscalateError(
            f"`first` and `second` must have one shape, but have {a.shape} and {b.shape}"
        )
    if trend_days < 7 or trend_days % 2 == 0:
        raise EscalateError(f"`trend_days` must be odd and at least 7, but got {trend_days}")
    if len(a) < 4 * trend_days:
        raise EscalateError(f"`{4 * trend_days} <= days` must hold, but got {len(a)}")
    draw = _generator(rng)
    sides = [_Side(values, trend_days) for values in (a, b)]
    keep = sides[0].known & sides[1].known
    own, cross, own_p, cross_p = [], [], [], []
    n = len(a)
    for i in range(2):
        this, other = sides[i], sides[1 - i]
        seen = _excited(this, this.past, other.past, keep)
        moves = draw.permutation(np.arange(30, n - 30))[:shuffles]
        null = np.array([
            _excited(this, this.past, np.roll(other.past, m), this.known & np.roll(other.known, m),
                     seen)[2]
            for m in moves
        ])  # fmt: skip
        cross_p.append(min(1.0, 2.0 * _pvalue(seen[2], null)))
        mixed = np.array([
            _excited(one, one.past, other.past, one.known & other.known, seen)[1]
            for one in (_Side(_permuted(this.values, 28, draw), trend_days)
                        for _ in range(shuffles))
        ])  # fmt: skip
        own_p.append(_pvalue(seen[1], mixed))
        places = np.flatnonzero(keep)
        groups = [places[k : k + 14] for k in range(0, len(places), 14)]
        again = np.array([
            _excited(this, this.past, other.past, np.concatenate([groups[g] for g in pick]), seen)
            for pick in draw.integers(0, len(groups), (min(shuffles, 400), len(groups)))
        ])  # fmt: skip
        wide = float(special.stdtrit(len(groups) - 1.0, 0.975)) * again.std(axis=0)
        # The trend holds a little of each day, which days without memory have as well.
        found = float(seen[1] - mixed.mean()), float(seen[2])
        own.append(Estimate(found[0], found[0] - float(wide[1]), found[0] + float(wide[1])))
        cross.append(Estimate(found[1], found[1] - float(wide[2]), found[1] + float(wide[2])))
    shares = [_correlation(sides[i].excess[keep], sides[1 - i].past[keep]) ** 2 for i in range(2)]
    told = [
        f"{names[i]} goes {'up' if cross[i].value > 0 else 'down'} after more from {names[1 - i]} "
        f"({cross[i]}, p = {cross_p[i]:.3f}), which is {100.0 * shares[i]:.1f}% of its variation "
        "from day to day"
        for i in range(2)
        if cross_p[i] <= FALSE_ALARM
    ]
    verdict = " and ".join(told) or (
        f"the data do not say that either answers the other: {names[0]} {cross[0]}, p = "
        f"{cross_p[0]:.2f}; {names[1]} {cross[1]}, p = {cross_p[1]:.2f}"
    )
    return ExcitationFit(
        int(keep.sum()), names, (own[0], own[1]), (own_p[0], own_p[1]), (cross[0], cross[1]),
        (cross_p[0], cross_p[1]), verdict,
    )  # fmt: skip


class _Side:
    """One side's days, its trend, and its excess over it in the days before each."""

    def __init__(self, values: Floats, trend_days: int) -> None:
        self.values = values
        self.trend = np.log(np.maximum(moving_mean(values, trend_days), 0.1))
        logs = np.log1p(values)
        self.excess = logs - moving_mean(logs, trend_days)
        self.past = _past(self.excess)
        self.known = np.isfinite(values) & (np.arange(len(values)) >= 14)


def moving_mean(values: Floats, width: int) -> Floats:
    """Give the mean of what is known within a window about each day, shorter at the ends.

    Parameters
    ----------
    values : ndarray of float64, shape (days,)
        A series, NaN where nothing is known.
    width : int
        Days of the window. [days]
    """
    known = np.isfinite(values)
    box = np.ones(width)
    total = np.convolve(np.where(known, values, 0.0), box, "same")
    return np.asarray(total / np.maximum(np.convolve(known, box, "same"), 1.0))


def _past(excess: Floats) -> Floats:
    """Mean of the fourteen days before each, the last ones counting most; 0 without any."""
    known = np.isfinite(excess)
    weights = np.append(0.0, 0.5 ** (np.arange(14) / 2.0))
    n = len(excess)
    total = np.convolve(np.where(known, excess, 0.0), weights)[:n]
    seen = np.convolve(known, weights)[:n]
    return np.where(seen > 0.0, total / np.maximum(seen, 1e-9), 0.0)


def _excited(side: _Side, own: Floats, other: Floats, keep: Any, start: Any = None) -> Any:
    """Fit ``a``, ``own``, ``cross`` and ``log k`` of a negative binomial day; by Newton's rule."""
    y, offset = side.values[keep], side.trend[keep]
    z = np.column_stack([np.ones(len(y)), own[keep], other[keep]])
    beta = np.zeros(3) if start is None else np.array(start[:3])
    k = 1.0 if start is None else math.exp(start[3])
    for _ in range(3 if start is None else 1):
        for _ in range(20):
            mean = np.exp(np.clip(offset + z @ beta, -20.0, 20.0))
            weight = mean / (1.0 + mean / k)
            slope = z.T @ ((y - mean) / (1.0 + mean / k))
            step = np.linalg.solve(z.T @ (weight[:, None] * z) + 1e-6 * np.eye(3), slope)
            beta = beta + np.clip(step, -1.0, 1.0)
            if np.abs(step).max() < 1e-6:
                break
        if start is not None:
            break  # the dispersion is that of the data as they are

        def loss(log_k: float, mean: Any = mean) -> float:
            size = math.exp(log_k)
            seen = special.gammaln(y + size) - special.gammaln(size) - size * np.log1p(mean / size)
            return -float((seen + special.xlogy(y, mean / (size + mean))).sum())

        k = math.exp(optimize.minimize_scalar(loss, bounds=(-5.0, 9.0), method="bounded").x)
    return np.array([*beta, math.log(k)])


def _fitted(
    loss: Callable[[Any], float],
    start: Sequence[float],
    bounds: Sequence[tuple[float, float]],
    size: int,
    only: Sequence[int] | None = None,
) -> tuple[Any, list[tuple[float, float, float]]]:
    """Give where a loss of so many data is least, and profile intervals of its parameters.

    How far the loss may rise is half the 95% quantile of chi-squared for many data; for few, what
    makes the interval of a normal regression the one of Student.
    """
    free = size - len(start)
    drop = 0.5 * size * math.log1p(float(special.stdtrit(free, 0.975)) ** 2 / free)
    best = optimize.minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    x, least = np.asarray(best.x), float(best.fun)
    found = []
    for i in range(len(x)) if only is None else only:
        rest = [j for j in range(len(x)) if j != i]
        held = [x[rest]]

        @cache  # a value has one answer, though the search for it begins where the last one ended
        def risen(value: float, i: int = i, rest: Any = rest, held: Any = held) -> float:
            def part(other: Any) -> float:
                full = np.empty(len(x))
                full[i], full[rest] = value, other
                return loss(full)

            if not rest:
                return part(np.empty(0)) - least - drop
            inner = optimize.minimize(
                part,
                held[0],
                method="L-BFGS-B",
                bounds=[bounds[j] for j in rest],
            )
            held[0] = inner.x
            return float(inner.fun) - least - drop

        ends = []
        for way in (-1.0, 1.0):
            held[0] = x[rest]
            edge = bounds[i][0 if way < 0 else 1]
            inside, step = float(x[i]), 0.1
            while True:
                outside = max(edge, inside - step) if way < 0 else min(edge, inside + step)
                if risen(outside) > 0.0:
                    ends.append(optimize.brentq(risen, inside, outside, xtol=1e-3)
                                if risen(inside) < 0.0 else outside)  # fmt: skip
                    break
                if outside == edge:
                    ends.append(edge)
                    break
                inside, step = outside, 2.0 * step
        found.append((float(x[i]), float(ends[0]), float(ends[1])))
    return x, found


def _series(name: str, values: ArrayLike, gaps: bool = False) -> Floats:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1:
        raise EscalateError(f"`{name}` must have shape (days,), but it has {array.shape}")
    within(name, np.where(np.isnan(array), 0.0, array) if gaps else array, 0.0)
    return array


def _enough(count: int, what: str) -> None:
    if count < _FEW:
        raise EscalateError(f"a fit needs {_FEW} {what}, but got {count}")


def _generator(rng: Any) -> np.random.Generator:
    seed = Seed.of(rng)
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key))


def _variation(waits: Any) -> float:
    return float(waits.std(ddof=1) / waits.mean())


def _permuted(values: Any, width: int, draw: np.random.Generator) -> Any:
    """Shuffle within blocks; where they are cut changes, so that no day is always a block's end."""
    out = values.copy()
    first = int(draw.integers(0, width))
    for start in range(first - width, len(values), width):
        part = slice(max(0, start), max(0, start + width))
        out[part] = draw.permutation(out[part])
    return out


def _pvalue(seen: float, null: Floats) -> float:
    """Two-sided chance of one as far out, the one seen counted among those drawn."""
    above = (1.0 + (null >= seen).sum()) / (len(null) + 1.0)
    below = (1.0 + (null <= seen).sum()) / (len(null) + 1.0)
    return float(min(1.0, 2.0 * min(above, below)))


def _rank_correlation(one: Floats, other: Floats) -> float:
    return _correlation(_ranks(one), _ranks(other))


def _correlation(one: Floats, other: Floats) -> float:
    apart = [v - v.mean() for v in (one, other)]
    size = math.sqrt(float((apart[0] @ apart[0]) * (apart[1] @ apart[1])))
    return float(apart[0] @ apart[1]) / size if size > 0.0 else 0.0


def _ranks(values: Floats) -> Floats:
    """Ranks, those of equal values their mean."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2.0)[place])
