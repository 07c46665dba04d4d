"""Beliefs and claims: medians, steps and heaped numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from escalate.laws.assessment import believed, delay_hours, known_share, rounded
from escalate.randomness import normal, uniform
from tests.naive import assert_mean, assert_variance, runs


@pytest.mark.parametrize(
    ("true", "exaggeration", "noise_sd_log", "z", "expected"),
    [
        (40.0, 1.0, 0.0, 2.0, 40.0),
        (40.0, 1.5, 0.0, 2.0, 60.0),
        (40.0, 1.5, 0.4, 0.0, 60.0),  # the median
        (40.0, 1.0, 0.5, 2.0, 40.0 * math.e),
        (40.0, 1.0, 1.0, 1.0, 40.0 * math.e),
        (40.0, 1.0, 0.5, -2.0, 40.0 / math.e),
        (0.0, 3.0, 0.5, 3.0, 0.0),
    ],
)
def test_what_is_believed(true, exaggeration, noise_sd_log, z, expected):
    assert believed(true, exaggeration, noise_sd_log, z) == pytest.approx(expected, rel=1e-15)


def test_the_log_of_belief_over_truth_is_normal_about_the_log_of_the_exaggeration():
    ratios = [
        math.log(believed(40.0, 1.3, 0.6, normal(uniform(6, 0, 0, i))) / 40.0)
        for i in range(runs(20_000))
    ]
    assert_mean(ratios, math.log(1.3), 0.36)
    assert_variance(ratios, math.log(1.3), 0.36, 3.0 * 0.36**2)
    off = stats.kstest(ratios, stats.norm(math.log(1.3), 0.6).cdf)
    assert off.pvalue > 1e-4  # the test's level


@given(st.floats(0.0, 1e6), st.floats(0.1, 10.0), st.floats(0.0, 2.0), st.floats(-8.0, 8.0))
def test_more_is_believed_of_more(true, exaggeration, noise_sd_log, z):
    here = believed(true, exaggeration, noise_sd_log, z)
    assert 0.0 <= here <= believed(true + 1.0, exaggeration, noise_sd_log, z)


def test_a_fixed_delay_is_its_mean():
    assert delay_hours(6.0, 0, 0.001) == 6.0


@pytest.mark.parametrize(
    ("u", "expected"), [(math.exp(-1.0), 6.0), (0.5, 6.0 * math.log(2.0)), (1.0 - 2.0**-53, 0.0)]
)
def test_an_exponential_delay_is_a_quantile(u, expected):
    assert delay_hours(6.0, 1, u) == pytest.approx(expected, abs=1e-14)


def test_an_exponential_delay_of_mean_zero_is_none():
    assert delay_hours(0.0, 1, 0.3) == 0.0


def test_exponential_delays_have_their_mean_and_variance():
    delays = [delay_hours(6.0, 1, uniform(6, 1, 0, i)) for i in range(runs(20_000))]
    assert_mean(delays, 6.0, 36.0)
    assert_variance(delays, 6.0, 36.0, 9.0 * 36.0**2)


@pytest.mark.parametrize(
    ("first_share", "revisions", "expected"),
    [
        (0.4, 0, [0.4]),
        (0.4, 3, [0.4, 0.6, 0.8, 1.0]),
        (0.0, 2, [0.0, 0.5, 1.0]),
        (1.0, 2, [1.0, 1.0, 1.0]),
    ],
)
def test_the_known_part_rises_in_equal_steps_to_all(first_share, revisions, expected):
    got = [known_share(first_share, revisions, r) for r in range(revisions + 1)]
    assert got == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("value", "step", "expected"),
    [
        (0.0, 10, 0),
        (4.9, 10, 0),
        (5.0, 10, 10),  # halves up
        (15.0, 10, 20),
        (14.9, 10, 10),
        (47.0, 1, 47),
        (2.5, 1, 3),
        (124.0, 50, 100),
        (125.0, 50, 150),
    ],
)
def test_rounding_to_a_step(value, step, expected):
    assert rounded(value, step) == expected
    assert isinstance(rounded(value, step), int)


@given(st.floats(0.0, 1e6), st.sampled_from([1, 2, 5, 10, 50, 100]))
def test_a_rounded_number_is_a_multiple_no_further_than_half_a_step(value, step):
    got = rounded(value, step)
    assert got % step == 0
    assert abs(got - value) <= step / 2


# Heaped reports of a Poisson number with mean 47: three in ten exact, five rounded to tens and
# two to fifties, halves up. Mixture P(v) = sum of w_s P(round_s X = v); evaluated
# independently, August 2026.
HEAPED = {
    0: 3.314969211460698e-05,
    40: 0.17901160659739296,
    47: 0.017426588553806587,
    50: 0.4636207873914804,
    60: 0.06814424959585247,
}


def test_heaped_reports():
    got = dict.fromkeys(range(400), 0.0)
    for x in range(300):
        prob = stats.poisson.pmf(x, 47)
        for weight, step in ((0.3, 1), (0.5, 10), (0.2, 50)):
            got[rounded(float(x), step)] += weight * prob
    assert {v: got[v] for v in HEAPED} == pytest.approx(HEAPED, abs=1e-9)
