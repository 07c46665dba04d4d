"""How a wanted size becomes counts per weapon, and weapons become weapons at targets.

A policy fills `out` with whole counts: never more of a weapon than is to spare, in all as
many as wanted if so many are there, none of a weapon of weight 0. A user's own policy is a
plain function with the same signature.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence, Sequence

from escalate._compile import law
from escalate.randomness import gamma, poisson, uniform

__all__ = [
    "allocate",
    "cheapest_first",
    "drones_and_decoys_first",
    "equal_share",
    "proportional",
    "spread",
    "wanted_size",
]


_DRONES_AND_DECOYS = 1 << 0 | 1 << 4


@law
def _held(
    spare: Sequence[int], weights: Sequence[float], categories: Sequence[int], category: int
) -> float:
    """Add up what is to spare of a category, times weight."""
    held = 0.0
    for w in range(len(spare)):
        if categories[w] == category:
            held = held + float(spare[w]) * weights[w]
    return held


@law
def _share(
    w: int,
    spare: Sequence[int],
    weights: Sequence[float],
    categories: Sequence[int],
    chosen: int,
    evenly: bool,
) -> float:
    """Give a weapon's share: what is to spare times weight, `evenly` as a part of its category's.

    It is -1 for a weapon that has none, or is of none of the categories in the mask `chosen`; 0 is
    a share too small for a number, which is still served when the others have run out.
    """
    if (chosen >> categories[w]) & 1 == 0 or spare[w] <= 0 or weights[w] <= 0.0:
        return -1.0
    share = float(spare[w]) * weights[w]
    if evenly:
        share = share / _held(spare, weights, categories, categories[w])
    return share


@law
def _fill(
    wanted: int,
    spare: Sequence[int],
    weights: Sequence[float],
    categories: Sequence[int],
    chosen: int,
    evenly: bool,
    out: MutableSequence[int],
) -> int:
    """Put `wanted` into `out`, all of them of the categories in the mask `chosen`.

    Each round goes to the weapon with the largest share per round given (Webster's rule), so
    that the counts are the proportional ones rounded, and a weapon that runs out hands on to the
    others. Returns how many found no place.
    """
    total = 0.0
    kinds = 0
    for w in range(len(spare)):
        share = _share(w, spare, weights, categories, chosen, evenly)
        if share >= 0.0:
            total = total + share
            kinds = kinds + 1
    left = wanted
    sure = wanted - 0.5 * kinds
    if sure > 0.0 and 0.0 < total < math.inf:
        # Rounds whose claim is no less than total / (2 sure) are at most as many as wanted, so
        # that all these have a place.
        for w in range(len(spare)):
            share = _share(w, spare, weights, categories, chosen, evenly)
            if share >= 0.0:
                out[w] = min(int(share / total * sure + 0.5), spare[w])
                left = left - out[w]
    while left > 0:
        best = -1
        most = -1.0
        for w in range(len(spare)):
            if spare[w] > out[w]:
                share = _share(w, spare, weights, categories, chosen, evenly)
                claim = share / (2.0 * out[w] + 1.0)
                if share >= 0.0 and claim > most:
                    most = claim
                    best = w
        if best < 0:
            return left
        out[best] = out[best] + 1
        left = left - 1
    return 0


@law
def proportional(
    wanted: int,
    spare: Sequence[int],
    weights: Sequence[float],
    costs: Sequence[float],
    categories: Sequence[int],
    out: MutableSequence[int],
) -> None:
    """Use weapons in proportion to what is to spare of them, times their weight.

    Parameters
    ----------
    wanted : int
        Size of the strike. [weapons]
    spare : sequence of int
        What may be launched, by weapon. [weapons]
    weights : sequence of float
        The plan's weights. [-]
    costs : sequence of float
        Unit costs. [USD]
    categories : sequence of int
        Category numbers.
    out : sequence of int, changed in place
        Zeros on entry; the counts on return. [weapons]
    """
    _fill(wanted, spare, weights, categories, -1, False, out)


@law
def cheapest_first(
    wanted: int,
    spare: Sequence[int],
    weights: Sequence[float],
    costs: Sequence[float],
    categories: Sequence[int],
    out: MutableSequence[int],
) -> None:
    """Use the cheapest weapon until there is none to spare, then the next.

    Parameters are those of `proportional`.
    """
    left = wanted
    while left > 0:
        best = -1
        for w in range(len(spare)):
            if weights[w] > 0.0 and spare[w] > out[w] and (best < 0 or costs[w] < costs[best]):
                best = w
        if best < 0:
            return
        take = min(left, spare[best] - out[best])
        out[best] = out[best] + take
        left = left - take


@law
def drones_and_decoys_first(
    wanted: int,
    spare: Sequence[int],
    weights: Sequence[float],
    costs: Sequence[float],
    categories: Sequence[int],
    out: MutableSequence[int],
) -> None:
    """Exhaust the defence: drones and decoys as far as they go, the rest in proportion.

    Parameters are those of `proportional`.
    """
    left = _fill(wanted, spare, weights, categories, _DRONES_AND_DECOYS, False, out)
    _fill(left, spare, weights, categories, ~_DRONES_AND_DECOYS, False, out)


@law
def equal_share(
    wanted: int,
    spare: Sequence[int],
    weights: Sequence[float],
    costs: Sequence[float],
    categories: Sequence[int],
    out: MutableSequence[int],
) -> None:
    """Use as many of each category, and within one in proportion to what is to spare.

    Parameters are those of `proportional`.
    """
    _fill(wanted, spare, weights, categories, -1, True, out)


@law
def allocate(
    policy: int,
    wanted: int,
    spare: Sequence[int],
    weights: Sequence[float],
    costs: Sequence[float],
    categories: Sequence[int],
    out: MutableSequence[int],
) -> None:
    """Apply the built-in policy of that number; parameters are those of `proportional`."""
    if policy == 0:
        proportional(wanted, spare, weights, costs, categories, out)
    elif policy == 1:
        cheapest_first(wanted, spare, weights, costs, categories, out)
    elif policy == 2:
        drones_and_decoys_first(wanted, spare, weights, costs, categories, out)
    else:
        equal_share(wanted, spare, weights, costs, categories, out)


@law
def spread(count: int, weights: Sequence[float], u: float, out: MutableSequence[int]) -> None:
    """Spread weapons over targets in proportion to weights, rounding by one draw.

    Parameters
    ----------
    count : int
        Weapons. [weapons]
    weights : sequence of float
        Weights of the targets, at least one above 0. [-]
    u : float
        Uniform draw. [-]
    out : sequence of int, changed in place
        The counts. [weapons]

    Notes
    -----
    Systematic sampling: floor(n W_j + u) - floor(n W_(j-1) + u) with W the running share, so
    each mean is exact and no count is off by one or more.
    """
    total = 0.0
    last = -1
    for j in range(len(weights)):
        total = total + weights[j]
        if weights[j] > 0.0:
            last = j
    share = count / total
    running = 0.0
    placed = 0
    for j in range(len(weights)):
        running = running + weights[j]
        upto = count if j >= last else min(int(running * share + u), count)
        out[j] = upto - placed
        placed = upto


@law
def wanted_size(key0: int, key1: int, stream: int, mean: float, dispersion: float) -> int:
    """Draw how many weapons a strike is meant to have.

    Parameters
    ----------
    key0, key1, stream : int
        The run and the stream of this strike.
    mean : float
        Mean. [weapons]
    dispersion : float
        Size parameter k of the negative binomial; 0 for none. [-]

    Returns
    -------
    int
        0 for no strike. [weapons]

    Notes
    -----
    Without dispersion `mean`, its fraction rounded up with that chance, so that an answer of 0.3
    weapons is one in three cases of ten; else Poisson with a gamma mean of shape k, whose
    variance is mean + mean^2 / k. Both have `mean` as their mean.
    """
    mean = min(mean, 1e9)
    if dispersion > 0.0:
        mean = mean * gamma(key0, key1, stream, dispersion) / dispersion
        return poisson(key0, key1, stream ^ 1, 0, min(mean, 1e9))
    whole = int(mean)
    if mean > whole and uniform(key0, key1, stream, 0) < mean - whole:
        whole = whole + 1
    return whole
