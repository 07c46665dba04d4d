"""Damage and harm: closed forms and the occupancy law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalate.laws.damage import casualties_mean, hours_above, remaining, struck
from escalate.randomness import gamma, poisson, uniform
from tests.naive import assert_mean, assert_variance, moments, runs

share = st.floats(0.0, 1.0)
hours = st.floats(0.0, 1e5)
repair = st.floats(1e-2, 1e5)


@pytest.mark.parametrize(
    ("damage_share", "hit_share", "expected"),
    [
        (0.0, 0.0, 0.0),
        (0.0, 0.3, 0.3),
        (0.5, 0.5, 0.75),
        (0.25, 1.0, 1.0),
        (1.0, 0.7, 1.0),
    ],
)
def test_a_hit_destroys_part_of_what_is_intact(damage_share, hit_share, expected):
    assert struck(damage_share, hit_share) == expected


@given(share, share)
def test_damage_never_falls_and_never_passes_a_whole_site(damage_share, hit_share):
    assert damage_share <= struck(damage_share, hit_share) <= 1.0


@given(st.lists(share, max_size=20))
def test_what_is_intact_after_hits_is_the_product_of_what_each_leaves(hits):
    damage_share = 0.0
    for hit_share in hits:
        damage_share = struck(damage_share, hit_share)
    assert 1.0 - damage_share == pytest.approx(math.prod(1.0 - h for h in hits), abs=1e-12)


# Distinct targets hit by leakers that land at random. Classical occupancy law,
# mean m(1-(1-1/m)^n), variance m(m-1)(1-2/m)^n + m(1-1/m)^n - m^2(1-1/m)^2n, for m = 12 and
# n = 9; evaluated independently, August 2026.
OCCUPANCY = {"targets": 12, "leakers": 9, "mean": 6.516167285874421, "variance": 0.9938958073632449}


def occupied(targets, leakers):
    """Give the distribution of the number of targets hit, by adding one leaker at a time."""
    probs = np.zeros(targets + 1)
    probs[0] = 1.0
    for _ in range(leakers):
        hit = np.arange(targets + 1) / targets
        probs = probs * hit + np.concatenate(([0.0], (probs * (1.0 - hit))[:-1]))
    return probs


def test_overkill_follows_the_occupancy_law():
    m, n = OCCUPANCY["targets"], OCCUPANCY["leakers"]
    mean, variance, fourth = moments(range(m + 1), occupied(m, n))
    assert mean == pytest.approx(OCCUPANCY["mean"], abs=1e-10)
    assert variance == pytest.approx(OCCUPANCY["variance"], abs=1e-10)
    hit = []
    for run in range(runs(20_000)):
        sites = [0.0] * m
        for i in range(n):
            site = int(uniform(24, 0, run, i) * m)
            sites[site] = struck(sites[site], 1.0)
        hit.append(sum(sites))
    assert_mean(hit, mean, variance)
    assert_variance(hit, mean, variance, fourth)


@pytest.mark.parametrize(
    ("damage", "elapsed_hours", "repair_hours", "expected"),
    [
        (8.0, 0.0, 10.0, 8.0),
        (8.0, 10.0 * math.log(2.0), 10.0, 4.0),
        (8.0, 10.0, math.inf, 8.0),
        (8.0, 1e9, 10.0, 0.0),
        (0.0, 10.0, 10.0, 0.0),
    ],
)
def test_repair_halves_damage_in_its_time_times_log_two(
    damage, elapsed_hours, repair_hours, expected
):
    assert remaining(damage, elapsed_hours, repair_hours) == pytest.approx(expected, rel=1e-15)


@given(st.floats(0.0, 1e6), hours, hours, repair)
def test_repair_in_two_steps_is_repair_in_one(damage, first, second, repair_hours):
    at_once = remaining(damage, first + second, repair_hours)
    twice = remaining(remaining(damage, first, repair_hours), second, repair_hours)
    assert twice == pytest.approx(at_once, rel=1e-6, abs=1e-300)
    assert at_once <= damage


@pytest.mark.parametrize(
    ("damage", "level", "repair_hours", "expected"),
    [
        (0.4, 0.5, 10.0, 0.0),  # below already
        (0.5, 0.5, 10.0, 0.0),
        (0.5, 0.25, 10.0, 10.0 * math.log(2.0)),
        (0.5, 0.0, 10.0, math.inf),  # repair never quite ends
        (0.0, 0.0, 10.0, 0.0),
        (0.5, 0.25, math.inf, math.inf),
    ],
)
def test_hours_until_damage_is_down_to_a_level(damage, level, repair_hours, expected):
    assert hours_above(damage, level, repair_hours) == expected


@given(st.floats(1e-6, 1.0), st.floats(1e-6, 1.0), repair)
def test_at_that_hour_the_damage_is_at_the_level(damage, level, repair_hours):
    wait = hours_above(damage, level, repair_hours)
    assert remaining(damage, wait, repair_hours) == pytest.approx(min(damage, level), rel=1e-12)


def test_casualties_grow_with_hits_lethality_and_severity():
    assert casualties_mean(3, 2.0, 0.5, 4.0) == 12.0
    assert casualties_mean(0, 2.0, 0.5, 4.0) == 0.0


def test_a_common_severity_makes_casualties_negative_binomial_and_correlated():
    # Gamma severity of shape k and mean 1, then Poisson: mean m, variance m + m^2/k, chance of
    # none (1 + m/k)^-k, covariance of killed and injured m n/k.
    k, hits = 1.5, 4
    killed, injured = [], []
    for run in range(runs(12_000)):
        severity = gamma(3, 0, 3 * run, k) / k
        killed.append(poisson(3, 0, 3 * run + 1, 0, casualties_mean(hits, 0.5, 1.0, severity)))
        injured.append(poisson(3, 0, 3 * run + 2, 0, casualties_mean(hits, 1.5, 1.0, severity)))
    killed, injured = np.array(killed), np.array(injured)
    assert_mean(killed, 2.0, 2.0 + 4.0 / k)
    assert_mean(injured, 6.0, 6.0 + 36.0 / k)
    assert_mean((killed - 2.0) ** 2, 2.0 + 4.0 / k)
    assert_mean(killed == 0, (1.0 + 2.0 / k) ** -k)
    assert_mean((killed - 2.0) * (injured - 6.0), 12.0 / k)
