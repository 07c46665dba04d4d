"""Follow Hawkes processes: attacks on a clock, each making others likelier for a while.

The rate of component i (a side, say) is ``mu[i]`` plus, for every earlier attack of component
j that is t old, ``branching[i][j] decay exp(-decay t)``. So ``branching[i][j]`` is the mean
number of attacks of i that one of j directly causes, and ``1 / decay`` the mean delay. Where
kernels are written ``jump exp(-decay t)``, as in most papers, `branching_matrix` converts.

Everywhere below, with d components,

- ``mu`` has shape (d,) and ``branching`` (d, d), or (d, d, m) for kernels that are sums of m
  exponentials; lone numbers will do for one component;
- ``decay`` is one number for all, or anything that broadcasts to the shape of `branching`.

Whether a process dies out is up to `escalate.theory.branching.reproduction_number` of
`branching`, its spectral radius.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, optimize, stats

from escalate.errors import EscalateError
from escalate.theory._check import Floats, Wholes, refuse, square, vector, within
from escalate.theory.branching import total_caused

__all__ = [
    "GoodnessOfFit",
    "HawkesFit",
    "WindowCounts",
    "branching_matrix",
    "covariance_rate",
    "fit",
    "goodness_of_fit",
    "lag_covariance",
    "log_likelihood",
    "simulate",
    "stationary_rates",
    "time_change",
    "window_counts",
]


_ROUGH: Any = {"maxiter": 200, "ftol": 1e-8}
_FINE: Any = {"maxiter": 2000, "maxfun": 10_000, "ftol": 1e-14, "gtol": 1e-8}
"""How far the likelihood is climbed: from each start, and from the best of where they end."""


class WindowCounts(NamedTuple):
    """Moments of the numbers of attacks in a window of a stationary process."""

    mean: Floats
    """Means; shape (d,). [attacks]"""

    cov: Floats
    """Covariances; shape (d, d). [attacks^2]"""


class HawkesFit(NamedTuple):
    """A process fitted by maximum likelihood; a standard error is NaN where there is none."""

    mu: Floats
    """Rates of unprovoked attacks; shape (d,). [1/time]"""

    branching: Floats
    """Attacks of the row directly caused by one of the column; shape (d, d). [-]"""

    decay: float
    """Decay of the kernel. [1/time]"""

    mu_se: Floats
    """Standard errors of `mu`; shape (d,). [1/time]"""

    branching_se: Floats
    """Standard errors of `branching`; shape (d, d). [-]"""

    decay_se: float
    """Standard error of `decay`. [1/time]"""

    log_likelihood: float
    """Largest log-likelihood found. [-]"""

    aic: float
    """Akaike's criterion: twice the number of parameters minus twice that. [-]"""


class GoodnessOfFit(NamedTuple):
    """A Kolmogorov-Smirnov test per component, of intervals that should be exponential."""

    statistic: Floats
    """Largest distance between the distributions; shape (d,). [-]"""

    pvalue: Floats
    """Chance of one at least as large if the process is right; shape (d,). [-]"""


def branching_matrix(jump: ArrayLike, decay: ArrayLike) -> Floats:
    """Convert kernels ``jump exp(-decay t)`` to numbers directly caused.

    Parameters
    ----------
    jump : array_like, shape (d, d) or (d, d, m)
        How much the rate of the row rises at an attack of the column. [1/time]
    decay : array_like
        Decays, broadcast to the shape of `jump`. [1/time]

    Returns
    -------
    ndarray of float, shape of `jump`
        ``jump / decay``; summed over its last axis, if there are three, the matrix whose
        spectral radius is the reproduction number. [-]

    Raises
    ------
    EscalateError
        If a jump is negative, a decay not positive, or the shapes do not fit.

    Examples
    --------
    >>> branching_matrix(0.05, 0.06).round(4)
    array([[0.8333]])
    """
    rise = _kernel("jump", jump)
    out = rise / _decays(rise, decay)
    return out[:, :, 0] if np.ndim(jump) < 3 else out


def stationary_rates(mu: ArrayLike, branching: ArrayLike) -> Floats:
    """Give the mean numbers of attacks per time once the start is forgotten.

    Parameters
    ----------
    mu : array_like, shape (d,)
        Rates of unprovoked attacks. [1/time]
    branching : array_like, shape (d, d) or (d, d, m)
        Attacks of the row that one of the column directly causes. [-]

    Returns
    -------
    ndarray of float, shape (d,)
        [1/time]

    Raises
    ------
    EscalateError
        If an argument is negative or misshapen, or the spectral radius not below 1.

    Notes
    -----
    ``(I - G)^-1 mu``.

    References
    ----------
    A. G. Hawkes, Spectra of some self-exciting and mutually exciting point processes,
    Biometrika 58 (1971) 83-90.

    Examples
    --------
    >>> stationary_rates([0.3, 0.2], [[0.25, 0.4], [0.55, 0.1]]).round(4)
    array([0.7692, 0.6923])
    """
    base, parts = _process(mu, branching)
    caused = total_caused(parts.sum(axis=2))
    return np.asarray(caused @ base, dtype=float)


def covariance_rate(mu: ArrayLike, branching: ArrayLike) -> Floats:
    """Give the covariance of counts per time, in long windows.

    Parameters
    ----------
    mu : array_like, shape (d,)
        Rates of unprovoked attacks. [1/time]
    branching : array_like, shape (d, d) or (d, d, m)
        Attacks of the row that one of the column directly causes. [-]

    Returns
    -------
    ndarray of float, shape (d, d)
        The same for all delays. [1/time]

    Raises
    ------
    EscalateError
        As `stationary_rates`.

    Notes
    -----
    ``(I - G)^-1 diag(rates) (I - G)^-T``.

    References
    ----------
    A. G. Hawkes, Point spectra of some mutually exciting point processes, Journal of the Royal
    Statistical Society B 33 (1971) 438-443.

    Examples
    --------
    >>> covariance_rate([0.3, 0.2], [[0.25, 0.4], [0.55, 0.1]]).round(4)
    array([[3.5447, 2.8425],
           [2.8425, 3.005 ]])
    """
    base, parts = _process(mu, branching)
    caused = total_caused(parts.sum(axis=2))
    return np.asarray((caused * (caused @ base)) @ caused.T, dtype=float)


def window_counts(
    mu: ArrayLike, branching: ArrayLike, decay: ArrayLike, window: float
) -> WindowCounts:
    """Give mean and covariance of the numbers of attacks in a window, once stationary.

    Parameters
    ----------
    mu : array_like, shape (d,)
        Rates of unprovoked attacks. [1/time]
    branching : array_like, shape (d, d) or (d, d, m)
        Attacks of the row that one of the column directly causes. [-]
    decay : array_like
        Decays of the kernels. [1/time]
    window : float
        Length of the window. [time]

    Returns
    -------
    WindowCounts

    Raises
    ------
    EscalateError
        As `stationary_rates`, or if a decay is not positive or the window negative.

    Notes
    -----
    What attacks have added to the rates is a linear Markov process of mean reversion M. With
    one decay ``M = decay (I - G)``; its covariance V solves
    ``M V + V M^T = decay^2 G diag(rates) G^T``, and the counts have
    ``diag(rates) tau + K + K^T`` with
    ``K = (M^-1 tau - M^-2 (I - exp(-M tau))) (V + decay G diag(rates))``. Other kernels have
    one such part per component and decay.

    References
    ----------
    A. G. Hawkes, Point spectra of some mutually exciting point processes, Journal of the Royal
    Statistical Society B 33 (1971) 438-443.

    J. Da Fonseca and R. Zaatour, Hawkes process: fast calibration, application to trade
    clustering, and diffusive limit, Journal of Futures Markets 34 (2014) 548-579.

    Examples
    --------
    >>> mean, cov = window_counts(0.02, 0.05 / 0.06, 0.06, 60.0)
    >>> mean.round(3), cov.round(3)
    (array([7.2]), array([[69.701]]))
    """
    tau = float(within("window", window, low=0.0))
    rates, reach, revert, start = _markov(mu, branching, decay)
    _, twice = _integrals(revert, tau)
    clustering = reach @ twice @ start
    return WindowCounts(rates * tau, np.diag(rates * tau) + clustering + clustering.T)


def lag_covariance(
    mu: ArrayLike, branching: ArrayLike, decay: ArrayLike, window: float, gap: float = 0.0
) -> Floats:
    """Give the covariance of counts in one window with those in an earlier one, once stationary.

    Parameters
    ----------
    mu : array_like, shape (d,)
        Rates of unprovoked attacks. [1/time]
    branching : array_like, shape (d, d) or (d, d, m)
        Attacks of the row that one of the column directly causes. [-]
    decay : array_like
        Decays of the kernels. [1/time]
    window : float
        Length of each window. [time]
    gap : float, optional
        Time from the end of the earlier one to the start of the later one. [time]

    Returns
    -------
    ndarray of float, shape (d, d)
        Row: the component counted later, column: earlier. [attacks^2]

    Raises
    ------
    EscalateError
        As `window_counts`, or if the gap is negative.

    Notes
    -----
    ``exp(-M gap) (M^-1 (I - exp(-M tau)))^2 (V + decay G diag(rates))`` with the symbols of
    `window_counts`, by whose variances it is to be divided for an autocorrelation.

    References
    ----------
    J. Da Fonseca and R. Zaatour, Hawkes process: fast calibration, application to trade
    clustering, and diffusive limit, Journal of Futures Markets 34 (2014) 548-579.

    Examples
    --------
    >>> later = lag_covariance(0.02, 0.05 / 0.06, 0.06, 60.0)
    >>> (later / window_counts(0.02, 0.05 / 0.06, 0.06, 60.0).cov).round(4)
    array([[0.6133]])
    """
    tau = float(within("window", window, low=0.0))
    wait = float(within("gap", gap, low=0.0))
    _, reach, revert, start = _markov(mu, branching, decay)
    once, _ = _integrals(revert, tau)
    return np.asarray(reach @ linalg.expm(-revert * wait) @ once @ once @ start, dtype=float)


def simulate(
    mu: ArrayLike,
    branching: ArrayLike,
    decay: ArrayLike,
    end: float,
    *,
    rng: np.random.Generator | int | None = None,
    start: float = 0.0,
    max_events: int = 10_000_000,
) -> list[Floats]:
    """Draw a process that has no attack before its start, exactly.

    Parameters
    ----------
    mu : array_like, shape (d,)
        Rates of unprovoked attacks. [1/time]
    branching : array_like, shape (d, d) or (d, d, m)
        Attacks of the row that one of the column directly causes; it may run away. [-]
    decay : array_like
        Decays of the kernels. [1/time]
    end : float
        Until when. [time]
    rng : numpy Generator or seed, optional
        Where chance comes from.
    start : float, optional
        From when. Begin long before the time of interest for a stationary process, and leave
        the rest out. [time]
    max_events : int, optional
        How many attacks to allow before giving up. [attacks]

    Returns
    -------
    list of ndarray of float, length d
        Times of each component's attacks, in order. [time]

    Raises
    ------
    EscalateError
        If an argument is outside its domain, or there would be too many attacks.

    Notes
    -----
    Generation by generation: unprovoked attacks are Poisson; each attack directly causes a
    Poisson number, with exponential delays. What falls after the end cannot matter before it.

    References
    ----------
    A. G. Hawkes and D. Oakes, A cluster process representation of a self-exciting process,
    Journal of Applied Probability 11 (1974) 493-503.

    Examples
    --------
    >>> times = simulate([0.3, 0.2], [[0.25, 0.4], [0.55, 0.1]], 1.5, 1000.0, rng=1)
    >>> [len(of_side) for of_side in times]
    [806, 646]
    """
    base, parts = _process(mu, branching)
    rate = _decays(parts, decay)
    begin, until = _span(start, end)
    draw = np.random.default_rng(rng)
    limit = int(within("max_events", max_events, low=1.0))
    _bounded(float(base.sum()) * (until - begin), limit)
    number = draw.poisson(base * (until - begin))
    kept = [[draw.uniform(begin, until, size)] for size in number]
    young = [times[0] for times in kept]
    total = int(number.sum())
    causes = list(zip(*np.nonzero(parts), strict=True))
    while any(times.size for times in young):
        born: list[list[Floats]] = [[np.empty(0)] for _ in kept]
        for i, j, k in causes:
            _bounded(total + float(parts[i, j, k]) * young[j].size, limit)
            children = draw.poisson(parts[i, j, k], young[j].size)
            delay = draw.standard_exponential(int(children.sum())) / rate[i, j, k]
            times = np.repeat(young[j], children) + delay
            times = times[times < until]
            total += times.size
            born[i].append(times)
        young = [np.concatenate(times) for times in born]
        for times_, more in zip(kept, young, strict=True):
            times_.append(more)
    return [np.sort(np.concatenate(times)) for times in kept]


def log_likelihood(
    events: Sequence[ArrayLike],
    mu: ArrayLike,
    branching: ArrayLike,
    decay: ArrayLike,
    end: float,
    *,
    start: float = 0.0,
) -> float:
    """Give the log-likelihood of attacks seen in a window, none before it having mattered.

    Parameters
    ----------
    events : sequence of array_like, length d
        Times of each component's attacks, strictly increasing; some may have none. [time]
    mu : array_like, shape (d,)
        Rates of unprovoked attacks. [1/time]
    branching : array_like, shape (d, d) or (d, d, m)
        Attacks of the row that one of the column directly causes; it may run away. [-]
    decay : array_like
        Decays of the kernels. [1/time]
    end, start : float
        The window. [time]

    Returns
    -------
    float
        Minus infinity if there is an attack that nothing could have caused.

    Raises
    ------
    EscalateError
        If an argument is outside its domain, or attacks are out of order or of the window.

    Notes
    -----
    ``sum log rate_i(t) - integral of all rates``. Sums over earlier attacks obey
    ``R(t') = exp(-decay (t' - t)) (R(t) + 1)`` from attack to attack, a banded linear system
    that is solved in time proportional to the number of attacks. Attacks of different
    components at the same time do not excite each other.

    References
    ----------
    T. Ozaki, Maximum likelihood estimation of Hawkes' self-exciting point processes, Annals of
    the Institute of Statistical Mathematics 31 (1979) 145-155.

    Examples
    --------
    >>> round(log_likelihood([[1.0, 1.5, 4.0]], 0.2, 0.5, 1.0, 5.0), 4)
    -5.9124
    """
    base, parts = _process(mu, branching)
    rate = _decays(parts, decay)
    seen = _Seen(events, base.size, start, end)
    intensity, compensator = np.tile(base, (seen.times.size, 1)), base * seen.length
    for value in np.unique(rate):
        share = np.where(rate == value, parts, 0.0).sum(axis=2)
        earlier, _ = seen.sums(value)
        intensity += value * earlier @ share.T
        compensator = compensator + share @ seen.used(value)[0]
    at = seen.counts > 0
    if np.any(intensity[at] <= 0.0):
        return -math.inf
    return float(np.log(intensity[at]).sum() - compensator.sum())


def time_change(
    events: Sequence[ArrayLike],
    mu: ArrayLike,
    branching: ArrayLike,
    decay: ArrayLike,
    end: float,
    *,
    start: float = 0.0,
) -> list[Floats]:
    """Give each attack's time on a clock that makes its component a Poisson process of rate 1.

    Parameters
    ----------
    events : sequence of array_like, length d
        Times of each component's attacks, strictly increasing. [time]
    mu : array_like, shape (d,)
        Rates of unprovoked attacks. [1/time]
    branching : array_like, shape (d, d) or (d, d, m)
        Attacks of the row that one of the column directly causes; it may run away. [-]
    decay : array_like
        Decays of the kernels. [1/time]
    end, start : float
        The window. [time]

    Returns
    -------
    list of ndarray of float, length d
        Integral of the component's rate from the start to each of its attacks. [-]

    Raises
    ------
    EscalateError
        As `log_likelihood`.

    References
    ----------
    Y. Ogata, Statistical models for earthquake occurrences and residual analysis for point
    processes, Journal of the American Statistical Association 83 (1988) 9-27.

    Examples
    --------
    >>> time_change([[1.0, 1.5, 4.0]], 0.2, 0.5, 1.0, 5.0)[0].round(4)
    array([0.2   , 0.4967, 1.7341])
    """
    base, parts = _process(mu, branching)
    rate = _decays(parts, decay)
    seen = _Seen(events, base.size, start, end)
    clock = base * (seen.times - seen.start)[:, None]
    for value in np.unique(rate):
        share = np.where(rate == value, parts, 0.0).sum(axis=2)
        clock += seen.elapsed(value) @ share.T
    return [clock[seen.counts[:, i] > 0, i] for i in range(base.size)]


def goodness_of_fit(
    events: Sequence[ArrayLike],
    mu: ArrayLike,
    branching: ArrayLike,
    decay: ArrayLike,
    end: float,
    *,
    start: float = 0.0,
) -> GoodnessOfFit:
    """Test whether a process could have made the attacks seen, by changing its clock.

    Parameters
    ----------
    events : sequence of array_like, length d
        Times of each component's attacks, strictly increasing, at least one each. [time]
    mu : array_like, shape (d,)
        Rates of unprovoked attacks. [1/time]
    branching : array_like, shape (d, d) or (d, d, m)
        Attacks of the row that one of the column directly causes; it may run away. [-]
    decay : array_like
        Decays of the kernels. [1/time]
    end, start : float
        The window. [time]

    Returns
    -------
    GoodnessOfFit

    Raises
    ------
    EscalateError
        As `log_likelihood`, or if a component has no attacks.

    Notes
    -----
    On the clock of `time_change` intervals are exponential of mean 1, which is tested. The
    chances are right for parameters known beforehand; for ones fitted to the same attacks
    they are too large. The interval that the end cuts off is left out, which matters only for
    few attacks.

    References
    ----------
    Y. Ogata, Statistical models for earthquake occurrences and residual analysis for point
    processes, Journal of the American Statistical Association 83 (1988) 9-27.

    Examples
    --------
    >>> times = simulate(0.5, 0.6, 2.0, 500.0, rng=1)
    >>> goodness_of_fit(times, 0.5, 0.6, 2.0, 500.0).pvalue.round(3)
    array([0.292])
    """
    clocks = time_change(events, mu, branching, decay, end, start=start)
    _none_empty([clock.size for clock in clocks], "a test")
    tests = [stats.kstest(np.diff(clock, prepend=0.0), "expon") for clock in clocks]
    return GoodnessOfFit(
        np.array([test.statistic for test in tests]), np.array([test.pvalue for test in tests])
    )


def fit(events: Sequence[ArrayLike], end: float, *, start: float = 0.0) -> HawkesFit:
    """Fit a process with one decay by maximum likelihood.

    Parameters
    ----------
    events : sequence of array_like, length d
        Times of each component's attacks, strictly increasing, at least one each. [time]
    end, start : float
        The window; none before it may have mattered. [time]

    Returns
    -------
    HawkesFit

    Raises
    ------
    EscalateError
        If attacks are out of order or of the window, or a component has none.

    Notes
    -----
    The likelihood is climbed with its exact gradient from several decays between that of the
    window and that of the shortest intervals, as it may have several summits. Standard errors
    come from the curvature at the top; a parameter that ends at 0 has none, nor has the decay
    if nothing excites anything, nor any parameter if the top is flat.

    References
    ----------
    T. Ozaki, Maximum likelihood estimation of Hawkes' self-exciting point processes, Annals of
    the Institute of Statistical Mathematics 31 (1979) 145-155.

    Examples
    --------
    >>> times = simulate(0.5, 0.6, 2.0, 2000.0, rng=1)
    >>> found = fit(times, 2000.0)
    >>> found.mu.round(2), found.branching.round(2), round(found.decay, 2)
    (array([0.54]), array([[0.57]]), 2.05)
    """
    d = len(events)
    seen = _Seen(events, d, start, end)
    totals = seen.counts.sum(axis=0).astype(float)
    _none_empty(totals.tolist(), "a fit")
    flat = totals / seen.length
    gaps = np.diff(seen.times)
    shortest = float(gaps.min()) if gaps.size else seen.length
    slow, fast = 0.1 / seen.length, 10.0 / shortest
    # mu in units of the mean rates, and the logarithm of the decay, so that all are about 1
    low: Floats = np.r_[np.full(d, 1e-9), np.zeros(d * d), math.log(slow)]
    high: Floats = np.r_[np.full(d + d * d, np.inf), math.log(fast)]

    def loss(x: Floats) -> tuple[float, Floats]:
        value, slope = _likelihood(seen, x[:d] * flat, x[d:-1].reshape(d, d), math.exp(x[-1]))
        slope[:d] *= flat
        slope[-1] *= math.exp(x[-1])
        return -value, -slope

    typical = float(np.median(gaps)) if gaps.size else seen.length
    bounds = optimize.Bounds(low, high)

    def climb(x0: Floats, options: Any) -> optimize.OptimizeResult:
        return optimize.minimize(
            loss, x0, jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )

    guesses = np.log(
        np.clip([100.0 * slow, 0.1 / typical, 1.0 / typical, 10.0 / typical], slow, fast)
    )
    modest = np.r_[np.full(d, 0.5), np.full(d * d, 0.5 / d)]
    slopes = [climb(np.r_[modest, guess], _ROUGH) for guess in guesses]
    best = climb(min(slopes, key=lambda result: float(result.fun)).x, _FINE)
    x = np.asarray(best.x, dtype=float)
    free = (x > low + 1e-6) & (x < high - 1e-6)
    free[-1] &= free[d:-1].any()
    sds = _standard_errors(loss, x, low, free)
    decay = math.exp(x[-1])
    value = -float(best.fun)
    return HawkesFit(
        x[:d] * flat,
        x[d:-1].reshape(d, d),
        decay,
        sds[:d] * flat,
        sds[d:-1].reshape(d, d),
        float(sds[-1]) * decay,
        value,
        2.0 * x.size - 2.0 * value,
    )


class _Seen:
    """Attacks seen in a window, and sums over the earlier ones at every time of attack."""

    def __init__(self, events: Sequence[ArrayLike], d: int, start: float, end: float) -> None:
        self.start, self.end = _span(start, end)
        self.length = self.end - self.start
        if len(events) != d or d == 0:
            raise EscalateError(
                f"`events` must hold a list of times per component, {max(d, 1)}, not {len(events)}"
            )
        lists = []
        for i, times in enumerate(events):
            t = within(f"events[{i}]", times, self.start, self.end)
            if t.ndim != 1:
                raise EscalateError(f"`events[{i}]` must have shape (n,), but it has {t.shape}")
            steps = np.diff(t)
            if np.any(steps <= 0.0):
                k = int(np.argmax(steps <= 0.0))
                refuse(f"events[{i}][k] < events[{i}][k + 1]", t[k], math.nan, place=f" at [{k}]")
            lists.append(t)
        self.times: Floats
        self.times, where = np.unique(np.concatenate(lists), return_inverse=True)
        self.counts: Wholes = np.zeros((self.times.size, d), dtype=np.int64)
        which = np.repeat(np.arange(d), [t.size for t in lists])
        self.counts[where, which] = 1
        self.before = np.cumsum(self.counts, axis=0) - self.counts

    def sums(self, decay: float, slope: bool = False) -> tuple[Floats, Floats]:
        """Sum exp(-decay age) and, if wanted, age exp(-decay age) over earlier attacks.

        Row by time of attack, column by component of the earlier ones.
        """
        gap = np.diff(self.times)[:, None]
        kept = np.exp(-decay * gap)
        # R[k] - kept[k] R[k - 1] = kept[k] counts[k - 1]: a matrix of two diagonals
        once = _recur(kept, kept * self.counts[:-1], self.counts)
        if not slope:
            return once, once
        aged = kept * gap * (once[:-1] + self.counts[:-1])
        return once, _recur(kept, aged, self.counts)

    def elapsed(self, decay: float) -> Floats:
        """Sum 1 - exp(-decay age) over earlier attacks, without taking like from like."""
        gap = np.diff(self.times)[:, None]
        gone = -np.expm1(-decay * gap)
        once, _ = self.sums(decay)
        steps = gone * (once[:-1] + self.counts[:-1])
        return np.concatenate([np.zeros_like(once[:1]), np.cumsum(steps, axis=0)])

    def used(self, decay: float) -> tuple[Floats, Floats]:
        """Sum 1 - exp(-decay age) and age exp(-decay age) at the end of the window."""
        age = (self.end - self.times)[:, None]
        return (
            np.asarray((-np.expm1(-decay * age) * self.counts).sum(axis=0), dtype=float),
            np.asarray((age * np.exp(-decay * age) * self.counts).sum(axis=0), dtype=float),
        )


def _recur(kept: Floats, added: Floats, like: Wholes) -> Floats:
    """Solve x[k] = kept[k - 1] x[k - 1] + added[k - 1] from x[0] = 0, column by column."""
    x = np.zeros(like.shape)
    if len(x) > 1:
        band = np.ones((2, len(added)))
        band[1, :-1] = -kept[1:, 0]
        x[1:] = linalg.solve_banded((1, 0), band, added, check_finite=False)
    return x


def _likelihood(seen: _Seen, mu: Floats, g: Floats, decay: float) -> tuple[float, Floats]:
    """Give the log-likelihood and its slopes by mu, branching and decay, one decay for all."""
    once, aged = seen.sums(decay, slope=True)
    intensity = mu + decay * once @ g.T
    weight = seen.counts / intensity
    used, used_slope = seen.used(decay)
    value = np.log(intensity[seen.counts > 0]).sum() - mu.sum() * seen.length - (g @ used).sum()
    by_mu = weight.sum(axis=0) - seen.length
    by_g = decay * weight.T @ once - used
    by_decay = (weight * ((once - decay * aged) @ g.T)).sum() - (g @ used_slope).sum()
    return float(value), np.r_[by_mu, by_g.ravel(), by_decay]


def _standard_errors(
    loss: Callable[[Floats], tuple[float, Floats]], x: Floats, low: Floats, free: NDArray[np.bool]
) -> Floats:
    """Invert the curvature of a loss at its bottom, over the parameters that are free there."""
    sds = np.full(x.size, np.nan)
    chosen = np.flatnonzero(free)
    step = np.minimum(1e-5 * np.maximum(np.abs(x), 0.1), (x - low) / 2.0)
    curvature = np.empty((chosen.size, chosen.size))
    for row, k in enumerate(chosen):
        off = np.zeros(x.size)
        off[k] = step[k]
        curvature[row] = (loss(x + off)[1] - loss(x - off)[1])[chosen] / (2.0 * step[k])
    try:
        factor = linalg.cho_factor((curvature + curvature.T) / 2.0)
    except linalg.LinAlgError:
        return sds
    sds[chosen] = np.sqrt(np.diag(linalg.cho_solve(factor, np.eye(chosen.size))))
    return sds


def _process(mu: ArrayLike, branching: ArrayLike) -> tuple[Floats, Floats]:
    """Check a process; give its rates, shape (d,), and its kernels' sizes, shape (d, d, m)."""
    parts = _kernel("branching", branching)
    return vector("mu", mu, len(parts), low=0.0), parts


def _kernel(name: str, sizes: ArrayLike) -> Floats:
    """Check kernels and give them a third axis if they have none."""
    if np.ndim(sizes) < 3:
        return square(name, sizes, low=0.0)[:, :, None]
    parts = within(name, sizes, low=0.0)
    if parts.ndim != 3 or parts.shape[0] != parts.shape[1] or parts.size == 0:
        raise EscalateError(f"`{name}` must have shape (d, d, m), but it has {parts.shape}")
    return parts


def _decays(parts: Floats, decay: ArrayLike) -> Floats:
    """Check decays and give every kernel its own."""
    rate = within("decay", decay, low=0.0, without="low")
    if parts.shape[2] == 1 and rate.ndim < 3:
        rate = rate[..., None]
    try:
        return np.broadcast_to(rate, parts.shape)
    except ValueError:
        raise EscalateError(
            f"`decay` must broadcast to shape {parts.shape}, but it has {np.shape(decay)}"
        ) from None


def _markov(
    mu: ArrayLike, branching: ArrayLike, decay: ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    """Write a stationary process as a linear Markov one, with a part per component and decay.

    Gives the rates; which part adds to which rate, C; how parts revert to their mean, M; and
    W, such that attacks at a lag u > 0 covary by C exp(-M u) W.
    """
    base, parts = _process(mu, branching)
    rate = _decays(parts, decay)
    rates = stationary_rates(base, parts)
    keys = [(i, value) for i in range(base.size) for value in np.unique(rate[i])]
    reach = np.array([[float(i == k) for k, _ in keys] for i in range(base.size)])
    value = np.array([v for _, v in keys])
    jump = np.array([v * np.where(rate[i] == v, parts[i], 0.0).sum(axis=1) for i, v in keys])
    revert = np.diag(value) - jump @ reach
    fastest = float(value.max())
    slowest = float(np.linalg.eigvals(revert / fastest).real.min())
    if slowest < 1e-15:
        refuse("slowest / fastest reversion >= 1e-15", slowest, slowest - 1e-15, "moments")
    jump = jump / fastest
    scatter = linalg.solve_continuous_lyapunov(revert / fastest, (jump * rates) @ jump.T)
    start = fastest * (scatter @ reach.T + jump * rates)
    return rates, reach, revert, np.asarray(start, dtype=float)


def _integrals(revert: Floats, tau: float) -> tuple[Floats, Floats]:
    """Integrate exp(-M u) and (tau - u) exp(-M u) over u from 0 to tau."""
    size = len(revert)
    one = np.eye(size)
    if float(np.linalg.eigvals(revert).real.min()) * tau > 1.0:
        once = linalg.solve(revert, one - linalg.expm(-revert * tau))
        return once, np.asarray(linalg.solve(revert, one * tau - once), dtype=float)
    # a window short of the memory: the same from one exponential, without small differences
    none = np.zeros((size, size))
    block = np.block([[-revert * tau, one, none], [none, none, one], [none, none, none]])
    power = linalg.expm(block)[:size]
    return power[:, size : 2 * size] * tau, power[:, 2 * size :] * tau * tau


def _span(start: float, end: float) -> tuple[float, float]:
    """Check that a window has a length."""
    a, b = float(within("start", start)), float(within("end", end))
    if b <= a:
        refuse("start < end", b - a, b - a, "a window", " from one to the other")
    return a, b


def _bounded(events: float, limit: int) -> None:
    """Give up on a process that has run away."""
    if events > limit:
        refuse(f"events <= {limit}", events, events - limit, "a process to fit in memory")


def _none_empty(counts: Sequence[float], purpose: str) -> None:
    """Check that every component has attacks."""
    for i, count in enumerate(counts):
        if count < 1:
            refuse(f"len(events[{i}]) >= 1", count, count - 1.0, purpose)
