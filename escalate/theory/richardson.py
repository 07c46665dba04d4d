"""Solve Richardson's arms race: each side arms against the others and tires of its own arms.

With stocks x, ``dx/dt = matrix x + grievance``. Off the diagonal the matrix holds what each
side adds per unit that another has, on the diagonal minus its own fatigue. Two sides are the
classical case, ``dx/dt = k y - a x + g`` and ``dy/dt = l x - b y + h``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from escalate.errors import EscalateError
from escalate.theory._check import Floats, refuse, square, vector, within

__all__ = [
    "direction",
    "eigenvalues",
    "equilibrium",
    "reaction_matrix",
    "reaction_ratio",
    "stability",
    "trajectory",
]


def reaction_matrix(defence: ArrayLike, fatigue: ArrayLike) -> Floats:
    """Build the matrix of an arms race from its defence and fatigue coefficients.

    Parameters
    ----------
    defence : array_like, shape (n, n)
        ``defence[i][j]``: what side i adds per unit that side j has; the diagonal is 0. Two
        sides: ``[[0, k], [l, 0]]``. [1/time]
    fatigue : array_like, shape (n,)
        What a side gives up per unit of its own: a and b. [1/time]

    Returns
    -------
    ndarray of float, shape (n, n)
        ``defence - diag(fatigue)``. [1/time]

    Raises
    ------
    EscalateError
        If a coefficient is negative or a side arms against itself.

    Notes
    -----
    The other functions take any matrix, so that a side which yields to arms (a negative
    coefficient) can be studied; it is to be built by hand.

    References
    ----------
    L. F. Richardson, Arms and Insecurity, Boxwood Press 1960.

    Examples
    --------
    >>> reaction_matrix([[0, 0.4], [0.3, 0]], [0.6, 0.5])
    array([[-0.6,  0.4],
           [ 0.3, -0.5]])
    """
    matrix = square("defence", defence, low=0.0)
    tiring = vector("fatigue", fatigue, len(matrix), low=0.0)
    own = float(np.abs(np.diag(matrix)).max())
    if own > 0.0:
        refuse("diag(defence) = 0", own, own)
    return matrix - np.diag(tiring)


def reaction_ratio(matrix: ArrayLike) -> float:
    """Weigh mutual stimulation against fatigue; below 1 the race is stable.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        As `reaction_matrix` gives it: none negative off the diagonal, all negative on it.

    Returns
    -------
    float
        With two sides ``k l / (a b)``. [-]

    Raises
    ------
    EscalateError
        If the signs are otherwise.

    Notes
    -----
    The square of the spectral radius of ``defence / fatigue[:, None]``: a unit of arms leads
    to that many over its life by way of the others and back.

    Examples
    --------
    >>> reaction_ratio(reaction_matrix([[0, 0.4], [0.3, 0]], [0.6, 0.5]))
    0.4
    """
    m = square("matrix", matrix)
    fatigue = within("fatigue", -np.diag(m), low=0.0, without="low", purpose="a ratio to it")
    reply = within("defence", m + np.diag(fatigue), low=0.0) / fatigue[:, None]
    # the eigenvalues of the square, as those of a product k l / (a b) are free of roots
    return float(np.abs(np.linalg.eigvals(reply @ reply)).max())


def equilibrium(matrix: ArrayLike, grievance: ArrayLike) -> Floats:
    """Find the stocks at which no side changes its own, stable or not.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        Reactions, see `reaction_matrix`. [1/time]
    grievance : array_like, shape (n,)
        What a side adds regardless of arms: g and h; negative for goodwill. [units/time]

    Returns
    -------
    ndarray of float, shape (n,)
        [units]

    Raises
    ------
    EscalateError
        If the matrix is singular to working precision: then there is none, or a whole line.

    Notes
    -----
    ``matrix x = -grievance``; with two sides ``x = (k h + b g) / (a b - k l)`` and
    ``y = (l g + a h) / (a b - k l)``.

    References
    ----------
    L. F. Richardson, Arms and Insecurity, Boxwood Press 1960.

    Examples
    --------
    >>> matrix = reaction_matrix([[0, 0.4], [0.3, 0]], [0.6, 0.5])
    >>> equilibrium(matrix, [10, 8]).round(3)
    array([45.556, 43.333])
    """
    m = square("matrix", matrix)
    push = vector("grievance", grievance, len(m))
    even, units = _even(m)
    nearly = 1.0 / np.linalg.cond(even) if np.any(m) else 0.0
    if nearly < 8.0 * len(m) * np.finfo(float).eps:
        refuse("1 / cond(matrix) > 0", nearly, math.nan, "a single equilibrium")
    return np.asarray(units * linalg.solve(even, -push / units), dtype=float)


def eigenvalues(matrix: ArrayLike) -> NDArray[np.float64] | NDArray[np.complex128]:
    """Give the rates at which a race grows or dies away.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        Reactions, see `reaction_matrix`. [1/time]

    Returns
    -------
    ndarray of float or complex, shape (n,)
        In ascending order of the real part; the last one rules in the end. Always real with
        two sides that arm against each other. [1/time]

    Raises
    ------
    EscalateError
        If it is not a square matrix of finite numbers.

    Notes
    -----
    With two sides ``-(a + b) / 2 -+ sqrt((a - b)^2 / 4 + k l)``.

    Examples
    --------
    >>> eigenvalues(reaction_matrix([[0, 0.4], [0.3, 0]], [0.6, 0.5]))
    array([-0.9, -0.2])
    """
    values: NDArray[Any] = np.linalg.eigvals(square("matrix", matrix))
    return values[np.lexsort((values.imag, values.real))]


def stability(matrix: ArrayLike) -> str:
    """Name what a race does in the end.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        Reactions, see `reaction_matrix`. [1/time]

    Returns
    -------
    {"stable node", "stable spiral", "marginal", "saddle", "unstable node", "unstable spiral"}
        A node or spiral draws in or drives off every start; a saddle draws in along some
        directions and drives off along others, as an unstable race of two sides usually does;
        a marginal one has a rate of no growth, and none above it.

    Raises
    ------
    EscalateError
        If it is not a square matrix of finite numbers.

    Notes
    -----
    By the signs of the eigenvalues' real parts, a rate being no growth if it is so up to
    rounding. With two sides that tire, stable if ``k l < a b``, marginal if equal.

    References
    ----------
    L. F. Richardson, Arms and Insecurity, Boxwood Press 1960.

    Examples
    --------
    >>> stability(reaction_matrix([[0, 0.4], [0.3, 0]], [0.6, 0.5]))
    'stable node'
    >>> stability(reaction_matrix([[0, 0.9], [0.8, 0]], [0.6, 0.5]))
    'saddle'
    """
    m = square("matrix", matrix)
    rates = eigenvalues(m)
    nothing = 8.0 * len(m) * np.finfo(float).eps * float(np.linalg.norm(_even(m)[0]))
    sign = np.sign(np.where(np.abs(rates.real) <= nothing, 0.0, rates.real))
    shape = "spiral" if np.any(np.abs(rates.imag) > nothing) else "node"
    if sign[-1] == 0.0:
        return "marginal"
    if sign[-1] < 0.0:
        return f"stable {shape}"
    return "saddle" if sign[0] <= 0.0 else f"unstable {shape}"


def direction(matrix: ArrayLike, grievance: ArrayLike, start: ArrayLike) -> int:
    """Tell whether a race that does not settle ends in more and more arms or in ever fewer.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        Reactions; none may be negative off the diagonal. [1/time]
    grievance : array_like, shape (n,)
        What a side adds regardless of arms. [units/time]
    start : array_like, shape (n,)
        Stocks at the beginning. [units]

    Returns
    -------
    {1, 0, -1}
        1 for an arms race, -1 for disarmament, 0 if the race settles, whether since it is
        stable or since it starts on the barrier between the two.

    Raises
    ------
    EscalateError
        If a coefficient off the diagonal is negative, or the shapes differ.

    Notes
    -----
    The sign of ``w . (matrix start + grievance)``, where w is the left eigenvector of the
    largest eigenvalue, which has no negative part. In an unstable race it is the side of the
    equilibrium's barrier on which the start lies; in a marginal one the drift.

    References
    ----------
    L. F. Richardson, Arms and Insecurity, Boxwood Press 1960.

    Examples
    --------
    >>> matrix = reaction_matrix([[0, 0.9], [0.8, 0]], [0.6, 0.5])
    >>> direction(matrix, [-5, -5], [40, 40]), direction(matrix, [-5, -5], [5, 5])
    (1, -1)
    """
    m, push, x = _race(matrix, grievance, start)
    within("defence", m - np.diag(np.diag(m)), low=0.0, purpose="a single leading direction")
    if stability(m).startswith("stable"):
        return 0
    rates, vectors = np.linalg.eig(m.T)
    lead = np.abs(vectors[:, np.argmax(rates.real)])
    drift = lead @ (m @ x + push)
    rounding = lead @ (np.abs(m) @ np.abs(x) + np.abs(push)) * 16.0 * len(m) * np.finfo(float).eps
    return 0 if abs(drift) <= rounding else int(np.sign(drift))


def trajectory(
    matrix: ArrayLike, grievance: ArrayLike, start: ArrayLike, times: ArrayLike
) -> Floats:
    """Follow a race from its start, exactly.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        Reactions, see `reaction_matrix`. [1/time]
    grievance : array_like, shape (n,)
        What a side adds regardless of arms. [units/time]
    start : array_like, shape (n,)
        Stocks at time 0. [units]
    times : array_like
        When to look, any shape; none negative. [time]

    Returns
    -------
    ndarray of float, shape (*times.shape, n)
        Stocks; the model does not stop them at 0. [units]

    Raises
    ------
    EscalateError
        If a time is negative, shapes differ, or stocks grow beyond what a float holds.

    Notes
    -----
    ``x(t) = x* + expm(matrix t) (x(0) - x*)``, computed without the equilibrium x*, which
    need not exist, as ``x(0) + t phi(matrix t) (matrix x(0) + grievance)`` with
    ``phi(z) = (e^z - 1) / z``, from the exponential of a matrix of one more row and column.

    References
    ----------
    A. H. Al-Mohy and N. J. Higham, Computing the action of the matrix exponential, SIAM Journal
    on Scientific Computing 33 (2011) 488-511.

    Examples
    --------
    >>> matrix = reaction_matrix([[0, 0.4], [0.3, 0]], [0.6, 0.5])
    >>> trajectory(matrix, [10, 8], [20, 5], [0, 5]).round(3)
    array([[20.   ,  5.   ],
           [33.549, 31.185]])
    """
    m, push, x = _race(matrix, grievance, start)
    t = within("times", times, low=0.0)
    even, units = _even(m)
    slope = (m @ x + push) / units
    # The extra column is scaled to the size of the matrix: a longer one would make expm take
    # needlessly small steps and lose digits to them.
    scale = float(np.abs(slope).max()) / (float(np.linalg.norm(even, 1)) or 1.0) or 1.0
    bordered = np.zeros((len(m) + 1, len(m) + 1))
    bordered[:-1, :-1] = even
    bordered[:-1, -1] = slope / scale
    rate = float(eigenvalues(m)[-1].real)
    growth = rate * float(t.max(initial=0.0))
    if growth > 700.0:
        refuse("largest eigenvalue * time < 700", growth, growth - 700.0, "stocks within a float")
    if rate < 0.0:  # nothing moves any more once it has shrunk by e^-1000
        t = np.minimum(t, -1000.0 / rate)
    with np.errstate(over="ignore", invalid="ignore"):
        stocks = x + units * scale * linalg.expm(bordered * t[..., None, None])[..., :-1, -1]
    if not np.isfinite(stocks).all():
        raise EscalateError("stocks must stay within what a float holds, but they outgrow it")
    return np.asarray(stocks, dtype=float)


def _even(m: Floats) -> tuple[Floats, Floats]:
    """Choose units per side that even out the matrix, so that digits do not hang on them."""
    even, (units, _) = linalg.matrix_balance(m, permute=False, separate=True)
    return np.asarray(even, dtype=float), np.asarray(units, dtype=float)


def _race(
    matrix: ArrayLike, grievance: ArrayLike, start: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Check a race and where it starts."""
    m = square("matrix", matrix)
    return m, vector("grievance", grievance, len(m)), vector("start", start, len(m))
