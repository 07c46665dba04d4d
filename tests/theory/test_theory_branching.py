"""Episodes against trees counted outright, generating functions and drawn episodes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from escalate.errors import EscalateError
from escalate.theory.branching import (
    dwass_pmf,
    extinction_prob,
    generation,
    reproduction_number,
    total_caused,
    total_size_moments,
    total_size_pmf,
    total_size_quantile,
    total_size_sf,
)

SHAPES = [np.inf, 5.0, 0.3]


def generating(s, n, dispersion):
    """Give the generating function of the number directly caused."""
    if dispersion == np.inf:
        return np.exp(-n * (1 - s))
    return (1 + n * (1 - s) / dispersion) ** -dispersion


def offspring(n, dispersion, upto=400):
    k = np.arange(upto)
    if dispersion == np.inf:
        return stats.poisson.pmf(k, n)
    return stats.nbinom.pmf(k, dispersion, dispersion / (dispersion + n))


def sizes_by_recursion(n, dispersion, starters, largest):
    """Expand H = s f(H), the generating function of the size, as a power series, term by term."""
    chances = offspring(n, dispersion, largest + 1)
    series = np.zeros(largest + 1)
    for _ in range(largest):
        value = np.zeros(largest + 1)
        for chance in chances[::-1]:  # Horner's scheme in the series H
            value = np.convolve(value, series)[: largest + 1]
            value[0] += chance
        series = np.r_[0.0, value[:-1]]
    power = np.zeros(largest + 1)
    power[0] = 1.0
    for _ in range(starters):
        power = np.convolve(power, series)[: largest + 1]
    return power


@pytest.mark.parametrize("dispersion", SHAPES)
@pytest.mark.parametrize(("n", "starters"), [(0.6, 1), (0.9, 3), (1.4, 2), (0.0, 2)])
def test_sizes_solve_the_functional_equation(n, starters, dispersion):
    expected = sizes_by_recursion(n, dispersion, starters, 12)
    k = np.arange(13)
    got = total_size_pmf(k, n, starters=starters, dispersion=dispersion)
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-300)
    general = dwass_pmf(offspring(n, dispersion), 12, starters=starters)
    np.testing.assert_allclose(general, expected, rtol=1e-9, atol=1e-300)


@given(st.integers(1, 60), st.floats(0.01, 2.0))
def test_one_starter_is_borel(k, n):
    log = -n * k + (k - 1) * math.log(n * k) - math.lgamma(k + 1)
    assert total_size_pmf(k, n) == pytest.approx(math.exp(log), rel=1e-10)


@given(st.integers(1, 9), st.integers(0, 50), st.floats(0.01, 1.5))
def test_several_starters_are_borel_tanner(starters, more, n):
    k = starters + more
    log = math.log(starters / k) - n * k + more * math.log(n * k) - math.lgamma(more + 1)
    got = total_size_pmf(k, n, starters=starters)
    assert got == pytest.approx(math.exp(log), rel=1e-10)


@given(st.integers(1, 40), st.floats(0.01, 2.0), st.floats(0.01, 1e3))
def test_overdispersed_sums_are_negative_binomial(k, n, dispersion):
    sums = stats.nbinom.pmf(k - 1, k * dispersion, dispersion / (dispersion + n))
    assert total_size_pmf(k, n, dispersion=dispersion) == pytest.approx(sums / k, rel=1e-9)


@pytest.mark.parametrize("dispersion", [1e10, 1e14, 1e18])
def test_little_dispersion_is_poisson(dispersion):
    k = np.arange(1, 50)
    got = total_size_pmf(k, 0.6, dispersion=dispersion)
    np.testing.assert_allclose(got, total_size_pmf(k, 0.6), rtol=1e-12 + 100 / dispersion)


def test_parameters_broadcast():
    got = total_size_pmf([1, 2, 3], [[0.4], [0.6]], dispersion=[np.inf, 2.0, 0.5])
    assert got.shape == (2, 3)
    assert got[1, 1] == total_size_pmf(2, 0.6, dispersion=2.0)
    assert got[0, 0] == total_size_pmf(1, 0.4)
    assert isinstance(total_size_pmf(2, 0.6), float)


@pytest.mark.parametrize("dispersion", SHAPES)
@pytest.mark.parametrize(("n", "starters"), [(0.0, 1), (0.3, 1), (0.8, 4), (0.95, 2)])
def test_moments_are_those_of_the_sizes(n, starters, dispersion):
    k = np.arange(200_000)
    chance = total_size_pmf(k, n, starters=starters, dispersion=dispersion)
    mean, var = total_size_moments(n, starters=starters, dispersion=dispersion)
    assert chance.sum() == pytest.approx(1.0, rel=1e-9)
    assert mean == pytest.approx(k @ chance, rel=1e-8)
    assert var == pytest.approx((k - mean) ** 2 @ chance, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("dispersion", SHAPES)
@pytest.mark.parametrize(("n", "starters"), [(0.0, 1), (0.3, 1), (0.8, 4), (1.3, 2), (3.0, 1)])
def test_the_tail_is_the_rest_of_the_sizes(n, starters, dispersion):
    law = {"starters": starters, "dispersion": dispersion}
    k = np.arange(60)
    rest = 1.0 - np.cumsum(total_size_pmf(k, n, **law))
    np.testing.assert_allclose(total_size_sf(k, n, **law), rest, atol=1e-12)


def test_small_tails_keep_their_digits():
    # P(S > k) from the largest term on: a geometric series with a slowly changing ratio
    k = np.arange(1001, 4000)
    assert total_size_sf(1000, 0.3) == pytest.approx(total_size_pmf(k, 0.3).sum(), rel=1e-12)
    assert 0.0 < total_size_sf(1000, 0.3) < 1e-200
    assert total_size_sf(10**9, 0.5) == 0.0
    assert total_size_sf([], 0.5).shape == (0,)


def test_near_the_critical_point_the_tail_is_what_is_left():
    # At n = 1 sizes fall as k^-3/2 / (2 pi)^1/2, so the tail as (2 / (pi k))^1/2.
    k = np.array([10**4, 10**6])
    np.testing.assert_allclose(total_size_sf(k, 1.0), np.sqrt(2 / (np.pi * k)), rtol=1e-4)
    assert total_size_sf(100, 1.0) == pytest.approx(float(total_size_sf(100, 1.0 - 1e-7)), rel=1e-4)
    assert total_size_sf(100, 0.999) < total_size_sf(100, 1.0) < total_size_sf(100, 1.001)


@pytest.mark.parametrize("dispersion", SHAPES)
@pytest.mark.parametrize(("n", "starters"), [(0.0, 2), (0.6, 1), (0.9, 5), (1.2, 1)])
def test_quantiles_are_the_first_to_reach(n, starters, dispersion):
    law = {"starters": starters, "dispersion": dispersion}
    ends = float(extinction_prob(n, **law))
    q = np.array([0.0, 0.2, 0.5, 0.9, 0.99, 0.9999]) * ends
    got = total_size_quantile(q, n, **law)
    assert np.all(1.0 - total_size_sf(got.astype(int), n, **law) >= q - 1e-12)
    below = 1.0 - total_size_sf(np.maximum(got.astype(int) - 1, 0), n, **law)
    assert np.all((below < q) | (got == starters))


def test_a_quantile_met_exactly_is_met():
    steps = 1.0 - total_size_sf(np.arange(1, 20), 0.6)
    np.testing.assert_array_equal(total_size_quantile(steps, 0.6), np.arange(1, 20))


def test_an_episode_that_may_not_end_has_no_high_quantile():
    np.testing.assert_array_equal(np.isinf(total_size_quantile([0.1, 0.5], 2.0)), [False, True])
    assert total_size_quantile(0.99, 2.0) == np.inf
    assert total_size_quantile(1.0 - 1e-13, 0.1) < 40


@pytest.mark.parametrize("dispersion", SHAPES)
@pytest.mark.parametrize("n", [1.001, 1.2, 2.0, 6.0, 40.0])
def test_extinction_is_the_root(n, dispersion):
    got = float(extinction_prob(n, dispersion=dispersion))
    root = optimize.brentq(
        lambda s: generating(s, n, dispersion) - s, 0.0, 1.0 - 1e-4 / n, xtol=1e-15, rtol=1e-14
    )
    assert got == pytest.approx(root, rel=1e-9)
    assert extinction_prob(n, starters=3, dispersion=dispersion) == pytest.approx(got**3)


def test_extinction_is_lamberts_function():
    n = np.array([1.1, 1.5, 3.0, 20.0])
    expected = -special.lambertw(-n * np.exp(-n)).real / n
    np.testing.assert_allclose(extinction_prob(n), expected, rtol=1e-12)
    # the chance that the first causes none, and little else, when n is large
    assert extinction_prob(200.0) == pytest.approx(np.exp(-200.0), rel=1e-12)


def test_extinction_is_certain_up_to_one_and_nearly_so_beyond():
    np.testing.assert_array_equal(extinction_prob([0.0, 0.5, 1.0]), [1, 1, 1])
    # survival is 2 (n - 1) / sigma^2 to first order
    n = 1.0 + 1e-9
    assert 1.0 - extinction_prob(n) == pytest.approx(2e-9, rel=1e-6)
    assert extinction_prob(1e6) == 0.0


@pytest.mark.parametrize("dispersion", SHAPES)
@pytest.mark.parametrize("n", [0.0, 0.7, 1.0, 1.6])
def test_generations_follow_the_generating_function(n, dispersion):
    none, mean, var = 0.0, 1.0, 0.0
    sigma2 = n + (0.0 if dispersion == np.inf else n**2 / dispersion)
    for g in range(8):
        got = generation(g, n, starters=3, dispersion=dispersion)
        assert got.mean == pytest.approx(3 * mean)
        assert got.var == pytest.approx(3 * var)
        assert got.extinct_prob == pytest.approx(none**3, rel=1e-12)
        none = generating(none, n, dispersion)
        var = n**2 * var + sigma2 * mean  # the law of total variance
        mean *= n


def test_generations_broadcast_and_settle():
    many = generation([[0], [5], [1000]], [0.5, 1.0 + 1e-12, 2.0])
    assert many.mean.shape == many.var.shape == many.extinct_prob.shape == (3, 3)
    assert many.extinct_prob[0].tolist() == [0.0] * 3
    assert many.extinct_prob[2, 0] == 1.0
    assert many.extinct_prob[2, 2] == pytest.approx(float(extinction_prob(2.0)))
    assert many.var[2, 1] == pytest.approx(1000.0)
    assert generation(5000, 2.0).mean == np.inf


def test_drawn_episodes_agree():
    # Three statements at 5 standard errors: a false alarm in about 600,000 seeds.
    rng = np.random.default_rng(20261122)
    count, n, shape = 20_000, 0.6, 0.5
    alive = np.ones(count, dtype=int)
    size = alive.copy()
    while alive.any():
        alive = rng.poisson(alive * 0.0 + rng.gamma(np.maximum(shape * alive, 1e-300), n / shape))
        size += alive
    mean, var = total_size_moments(n, dispersion=shape)
    assert abs(size.mean() - mean) < 5 * (var / count) ** 0.5
    for k in (1, 9):
        tail = float(total_size_sf(k, n, dispersion=shape))
        assert abs((size > k).mean() - tail) < 5 * (tail * (1 - tail) / count) ** 0.5


def test_a_matrix_of_one_type_is_a_number():
    assert reproduction_number(0.6) == 0.6
    assert total_caused(0.6)[0, 0] == pytest.approx(2.5)


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 0.3), min_size=9, max_size=9))
def test_all_caused_is_the_sum_over_generations(entries):
    matrix = np.array(entries).reshape(3, 3)
    if reproduction_number(matrix) < 0.9:
        total = sum(np.linalg.matrix_power(matrix, g) for g in range(400))
        np.testing.assert_allclose(total_caused(matrix), total, rtol=1e-10, atol=1e-12)


def test_dwass_takes_any_law():
    # binary branching: sizes are odd and count binary trees (Catalan numbers)
    got = dwass_pmf([0.7, 0.0, 0.3], 9)
    expected = np.zeros(10)
    for m in range(5):
        catalan = math.comb(2 * m, m) / (m + 1)
        expected[2 * m + 1] = catalan * 0.3**m * 0.7 ** (m + 1)
    np.testing.assert_allclose(got, expected, rtol=1e-13)
    np.testing.assert_array_equal(dwass_pmf([1.0], 3, starters=2), [0, 0, 1, 0])
    np.testing.assert_array_equal(dwass_pmf([1.0], 1, starters=2), [0, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: total_caused([[0.0, 2.0], [0.72, 0.0]]),
            r"`spectral_radius < 1` must hold for a finite mean episode, but it is 1.2 \(0.2 too",
        ),
        (lambda: total_caused(1.0), "the bound itself is not allowed"),
        (lambda: reproduction_number([[-1.0]]), "`0 <= means` must hold"),
        (lambda: extinction_prob(-1.0), "`0 <= n` must hold"),
        (lambda: extinction_prob(2.0, dispersion=0.0), "`0 < dispersion` must hold"),
        (lambda: extinction_prob(2.0, dispersion=np.nan), "finite"),
        (lambda: extinction_prob(2.0, starters=0), "`1 <= starters` must hold"),
        (lambda: generation(-1, 0.5), "`0 <= number"),
        (lambda: total_size_pmf(1.5, 0.5), "`size is whole` must hold"),
        (lambda: total_size_sf(1, [0.5, 0.6]), "lone numbers"),
        (lambda: total_size_sf(10**9, 1.0), "a tail at n = 1"),
        (lambda: total_size_quantile(1.0, 0.5), "`0 <= q < 1` must hold"),
        (lambda: total_size_quantile(0.99999, 1.0), "a tail at n = 1"),
        (lambda: total_size_moments(1.0), "`0 <= n < 1` must hold for a finite mean episode"),
        (lambda: dwass_pmf([0.5, 0.6], 3), r"`sum\(offspring\) = 1` must hold, but it is 1.1"),
        (lambda: dwass_pmf([0.5, 0.5], 0), "`1 <= largest` must hold"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(EscalateError, match=message):
        call()
