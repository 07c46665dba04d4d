"""Exact laws that approximate inference is checked with, before it is let near real data.

A sampler that is run on a toy problem must give these numbers: the posterior that approximate
Bayesian computation has at each tolerance, and the law of ranks in simulation-based calibration.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from escalate.errors import EscalateError
from escalate.theory._check import Floats, refuse, vector, whole, within

__all__ = [
    "AbcPosterior",
    "abc_normal_posterior",
    "chi2_noncentrality",
    "effective_sample_size",
    "kernel_variance",
    "sbc_rank_pmf",
    "sbc_rank_pmf_discrete",
]

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(100)
_FAR = 80.0
"""Twice the fall of log density beyond which a normal is cut off: 4e-18 of its top."""


class AbcPosterior(NamedTuple):
    """What rejection with one tolerance leaves."""

    mean: Floats
    """Mean of the accepted parameters."""
    sd: Floats
    """Their standard deviation."""
    acceptance: Floats
    """Share of the draws from the prior that is accepted. [-]"""


def abc_normal_posterior(
    observed: ArrayLike,
    tolerance: ArrayLike,
    *,
    prior_mean: ArrayLike = 0.0,
    prior_sd: ArrayLike = 1.0,
    noise_sd: ArrayLike = 1.0,
) -> AbcPosterior:
    """Give what approximate Bayesian computation by rejection finds for a normal mean.

    Parameters
    ----------
    observed : array_like
        The datum.
    tolerance : array_like
        Largest distance from it at which a simulated datum is accepted; 0 for the limit, the
        exact posterior.
    prior_mean, prior_sd : array_like, optional
        Normal prior of the parameter.
    noise_sd : array_like, optional
        Standard deviation of a datum around the parameter.

    Returns
    -------
    AbcPosterior
        Fields have the common shape of the inputs, such as one entry for each tolerance.

    Raises
    ------
    EscalateError
        If a number is not finite, a standard deviation is not above 0, or a tolerance is
        below 0.

    Notes
    -----
    Data are ``normal(m, s^2 + v^2)`` beforehand, truncated to within the tolerance by the
    acceptance; given the datum, the parameter is normal with weight ``w = s^2/(s^2 + v^2)`` on
    it. So

    ``mean = m + w (E[y] - m)``,  ``variance = w v^2 + w^2 Var[y]``,

    with the moments of the truncated normal, integrated here by Gauss-Legendre so that they
    keep their digits for tiny tolerances and data far out.

    References
    ----------
    M. A. Beaumont, J.-M. Cornuet, J.-M. Marin, C. P. Robert, Adaptive approximate Bayesian
    computation, Biometrika 96:983-990, 2009; T. Toni et al., Journal of the Royal Society
    Interface 6:187-202, 2009.

    Examples
    --------
    >>> mean, sd, acceptance = abc_normal_posterior(1.5, [2.0, 1.0, 0.5, 0.1])
    >>> mean.round(4)
    array([0.3987, 0.6368, 0.7195, 0.7488])
    >>> sd.round(4), float(acceptance[0])
    (array([0.8364, 0.7555, 0.7211, 0.7077]), 0.63149903)
    """
    given = (
        within("observed", observed),
        within("tolerance", tolerance, 0.0),
        within("prior_mean", prior_mean),
        within("prior_sd", prior_sd, 0.0, without="low"),
        within("noise_sd", noise_sd, 0.0, without="low"),
    )
    try:
        y, eps, m, s, v = np.broadcast_arrays(*given)
    except ValueError:
        shapes = ", ".join(str(each.shape) for each in given)
        raise EscalateError(f"shapes must match, but they are {shapes}") from None
    total = np.hypot(s, v)
    weight = (s / total) ** 2
    z, half = (y - m) / total, eps / total
    # The density falls from its top within the interval; what is far below it does not count.
    top = np.clip(0.0, z - half, z + half)
    reach = np.sqrt(top * top + _FAR)
    low, high = np.maximum(-half, -reach - z), np.minimum(half, reach - z)
    # Nodes are offsets from the datum: their spread survives a tolerance of 1e-12.
    offset = (0.5 * (low + high))[..., None] + (0.5 * (high - low))[..., None] * _NODES
    at = z[..., None] + offset
    density = np.exp(-0.5 * (at - top[..., None]) * (at + top[..., None])) * _NODE_WEIGHTS
    mass = density.sum(axis=-1)
    shift = (density * offset).sum(axis=-1) / mass
    var = (density * (offset - shift[..., None]) ** 2).sum(axis=-1) / mass
    acceptance = 0.5 * (high - low) * mass * np.exp(-0.5 * top * top) / math.sqrt(2.0 * math.pi)
    return AbcPosterior(
        np.asarray(m + weight * (y - m + total * shift))[()],
        np.asarray(np.hypot(np.sqrt(weight) * v, weight * total * np.sqrt(var)))[()],
        np.asarray(np.minimum(acceptance, 1.0))[()],
    )


def effective_sample_size(weights: ArrayLike) -> Floats:
    """Give how many equally weighted draws are worth as much as weighted ones.

    Parameters
    ----------
    weights : array_like, shape (..., m)
        Importance weights, none negative, not all 0; they need not add up to 1.

    Returns
    -------
    ndarray of float, shape (...)
        From 1 to m. [draws]

    Raises
    ------
    EscalateError
        If the weights are not such.

    Notes
    -----
    ``(sum w)^2 / sum w^2``.

    References
    ----------
    A. Kong, J. S. Liu, W. H. Wong, Sequential imputations and Bayesian missing data problems,
    Journal of the American Statistical Association 89:278-288, 1994.

    Examples
    --------
    >>> float(effective_sample_size([0.1, 0.2, 0.3, 0.4]))
    3.3333333
    """
    w = _normalised(weights)
    return np.asarray(1.0 / (w * w).sum(axis=-1))[()]


def kernel_variance(particles: ArrayLike, weights: ArrayLike) -> Floats:
    """Give the variance with which sequential ABC moves its particles.

    Parameters
    ----------
    particles : array_like, shape (m,) or (m, d)
        Parameters of one generation.
    weights : array_like, shape (m,)
        Their weights.

    Returns
    -------
    ndarray of float, shape () or (d,)
        Of each component by itself.

    Raises
    ------
    EscalateError
        If the numbers or shapes are not such.

    Notes
    -----
    Twice the weighted variance, ``2 sum w (x - sum w x)^2``: of kernels that move components
    independently it is the one that minimises the Kullback-Leibler distance to the next
    generation.

    References
    ----------
    M. A. Beaumont et al., as for `abc_normal_posterior`.

    Examples
    --------
    >>> float(kernel_variance([0.2, 0.5, 0.9, 1.4], [0.1, 0.2, 0.3, 0.4]))
    0.357
    """
    x = within("particles", particles)
    w = _normalised(weights)
    if w.ndim != 1 or x.ndim not in (1, 2) or x.shape[0] != w.size:
        raise EscalateError(
            f"`particles` must have shape (m,) or (m, d) and `weights` (m,), but they have "
            f"{x.shape} and {w.shape}"
        )
    centred = x - x[0]  # first, lest a common offset cost digits
    centred = centred - w @ centred
    return np.asarray(2.0 * (w @ (centred * centred)))[()]


def sbc_rank_pmf(draws: int, *, scale: float = 1.0, shift: float = 0.0) -> Floats:
    """Give the law of ranks in simulation-based calibration of a normal posterior.

    Parameters
    ----------
    draws : int
        Posterior draws a run, L, at least 1; ranks go from 0 to L.
    scale : float, optional
        Standard deviation of the posterior that is drawn from, in those of the exact one,
        above 0: below 1 it is too narrow. [-]
    shift : float, optional
        Its mean less the exact one, in standard deviations of the exact one. [-]

    Returns
    -------
    ndarray of float, shape (L + 1,)
        Chance of each rank of the true parameter among the draws. [-]

    Raises
    ------
    EscalateError
        If a number is out of bounds.

    Notes
    -----
    The true parameter is standard normal around the exact posterior's mean, so its rank is
    ``Binomial(L, U)`` with ``U = Phi((Z - shift)/scale)``, and uniform if the posterior is
    exact. A cup says too narrow, a cap too wide, a slope biased: too low a mean makes high
    ranks likely. By quadrature; the time grows as the 1.5th power of L.

    References
    ----------
    S. Talts et al., Validating Bayesian inference algorithms with simulation-based calibration,
    arXiv:1804.06788, 2018.

    Examples
    --------
    >>> sbc_rank_pmf(3, scale=0.5).round(4)
    array([0.3464, 0.1536, 0.1536, 0.3464])
    """
    count = int(whole("draws", draws, 1))
    c = float(vector("scale", scale, 1)[0])
    within("scale", c, 0.0, without="low")
    d = float(vector("shift", shift, 1)[0])
    # Cut where either normal changes, finely enough for the binomial of so many draws.
    edge = math.sqrt(_FAR)
    step = min(0.5, 8.0 / math.sqrt(count))
    own = d + c * np.arange(-40.0, 40.0 + step, step)
    cuts = np.unique(np.concatenate([np.linspace(-edge, edge, 37), own[np.abs(own) < edge]]))
    nodes, node_weights = (each[:, None] for each in np.polynomial.legendre.leggauss(20))
    half = 0.5 * np.diff(cuts)
    z = (0.5 * (cuts[1:] + cuts[:-1]) + half * nodes).ravel()
    mass = (half * node_weights).ravel() * np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    below, above = special.log_ndtr((z - d) / c), special.log_ndtr((d - z) / c)
    result = np.empty(count + 1)
    for rank in range(count + 1):
        ways = -special.betaln(rank + 1.0, count - rank + 1.0) - math.log(count + 1.0)
        result[rank] = mass @ np.exp(ways + rank * below + (count - rank) * above)
    return result


def sbc_rank_pmf_discrete(
    joint: ArrayLike,
    draws: int,
    *,
    posterior: ArrayLike | None = None,
    ties: Literal["random", "below"] = "random",
) -> Floats:
    """Give the law of ranks in simulation-based calibration of a discrete parameter.

    Parameters
    ----------
    joint : array_like, shape (k, n)
        Chance of each of k ordered values of the parameter together with each of n data. [-]
    draws : int
        Posterior draws a run, L, at least 1.
    posterior : array_like, shape (k, n), optional
        Chance of each value given each datum that draws are made from; the exact one if not
        given. [-]
    ties : {"random", "below"}, optional
        Whether draws that equal the true value are placed around it at random, or all above,
        so that only draws below it are counted.

    Returns
    -------
    ndarray of float, shape (L + 1,)
        Chance of each rank. Uniform for the exact posterior with random ties, and only so. [-]

    Raises
    ------
    EscalateError
        If `joint` is not a table of chances that add up to 1, a column of `posterior` does not
        add up to 1, a number is out of bounds, or `ties` is unknown.

    Notes
    -----
    With chance a of a draw below and b of one equal to the true value, the rank is
    ``Binomial(L, a)`` if only those below count. Placing ties at random is giving every value
    a uniform decimal part: the rank is ``Binomial(L, U)`` with U uniform from a to a + b, so

    ``P(r) = [I_(a+b)(r + 1, L - r + 1) - I_a(r + 1, L - r + 1)] / (b (L + 1))``.

    References
    ----------
    S. Talts et al., as for `sbc_rank_pmf`.

    Examples
    --------
    >>> joint = [[0.4, 0.1], [0.2, 0.3]]
    >>> sbc_rank_pmf_discrete(joint, 2).round(6)
    array([0.333333, 0.333333, 0.333333])
    >>> sbc_rank_pmf_discrete(joint, 2, ties="below").round(4)
    array([0.691 , 0.2014, 0.1076])
    """
    chance = within("joint", joint, 0.0, 1.0)
    if chance.ndim != 2 or 0 in chance.shape:
        raise EscalateError(f"`joint` must have shape (k, n), none 0, but it has {chance.shape}")
    if abs(chance.sum() - 1.0) > 1e-9:
        refuse("joint adds up to 1", float(chance.sum()), float(chance.sum()) - 1.0)
    if ties not in ("random", "below"):
        raise EscalateError(f"`ties` must be 'random' or 'below', but it is {ties!r}")
    count = int(whole("draws", draws, 1))
    if posterior is None:
        data = chance.sum(axis=0)
        equal = chance / np.where(data > 0.0, data, 1.0)
    else:
        equal = within("posterior", posterior, 0.0, 1.0)
        if equal.shape != chance.shape:
            raise EscalateError(
                f"`posterior` must have shape {chance.shape}, but it has {equal.shape}"
            )
        sums = equal.sum(axis=0)
        if np.abs(sums - 1.0).max() > 1e-9:
            bad = float(sums[np.abs(sums - 1.0).argmax()])
            refuse("each column of posterior adds up to 1", bad, bad - 1.0)
    upto = np.minimum(np.cumsum(equal, axis=0), 1.0)
    possible = chance > 0.0
    mass, high = chance[possible][:, None], upto[possible][:, None]
    low = np.maximum(high - equal[possible][:, None], 0.0)
    if ties == "below":
        high = low
    # Where ties are too rare to be told from none, their middle stands for them.
    narrow = high - low < 1e-7
    rank = np.arange(count + 1.0)
    spread = special.betainc(rank + 1.0, count - rank + 1.0, high)
    spread = spread - special.betainc(rank + 1.0, count - rank + 1.0, low)
    ways = -special.betaln(rank + 1.0, count - rank + 1.0) - math.log(count + 1.0)
    u = 0.5 * (low + high)
    single = np.exp(ways + special.xlogy(rank, u) + special.xlog1py(count - rank, -u))
    given = np.where(narrow, single, spread / (np.where(narrow, 1.0, high - low) * (count + 1.0)))
    return np.asarray((mass * given).sum(axis=0))


def chi2_noncentrality(pmf: ArrayLike, runs: float) -> float:
    """Give the noncentrality of the chi-squared test of uniform ranks.

    Parameters
    ----------
    pmf : array_like, shape (n,)
        True chance of each rank, or bin of as many ranks. [-]
    runs : float
        Number of runs whose ranks are tested, above 0.

    Returns
    -------
    float
        Of the statistic, with n - 1 degrees of freedom; 0 if ranks are uniform. The power of
        the test is ``scipy.stats.ncx2.sf(critical value, n - 1, noncentrality)``. [-]

    Raises
    ------
    EscalateError
        If the chances do not add up to 1, or a number is out of bounds.

    Notes
    -----
    ``runs * sum (p - 1/n)^2 / (1/n)``.

    References
    ----------
    W. G. Cochran, The chi-square test of goodness of fit, Annals of Mathematical Statistics
    23:315-345, 1952.

    Examples
    --------
    >>> chi2_noncentrality(sbc_rank_pmf(9, scale=0.5), 1000)
    493.69197
    """
    p = vector("pmf", pmf, low=0.0)
    if abs(p.sum() - 1.0) > 1e-6:
        refuse("pmf adds up to 1", float(p.sum()), float(p.sum()) - 1.0)
    within("runs", runs, 0.0, without="low")
    return float(runs * p.size * ((p - 1.0 / p.size) ** 2).sum())


def _normalised(weights: ArrayLike) -> Floats:
    w = within("weights", weights, 0.0)
    if w.ndim == 0 or 0 in w.shape:
        raise EscalateError(f"`weights` must have shape (..., m), none 0, but it has {w.shape}")
    largest = w.max(axis=-1, keepdims=True)
    if (largest == 0.0).any():
        refuse("sum of weights > 0", 0.0, 0.0)
    w = w / largest  # first, lest huge weights overflow
    return np.asarray(w / w.sum(axis=-1, keepdims=True))
