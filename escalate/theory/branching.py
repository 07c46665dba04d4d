"""Give the sizes of escalation episodes when every attack provokes others on its own account.

A Galton-Watson process: each attack directly causes a random number of further attacks, with
mean `n`, the branching ratio, independently of all others. That number is Poisson, or, with a
`dispersion`, negative binomial, of variance ``n + n**2 / dispersion``. An episode is all that
follows from its `starters`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from escalate.errors import EscalateError
from escalate.theory._check import Floats, Wholes, refuse, square, vector, whole, within

__all__ = [
    "Generation",
    "SizeMoments",
    "dwass_pmf",
    "extinction_prob",
    "generation",
    "reproduction_number",
    "total_caused",
    "total_size_moments",
    "total_size_pmf",
    "total_size_quantile",
    "total_size_sf",
]

_LONGEST = 1 << 23
"""How many sizes are summed before a sum is given up."""


class SizeMoments(NamedTuple):
    """Moments of the number of attacks in an episode."""

    mean: Floats
    """Mean size. [attacks]"""

    var: Floats
    """Variance of the size. [attacks^2]"""


class Generation(NamedTuple):
    """The attacks that are a given number of provocations away from the starters."""

    mean: Floats
    """Mean of their number. [attacks]"""

    var: Floats
    """Variance of their number. [attacks^2]"""

    extinct_prob: Floats
    """Chance that there are none. [-]"""


def reproduction_number(means: ArrayLike) -> float:
    """Give the reproduction number of several types of attack, a spectral radius.

    Parameters
    ----------
    means : array_like, shape (n, n)
        ``means[i][j]`` attacks of type i that one of type j directly causes on average. [-]

    Returns
    -------
    float
        Episodes die out almost surely if it is at most 1 (leaving aside types that cause
        exactly one attack each time). [-]

    Raises
    ------
    EscalateError
        If it is not a square matrix of finite numbers, none negative.

    Notes
    -----
    ``R = max |eigenvalue(means)|``; with two sides that answer only each other it is
    ``sqrt(means[0][1] * means[1][0])``.

    References
    ----------
    T. E. Harris, The Theory of Branching Processes, Springer 1963, chapter II.

    Examples
    --------
    >>> reproduction_number([[0.25, 0.4], [0.55, 0.1]])
    0.65
    """
    matrix = square("means", means, low=0.0)
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def total_caused(means: ArrayLike) -> Floats:
    """Count all attacks in the episode that one attack of each type starts, itself included.

    Parameters
    ----------
    means : array_like, shape (n, n)
        ``means[i][j]`` attacks of type i that one of type j directly causes on average. [-]

    Returns
    -------
    ndarray of float, shape (n, n)
        Mean number of attacks of type i in an episode that one of type j starts. [attacks]

    Raises
    ------
    EscalateError
        If the means are no such matrix, or the reproduction number is not below 1.

    Notes
    -----
    ``sum_g means^g = (I - means)^-1``.

    Examples
    --------
    >>> total_caused([[0.25, 0.4], [0.55, 0.1]]).round(4)
    array([[1.978 , 0.8791],
           [1.2088, 1.6484]])
    """
    matrix = square("means", means, low=0.0)
    radius = reproduction_number(matrix)
    if radius >= 1.0:
        refuse("spectral_radius < 1", radius, radius - 1.0, "a finite mean episode")
    return np.asarray(np.linalg.inv(np.eye(len(matrix)) - matrix), dtype=float)


def extinction_prob(
    n: ArrayLike, *, starters: ArrayLike = 1, dispersion: ArrayLike = np.inf
) -> Floats:
    """Give the chance that an episode ends.

    Parameters
    ----------
    n : array_like
        Mean number of attacks that one directly causes. [-]
    starters : array_like of int, optional
        Attacks that start the episode. [attacks]
    dispersion : array_like, optional
        Shape of the negative binomial number caused; infinite for Poisson. [-]

    Returns
    -------
    ndarray of float, broadcast shape
        1 for n up to 1. [-]

    Raises
    ------
    EscalateError
        If n is negative, the dispersion not positive, or the starters not whole and positive.

    Notes
    -----
    ``s^starters`` with s the smallest root of ``s = f(s)``, where ``f(s) = exp(-n (1 - s))``,
    or ``(1 + n (1 - s) / dispersion)^-dispersion``. Solved in ``1 - s``, which Newton's method
    approaches from above without overshooting, since it is a root of a convex function.

    References
    ----------
    T. E. Harris, The Theory of Branching Processes, Springer 1963, chapter I.

    Examples
    --------
    >>> extinction_prob([0.8, 1.5, 3.0]).round(4)
    array([1.    , 0.4172, 0.0595])
    >>> extinction_prob(1.5, dispersion=0.5).round(4)
    np.float64(0.7676)
    """
    n, shape = _offspring(n, dispersion)
    starters = whole("starters", starters, low=1).astype(float)
    runaway = n > 1.0
    mean = np.where(runaway, n, 2.0)  # any number above 1 where the answer is known
    survival = np.ones_like(mean)
    for _ in range(64):  # as many halvings as a float has digits, even next to n = 1
        caused = -np.expm1(_log_none(survival, mean, shape))
        # f'(s) = n f(s) / (1 + n (1 - s) / dispersion)
        slope = 1.0 - mean * (1.0 - caused) / (1.0 + mean * survival / shape)
        step = (survival - caused) / np.maximum(slope, np.finfo(float).eps)
        survival = np.maximum(survival - step, 0.0)
    alive = np.where(runaway, survival, 0.0)
    return np.asarray(np.exp(starters * _log_none(alive, n, shape)))[()]


def generation(
    number: ArrayLike, n: ArrayLike, *, starters: ArrayLike = 1, dispersion: ArrayLike = np.inf
) -> Generation:
    """Describe how many attacks are a given number of provocations away from the starters.

    Parameters
    ----------
    number : array_like of int
        Which generation; the starters are generation 0.
    n : array_like
        Mean number of attacks that one directly causes. [-]
    starters : array_like of int, optional
        Attacks that start the episode. [attacks]
    dispersion : array_like, optional
        Shape of the negative binomial number caused; infinite for Poisson. [-]

    Returns
    -------
    Generation
        Mean, variance and chance of none, each of broadcast shape; moments too large for a
        float are infinite.

    Raises
    ------
    EscalateError
        If an argument is outside its domain.

    Notes
    -----
    With one starter: mean ``n^g``, variance ``sigma^2 n^(g-1) (n^g - 1) / (n - 1)`` with
    ``sigma^2 = n + n^2 / dispersion`` (``g sigma^2`` at n = 1), and ``P(none) = f(f(...f(0)))``,
    g times.

    References
    ----------
    T. E. Harris, The Theory of Branching Processes, Springer 1963, chapter I.

    Examples
    --------
    >>> mean, var, none = generation([1, 2, 3], 0.6)
    >>> mean.round(4), var.round(4), none.round(4)
    (array([0.6  , 0.36 , 0.216]), array([0.6   , 0.576 , 0.4234]), array([0.5488, 0.7628, 0.8674]))
    """
    g = whole("number", number, low=0, high=1e6)
    n, shape = _offspring(n, dispersion)
    starters = whole("starters", starters, low=1).astype(float)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        mean = n**g
        log = np.log(n)
        # 1 + n + ... + n^(g-1), kept exact around n = 1
        total = np.where(n == 1.0, g, np.where(n == 0.0, g > 0, np.expm1(g * log) / np.expm1(log)))
        before = n ** np.maximum(g - 1.0, 0.0)
        var = np.where(total > 0.0, _offspring_var(n, shape) * before * total, 0.0)
    alive = np.ones(np.broadcast_shapes(g.shape, n.shape))
    log_none = np.full(alive.shape, -np.inf)
    for step in range(int(g.max(initial=0))):
        log_none = np.where(step < g, _log_none(alive, n, shape), log_none)
        last, alive = alive, -np.expm1(log_none)
        if np.all(alive == last):
            break
    with np.errstate(over="ignore"):
        moments = starters * mean, starters * var
    return Generation(*moments, np.asarray(np.exp(starters * log_none))[()])


def total_size_pmf(
    size: ArrayLike, n: ArrayLike, *, starters: ArrayLike = 1, dispersion: ArrayLike = np.inf
) -> Floats:
    """Give the chance that an episode has a given number of attacks, its starters included.

    Parameters
    ----------
    size : array_like of int
        Number of attacks. [attacks]
    n : array_like
        Mean number of attacks that one directly causes. [-]
    starters : array_like of int, optional
        Attacks that start the episode. [attacks]
    dispersion : array_like, optional
        Shape of the negative binomial number caused; infinite for Poisson. [-]

    Returns
    -------
    ndarray of float, broadcast shape
        Sums to the chance that the episode ends, which is below 1 for n above 1. [-]

    Raises
    ------
    EscalateError
        If an argument is outside its domain.

    Notes
    -----
    The hitting-time theorem: ``P(S = k) = r / k P(X_1 + ... + X_k = k - r)`` with r starters,
    where the sum is Poisson of mean ``n k``, or negative binomial of mean ``n k`` and shape
    ``k dispersion``. In the Poisson case it is the Borel-Tanner law,
    ``r / k exp(-n k) (n k)^(k-r) / (k-r)!``, and with one starter the Borel law. Good to 12
    digits up to sizes of a thousand, to 9 up to a million.

    References
    ----------
    M. Dwass, The total progeny in a branching process and a related random walk, Journal of
    Applied Probability 6 (1969) 682-686.

    Examples
    --------
    >>> total_size_pmf([1, 2, 3], 0.6).round(4)
    array([0.5488, 0.1807, 0.0893])
    >>> total_size_pmf([1, 2, 3], 0.6, dispersion=0.5).round(4)
    array([0.6742, 0.124 , 0.057 ])
    """
    size = whole("size", size, low=0)
    n, shape = _offspring(n, dispersion)
    starters = whole("starters", starters, low=1).astype(float)
    return np.asarray(_size_pmf(size, n, starters, shape))[()]


def total_size_sf(
    size: ArrayLike, n: float, *, starters: int = 1, dispersion: float = np.inf
) -> Floats:
    """Give the chance that an episode has more attacks than a given number, or never ends.

    Parameters
    ----------
    size : array_like of int
        Number of attacks. [attacks]
    n : float
        Mean number of attacks that one directly causes. [-]
    starters : int, optional
        Attacks that start the episode. [attacks]
    dispersion : float, optional
        Shape of the negative binomial number caused; infinite for Poisson. [-]

    Returns
    -------
    ndarray of float, shape of `size`
        ``P(S > size)``. [-]

    Raises
    ------
    EscalateError
        If an argument is outside its domain, or a size exceeds what can be summed.

    Notes
    -----
    The tail is summed until it no longer changes, so that small chances keep their digits.
    Where that would take too long, at n close to 1, it is what the sizes up to there leave over.

    Examples
    --------
    >>> total_size_sf([0, 9, 99], 0.6)
    array([1.00000000e+00, 3.50906054e-02, 8.70996769e-08])
    """
    size = whole("size", size, low=0)
    mean, shape, start = _one(n, starters, dispersion)
    if size.size == 0:
        return np.empty(size.shape)
    never = 1.0 - extinction_prob(mean, starters=start, dispersion=shape)
    first, last = int(size.min()) + 1, int(size.max())
    reach = _tail_length(float(mean), float(shape))
    if last - first + reach < _LONGEST:
        chances = _size_pmf(np.arange(first, last + int(reach) + 1), mean, start, shape)
        left = np.cumsum(chances[::-1])[::-1] + never
    elif last < _LONGEST:
        first = 1
        left = 1.0 - np.r_[0.0, np.cumsum(_size_pmf(np.arange(1, last + 1), mean, start, shape))]
    else:
        refuse(f"size < {_LONGEST}", last, last - _LONGEST + 1.0, f"a tail at n = {mean:.6g}")
    return np.asarray(np.clip(left, 0.0, 1.0)[size + 1 - first])[()]


def total_size_quantile(
    q: ArrayLike, n: float, *, starters: int = 1, dispersion: float = np.inf
) -> Floats:
    """Give the number of attacks that an episode does not exceed with a given chance.

    Parameters
    ----------
    q : array_like
        The chance, from 0 to below 1. [-]
    n : float
        Mean number of attacks that one directly causes. [-]
    starters : int, optional
        Attacks that start the episode. [attacks]
    dispersion : float, optional
        Shape of the negative binomial number caused; infinite for Poisson. [-]

    Returns
    -------
    ndarray of float, shape of `q`
        Smallest k with ``P(S <= k) >= q``; infinite if q is not below the chance that the
        episode ends. [attacks]

    Raises
    ------
    EscalateError
        If an argument is outside its domain, or the number exceeds what can be summed.

    Examples
    --------
    >>> total_size_quantile([0.5, 0.9, 0.99, 0.999], 0.6)
    array([ 1.,  5., 16., 30.])
    """
    q = within("q", q, 0.0, 1.0, without="high")
    mean, shape, start = _one(n, starters, dispersion)
    never = 1.0 - extinction_prob(mean, starters=start, dispersion=shape)
    wanted = 1.0 - q
    finite = wanted > never
    lowest = float(np.min(wanted, where=finite, initial=1.0))
    last = 2 * int(start) + 64
    while total_size_sf(last, n, starters=starters, dispersion=dispersion) > lowest:
        last *= 4
    sizes = np.arange(int(start), last + 1)
    left = total_size_sf(sizes, n, starters=starters, dispersion=dispersion)
    # a chance that is met up to rounding is met
    steps = np.searchsorted(-left, -wanted * (1.0 + 1e-14) - 2e-16)
    return np.asarray(np.where(finite, start + steps, np.inf))[()]


def total_size_moments(
    n: ArrayLike, *, starters: ArrayLike = 1, dispersion: ArrayLike = np.inf
) -> SizeMoments:
    """Give mean and variance of the number of attacks in an episode, its starters included.

    Parameters
    ----------
    n : array_like
        Mean number of attacks that one directly causes, below 1. [-]
    starters : array_like of int, optional
        Attacks that start the episode. [attacks]
    dispersion : array_like, optional
        Shape of the negative binomial number caused; infinite for Poisson. [-]

    Returns
    -------
    SizeMoments
        Each of broadcast shape.

    Raises
    ------
    EscalateError
        If an argument is outside its domain; from n = 1 on, the mean is infinite.

    Notes
    -----
    ``r / (1 - n)`` and ``r sigma^2 / (1 - n)^3`` with r starters and
    ``sigma^2 = n + n^2 / dispersion``.

    References
    ----------
    M. Dwass, The total progeny in a branching process and a related random walk, Journal of
    Applied Probability 6 (1969) 682-686.

    Examples
    --------
    >>> mean, var = total_size_moments(0.6)
    >>> float(mean), float(var)
    (2.5, 9.375)
    """
    n, shape = _offspring(n, dispersion)
    within("n", n, 0.0, 1.0, without="high", purpose="a finite mean episode")
    starters = whole("starters", starters, low=1).astype(float)
    quiet = 1.0 - n
    return SizeMoments(starters / quiet, starters * _offspring_var(n, shape) / quiet**3)


def dwass_pmf(offspring: ArrayLike, largest: int, *, starters: int = 1) -> Floats:
    """Give the law of an episode's size for any law of the number directly caused.

    Parameters
    ----------
    offspring : array_like, shape (m,)
        Chance that an attack directly causes 0, 1, ..., m - 1 others; sums to 1. [-]
    largest : int
        Largest size wanted; the work grows with its square. [attacks]
    starters : int, optional
        Attacks that start the episode. [attacks]

    Returns
    -------
    ndarray of float, shape (largest + 1,)
        Chance of 0, 1, ..., `largest` attacks in all. [-]

    Raises
    ------
    EscalateError
        If the chances are negative or do not sum to 1, or a count is not positive.

    Notes
    -----
    ``P(S = k) = r / k P(X_1 + ... + X_k = k - r)`` with r starters; the law of the sum is a
    k-fold convolution, of which only the first ``largest`` terms matter.

    References
    ----------
    M. Dwass, The total progeny in a branching process and a related random walk, Journal of
    Applied Probability 6 (1969) 682-686.

    Examples
    --------
    Each attack causes two others or none:

    >>> dwass_pmf([0.6, 0.0, 0.4], 5).round(4)
    array([0.    , 0.6   , 0.    , 0.144 , 0.    , 0.0691])
    """
    chances = vector("offspring", offspring, low=0.0)
    total = float(chances.sum())
    if abs(total - 1.0) > 1e-9:
        refuse("sum(offspring) = 1", total, total - 1.0)
    last = int(whole("largest", largest, low=1))
    start = int(whole("starters", starters, low=1))
    sizes = np.zeros(last + 1)
    caused = np.ones(1)
    for size in range(1, last + 1):
        caused = np.convolve(caused, chances)[: last + 1]
        if 0 <= size - start < caused.size:
            sizes[size] = start / size * caused[size - start]
    return sizes


def _offspring(n: ArrayLike, dispersion: ArrayLike) -> tuple[Floats, Floats]:
    """Check the law of the number directly caused, and broadcast its parameters."""
    mean = within("n", n, low=0.0)
    shape = np.asarray(dispersion, dtype=float)
    within("dispersion", np.where(shape == np.inf, 1.0, shape), low=0.0, without="low")
    mean, shape = np.broadcast_arrays(mean, shape)
    return mean, shape


def _one(n: float, starters: int, dispersion: float) -> tuple[Floats, Floats, Floats]:
    """Check the parameters of a single episode."""
    mean, shape = _offspring(n, dispersion)
    start = whole("starters", starters, low=1).astype(float)
    if mean.ndim or start.ndim:
        raise EscalateError("`n`, `starters` and `dispersion` must be lone numbers here")
    return mean, shape, start


def _offspring_var(n: Floats, shape: Floats) -> Floats:
    """Give the variance of the number directly caused."""
    return n + n / shape * n


def _log_none(alive: Floats, n: Floats, shape: Floats) -> Floats:
    """Give log f(1 - alive): to cause no attack that counts, if each does so with that chance."""
    binomial = np.isfinite(shape)
    k = np.where(binomial, shape, 1.0)
    return np.where(binomial, -k * np.log1p(n * alive / k), -n * alive)


def _size_pmf(size: Wholes, n: Floats, starters: Floats, shape: Floats) -> Floats:
    """Give the hitting-time formula, 0 below the number of starters."""
    possible = size >= starters
    k = np.where(possible, size, starters)
    further, binomial = k - starters, np.isfinite(shape)
    caused = np.asarray(stats.poisson.pmf(further, n * k))
    if binomial.any():
        r = np.where(binomial, shape, 1.0)
        # scipy's negative binomial takes r / (r + n), which forgets n if r is large, so by way of
        # the beta density at n / (r + n)
        density = stats.beta.pdf(n / (r + n), further + 1.0, r * k)
        caused = np.where(binomial, density * r / (r + n) / (further + r * k), caused)
    return np.where(possible, starters / k * caused, 0.0)


def _tail_length(n: float, shape: float) -> float:
    """Count the sizes after which the chance of more is negligible against that of any.

    The chance of one more attack tends to ``min f(s) / s``, at most 1, reached where
    ``s = (1 + n / shape) / (n (1 + 1 / shape))``.
    """
    if n == 0.0:
        return 1.0
    best = (1.0 + n / shape) / (n * (1.0 + 1.0 / shape))
    rise = (n - 1.0) / (1.0 + 1.0 / shape)  # n (1 - best)
    power = rise if math.isinf(shape) else shape * math.log1p(rise / shape)
    decay = power + math.log(best)
    return math.ceil(45.0 / decay) if decay > 0.0 else math.inf
