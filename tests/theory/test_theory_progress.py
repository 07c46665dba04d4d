"""Progress curves against sums, exact fits and many drawn curves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalate.errors import EscalateError
from escalate.theory.progress import (
    elapsed,
    fit_error,
    interval,
    likelihood_fit,
    log_log_fit,
    red_queen_exponent,
)


@given(st.floats(-3.0, 3.0), st.floats(0.01, 1e6))
def test_elapsed_time_is_the_sum_of_intervals(b, first):
    n = np.arange(1, 40)
    np.testing.assert_allclose(elapsed(n, first, b), np.cumsum(interval(n, first, b)), rtol=1e-12)


def test_no_interval_takes_no_time():
    assert elapsed(0, 30.0, 0.6) == 0.0
    assert elapsed([], 30.0, 0.6).shape == (0,)


def test_what_no_float_holds_is_infinite():
    assert interval(10, 1.0, -4000.0) == elapsed(10, 1.0, -4000.0) == np.inf


def test_a_long_sum_is_the_zeta_function():
    # sum_{j <= n} j^-2 = pi^2 / 6 - 1/n + 1/(2 n^2) - ...
    n = 10**6
    assert elapsed(n, 1.0, 2.0) == pytest.approx(np.pi**2 / 6 - 1 / n + 0.5 / n**2, rel=1e-13)


@settings(deadline=None)
@given(st.floats(-5.0, 5.0), st.floats(1e-6, 1e6), st.integers(2, 50))
def test_exact_curves_are_recovered(b, first, count):
    times = interval(np.arange(1, count + 1), first, b)
    for found in (log_log_fit(times, unbiased=False), likelihood_fit(times)):
        assert found.exponent == pytest.approx(b, abs=1e-8)
        assert found.first == pytest.approx(first, rel=1e-7)
    lifted = log_log_fit(times)
    assert lifted.first == pytest.approx(first * np.exp(np.euler_gamma), rel=1e-7)


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1.0, 1e300])
def test_any_unit_of_time_will_do(scale):
    times = np.array([5.0, 1.0, 3.0, 0.1])
    one, other = likelihood_fit(times), likelihood_fit(times * scale)
    assert other.exponent == pytest.approx(one.exponent, abs=1e-10)
    assert other.first / scale == pytest.approx(one.first, rel=1e-10)


def test_extreme_curves_are_recovered():
    steep = likelihood_fit(interval([1, 2, 3], 1.0, 200.0))
    assert steep.exponent == pytest.approx(200.0, rel=1e-9)


def test_the_fit_beats_any_nearby_curve():
    rng = np.random.default_rng(5)
    n = np.arange(1, 16)
    times = rng.exponential(interval(n, 30.0, 0.6))

    def likelihood(first, b):
        mean = interval(n, first, b)
        return -(np.log(mean) + times / mean).sum()

    found = likelihood_fit(times)
    best = likelihood(found.first, found.exponent)
    for up, more in [(1.01, 0), (0.99, 0), (1, 0.01), (1, -0.01), (1.01, 0.01), (0.99, -0.01)]:
        assert likelihood(found.first * up, found.exponent + more) < best


def test_bias_and_scatter_are_those_of_many_curves():
    # Five statements at 5 standard errors: a false alarm in about 300,000 seeds.
    rng = np.random.default_rng(20261122)
    size, count = 4000, 20
    n = np.arange(1, count + 1)
    draws = rng.exponential(interval(n, 30.0, 0.6), (size, count))
    plain = np.array([log_log_fit(x, unbiased=False)[:2] for x in draws])
    best = np.array([likelihood_fit(x)[:2] for x in draws])
    error = fit_error(count)
    off = np.log(plain[:, 0]) - np.log(30.0)
    assert abs(off.mean() - error.intercept_bias) < 5 * error.intercept_sd / size**0.5
    assert abs((plain[:, 1] - 0.6).mean() - error.slope_bias) < 5 * error.slope_sd / size**0.5
    # a standard deviation itself scatters by 1 part in (2 size)^(1/2), somewhat more here
    assert off.std() == pytest.approx(error.intercept_sd, rel=5 * (1.0 / size) ** 0.5)
    assert plain[:, 1].std() == pytest.approx(error.slope_sd, rel=5 * (1.0 / size) ** 0.5)
    # the last two hold for many intervals; with 20 they are about a tenth too small
    assert error.likelihood_slope_sd < best[:, 1].std() < 1.2 * error.likelihood_slope_sd
    # its bias to first order, after Cox & Snell 1968: least squares on minus half the leverages
    design = np.column_stack([np.ones(count), -np.log(n)])
    leverage = np.diag(design @ np.linalg.pinv(design))
    bias = np.linalg.pinv(design) @ (-leverage / 2.0)
    scatter = best[:, 1].std() / size**0.5
    assert abs(best[:, 1].mean() - 0.6 - bias[1]) < 5 * scatter
    fits = log_log_fit(draws[0]), likelihood_fit(draws[0])
    assert fits[0].exponent_sd == error.slope_sd
    assert fits[1].first_log_sd == error.likelihood_intercept_sd


def test_two_intervals_are_enough():
    error = fit_error(2)
    assert error.likelihood_slope_sd == pytest.approx(2**0.5 / np.log(2))
    # the first interval alone decides the intercept
    assert error.likelihood_intercept_sd == pytest.approx(1.0)


def test_the_line_is_in_decimal_logarithms():
    np.testing.assert_allclose(red_queen_exponent([1.0, 10.0], 0.5, 2.0), [2.0, 2.5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: interval(0, 1.0, 1.0), r"`1 <= number` must hold, but it is 0 \(1 too small\)"),
        (lambda: interval(1.5, 1.0, 1.0), "`number is whole` must hold"),
        (lambda: interval(1, 0.0, 1.0), "`0 < first` must hold"),
        (lambda: interval(1, 1.0, np.inf), "finite"),
        (lambda: elapsed(-1, 1.0, 1.0), "`0 <= number"),
        (lambda: elapsed(1e9, 1.0, 1.0), "number <= 1e"),
        (lambda: red_queen_exponent(0.0, 1.0, 1.0), "`0 < first` must hold"),
        (lambda: fit_error(1), "`2 <= count"),
        (lambda: log_log_fit([1.0]), r"`len\(intervals\) >= 2` must hold for a slope"),
        (lambda: log_log_fit([1.0, 0.0]), r"`0 < intervals` must hold, but it is 0 .* at \[1\]"),
        (lambda: likelihood_fit([]), "shape"),
        (lambda: likelihood_fit([1.0, -1.0]), "`0 < intervals` must hold"),
        (lambda: likelihood_fit([1.0, np.nan]), "finite"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(EscalateError, match=message):
        call()
