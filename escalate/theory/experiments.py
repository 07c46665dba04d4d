"""How much is gained by pairing runs, how many runs are needed, and how sure a rare share is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, stats

from escalate.errors import EscalateError
from escalate.theory._check import Floats, refuse, vector, whole, within

__all__ = [
    "ControlVariate",
    "Interval",
    "PairedVariance",
    "antithetic_variance",
    "control_variate",
    "no_event_upper",
    "paired_variance",
    "paired_variance_binomial",
    "paired_variance_exponential",
    "proportion_interval",
    "replications",
]

_WILD = (
    "an outcome must have a finite mean and variance, but its integral over the uniform number "
    "does not converge"
)


class PairedVariance(NamedTuple):
    """Variance of the difference of two outcomes, second less first."""

    common: Floats
    """With the same random numbers in both."""
    independent: Floats
    """With random numbers of their own."""

    @property
    def reduction(self) -> Floats:
        """Factor by which pairing divides the variance, and so the runs that are needed.

        Infinite if pairing leaves no variance at all, and 1 if there was none.
        """
        shared, own = np.asarray(self.common), np.asarray(self.independent)
        factor = np.divide(own, np.where(shared > 0.0, shared, 1.0))
        return np.asarray(np.where(shared > 0.0, factor, np.where(own > 0.0, np.inf, 1.0)))[()]


class ControlVariate(NamedTuple):
    """The best use of a control variate."""

    coefficient: float
    """By which the control's deviation from its mean is multiplied and taken off."""
    variance: float
    """What is left of the variance of one run."""


class Interval(NamedTuple):
    """Ends of an interval."""

    low: float
    """Lower end."""
    high: float
    """Upper end."""


def paired_variance_binomial(n: ArrayLike, p1: ArrayLike, p2: ArrayLike) -> PairedVariance:
    """Give the variance of the difference of two counts of events with shared uniforms.

    Parameters
    ----------
    n : array_like of int
        Weapons, each with one uniform number that decides its fate in both runs. [weapons]
    p1, p2 : array_like
        Chance that a weapon is stopped in the first and in the second run. [-]

    Returns
    -------
    PairedVariance
        [weapons^2]

    Raises
    ------
    EscalateError
        If a number is out of bounds.

    Notes
    -----
    A weapon is stopped if its uniform is below p: fates differ with chance ``d = |p2 - p1|``,
    always the same way, so ``Var = n d (1 - d)`` against ``n [p1 (1 - p1) + p2 (1 - p2)]``.

    References
    ----------
    A. M. Law, Simulation Modeling and Analysis, fifth edition, McGraw-Hill 2015, section 11.2.

    Examples
    --------
    >>> both = paired_variance_binomial(50, 0.7, 0.8)
    >>> float(both.common), float(both.independent), float(both.reduction)
    (4.5, 18.5, 4.1111111)
    """
    count = whole("n", n, 0)
    first, second = within("p1", p1, 0.0, 1.0), within("p2", p2, 0.0, 1.0)
    apart = np.abs(second - first)
    own = first * (1.0 - first) + second * (1.0 - second)
    common, independent = np.broadcast_arrays(count * apart * (1.0 - apart), count * own)
    return PairedVariance(common[()], independent[()])


def paired_variance_exponential(mean1: ArrayLike, mean2: ArrayLike) -> PairedVariance:
    """Give the variance of the difference of two exponential times drawn by inversion.

    Parameters
    ----------
    mean1, mean2 : array_like
        Mean times in the first and in the second run, at least 0. [h]

    Returns
    -------
    PairedVariance
        [h^2]

    Raises
    ------
    EscalateError
        If a mean is negative or not finite.

    Notes
    -----
    With ``-mean log U`` of one U the times are proportional: ``(a - b)^2`` against
    ``a^2 + b^2``.

    References
    ----------
    A. M. Law, as for `paired_variance_binomial`.

    Examples
    --------
    >>> both = paired_variance_exponential(2.0, 3.0)
    >>> float(both.common), float(both.independent)
    (1.0, 13.0)
    """
    a, b = within("mean1", mean1, 0.0), within("mean2", mean2, 0.0)
    return PairedVariance(np.asarray((a - b) ** 2)[()], np.asarray(a * a + b * b)[()])


def paired_variance(
    outcome1: Callable[[float], float], outcome2: Callable[[float], float]
) -> PairedVariance:
    """Give the variance of the difference of two outcomes that one uniform number decides.

    Parameters
    ----------
    outcome1, outcome2 : callable
        Outcome of the first and of the second run as a function of a uniform number above 0
        and below 1, such as ``stats.gamma(2).ppf`` for a draw by inversion.

    Returns
    -------
    PairedVariance

    Raises
    ------
    EscalateError
        If an outcome has no finite variance.

    Notes
    -----
    By quadrature over the unit interval. For outcomes that rise or fall together, shared
    numbers always help; where one falls as the other rises, they hurt.

    References
    ----------
    S. M. Ross, Simulation, fifth edition, Academic Press 2013, chapter 9.

    Examples
    --------
    >>> from scipy import stats
    >>> both = paired_variance(stats.expon(scale=2).ppf, stats.expon(scale=3).ppf)
    >>> float(both.common), float(both.independent)
    (1.0, 13.0)
    """
    (m1, v1), (m2, v2) = _moments(outcome1), _moments(outcome2)
    both = _mean(lambda u: ((outcome2(u) - m2) - (outcome1(u) - m1)) ** 2, v1 + v2)
    return PairedVariance(np.asarray(both)[()], np.asarray(v1 + v2)[()])


def antithetic_variance(outcome: Callable[[float], float]) -> float:
    """Give the variance of the mean of an antithetic pair of runs.

    Parameters
    ----------
    outcome : callable
        Outcome as a function of a uniform number above 0 and below 1.

    Returns
    -------
    float
        To be compared with half the variance of one run, that of the mean of two independent
        ones.

    Raises
    ------
    EscalateError
        If the outcome has no finite variance.

    Notes
    -----
    ``Var[(f(U) + f(1 - U)) / 2]``, by quadrature.

    References
    ----------
    S. M. Ross, as for `paired_variance`.

    Examples
    --------
    >>> import math
    >>> antithetic_variance(math.exp)
    0.0039124969
    """
    mean, var = _moments(outcome)
    return _mean(lambda u: (0.5 * (outcome(u) - mean) + 0.5 * (outcome(1.0 - u) - mean)) ** 2, var)


def control_variate(
    outcome: Callable[[float], float], control: Callable[[float], float] | None = None
) -> ControlVariate:
    """Give the best coefficient of a control variate and the variance that it leaves.

    Parameters
    ----------
    outcome : callable
        Outcome as a function of a uniform number above 0 and below 1.
    control : callable, optional
        Quantity of known mean, of the same number; the number itself if not given.

    Returns
    -------
    ControlVariate

    Raises
    ------
    EscalateError
        If one has no finite variance, or the control has none at all.

    Notes
    -----
    ``beta = Cov(f, g) / Var(g)``; ``Var[f - beta (g - E g)] = Var(f) (1 - rho^2)``.

    References
    ----------
    S. M. Ross, as for `paired_variance`.

    Examples
    --------
    >>> import math
    >>> control_variate(math.exp)
    ControlVariate(coefficient=1.690309, variance=0.00394022)
    """
    known = control if control is not None else float
    (f, var), (g, spread) = _moments(outcome), _moments(known)
    if spread <= (1e-14 * g) ** 2:  # what rounding may leave of a constant
        refuse("variance of the control > 0", spread, 0.0)
    beta = _mean(lambda u: (outcome(u) - f) * (known(u) - g), math.sqrt(var * spread)) / spread
    left = _mean(lambda u: (outcome(u) - f - beta * (known(u) - g)) ** 2, var)
    return ControlVariate(beta, left)


def replications(
    sd: float, half_width: float, *, level: float = 0.95, rule: Literal["t", "normal"] = "t"
) -> int:
    """Give how many runs a confidence interval of a wanted half width needs.

    Parameters
    ----------
    sd : float
        Standard deviation of the outcome, from a pilot, at least 0.
    half_width : float
        Wanted half width of the interval of the mean, above 0, in the same unit.
    level : float, optional
        Confidence, above 0 and below 1. [-]
    rule : {"t", "normal"}, optional
        Whether the standard deviation will be estimated from the same runs, or is known.

    Returns
    -------
    int
        At least 2 by the t rule, 1 by the normal one. [runs]

    Raises
    ------
    EscalateError
        If a number is out of bounds, the rule is unknown, or more than 2^53 runs are needed.

    Notes
    -----
    The smallest k with ``t_(k-1) s / sqrt(k) <= h``.

    References
    ----------
    A. M. Law, as for `paired_variance_binomial`, section 9.4.1.

    Examples
    --------
    >>> replications(12.5, 1.0), replications(12.5, 1.0, rule="normal")
    (603, 601)
    """
    s = float(vector("sd", sd, 1, 0.0)[0])
    h = float(vector("half_width", half_width, 1)[0])
    within("half_width", h, 0.0, without="low")
    tail = 0.5 * (1.0 - float(within("level", level, 0.0, 1.0, without="both")))
    if rule not in ("t", "normal"):
        raise EscalateError(f"`rule` must be 't' or 'normal', but it is {rule!r}")
    z = float(stats.norm.isf(tail))
    root = z * (s / h)
    if root > 2.0**26:
        refuse(
            "(z sd / half_width)^2 <= 2^52", root * root, root * root - 2.0**52, "a number of runs"
        )
    least = 1 if rule == "normal" else 2

    def enough(k: int) -> bool:
        point = z if rule == "normal" else float(stats.t.isf(tail, k - 1))
        return point * s <= h * math.sqrt(k)

    # The normal rule is a lower bound of the t rule: from there, double, then halve.
    low = max(math.ceil(root * root) - 1, least)
    if enough(low):
        return low
    gap = 1
    while not enough(low + gap):
        gap *= 2
    high = low + gap
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def proportion_interval(
    events: int,
    trials: int,
    *,
    level: float = 0.95,
    method: Literal["wilson", "exact"] = "wilson",
) -> Interval:
    """Give a confidence interval for the chance of an event that was seen so often.

    Parameters
    ----------
    events, trials : int
        How often it was seen, in how many runs, at least 1.
    level : float, optional
        Confidence, above 0 and below 1. [-]
    method : {"wilson", "exact"}, optional
        Wilson's score interval, which holds the chance about as often as it says, or that of
        Clopper and Pearson, which does so at least as often.

    Returns
    -------
    Interval
        [-]

    Raises
    ------
    EscalateError
        If a number is out of bounds or the method is unknown.

    Notes
    -----
    Computed by ``scipy.stats.binomtest``.

    References
    ----------
    E. B. Wilson, Journal of the American Statistical Association 22:209-212, 1927;
    C. J. Clopper, E. S. Pearson, Biometrika 26:404-413, 1934.

    Examples
    --------
    >>> proportion_interval(3, 200)
    Interval(low=0.00511424, high=0.04316573)
    >>> proportion_interval(3, 200, method="exact")
    Interval(low=0.00310411, high=0.04320828)
    """
    n = int(whole("trials", trials, 1))
    k = int(whole("events", events, 0, n))
    share = float(within("level", level, 0.0, 1.0, without="both"))
    if method not in ("wilson", "exact"):
        raise EscalateError(f"`method` must be 'wilson' or 'exact', but it is {method!r}")
    ends = stats.binomtest(k, n).proportion_ci(share, method)
    return Interval(float(ends.low), float(ends.high))


def no_event_upper(trials: ArrayLike, *, level: ArrayLike = 0.95) -> Floats:
    """Give the largest chance that an event may well have if it was never seen.

    Parameters
    ----------
    trials : array_like of int
        Runs, in none of which it was seen, at least 1.
    level : array_like, optional
        Confidence of this one-sided bound, above 0 and below 1. [-]

    Returns
    -------
    ndarray of float
        [-]

    Raises
    ------
    EscalateError
        If a number is out of bounds.

    Notes
    -----
    ``1 - (1 - level)^(1/n)``, at 95% nearly ``3/n``: the rule of three.

    References
    ----------
    J. A. Hanley, A. Lippman-Hand, If nothing goes wrong, is everything all right?, Journal of
    the American Medical Association 249:1743-1745, 1983.

    Examples
    --------
    >>> float(no_event_upper(200))
    0.01486704
    """
    n = whole("trials", trials, 1)
    share = within("level", level, 0.0, 1.0, without="both")
    return np.asarray(-np.expm1(np.log1p(-share) / n))[()]


def _mean(outcome: Callable[[float], float], scale: float = 0.0) -> float:
    """Integrate over the unit interval, both halves apart; `scale` is what rounding comes from."""
    halves = [
        integrate.quad(outcome, a, b, epsabs=1e-14 * scale, epsrel=1e-11, limit=400, full_output=1)[
            :2
        ]
        for a, b in ((0.0, 0.5), (0.5, 1.0))
    ]
    size = sum(abs(half) for half, _ in halves)
    mean, error = (sum(each) for each in zip(*halves, strict=True))
    if not error <= 1e-6 * size + 1e-12 * scale < math.inf:
        raise EscalateError(_WILD)
    return float(mean)


def _moments(outcome: Callable[[float], float]) -> tuple[float, float]:
    mean = _mean(outcome)
    var = _mean(lambda u: (outcome(u) - mean) ** 2, mean * mean)
    # Quadrature cannot see a tail that a uniform number does not resolve: what the last of
    # them would add is looked at.
    last = math.ulp(1.0)
    edge = last * max((outcome(u) - mean) ** 2 for u in (last, 1.0 - last))
    if edge > 0.01 * var + 1e-20 * mean * mean:
        raise EscalateError(_WILD)
    return mean, var
