r"""Leakage: what gets through a defence whose shots, layers and magazine are limited.

A leaker is a weapon of the raid that no shot stopped. Saturation of the channels, in time, is
`escalate.theory.saturation`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, sparse, special, stats

from escalate.errors import EscalateError
from escalate.theory._check import Floats, Wholes, refuse, vector, whole, within

__all__ = [
    "BarrageSize",
    "DecoyLeakage",
    "EngagementOutcome",
    "LeakerDistribution",
    "MagazineLeakage",
    "barrage_size",
    "beta_leakers",
    "common_mode_layers",
    "decoy_leakage",
    "independent_layers",
    "leak_prob",
    "magazine_leakage",
    "occupancy_moments",
    "occupancy_pmf",
    "salvo_kill_prob",
    "shoot_look_shoot",
]

# ---------------------------------------------------------------------- layers


@dataclass(frozen=True)
class LeakerDistribution:
    """Leakers of a raid that all face one leak probability, itself one of several by chance."""

    raid: int
    """Weapons that arrive. [weapons]"""

    weights: Floats
    """Chance of each state of the defence, shape (states,). [-]"""

    leak_probs: Floats
    """Chance that a weapon gets through in each state, shape (states,). [-]"""

    @property
    def leak_prob(self) -> float:
        """Chance that a given weapon gets through."""
        return float(self.weights @ self.leak_probs)

    @property
    def mean(self) -> float:
        """Mean number of leakers."""
        return self.raid * self.leak_prob

    @property
    def variance(self) -> float:
        """Variance of the number of leakers."""
        within_state = self.raid * self.leak_probs * (1.0 - self.leak_probs)
        between = (self.raid * (self.leak_probs - self.leak_prob)) ** 2
        return float(self.weights @ (within_state + between))

    @property
    def prob_none(self) -> float:
        """Chance that nothing gets through."""
        return float(self.weights @ np.exp(special.xlog1py(self.raid, -self.leak_probs)))

    def pmf(self, leakers: ArrayLike) -> Floats:
        """Give the chance of so many leakers.

        Parameters
        ----------
        leakers : array_like of int
            Numbers of leakers.

        Returns
        -------
        ndarray
            In the shape of `leakers`. [-]
        """
        count = whole("leakers", leakers)[..., None]
        return np.asarray(stats.binom.pmf(count, self.raid, self.leak_probs) @ self.weights)[()]


def leak_prob(kill_probs: ArrayLike, up_probs: ArrayLike = 1.0) -> Floats:
    r"""Give the chance that one weapon gets through independent layers.

    Parameters
    ----------
    kill_probs : array_like, shape (..., layers)
        Chance that each layer stops the weapon if the layer is up. [-]
    up_probs : array_like, optional
        Chance that each layer is up, weapon by weapon, broadcast like `kill_probs`. [-]

    Returns
    -------
    ndarray, shape (...)

    Raises
    ------
    EscalateError
        If a chance is not between 0 and 1.

    Notes
    -----
    .. math:: \prod_i (1 - u_i p_i)

    Examples
    --------
    >>> round(float(leak_prob([0.6, 0.5, 0.7])), 4)
    0.06
    """
    stops = within("kill_probs", kill_probs, 0.0, 1.0) * within("up_probs", up_probs, 0.0, 1.0)
    return np.asarray(np.prod(1.0 - np.atleast_1d(stops), axis=-1))[()]


def independent_layers(
    raid: int, kill_probs: ArrayLike, up_probs: ArrayLike = 1.0
) -> LeakerDistribution:
    """Give the leakers through layers that fail weapon by weapon.

    Parameters
    ----------
    raid : int
        Weapons that arrive. [weapons]
    kill_probs : array_like, shape (layers,)
        Chance that each layer stops a weapon if the layer is up. [-]
    up_probs : array_like, shape (layers,), optional
        Chance that each layer is up, weapon by weapon. [-]

    Returns
    -------
    LeakerDistribution
        With one state: leakers are binomial.

    Raises
    ------
    EscalateError
        If a chance is not between 0 and 1, or `raid` no whole number.

    Examples
    --------
    >>> leakers = independent_layers(40, [0.6, 0.5, 0.7], [0.95, 0.9, 0.98])
    >>> round(leakers.mean, 4), round(leakers.variance, 4), round(leakers.prob_none, 4)
    (2.9704, 2.7499, 0.0457)
    """
    through = leak_prob(vector("kill_probs", kill_probs), up_probs)
    return LeakerDistribution(int(whole("raid", raid, 0)), np.ones(1), np.atleast_1d(through))


def common_mode_layers(raid: int, kill_probs: ArrayLike, up_probs: ArrayLike) -> LeakerDistribution:
    r"""Give the leakers through layers that are up or down for a whole raid.

    Parameters
    ----------
    raid : int
        Weapons that arrive. [weapons]
    kill_probs : array_like, shape (layers,)
        Chance that each layer stops a weapon while it is up. [-]
    up_probs : array_like, shape (layers,) or ()
        Chance that each layer is up for the raid, one layer apart from the other. [-]

    Returns
    -------
    LeakerDistribution
        With a state for each set of layers that are up, ``2**layers`` of them.

    Raises
    ------
    EscalateError
        If a chance is not between 0 and 1, `raid` no whole number, or there are over 20 layers.

    Notes
    -----
    The mean is that of `independent_layers`; the variance and the chance of no leaker are
    larger, for the weapons of a raid leak together.

    Examples
    --------
    >>> leakers = common_mode_layers(40, [0.6, 0.5, 0.7], [0.95, 0.9, 0.98])
    >>> round(leakers.mean, 4), round(leakers.variance, 4), round(leakers.prob_none, 4)
    (2.9704, 5.2281, 0.0711)
    """
    stops = within("kill_probs", vector("kill_probs", kill_probs), 0.0, 1.0)
    if stops.size > 20:
        refuse("layers <= 20", stops.size, stops.size - 20, "a sum over the states of layers")
    ups = np.broadcast_to(vector("up_probs", up_probs), stops.shape)
    ups = within("up_probs", ups, 0.0, 1.0)
    weights, through = np.ones(1), np.ones(1)
    for stop, up in zip(stops, ups, strict=True):
        weights = np.concatenate([weights * up, weights * (1.0 - up)])
        through = np.concatenate([through * (1.0 - stop), through])
    return LeakerDistribution(int(whole("raid", raid, 0)), weights, through)


# ---------------------------------------------------------------------- doctrine


class BarrageSize(NamedTuple):
    """Shots that let nothing through with the chance asked for."""

    per_target_prob: float
    """Chance with which each weapon must be stopped. [-]"""

    shots_real: float
    """Shots at each that would do if shots came in parts. [shots]"""

    shots: int
    """Whole shots at each. [shots]"""

    interceptors: int
    """Shots at all. [shots]"""

    zero_leak_prob: float
    """Chance that nothing gets through that many. [-]"""


def barrage_size(
    raid: int, zero_leak_prob: float, kill_prob: float, track_prob: float = 1.0
) -> BarrageSize:
    r"""Size a barrage so that nothing of a raid gets through with the chance asked for.

    Parameters
    ----------
    raid : int
        Weapons that arrive, at least 1. [weapons]
    zero_leak_prob : float
        Chance asked for, below 1. [-]
    kill_prob : float
        Chance that one shot stops one tracked weapon, above 0. [-]
    track_prob : float, optional
        Chance that a weapon is tracked at all: all shots at an untracked one are lost. [-]

    Returns
    -------
    BarrageSize

    Raises
    ------
    EscalateError
        If an argument is out of its range, or tracking alone rules the chance out.

    Notes
    -----
    .. math:: K = P_0^{1/W}, \quad
        n = \frac{\ln(1 - K / P_\mathrm{track})}{\ln(1 - k)}

    and :math:`\lceil n \rceil` shots are fired at each of the :math:`W` weapons.

    References
    ----------
    Wilkening, D. A. (1999). A simple model for calculating ballistic missile defense
    effectiveness. Science & Global Security 8, 183-215.

    Examples
    --------
    >>> size = barrage_size(20, 0.8, 0.8, track_prob=0.995)
    >>> size.shots, size.interceptors, round(size.shots_real, 4), round(size.zero_leak_prob, 4)
    (4, 80, 3.1659, 0.8761)
    """
    weapons = int(whole("raid", raid, 1))
    wanted = float(within("zero_leak_prob", zero_leak_prob, 0.0, 1.0, without="high"))
    kill = float(within("kill_prob", kill_prob, 0.0, 1.0, without="low"))
    track = float(within("track_prob", track_prob, 0.0, 1.0, without="low"))
    log_each = math.log(wanted) / weapons if wanted > 0.0 else -math.inf
    each = math.exp(log_each)
    if log_each >= math.log(track):
        refuse("zero_leak_prob**(1 / raid) < track_prob", each, each - track, "any barrage to do")
    # The logarithm of 1 - K / P_track, exact also where the two are all but equal.
    miss = math.log(-math.expm1(log_each - math.log(track)))
    log_survival = math.log1p(-kill) if kill < 1.0 else -math.inf
    real = max(miss / log_survival, 0.0) + 0.0  # no negative zero
    # One shot too many is worse than a chance short by rounding.
    shots = max(math.ceil(real - 1e-9), 1 if wanted > 0.0 else 0)
    log_stop = math.log(-math.expm1(shots * log_survival)) if shots else -math.inf
    return BarrageSize(
        each, real, shots, weapons * shots, math.exp(weapons * (math.log(track) + log_stop))
    )


def salvo_kill_prob(
    kill_prob: ArrayLike, shots: ArrayLike, concentration: ArrayLike = math.inf
) -> Floats:
    r"""Give the chance that at least one of several shots stops a weapon.

    Parameters
    ----------
    kill_prob : array_like
        Mean chance that one shot stops it. [-]
    shots : array_like of int
        Shots fired at it. [shots]
    concentration : array_like, optional
        Sum of the shapes of the beta law of a kill probability that the shots share: it is
        Beta(``kill_prob * concentration, (1 - kill_prob) * concentration``). Infinite, shots
        are independent. [-]

    Returns
    -------
    ndarray
        In the shape that the arguments broadcast to. [-]

    Raises
    ------
    EscalateError
        If `kill_prob` is not between 0 and 1, `shots` no whole number, or `concentration` not
        positive.

    Notes
    -----
    With :math:`p, c` the mean and the concentration,

    .. math:: 1 - \mathrm E (1 - P)^n = 1 - \prod_{i < n} \Bigl(1 - \frac{p}{1 + i/c}\Bigr)

    Examples
    --------
    >>> salvo_kill_prob(0.8, [1, 2, 3], concentration=10).round(4).tolist()
    [0.8, 0.9455, 0.9818]
    >>> salvo_kill_prob(0.8, [1, 2, 3]).round(4).tolist()
    [0.8, 0.96, 0.992]
    """
    count = whole("shots", shots, 0)
    return np.asarray(0.0 - np.expm1(_log_miss(kill_prob, count, concentration)))[()]


def _log_miss(kill_prob: ArrayLike, shots: ArrayLike, concentration: ArrayLike) -> Floats:
    """Give the logarithm of the chance that all of so many shots miss."""
    p = within("kill_prob", kill_prob, 0.0, 1.0)
    inverse = _inverse_concentration(concentration)
    p, inverse, count = np.broadcast_arrays(p, inverse, np.asarray(shots))
    # Shots go along a new last axis; an independent one does as well as any other.
    index = np.arange(count.max(initial=0) if inverse.any() else 0)
    with np.errstate(divide="ignore"):
        each = np.log1p(-p[..., None] / (1.0 + index * inverse[..., None]))
        alone = np.log1p(-p)
    together = np.where(index < count[..., None], each, 0.0).sum(axis=-1)
    independent = np.where(count > 0, np.maximum(count, 1) * alone, 0.0)
    return np.asarray(np.where(inverse > 0.0, together, independent))[()]


def _inverse_concentration(concentration: ArrayLike) -> Floats:
    given = np.asarray(concentration, dtype=float)
    finite = np.where(given == math.inf, 1.0, given)
    checked = within("concentration", finite, 0.0, without="low")
    return np.where(given == math.inf, 0.0, 1.0 / checked)


class EngagementOutcome(NamedTuple):
    """What one weapon costs the defence and how likely it is stopped."""

    kill_prob: Floats
    """Chance that the weapon is stopped. [-]"""

    shots: Floats
    """Mean number of shots fired at it. [shots]"""


def shoot_look_shoot(
    kill_prob: ArrayLike, shots: ArrayLike, concentration: ArrayLike = math.inf
) -> EngagementOutcome:
    r"""Give kill probability and mean shots of a doctrine that looks between salvos.

    Parameters
    ----------
    kill_prob : array_like
        Mean chance that one shot stops the weapon. [-]
    shots : array_like of int, shape (looks,)
        Shots fired at each look, if the weapon is still there: ``[4]`` is a salvo of four,
        ``[1, 1, 1, 1]`` is shoot-look-shoot, ``[1, 3]`` one shot and then, if need be, three.
    concentration : array_like, optional
        Concentration of a beta-distributed kill probability that all shots share, as in
        `salvo_kill_prob`. [-]

    Returns
    -------
    EngagementOutcome
        Each field in the shape that `kill_prob` and `concentration` broadcast to.

    Raises
    ------
    EscalateError
        If an argument is out of its range.

    Notes
    -----
    A look always tells hit from miss. With :math:`q_n` the chance that :math:`n` shots miss,
    :math:`s_l` shots at look :math:`l` and :math:`S_l` before it,

    .. math:: P = 1 - q_{S_L}, \qquad \mathrm E[\text{shots}] = \sum_l s_l q_{S_l}

    Examples
    --------
    >>> salvo, looks = shoot_look_shoot(0.7, [4]), shoot_look_shoot(0.7, [1, 1, 1, 1])
    >>> round(float(salvo.kill_prob), 4), round(float(looks.kill_prob), 4)
    (0.9919, 0.9919)
    >>> round(float(salvo.shots), 3), round(float(looks.shots), 3)
    (4.0, 1.417)
    """
    each = whole("shots", vector("shots", shots), 0)
    fired = np.concatenate([[0], np.cumsum(each)])
    p, c = np.asarray(kill_prob, dtype=float), np.asarray(concentration, dtype=float)
    log_miss = _log_miss(p[..., None], fired, c[..., None])
    return EngagementOutcome(
        np.asarray(0.0 - np.expm1(log_miss[..., -1]))[()],
        np.asarray((each * np.exp(log_miss[..., :-1])).sum(axis=-1))[()],
    )


def beta_leakers(
    raid: int, kill_prob: float, concentration: float, shots: int = 1, up_prob: float = 1.0
) -> LeakerDistribution:
    r"""Give the leakers of a raid whose weapons all face one uncertain kill probability.

    Parameters
    ----------
    raid : int
        Weapons that arrive. [weapons]
    kill_prob : float
        Mean chance that one shot stops one weapon while the layer is up. [-]
    concentration : float
        Sum of the shapes of its beta law, as in `salvo_kill_prob`; may be infinite. [-]
    shots : int, optional
        Shots at each weapon. [shots]
    up_prob : float, optional
        Chance that the layer is up for the raid. [-]

    Returns
    -------
    LeakerDistribution

    Raises
    ------
    EscalateError
        If an argument is out of its range.

    Notes
    -----
    For one shot leakers are beta-binomial. States are the nodes of Gauss-Jacobi quadrature:
    every moment and chance of leakers is a polynomial in the kill probability, of degree
    ``raid * shots`` at most, so they are exact; past a degree of 2,000 chances are all but
    exact, mean and variance exact up to 1,000 shots.

    Examples
    --------
    >>> leakers = beta_leakers(10, 0.8, 10)
    >>> round(leakers.mean, 4), round(leakers.variance, 4), round(leakers.prob_none, 4)
    (2.0, 2.9091, 0.2105)
    """
    weapons, each = int(whole("raid", raid, 0)), int(whole("shots", shots, 0))
    mean = float(within("kill_prob", kill_prob, 0.0, 1.0))
    up = float(within("up_prob", up_prob, 0.0, 1.0))
    inverse = float(_inverse_concentration(concentration))
    if inverse == 0.0 or mean in (0.0, 1.0):
        nodes, weights = np.array([mean]), np.ones(1)
    else:
        degree = max(weapons, 2) * each
        nodes, weights = _beta_nodes(
            mean / inverse, (1.0 - mean) / inverse, min(degree // 2 + 1, 1000)
        )
    leaks = np.exp(special.xlog1py(each, -nodes))
    return LeakerDistribution(weapons, np.append(up * weights, 1.0 - up), np.append(leaks, 1.0))


def _beta_nodes(a: float, b: float, size: int) -> tuple[Floats, Floats]:
    """Give nodes and weights on (0, 1) of Gauss quadrature for a beta law, by Golub and Welsch."""
    # Recurrence of the Jacobi polynomials with exponents b - 1 and a - 1, moved to (0, 1).
    n = np.arange(size, dtype=float)
    s = 2.0 * n + (a + b)
    diagonal = np.full(size, a / (a + b))
    diagonal[1:] = 0.5 + 0.5 * (a - b) * (a + b - 2.0) / (s[1:] * (s[1:] - 2.0))
    n, s = n[1:], s[1:]
    first = a * b / ((a + b) ** 2 * (a + b + 1.0))
    square = n * (n + a - 1.0) * (n + b - 1.0) * (n + a + b - 2.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        square = square / ((s - 1.0) * (s - 2.0) ** 2 * (s - 3.0))
    square[:1] = first
    nodes, vectors = linalg.eigh_tridiagonal(diagonal, np.sqrt(square))
    return np.clip(nodes, 0.0, 1.0), vectors[0] ** 2


# ---------------------------------------------------------------------- magazine

Order: TypeAlias = Literal["weapon", "look"]


class MagazineLeakage(NamedTuple):
    """What gets past a layer that may run out of shots."""

    mean_leakers: float
    """Mean number of leakers. [weapons]"""

    variance_leakers: float
    """Variance of the number of leakers. [weapons^2]"""

    mean_spent: float
    """Mean number of shots spent. [shots]"""

    empty_prob: float
    """Chance that the magazine is empty afterwards. [-]"""

    zero_leak_prob: float
    """Chance that nothing gets through. [-]"""


def magazine_leakage(
    magazine: int,
    kill_prob: float,
    shots: ArrayLike = 1,
    *,
    raid: int | None = None,
    raid_mean: float | None = None,
    order: Order = "weapon",
) -> MagazineLeakage:
    r"""Give the leakage of a raid on a layer with so many shots and no more.

    Parameters
    ----------
    magazine : int
        Shots that all engagements share. [shots]
    kill_prob : float
        Chance that one shot stops one weapon. [-]
    shots : array_like of int, shape () or (looks,)
        Shots at a weapon at each look, as for `shoot_look_shoot`.
    raid : int, optional
        Weapons that arrive, if it is known. [weapons]
    raid_mean : float, optional
        Mean of their Poisson number, if it is not. [weapons]
    order : {"weapon", "look"}, optional
        Who is served first when shots run short: all looks at a weapon before the first at the
        next, or the first look at all weapons before any second.

    Returns
    -------
    MagazineLeakage

    Raises
    ------
    EscalateError
        If an argument is out of its range, or not just one of `raid` and `raid_mean` is given.

    Notes
    -----
    A look with fewer shots left than it calls for fires what is left. The distribution of
    shots left is followed weapon by weapon as a Markov chain, in order "look" look by look
    over all numbers of weapons left, which takes a time of order ``looks * raid**2 * magazine``.

    For a salvo of :math:`k` at each of :math:`W` and a magazine :math:`M` that they divide, it
    is :math:`\mathrm E[(W - E) + E (1-p)^k]` leakers with :math:`E = \min(W, M/k)`; with a
    look after each shot until the magazine is empty, :math:`\mathrm E (W - \mathrm{Bin}(M,
    p))^+`.

    Examples
    --------
    >>> leakage = magazine_leakage(30, 0.75, 2, raid_mean=20)
    >>> round(leakage.mean_leakers, 4), round(leakage.empty_prob, 4)
    (6.1723, 0.8951)
    >>> round(magazine_leakage(30, 0.75, [1, 1], raid_mean=20).mean_leakers, 4)
    1.7839
    """
    left = int(whole("magazine", magazine, 0))
    p = float(within("kill_prob", kill_prob, 0.0, 1.0))
    looks = whole("shots", vector("shots", shots), 0)
    if (raid is None) == (raid_mean is None):
        raise EscalateError("just one of `raid` and `raid_mean` must be given")
    if raid is None:
        expected = float(within("raid_mean", np.asarray(raid_mean), 0.0))
        # So wide that no chance outside counts in double precision.
        first = int(max(expected - 10.0 * math.sqrt(expected), 0.0))
        last = math.ceil(expected + 10.0 * math.sqrt(expected) + 60.0)
        chances = np.asarray(stats.poisson.pmf(np.arange(first, last + 1), expected))
    else:
        first = last = int(whole("raid", raid, 0))
        chances = np.ones(1)
    if order == "weapon":
        by_raid = _weapon_by_weapon(left, p, looks, last)
    elif order == "look":
        by_raid = _look_by_look(left, p, looks, last)
    else:
        raise EscalateError(f"`order` must be 'weapon' or 'look', but it is {order!r}")
    mean, square, rest, empty, none = by_raid[:, first:]
    leakers = float(chances @ mean)
    between = chances @ (mean - leakers) ** 2
    return MagazineLeakage(
        leakers,
        float(chances @ np.maximum(square - mean * mean, 0.0) + between),
        float(chances @ (left - rest)),
        float(chances @ empty),
        float(chances @ none),
    )


def _weapon_by_weapon(magazine: int, p: float, looks: Wholes, most: int) -> Floats:
    """Give mean and mean square of leakers, mean shots left and chances of none, none.

    One column for each raid from 0 to `most` weapons.
    """
    have = np.arange(magazine + 1, dtype=np.int64)
    killed = sparse.csr_array((magazine + 1, magazine + 1))
    spent: Wholes = np.zeros_like(have)
    for look in looks[looks > 0]:
        now: Wholes = np.minimum(look, have - spent)
        if _power(1.0 - p, spent)[now > 0].max(initial=0.0) < 1e-30:
            break  # no weapon ever gets here
        chance = _power(1.0 - p, spent) * (1.0 - _power(1.0 - p, now))
        spent = spent + now
        killed = killed + _moves(chance, have, have - spent)
    leaked_chance = _power(1.0 - p, spent)
    leaked = _moves(leaked_chance, have, have - spent)
    # What a weapon costs from a magazine, given what the rest of the raid costs from what it
    # leaves: values for one more weapon from those for one fewer, for all magazines at once.
    mean, square = np.zeros(magazine + 1), np.zeros(magazine + 1)
    rest, empty, none = have.astype(float), (have == 0).astype(float), np.ones(magazine + 1)
    value = np.array([mean, square, rest, empty, none])
    columns = [value[:, -1]]
    either = killed + leaked
    for _ in range(most):
        mean, square = value[:2]
        value = np.vstack(
            [
                either @ mean + leaked_chance,
                either @ square + leaked @ (2.0 * mean) + leaked_chance,
                either @ value[2],
                either @ value[3],
                killed @ value[4],
            ]
        )
        columns.append(value[:, -1])
    return np.array(columns).T


def _power(base: float, exponent: Wholes) -> Floats:
    return np.asarray(np.power(base, exponent))


def _moves(chance: Floats, start: Wholes, end: Wholes) -> sparse.csr_array:
    size = start.size
    return sparse.csr_array((chance, (start, end)), shape=(size, size))


def _look_by_look(magazine: int, p: float, looks: Wholes, most: int) -> Floats:
    """Give what `_weapon_by_weapon` gives, all weapons being shot at before any is again."""
    have = np.arange(magazine + 1, dtype=np.int64)
    there = np.arange(most + 1)
    # Values at the end, by weapons through and shots left; then backwards, look by look.
    value = np.empty((5, most + 1, magazine + 1))
    value[0], value[1] = there[:, None], there[:, None] ** 2.0
    value[2], value[3], value[4] = have, have == 0, (there == 0)[:, None]
    for look in looks[looks > 0][::-1]:
        before = np.empty_like(value)
        before[:, 0] = value[:, 0]
        for weapons in there[1:]:
            full = np.minimum(weapons, have // look)
            part = np.where(full < weapons, have - full * look, 0)
            left = have - full * look - part
            some = 1.0 - _power(1.0 - p, part)
            gone = np.arange(weapons + 1)[:, None]
            hits = stats.binom.pmf(gone, full, 1.0 - (1.0 - p) ** float(look))
            chance = hits * (1.0 - some)
            chance[1:] += hits[:-1] * some
            before[:, weapons] = np.einsum("km,fkm->fm", chance, value[:, weapons - gone, left])
        value = before
    return np.asarray(value[:, :, -1])


# ---------------------------------------------------------------------- overkill


def occupancy_moments(
    targets: ArrayLike, leakers: ArrayLike, hit_prob: ArrayLike = 1.0
) -> tuple[Floats, Floats]:
    r"""Give mean and variance of how many targets are hit by leakers that pick them at random.

    Parameters
    ----------
    targets : array_like of int
        Targets, at least 1.
    leakers : array_like of int
        Leakers, each on a target of its own choice, all alike. [weapons]
    hit_prob : array_like, optional
        Chance that a leaker hits the target it is on. [-]

    Returns
    -------
    tuple of ndarray
        Mean and variance of the number of targets hit at least once, in the shape that the
        arguments broadcast to.

    Raises
    ------
    EscalateError
        If an argument is out of its range.

    Notes
    -----
    With :math:`x = d/m` the chance that a leaker hits a given target,

    .. math:: \mathrm E = m (1 - (1-x)^n), \quad
        \mathrm{Var} = m(m-1)(1-2x)^n + m(1-x)^n - m^2(1-x)^{2n}

    summed in a way that loses no digits where there are many targets.

    Examples
    --------
    >>> mean, variance = occupancy_moments(12, 9)
    >>> round(float(mean), 4), round(float(variance), 4)
    (6.5162, 0.9939)
    """
    m = whole("targets", targets, 1).astype(float)
    n = whole("leakers", leakers, 0).astype(float)
    x = within("hit_prob", hit_prob, 0.0, 1.0) / m
    spared = special.xlog1py(n, -x)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Ratios to the chance that a target is spared of the chance that two are.
        both = special.xlog1py(n, -x / (1.0 - x))
        square = special.xlog1py(n, -((x / (1.0 - x)) ** 2))
        a = np.exp(spared)
        variance = m * a * -np.expm1(both) + (m * a) ** 2 * np.expm1(square)
    variance = np.where(m == 1.0, a * (0.0 - np.expm1(spared)), np.maximum(variance, 0.0))
    return np.asarray(m * (0.0 - np.expm1(spared)))[()], np.asarray(variance)[()]


def occupancy_pmf(targets: int, leakers: int, hit_prob: float = 1.0) -> Floats:
    """Give the distribution of how many targets are hit by leakers that pick them at random.

    Parameters
    ----------
    targets, leakers, hit_prob
        As for `occupancy_moments`, single numbers.

    Returns
    -------
    ndarray, shape (min(targets, leakers) + 1,)
        Chance of each number of targets hit at least once. [-]

    Raises
    ------
    EscalateError
        If an argument is out of its range.

    Notes
    -----
    Leaker by leaker: with `k` targets hit, the next hits a new one with chance
    ``hit_prob * (targets - k) / targets``. No alternating sum, so no digits are lost.

    Examples
    --------
    >>> occupancy_pmf(3, 2).round(4).tolist()
    [0.0, 0.3333, 0.6667]
    """
    m, n = int(whole("targets", targets, 1)), int(whole("leakers", leakers, 0))
    d = float(within("hit_prob", hit_prob, 0.0, 1.0))
    hit = np.arange(min(m, n) + 1)
    new = d * (m - hit) / m
    old = 1.0 - d + d * hit / m
    pmf: Floats = (hit == 0).astype(float)
    for _ in range(n):
        grown = pmf[:-1] * new[:-1]
        pmf = pmf * old
        pmf[1:] += grown
    return pmf


# ---------------------------------------------------------------------- decoys


class DecoyLeakage(NamedTuple):
    """What gets through a defence that also shoots at decoys."""

    mean_leakers: float
    """Mean number of real weapons that get through. [weapons]"""

    variance_leakers: float
    """Variance of that number. [weapons^2]"""

    zero_leak_prob: float
    """Chance that no real weapon gets through. [-]"""

    mean_engaged: float
    """Mean number of objects engaged, real or not. [objects]"""


def decoy_leakage(
    real: int,
    decoys: int,
    capacity: int,
    kill_prob: float,
    *,
    real_prob: float = 1.0,
    decoy_prob: float = 1.0,
    engage_rest: bool = False,
) -> DecoyLeakage:
    r"""Give the real leakers of a raid of weapons and decoys that a defence cannot all engage.

    Parameters
    ----------
    real, decoys : int
        Weapons and decoys that arrive. [objects]
    capacity : int
        Objects that the defence can engage, in channels or in salvos. [objects]
    kill_prob : float
        Chance that an engagement stops a weapon; for a salvo see `salvo_kill_prob`. [-]
    real_prob, decoy_prob : float, optional
        Chance that a weapon, and that a decoy, is taken for a weapon. Both 1 is no
        discrimination; 1 and 0 is a perfect one. [-]
    engage_rest : bool, optional
        Whether capacity that is left over goes to what was taken for decoys.

    Returns
    -------
    DecoyLeakage

    Raises
    ------
    EscalateError
        If an argument is out of its range.

    Notes
    -----
    Of the objects taken for weapons the defence engages as many as it can, all equally likely.
    Given that :math:`X` weapons and :math:`Y` decoys are taken for weapons, weapons engaged
    are hypergeometric with mean :math:`X \min\{1, C / (X + Y)\}`; without discrimination the
    mean leakage is :math:`R (1 - p \min\{1, C / (R + D)\})`.

    Examples
    --------
    >>> round(decoy_leakage(10, 30, 20, 0.8).mean_leakers, 4)
    6.0
    >>> round(decoy_leakage(10, 30, 20, 0.8, decoy_prob=0.0).mean_leakers, 4)
    2.0
    """
    weapons, others = int(whole("real", real, 0)), int(whole("decoys", decoys, 0))
    most = int(whole("capacity", capacity, 0))
    p = float(within("kill_prob", kill_prob, 0.0, 1.0))
    seen_prob = float(within("real_prob", real_prob, 0.0, 1.0))
    taken_prob = float(within("decoy_prob", decoy_prob, 0.0, 1.0))
    x, y = np.ogrid[: weapons + 1, : others + 1]
    chance = stats.binom.pmf(x, weapons, seen_prob) * stats.binom.pmf(y, others, taken_prob)
    shot = np.minimum(x + y, most)
    engaged, spread, every = _drawn(x, y, shot)
    if engage_rest:
        more = np.minimum(most - shot, weapons + others - x - y)
        also, spread_also, every_also = _drawn(weapons - x, others - y, more)
        # Only one of the two is ever in doubt: the rest is shot at once all else has been.
        engaged, spread, every = engaged + also, spread + spread_also, every * every_also
        shot = shot + more
    else:
        every = every * (x == weapons)
    mean = float((chance * engaged).sum())
    variance = float((chance * (spread + (engaged - mean) ** 2)).sum())
    return DecoyLeakage(
        weapons - p * mean,
        p * (1.0 - p) * mean + p * p * variance,
        float((chance * every).sum()) * p**weapons,
        float((chance * shot).sum()),
    )


def _drawn(good: Wholes, bad: Wholes, draws: Wholes) -> tuple[Floats, Floats, Floats]:
    """Give mean and variance of good ones among so many drawn, and the chance that all are."""
    total = good + bad
    safe = np.maximum(total, 1)
    mean = draws * (good / safe)
    variance = mean * (bad / safe) * ((total - draws) / np.maximum(total - 1, 1))
    return mean, variance, np.asarray(stats.hypergeom.pmf(good, safe, good, draws))
