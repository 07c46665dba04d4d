"""How many replications: until the interval of an outcome is as narrow as asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from escalate.errors import EscalateError

__all__ = ["Precision", "mean_and_half_width"]

_GROWTH = 1.25


@dataclass(frozen=True)
class Precision:
    """How narrow the confidence interval of a mean is to be, and how long to try.

    Raises
    ------
    EscalateError
        A number out of bounds, or not exactly one of `half_width` and `relative`.

    Notes
    -----
    Replications are counted at the stages of `looks`, which depend on nothing that was seen. It
    is enough at the first look where (a) the Student t interval is as narrow as asked, (b) not
    all values are alike, and (c) there are ``n >= 28 + 25 g^2`` of them, where g is their
    skewness: below that the t interval of a skewed outcome holds its mean less often than it
    says [1]_, [2]_. A rare yes or no thus has to happen some 25 times.

    Looking again and again stops somewhat too often where the spread happens to come out small,
    and costs some coverage [3]_. ``benchmarks/sequential.py`` measures it.

    References
    ----------
    .. [1] W. G. Cochran, Sampling Techniques, third edition, Wiley 1977, section 2.15.
    .. [2] R. A. Sugden, T. M. F. Smith, R. P. Jones, "Cochran's rule for simple random sampling",
       Journal of the Royal Statistical Society B 62:787-793, 2000.
    .. [3] A. M. Law, Simulation Modeling and Analysis, fifth edition, McGraw-Hill 2015, section
       9.4.1.

    Examples
    --------
    >>> Precision("killed.UA", half_width=1.0, most=200).looks()
    (50, 63, 79, 99, 124, 155, 194, 200)
    """

    outcome: str
    """Which: a column of `Ensemble.summary`, such as ``killed.UA``."""
    half_width: float | None = None
    """Half width asked for. [the outcome's unit]"""
    relative: float | None = None
    """Half width asked for, as a share of the mean without its sign. [-]"""
    level: float = 0.95
    """Confidence of the interval. [-]"""
    least: int = 50
    """Replications at the first look."""
    most: int = 10_000
    """Replications at the last look, after which it is given up."""

    def __post_init__(self) -> None:
        if not isinstance(self.outcome, str):
            raise EscalateError(f"`outcome` must be a column's name, but got {self.outcome!r}")
        if (self.half_width is None) == (self.relative is None):
            raise EscalateError(
                "exactly one of `half_width` and `relative` must be given, but got "
                f"{self.half_width!r} and {self.relative!r}"
            )
        name = "relative" if self.half_width is None else "half_width"
        asked = getattr(self, name)
        if not (_is_number(asked) and 0.0 < asked < math.inf):
            raise EscalateError(f"`0 < {name} < inf` must hold, but got {asked!r}")
        if not (_is_number(self.level) and 0.0 < self.level < 1.0):
            raise EscalateError(f"`0 < level < 1` must hold, but got {self.level!r}")
        for name in ("least", "most"):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
                raise EscalateError(f"`{name}` must be a whole number, but got {value!r}")
        if not 2 <= self.least <= self.most:
            raise EscalateError(
                f"`2 <= least <= most` must hold, but got {self.least!r} and {self.most!r}"
            )

    def looks(self) -> tuple[int, ...]:
        """Give after how many replications it is looked: each 1.25 times the one before.

        Returns
        -------
        tuple of int
            From `least` to `most`.
        """
        found = [int(self.least)]
        while found[-1] < self.most:
            found.append(min(math.ceil(_GROWTH * found[-1]), int(self.most)))
        return tuple(found)

    def half_width_of(self, values: ArrayLike) -> float:
        """Give the half width of the interval of the mean, by Student's t.

        Parameters
        ----------
        values : array_like, shape (replications,)
            Outcomes; NaN has no value and is left out.

        Returns
        -------
        float
            Infinite with fewer than two values.

        Examples
        --------
        >>> Precision("killed.UA", half_width=1.0).half_width_of([1.0, 2.0, 3.0])
        2.4841377
        """
        return mean_and_half_width(values, self.level)[1]

    def target(self, values: ArrayLike) -> float:
        """Give the half width that is asked for, in the outcome's unit.

        Parameters
        ----------
        values : array_like, shape (replications,)
            Outcomes.

        Returns
        -------
        float
            Of a relative precision it depends on their mean.
        """
        if self.half_width is not None:
            return float(self.half_width)
        assert self.relative is not None
        return float(self.relative * abs(mean_and_half_width(values, self.level)[0]))

    def reached(self, values: ArrayLike) -> bool:
        """Say whether the interval is as narrow as asked, and can be trusted.

        Parameters
        ----------
        values : array_like, shape (replications,)
            Outcomes.

        Returns
        -------
        bool
            False if all values are alike, however many: that nothing was seen to vary does not
            say that nothing can.

        Examples
        --------
        >>> Precision("killed.UA", half_width=1.0).reached([3, 5] * 30)
        True
        """
        known = _known(values)
        return self.half_width_of(known) <= self.target(known) and len(known) >= _trustworthy(known)

    def needed(self, values: ArrayLike) -> float:
        """Estimate how many replications it takes in all.

        Parameters
        ----------
        values : array_like, shape (replications,)
            Outcomes so far.

        Returns
        -------
        float
            A whole number, in proportion larger where some replications have no value; infinite
            where the values say nothing of it, as where they are all alike. [replications]

        Notes
        -----
        The smallest k with ``t_(k-1) s / sqrt(k) <= h``, and ``28 + 25 g^2`` at least.

        References
        ----------
        A. M. Law, as for `Precision`.

        Examples
        --------
        >>> Precision("killed.UA", half_width=0.1).needed([3, 5] * 30)
        394.0
        """
        known = _known(values)
        enough, asked = _trustworthy(known), self.target(known)
        if math.isinf(enough) or not asked > 0.0:
            return math.inf
        ratio, tail = float(np.std(known, ddof=1)) / asked, 0.5 * (1.0 + self.level)
        if ratio > 1e6:  # the t and the normal quantile are the same long before
            found = math.ceil((float(stdtrit(1e12, tail)) * ratio) ** 2)
        else:
            found = _smallest(lambda k: float(stdtrit(k - 1, tail)) * ratio <= math.sqrt(k))
        return float(math.ceil(max(found, enough) * np.size(values) / len(known)))


def mean_and_half_width(values: ArrayLike, level: float) -> tuple[float, float]:
    """Give a mean and the half width of its confidence interval, by Student's t.

    Parameters
    ----------
    values : array_like, shape (replications,)
        Outcomes; NaN has no value and is left out.
    level : float
        Confidence, above 0 and below 1. [-]

    Returns
    -------
    tuple of float
        NaN without any value; infinite half width with fewer than two.

    Examples
    --------
    >>> mean_and_half_width([1.0, 2.0, 3.0, float("nan")], 0.95)
    (2.0, 2.4841377)
    """
    known = _known(values)
    n = len(known)
    mean = float(known.mean()) if n else math.nan
    if n < 2:
        return mean, math.inf
    spread = float(np.std(known, ddof=1)) if np.ptp(known) > 0.0 else 0.0
    return mean, float(stdtrit(n - 1, 0.5 * (1.0 + level))) * spread / math.sqrt(n)


def _known(values: ArrayLike) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Give the values that there are."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise EscalateError(f"`values` must have shape (replications,), but got {array.shape}")
    return array[~np.isnan(array)]


def _trustworthy(known: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Give how many values a t interval needs, by their skewness."""
    if len(known) < 2 or np.ptp(known) == 0.0:
        return math.inf
    apart = known - known.mean()
    scale = np.abs(apart).max()  # keeps cubes of dollars from overflowing
    apart = apart / scale
    return 28.0 + 25.0 * float(np.mean(apart**3)) ** 2 / float(np.mean(apart**2)) ** 3


def _smallest(holds: Any) -> int:
    """Give the smallest number from 2 on for which something holds that then holds for ever."""
    high = 2
    while not holds(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
