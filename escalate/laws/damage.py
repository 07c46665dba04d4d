"""What weapons that get through do: to sites, to the grid and to people."""

from __future__ import annotations

import math

from escalate._compile import law

__all__ = ["casualties_mean", "hours_above", "remaining", "struck"]


@law
def struck(damage_share: float, hit_share: float) -> float:
    """Damage of a site after one more hit.

    Parameters
    ----------
    damage_share : float
        Damage before. [-]
    hit_share : float
        Part of what is still intact that a hit destroys. [-]

    Returns
    -------
    float
        In [damage_share, 1]. [-]

    Notes
    -----
    d' = d + (1 - d) h. Hits fall on the sites of a target at random, so overkill is the
    occupancy law when h = 1.
    """
    return damage_share + (1.0 - damage_share) * hit_share


@law
def remaining(damage: float, elapsed_hours: float, repair_hours: float) -> float:
    """Damage that repair has left.

    Parameters
    ----------
    damage : float
        Damage at the start.
    elapsed_hours : float
        Time since. [h]
    repair_hours : float
        Mean time to repair; infinite for none. [h]

    Returns
    -------
    float
        Unit of `damage`.

    Notes
    -----
    D exp(-t/r).
    """
    if damage <= 0.0 or elapsed_hours == 0.0 or repair_hours == math.inf:
        return damage
    return damage * math.exp(-elapsed_hours / repair_hours)


@law
def hours_above(damage: float, level: float, repair_hours: float) -> float:
    """Time until repair brings a damage down to a level.

    Parameters
    ----------
    damage, level : float
        Damage now, and the level.
    repair_hours : float
        Mean time to repair; infinite for none. [h]

    Returns
    -------
    float
        0 if it is there already, infinite if it never gets there. [h]

    Notes
    -----
    r log(D / level).
    """
    if damage <= level:
        return 0.0
    if level <= 0.0 or repair_hours == math.inf:
        return math.inf
    return repair_hours * math.log(damage / level)


@law
def casualties_mean(hits: int, per_hit: float, lethality: float, severity: float) -> float:
    """Mean of the Poisson number of people killed, or injured, by hits on one target.

    Parameters
    ----------
    hits : int
        Weapons that got through.
    per_hit : float
        Mean per hit of lethality 1. [people]
    lethality : float
        Of the weapon. [-]
    severity : float
        Factor common to a whole strike, of mean 1. [-]

    Returns
    -------
    float
        [people]

    Notes
    -----
    With a gamma severity of shape k a strike's casualties, given its hits, are negative
    binomial with size k, and its killed and injured are correlated.
    """
    return hits * per_hit * lethality * severity
