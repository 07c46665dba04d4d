"""What reports of a count say about the count: vague words, round numbers, bias, gaps, delay."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from escalate.errors import EscalateError
from escalate.theory._check import Floats, refuse, vector, whole, within

__all__ = [
    "ACLED_POINTS",
    "CountEstimate",
    "ExpectedEstimates",
    "PooledCount",
    "chapman",
    "expected_two_list_estimates",
    "heaped_pmf",
    "interval_log_likelihood",
    "lincoln_petersen",
    "mean_from_intervals",
    "negative_binomial",
    "nowcast",
    "point_coding",
    "pool_claims",
]

ACLED_POINTS: Mapping[str, float] = MappingProxyType({"tens": 10, "dozens": 12, "hundreds": 100})
"""The single number that ACLED's coding takes for a word (its FAQ, as of 2024)."""

_CANCELLED = 1e-4
"""Share of the larger chance below which a difference of two has lost too many digits."""

_POISSON = 1e8
"""Size over mean from which a negative binomial is a Poisson law, to eight digits."""

_WINDOW = 65_536
"""Counts that are added up at a time where a difference of two chances will not do."""


class CountEstimate(NamedTuple):
    """A count estimated from two lists."""

    total: Floats
    """Estimated number of incidents, on a list or not. [incidents]"""
    variance: Floats
    """Estimated variance of it. [incidents^2]"""


class ExpectedEstimates(NamedTuple):
    """Means of two-list estimates over what the lists might have had in common."""

    lincoln_petersen: float
    """Given that the lists have something in common. [incidents]"""
    chapman: float
    """Without condition. [incidents]"""


@dataclass(frozen=True)
class PooledCount:
    """A log-normal belief about a true count."""

    log_mean: Floats
    """Mean of its logarithm. [-]"""
    log_sd: Floats
    """Standard deviation of its logarithm. [-]"""

    @property
    def median(self) -> Floats:
        """Count below which half of the belief lies."""
        return np.asarray(np.exp(self.log_mean))[()]

    @property
    def mean(self) -> Floats:
        """Expected count, above the median."""
        return np.asarray(np.exp(self.log_mean + 0.5 * self.log_sd**2))[()]

    def interval(self, level: float = 0.9) -> tuple[Floats, Floats]:
        """Give the central interval that holds the count with chance `level`.

        Parameters
        ----------
        level : float, optional
            Chance, above 0 and below 1. [-]

        Returns
        -------
        tuple of ndarray
            Lower and upper end. [count]

        Raises
        ------
        EscalateError
            If `level` is out of bounds.

        Examples
        --------
        >>> low, high = pool_claims([320, 90, 150], sd=[0.6, 0.5, 0.3]).interval()
        >>> float(low), float(high)
        (102.02, 222.06)
        """
        z = -special.ndtri(0.5 * (1.0 - within("level", level, 0.0, 1.0, without="both")))
        ends = (np.exp(self.log_mean + side * z * self.log_sd) for side in (-1.0, 1.0))
        low, high = (np.asarray(end)[()] for end in ends)
        return low, high


def negative_binomial(mean: ArrayLike, size: ArrayLike) -> Any:
    """Give the negative binomial distribution of a mean and a size.

    Parameters
    ----------
    mean : array_like
        Mean, at least 0. [count]
    size : array_like
        Dispersion parameter k, above 0: the smaller, the more scattered. [-]

    Returns
    -------
    frozen distribution of scipy.stats

    Raises
    ------
    EscalateError
        If a parameter is out of bounds.

    Notes
    -----
    Variance ``m + m^2 / k``; Poisson as k grows.

    References
    ----------
    M. Greenwood, G. U. Yule, Journal of the Royal Statistical Society 83:255-279, 1920.

    Examples
    --------
    >>> d = negative_binomial(250, 0.8)
    >>> float(d.mean()), float(d.var())
    (250.0, 78375.0)
    """
    m, k = _matched(within("mean", mean, 0.0), within("size", size, 0.0, without="low"))
    # Beyond, scipy's parameter k / (k + m) is too near 1 to hold the mean.
    poisson = k >= _POISSON * m
    if poisson.all():
        return stats.poisson(m)
    k = np.where(poisson & (m > 0.0), _POISSON * m, k)
    return stats.nbinom(k, k / (k + m))


def interval_log_likelihood(distribution: Any, low: Any, high: Any) -> Floats:
    """Give the log chance that a count lies in the interval that a report leaves open.

    Parameters
    ----------
    distribution : frozen discrete distribution of scipy.stats
        Law of the count.
    low, high : array_like
        Smallest and largest count that the words admit; None or an infinite number where they
        set no bound. "17" is 17 to 17, "at least 500" is 500 to None. [count]

    Returns
    -------
    ndarray of float
        One term a report, to be summed; minus infinity if the law rules the report out.

    Raises
    ------
    EscalateError
        If the distribution is not a discrete one or has invalid parameters, a bound is NaN, or
        there is no whole number between the bounds.

    Notes
    -----
    ``log[F(high) - F(low - 1)]``, from whichever side of the distribution keeps the digits,
    or by adding up the chances of single counts, far out in a tail.

    Examples
    --------
    >>> law = negative_binomial(250, 0.8)
    >>> interval_log_likelihood(law, [500, 90, 17], [None, 110, 17])
    array([-1.92637004, -2.9462399 , -5.37593276])
    """
    if not (
        isinstance(distribution, stats.distributions.rv_frozen) and hasattr(distribution, "pmf")
    ):
        raise EscalateError(
            "`distribution` must be a frozen discrete distribution of scipy.stats, such as "
            f"stats.poisson(3), but it is {distribution!r}"
        )
    first, last = _interval(low, high)
    start, end = (np.asarray(side) for side in distribution.support())
    below, above = distribution.cdf(first - 1.0), distribution.sf(last)
    if np.isnan(below).any():
        refuse("distribution has chances", math.nan, math.nan, "valid parameters")
    upto, beyond = distribution.cdf(last), distribution.sf(first - 1.0)
    lower = upto <= 0.5
    chance = np.where(lower, upto - below, beyond - above)
    larger = np.where(lower, upto, beyond)
    poor = ~(chance > _CANCELLED * larger) | (larger < 1e-290)
    with np.errstate(divide="ignore"):
        result = np.asarray(np.log(np.where(poor, 1.0, chance)))
    if poor.any():
        names = list(distribution.kwds)
        split = len(distribution.args)
        parameters = [
            np.broadcast_to(p, result.shape)
            for p in (*distribution.args, *distribution.kwds.values())
        ]
        first, last, start, end = (
            np.broadcast_to(each, result.shape)
            for each in (np.maximum(first, start), np.minimum(last, end), start, end)
        )
        for index in map(tuple, np.argwhere(poor)):
            given = [p[index] for p in parameters]
            one = distribution.dist(*given[:split], **dict(zip(names, given[split:], strict=True)))
            result[index] = _summed(one, float(first[index]), float(last[index]))
    return result[()]


def mean_from_intervals(low: Any, high: Any, size: float) -> float:
    """Estimate by maximum likelihood the mean of counts that were reported as intervals.

    Parameters
    ----------
    low, high : array_like, shape (n,)
        As in `interval_log_likelihood`. [count]
    size : float
        Dispersion parameter k of the negative binomial counts, above 0. [-]

    Returns
    -------
    float
        The mean of highest likelihood; 0 if all reports admit 0. [count]

    Raises
    ------
    EscalateError
        If the bounds or the size are invalid, there is no report, or all are open above:
        then the likelihood rises for ever.

    Notes
    -----
    The chance of each count falls in the mean above it and rises below it. So nothing below
    the smallest `low`, nor above where the reports with an upper bound alone are less likely
    than all of them are elsewhere, can be best; in between it is searched on a grid, then
    refined.

    Examples
    --------
    >>> low = [500, 90, 24, 45, 201, 17, 200]
    >>> high = [None, 110, 99, 50, None, 17, 999]
    >>> mean_from_intervals(low, high, 0.8)
    291.0965
    """
    first, last = (np.atleast_1d(side) for side in _interval(low, high))
    k = float(vector("size", size, 1)[0])
    if first.ndim != 1 or first.size == 0:
        raise EscalateError(f"reports must have shape (n,), n at least 1, not {first.shape}")
    if (last < 0.0).any():
        refuse("0 <= high", float(last.min()), float(last.min()), "counts")
    if (first <= 0.0).all():
        return 0.0
    if (last == math.inf).all():
        raise EscalateError(
            "a report with an upper bound is needed for a mean, but all are open above"
        )

    def fit(mean: float | Floats, use: Any = slice(None)) -> Floats:
        law = negative_binomial(np.expand_dims(mean, -1), k)
        return np.asarray(interval_log_likelihood(law, first[use], last[use]).sum(axis=-1))

    centre = float(first.max())
    best = fit(centre)
    bottom, top = centre, max(float(last[last < math.inf].max()), centre)
    while bottom > float(first.min()) and fit(bottom, first > 0.0) > best - 1.0:
        bottom *= 0.5
    while fit(top, last < math.inf) > best - 1.0:
        top *= 2.0
        if top > 1e300:
            raise EscalateError(
                f"the likelihood must fall for large means, but with size {k:g} it hardly does"
            )
    logs = np.linspace(math.log(bottom), math.log(top), 257)
    peak = int(np.argmax(fit(np.exp(logs))))
    found = optimize.minimize_scalar(
        lambda x: -float(fit(math.exp(x))),
        bounds=(logs[max(peak - 1, 0)], logs[min(peak + 1, 256)]),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return math.exp(float(found.x))


def point_coding(reports: Iterable[str | float]) -> Floats:
    """Code reports by single numbers, as event data sets do: what intervals are compared with.

    Parameters
    ----------
    reports : iterable of str or float
        Such as "about 100", "dozens" or 17.

    Returns
    -------
    ndarray of float
        The number that a report names, whatever stands before it, or that of `ACLED_POINTS`
        for a word. [count]

    Raises
    ------
    EscalateError
        If a report has neither a number nor such a word.

    Examples
    --------
    >>> point_coding(["at least 1,500", "dozens", 17])
    array([1500.,   12.,   17.])
    """
    return np.array([_point(report) for report in reports], dtype=float)


def heaped_pmf(
    distribution: Any, weights: Mapping[int, float], reported: ArrayLike, *, log: bool = False
) -> Floats:
    """Give the chance that a count is reported as a number if some reporters round.

    Parameters
    ----------
    distribution : frozen discrete distribution of scipy.stats
        Law of the true count.
    weights : mapping of int to float
        Share of reporters that round to a multiple of each number; 1 for those who do not. [-]
    reported : array_like of int
        The number reported. [count]
    log : bool, optional
        Whether to give logarithms.

    Returns
    -------
    ndarray of float
        Its chance. [-]

    Raises
    ------
    EscalateError
        If the distribution, a multiple or a number is invalid, or the shares are not chances
        that add up to 1.

    Notes
    -----
    ``P(v) = sum_h w_h P(X rounded to h is v)``; halves are rounded up.

    References
    ----------
    D. F. Heitjan, D. B. Rubin, Inference from coarse data via multiple imputation with
    application to age heaping, Journal of the American Statistical Association 85:304-314, 1990.

    Examples
    --------
    >>> from scipy import stats
    >>> heaped_pmf(stats.poisson(47), {1: 0.3, 10: 0.5, 50: 0.2}, [47, 50]).round(6)
    array([0.017427, 0.463621])
    """
    heaps = whole("heaps of weights", list(weights), 1)
    shares = within("weights", list(weights.values()), 0.0, 1.0)
    if abs(shares.sum() - 1.0) > 1e-9:
        refuse("weights add up to 1", float(shares.sum()), float(shares.sum()) - 1.0)
    v = whole("reported", reported).astype(float)[..., None]
    # The last axis is that of heaps; rounding to h gives v for v - h/2 <= X < v + h/2.
    terms = []
    for heap, share in zip(heaps, shares, strict=True):
        chance = interval_log_likelihood(
            distribution, np.ceil(v[..., 0] - heap / 2), np.ceil(v[..., 0] + heap / 2) - 1.0
        )
        taken = (share > 0.0) & (v[..., 0] % heap == 0.0)
        terms.append(np.where(taken, chance + math.log(share or 1.0), -math.inf))
    result = special.logsumexp(np.stack(np.broadcast_arrays(*terms)), axis=0)
    return np.asarray(result if log else np.exp(result))[()]


def pool_claims(
    claims: ArrayLike,
    *,
    sd: ArrayLike,
    bias: ArrayLike = 0.0,
    bias_sd: ArrayLike = 0.0,
    prior_median: ArrayLike | None = None,
    prior_sd: ArrayLike | None = None,
) -> PooledCount:
    """Pool claims about one count, each of its own bias and noise, by their precision.

    Parameters
    ----------
    claims : array_like, shape (..., n)
        What each claimant says, above 0. [count]
    sd : array_like, shape (..., n)
        Standard deviation of the log noise of each. [-]
    bias : array_like, shape (..., n), optional
        Mean log ratio of claim to truth of each, above 0 for one who exaggerates. [-]
    bias_sd : array_like, shape (..., n), optional
        How uncertain each bias is; claimants' biases are independent. [-]
    prior_median, prior_sd : array_like, optional
        Log-normal belief beforehand, both or neither; flat in the logarithm if not given.
        [count, -]

    Returns
    -------
    PooledCount

    Raises
    ------
    EscalateError
        If a number is out of bounds, a claim has neither noise nor uncertain bias, shapes do
        not match, or only one of the prior's numbers is given.

    Notes
    -----
    ``log y_c = log N + b_c + e_c`` with variance ``v_c = sd_c^2 + bias_sd_c^2``, so

    ``log N ~ normal(sum_c (log y_c - b_c) / v_c * s^2, s^2)``,  ``1 / s^2 = sum_c 1 / v_c``,

    with the prior as one more claim.

    References
    ----------
    A. Gelman et al., Bayesian Data Analysis, third edition, CRC Press 2013, section 2.5.

    Examples
    --------
    >>> pooled = pool_claims(
    ...     [320, 90, 150],
    ...     sd=[0.6, 0.5, 0.3],
    ...     bias=[0.5, -0.6, 0.0],
    ...     prior_median=150,
    ...     prior_sd=1.0,
    ... )
    >>> float(pooled.median), float(pooled.log_sd)
    (158.76327, 0.2300895)
    """
    said = within("claims", claims, 0.0, without="low")
    noise = within("sd", sd, 0.0)
    doubt = within("bias_sd", bias_sd, 0.0)
    within("hypot(sd, bias_sd)", np.hypot(*_matched(noise, doubt)), 0.0, without="low")
    value, _, _, offset = _matched(said, noise, doubt, within("bias", bias))
    if value.ndim == 0 or value.size == 0:
        raise EscalateError(f"`claims` must have shape (..., n), n at least 1, not {value.shape}")
    precision = np.broadcast_to(np.hypot(noise, doubt) ** -2.0, value.shape)
    total = precision.sum(axis=-1)
    weighted = (precision * (np.log(value) - offset)).sum(axis=-1)
    if (prior_median is None) != (prior_sd is None):
        raise EscalateError("`prior_median` and `prior_sd` must be given both or neither")
    if prior_median is not None and prior_sd is not None:
        centre = np.log(within("prior_median", prior_median, 0.0, without="low"))
        prior = within("prior_sd", prior_sd, 0.0, without="low") ** -2.0
        weighted, total = weighted + prior * centre, total + prior
    return PooledCount(np.asarray(weighted / total)[()], np.asarray(total**-0.5)[()])


def lincoln_petersen(first: ArrayLike, second: ArrayLike, both: ArrayLike) -> CountEstimate:
    """Estimate how many incidents there were from two lists that overlap.

    Parameters
    ----------
    first, second : array_like of int
        Incidents on each list. [incidents]
    both : array_like of int
        Incidents on both, at least 1. [incidents]

    Returns
    -------
    CountEstimate

    Raises
    ------
    EscalateError
        If a number is not whole, or `both` is not between 1 and the shorter list.

    Notes
    -----
    ``N = n1 n2 / m``, variance ``n1 n2 (n1 - m) (n2 - m) / m^3`` to first order. It supposes
    that lists miss incidents independently and that all are equally likely to be listed;
    incidents that are reported well by both make it too small. It is too large on average:
    see `chapman`.

    References
    ----------
    G. A. F. Seber, The Estimation of Animal Abundance, second edition, Griffin 1982, chapter 3.

    Examples
    --------
    >>> total, variance = lincoln_petersen(60, 50, 20)
    >>> float(total), float(variance)
    (150.0, 450.0)
    """
    n1, n2, m = _lists(first, second, both, 1)
    return CountEstimate(
        np.asarray(n1 * (n2 / m))[()], np.asarray((n1 / m) * (n2 / m) * (n1 - m) / m * (n2 - m))[()]
    )


def chapman(first: ArrayLike, second: ArrayLike, both: ArrayLike) -> CountEstimate:
    """Estimate how many incidents there were from two lists, nearly without bias.

    Parameters
    ----------
    first, second : array_like of int
        Incidents on each list. [incidents]
    both : array_like of int
        Incidents on both; may be 0. [incidents]

    Returns
    -------
    CountEstimate

    Raises
    ------
    EscalateError
        If a number is not whole, or `both` is not between 0 and the shorter list.

    Notes
    -----
    ``N = (n1 + 1)(n2 + 1)/(m + 1) - 1``, variance
    ``(n1 + 1)(n2 + 1)(n1 - m)(n2 - m) / ((m + 1)^2 (m + 2))``. Unbiased if ``n1 + n2 >= N``.

    References
    ----------
    D. G. Chapman, Some properties of the hypergeometric distribution with applications to
    zoological sample censuses, University of California Publications in Statistics 1:131-160,
    1951; G. A. F. Seber, as for `lincoln_petersen` (the variance).

    Examples
    --------
    >>> total, variance = chapman(60, 50, 20)
    >>> float(total), float(variance)
    (147.142857, 384.786642)
    """
    n1, n2, m = _lists(first, second, both, 0)
    ratio = (n1 + 1.0) * ((n2 + 1.0) / (m + 1.0))
    return CountEstimate(
        np.asarray(ratio - 1.0)[()],
        np.asarray(ratio * ((n1 - m) / (m + 1.0)) * ((n2 - m) / (m + 2.0)))[()],
    )


def expected_two_list_estimates(first: int, second: int, total: int) -> ExpectedEstimates:
    """Give what two-list estimates are on average if the lists are independent.

    Parameters
    ----------
    first, second : int
        Incidents on each list, at least 1 and at most `total`. [incidents]
    total : int
        True number of incidents. [incidents]

    Returns
    -------
    ExpectedEstimates

    Raises
    ------
    EscalateError
        If a number is not whole or out of bounds.

    Notes
    -----
    The overlap is hypergeometric; its values are enumerated.

    References
    ----------
    D. G. Chapman, as for `chapman`.

    Examples
    --------
    >>> expected_two_list_estimates(60, 50, 150)
    ExpectedEstimates(lincoln_petersen=153.209433, chapman=150.0)
    """
    n = int(whole("total", total, 1))
    n1, n2 = int(whole("first", first, 1, n)), int(whole("second", second, 1, n))
    m = np.arange(max(n1 + n2 - n, 0), min(n1, n2) + 1.0)
    chance = stats.hypergeom(n, n1, n2).pmf(m)
    chance /= chance.sum()  # scipy's chances of large counts add up to 1 only nearly
    some = m > 0.0
    petersen = chance[some] @ (n1 * (n2 / m[some])) / chance[some].sum()
    return ExpectedEstimates(float(petersen), float(chance @ chapman(n1, n2, m).total))


def nowcast(
    reported: ArrayLike, reported_share: ArrayLike, *, prior_shape: ArrayLike, prior_rate: ArrayLike
) -> Any:
    """Give the distribution of a final count of which only a part has been reported.

    Parameters
    ----------
    reported : array_like of int
        Counted so far. [count]
    reported_share : array_like
        Chance that an incident has been reported by now: the distribution function of the
        reporting delay. [-]
    prior_shape, prior_rate : array_like
        Gamma belief about the mean of the final count; shape above 0, rate at least 0.
        [-, 1/count]

    Returns
    -------
    frozen distribution of scipy.stats
        Of the final count, with ``mean``, ``var``, ``ppf`` and all else.

    Raises
    ------
    EscalateError
        If a number is out of bounds, nothing can be reported yet under a flat prior, or something
        was reported though nothing can be.

    Notes
    -----
    A Poisson count with gamma mean, thinned by the share F, of which y are seen:
    ``final - y ~ NegBin(a + y, (b + F) / (b + 1))``. The naive ``y / F`` knows neither the
    prior nor the error.

    References
    ----------
    J. F. Lawless, Adjustments for reporting delays and the prediction of occurred but not
    reported events, Canadian Journal of Statistics 22:15-31, 1994.

    Examples
    --------
    >>> final = nowcast(60, 0.45, prior_shape=2, prior_rate=0.02)
    >>> float(final.mean()), final.ppf([0.05, 0.95])
    (132.5531915, array([113., 154.]))
    """
    y = whole("reported", reported, 0)
    share = within("reported_share", reported_share, 0.0, 1.0)
    a = within("prior_shape", prior_shape, 0.0, without="low")
    b = within("prior_rate", prior_rate, 0.0)
    b, share, a, seen = _matched(b, share, a, y.astype(float))
    within("prior_rate + reported_share", b + share, 0.0, without="low")
    none = np.where(share == 0.0, seen, 0.0)
    if none.any():
        refuse("reported = 0", float(none.max()), math.nan, "a share of 0")
    left = negative_binomial((a + seen) * (1.0 - share) / (b + share), a + seen)
    return left.dist(*left.args, loc=y)


def _interval(low: Any, high: Any) -> tuple[Floats, Floats]:
    """Give the smallest and largest whole number admitted, infinite where there is none."""
    ends = []
    for name, given, unbounded in (("low", low, -math.inf), ("high", high, math.inf)):
        filled = np.array(given, dtype=object)
        none = np.array([one is None for one in filled.flat], dtype=bool)
        filled[none.reshape(filled.shape)] = unbounded
        try:
            end = filled.astype(float)
        except (TypeError, ValueError):
            raise EscalateError(f"`{name}` must be numbers or None, but it is {given!r}") from None
        if np.isnan(end).any():
            refuse(f"{name} is a number, or None for no bound", math.nan, math.nan)
        ends.append(end)
    first, last = _matched(np.ceil(ends[0]), np.floor(ends[1]))
    wrong = ~((first <= last) & (first < math.inf) & (last > -math.inf))
    if wrong.any():
        at = tuple(np.argwhere(wrong)[0])
        ends = [np.broadcast_to(end, wrong.shape)[at] for end in ends]
        raise EscalateError(
            f"a whole number must lie between low and high, but they are {ends[0]:g} and "
            f"{ends[1]:g}"
        )
    return first, last


def _summed(one: Any, first: float, last: float) -> float:
    """Add up the chances of the counts from `first` to `last`, from the likelier end on."""
    if first > last:
        return -math.inf
    upwards = last == math.inf or (first > -math.inf and one.logpmf(first) >= one.logpmf(last))
    start, step, left = (first, 1.0, last - first) if upwards else (last, -1.0, last - first)
    total, steps = -math.inf, np.arange(float(_WINDOW))
    while left >= 0.0:
        window = float(special.logsumexp(one.logpmf(start + step * steps[steps <= left])))
        total = float(np.logaddexp(total, window))
        if not window > total - 37.0:  # 1e-16 of the whole, and further out it is less
            break
        start, left = start + step * _WINDOW, left - _WINDOW
    return total


def _point(report: str | float) -> float:
    text = str(report)
    number = re.search(r"\d[\d,]*(\.\d+)?", text)
    if number:
        return float(number[0].replace(",", ""))
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in ACLED_POINTS:
            return ACLED_POINTS[word]
    known = ", ".join(ACLED_POINTS)
    raise EscalateError(f"a report must hold a number or one of {known}, but it is {report!r}")


def _lists(
    first: ArrayLike, second: ArrayLike, both: ArrayLike, least: int
) -> tuple[Floats, Floats, Floats]:
    m = whole("both", both, least).astype(float)
    n1, n2 = (whole(name, n, 0).astype(float) for name, n in (("first", first), ("second", second)))
    n1, n2, m = _matched(n1, n2, m)
    spare = np.minimum(n1, n2) - m
    within("min(first, second) - both", spare, 0.0)
    return n1, n2, m


def _matched(*numbers: Floats) -> tuple[Floats, ...]:
    try:
        return tuple(np.broadcast_arrays(*numbers))
    except ValueError:
        shapes = ", ".join(str(number.shape) for number in numbers)
        raise EscalateError(f"shapes must match, but they are {shapes}") from None
