"""Single laws said again as plainly as can be, and how far chance may carry a simulation.

Nothing here is fast, and nothing shares its way of working with what it checks.

Every comparison with chance allows four standard errors to either side, which a right law
oversteps with probability 6e-5 each. Seeds are fixed, so what passes once goes on passing.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numba
import numpy as np

ERRORS = 4.0
"""Standard errors that a simulated mean may lie off."""


def runs(count):
    """Give how many runs to simulate: a tenth where nothing is compiled."""
    return max(count // 10, 100) if numba.config.DISABLE_JIT else count


def assert_mean(sample, mean, variance=None):
    """Compare a sample's mean with what it must be, by the exact variance if it is known."""
    sample = np.asarray(sample, dtype=float)
    spread = sample.var(ddof=1) if variance is None else variance
    error = math.sqrt(spread / len(sample))
    assert abs(sample.mean() - mean) <= ERRORS * error, (sample.mean(), mean, error)


def assert_variance(sample, mean, variance, fourth):
    """Compare the mean square off a known mean; `fourth` is the exact fourth central moment."""
    squares = (np.asarray(sample, dtype=float) - mean) ** 2
    assert_mean(squares, variance, fourth - variance * variance)


def assert_share(hits, prob):
    """Compare how often something happened with its probability."""
    assert_mean(hits, prob, prob * (1.0 - prob))


def moments(values, probs):
    """Give mean, variance and fourth central moment of a finite distribution."""
    values, probs = np.asarray(values, dtype=float), np.asarray(probs, dtype=float)
    mean = float(probs @ values)
    off = values - mean
    return mean, float(probs @ off**2), float(probs @ off**4)


def fight(raids, channels, looks, cycle, kills, tracked, *, completed=False, magazine=None):
    """Fight raids through one layer, moment by moment.

    Channels are servers, weapons wait in one line. At every moment at which something ends
    or arrives, finished looks are judged first, then arrivals join the line, then idle
    channels take weapons from its head, dropping those whose time is up.

    `raids` holds (time, count, window) in order; `cycle(i, look)` is the length of a look at
    weapon i, `kills(i, look, shots)` whether it kills, `tracked(i)` whether anything can.
    Returns (stopped, spent, unengaged) a raid. Shots are taken when a look begins.
    """
    servers = [None] * channels  # None, or a weapon with its look and that look's end
    line = []
    totals = [[0, 0, 0] for _ in raids]
    arrivals = []
    for raid, (at, count, window) in enumerate(raids):
        for _ in range(count):
            weapon = {"id": len(arrivals), "raid": raid, "deadline": at + window, "met": False}
            arrivals.append((at, weapon))
    left = [math.inf if magazine is None else magazine]

    def try_look(weapon, look, now):
        """Begin a look if there is time and a shot for it."""
        if look == len(looks) or now > weapon["deadline"] or left[0] == 0:
            return None
        end = now + cycle(weapon["id"], look)
        if completed and end > weapon["deadline"]:
            return None
        weapon["met"] = True
        shots = min(looks[look], left[0])
        left[0] -= shots
        totals[weapon["raid"]][1] += shots
        return {"weapon": weapon, "look": look, "shots": shots, "end": end}

    while arrivals or line or any(servers):
        moments_due = [job["end"] for job in servers if job]
        if arrivals:
            moments_due.append(arrivals[0][0])
        if not moments_due:  # no channel will ever come free
            break
        now = min(moments_due)
        for s in range(channels):
            while servers[s] and servers[s]["end"] <= now:
                job = servers[s]
                weapon = job["weapon"]
                if tracked(weapon["id"]) and kills(weapon["id"], job["look"], job["shots"]):
                    totals[weapon["raid"]][0] += 1
                    servers[s] = None
                else:
                    servers[s] = try_look(weapon, job["look"] + 1, now)
        while arrivals and arrivals[0][0] <= now:
            line.append(arrivals.pop(0)[1])
        while line and None in servers:
            weapon = line.pop(0)
            job = try_look(weapon, 0, now)
            if job is None:
                totals[weapon["raid"]][2] += 1
            else:
                servers[servers.index(None)] = job
    for weapon in line:
        totals[weapon["raid"]][2] += 1
    return [tuple(total) for total in totals]


def webster(wanted, spare, shares):
    """Write down every unit's claim, share over 1, 3, 5, ..., and serve the largest."""
    claims = [
        (-shares[w] / (2.0 * unit + 1.0), w)
        for w in range(len(spare))
        for unit in range(spare[w])
        if shares[w] > 0.0
    ]
    out = [0] * len(spare)
    for _, w in sorted(claims)[: max(wanted, 0)]:
        out[w] += 1
    return out


def one_by_one(wanted, spare, weights, costs):
    """Launch one weapon at a time, always the cheapest that is left."""
    out = [0] * len(spare)
    for _ in range(wanted):
        there = [(costs[w], w) for w in range(len(spare)) if spare[w] > out[w] and weights[w] > 0]
        if there:
            out[min(there)[1]] += 1
    return out


def systematic(count, weights, u):
    """Lay targets end to end on a line and let weapon k fall at (k - u) / count of it."""
    total = sum(Fraction(w) for w in weights)
    out = [0] * len(weights)
    for k in range(1, count + 1):
        at = (k - Fraction(u)) / count * total
        end = Fraction(0)
        for j, weight in enumerate(weights):
            end += Fraction(weight)
            if at <= end and weight > 0:
                out[j] += 1
                break
    return out


def tempo_hazard(begin, end, rate, deadlines):
    """Integrate the tempo from one time to another; `deadlines` holds (at, lead, factor)."""

    def tempo(t):
        extra = 0.0
        for at, lead, factor in deadlines:
            if at - lead < t <= at:
                extra += (factor - 1.0) * (t - (at - lead)) / lead
        return rate * (1.0 + extra)

    corners = {begin, end}
    for at, lead, _ in deadlines:
        corners |= {t for t in (at - lead, at) if begin < t < end}
    steps = sorted(corners)
    # Between corners the tempo is a straight line, whose mean is its value half way.
    return sum((b - a) * tempo(0.5 * (a + b)) for a, b in itertools.pairwise(steps))


def area(curve, end, scale):
    """Integrate from 0 a curve that falls off over a scale, by midpoints of many short steps."""
    steps = [0.0, *np.minimum(scale * np.geomspace(1e-3, 1e3, 4001), end).tolist(), end]
    return sum((b - a) * curve(0.5 * (a + b)) for a, b in itertools.pairwise(steps))


def hours_covered(alerts):
    """Count the hours in which any alert is on; starts and ends are whole hours."""
    covered = set()
    for start, end in alerts:
        covered |= set(range(start, end))
    return len(covered)
