"""What becomes of a population if those who bear less become more frequent.

Discrete replicator dynamics of a game in which what counts is a burden, the less the better, and
where they come to rest. It is a way to read a matrix; no claim is made that sides at war change
their rules so.

References
----------
.. [1] P. D. Taylor, L. B. Jonker, "Evolutionary stable strategies and game dynamics",
   Mathematical Biosciences 40:145-156, 1978.
.. [2] J. Hofbauer, K. Sigmund, *Evolutionary Games and Population Dynamics*, Cambridge
   University Press, 1998.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from escalate.errors import EscalateError
from escalate.theory._check import Floats, square, vector, whole, within

__all__ = ["MOST", "RestPoint", "replicator", "rest_points"]

MOST = 12
"""Rules among which rest points are looked for at most; each more doubles the work."""

_SAME = 1e-9
"""Differences of burden, in units of its range, and of eigenvalues that count as none."""


class RestPoint(NamedTuple):
    """A composition that replicator dynamics leave as it is."""

    shares: dict[str, float]
    """Rules that are there and their shares. [-]"""
    burden: float
    """What each of them bears there."""
    stability: str
    """`stable`, `neutral` or `unstable` against small changes of the composition."""
    unique: bool
    """Whether no other composition of the same rules is at rest; if not, this is a middle one."""
    invaded_by: tuple[str, ...]
    """Absent rules that would bear less there."""


def replicator(
    burden: ArrayLike,
    start: ArrayLike | None = None,
    *,
    generations: int = 200,
    selection: float = 1.0,
) -> Floats:
    """Give the shares of rules over generations, if those that bear less have more offspring.

    Parameters
    ----------
    burden : array_like, shape (..., n, n)
        What the rule of the row bears in a match with that of the column.
    start : array_like, shape (n,), optional
        Shares in generation 0, which are made to sum to 1; all alike if not given. [-]
    generations : int, optional
        How many, at least 1.
    selection : float, optional
        Offspring of a rule that bears the least number in `burden` over that of one that bears
        the largest, less 1; above 0. [-]

    Returns
    -------
    ndarray of float, shape (..., generations + 1, n)
        [-]

    Raises
    ------
    EscalateError
        A burden that is not square or finite, or shares that are none.

    Notes
    -----
    Discrete replicator dynamics [1]_ [2]_ with meetings at random:
    ``x_i' = x_i F_i / sum_j x_j F_j``, ``F = 1 + selection (max B - B x) / (max B - min B)``.
    A rule once absent stays absent.

    Examples
    --------
    >>> replicator([[0.0, 2.0], [1.0, 3.0]], [0.5, 0.5], generations=1)[1]
    array([0.5556, 0.4444])
    """
    matrix = within("burden", burden)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2] or matrix.size == 0:
        raise EscalateError(f"`burden` must have shape (..., n, n), but it has {matrix.shape}")
    n = matrix.shape[-1]
    begin = vector("start", np.ones(n) if start is None else start, n, low=0.0)
    total = float(within("sum of start", begin.sum(), 0.0, without="low"))
    strength = float(within("selection", selection, 0.0, without="low"))
    top, spread = _range(matrix)
    x = np.broadcast_to(begin / total, matrix.shape[:-1])
    course = [x]
    for _ in range(int(whole("generations", generations, 1))):
        borne = (matrix @ x[..., None])[..., 0]
        x = x * (1.0 + strength * (top - borne) / spread)
        x = x / x.sum(axis=-1, keepdims=True)
        course.append(x)
    return np.stack(course, axis=-2)


def rest_points(
    burden: ArrayLike, names: Sequence[str] | None = None, *, selection: float = 1.0
) -> tuple[RestPoint, ...]:
    """Find the compositions that replicator dynamics leave as they are, by the rules in them.

    Parameters
    ----------
    burden : array_like, shape (n, n)
        As for `replicator`, of twelve rules at most.
    names : sequence of str, optional
        Names of the rules; their numbers if not given.
    selection : float, optional
        As for `replicator`; strong selection may make a stable mixture unstable. [-]

    Returns
    -------
    tuple of RestPoint
        Those with fewer rules first. Where some rules are at rest in more proportions than one,
        such as rules that never strike one another, one point stands for all, and none is given
        for fewer of these rules that are mixed.

    Raises
    ------
    EscalateError
        A burden that is not square or finite, names that do not fit, or more than twelve rules.

    Notes
    -----
    A composition is at rest if all rules that are there bear the same. It is stable if all
    eigenvalues of the map of one generation lie inside the unit circle, and neutral if the
    largest lies on it (to 1e-9); neutral points may attract or repel all the same.

    Examples
    --------
    >>> hawk_and_dove = [[1.0, -2.0], [0.0, -1.0]]  # a prize of 2, and a wound of 4
    >>> for point in rest_points(hawk_and_dove, ["hawk", "dove"]):
    ...     print(point.shares, point.stability, point.invaded_by)
    {'hawk': 1.0} unstable ('dove',)
    {'dove': 1.0} unstable ('hawk',)
    {'hawk': 0.5, 'dove': 0.5} stable ()
    """
    matrix = square("burden", burden)
    n = len(matrix)
    whole("rules", n, 1, MOST)
    strength = float(within("selection", selection, 0.0, without="low"))
    labels = [str(name) for name in (range(n) if names is None else names)]
    if len(labels) != n or len(set(labels)) != n:
        raise EscalateError(f"`names` must be {n} names that differ, but got {labels}")
    # In units of the range, so that the tolerance means the same for people and for dollars.
    top, spread = _range(matrix)
    scaled = (matrix - top) / spread
    sets = [s for k in range(1, n + 1) for s in itertools.combinations(range(n), k)]
    found = [(here, *balance) for here in sets if (balance := _balanced(scaled, here)) is not None]
    loose = [set(here) for here, _, unique in found if not unique]
    points = []
    for here, shares, unique in found:
        if not unique and any(set(here) < larger for larger in loose):
            continue
        x = np.zeros(n)
        x[list(here)] = shares
        borne = scaled @ x
        less = [labels[i] for i in range(n) if i not in here and borne[i] < x @ borne - _SAME]
        points.append(
            RestPoint(
                {labels[i]: float(x[i]) for i in here},
                float(x @ matrix @ x),
                _stability(scaled, x, strength),
                unique,
                tuple(less),
            )
        )
    return tuple(points)


def _range(matrix: Floats) -> tuple[Any, Any]:
    """Give the largest number of a game, and its distance from the smallest, or 1 if none."""
    top = matrix.max(axis=(-2, -1))[..., None]
    spread = top - matrix.min(axis=(-2, -1))[..., None]
    return top, np.where(spread > 0.0, spread, 1.0)


def _balanced(burden: Floats, here: tuple[int, ...]) -> tuple[Floats, bool] | None:
    """Give shares at which all of some rules bear the same, and whether there are no others."""
    k = len(here)
    block = burden[np.ix_(here, here)]
    system = np.block([[block, -np.ones((k, 1))], [np.ones((1, k)), np.zeros((1, 1))]])
    right = np.append(np.zeros(k), 1.0)
    if np.linalg.matrix_rank(system, tol=_SAME) == k + 1:
        shares = np.linalg.solve(system, right)[:k]
        return (shares, True) if (shares > _SAME).all() else None
    from scipy.optimize import linprog

    # Of all such shares those of which the smallest is largest; unknowns are shares, what all
    # bear, and that smallest one.
    best = linprog(
        np.append(np.zeros(k + 1), -1.0),
        A_ub=np.hstack([-np.eye(k), np.zeros((k, 1)), np.ones((k, 1))]),
        b_ub=np.zeros(k),
        A_eq=np.hstack([system, np.zeros((k + 1, 1))]),
        b_eq=right,
        bounds=[(0.0, 1.0)] * k + [(None, None), (0.0, 1.0)],
    )
    if best.status != 0 or best.x is None or best.x[-1] <= _SAME:
        return None
    return np.asarray(best.x[:k], dtype=float), False


def _stability(burden: Floats, x: Floats, selection: float) -> str:
    """Say what becomes of small changes of a composition at rest; `burden` is -1 to 0."""
    if len(x) == 1:
        return "stable"
    slope = -selection * burden
    fitness = 1.0 + slope @ x
    mean = float(x @ fitness)
    step = (np.diag(fitness) + x[:, None] * slope) / mean
    step -= np.outer(x * fitness, fitness + slope.T @ x) / (mean * mean)
    # Shares sum to 1, so only changes that sum to 0 count: in all shares but the last.
    largest = float(np.abs(np.linalg.eigvals(step[:-1, :-1] - step[:-1, -1:])).max())
    if abs(largest - 1.0) <= _SAME:
        return "neutral"
    return "stable" if largest < 1.0 else "unstable"
