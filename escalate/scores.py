"""Proper scores: how well a forecast that owns its uncertainty agrees with what happened.

All are losses: smaller is better, and on average nobody does better than by forecasting what
they believe. A forecast is a distribution of scipy, an ensemble of runs, or a few intervals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, special, stats
from scipy.spatial.distance import cdist

from escalate.errors import EscalateError
from escalate.theory._check import Floats, refuse, square, vector, within

__all__ = [
    "crps",
    "crps_ensemble",
    "energy_score",
    "energy_score_gaussian",
    "interval_score",
    "log_score",
    "weighted_interval_score",
]

_TAIL = 1e-12
"""Chance beyond which a tail is left out; the score changes by less than this share of E|X - y|."""

_LEVELS = (1e-9, 1e-6, 1e-4, 0.01, 0.1, 0.25, 0.5)
"""Where a distribution is cut into pieces, from either end."""

_LONG = 8192
"""Steps from which a sum over counts is done by quadrature."""

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(40)
_LOG_TIMES = np.arange(-80.0, 80.0, 0.25)


def crps(forecast: Any, observed: ArrayLike) -> Floats:
    """Score a distribution by the continuous ranked probability score.

    Parameters
    ----------
    forecast : scipy distribution
        Any frozen one of one quantity, such as ``stats.nbinom(0.8, 0.01)``, with a finite mean;
        a discrete one lives on whole numbers. Its parameters broadcast with `observed`.
    observed : array_like
        What happened.

    Returns
    -------
    ndarray of float
        0 for certainty that proved right; in the unit of `observed`.

    Raises
    ------
    EscalateError
        If the forecast is no such distribution, its mean is not finite (which includes invalid
        parameters), or an observation is not.

    Notes
    -----
    ``CRPS = int (F(x) - 1{x >= y})^2 dx = E|X - y| - E|X - X'| / 2``. The normal has a closed
    form. Others are integrated or summed piece by piece between their quantiles, to about ten
    digits; that takes some ten milliseconds for each continuous forecast.

    References
    ----------
    T. Gneiting, A. E. Raftery, Strictly proper scoring rules, prediction, and estimation,
    Journal of the American Statistical Association 102:359-378, 2007.

    Examples
    --------
    >>> from scipy import stats
    >>> crps(stats.poisson(3), [1, 3]).round(6)
    array([1.143447, 0.388124])
    """
    forecast = _frozen(forecast)
    y = within("observed", observed)
    mean = np.asarray(forecast.mean(), dtype=float)
    if not np.isfinite(mean).all():
        bad = float(mean[~np.isfinite(mean)].flat[0])
        refuse("forecast has a finite mean", bad, math.nan, "valid parameters")
    if forecast.dist.name == "norm":
        sd = np.asarray(forecast.std())
        z = (y - mean) / sd
        # 2 phi + z (2 Phi - 1), the second as an error function to keep digits near 0.
        both = 2.0 * np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        both = both + z * special.erf(z / math.sqrt(2.0))
        return np.asarray(sd * (both - 1.0 / math.sqrt(math.pi)))[()]
    one = _crps_of_count if hasattr(forecast, "pmf") else _crps_of_measure
    names = list(forecast.kwds)
    split = len(forecast.args)
    y, *parameters = np.broadcast_arrays(y, *forecast.args, *forecast.kwds.values())
    score = np.empty(y.shape)
    for index in np.ndindex(y.shape):
        given = [p[index] for p in parameters]
        single = forecast.dist(*given[:split], **dict(zip(names, given[split:], strict=True)))
        score[index] = one(single, float(y[index]))
    return np.asarray(score)[()]


def log_score(forecast: Any, observed: ArrayLike) -> Floats:
    """Score a distribution by minus the logarithm of the chance it gave to what happened.

    Parameters
    ----------
    forecast : scipy distribution
        Any frozen one of one quantity.
    observed : array_like
        What happened.

    Returns
    -------
    ndarray of float
        Infinite where the forecast ruled it out. For a density it may be negative and depends
        on the unit. [nat]

    Raises
    ------
    EscalateError
        If the forecast is no such distribution or its parameters are invalid, or an
        observation is not finite.

    Notes
    -----
    ``-log p(y)``, with the density for a continuous forecast.

    References
    ----------
    I. J. Good, Rational decisions, Journal of the Royal Statistical Society B 14:107-114, 1952.

    Examples
    --------
    >>> from scipy import stats
    >>> float(log_score(stats.binom(10, 0.9), 8))
    1.64139182
    """
    forecast = _frozen(forecast)
    y = within("observed", observed)
    with np.errstate(divide="ignore"):
        score = -np.asarray(forecast.logpmf(y) if hasattr(forecast, "pmf") else forecast.logpdf(y))
    if np.isnan(score).any():
        refuse("forecast has a chance of what happened", math.nan, math.nan, "valid parameters")
    return score[()]


def crps_ensemble(members: ArrayLike, observed: ArrayLike, *, fair: bool = False) -> Floats:
    """Score an ensemble by the continuous ranked probability score.

    Parameters
    ----------
    members : array_like, shape (..., m)
        What the runs gave.
    observed : array_like, shape (...)
        What happened.
    fair : bool, optional
        Estimate without bias the score of the distribution that the runs were drawn from;
        otherwise the score of the ensemble itself, which small ensembles are punished by.

    Returns
    -------
    ndarray of float, shape (...)
        In the unit of `observed`. A fair score may be negative.

    Raises
    ------
    EscalateError
        If a number is not finite, there is no member (fair: fewer than two), or the shapes do
        not match.

    Notes
    -----
    ``mean_i |x_i - y| - sum_ij |x_i - x_j| / (2 m^2)``, with ``2 m (m - 1)`` if fair. Once
    sorted, the i-th of m members is above i - 1 and below m - i others.

    References
    ----------
    T. Gneiting, A. E. Raftery, as for `crps`; C. A. T. Ferro, Fair scores for ensemble
    forecasts, Quarterly Journal of the Royal Meteorological Society 140:1917-1923, 2014.

    Examples
    --------
    >>> runs = [8.0, 12.0, 15.0, 15.0, 21.0, 30.0]
    >>> float(crps_ensemble(runs, 18.0)), float(crps_ensemble(runs, 18.0, fair=True))
    (2.36111111, 1.6)
    """
    x = _members(members, 1, fair)
    # Distances from what happened: a common offset would cost the sums their last digits.
    x = np.sort(x - np.expand_dims(_matching("observed", observed, x.shape[:-1]), -1), axis=-1)
    m = x.shape[-1]
    pairs = x @ (2.0 * np.arange(m) - (m - 1.0))
    return np.asarray(np.abs(x).mean(axis=-1) - pairs / m / (m - 1 if fair else m))[()]


def energy_score(members: ArrayLike, observed: ArrayLike, *, fair: bool = False) -> Floats:
    """Score an ensemble on several quantities at once.

    Parameters
    ----------
    members : array_like, shape (..., m, d)
        What the runs gave, in units that may be added.
    observed : array_like, shape (..., d)
        What happened.
    fair : bool, optional
        As in `crps_ensemble`.

    Returns
    -------
    ndarray of float, shape (...)
        Equal to the CRPS if d is 1.

    Raises
    ------
    EscalateError
        If a number is not finite, there is no member (fair: fewer than two), or the shapes do
        not match.

    Notes
    -----
    ``mean_i |x_i - y| - sum_ij |x_i - x_j| / (2 m^2)`` with Euclidean distances, and
    ``2 m (m - 1)`` if fair. All pairs are visited, in blocks: time grows as m^2, memory as m.

    References
    ----------
    T. Gneiting, A. E. Raftery, as for `crps`.

    Examples
    --------
    >>> runs = [[0.795, 0.025], [0.478, 0.758], [0.216, 0.318], [0.541, 0.132]]
    >>> float(energy_score(runs, [0.274, 0.815]))
    0.395534
    >>> float(energy_score(runs, [0.274, 0.815], fair=True))
    0.328057
    """
    x = _members(members, 2, fair)
    m, d = x.shape[-2:]
    y = _matching("observed", observed, (*x.shape[:-2], d))
    error = np.linalg.norm(x - np.expand_dims(y, -2), axis=-1).mean(axis=-1)
    pairs = np.array([_pair_distances(one) for one in x.reshape(-1, m, d)]).reshape(x.shape[:-2])
    return np.asarray(error - pairs / m / (m - 1 if fair else m))[()]


def energy_score_gaussian(mean: ArrayLike, covariance: ArrayLike, observed: ArrayLike) -> Floats:
    """Score a multivariate normal forecast on several quantities at once.

    Parameters
    ----------
    mean : array_like, shape (d,)
        Its mean.
    covariance : array_like, shape (d, d)
        Its covariance; may be singular.
    observed : array_like, shape (..., d)
        What happened.

    Returns
    -------
    ndarray of float, shape (...)
        Equal to the CRPS of the normal if d is 1.

    Raises
    ------
    EscalateError
        If a number is not finite, the shapes do not match, or the covariance is not symmetric
        and positive semidefinite.

    Notes
    -----
    ``E|X - y| - E|X - X'| / 2``, each the mean length of a normal vector ``Z``, by

    ``E|Z| = int_0^inf (1 - E exp(-t |Z|^2)) t^(-3/2) dt / (2 sqrt(pi))``,

    where the transform of ``|Z|^2`` is a product over principal axes. With ``log t`` for ``t``
    the integrand is smooth and the trapezoidal rule good to the last digits.

    References
    ----------
    T. Gneiting, A. E. Raftery, as for `crps`; A. M. Mathai, S. B. Provost, Quadratic Forms in
    Random Variables, Dekker 1992 (the transform).

    Examples
    --------
    >>> float(energy_score_gaussian([0, 0], [[1, 0], [0, 1]], [0, 0]))  # sqrt(pi/2) - sqrt(pi)/2
    0.36708721
    """
    centre = vector("mean", mean)
    cov = square("covariance", covariance)
    if cov.shape[0] != centre.size:
        raise EscalateError(
            f"`covariance` must have shape {(centre.size,) * 2}, but it has {cov.shape}"
        )
    size = float(np.abs(cov).max())
    skew = float(np.abs(cov - cov.T).max())
    if skew > 1e-9 * size:
        refuse("covariance is symmetric", skew, skew)
    spread, axes = np.linalg.eigh(cov)
    if spread[0] < -1e-9 * size:
        refuse("0 <= eigenvalues of covariance", float(spread[0]), float(spread[0]))
    spread = np.maximum(spread, 0.0)
    y = within("observed", observed)
    if y.ndim == 0 or y.shape[-1] != centre.size:
        raise EscalateError(
            f"`observed` must have shape (..., {centre.size}), but it has {y.shape}"
        )
    far = _mean_length((y - centre) @ axes, spread)
    return np.asarray(far - 0.5 * _mean_length(np.zeros(centre.size), 2.0 * spread))[()]


def interval_score(
    lower: ArrayLike, upper: ArrayLike, observed: ArrayLike, *, alpha: ArrayLike
) -> Floats:
    """Score a central interval: its width, and a fine for missing.

    Parameters
    ----------
    lower, upper : array_like
        Ends of the interval.
    observed : array_like
        What happened.
    alpha : array_like
        Chance that the forecast gives to a miss, half on either side, such as 0.1. [-]

    Returns
    -------
    ndarray of float
        In the unit of `observed`.

    Raises
    ------
    EscalateError
        If a number is not finite, ``lower`` is above ``upper``, or `alpha` is not above 0 and
        at most 1.

    Notes
    -----
    ``(u - l) + 2/alpha (l - y)+ + 2/alpha (y - u)+``.

    References
    ----------
    T. Gneiting, A. E. Raftery, as for `crps`.

    Examples
    --------
    >>> interval_score(0.0, 0.4, [0.1, 0.5], alpha=0.5)
    array([0.4, 0.8])
    """
    y, low, high, miss = _broadcast(
        within("observed", observed),
        within("lower", lower),
        within("upper", upper),
        within("alpha", alpha, 0.0, 1.0, without="low"),
    )
    width = high - low
    if (width < 0.0).any():
        refuse("0 <= upper - lower", float(width.min()), float(width.min()))
    outside = np.maximum(low - y, 0.0) + np.maximum(y - high, 0.0)
    return np.asarray(width + 2.0 / miss * outside)[()]


def weighted_interval_score(
    median: ArrayLike, lower: ArrayLike, upper: ArrayLike, observed: ArrayLike, *, alpha: ArrayLike
) -> Floats:
    """Score a median and several central intervals together, nearly by the CRPS.

    Parameters
    ----------
    median : array_like, shape (...)
        Median of the forecast.
    lower, upper : array_like, shape (..., k)
        Ends of the intervals.
    observed : array_like, shape (...)
        What happened.
    alpha : array_like, shape (k,)
        Chance that the forecast gives to a miss of each interval. [-]

    Returns
    -------
    ndarray of float, shape (...)
        In the unit of `observed`.

    Raises
    ------
    EscalateError
        As `interval_score`, or if the shapes do not match.

    Notes
    -----
    ``(|y - m| / 2 + sum_k alpha_k / 2 IS_k) / (K + 1/2)``, the mean pinball loss of all
    quantiles, twice.

    References
    ----------
    J. Bracher, E. L. Ray, T. Gneiting, N. G. Reich, Evaluating epidemic forecasts in an
    interval format, PLOS Computational Biology 17(2) e1008618, 2021.

    Examples
    --------
    >>> float(weighted_interval_score(4.0, [2.0, 3.0], [6.0, 5.0], 5.0, alpha=[0.1, 0.5]))
    0.48
    """
    levels = vector("alpha", alpha)
    low, high = _broadcast(within("lower", lower), within("upper", upper))
    if low.ndim == 0 or low.shape[-1] != levels.size:
        raise EscalateError(
            f"`lower` and `upper` must have shape (..., {levels.size}), one for each alpha, "
            f"but they have {low.shape}"
        )
    y, middle, _ = _broadcast(within("observed", observed), within("median", median), low[..., 0])
    scores = interval_score(low, high, np.expand_dims(y, -1), alpha=levels)
    total = 0.5 * np.abs(y - middle) + 0.5 * (scores * levels).sum(axis=-1)
    return np.asarray(total / (levels.size + 0.5))[()]


def _frozen(forecast: Any) -> Any:
    """Give a frozen distribution of one quantity."""
    if isinstance(forecast, (stats.rv_discrete, stats.rv_continuous)):
        free: Any = forecast
        forecast = free.freeze() if free.numargs == 0 else forecast
    if not isinstance(forecast, stats.distributions.rv_frozen):
        raise EscalateError(
            "`forecast` must be a frozen distribution of scipy.stats, such as stats.poisson(3), "
            f"but it is {forecast!r}"
        )
    return forecast


def _members(members: ArrayLike, axes: int, fair: bool) -> Floats:
    x = within("members", members)
    shape = "(..., m)" if axes == 1 else "(..., m, d)"
    if x.ndim < axes or 0 in x.shape:
        raise EscalateError(f"`members` must have shape {shape}, none 0, but it has {x.shape}")
    if fair and x.shape[-axes] < 2:
        refuse("2 <= m", x.shape[-axes], x.shape[-axes] - 2.0, "a fair score of m members")
    return x


def _matching(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Floats:
    numbers = within(name, value)
    try:
        return np.broadcast_to(numbers, shape)
    except ValueError:
        raise EscalateError(
            f"`{name}` must have shape {shape}, but it has {numbers.shape}"
        ) from None


def _broadcast(*numbers: Floats) -> tuple[Floats, ...]:
    try:
        return tuple(np.broadcast_arrays(*numbers))
    except ValueError:
        shapes = ", ".join(str(number.shape) for number in numbers)
        raise EscalateError(f"shapes must match, but they are {shapes}") from None


def _pair_distances(x: Floats) -> float:
    """Sum the distances of all pairs, each counted once; a block of rows at a time."""
    return 0.5 * sum(float(cdist(x[i : i + 512], x).sum()) for i in range(0, len(x), 512))


def _mean_length(mean: Floats, variances: Floats) -> Floats:
    """Give E|Z| of a normal vector with independent parts; mean (..., d), variances (d,)."""
    square_mean = (mean * mean).sum(axis=-1) + variances.sum()
    scale = np.where(square_mean > 0.0, square_mean, 1.0)[..., None]
    total = np.zeros((*square_mean.shape, _LOG_TIMES.size))
    for m, v in zip(np.moveaxis(mean, -1, 0), variances, strict=True):
        t = np.exp(_LOG_TIMES) / scale
        wide = 1.0 + 2.0 * v * t
        total += 0.5 * np.log1p(2.0 * v * t) + (m * m)[..., None] * t / wide
    integrand = -np.expm1(-total) * np.exp(-0.5 * _LOG_TIMES)
    step = _LOG_TIMES[1] - _LOG_TIMES[0]
    return np.asarray(
        np.sqrt(scale[..., 0]) * integrand.sum(axis=-1) * step / (2.0 * math.sqrt(math.pi))
    )


def _cuts(single: Any) -> Floats:
    """Give quantiles between which a distribution is looked at, in ascending order."""
    below = single.ppf((_TAIL, *_LEVELS))
    above = single.isf((_TAIL, *_LEVELS))
    cuts = np.unique(np.concatenate([below, above]))
    if not np.isfinite(cuts).all():
        refuse("scipy finds the quantiles of the forecast", math.nan, math.nan)
    return cuts


def _crps_of_measure(single: Any, y: float) -> float:
    cuts = _cuts(single)
    low, high = float(cuts[0]), float(cuts[-1])
    scale = float(np.subtract(*single.isf((0.25, 0.75)))) + abs(y - float(single.median()))

    def total(chance: Callable[[float], float], ends: Floats) -> float:
        return sum(
            integrate.quad(
                # The full output comes without warnings: near a pole of the density the last
                # digits asked for are not there to be had.
                lambda x: chance(x) ** 2,
                a,
                b,
                epsabs=1e-13 * scale,
                epsrel=1e-11,
                limit=200,
                full_output=1,
            )[0]
            for a, b in pairwise(ends)
        )

    middle = min(max(y, low), high)
    score = total(single.cdf, np.append(cuts[cuts < middle], middle))
    score += total(single.sf, np.append(middle, cuts[cuts > middle]))
    return score + abs(y - middle)


def _crps_of_count(single: Any, y: float) -> float:
    """Sum over counts; F is constant from each to the next."""
    cuts = _cuts(single)
    low, high = float(cuts[0]), float(cuts[-1])
    # Powers of two from both ends: a distribution that rises like a power has no one scale.
    steps = 2.0 ** np.arange(13, max(13.0, math.log2(max(high - low, 1.0))))
    cuts = np.unique(np.concatenate([cuts, low + steps, high - steps]))
    k = math.floor(y)
    if k < low:
        return low - y + _sum_of_squares(single.sf, np.append(low - 1.0, cuts))
    if k > high:
        return y - high - 1.0 + _sum_of_squares(single.cdf, np.append(low - 1.0, cuts))
    below = np.concatenate([[low - 1.0], cuts[cuts < k - 1.0], [k - 1.0]])
    score = _sum_of_squares(single.cdf, np.unique(below))
    score += (y - k) * float(single.cdf(k)) ** 2 + (k + 1.0 - y) * float(single.sf(k)) ** 2
    return score + _sum_of_squares(single.sf, np.append(float(k), cuts[cuts > k]))


def _sum_of_squares(chance: Callable[[Floats], Floats], ends: Floats) -> float:
    """Sum ``chance(x)^2`` over the whole numbers above the first end, to the last."""
    score = 0.0
    for a, b in pairwise(ends):
        if b - a <= _LONG:
            score += float((chance(np.arange(a + 1.0, b + 1.0)) ** 2).sum())
            continue
        # The sum with its ends halved is the integral of the straight lines between counts.
        x = 0.5 * (a + b) + 0.5 * (b - a) * _NODES
        left = np.floor(x)
        f, g = chance(left) ** 2, chance(left + 1.0) ** 2
        score += 0.5 * (b - a) * float(_NODE_WEIGHTS @ (f + (x - left) * (g - f)))
        score += 0.5 * float(np.subtract(*(chance(np.array([b, a])) ** 2)))
    return score
