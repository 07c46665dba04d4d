"""Stocks and tempo: integrals, depletion and a compensator."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from escalate.laws import stockpile
from escalate.laws.damage import remaining
from escalate.laws.stockpile import (
    damage_hours,
    launch_limit,
    made,
    next_tempo_hours,
    part_left,
    whole_rounds,
)
from escalate.randomness import poisson, uniform
from tests.naive import area, assert_mean, assert_share, runs, tempo_hazard

share = st.floats(0.0, 1.0)


@given(share, st.floats(0.0, 1e4), st.floats(1.0, 1e4))
def test_the_integral_of_a_damage_under_repair(damage_share, elapsed_hours, repair_hours):
    expected = area(lambda t: remaining(damage_share, t, repair_hours), elapsed_hours, repair_hours)
    got = damage_hours(damage_share, elapsed_hours, repair_hours)
    assert got == pytest.approx(expected, rel=2e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("damage_share", "elapsed_hours", "repair_hours", "expected"),
    [
        (0.0, 24.0, 10.0, 0.0),
        (0.25, 24.0, math.inf, 6.0),  # never repaired
        (0.25, 1e9, 10.0, 2.5),  # repaired in the end
        (0.25, 10.0 * math.log(2.0), 10.0, 1.25),
    ],
)
def test_limits_of_that_integral(damage_share, elapsed_hours, repair_hours, expected):
    got = damage_hours(damage_share, elapsed_hours, repair_hours)
    assert got == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("production", "resupply", "elapsed", "at_risk", "lost", "expected"),
    [
        (2.0, 0.0, 24.0, 1.0, 0.0, 48.0),
        (2.0, 0.0, 24.0, 1.0, 24.0, 0.0),  # all of it destroyed
        (2.0, 0.0, 24.0, 0.5, 24.0, 24.0),  # half of it is at risk
        (2.0, 0.0, 24.0, 1.0, 6.0, 36.0),
        (2.0, 1.0, 24.0, 1.0, 24.0, 24.0),  # damage does not touch what comes from outside
        (2.0, 1.0, 0.0, 1.0, 0.0, 0.0),
    ],
)
def test_what_is_made(production, resupply, elapsed, at_risk, lost, expected):
    assert made(production, resupply, elapsed, at_risk, lost) == expected


@given(st.floats(0.0, 100.0), share, share, st.floats(1.0, 1e3), st.floats(0.0, 500.0), share)
def test_settling_in_two_steps_makes_as_much_as_in_one(
    per_hour, at_risk, damage, repair_hours, hours, cut
):
    first = hours * cut
    left = remaining(damage, first, repair_hours)
    at_once = made(per_hour, 0.0, hours, at_risk, damage_hours(damage, hours, repair_hours))
    twice = made(per_hour, 0.0, first, at_risk, damage_hours(damage, first, repair_hours)) + made(
        per_hour, 0.0, hours - first, at_risk, damage_hours(left, hours - first, repair_hours)
    )
    assert twice == pytest.approx(at_once, rel=1e-9, abs=1e-7)


# Depletion of a magazine, evaluated independently, August 2026. Discrete: 100 rounds, daily
# use Poisson with mean 7, E[T] = sum over k of P(Poisson(7 k) < 100). Fluid: 1,000 rounds, 40
# fired and 10 made a day. Proportional: 1,000 rounds, a twentieth fired and 10 made a day.
DEPLETION = {
    "mean_days": 14.78571428571425,
    "day_14": 0.24789412035548442,
    "day_15": 0.26693480088516197,
    "fluid_days": 33.333333333333336,
    "day_60": 236.85583918956155,
    "limit": 200.0,
}


def test_a_magazine_under_poisson_use_is_empty_when_it_should_be():
    days = []
    for run in range(runs(8_000)):
        left, day = 100, 0
        while left > 0:
            day += 1
            left -= poisson(3, 1, run * 64 + day, 0, 7.0)
        days.append(day)
    days = np.array(days)
    over = np.array([1.0 - stats.poisson.cdf(99, 7.0 * k) for k in range(41)])
    probs = np.diff(over)
    assert probs @ np.arange(1, 41) == pytest.approx(DEPLETION["mean_days"], abs=1e-8)
    variance = probs @ (np.arange(1, 41) - DEPLETION["mean_days"]) ** 2
    assert_mean(days, DEPLETION["mean_days"], variance)
    assert_share(days == 14, DEPLETION["day_14"])
    assert_share(days == 15, DEPLETION["day_15"])


def test_a_stock_fired_faster_than_made_lasts_as_long_as_the_balance_says():
    hours = 24.0 * DEPLETION["fluid_days"]
    assert 1000.0 + made(10.0 / 24.0, 0.0, hours, 0.0, 0.0) == pytest.approx(40.0 / 24.0 * hours)


def test_firing_a_share_a_day_settles_at_production_over_share():
    stock = 1000.0
    for day in range(1, 401):
        stock = stock - 0.05 * stock + made(10.0 / 24.0, 0.0, 24.0, 0.0, 0.0)
        if day == 60:
            assert stock == pytest.approx(DEPLETION["day_60"], abs=1e-8)
    assert stock == pytest.approx(DEPLETION["limit"], abs=1e-5)


@pytest.mark.parametrize(
    ("progress", "expected"),
    [(0.0, 0), (0.999, 0), (1.0, 1), (2.0 - 1e-12, 2), (2.0 - 1e-6, 1), (7.9, 7)],
)
def test_whole_rounds(progress, expected):
    assert whole_rounds(progress) == expected
    assert isinstance(whole_rounds(progress), int)


@given(st.integers(1, 400), st.integers(1, 60))
def test_hour_by_hour_production_comes_out_at_the_day(per_day, days):
    progress, rounds = 0.0, 0
    for _ in range(24 * days):
        progress += made(per_day / 24.0, 0.0, 1.0, 0.0, 0.0)
        done = whole_rounds(progress)
        progress -= done
        rounds += done
    assert rounds == per_day * days


@pytest.mark.parametrize(
    ("count", "at_risk_share", "damage_share", "expected"),
    [
        (10, 1.0, 0.0, 10),
        (10, 1.0, 1.0, 0),
        (10, 0.5, 1.0, 5),
        (10, 1.0, 0.3, 7),
        (10, 0.0, 1.0, 10),
        (10, 1.0, 0.04, 10),  # 9.6
        (10, 1.0, 0.06, 9),  # 9.4
        (1, 1.0, 0.5, 1),  # halves up
        (1, 1.0, 0.51, 0),
        (4, 1.0, 1e-6, 4),  # a trace of damage takes no whole channel
        (0, 1.0, 0.0, 0),
    ],
)
def test_what_damage_leaves_of_channels(count, at_risk_share, damage_share, expected):
    assert part_left(count, at_risk_share, damage_share) == expected


@given(st.integers(0, 1000), share, share, share)
def test_more_damage_leaves_no_more_and_rounding_costs_half_a_channel_at_most(
    count, at_risk, damage, more
):
    left = part_left(count, at_risk, damage)
    assert 0 <= part_left(count, at_risk, max(damage, more)) <= left <= count
    assert abs(left - count * (1.0 - at_risk * damage)) <= 0.5 + 1e-8


def test_launchers_limit_every_wave():
    assert launch_limit(-1, 3, 1.0, 1.0) == -1
    assert launch_limit(20, 3, 0.5, 0.5) == 45
    assert launch_limit(20, 3, 1.0, 1.0) == 0
    assert launch_limit(0, 3, 1.0, 0.0) == 0


def next_strike(now, hazard, rate=1.0, deadlines=(), side=0):
    """Ask the law with deadlines as rows of (at, lead, factor), or of (side, at, lead, factor)."""
    rows = [d if len(d) == 4 else (0, *d) for d in deadlines]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    return next_tempo_hours(now, hazard, rate, side, *columns)


# One deadline at 10 h whose lead of 4 h takes the tempo, one an hour, to three an hour: the
# hazard from 6 h to 10 h is 4 * (1 + 3) / 2 = 8.
RISING = [(10.0, 4.0, 3.0)]


@pytest.mark.parametrize(
    ("now", "hazard", "deadlines", "expected"),
    [
        (0.0, 2.5, [], 2.5),
        (3.0, 2.5, [], 5.5),
        (0.0, 6.0, RISING, 6.0),  # ends where the lead begins
        (0.0, 5.0, RISING, 5.0),
        (0.0, 14.0, RISING, 10.0),  # ends at the deadline itself
        (0.0, 15.0, RISING, 11.0),  # one more hour after it, at the old tempo
        (6.0, 8.0, RISING, 10.0),  # begins where the lead begins
        (10.0, 1.0, RISING, 11.0),  # begins at the deadline
        (12.0, 1.0, RISING, 13.0),
        (8.0, 5.0, RISING, 10.0),  # begins within the lead, at a tempo of 2 and rising to 3
        (6.0, 3.0, RISING, 8.0),  # x + x^2 / 4 = 3
        (0.0, 14.0, [(10.0, 4.0, 1.0)], 14.0),  # a factor of 1 changes nothing
        (0.0, 14.0, [(1, 10.0, 4.0, 3.0)], 14.0),  # the other side's deadline
        (0.0, 18.0, RISING * 2, 10.0),  # twice the same: the rises add up
        (0.0, 16.0, [(6.0, 4.0, 3.0), (8.0, 4.0, 3.0)], 8.0),  # overlapping: 8 + 4 + 4
        (0.0, 6.0, [(6.0, 4.0, 3.0), (8.0, 4.0, 3.0)], 2.0 + math.sqrt(6.0)),  # 5 at 4 h
        (-5.0, 2.0, RISING, -3.0),
    ],
)
def test_time_of_the_next_strike(now, hazard, deadlines, expected):
    assert next_strike(now, hazard, deadlines=deadlines) == pytest.approx(expected, abs=1e-12)


def test_a_side_without_a_tempo_never_strikes():
    assert next_strike(0.0, 1.0, rate=0.0, deadlines=RISING) == math.inf


whole = st.integers(0, 200).map(float)
deadline_rows = st.lists(
    st.tuples(whole, st.integers(1, 60).map(float), st.sampled_from([1.0, 1.5, 2.0, 7.0])),
    max_size=4,
)


@given(whole, st.floats(1e-6, 40.0), st.floats(1e-3, 5.0), deadline_rows)
def test_the_tempo_integrates_to_the_hazard_that_was_drawn(now, hazard, rate, deadlines):
    at = next_strike(now, hazard, rate, deadlines)
    assert at >= now
    assert tempo_hazard(now, at, rate, deadlines) == pytest.approx(hazard, rel=1e-8, abs=1e-9)


@given(whole, st.floats(1e-6, 40.0), st.floats(1e-3, 5.0), deadline_rows)
def test_a_larger_hazard_takes_longer_and_a_deadline_never_delays(now, hazard, rate, deadlines):
    at = next_strike(now, hazard, rate, deadlines)
    assert at <= next_strike(now, hazard * 1.5, rate, deadlines)
    assert at <= next_strike(now, hazard, rate) + 1e-9


@given(whole, st.floats(1e-6, 40.0), st.floats(1e-3, 5.0), deadline_rows)
def test_before_the_first_lead_nothing_changes_by_a_bit(now, hazard, rate, deadlines):
    at = next_strike(now, hazard, rate)
    assume(all(at <= d - lead or d <= now for d, lead, _ in deadlines))
    assert next_strike(now, hazard, rate, deadlines) == at


def test_strikes_before_a_deadline_are_poisson_with_the_tempo_s_integral():
    deadlines = [(60.0, 24.0, 4.0), (72.0, 48.0, 2.0)]
    mean = tempo_hazard(0.0, 96.0, 0.1, deadlines)
    assert mean == pytest.approx(9.6 + 0.1 * (24 * 1.5 + 24.0))
    numbers = []
    for run in range(runs(6_000)):
        at, number = 0.0, -1
        while at <= 96.0:
            number += 1
            at = next_strike(at, -math.log(uniform(9, 9, run, number)), 0.1, deadlines)
        numbers.append(number)
    assert_mean(numbers, mean, mean)
    assert_mean((np.array(numbers) - mean) ** 2, mean, mean + 2.0 * mean * mean)


DEADLINE = st.tuples(
    st.integers(0, 1), st.floats(0.0, 300.0), st.floats(1.0, 200.0), st.floats(1.0, 20.0)
)


@given(
    st.floats(0.0, 300.0), st.floats(1e-3, 50.0), st.floats(1e-3, 2.0),
    st.lists(DEADLINE, max_size=4),
)  # fmt: skip
def test_the_hazard_until_the_next_strike_is_the_one_that_was_drawn(now, hazard, rate, deadlines):
    columns = [[row[i] for row in deadlines] for i in range(4)]
    at = next_tempo_hours(now, hazard, rate, 0, *columns)
    assert stockpile.tempo_hazard(now, at, rate, 0, *columns) == pytest.approx(hazard, rel=1e-9)
    middle = 0.5 * (now + at)
    parts = [
        stockpile.tempo_hazard(*ends, rate, 0, *columns) for ends in ((now, middle), (middle, at))
    ]
    assert sum(parts) == pytest.approx(hazard, rel=1e-9)


def test_the_hazard_rises_to_a_deadline():
    # From 1 to 3 over 10 hours: 2 on average.
    assert (
        stockpile.tempo_hazard(
            90.0, 100.0, 0.5, 1, [1, 0], [100.0, 100.0], [10.0, 10.0], [3.0, 9.0]
        )
        == 10.0
    )
    assert stockpile.tempo_hazard(100.0, 110.0, 0.5, 1, [1], [100.0], [10.0], [3.0]) == 5.0


def test_a_rate_too_small_for_its_inverse_never_strikes():
    assert next_tempo_hours(0.0, 1.0, 5e-324, 0, [0], [50.0], [10.0], [3.0]) == math.inf
