"""Stocks, production and tempo between events, evaluated only when an event needs them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from escalate._compile import law

__all__ = [
    "damage_hours",
    "launch_limit",
    "made",
    "next_tempo_hours",
    "part_left",
    "tempo_hazard",
    "whole_rounds",
]


@law
def damage_hours(damage_share: float, elapsed_hours: float, repair_hours: float) -> float:
    """Integral of a damage that is being repaired.

    Parameters
    ----------
    damage_share : float
        Damage at the start. [-]
    elapsed_hours : float
        Time since. [h]
    repair_hours : float
        Mean time to repair; infinite for none. [h]

    Returns
    -------
    float
        [h]

    Notes
    -----
    The integral of D exp(-s/r) from 0 to t is D r (1 - exp(-t/r)).
    """
    if damage_share <= 0.0:
        return 0.0
    if repair_hours == math.inf:
        return damage_share * elapsed_hours
    return damage_share * repair_hours * (1.0 - math.exp(-elapsed_hours / repair_hours))


@law
def made(
    production_per_hour: float,
    resupply_per_hour: float,
    elapsed_hours: float,
    at_risk_share: float,
    lost_hours: float,
) -> float:
    """Give the rounds made and supplied over a time, before rounding to whole ones.

    Parameters
    ----------
    production_per_hour, resupply_per_hour : float
        Own production undamaged, and supply from outside. [weapons/h]
    elapsed_hours : float
        Time. [h]
    at_risk_share : float
        Part of production that destroyed industry takes. [-]
    lost_hours : float
        Integral of the damage to industry over that time. [h]

    Returns
    -------
    float
        [weapons]
    """
    working = elapsed_hours - at_risk_share * lost_hours
    return production_per_hour * max(working, 0.0) + resupply_per_hour * elapsed_hours


@law
def whole_rounds(progress: float) -> int:
    """Give the rounds that are finished, out of a count with a fraction.

    Parameters
    ----------
    progress : float
        Rounds made, the last one in part. [weapons]

    Returns
    -------
    int
        Its whole part. A billionth is let go, so that 24 hours at 10 a day give 10.
    """
    return math.floor(progress + 1e-9)


@law
def part_left(count: int, at_risk_share: float, damage_share: float) -> int:
    """Channels, or launchers, that damage leaves working.

    Parameters
    ----------
    count : int
        All of them.
    at_risk_share : float
        Part that total damage takes. [-]
    damage_share : float
        Damage. [-]

    Returns
    -------
    int
        Rounded to whole ones, halves up: repair never quite ends, and were all parts rounded
        down, a trace of damage would take a whole channel for many times the repair time.
    """
    return whole_rounds(count * (1.0 - at_risk_share * damage_share) + 0.5)


@law
def launch_limit(launchers: int, waves: int, at_risk_share: float, damage_share: float) -> int:
    """Most weapons of a kind that one strike can launch.

    Parameters
    ----------
    launchers : int
        Weapons that can leave in one wave; negative for any number. [weapons]
    waves : int
        Waves of the strike.
    at_risk_share, damage_share : float
        Part of launchers that total damage to military sites takes, and the damage. [-]

    Returns
    -------
    int
        Negative for any number. [weapons]
    """
    if launchers < 0:
        return -1
    return part_left(launchers, at_risk_share, damage_share) * waves


@law
def next_tempo_hours(
    now: float,
    hazard: float,
    rate_per_hour: float,
    side: int,
    deadline_side: Sequence[int],
    deadline_at: Sequence[float],
    deadline_lead: Sequence[float],
    deadline_factor: Sequence[float],
) -> float:
    """Time of the next routine strike, of a Poisson process whose rate rises to deadlines.

    Parameters
    ----------
    now : float
        Time of the last one. [h]
    hazard : float
        Standard exponential draw. [-]
    rate_per_hour : float
        Rate away from deadlines. [1/h]
    side : int
        Whose tempo.
    deadline_side, deadline_at, deadline_lead, deadline_factor : sequence
        All deadlines: whose, when [h], lead [h], factor [-].

    Returns
    -------
    float
        Infinite at rate 0. [h]

    Notes
    -----
    The rate is r (1 + sum of (f - 1) (t - a) / lead over the deadlines with a < t <= a + lead),
    piecewise linear; its integral is inverted piece by piece, so that a deadline changes
    nothing before its lead begins.
    """
    if rate_per_hour <= 0.0:
        return math.inf
    left = hazard / rate_per_hour
    if left == math.inf:  # at a rate so small that its inverse is out of range
        return math.inf
    at = now
    while True:
        level = 1.0
        slope = 0.0
        stop = math.inf
        for k in range(len(deadline_at)):
            if deadline_side[k] != side:
                continue
            begin = deadline_at[k] - deadline_lead[k]
            if at < begin:
                stop = min(stop, begin)
            elif at < deadline_at[k]:
                rise = (deadline_factor[k] - 1.0) / deadline_lead[k]
                level = level + rise * (at - begin)
                slope = slope + rise
                stop = min(stop, deadline_at[k])
        if slope == 0.0:
            step = left / level
        else:
            # The root of slope/2 x^2 + level x = left in the form that loses no digits.
            step = 2.0 * left / (level + math.sqrt(level * level + 2.0 * slope * left))
        if at + step <= stop:
            return at + step
        step = stop - at
        left = left - (level * step + 0.5 * slope * step * step)
        at = stop


@law
def tempo_hazard(
    begin: float,
    end: float,
    rate_per_hour: float,
    side: int,
    deadline_side: Sequence[int],
    deadline_at: Sequence[float],
    deadline_lead: Sequence[float],
    deadline_factor: Sequence[float],
) -> float:
    """Integral of the rate of routine strikes over a time.

    Parameters
    ----------
    begin, end : float
        From when to when. [h]
    rate_per_hour, side, deadline_side, deadline_at, deadline_lead, deadline_factor
        As for `next_tempo_hours`, whose inverse this is.

    Returns
    -------
    float
        Strikes to be expected. [-]

    Notes
    -----
    r (T + sum of (f - 1) (x1^2 - x0^2) / (2 lead)), x0 and x1 being how far into a deadline's
    lead the time begins and ends.
    """
    hours = end - begin
    for k in range(len(deadline_at)):
        if deadline_side[k] == side:
            start = deadline_at[k] - deadline_lead[k]
            x0 = min(max(begin - start, 0.0), deadline_lead[k])
            x1 = min(max(end - start, 0.0), deadline_lead[k])
            rise = (deadline_factor[k] - 1.0) / deadline_lead[k]
            hours = hours + 0.5 * rise * (x1 - x0) * (x1 + x0)
    return rate_per_hour * hours
