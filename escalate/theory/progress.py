"""Describe intervals between attacks that shrink by a power law, the progress curve.

The n-th interval is ``first * n**-exponent`` on average. Attacks come faster for a positive
exponent, more slowly for a negative one; intervals scatter about their means exponentially.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from escalate.theory._check import Floats, refuse, vector, whole, within

__all__ = [
    "FitError",
    "ProgressFit",
    "elapsed",
    "fit_error",
    "interval",
    "likelihood_fit",
    "log_log_fit",
    "red_queen_exponent",
]


class ProgressFit(NamedTuple):
    """A progress curve read from intervals."""

    first: float
    """Mean of the first interval. [time]"""

    exponent: float
    """How fast intervals shrink. [-]"""

    first_log_sd: float
    """Standard error of the logarithm of `first`. [-]"""

    exponent_sd: float
    """Standard error of `exponent`. [-]"""


class FitError(NamedTuple):
    """How far fits to exponential intervals stray from the truth."""

    intercept_bias: float
    """Bias of the fitted ``log(first)``, least squares on logarithms. [-]"""

    slope_bias: float
    """Bias of the fitted exponent, least squares on logarithms. [-]"""

    intercept_sd: float
    """Standard deviation of the former. [-]"""

    slope_sd: float
    """Standard deviation of the latter. [-]"""

    likelihood_intercept_sd: float
    """Standard deviation of ``log(first)``, maximum likelihood, many intervals. [-]"""

    likelihood_slope_sd: float
    """Standard deviation of the exponent, maximum likelihood, many intervals. [-]"""


def interval(number: ArrayLike, first: ArrayLike, exponent: ArrayLike) -> Floats:
    """Give the mean interval before the next attack.

    Parameters
    ----------
    number : array_like of int
        Which interval, from 1.
    first : array_like
        Mean of the first interval. [time]
    exponent : array_like
        How fast intervals shrink. [-]

    Returns
    -------
    ndarray of float, broadcast shape
        Infinite where a float cannot hold it. [time]

    Raises
    ------
    EscalateError
        If a number is below 1 or not whole, or the first interval not positive.

    Notes
    -----
    ``T_n = T_1 n^-b``.

    References
    ----------
    N. Johnson et al., Pattern in escalations in insurgent and terrorist activity, Science 333
    (2011) 81-84.

    Examples
    --------
    >>> interval([1, 10], 30.0, 0.6).round(3)
    array([30.   ,  7.536])
    """
    n = whole("number", number, low=1)
    start, b = _curve(first, exponent)
    with np.errstate(over="ignore"):
        return np.asarray(start * n**-b)[()]


def elapsed(number: ArrayLike, first: float, exponent: float) -> Floats:
    """Give the mean time until an interval ends, the sum of all so far.

    Parameters
    ----------
    number : array_like of int
        Which interval, from 0 (no time at all) to ten million.
    first : float
        Mean of the first interval. [time]
    exponent : float
        How fast intervals shrink. [-]

    Returns
    -------
    ndarray of float, shape of `number`
        Infinite where a float cannot hold it. [time]

    Raises
    ------
    EscalateError
        If a number is negative, too large or not whole, or the first interval not positive.

    Notes
    -----
    ``T_1 sum_(j <= n) j^-b``.

    Examples
    --------
    >>> elapsed([1, 2, 20], 30.0, 0.6).round(3)
    array([ 30.   ,  49.793, 192.478])
    """
    n = whole("number", number, low=0, high=1e7)
    start, b = _curve(first, exponent)
    with np.errstate(over="ignore"):
        steps = np.arange(1.0, n.max(initial=0) + 1.0) ** -b
        return np.asarray(start * np.r_[0.0, np.cumsum(steps)][n])[()]


def red_queen_exponent(first: ArrayLike, slope: ArrayLike, intercept: ArrayLike) -> Floats:
    """Give the exponent that goes with a first interval where the two are tied by a line.

    Parameters
    ----------
    first : array_like
        First interval, in the unit that the line was fitted in. [time]
    slope, intercept : array_like
        The line: change of the exponent per tenfold first interval, and the exponent where
        that is 1. [-]

    Returns
    -------
    ndarray of float, broadcast shape
        [-]

    Raises
    ------
    EscalateError
        If the first interval is not positive.

    Notes
    -----
    ``b = m log10(tau_1) + c``.

    References
    ----------
    N. Johnson et al., Pattern in escalations in insurgent and terrorist activity, Science 333
    (2011) 81-84.

    Examples
    --------
    >>> b = red_queen_exponent(40.0, -0.9, 1.6)
    >>> round(float(b), 4), round(float(interval(15, 40.0, b)), 3)
    (0.1581, 26.065)
    """
    start = within("first", first, low=0.0, without="low")
    line = within("slope", slope) * np.log10(start) + within("intercept", intercept)
    return np.asarray(line)[()]


def fit_error(count: int) -> FitError:
    """Give bias and scatter of fits to a progress curve, intervals being exponential.

    Parameters
    ----------
    count : int
        How many intervals are fitted, at least 2.

    Returns
    -------
    FitError

    Raises
    ------
    EscalateError
        If there are fewer than 2.

    Notes
    -----
    The logarithm of an exponential has mean ``-gamma`` (Euler's) about that of its mean and
    variance ``pi^2 / 6``. So least squares of ``log T_n`` on ``log n`` estimates the slope
    without bias, the intercept ``gamma`` too low, and has standard deviations
    ``pi / sqrt(6 Sxx)`` and ``pi / sqrt(6) sqrt(1/N + xbar^2 / Sxx)``, with ``x = log n`` and
    ``Sxx = sum (x - xbar)^2``. Maximum likelihood has no factor ``pi / sqrt(6)``, but a bias
    that falls as 1 / N (some -0.04 in the exponent at N = 20).

    Examples
    --------
    >>> error = fit_error(20)
    >>> round(error.intercept_bias, 4), round(error.slope_sd, 4)
    (-0.5772, 0.362)
    """
    n = int(whole("count", count, low=2, high=1e8))
    slope, intercept = _design(n)
    wider = math.pi / math.sqrt(6.0)
    return FitError(-float(np.euler_gamma), 0.0, wider * intercept, wider * slope, intercept, slope)


def log_log_fit(intervals: ArrayLike, *, unbiased: bool = True) -> ProgressFit:
    """Fit a progress curve by least squares on logarithms.

    Parameters
    ----------
    intervals : array_like, shape (n,)
        Intervals in order, at least 2, all positive. [time]
    unbiased : bool, optional
        Whether to correct the intercept for the scatter of exponential intervals. Without it,
        `first` is their geometric level, 44 per cent below the mean.

    Returns
    -------
    ProgressFit
        With the standard errors of `fit_error`.

    Raises
    ------
    EscalateError
        If there are fewer than 2 intervals or one is not positive.

    References
    ----------
    N. Johnson et al., Pattern in escalations in insurgent and terrorist activity, Science 333
    (2011) 81-84.

    Examples
    --------
    >>> exact = interval([1, 2, 3, 4], 30.0, 0.6)
    >>> fit = log_log_fit(exact, unbiased=False)
    >>> round(fit.first, 3), round(fit.exponent, 3)
    (30.0, 0.6)
    """
    level = np.log(_intervals(intervals))
    error = fit_error(level.size)
    x = np.log(np.arange(1.0, level.size + 1.0))
    off = x - x.mean()
    slope = float(off @ level / (off @ off))
    intercept = float(level.mean()) - slope * float(x.mean())
    if unbiased:
        intercept -= error.intercept_bias
    return ProgressFit(float(np.exp(intercept)), -slope, error.intercept_sd, error.slope_sd)


def likelihood_fit(intervals: ArrayLike) -> ProgressFit:
    """Fit a progress curve by maximum likelihood, intervals being exponential.

    Parameters
    ----------
    intervals : array_like, shape (n,)
        Intervals in order, at least 2, all positive. [time]

    Returns
    -------
    ProgressFit
        With standard errors from the expected information, the same for all curves.

    Raises
    ------
    EscalateError
        If there are fewer than 2 intervals or one is not positive.

    Notes
    -----
    At given b the best first interval is the mean of ``T_n n^b``; b then solves
    ``sum w_n log n = mean(log n)`` with weights w proportional to ``T_n n^b``, whose left side
    rises with b.

    Examples
    --------
    >>> exact = interval([1, 2, 3, 4], 30.0, 0.6)
    >>> fit = likelihood_fit(exact)
    >>> round(fit.first, 6), round(fit.exponent, 6)
    (30.0, 0.6)
    """
    level = np.log(_intervals(intervals))
    x = np.log(np.arange(1.0, level.size + 1.0))
    slope_sd, intercept_sd = _design(level.size)

    def weights(b: float) -> Floats:
        height = level + b * x
        weight = np.exp(height - height.max())
        return np.asarray(weight / weight.sum(), dtype=float)

    def excess(b: float) -> float:
        return float(weights(b) @ x - x.mean())

    # beyond these ends all weight is on the last interval, or on the first
    wide = (np.ptp(level) + 800.0) / np.diff(x)[-1]
    b = float(optimize.brentq(excess, -wide, wide, xtol=1e-13, rtol=1e-14))
    height = level + b * x
    mean = float(np.exp(height.max() + np.log(np.mean(np.exp(height - height.max())))))
    return ProgressFit(mean, b, intercept_sd, slope_sd)


def _curve(first: ArrayLike, exponent: ArrayLike) -> tuple[Floats, Floats]:
    """Check the parameters of a progress curve."""
    return within("first", first, low=0.0, without="low"), within("exponent", exponent)


def _intervals(intervals: ArrayLike) -> Floats:
    """Check that intervals have logarithms and allow a slope."""
    times = vector("intervals", intervals)
    within("intervals", times, low=0.0, without="low")
    if times.size < 2:
        refuse("len(intervals) >= 2", times.size, times.size - 2.0, "a slope")
    return times


def _design(n: int) -> tuple[float, float]:
    """Give the standard deviations of slope and intercept per unit of scatter."""
    x = np.log(np.arange(1.0, n + 1.0))
    spread = float(((x - x.mean()) ** 2).sum())
    return float(spread**-0.5), float((1.0 / n + x.mean() ** 2 / spread) ** 0.5)
