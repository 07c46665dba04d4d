"""Walk an escalation ladder at random: up, down or neither at each step, until an end is reached.

The gambler's ruin. Rungs are numbered; the walk ends at `bottom` and at `top`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from escalate.errors import EscalateError
from escalate.theory._check import Floats, whole, within

__all__ = ["Absorption", "absorption", "expected_steps", "top_prob"]


class Absorption(NamedTuple):
    """When and where a walk ends."""

    top: Floats
    """Chance to reach the top at each step, from step 0; shape (steps + 1,). [-]"""

    bottom: Floats
    """Chance to reach the bottom at each step, from step 0; shape (steps + 1,). [-]"""

    on_ladder: Floats
    """Chance still to be between them after each step, from step 0; shape (steps + 1,). [-]"""


def top_prob(
    start: ArrayLike,
    top: ArrayLike,
    up_prob: ArrayLike,
    down_prob: ArrayLike | None = None,
    *,
    bottom: ArrayLike = 0,
) -> Floats:
    """Give the chance that a walk reaches the top before the bottom.

    Parameters
    ----------
    start, top : array_like of int
        Where it starts and where it ends. [rungs]
    up_prob : array_like
        Chance of a step up. [-]
    down_prob : array_like, optional
        Chance of a step down; the rest of the time it stays. ``1 - up_prob`` if not given. [-]
    bottom : array_like of int, optional
        The other end. [rungs]

    Returns
    -------
    ndarray of float, broadcast shape
        [-]

    Raises
    ------
    EscalateError
        If start is not from bottom to top, the chances are none or sum to more than 1, or both
        are 0, so that it never ends.

    Notes
    -----
    ``(1 - (q/p)^i) / (1 - (q/p)^N)``, i rungs above the bottom and N rungs in all; ``i / N`` at
    p = q. Staying takes time but does not matter to where it ends.

    References
    ----------
    W. Feller, An Introduction to Probability Theory and Its Applications, volume I, third
    edition, Wiley 1968, chapter XIV.

    H. Kahn, On Escalation: Metaphors and Scenarios, Praeger 1965 (a ladder of 44 rungs).

    Examples
    --------
    >>> top_prob(9, 44, [0.48, 0.5, 0.52]).round(4)
    array([0.0321, 0.2045, 0.5291])
    """
    i, rungs, up, down = _walk(start, top, up_prob, down_prob, bottom)
    return np.asarray(_top_prob(i, rungs, _odds(up, down)))[()]


def expected_steps(
    start: ArrayLike,
    top: ArrayLike,
    up_prob: ArrayLike,
    down_prob: ArrayLike | None = None,
    *,
    bottom: ArrayLike = 0,
) -> Floats:
    """Give the mean number of steps until a walk ends at either end, stays included.

    Parameters
    ----------
    start, top : array_like of int
        Where it starts and where it ends. [rungs]
    up_prob : array_like
        Chance of a step up. [-]
    down_prob : array_like, optional
        Chance of a step down; the rest of the time it stays. ``1 - up_prob`` if not given. [-]
    bottom : array_like of int, optional
        The other end. [rungs]

    Returns
    -------
    ndarray of float, broadcast shape
        [steps]

    Raises
    ------
    EscalateError
        As `top_prob`.

    Notes
    -----
    ``(N P - i) / (p - q)`` with P as `top_prob`, i rungs above the bottom and N in all;
    ``i (N - i) / (p + q)`` at p = q. Near there a series in ``log(q / p)`` is used, as the
    formula is a small difference over another.

    References
    ----------
    W. Feller, An Introduction to Probability Theory and Its Applications, volume I, third
    edition, Wiley 1968, chapter XIV.

    Examples
    --------
    >>> expected_steps(9, 44, [0.48, 0.5, 0.52]).round(2)
    array([189.66, 315.  , 356.97])
    """
    i, rungs, up, down = _walk(start, top, up_prob, down_prob, bottom)
    odds = _odds(up, down)
    even = np.abs(rungs * odds) < 1.0
    z = np.where(even, odds, 0.0)
    # With g(x) = (e^x - 1) / x, P = i / N g(i z) / g(N z) and p - q = -p z g(z), so the steps
    # are i (g(N z) - g(i z)) / z over p g(z) g(N z); the difference is summed term by term.
    k = np.arange(1.0, 19.0)
    i_, n_, z_ = (np.asarray(a)[..., None] for a in (i, rungs, z))
    terms = (n_ * (n_ * z_) ** (k - 1.0) - i_ * (i_ * z_) ** (k - 1.0)) / special.factorial(k + 1.0)
    near = i * terms.sum(axis=-1) / (np.where(even, up, 1.0) * _g(z) * _g(rungs * z))
    drift = np.where(even, 1.0, up - down)
    far = (rungs * _top_prob(i, rungs, odds) - i) / drift + 0.0  # no steps rather than -0
    return np.asarray(np.where(even, near, far))[()]


def absorption(
    steps: int,
    start: int,
    top: int,
    up_prob: float,
    down_prob: float | None = None,
    *,
    bottom: int = 0,
) -> Absorption:
    """Give the chances to end at each end at each step.

    Parameters
    ----------
    steps : int
        How many steps to follow; the work is this times the number of rungs.
    start, top : int
        Where it starts and where it ends. [rungs]
    up_prob : float
        Chance of a step up. [-]
    down_prob : float, optional
        Chance of a step down; the rest of the time it stays. ``1 - up_prob`` if not given. [-]
    bottom : int, optional
        The other end. [rungs]

    Returns
    -------
    Absorption

    Raises
    ------
    EscalateError
        As `top_prob`, or if an argument is not a lone number.

    Notes
    -----
    The chance of each rung is carried from step to step: sums of positive numbers only.

    Examples
    --------
    >>> ends = absorption(4, 1, 3, 0.5)
    >>> ends.top
    array([0.    , 0.    , 0.25  , 0.    , 0.0625])
    >>> ends.bottom
    array([0.   , 0.5  , 0.   , 0.125, 0.   ])
    """
    last = int(whole("steps", steps, low=0))
    walk = _walk(start, top, up_prob, down_prob, bottom)
    if walk[0].ndim:
        raise EscalateError("`start`, `top` and the chances must be lone numbers here")
    i, rungs, up, down = (float(number) for number in walk)
    at = np.zeros(int(rungs) + 1)
    at[int(i)] = 1.0
    ends = np.zeros((last + 1, 3))
    stay = 1.0 - up - down
    for step in range(last + 1):
        ends[step] = at[-1], at[0], at[1:-1].sum()
        at[0] = at[-1] = 0.0
        after = stay * at
        after[1:] += up * at[:-1]
        after[:-1] += down * at[1:]
        at = after
    return Absorption(ends[:, 0], ends[:, 1], ends[:, 2])


def _walk(
    start: ArrayLike,
    top: ArrayLike,
    up_prob: ArrayLike,
    down_prob: ArrayLike | None,
    bottom: ArrayLike,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Check a walk; give rungs above the bottom, rungs in all, and its chances, broadcast."""
    low, high, at = whole("bottom", bottom), whole("top", top), whole("start", start)
    up = within("up_prob", up_prob, 0.0, 1.0)
    down = 1.0 - up if down_prob is None else within("down_prob", down_prob, 0.0, 1.0)
    within("top - bottom", high - low, low=1)
    within("start - bottom", at - low, low=0)
    within("top - start", high - at, low=0)
    within("up_prob + down_prob", up + down, 0.0, 1.0 + 1e-12, without="low", purpose="an end")
    i, rungs, up, down = np.broadcast_arrays((at - low).astype(float), high - low, up, down)
    return i, rungs.astype(float), up, down


def _odds(up: Floats, down: Floats) -> Floats:
    """Give log(q / p), exact about 0, infinite where one of them is 0."""
    with np.errstate(divide="ignore"):
        near = (down > 0.5 * up) & (up > 0.5 * down)
        close = np.log1p((down - up) / np.where(near, up, 1.0), where=near, out=np.zeros_like(up))
        return np.where(near, close, np.log(down) - np.log(up))


def _top_prob(i: Floats, rungs: Floats, odds: Floats) -> Floats:
    """Give the chance to reach the top, the larger of the powers being taken out."""
    size = np.abs(odds)
    fair = size * rungs == 0.0
    finite = np.where(fair | np.isinf(size), 1.0, size)
    rising = np.expm1(-i * finite) / np.expm1(-rungs * finite)
    falling = np.exp((i - rungs) * finite) * rising
    one_way = np.where(odds > 0.0, i == rungs, i > 0.0)  # steps in one direction only
    biased = np.where(np.isinf(size), one_way, np.where(odds > 0.0, falling, rising))
    return np.where(fair, i / rungs, biased)


def _g(x: Floats) -> Floats:
    """Give (e^x - 1) / x, 1 at 0."""
    return np.where(x == 0.0, 1.0, np.expm1(x) / np.where(x == 0.0, 1.0, x))
