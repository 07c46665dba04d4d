"""Gains of pairing, numbers of runs and intervals, against simulation and search."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from escalate.errors import EscalateError
from escalate.theory import experiments


@pytest.mark.parametrize(
    ("p1", "p2"), [(0.7, 0.8), (0.8, 0.7), (0.0, 1.0), (0.5, 0.5), (0.2, 0.2001)]
)
def test_shared_uniforms_by_quadrature(p1, p2):
    cuts = sorted({p1, p2})
    exact = experiments.paired_variance_binomial(1, p1, p2)
    # Indicators are constant between the cuts: their variances are sums.
    ends = np.array([0.0, *cuts, 1.0])
    mass, middle = np.diff(ends), 0.5 * (ends[1:] + ends[:-1])
    first, second = (middle < p1).astype(float), (middle < p2).astype(float)

    def var(x):
        return mass @ x**2 - (mass @ x) ** 2

    assert exact.common == pytest.approx(var(second - first), abs=1e-15)
    assert exact.independent == pytest.approx(var(first) + var(second), abs=1e-15)


def test_a_paired_experiment_has_the_variance_that_it_must():
    # 20 000 pairs of counts: sample variances within 4.5 of their standard errors, about
    # sqrt(2/n) for nearly normal counts.
    u = np.random.default_rng(10).random((20_000, 50))
    other = np.random.default_rng(11).random((20_000, 50))
    exact = experiments.paired_variance_binomial(50, 0.7, 0.8)
    paired = (u < 0.8).sum(axis=1) - (u < 0.7).sum(axis=1)
    apart = (other < 0.8).sum(axis=1) - (u < 0.7).sum(axis=1)
    for found, expected in ((paired.var(), exact.common), (apart.var(), exact.independent)):
        assert found == pytest.approx(expected, rel=4.5 * math.sqrt(2 / 20_000))


def test_reduction_has_its_ends():
    assert experiments.paired_variance_binomial(5, 0.3, 0.3).reduction == math.inf
    assert experiments.paired_variance_binomial(5, 0.0, 0.0).reduction == 1.0
    assert experiments.paired_variance_binomial(0, 0.3, 0.4).reduction == 1.0
    many = experiments.paired_variance_binomial([[1], [50]], 0.7, [0.8, 0.7, 0.2])
    assert many.common.shape == many.independent.shape == many.reduction.shape == (2, 3)
    # The factor does not depend on the number of weapons.
    assert many.reduction[0] == pytest.approx(many.reduction[1])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (stats.expon(scale=2.0), stats.expon(scale=3.0)),
        (stats.norm(1, 2), stats.norm(5, 3)),
        (stats.uniform(0, 2), stats.uniform(5, 1)),
    ],
)
def test_draws_by_inversion_of_one_family_differ_by_a_scale(first, second):
    found = experiments.paired_variance(first.ppf, second.ppf)
    assert found.common == pytest.approx((first.std() - second.std()) ** 2, rel=1e-8)
    assert found.independent == pytest.approx(first.var() + second.var(), rel=1e-8)


def test_exponential_times_have_a_closed_form():
    exact = experiments.paired_variance_exponential([2.0, 0.0, 1e150], [3.0, 3.0, 1e150])
    assert exact.common == pytest.approx([1.0, 9.0, 0.0])
    assert exact.reduction == pytest.approx([13.0, 1.0, math.inf])


def test_outcomes_that_oppose_each_other_are_hurt_by_sharing():
    found = experiments.paired_variance(lambda u: u, lambda u: 1.0 - u)
    assert found.common == pytest.approx(1 / 3)
    assert found.reduction == pytest.approx(0.5)
    nothing = experiments.paired_variance(lambda u: 3.0, lambda u: 3.0)
    assert (nothing.common, nothing.reduction) == (0.0, 1.0)
    copies = experiments.paired_variance(stats.gamma(0.5).ppf, stats.gamma(0.5).ppf)
    assert copies.reduction == math.inf


def test_antithetic_pairs():
    # e^U: Cov(e^U, e^(1-U)) = e - (e - 1)^2.
    e = math.e
    var = (e**2 - 1) / 2 - (e - 1) ** 2
    assert experiments.antithetic_variance(math.exp) == pytest.approx(
        0.5 * (var + e - (e - 1) ** 2), rel=1e-9
    )
    # What is odd about one half cancels, what is even is not helped at all.
    assert experiments.antithetic_variance(stats.norm(5, 2).ppf) == pytest.approx(0.0, abs=1e-12)
    assert experiments.antithetic_variance(lambda u: (u - 0.5) ** 2) == pytest.approx(1 / 180)
    # Minus the logarithm: Cov(log U, log(1 - U)) = 1 - pi^2/6.
    found = experiments.antithetic_variance(lambda u: -math.log(u))
    assert found == pytest.approx(0.5 * (2 - math.pi**2 / 6), rel=1e-8)


def test_control_variates():
    e = math.e
    beta = 12 * (1 - (e - 1) / 2)
    found = experiments.control_variate(math.exp)
    var = (e**2 - 1) / 2 - (e - 1) ** 2
    assert found == pytest.approx((beta, var - beta**2 / 12), rel=1e-8)
    line = experiments.control_variate(lambda u: 2 * u + 1)
    assert line == pytest.approx((2.0, 0.0), abs=1e-12)
    itself = experiments.control_variate(math.exp, math.exp)
    assert itself == pytest.approx((1.0, 0.0), abs=1e-12)


@pytest.mark.parametrize("sd", [0.0, 0.01, 0.3, 1.0, 2.0, 5.0, 12.5])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.95, 0.9999])
def test_replications_by_counting_up(sd, level):
    tail = 0.5 * (1 - level)
    k = 2
    while stats.t.isf(tail, k - 1) * sd > math.sqrt(k):
        k += 1
    assert experiments.replications(sd, 1.0, level=level) == k
    k = 1
    while stats.norm.isf(tail) * sd > math.sqrt(k):
        k += 1
    assert experiments.replications(sd, 1.0, level=level, rule="normal") == k


def test_many_replications():
    assert (
        experiments.replications(1e6, 1.0) - experiments.replications(1e6, 1.0, rule="normal") == 2
    )
    assert experiments.replications(1e-300, 1e-307, level=0.5) > 10**13
    # Twice the precision, four times the runs.
    assert experiments.replications(1e4, 0.5) == pytest.approx(
        4 * experiments.replications(1e4, 1.0), rel=1e-6
    )


@pytest.mark.parametrize(("events", "trials"), [(3, 200), (1, 1), (0, 7), (7, 7), (10**8, 10**9)])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_intervals_are_tests_turned_round(events, trials, level):
    z, share, tail = stats.norm.isf((1 - level) / 2), events / trials, (1 - level) / 2
    wilson = experiments.proportion_interval(events, trials, level=level)
    for end in wilson:
        # At each end the score statistic is just at its limit, or the end is that of [0, 1].
        at = (share - end) ** 2 - z**2 * end * (1 - end) / trials
        assert at == pytest.approx(0.0, abs=1e-12)
    exact = experiments.proportion_interval(events, trials, level=level, method="exact")
    if events:
        assert stats.binom(trials, exact.low).sf(events - 1) == pytest.approx(tail, rel=1e-6)
    if events < trials:
        assert stats.binom(trials, exact.high).cdf(events) == pytest.approx(tail, rel=1e-6)
    assert 0.0 <= exact.low <= share <= exact.high <= 1.0


def test_an_event_that_was_never_seen():
    found = experiments.no_event_upper([1, 200, 10**12], level=0.95)
    searched = optimize.brentq(lambda p: (1 - p) ** 200 - 0.05, 0, 1, xtol=1e-15)
    assert found[1] == pytest.approx(searched, rel=1e-10)
    assert found[0] == pytest.approx(0.95)
    assert found[2] == pytest.approx(-math.log(0.05) * 1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: experiments.paired_variance_binomial(5, 1.1, 0.5), "`0 <= p1 <= 1` must hold"),
        (lambda: experiments.paired_variance_binomial(5.5, 0.1, 0.5), "n is whole"),
        (lambda: experiments.paired_variance_exponential(-1, 1), "`0 <= mean1` must hold"),
        (
            lambda: experiments.paired_variance(stats.pareto(1.5).ppf, abs),
            "must have a finite mean and variance",
        ),
        (
            lambda: experiments.antithetic_variance(stats.cauchy.ppf),
            "must have a finite mean and variance",
        ),
        (
            lambda: experiments.control_variate(math.exp, lambda u: 0.1),
            "`variance of the control > 0` must hold",
        ),
        (lambda: experiments.replications(-1, 1), "`0 <= sd` must hold"),
        (lambda: experiments.replications(1, 0), "`0 < half_width` must hold"),
        (lambda: experiments.replications(1, 1, level=1), "`0 < level < 1` must hold"),
        (lambda: experiments.replications(1, 1, rule="z"), "`rule` must be 't' or 'normal'"),
        (lambda: experiments.replications(1e9, 1), "<= 2^52` must hold for a number of runs"),
        (lambda: experiments.proportion_interval(5, 4), "`0 <= events <= 4` must hold"),
        (lambda: experiments.proportion_interval(0, 0), "`1 <= trials` must hold"),
        (lambda: experiments.proportion_interval(1, 4, method="wald"), "'wilson' or 'exact'"),
        (lambda: experiments.no_event_upper(0), "`1 <= trials` must hold"),
        (lambda: experiments.no_event_upper(5, level=0), "`0 < level < 1` must hold"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(EscalateError) as error:
        call()
    assert message in str(error.value)
