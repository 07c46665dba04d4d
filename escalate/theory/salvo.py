"""Salvo combat: what two forces that fire in pulses do to one another.

Losses are in units of a force (ships, batteries, squadrons), whole or not. A hit takes a share
of a unit: ``1 / staying`` of one in Hughes' model, a normal share of one in Armstrong's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from escalate.errors import EscalateError
from escalate.theory._check import Floats, refuse, vector, whole, within

__all__ = [
    "Force",
    "LossDistribution",
    "SalvoLosses",
    "StochasticForce",
    "StochasticLosses",
    "fractional_exchange_ratio",
    "heterogeneous_losses",
    "salvo_exchange",
    "salvo_loss",
    "salvo_rounds",
    "stochastic_salvo",
    "stochastic_salvo_exchange",
    "stochastic_salvo_normal",
]

Rounding: TypeAlias = Literal["thinned", "rounded"]
First: TypeAlias = Literal["a", "b"]

# ---------------------------------------------------------------------- Hughes


class Force(NamedTuple):
    """One side of Hughes' exchange; every field may be an array."""

    units: ArrayLike
    """Units that fight. [units]"""

    offence: ArrayLike
    """Good shots that one unit fires in a salvo. [shots/unit]"""

    defence: ArrayLike
    """Good shots that one unit stops in a salvo. [shots/unit]"""

    staying: ArrayLike
    """Hits that put one unit out of action. [hits/unit]"""


class SalvoLosses(NamedTuple):
    """Losses of both sides to one exchange."""

    a: Floats
    """Units that the first side loses. [units]"""

    b: Floats
    """Units that the second side loses. [units]"""


def salvo_loss(
    attackers: ArrayLike,
    targets: ArrayLike,
    offence: ArrayLike,
    defence: ArrayLike,
    staying: ArrayLike,
    *,
    capped: bool = True,
) -> Floats:
    r"""Give the units lost to one salvo in Hughes' model.

    Parameters
    ----------
    attackers, targets : array_like
        Units that fire and units fired at. [units]
    offence : array_like
        Good shots fired by one attacker; scouting and readiness multiply it. [shots/unit]
    defence : array_like
        Good shots stopped by one target. [shots/unit]
    staying : array_like
        Hits that put one target out of action. [hits/unit]
    capped : bool, optional
        Whether no more can be lost than there is; if not, overkill counts.

    Returns
    -------
    ndarray
        Units lost, in the shape that the arguments broadcast to. [units]

    Raises
    ------
    EscalateError
        If `staying` is not positive, or any other argument negative.

    Notes
    -----
    .. math:: \Delta B = \min\{\max\{(\alpha A - z B) / w, 0\}, B\}

    References
    ----------
    Hughes, W. P. (1995). A salvo model of warships in missile combat used to evaluate their
    staying power. Naval Research Logistics 42, 267-289.

    Examples
    --------
    >>> float(salvo_loss(4, 5, offence=4, defence=2, staying=3))
    2.0
    """
    fired = within("offence", offence, 0.0) * within("attackers", attackers, 0.0)
    units = within("targets", targets, 0.0)
    stopped = within("defence", defence, 0.0) * units
    loss = np.maximum((fired - stopped) / within("staying", staying, 0.0, without="low"), 0.0)
    return np.asarray(np.minimum(loss, units) if capped else loss)[()]


def salvo_exchange(a: Force, b: Force, *, first: First | None = None) -> SalvoLosses:
    """Give what two forces lose when each fires one salvo.

    Parameters
    ----------
    a, b : Force
        The two sides.
    first : {"a", "b"}, optional
        Who fires first, the other answering with what survives; both at once if not given.

    Returns
    -------
    SalvoLosses

    Raises
    ------
    EscalateError
        If a `staying` is not positive, any other number negative, or `first` no side.

    Notes
    -----
    Both at once, each loss follows from the strengths before the salvo; in sequence, the
    survivors of the first salvo fire the second at a force that is still whole.

    References
    ----------
    Hughes (1995), as `salvo_loss`. Armstrong, M. J. (2014). The salvo combat model with
    a sequential exchange of fire. Journal of the Operational Research Society 65, 1593-1601.

    Examples
    --------
    >>> a, b = Force(5, 4, 2, 3), Force(4, 4, 2, 3)
    >>> losses = salvo_exchange(a, b)
    >>> float(losses.a), float(losses.b)
    (2.0, 4.0)
    >>> losses = salvo_exchange(a, b, first="b")
    >>> round(float(losses.a), 3), round(float(losses.b), 3)
    (2.0, 1.333)
    """
    _check_first(first)
    units_a, units_b = within("a.units", a.units, 0.0), within("b.units", b.units, 0.0)
    loss_a: Floats = np.zeros(())
    # Who fires second fires with its survivors; who fires first, or at once, with all it has.
    if first != "a":
        loss_a = salvo_loss(units_b, units_a, b.offence, a.defence, a.staying)
    loss_b = salvo_loss(
        units_a - loss_a if first == "b" else units_a, units_b, a.offence, b.defence, b.staying
    )
    if first == "a":
        loss_a = salvo_loss(units_b - loss_b, units_a, b.offence, a.defence, a.staying)
    return SalvoLosses(loss_a, loss_b)


def salvo_rounds(
    a: Force, b: Force, rounds: int, *, first: First | None = None
) -> tuple[Floats, Floats]:
    """Follow two forces through several exchanges of salvos.

    Parameters
    ----------
    a, b : Force
        The two sides at the start.
    rounds : int
        Exchanges.
    first : {"a", "b"}, optional
        Who fires first in each; both at once if not given.

    Returns
    -------
    tuple of ndarray
        Units of each side before the first exchange and after each, along the first axis,
        shape (rounds + 1, ...). [units]

    Raises
    ------
    EscalateError
        As `salvo_exchange`.

    Examples
    --------
    >>> a, b = salvo_rounds(Force(10, 3, 2, 2), Force(8, 3, 2, 2), 2)
    >>> a.tolist(), b.tolist()
    ([10.0, 8.0, 8.0], [8.0, 1.0, 0.0])
    """
    left = [(within("a.units", a.units, 0.0), within("b.units", b.units, 0.0))]
    for _ in range(int(whole("rounds", rounds, 0))):
        units_a, units_b = left[-1]
        loss = salvo_exchange(a._replace(units=units_a), b._replace(units=units_b), first=first)
        left.append((units_a - loss.a, units_b - loss.b))
    shape = np.broadcast_shapes(*(np.shape(units) for pair in left for units in pair))
    paths = np.array([[np.broadcast_to(units, shape) for units in pair] for pair in left])
    return paths[:, 0], paths[:, 1]


def fractional_exchange_ratio(
    loss_a: ArrayLike, units_a: ArrayLike, loss_b: ArrayLike, units_b: ArrayLike
) -> Floats:
    r"""Give the share that side b loses over the share that side a loses.

    Parameters
    ----------
    loss_a, units_a : array_like
        What side a loses and what it had. [units]
    loss_b, units_b : array_like
        The same for side b. [units]

    Returns
    -------
    ndarray
        Above 1 where a has the better of it, 1 at parity; infinite where only b loses. [-]

    Raises
    ------
    EscalateError
        If a loss is negative, a force not positive, or neither side loses anything.

    Notes
    -----
    .. math:: FER = \frac{\Delta B / B}{\Delta A / A}

    Pass losses of `salvo_loss` with ``capped=False`` for the ratio in which overkill counts.

    References
    ----------
    Hughes (1995), as `salvo_loss`.

    Examples
    --------
    >>> float(fractional_exchange_ratio(5, 10, 10, 20))
    1.0
    """
    share_a = within("loss_a", loss_a, 0.0) / within("units_a", units_a, 0.0, without="low")
    share_b = within("loss_b", loss_b, 0.0) / within("units_b", units_b, 0.0, without="low")
    within("loss_a + loss_b", share_a + share_b, 0.0, without="low", purpose="a ratio of losses")
    with np.errstate(divide="ignore"):
        return np.asarray(share_b / share_a)[()]


def heterogeneous_losses(
    shooters: ArrayLike,
    offence: ArrayLike,
    staying: ArrayLike,
    *,
    effectiveness: ArrayLike = 1.0,
    aimed_share: ArrayLike = 1.0,
    targets: ArrayLike | None = None,
    defence: ArrayLike = 0.0,
) -> Floats:
    r"""Give the losses of each type of target to a salvo from several types of shooter.

    Parameters
    ----------
    shooters : array_like, shape (shooter types,)
        Units of each type that fire. [units]
    offence : array_like
        Shots of a unit of type j at type i, broadcast to (shooter types, target types).
        [shots/unit]
    staying : array_like
        Hits that put a unit of each target type out of action, broadcast to (target types,).
        [hits/unit]
    effectiveness : array_like, optional
        Share of those shots that are good (scouting, training, distraction, all in one),
        broadcast like `offence`. [-]
    aimed_share : array_like, optional
        Share of the units of type j that fire at type i, broadcast like `offence`. [-]
    targets : array_like, shape (target types,), optional
        Units of each target type; without them nothing is stopped and no loss capped. [units]
    defence : array_like, optional
        Good shots that one unit of each target type stops; needs `targets`. [shots/unit]

    Returns
    -------
    ndarray, shape (target types,)
        Units lost of each target type. [units]

    Raises
    ------
    EscalateError
        If `staying` is not positive, a share is not between 0 and 1, any other argument is
        negative, or there is a `defence` without `targets`.

    Notes
    -----
    .. math:: \Delta A_i = \frac{1}{\zeta_i}
        \max\Bigl\{\sum_j e_{ji} \beta_{ji} \psi_{ji} B_j - y_i A_i, 0\Bigr\}

    at most :math:`A_i`. A type's defence is pooled over all that is fired at it.

    References
    ----------
    Johns, M. D., Pilnick, S. E. and Hughes, W. P. (2001). Heterogeneous salvo model for the
    navy after next. Naval Postgraduate School, NPS-IJWA-01-010.

    Examples
    --------
    >>> loss = heterogeneous_losses([2], 2.16, [1.605], effectiveness=0.028, aimed_share=0.5)
    >>> loss.round(6).tolist()
    [0.037682]
    """
    units = vector("shooters", shooters, low=0.0)
    shots = (
        within("offence", offence, 0.0)
        * within("effectiveness", effectiveness, 0.0)
        * within("aimed_share", aimed_share, 0.0, 1.0)
    )
    hits_needed = within("staying", staying, 0.0, without="low")
    stopped = within("defence", defence, 0.0)
    kinds = np.broadcast_shapes(shots.shape[-1:], hits_needed.shape, stopped.shape, (1,))
    there = None if targets is None else vector("targets", targets, low=0.0)
    if there is not None:
        kinds = np.broadcast_shapes(kinds, there.shape)
    elif stopped.any():
        raise EscalateError("`defence` needs `targets`: what stops shots is units times defence")
    hits = units @ np.broadcast_to(shots, (units.size, *kinds))
    if there is None:
        return np.asarray(hits / hits_needed)
    return np.asarray(np.clip((hits - stopped * there) / hits_needed, 0.0, there))


# ---------------------------------------------------------------------- Armstrong


@dataclass(frozen=True)
class LossDistribution:
    """A loss that is one of several normals, by chance, cut off at nothing and at everything."""

    weights: Floats
    """Chance of each normal, shape (components,). [-]"""

    means: Floats
    """Mean of each before it is cut off, shape (components,). [units]"""

    sds: Floats
    """Standard deviation of each before it is cut off, 0 for a sure loss. [units]"""

    cap: float
    """Units that there are to lose. [units]"""

    def _below(self, loss: Floats) -> Floats:
        """Standardise a loss, the distance to each mean being infinite for a sure loss."""
        gap = loss - self.means
        sure = np.where(gap < 0.0, -np.inf, np.inf)
        return np.divide(gap, self.sds, out=sure, where=self.sds > 0.0)

    @property
    def mean(self) -> float:
        """Mean loss, in units."""
        nearest = np.clip(self.means, 0.0, self.cap)
        return float(self.weights @ (nearest + self._moments(nearest)[0]))

    @property
    def variance(self) -> float:
        """Variance of the loss, in units squared."""
        nearest = np.clip(self.means, 0.0, self.cap)
        off, square = self._moments(nearest)
        spread = nearest + off - self.mean
        return float(self.weights @ (np.maximum(square - off * off, 0.0) + spread * spread))

    @property
    def sd(self) -> float:
        """Standard deviation of the loss, in units."""
        return float(np.sqrt(self.variance))

    @property
    def prob_none(self) -> float:
        """Chance that nothing is lost."""
        return float(self.cdf(0.0))

    @property
    def prob_all(self) -> float:
        """Chance of annihilation."""
        # A sure loss of just the cap is annihilation, so the gap is taken from its other side.
        gap = self.means - self.cap
        sure = np.where(gap < 0.0, -np.inf, np.inf)
        z = np.divide(gap, self.sds, out=sure, where=self.sds > 0.0)
        return min(float(self.weights @ special.ndtr(z)), 1.0)

    def cdf(self, loss: ArrayLike) -> Floats:
        """Give the chance that the loss is at most so large.

        Parameters
        ----------
        loss : array_like
            Losses. [units]

        Returns
        -------
        ndarray
            In the shape of `loss`. [-]
        """
        points = within("loss", loss)
        inside = special.ndtr(self._below(points[..., None])) @ self.weights
        capped = np.where(points >= self.cap, 1.0, np.minimum(inside, 1.0))
        return np.asarray(np.where(points < 0.0, 0.0, capped))[()]

    def _moments(self, centre: Floats) -> tuple[Floats, Floats]:
        """Give mean and mean square of each cut-off normal about a point, free of cancellation."""
        low, high, mid = (self._below(np.asarray(x)) for x in (0.0, self.cap, centre))
        sure = self.sds == 0.0
        low, high, mid = (np.where(sure, 0.0, z) for z in (low, high, mid))
        phi_low, phi_high = (np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) for z in (low, high))
        none, every = special.ndtr(low), special.ndtr(-high)
        # The side on which the two tails are small, lest their difference be lost.
        some = np.where(low > 0.0, special.ndtr(-low) - every, special.ndtr(high) - none)
        first = phi_low - phi_high - mid * some + (low - mid) * none + (high - mid) * every
        second = (
            (1.0 + mid * mid) * some
            + low * phi_low
            - high * phi_high
            - 2.0 * mid * (phi_low - phi_high)
            + (low - mid) ** 2 * none
            + (high - mid) ** 2 * every
        )
        return (
            np.where(sure, 0.0, self.sds * first),
            np.where(sure, 0.0, self.sds**2 * second),
        )


class StochasticForce(NamedTuple):
    """One side of Armstrong's exchange."""

    units: float
    """Units that fight. [units]"""

    offence: float
    """Shots that one unit fires in a salvo. [shots/unit]"""

    offence_prob: float
    """Chance that a shot is on target. [-]"""

    defence: float
    """Shots that one unit tries to stop in a salvo. [shots/unit]"""

    defence_prob: float
    """Chance that a try stops one. [-]"""

    damage_mean: float
    """Mean loss of this side to a hit that it takes, the inverse of staying. [units/hit]"""

    damage_sd: float
    """Standard deviation of that loss. [units/hit]"""


class StochasticLosses(NamedTuple):
    """Losses of both sides to one exchange; independent only if both fire at once."""

    a: LossDistribution
    """Loss of the first side."""

    b: LossDistribution
    """Loss of the second side."""


def stochastic_salvo(
    attackers: float,
    targets: float,
    *,
    offence: float,
    offence_prob: float,
    defence: float,
    defence_prob: float,
    damage_mean: float,
    damage_sd: float,
    rounding: Rounding = "thinned",
) -> LossDistribution:
    r"""Give the exact distribution of the loss to one salvo in Armstrong's model.

    Parameters
    ----------
    attackers, targets : float
        Units that fire and units fired at. [units]
    offence : float
        Shots that one attacker fires. [shots/unit]
    offence_prob : float
        Chance that a shot is on target. [-]
    defence : float
        Shots that one target tries to stop. [shots/unit]
    defence_prob : float
        Chance that a try stops one. [-]
    damage_mean, damage_sd : float
        Mean and standard deviation of the normal loss to one hit. [units/hit]
    rounding : {"thinned", "rounded"}, optional
        What a fraction of a unit does, see Notes.

    Returns
    -------
    LossDistribution

    Raises
    ------
    EscalateError
        If a chance is not between 0 and 1, a number negative, or `offence` or `defence` not
        whole while fractions of units are thinned.

    Notes
    -----
    With :math:`n` shots of each of :math:`A` units at chance :math:`p`, and likewise for the
    defence, the net hits are :math:`N = \max\{\mathrm{Bin}(nA, p) - \mathrm{Bin}(mB, q),
    0\}` and the loss is the sum of :math:`N` normals, cut off at 0 and at :math:`B`. The
    sums over both binomials are carried out, nothing is sampled or approximated.

    A fraction :math:`f` of a unit fires all shots of a unit, each at chance :math:`f p`
    ("thinned"), or ``units * offence`` is rounded to whole shots, halves up ("rounded").

    References
    ----------
    Armstrong, M. J. (2005). A stochastic salvo model for naval surface combat. Operations
    Research 53, 830-841.

    Examples
    --------
    >>> loss = stochastic_salvo(
    ...     6,
    ...     4,
    ...     offence=4,
    ...     offence_prob=0.67,
    ...     defence=2,
    ...     defence_prob=0.67,
    ...     damage_mean=0.33,
    ...     damage_sd=0.11,
    ... )
    >>> round(loss.mean, 4), round(loss.sd, 4), round(loss.prob_all, 4)
    (3.3444, 0.6974, 0.3117)
    """
    cap = float(within("targets", targets, 0.0))
    on_target = _shots("attackers", attackers, "offence", offence, offence_prob, rounding)
    stopped = _shots("targets", targets, "defence", defence, defence_prob, rounding)
    return _loss(_net(on_target, stopped), damage_mean, damage_sd, cap)


def stochastic_salvo_normal(
    attackers: float,
    targets: float,
    *,
    offence: float,
    offence_prob: float,
    defence: float,
    defence_prob: float,
    damage_mean: float,
    damage_sd: float,
) -> LossDistribution:
    r"""Approximate the loss to one salvo in Armstrong's model by one cut-off normal.

    Parameters
    ----------
    attackers, targets, offence, offence_prob, defence, defence_prob, damage_mean, damage_sd
        As for `stochastic_salvo`; nothing need be whole.

    Returns
    -------
    LossDistribution
        With one component.

    Raises
    ------
    EscalateError
        If a chance is not between 0 and 1, or a number negative.

    Notes
    -----
    .. math:: \mu_N = n_o p_o - n_d p_d, \quad
        \sigma_N^2 = n_o p_o (1 - p_o) + n_d p_d (1 - p_d)

    and the loss before it is cut off is normal with mean :math:`\mu \mu_N` and variance
    :math:`\mu^2 \sigma_N^2 + \sigma^2 \max\{\mu_N, 0\}`. Good for many shots; it does
    not cut off the net hits at nothing, so it fits worst where about half of salvos are
    stopped entirely.

    References
    ----------
    Armstrong (2005), as `stochastic_salvo`.

    Examples
    --------
    >>> loss = stochastic_salvo_normal(
    ...     6,
    ...     4,
    ...     offence=4,
    ...     offence_prob=0.67,
    ...     defence=2,
    ...     defence_prob=0.67,
    ...     damage_mean=0.33,
    ...     damage_sd=0.11,
    ... )
    >>> round(loss.mean, 4), round(loss.sd, 4), round(loss.prob_all, 4)
    (3.3462, 0.7022, 0.313)
    """
    cap = float(within("targets", targets, 0.0))
    mean = float(within("damage_mean", damage_mean, 0.0))
    sd = float(within("damage_sd", damage_sd, 0.0))
    fired = float(within("attackers", attackers, 0.0) * within("offence", offence, 0.0))
    tries = cap * float(within("defence", defence, 0.0))
    p = float(within("offence_prob", offence_prob, 0.0, 1.0))
    q = float(within("defence_prob", defence_prob, 0.0, 1.0))
    net = fired * p - tries * q
    net_variance = fired * p * (1.0 - p) + tries * q * (1.0 - q)
    variance = mean**2 * net_variance + sd**2 * max(net, 0.0)
    return LossDistribution(np.ones(1), np.array([mean * net]), np.sqrt([variance]), cap)


def stochastic_salvo_exchange(
    a: StochasticForce,
    b: StochasticForce,
    *,
    first: First | None = None,
    rounding: Rounding = "thinned",
) -> StochasticLosses:
    """Give the exact losses when two forces fire one salvo each in Armstrong's model.

    Parameters
    ----------
    a, b : StochasticForce
        The two sides.
    first : {"a", "b"}, optional
        Who fires first, the other answering with what survives; both at once if not given.
    rounding : {"thinned", "rounded"}, optional
        What the fraction of a unit that survives fires, as for `stochastic_salvo`.

    Returns
    -------
    StochasticLosses

    Raises
    ------
    EscalateError
        As `stochastic_salvo`, or if `first` is no side.

    Notes
    -----
    In sequence, the hits of the answer are averaged over the exact law of the survivors: its
    atoms at nothing and everything, and between whole numbers of units each normal component
    by Gauss-Legendre quadrature ("thinned") or by differences of its distribution function
    ("rounded"). The answer meets a force that is still whole.

    References
    ----------
    Armstrong, M. J. (2014). The salvo combat model with a sequential exchange of fire. Journal
    of the Operational Research Society 65, 1593-1601.

    Examples
    --------
    >>> a = StochasticForce(6, 4, 0.67, 2, 0.67, 0.33, 0.11)
    >>> losses = stochastic_salvo_exchange(a, a._replace(units=4), first="b")
    >>> round(losses.a.mean, 4), round(losses.b.mean, 4), round(losses.b.prob_all, 4)
    (0.9415, 2.6374, 0.1256)
    """
    _check_first(first)
    if first == "b":
        loss_a = _one_way(b, a, rounding)
        return StochasticLosses(loss_a, _answer(a, b, loss_a, rounding))
    loss_b = _one_way(a, b, rounding)
    if first == "a":
        return StochasticLosses(_answer(b, a, loss_b, rounding), loss_b)
    return StochasticLosses(_one_way(b, a, rounding), loss_b)


def _check_first(first: str | None) -> None:
    if first not in (None, "a", "b"):
        raise EscalateError(f"`first` must be 'a', 'b' or None, but it is {first!r}")


def _one_way(
    attacker: StochasticForce, target: StochasticForce, rounding: Rounding
) -> LossDistribution:
    """Fire one salvo with all that the attacker has."""
    return stochastic_salvo(
        attacker.units,
        target.units,
        offence=attacker.offence,
        offence_prob=attacker.offence_prob,
        defence=target.defence,
        defence_prob=target.defence_prob,
        damage_mean=target.damage_mean,
        damage_sd=target.damage_sd,
        rounding=rounding,
    )


def _shots(
    units_name: str, units: float, each_name: str, each: float, prob: float, rounding: Rounding
) -> Floats:
    """Give the distribution of good shots of so many units, shape (shots + 1,)."""
    number = float(within(units_name, units, 0.0))
    per_unit = float(within(each_name, each, 0.0))
    p = float(within(f"{each_name}_prob", prob, 0.0, 1.0))
    if rounding == "rounded":
        return _binomial(int(np.floor(number * per_unit + 0.5)), p)
    if rounding != "thinned":
        raise EscalateError(f"`rounding` must be 'thinned' or 'rounded', but it is {rounding!r}")
    if per_unit != np.floor(per_unit):
        refuse(f"{each_name} is whole", per_unit, np.nan, "thinned fractions of a unit")
    full = int(number)
    part = _binomial(int(per_unit) if number > full else 0, p * (number - full))
    return np.convolve(_binomial(full * int(per_unit), p), part)


def _binomial(trials: int, prob: float) -> Floats:
    return np.asarray(stats.binom.pmf(np.arange(trials + 1), trials, prob))


def _net(on_target: Floats, stopped: Floats) -> Floats:
    """Give the distribution of shots on target less shots stopped, at least 0."""
    difference = np.convolve(on_target, stopped[::-1])
    none = stopped.size - 1
    net = difference[none:].copy()
    net[0] += difference[:none].sum()
    return net


def _loss(net: Floats, damage_mean: float, damage_sd: float, cap: float) -> LossDistribution:
    mean = float(within("damage_mean", damage_mean, 0.0))
    sd = float(within("damage_sd", damage_sd, 0.0))
    hits = np.arange(net.size, dtype=float)
    loss: Floats = mean * hits
    # Three hits of a third are one unit, whatever rounding makes of the third.
    loss[np.isclose(loss, cap, rtol=1e-12, atol=0.0)] = cap
    sds: Floats = sd * np.sqrt(hits)
    return LossDistribution(net, loss, sds, cap)


def _answer(
    shooter: StochasticForce, target: StochasticForce, lost: LossDistribution, rounding: Rounding
) -> LossDistribution:
    """Fire what survives of the shooter at a target that is still whole."""
    average = _rounded_hits if rounding == "rounded" else _thinned_hits
    on_target = average(shooter, lost)
    stopped = _shots(
        "targets", target.units, "defence", target.defence, target.defence_prob, rounding
    )
    cap = float(target.units)
    return _loss(_net(on_target, stopped), target.damage_mean, target.damage_sd, cap)


def _rounded_hits(shooter: StochasticForce, lost: LossDistribution) -> Floats:
    """Average the shots on target over the survivors, whole shots being fired."""
    per_unit = float(within("offence", shooter.offence, 0.0))
    p = float(within("offence_prob", shooter.offence_prob, 0.0, 1.0))
    most = int(np.floor(lost.cap * per_unit + 0.5))
    shots = np.arange(most + 1)
    # So many shots or fewer are fired if the loss is at least cap - (shots + 1/2) / per_unit.
    edge = lost.cap - (shots[:-1] + 0.5) / max(per_unit, 1e-300)
    fewer = np.concatenate([1.0 - np.asarray(lost.cdf(edge)), [1.0]])
    chance = np.diff(fewer, prepend=0.0)
    hits = stats.binom.pmf(shots[:, None], shots, p)
    return np.asarray(hits @ chance)


def _thinned_hits(shooter: StochasticForce, lost: LossDistribution) -> Floats:
    """Average the shots on target over the survivors, a part of a unit firing thinned shots."""
    per_unit = int(shooter.offence)
    p = float(shooter.offence_prob)
    hits = _shots("units", lost.cap, "offence", per_unit, p, "thinned") * lost.prob_none
    hits[0] += lost.prob_all
    sure = (lost.sds == 0.0) & (lost.means > 0.0) & (lost.means < lost.cap)
    for left, weight in zip(lost.cap - lost.means[sure], lost.weights[sure], strict=True):
        part = _shots("units", left, "offence", per_unit, p, "thinned")
        hits[: part.size] += weight * part
    spread = lost.sds > 0.0
    means, sds, weights = lost.cap - lost.means[spread], lost.sds[spread], lost.weights[spread]
    points, areas = special.roots_legendre(64)
    for full in range(int(np.ceil(lost.cap))):
        # Nine standard deviations are all there is of a normal in double precision.
        low = np.maximum((full - means) / sds, -9.0)
        high = np.minimum((min(full + 1.0, lost.cap) - means) / sds, 9.0)
        some = (low < high) & (weights > 0.0)
        middle, half = 0.5 * (low + high)[some, None], 0.5 * (high - low)[some, None]
        z = middle + half * points
        density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) * half * areas * weights[some, None]
        fraction = np.clip(means[some, None] + sds[some, None] * z - full, 0.0, 1.0)
        chance = stats.binom.pmf(np.arange(per_unit + 1)[:, None, None], per_unit, p * fraction)
        added = np.convolve(_binomial(full * per_unit, p), (chance * density).sum(axis=(1, 2)))
        hits[: added.size] += added
    return hits
