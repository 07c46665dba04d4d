r"""Lanchester's laws: two forces that wear each other down.

``a_rate`` is what a unit of the first side does to the second per unit of time, ``b_rate`` the
reverse. Under each law each side is worn down in proportion to

========  ========================  ==============================
law       losses of a               losses of b
========  ========================  ==============================
square    ``b_rate * b``            ``a_rate * a``
linear    ``b_rate * a * b``        ``a_rate * a * b``
mixed     ``b_rate * a * b``        ``a_rate * a``
========  ========================  ==============================

Square is aimed fire, linear is fire at an area, and in the mixed law a is hidden, so that fire
at it falls on an area while its own is aimed.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from escalate.errors import EscalateError
from escalate.theory._check import Floats, whole, within

__all__ = [
    "LanchesterOutcome",
    "StochasticOutcome",
    "lanchester_outcome",
    "lanchester_path",
    "stochastic_lanchester",
]

Law: TypeAlias = Literal["square", "linear", "mixed"]


class LanchesterOutcome(NamedTuple):
    """How a fight to the finish ends."""

    winner: Literal["a", "b", "neither"]
    """The side that is left."""

    a_left: float
    """Units of a in the end. [units]"""

    b_left: float
    """Units of b in the end. [units]"""

    duration: float
    """Time until the loser is gone, infinite if that takes for ever. [time]"""


def lanchester_outcome(
    law: Law, a: float, b: float, *, a_rate: float, b_rate: float
) -> LanchesterOutcome:
    r"""Give winner, survivors and duration of a fight to the finish.

    Parameters
    ----------
    law : {"square", "linear", "mixed"}
        How losses depend on the forces.
    a, b : float
        Units at the start, not both 0. [units]
    a_rate, b_rate : float
        Effectiveness of a unit of each side, not both 0. [1/time, over units where fire falls
        on an area]

    Returns
    -------
    LanchesterOutcome

    Raises
    ------
    EscalateError
        If a number is negative, or both of a pair are 0, or `law` is none.

    Notes
    -----
    With :math:`\alpha, \beta` the two rates, what never changes is

    .. math:: \alpha A^2 - \beta B^2, \qquad \alpha A - \beta B, \qquad
        \alpha A - \tfrac12 \beta B^2

    under the square, the linear and the mixed law, and its sign names the winner. Fire at an
    area never finds the last of the loser in finite time.

    References
    ----------
    Lanchester, F. W. (1916). Aircraft in Warfare: The Dawn of the Fourth Arm. Constable.

    Deitchman, S. J. (1962). A Lanchester model of guerrilla warfare. Operations Research 10,
    818-827.

    Examples
    --------
    >>> lanchester_outcome("square", 100, 80, a_rate=0.1, b_rate=0.1).a_left
    60.0
    >>> lanchester_outcome("linear", 100, 80, a_rate=0.1, b_rate=0.1).a_left
    20.0
    """
    units_a, units_b, alpha, beta = _checked(law, a, b, a_rate, b_rate)
    within("a + b", units_a + units_b, 0.0, without="low")
    within("a_rate + b_rate", alpha + beta, 0.0, without="low")
    if units_a == 0.0 or units_b == 0.0:
        return LanchesterOutcome("b" if units_a == 0.0 else "a", units_a, units_b, 0.0)
    if law == "square":
        # Strengths in the same unit, so that their difference is as exact as the numbers.
        own, other = math.sqrt(alpha) * units_a, math.sqrt(beta) * units_b
    elif law == "linear":
        own, other = alpha * units_a, beta * units_b
    else:
        own, other = alpha * units_a, 0.5 * beta * units_b * units_b
    if own == other:
        return LanchesterOutcome("neither", 0.0, 0.0, math.inf)
    winner: Literal["a", "b"] = "a" if own > other else "b"
    margin = abs(own - other)
    if law == "square":
        left = math.sqrt(margin * (own + other))
        low, high = min(own, other), max(own, other)
        rate = math.sqrt(alpha * beta)
        # Time atanh(low / high) / rate, or its limit where the loser does nothing at all.
        loser, blow = (units_b, alpha * units_a) if winner == "a" else (units_a, beta * units_b)
        duration = math.atanh(low / high) / rate if low > 0.0 else loser / blow
        survivors = left / math.sqrt(alpha if winner == "a" else beta)
    elif law == "linear" or winner == "b":
        duration = math.inf
        survivors = margin / (alpha if winner == "a" else beta)
        if law == "mixed":
            survivors = math.sqrt(2.0 * survivors)
    else:
        survivors = margin / alpha
        x = units_b * math.sqrt(beta / (2.0 * margin))
        duration = units_b / margin * (math.atan(x) / x if x > 0.0 else 1.0)
    if winner == "a":
        return LanchesterOutcome("a", survivors, 0.0, duration)
    return LanchesterOutcome("b", 0.0, survivors, duration)


def lanchester_path(
    law: Law, a: float, b: float, times: ArrayLike, *, a_rate: float, b_rate: float
) -> tuple[Floats, Floats]:
    r"""Give both forces over time.

    Parameters
    ----------
    law : {"square", "linear", "mixed"}
        How losses depend on the forces.
    a, b : float
        Units at the start. [units]
    times : array_like
        Times since the start. [time]
    a_rate, b_rate : float
        Effectiveness of a unit of each side, as for `lanchester_outcome`.

    Returns
    -------
    tuple of ndarray
        Units of each side in the shape of `times`, at rest once one side is gone. [units]

    Raises
    ------
    EscalateError
        If a number is negative or `law` is none.

    Notes
    -----
    Square, with :math:`k = \sqrt{\alpha\beta}`:

    .. math:: A = A_0 \cosh kt - B_0 \sqrt{\beta / \alpha} \sinh kt

    Linear, with :math:`L = \alpha A_0 - \beta B_0`:

    .. math:: 1 / A = e^{-Lt} / A_0 + \alpha (1 - e^{-Lt}) / L

    Mixed, with :math:`M = \alpha A_0 - \tfrac12 \beta B_0^2` and :math:`\omega = \sqrt{M \beta
    / 2}`, hyperbolic where :math:`M < 0`:

    .. math:: D = \cos \omega t + \tfrac12 \beta B_0 \frac{\sin \omega t}{\omega}, \quad
        A = A_0 / D^2, \quad
        B = \Bigl(B_0 \cos \omega t - M \frac{\sin \omega t}{\omega}\Bigr) / D

    Examples
    --------
    >>> a, b = lanchester_path("square", 100, 80, [0, 5, 50], a_rate=0.1, b_rate=0.1)
    >>> a.round(2).tolist(), b.round(2).tolist()
    ([100.0, 71.07, 60.0], [80.0, 38.1, 0.0])
    """
    units_a, units_b, alpha, beta = _checked(law, a, b, a_rate, b_rate)
    t = within("times", times, 0.0)
    if units_a == 0.0 or units_b == 0.0 or alpha + beta == 0.0:
        return np.full(t.shape, units_a)[()], np.full(t.shape, units_b)[()]
    end = lanchester_outcome(law, units_a, units_b, a_rate=alpha, b_rate=beta)
    # After the end only the end matters; before it, what follows is finite and positive.
    now = np.minimum(t, end.duration)
    solve = {"square": _square, "linear": _linear, "mixed": _mixed}[law]
    path_a, path_b = solve(units_a, units_b, now, alpha, beta)
    over = t >= end.duration
    return (
        np.where(over, end.a_left, np.maximum(path_a, end.a_left))[()],
        np.where(over, end.b_left, np.maximum(path_b, end.b_left))[()],
    )


def _checked(law: str, a: float, b: float, a_rate: float, b_rate: float) -> tuple[float, ...]:
    if law not in ("square", "linear", "mixed"):
        raise EscalateError(f"`law` must be 'square', 'linear' or 'mixed', but it is {law!r}")
    given = {"a": a, "b": b, "a_rate": a_rate, "b_rate": b_rate}
    return tuple(float(within(name, value, 0.0)) for name, value in given.items())


def _square(a: float, b: float, t: Floats, alpha: float, beta: float) -> tuple[Floats, Floats]:
    k = math.sqrt(alpha * beta)
    if k == 0.0:
        return a - beta * b * t, b - alpha * a * t
    own, other = math.sqrt(alpha) * a, math.sqrt(beta) * b
    # One term that decays and one that grows by the difference of the strengths, and so not at
    # all at parity: no difference of large numbers.
    decaying = 0.5 * (own + other) * np.exp(-k * t)
    growing = 0.5 * (own - other) * np.exp(k * t) if own != other else 0.0
    return (decaying + growing) / math.sqrt(alpha), (decaying - growing) / math.sqrt(beta)


def _linear(a: float, b: float, t: Floats, alpha: float, beta: float) -> tuple[Floats, Floats]:
    x = (alpha * a - beta * b) * t
    # Each inverse is a sum of positive terms; times exp(-|x|) where it would overflow.
    scale = np.exp(-np.abs(x))
    grown = np.where(x == 0.0, t, t * -np.expm1(-np.abs(x)) / np.where(x == 0.0, 1.0, np.abs(x)))
    a_top, b_top = np.where(x < 0.0, scale, 1.0), np.where(x > 0.0, scale, 1.0)
    return (
        a * a_top / (a * alpha * grown + b_top),
        b * b_top / (b * beta * grown + a_top),
    )


def _mixed(a: float, b: float, t: Floats, alpha: float, beta: float) -> tuple[Floats, Floats]:
    m = alpha * a - 0.5 * beta * b * b
    v = math.sqrt(0.5 * abs(m) * beta) * t
    if m < 0.0:
        # All over cosh, or it would overflow.
        slope = t * np.where(v > 0.0, np.tanh(v) / np.where(v > 0.0, v, 1.0), 1.0)
        cos, sin = np.ones_like(v), slope
        inverse = np.exp(math.log(2.0) - np.logaddexp(v, -v))
    else:
        cos, sin, inverse = np.cos(v), t * np.sinc(v / math.pi), np.ones_like(v)
    d = cos + 0.5 * beta * b * sin
    return a * (inverse / d) ** 2, (b * cos - m * sin) / d


# ---------------------------------------------------------------------- chance


class StochasticOutcome(NamedTuple):
    """How a fight to the finish ends when units fall one by one, by chance."""

    a_win_prob: float
    """Chance that a is left. [-]"""

    b_win_prob: float
    """Chance that b is left. [-]"""

    mean_a_left: float
    """Mean units of a in the end, 0 where it loses. [units]"""

    mean_b_left: float
    """Mean units of b in the end, 0 where it loses. [units]"""

    mean_duration: float
    """Mean time until one side is gone. [time]"""

    a_left_pmf: Floats
    """Chance that 0, 1, ..., a units of a are left, shape (a + 1,). [-]"""

    b_left_pmf: Floats
    """Chance that 0, 1, ..., b units of b are left, shape (b + 1,). [-]"""


def stochastic_lanchester(
    law: Law, a: int, b: int, *, a_rate: float, b_rate: float
) -> StochasticOutcome:
    r"""Give the exact end of a fight in which units fall one by one at Lanchester's rates.

    Parameters
    ----------
    law : {"square", "linear", "mixed"}
        How the rates of loss depend on the forces.
    a, b : int
        Units at the start, both at least 1. [units]
    a_rate, b_rate : float
        Effectiveness of a unit of each side, as for `lanchester_outcome`.

    Returns
    -------
    StochasticOutcome

    Raises
    ------
    EscalateError
        If an argument is out of its range, or both rates are 0.

    Notes
    -----
    A Markov chain on pairs of whole numbers whose next loss is one of a's with a chance in
    proportion to the rate at which a is worn down; followed loss by loss, in a time of order
    ``(a + b) * min(a, b)``. As both sides grow in proportion, shares left tend to those of
    `lanchester_outcome`, save at parity.

    References
    ----------
    Brown, R. H. (1963). Theory of combat: the probability of winning. Operations Research 11,
    418-425.

    Examples
    --------
    >>> fight = stochastic_lanchester("square", 10, 8, a_rate=0.1, b_rate=0.1)
    >>> round(fight.a_win_prob, 4), round(fight.mean_a_left, 4)
    (0.7914, 5.2166)
    """
    alpha, beta = _checked(law, 1.0, 1.0, a_rate, b_rate)[2:]
    within("a_rate + b_rate", alpha + beta, 0.0, without="low")
    size_a, size_b = int(whole("a", a, 1)), int(whole("b", b, 1))
    left_a, left_b = np.zeros(size_a + 1), np.zeros(size_b + 1)
    duration = 0.0
    # Chances of what a has left when so many units of both have fallen, all still fighting.
    low, chance = size_a, np.ones(1)
    for fallen in range(size_a + size_b - 1):
        units_a = np.arange(low, low + chance.size, dtype=float)
        units_b = size_a + size_b - fallen - units_a
        wears_a = beta * units_b * (1.0 if law == "square" else units_a)
        wears_b = alpha * units_a * (units_b if law == "linear" else 1.0)
        total = wears_a + wears_b
        duration += float((chance / total).sum())
        down = np.append(chance * (wears_a / total), 0.0)
        down[1:] += chance * (wears_b / total)
        # `down` starts at one unit of a fewer; its ends may be ends of the fight.
        low -= 1
        if low == 0:
            left_b[int(units_b[0])] += down[0]
            low, down = 1, down[1:]
        last = low + down.size - 1
        if size_a + size_b - fallen - 1 == last:
            left_a[last] += down[-1]
            down = down[:-1]
        chance = down
    left_a[0], left_b[0] = left_b.sum(), left_a[1:].sum()
    return StochasticOutcome(
        float(left_b[0]),
        float(left_a[0]),
        float(left_a @ np.arange(size_a + 1)),
        float(left_b @ np.arange(size_b + 1)),
        duration,
        left_a,
        left_b,
    )
