"""Refuse numbers outside a closed form's domain, saying what must hold and by how much it fails."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from escalate.errors import EscalateError

__all__ = ["Floats", "Wholes", "refuse", "square", "vector", "whole", "within"]

Floats: TypeAlias = NDArray[np.float64]
Wholes: TypeAlias = NDArray[np.int64]


def refuse(claim: str, value: float, off: float, purpose: str = "", place: str = "") -> None:
    """Raise the error for one claim that does not hold.

    Parameters
    ----------
    claim : str
        What must hold, such as ``n < 1``.
    value, off : float
        What was given, and how far it is from the nearest allowed number; 0 for a bound that
        is not itself allowed, NaN where a distance means nothing.
    purpose, place : str, optional
        What it must hold for, and where in an array it fails.

    Raises
    ------
    EscalateError
        Always.

    Examples
    --------
    >>> refuse("n < 1", 1.2, 0.2, "stationary moments")
    Traceback (most recent call last):
        ...
    escalate.errors.EscalateError: `n < 1` must hold for stationary moments, but it is 1.2 ...
    """
    reason = f" for {purpose}" if purpose else ""
    if math.isnan(off):
        distance = ""
    elif off == 0.0:
        distance = " (the bound itself is not allowed)"
    else:
        distance = f" ({abs(off):.3g} too {'large' if off > 0.0 else 'small'})"
    raise EscalateError(f"`{claim}` must hold{reason}, but it is {value:.6g}{distance}{place}")


def within(
    name: str,
    value: ArrayLike,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    without: str = "",
    purpose: str = "",
) -> Floats:
    """Return finite numbers as floats if all lie between two bounds.

    Parameters
    ----------
    name : str
        What the numbers are called in the signature.
    value : array_like
        What was given, any shape.
    low, high : float, optional
        Bounds; an infinite one only asks for finite numbers.
    without : {"", "low", "high", "both"}, optional
        Which bounds are themselves not allowed.
    purpose : str, optional
        What it must hold for.

    Returns
    -------
    ndarray of float

    Raises
    ------
    EscalateError
        If any is not a number, not finite or out of bounds; the first such is named.

    Examples
    --------
    >>> within("n", [0.2, 0.5], 0.0, 1.0, without="high")
    array([0.2, 0.5])
    """
    try:
        numbers = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise EscalateError(f"`{name}` must be numbers, but it is {value!r}") from None
    above = numbers > low if without in ("low", "both") else numbers >= low
    under = numbers < high if without in ("high", "both") else numbers <= high
    wrong = ~(np.isfinite(numbers) & above & under)
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        bad = float(numbers[index])
        left = "" if low == -math.inf else f"{low:g} {'<' if without in ('low', 'both') else '<='} "
        right = (
            "" if high == math.inf else f" {'<' if without in ('high', 'both') else '<='} {high:g}"
        )
        claim = f"{left}{name}{right}" if math.isfinite(bad) and (left or right) else ""
        off = bad - high if bad >= high else bad - low
        place = f" at {list(index)}" if index else ""
        refuse(claim or f"{name} is finite", bad, off if claim else math.nan, purpose, place)
    return numbers


def whole(name: str, value: ArrayLike, low: float = -math.inf, high: float = math.inf) -> Wholes:
    """Return whole numbers as int64 if all lie between two bounds, both allowed.

    Parameters
    ----------
    name : str
        What the numbers are called in the signature.
    value : array_like
        What was given, any shape; floats that are whole will do.
    low, high : float, optional
        Bounds.

    Returns
    -------
    ndarray of int64

    Raises
    ------
    EscalateError
        If any is not whole or out of bounds; the first such is named.

    Examples
    --------
    >>> whole("size", [1, 2.0], 1)
    array([1, 2])
    """
    numbers = within(name, value, low, high)
    within(name, numbers, -(2.0**53), 2.0**53)  # beyond, floats skip whole numbers
    broken = numbers != np.floor(numbers)
    if broken.any():
        index = tuple(int(i) for i in np.argwhere(broken)[0])
        place = f" at {list(index)}" if index else ""
        refuse(f"{name} is whole", float(numbers[index]), math.nan, place=place)
    return numbers.astype(np.int64)


def vector(
    name: str, value: ArrayLike, length: int | None = None, low: float = -math.inf
) -> Floats:
    """Return a vector of finite numbers, a lone number being one of length 1.

    Parameters
    ----------
    name : str
        What it is called in the signature.
    value : array_like
        What was given.
    length : int, optional
        How many there must be; at least one if not given.
    low : float, optional
        Smallest allowed.

    Returns
    -------
    ndarray of float, shape (length,)

    Raises
    ------
    EscalateError
        If it is no such vector.

    Examples
    --------
    >>> vector("rates", 2.0, 1)
    array([2.])
    """
    numbers = np.atleast_1d(within(name, value, low))
    if numbers.ndim != 1 or numbers.size == 0 or (length is not None and numbers.size != length):
        wanted = "(n,), n at least 1" if length is None else f"({length},)"
        raise EscalateError(f"`{name}` must have shape {wanted}, but it has {numbers.shape}")
    return numbers


def square(name: str, value: ArrayLike, low: float = -math.inf) -> Floats:
    """Return a square matrix of finite numbers, a lone number being 1 by 1.

    Parameters
    ----------
    name : str
        What it is called in the signature.
    value : array_like
        What was given.
    low : float, optional
        Smallest allowed.

    Returns
    -------
    ndarray of float, shape (n, n)

    Raises
    ------
    EscalateError
        If it is no such matrix.

    Examples
    --------
    >>> square("branching", 0.5)
    array([[0.5]])
    """
    numbers = within(name, value, low)
    if numbers.ndim == 0:
        numbers = numbers.reshape(1, 1)
    if numbers.ndim != 2 or numbers.shape[0] != numbers.shape[1] or numbers.size == 0:
        raise EscalateError(f"`{name}` must have shape (n, n), but it has {numbers.shape}")
    return numbers
