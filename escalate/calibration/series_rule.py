"""Which rule one side's strikes follow, from two daily series and no scenario."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from escalate.calibration.fit import Fit
from escalate.calibration.model import Array, Values
from escalate.calibration.sampling import FRESH, job_of, sampled
from escalate.calibration.which_rule import RuleProbabilities, weighed, weights_of
from escalate.errors import EscalateError, closest
from escalate.randomness import Seed
from escalate.results import versions
from escalate.series import moving_mean
from escalate.theory._check import within

__all__ = [
    "SERIES_RULES",
    "SeriesModel",
    "series_priors",
    "series_rule_probabilities",
    "shift_test",
]

SERIES_RULES: Mapping[str, str] = {
    "none": "a tempo of its own, whatever the other side does",
    "tit_for_tat": "an answer of its own size to each strike",
    "proportional": "an answer in proportion to each strike",
    "threshold": "an answer of its own size to each strike that reaches a level",
}
"""Rules that two series are searched for, by name."""

_LAGS = 28
_ADAPTING = 32
_LEVELS = 12
_WIDTHS = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, eq=False)
class SeriesModel:
    """A side's daily strikes, some of them answers to the other side's.

    Notes
    -----
    A day has a strike of the side's own with chance ``1 - exp(-rate w)``, where ``w`` is the trend
    of its own calendar, and the answer to a strike of d days ago with chance ``answer_prob f(d)``.
    ``f`` is a gamma law of mean ``delay_days`` and shape ``delay_shape``, by days: what falls
    within half a day is lost, since a day does not tell which side came first. Sizes are negative
    binomial without 0, with mean ``size v`` for an own strike, ``v`` the trend of sizes; and
    ``size answer_ratio v`` for an answer, or under `proportional`
    ``size answer_ratio x / mean(x)`` to a strike of x. A day that could be both is a mixture.
    Under `none` a share `second_share` of own strikes has the sizes that answers would have: two
    kinds of strikes are no sign of an answer, only their dates are.
    """

    own: Array
    """Weapons a day, shape (days,); NaN for a day that nobody reported. [weapons]"""
    other: Array
    """What the other side did on each day, shape (days,): weapons, or killed, say."""
    rule: str
    """One of `SERIES_RULES`."""
    trend_days: int = 91
    """Width of the moving mean that is the trend; none in a series of less than twice that."""

    figures = ()

    def __post_init__(self) -> None:
        """Check both series."""
        if self.rule not in SERIES_RULES:
            raise EscalateError(f"unknown rule {self.rule!r}: {closest(self.rule, SERIES_RULES)}")
        for name in ("own", "other"):
            array = np.asarray(getattr(self, name), dtype=float)
            if np.isinf(array).any():
                raise EscalateError(f"`{name}` must be finite, or NaN where nobody reported")
            if array.ndim != 1:
                raise EscalateError(f"`{name}` must have shape (days,), but it has {array.shape}")
            object.__setattr__(self, name, array)
        if self.own.shape != self.other.shape:
            raise EscalateError(
                f"`own` and `other` must have one shape, but have {self.own.shape} and "
                f"{self.other.shape}"
            )
        within("own", np.nan_to_num(self.own), 0.0)
        if (np.nan_to_num(self.own) % 1.0 > 0.0).any():
            raise EscalateError("`own` must be whole numbers of weapons")
        missing = np.flatnonzero(np.isnan(self.other))
        if len(missing) == len(self.other):
            raise EscalateError("`other` must be known, but every day is missing")
        if len(missing):
            raise EscalateError(
                f"`other` must be known on every day, but {len(missing)} of {len(self.other)} are "
                f"missing, the first day {missing[0]}: an answer to what nobody reported cannot be "
                "told from a strike of one's own; fill them in, or cut the series there"
            )
        within("other", self.other, 0.0)
        if (self.own > 0.0).sum() < 2 or not (self.other > 0.0).any():
            raise EscalateError(
                "two strikes of `own` and one of `other` are the least to weigh a rule with, but "
                f"got {int((self.own > 0.0).sum())} and {int((self.other > 0.0).sum())}"
            )

    @property
    def exchanges(self) -> dict[str, list[int]]:
        """What has one likelihood: the series as a whole."""
        return {"series": [0]}

    @cached_property
    def levels(self) -> Array:
        """Levels that a threshold may have: at most 12 sizes of the other's strikes.

        Not the lowest fifth, from which on a threshold is tit-for-tat by another name.
        """
        sizes = np.sort(self.other[self.other > 0.0])
        least = sizes[math.ceil(0.2 * len(sizes)) if len(sizes) > 1 else 0]
        higher = np.unique(sizes[(sizes >= least) & ((sizes > sizes[0]) | (sizes[0] == sizes[-1]))])
        at = np.unique(np.linspace(0, len(higher) - 1, _LEVELS).round().astype(int))
        return np.asarray(higher[at])

    @cached_property
    def _known(self) -> Array:
        return np.isfinite(self.own)

    @cached_property
    def _struck(self) -> Array:
        """Numbers of the days with a strike."""
        return np.flatnonzero(self.own > 0.0)

    @cached_property
    def _quiet(self) -> Array:
        """Tell which days had none for sure."""
        return self._known & (self.own <= 0.0)

    @cached_property
    def _trends(self) -> tuple[Array, Array]:
        """Trends of the rate of strikes, on all days, and of their sizes, on days with one."""
        n, struck = len(self.own), self._struck
        if n < 2 * self.trend_days:
            return np.ones(n), np.ones(len(struck))
        strikes = np.where(self._known, self.own > 0.0, math.nan)
        rate = np.maximum(moving_mean(strikes, self.trend_days), 0.5 / self.trend_days)
        logs = np.full(n, math.nan)
        logs[struck] = np.log(self.own[struck])
        size = np.exp(moving_mean(logs, self.trend_days)[struck] - logs[struck].mean())
        return rate / rate[self._known].mean(), size

    @cached_property
    def _provoked(self) -> Array:
        """The other's strikes of 1 to 28 days before each day, shape (lags, days)."""
        n = len(self.other)
        padded = np.concatenate([np.zeros(_LAGS), self.other])
        return np.stack([padded[_LAGS - d : _LAGS - d + n] for d in range(1, _LAGS + 1)])

    @cached_property
    def _pairs(self) -> tuple[Array, Array, Array]:
        """Strikes and what may have provoked them: number, lag, and size over the mean one."""
        lag, strike = np.nonzero(self._provoked[:, self._struck])
        order = np.argsort(strike, kind="stable")
        lag, strike = lag[order], strike[order]
        size = self._provoked[lag, self._struck[strike]]
        return strike, lag, size / self.other[self.other > 0.0].mean()

    def check(self, paths: Any, values: Values) -> None:
        """Refuse parameters that the rule does not have."""
        needed = set(series_priors(self))
        for path in paths:
            if path not in needed:
                raise EscalateError(f"unknown parameter {path!r}: {closest(path, needed)}")
        if missing := needed - set(paths):
            raise EscalateError(f"priors are missing for {', '.join(sorted(missing))}")

    def truths(self, values: Values, wars: int, seed: Seed, **_: Any) -> Array:
        """Give nothing: the likelihood needs no war."""
        return np.empty((len(next(iter(values.values()))), wars, 0))

    def log_likelihood(self, truths: Array, values: Values) -> Array:
        """Give the log chance of the side's days given the other's, shape (n, 1).

        Parameters
        ----------
        truths : ndarray
            Not used.
        values : mapping of str to ndarray, shape (n,)
            Parameters by name.
        """
        v = {name: np.asarray(column, dtype=float)[:, None] for name, column in values.items()}
        struck, quiet = self._struck, self._quiet
        rate_trend, size_trend = self._trends
        y = self.own[struck]
        hazard = v["rate_per_day"] * rate_trend[struck]
        silent = v["rate_per_day"][:, 0] * rate_trend[quiet].sum()
        density = hazard * _size_chance(y, v["size"] * size_trend, v["dispersion"])
        mean = v["size"] * v["answer_ratio"]
        if self.rule == "none":
            second = _size_chance(y, mean * size_trend, v["answer_dispersion"])
            density += v["second_share"] * (hazard * second - density)
        else:
            edges = np.arange(_LAGS + 1) + 0.5
            law = special.gammainc(v["delay_shape"], v["delay_shape"] * edges / v["delay_days"])
            # The hazard whose chance is that of the answer, so that chances may be joined.
            each = -np.log1p(-np.minimum(v["answer_prob"] * np.diff(law), 1.0 - 1e-12))
            level = np.full(len(each), np.nextafter(0.0, 1.0))
            if self.rule == "threshold":
                level = self.levels[values["level"].astype(int)]
            answered = np.empty((len(each), len(y)))
            for one in np.unique(level):
                rows, provoked = level == one, self._provoked >= one
                answered[rows] = each[rows] @ provoked[:, struck]
                silent[rows] += each[rows] @ provoked[:, quiet].sum(axis=1)
            if self.rule == "proportional":
                strike, lag, ratio = self._pairs
                pairs = each[:, lag] * _size_chance(y[strike], mean * ratio, v["answer_dispersion"])
                begins = np.flatnonzero(np.diff(strike, prepend=-1))
                if len(begins):
                    density[:, strike[begins]] += np.add.reduceat(pairs, begins, axis=1)
            else:
                density += answered * _size_chance(y, mean * size_trend, v["answer_dispersion"])
            hazard = hazard + answered
        # The chance of a strike, and which of its possible causes gave it its size.
        days = np.log(-np.expm1(-hazard)) + np.log(density / hazard + 1e-300)
        return np.asarray(days.sum(axis=1) - silent)[:, None]

    def record(self) -> dict[str, Any]:
        """Refuse to be kept: a file of a fit holds reports of a scenario.

        Raises
        ------
        EscalateError
            Always, before anything is written.
        """
        raise EscalateError(
            "a fit to a series cannot be saved: the same call gives it again in seconds, and "
            "`fit.posterior` is a dataset that can be"
        )


def _size_chance(y: Array, mean: Array, k: Array) -> Array:
    """Give the chance of a negative binomial number that is not 0."""
    zero = np.minimum(-k * np.log1p(mean / k), -1e-12)  # log chance of 0
    ways = special.gammaln(y + k) - special.gammaln(k) - special.gammaln(y + 1.0)
    return np.asarray(np.exp(ways + zero + y * np.log(mean / (k + mean))) / -np.expm1(zero))


def series_priors(model: SeriesModel) -> dict[str, Any]:
    """Give the priors that a series is fitted with if there are no others.

    Parameters
    ----------
    model : SeriesModel
        A rule and its series.

    Returns
    -------
    dict of str to frozen distribution of scipy.stats
        By parameter. Rate and size of own strikes are centred on what was seen, to a factor of
        2.7 and 2, in the same way under every rule. An answer is as probable as not, comes after
        2 days to a factor of 2.2, and is as large as an own strike to a factor of 2.

    Examples
    --------
    >>> model = SeriesModel([0, 5, 0, 8], [4, 0, 9, 0], "threshold")
    >>> list(series_priors(model))[:4]
    ['rate_per_day', 'size', 'dispersion', 'answer_ratio']
    """
    from scipy import stats

    sizes = model.own[model._struck]
    days = int(model._known.sum())
    found: dict[str, Any] = {
        "rate_per_day": stats.lognorm(1.0, scale=-math.log1p(-len(sizes) / (days + 1.0))),
        "size": stats.lognorm(0.7, scale=float(sizes.mean())),
        "dispersion": stats.lognorm(1.5, scale=2.0),
        "answer_ratio": stats.lognorm(0.7, scale=1.0),
        "answer_dispersion": stats.lognorm(1.5, scale=2.0),
    }
    if model.rule == "none":
        found["second_share"] = stats.uniform(0.0, 1.0)
    else:
        found |= {
            "answer_prob": stats.uniform(0.0, 1.0),
            "delay_days": stats.lognorm(0.8, scale=2.0),
            "delay_shape": stats.lognorm(1.0, scale=3.0),
        }
    if model.rule == "threshold":
        found["level"] = stats.randint(0, len(model.levels))
    return found


def shift_test(own: ArrayLike, other: ArrayLike, *, trend_days: int = 91) -> float:
    """Test whether a side strikes more in the days after the other's strikes.

    Parameters
    ----------
    own, other : array_like, shape (days,)
        As for `series_rule_probabilities`.
    trend_days : int, optional
        As there.

    Returns
    -------
    float
        Chance of a relation as close if the two calendars have nothing to do with each other.

    Notes
    -----
    Compared are own days with the other's of before, weighed by exponential laws of mean 1, 2, 4
    and 8 days; what counts is the closest of these four relations. The other side's calendar is
    then moved round by every number of days beyond a month (a fourth of a shorter series), which
    leaves each side its own memory and takes away any common one. Logarithms of one plus the
    numbers are compared, less their moving means.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> other = np.where(rng.random(300) < 0.1, 20, 0)
    >>> shift_test(np.roll(other, 2), other) < 0.01
    True
    >>> shift_test(other, np.where(rng.random(300) < 0.1, 20, 0)) > 0.05
    True
    """
    a, b = np.asarray(own, dtype=float), np.asarray(other, dtype=float)
    if a.ndim != 1 or a.shape != b.shape:
        raise EscalateError(
            f"`own` and `other` must have one shape (days,), but have {a.shape} and {b.shape}"
        )
    n = len(a)
    logs = [np.log1p(v) for v in (a, b)]
    excess = [
        v - (moving_mean(v, trend_days) if n >= 2 * trend_days else np.nanmean(v)) for v in logs
    ]
    known = np.isfinite(excess[0])
    filled = np.where(known, excess[0], 0.0)
    found = []
    lags = np.arange(1, min(_LAGS, n - 1) + 1)
    for width in _WIDTHS:
        kernel = np.zeros(n)
        kernel[lags] = np.exp(-lags / width)
        # At m days: own day t beside what the other did before day t - m, round the calendar.
        spectra = [np.fft.rfft(v) for v in (filled, excess[1], kernel)]
        product = np.fft.irfft(spectra[0] * np.conj(spectra[1] * spectra[2]), n)
        found.append((product - product.mean()) / max(float(product.std()), 1e-12))
    closest_one = np.max(found, axis=0)
    guard = min(30, n // 4)
    null = closest_one[guard : n - guard]
    return float((1.0 + (null >= closest_one[0] - 1e-9).sum()) / (len(null) + 1.0))


def _fitted(model: SeriesModel, priors: dict[Any, Any], points: int, seed: Seed) -> Fit:
    """Calibrate; from a prior far wider than the posterior, so in more steps than usual."""
    budget = points * (1 + FRESH)  # wars, of which there are none
    job = job_of(
        model, None, priors, "population", budget, 1, seed, 1, None, "exchange", None, None
    )
    job.adapting = _ADAPTING
    found, weight, history = sampled(job)
    return Fit(model, job.space, job.method, job.seed, 1, 0, found, weight, history, versions())


def _days(index: Any) -> str:
    """Say which days a series has."""
    if len(index) == 0:
        return "none"
    return f"{len(index)} from {index[0]} to {index[-1]}"


def series_rule_probabilities(
    own: ArrayLike,
    other: ArrayLike,
    *,
    rules: Sequence[str] = tuple(SERIES_RULES),
    priors: Mapping[str, Any] | None = None,
    weights: Mapping[str, float] | None = None,
    trend_days: int = 91,
    points: int = 8_000,
    rng: object = None,
) -> RuleProbabilities:
    """Weigh which rule makes one side strike, from what both sides did day by day.

    Parameters
    ----------
    own : array_like, shape (days,)
        What the side launched on each day, NaN where nobody reported; a column of
        ``Strikes.daily()``, say. Two pandas Series must be of the same days. [weapons]
    other : array_like, shape (days,)
        What it may have answered: what the other side launched on each day, or the killed.
    rules : sequence of str, optional
        Some of `SERIES_RULES`, "none" among them.
    priors : mapping of str to frozen distribution of scipy.stats, optional
        In the place of some of `series_priors`.
    weights : mapping of str to float, optional
        Prior probability of each rule; equal if not given.
    trend_days : int, optional
        Width of the moving mean that is taken for the trend, if the series is at least twice
        as long. [days]
    points : int, optional
        Points that each rule's evidence is computed with.
    rng : int, SeedSequence, Generator or None, optional
        Randomness as in SPEC 7.

    Returns
    -------
    RuleProbabilities
        `pvalue` is that of `shift_test`.

    Raises
    ------
    EscalateError
        An unknown rule or parameter, or series that do not fit together or hold too little.

    Notes
    -----
    What each rule means is in `SeriesModel`. The data are said to speak for an answer only if they
    do so by their evidence, as in `rule_probabilities`, and `shift_test` finds the two calendars
    related at 5% as well. Evidence alone would take two regular calendars that happen to be in
    step for an answer.

    Only `none` has two kinds of own strikes, so that sizes alone never speak for an answer. The
    price is power: where own strikes really are of two kinds, small ones and masses, answers
    of a third size are seldom found.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> other = np.where(rng.random(400) < 0.1, rng.integers(5, 60, 400), 0)
    >>> own = np.roll(other, 2) // 2 + np.where(rng.random(400) < 0.03, 20, 0)
    >>> found = series_rule_probabilities(own, other, points=2_000, rng=1)
    >>> found.verdict
    'the data speak for proportional'
    """
    if len(set(rules)) < 2 or "none" not in rules:
        raise EscalateError(f"`rules` must be two or more, and hold 'none', but got {list(rules)}")
    weights_of(list(rules), weights)
    index: Any = getattr(own, "index", None)
    others: Any = getattr(other, "index", None)
    if hasattr(index, "equals") and hasattr(others, "equals") and not index.equals(others):
        raise EscalateError(
            f"`own` and `other` must be of the same days in one order, but are {_days(index)} and "
            f"{_days(others)}: take those of both, own, other = own.align(other, join='inner')"
        )
    seed = Seed.of(rng)
    models = [SeriesModel(np.asarray(own), np.asarray(other), name, trend_days) for name in rules]
    laws = [series_priors(model) for model in models]
    known = {path for own_laws in laws for path in own_laws}
    for path in priors or {}:
        if path not in known:
            raise EscalateError(f"unknown parameter {path!r}: {closest(path, known)}")
    fits: dict[str, Fit] = {}
    for model, given in zip(models, laws, strict=True):
        given |= {path: law for path, law in (priors or {}).items() if path in given}
        fits[model.rule] = _fitted(model, given, points, seed)
    return weighed(fits, weights, none="none", pvalue=shift_test(own, other, trend_days=trend_days))
