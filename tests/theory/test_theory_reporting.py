"""Reports of counts, against enumeration and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from escalate.errors import EscalateError
from escalate.theory import reporting
from escalate.theory.reporting import interval_log_likelihood, negative_binomial


def test_negative_binomial_of_mean_and_size():
    law = negative_binomial([0.0, 3.0, 250.0], 0.8)
    assert law.mean() == pytest.approx([0.0, 3.0, 250.0])
    assert law.var() == pytest.approx([0.0, 3.0 + 9.0 / 0.8, 250.0 + 250.0**2 / 0.8])
    # A gamma mixture of Poisson counts.
    mixed = integrate.quad(
        lambda m: stats.poisson(m).pmf(4) * stats.gamma(0.8, scale=3 / 0.8).pdf(m), 0, np.inf
    )
    assert negative_binomial(3, 0.8).pmf(4) == pytest.approx(mixed[0], rel=1e-7)


@pytest.mark.parametrize("size", [1e9, 1e12, 1e15, 1e17, 1e300])
def test_negative_binomial_becomes_poisson(size):
    law, limit = negative_binomial(250, size), stats.poisson(250)
    assert law.mean() == pytest.approx(250.0, rel=1e-8)
    found = interval_log_likelihood(law, [240, 90, 300, 17], [260, 110, None, 17])
    expected = interval_log_likelihood(limit, [240, 90, 300, 17], [260, 110, None, 17])
    # Var is m + m^2 / k, which at 1e9 is a quarter of a millionth more.
    assert found == pytest.approx(expected, abs=1e-4 if size < 1e10 else 1e-9)
    mixed = negative_binomial([0.0, 250.0, 250.0], [1.0, 0.8, size])
    assert mixed.mean() == pytest.approx([0.0, 250.0, 250.0], rel=1e-7)
    assert mixed.var() == pytest.approx([0.0, 78375.0, 250.0], rel=1e-6)


@pytest.mark.parametrize(
    "law", [stats.poisson(7), negative_binomial(7, 0.8), stats.binom(20, 0.9), stats.dlaplace(0.5)]
)
@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (5, 9), (4.2, 9.9), (None, 3), (12, None), (None, None), (19, 21)]
)
def test_chances_of_intervals_are_sums(law, low, high):
    x = np.arange(-200.0, 400.0)
    inside = (x >= (-math.inf if low is None else low)) & (
        x <= (math.inf if high is None else high)
    )
    expected = math.log(law.pmf(x[inside]).sum())
    assert interval_log_likelihood(law, low, high) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_far_out_in_a_tail_digits_are_kept():
    law = negative_binomial(10, 0.8)
    # The tail is nearly geometric there, of ratio 1 - p, and no double holds its chance.
    found = interval_log_likelihood(law, [20_000, 20_000, 20_000], [None, 20_000, 20_003])
    x = np.arange(20_000, 30_000)
    exact = np.logaddexp.reduce(law.logpmf(x))
    assert found[0] == pytest.approx(exact, rel=1e-14)
    assert found[1] == law.logpmf(20_000)
    assert found[2] == pytest.approx(np.logaddexp.reduce(law.logpmf(x[:4])), rel=1e-14)
    below = interval_log_likelihood(stats.poisson(1000), None, 10)
    exact = np.logaddexp.reduce(stats.poisson(1000).logpmf(np.arange(11)))
    assert below == pytest.approx(exact, rel=1e-14)


def test_narrow_intervals_of_a_wide_law_keep_their_digits():
    law = negative_binomial(1e8, 0.8)
    exact = np.logaddexp.reduce(law.logpmf(np.arange(1e8, 1e8 + 1001)))
    assert interval_log_likelihood(law, 1e8, 1e8 + 1000) == pytest.approx(exact, rel=1e-12)
    # More counts than are added up at once.
    exact = np.logaddexp.reduce(stats.randint(0, 10**10).logpmf(np.arange(200_000)))
    found = interval_log_likelihood(stats.randint(0, 10**10), 10**9, 10**9 + 199_999)
    assert found == pytest.approx(exact, rel=1e-9)


def test_what_a_law_rules_out_has_no_chance():
    assert interval_log_likelihood(stats.binom(5, 0.5), [6, 0, -3], [None, 5, -1]) == pytest.approx(
        [-math.inf, 0.0, -math.inf]
    )
    assert interval_log_likelihood(stats.poisson(0), 1, None) == -math.inf


def test_likelihoods_broadcast_over_laws_and_reports():
    law = negative_binomial(np.array([[1e-3], [250.0]]), 0.8)
    found = interval_log_likelihood(law, [500, 17], [None, 17])
    assert found.shape == (2, 2)
    assert found[1, 0] == interval_log_likelihood(negative_binomial(250, 0.8), 500, None)
    keywords = stats.nbinom(n=0.8, p=0.8 / 10.8)
    assert interval_log_likelihood(keywords, 9999, None) == pytest.approx(
        interval_log_likelihood(negative_binomial(10, 0.8), 9999, None), rel=1e-12
    )


def test_the_mean_from_exact_counts_is_their_mean():
    counts = [3, 0, 12, 5]
    assert reporting.mean_from_intervals(counts, counts, 0.8) == pytest.approx(5.0, rel=1e-7)
    assert reporting.mean_from_intervals(7, 7, 0.8) == pytest.approx(7.0, rel=1e-7)


@pytest.mark.parametrize(
    ("low", "high", "size"),
    [
        ([500, 17, 200], [None, 17, 999], 0.3),
        ([0, 40], [5, None], 2.0),
        ([1000, 1], [None, 1], 5.0),
        ([None, 3], [10, 3], 0.8),
    ],
)
def test_the_mean_from_intervals_is_where_the_likelihood_is_highest(low, high, size):
    found = reporting.mean_from_intervals(low, high, size)

    def fall(log_mean):
        law = negative_binomial(math.exp(float(np.squeeze(log_mean))), size)
        return -float(interval_log_likelihood(law, low, high).sum())

    best = optimize.brute(fall, [(-8.0, 16.0)], Ns=400)[0]
    assert fall(math.log(found)) <= fall(best) + 1e-9
    assert found == pytest.approx(math.exp(best), rel=1e-4)


def test_reports_that_all_admit_nothing_have_mean_nothing():
    assert reporting.mean_from_intervals([0, None], [5, None], 0.8) == 0.0


def test_intervals_lose_less_than_points():
    # Reports of vague counts: the interval likelihood finds the mean, point coding misses it.
    # 600 counts; the estimate is within 4.5 of its standard errors sqrt((m + m^2/k)/n) or so,
    # here doubled for what vagueness loses.
    counts = negative_binomial(60, 2.0).rvs(600, random_state=np.random.default_rng(3))
    low = np.where(counts >= 200, 200, np.where(counts >= 24, 24, counts))
    high = np.where(counts >= 200, 999, np.where(counts >= 24, 199, counts))
    words = np.where(
        counts >= 200, "hundreds", np.where(counts >= 24, "dozens", counts.astype(str))
    )
    error = 4.5 * 2.0 * math.sqrt((60 + 60**2 / 2) / 600)
    assert abs(reporting.mean_from_intervals(low, high, 2.0) - 60) < error
    assert reporting.point_coding(words).mean() < 60 - error


def test_point_coding():
    reports = ["at least 1,500", "Dozens", "about 12.5", 17, "tens of people", "hundreds"]
    found = reporting.point_coding(reports)
    assert list(found) == [1500.0, 12.0, 12.5, 17.0, 10.0, 100.0]


def test_heaped_reports_are_rounded_counts():
    law, weights = stats.poisson(47), {1: 0.3, 10: 0.5, 7: 0.2}
    x = np.arange(400)
    expected = np.zeros(500)
    for heap, share in weights.items():
        np.add.at(expected, heap * np.floor(x / heap + 0.5).astype(int), share * law.pmf(x))
    found = reporting.heaped_pmf(law, weights, np.arange(500))
    assert found == pytest.approx(expected, abs=1e-14)
    assert found.sum() == pytest.approx(1.0, rel=1e-12)
    logs = reporting.heaped_pmf(law, weights, [47, 3000, -10], log=True)
    assert logs[0] == pytest.approx(math.log(expected[47]))
    assert -math.inf < logs[1] < -8000.0
    assert logs[2] == -math.inf
    assert reporting.heaped_pmf(law, {1: 1.0, 5: 0.0}, 47) == pytest.approx(law.pmf(47))


def test_pooled_claims_are_the_posterior():
    # Bayes' rule on a grid of log counts.
    claims, sd, bias, doubt = np.array([[320, 0.6, 0.5, 0.4], [90, 0.5, -0.6, 0.2]]).T
    x = np.linspace(-10, 20, 200_001)
    log = stats.norm(np.log(150), 1).logpdf(x)
    for y, s, b, t in zip(claims, sd, bias, doubt, strict=True):
        log += stats.norm(x + b, np.hypot(s, t)).logpdf(np.log(y))
    mass = np.exp(log - log.max())
    mass /= mass.sum()
    pooled = reporting.pool_claims(
        claims, sd=sd, bias=bias, bias_sd=doubt, prior_median=150, prior_sd=1
    )
    assert pooled.log_mean == pytest.approx(mass @ x, rel=1e-9)
    assert pooled.log_sd == pytest.approx(math.sqrt(mass @ (x - mass @ x) ** 2), rel=1e-6)
    assert pooled.mean == pytest.approx(mass @ np.exp(x), rel=1e-6)
    low, high = pooled.interval(0.8)
    inside = (x > math.log(low)) & (x < math.log(high))
    assert mass[inside].sum() == pytest.approx(0.8, abs=1e-3)
    assert pooled.median == pytest.approx(math.sqrt(low * high))


def test_pooled_claims_broadcast():
    one = reporting.pool_claims([100.0], sd=0.5)
    assert (one.median, one.log_sd) == (pytest.approx(100.0), pytest.approx(0.5))
    many = reporting.pool_claims([[100.0, 400.0], [1.0, 1.0]], sd=0.5)
    assert many.median == pytest.approx([200.0, 1.0])
    each = reporting.pool_claims(
        [100.0, 400.0], sd=[[0.5], [0.1]], bias_sd=[[0.0, 0.0], [1.0, 0.0]]
    )
    assert each.log_sd.shape == (2,)
    assert each.median[0] == pytest.approx(200.0)
    assert each.median[1] > 390.0


def test_two_list_estimates_over_many_pairs_of_lists():
    # Overlaps of independent lists from 150: within 4.5 standard errors of what enumeration
    # says, and the variance estimate is right on average to a few per cent.
    rng = np.random.default_rng(4)
    both = stats.hypergeom(150, 60, 50).rvs(20_000, random_state=rng)
    mean = reporting.expected_two_list_estimates(60, 50, 150)
    for estimate, expected in (
        (reporting.chapman(60, 50, both), mean.chapman),
        (reporting.lincoln_petersen(60, 50, both), mean.lincoln_petersen),
    ):
        error = estimate.total.std(ddof=1) / math.sqrt(both.size)
        assert abs(estimate.total.mean() - expected) < 4.5 * error
    chapman = reporting.chapman(60, 50, both)
    assert chapman.variance.mean() == pytest.approx(chapman.total.var(), rel=0.05)
    assert mean.chapman == pytest.approx(150.0, rel=1e-12)  # 60 + 50 < 150, nearly unbiased


@pytest.mark.parametrize(("first", "second", "total"), [(3, 4, 6), (2, 2, 4), (5, 5, 5), (1, 1, 9)])
def test_expected_two_list_estimates_by_listing_all_lists(first, second, total):
    chances = {
        m: math.comb(first, m) * math.comb(total - first, second - m) / math.comb(total, second)
        for m in range(min(first, second) + 1)
        if second - m <= total - first
    }
    found = reporting.expected_two_list_estimates(first, second, total)
    chapman = sum(p * ((first + 1) * (second + 1) / (m + 1) - 1) for m, p in chances.items())
    some = {m: p for m, p in chances.items() if m}
    petersen = sum(p * first * second / m for m, p in some.items()) / sum(some.values())
    assert found == pytest.approx((petersen, chapman))


def test_two_list_estimates_of_lists_that_say_all_or_nothing():
    assert reporting.lincoln_petersen(5, 5, 5) == (5.0, 0.0)
    assert reporting.chapman(5, 5, 5) == (5.0, 0.0)
    assert reporting.chapman(5, 4, 0) == (29.0, 6 * 5 * 5 * 4 / 2)
    assert reporting.chapman(10**9, 10**9, 10**8).total == pytest.approx(1e10, rel=1e-7)


def test_the_nowcast_is_the_posterior_of_the_final_count():
    # Bayes' rule over final counts: gamma-Poisson beforehand, thinned by the share.
    a, b, share, y = 2.0, 0.02, 0.45, 60
    final = np.arange(y, 2000)
    prior = stats.nbinom(a, b / (b + 1)).pmf(final)
    posterior = prior * stats.binom(final, share).pmf(y)
    posterior /= posterior.sum()
    law = reporting.nowcast(y, share, prior_shape=a, prior_rate=b)
    assert law.pmf(final) == pytest.approx(posterior, abs=1e-12)


def test_the_nowcast_at_its_ends():
    done = reporting.nowcast(60, 1.0, prior_shape=2, prior_rate=0.02)
    assert (done.mean(), done.var()) == (60.0, 0.0)
    nothing = reporting.nowcast(0, 0.0, prior_shape=2, prior_rate=0.02)
    assert nothing.mean() == pytest.approx(100.0)
    flat = reporting.nowcast(60, 0.5, prior_shape=1e-9, prior_rate=0.0)
    assert flat.mean() == pytest.approx(120.0)
    known = reporting.nowcast(60, 0.45, prior_shape=1e17, prior_rate=1e15)
    assert (known.mean(), known.var()) == pytest.approx((60.0 + 55.0, 55.0), rel=1e-8)
    several = reporting.nowcast([10, 20], [0.5, 0.9], prior_shape=2, prior_rate=0.1)
    assert several.mean().shape == (2,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: negative_binomial(-1, 1), "`0 <= mean` must hold, but it is -1 (1 too small)"),
        (lambda: negative_binomial(1, 0), "`0 < size` must hold"),
        (lambda: interval_log_likelihood(3, 0, 1), "frozen discrete distribution"),
        (lambda: interval_log_likelihood(stats.norm(), 0, 1), "frozen discrete distribution"),
        (lambda: interval_log_likelihood(stats.poisson(-1), 0, 1), "valid parameters"),
        (lambda: interval_log_likelihood(stats.poisson(1), math.nan, 1), "low is a number"),
        (lambda: interval_log_likelihood(stats.poisson(1), "x", 1), "must be numbers or None"),
        (lambda: interval_log_likelihood(stats.poisson(1), 2, 1), "but they are 2 and 1"),
        (lambda: interval_log_likelihood(stats.poisson(1), 1.2, 1.8), "a whole number must lie"),
        (
            lambda: interval_log_likelihood(stats.poisson(1), math.inf, None),
            "a whole number must lie",
        ),
        (lambda: interval_log_likelihood(stats.poisson(1), [1, 2], [3, 4, 5]), "shapes must match"),
        (lambda: reporting.mean_from_intervals([], [], 1), "n at least 1"),
        (lambda: reporting.mean_from_intervals([5], [None], 1), "a report with an upper bound"),
        (lambda: reporting.mean_from_intervals([None], [-1], 1), "`0 <= high` must hold"),
        (lambda: reporting.mean_from_intervals([5], [5], 0), "`0 < size` must hold"),
        (
            lambda: reporting.mean_from_intervals([0, 10**6], [0, None], 1e-3),
            "the likelihood must fall for large means",
        ),
        (lambda: reporting.point_coding(["many"]), "a number or one of tens, dozens, hundreds"),
        (lambda: reporting.heaped_pmf(stats.poisson(1), {1: 0.5}, 1), "weights add up to 1"),
        (lambda: reporting.heaped_pmf(stats.poisson(1), {0: 1.0}, 1), "heaps of weights"),
        (lambda: reporting.heaped_pmf(stats.poisson(1), {1: 1.0}, 1.5), "reported is whole"),
        (lambda: reporting.pool_claims([0.0], sd=1), "`0 < claims` must hold"),
        (lambda: reporting.pool_claims([1.0], sd=0), "`0 < hypot(sd, bias_sd)` must hold"),
        (lambda: reporting.pool_claims([], sd=1), "`claims` must have shape (..., n)"),
        (lambda: reporting.pool_claims(1.0, sd=1), "`claims` must have shape (..., n)"),
        (lambda: reporting.pool_claims([1.0], sd=1, prior_sd=1), "both or neither"),
        (
            lambda: reporting.pool_claims([1.0], sd=1, prior_sd=0, prior_median=1),
            "`0 < prior_sd` must hold",
        ),
        (lambda: reporting.pool_claims([1.0], sd=1).interval(1.0), "`0 < level < 1` must hold"),
        (lambda: reporting.lincoln_petersen(5, 4, 0), "`1 <= both` must hold"),
        (lambda: reporting.chapman(5, 4, 5), "`0 <= min(first, second) - both` must hold"),
        (lambda: reporting.chapman(5, 4, 1.5), "both is whole"),
        (lambda: reporting.expected_two_list_estimates(5, 4, 3), "`1 <= first <= 3` must hold"),
        (lambda: reporting.nowcast(1, 1.1, prior_shape=1, prior_rate=1), "reported_share <= 1`"),
        (
            lambda: reporting.nowcast([0, 5], [0.0, 0.0], prior_shape=1, prior_rate=1),
            "`reported = 0` must hold for a share of 0, but it is 5",
        ),
        (
            lambda: reporting.nowcast(0, 0, prior_shape=1, prior_rate=0),
            "`0 < prior_rate + reported_share` must hold",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(EscalateError) as error:
        call()
    assert message in str(error.value)
