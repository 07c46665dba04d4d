"""Scores of forecasts, against other routes to the same numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, special, stats

from escalate import scores
from escalate.errors import EscalateError

RUNS = [8.0, 12.0, 15.0, 15.0, 21.0, 30.0]


@pytest.fixture
def extra():
    return pytest.importorskip("scoringrules")


def enumerated(law, y, low, high):
    """Integrate the definition over counts, one by one."""
    x = np.arange(low, high + 1)
    ends = np.clip(y, x, x + 1)  # of the unit from x to x + 1, what lies below y
    return float(((ends - x) * law.cdf(x) ** 2 + (x + 1 - ends) * law.sf(x) ** 2).sum())


def poisson_crps(mean, y):
    """Give the closed form, with scaled Bessel functions."""
    law = stats.poisson(mean)
    own = mean * (special.ive(0, 2 * mean) + special.ive(1, 2 * mean))
    return (y - mean) * (2 * law.cdf(y) - 1) + 2 * mean * law.pmf(y) - own


def pinball(law, y):
    """Integrate twice the pinball loss of all quantiles, in log odds of the level."""
    split = special.logit(law.cdf(y))

    def loss(v):
        quantile = law.ppf(special.expit(v)) if v < 0 else law.isf(special.expit(-v))
        share = special.expit(-v) if v > split else special.expit(v)
        return 2 * share * abs(quantile - y) * special.expit(v) * special.expit(-v)

    cuts = np.unique(np.clip([-60, -30, -10, -3, 0, split, 3, 10, 30, 60], -60, 60))
    return sum(integrate.quad(loss, a, b, epsrel=1e-11)[0] for a, b in pairwise(cuts))


@pytest.mark.parametrize(
    ("law", "low", "high"),
    [
        (stats.poisson(3), -20, 80),
        (stats.poisson(0), -20, 80),
        (stats.nbinom(0.8, 0.01), -20, 6000),
        (stats.nbinom(5, 1.0), -20, 80),
        (stats.binom(10, 0.0), -20, 80),
        (stats.binom(10, 1.0), -20, 80),
        (stats.betabinom(1000, 2, 3), -20, 1100),
        (stats.randint(3, 9, loc=2), -20, 80),
        (stats.dlaplace(0.1), -600, 600),
        (stats.rv_discrete(values=([1, 2, 10], [0.5, 0.25, 0.25])), -20, 80),
    ],
)
@pytest.mark.parametrize("y", [-7, -2.3, 0, 3, 7.25, 40.5, 70])
def test_crps_of_counts(law, low, high, y):
    assert scores.crps(law, y) == pytest.approx(enumerated(law, y, low, high), rel=1e-10, abs=1e-11)


@pytest.mark.parametrize("mean", [1e-6, 0.5, 100.0, 1e4, 1e6, 1e8])
@pytest.mark.parametrize("z", [-3.0, 0.3, 2.0, 50.0])
def test_crps_of_poisson_counts_of_any_size(mean, z):
    y = max(0.0, np.floor(mean + z * np.sqrt(mean)))
    # At 1e8 the chance of one count, in the closed form, is 7e-8 off in scipy 1.17.
    assert scores.crps(stats.poisson(mean), y) == pytest.approx(poisson_crps(mean, y), rel=1e-6)


@pytest.mark.parametrize(("mean", "size"), [(1e3, 0.8), (1e6, 0.8), (1e8, 0.8), (1e6, 0.01)])
@pytest.mark.parametrize("times", [0, 1, 10])
def test_crps_of_scattered_counts_of_any_size(mean, size, times):
    # E|X - X'| of whole numbers is an integral of 1 - |characteristic function|^2.
    law, y = stats.nbinom(size, size / (size + mean)), np.floor(times * mean)
    ratio = 4 * mean * (size + mean) / size**2

    def of(log_sine):
        s = np.exp(log_sine)
        return -np.expm1(-size * np.log1p(ratio * s * s)) / s / np.sqrt(1 - s * s)

    cuts = np.linspace(-0.5 * np.log(ratio) - 40, -1e-3, 60)
    gap = sum(integrate.quad(of, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in pairwise(cuts))
    last = np.arcsin(np.exp(-1e-3)), np.pi / 2
    gap += integrate.quad(
        lambda v: -np.expm1(-size * np.log1p(ratio * np.sin(v) ** 2)) / np.sin(v) ** 2, *last
    )[0]
    other = stats.nbinom(size + 1, law.args[1])
    away = y * (2 * law.cdf(y) - 1) - mean * (2 * other.cdf(y - 1) - 1)
    assert scores.crps(law, y) == pytest.approx(away - gap / (2 * np.pi), rel=1e-9)


@pytest.mark.parametrize(
    "law",
    [
        stats.gamma(2.5),
        stats.gamma(0.01),
        stats.lognorm(2.0),
        stats.t(2.2),
        stats.uniform(3, 4),
        stats.beta(0.1, 0.2),
        stats.laplace(loc=1e3),
        stats.norm(3, 2),
    ],
)
@pytest.mark.parametrize("level", [1e-3, 0.2, 0.7, 0.999])
def test_crps_of_measures(law, level):
    y = float(law.ppf(level))
    assert scores.crps(law, y) == pytest.approx(pinball(law, y), rel=1e-6)


@pytest.mark.parametrize(("y", "expected"), [(-10.0, 10.0 + 1 / 3), (15.0, 14.0 + 1 / 3)])
def test_crps_far_from_where_the_forecast_is(y, expected):
    assert scores.crps(stats.uniform(), y) == pytest.approx(expected, rel=1e-12)


def test_crps_of_the_normal_has_no_cancellation():
    y = np.array([0.0, 1e-9, 3.0, 1e8])
    quadrature = [pinball(stats.norm(), v) for v in y[:3]]
    found = scores.crps(stats.norm(), y)
    assert found[:3] == pytest.approx(quadrature, rel=1e-7)
    assert found[3] == pytest.approx(1e8 - 1 / np.sqrt(np.pi), rel=1e-15)


def test_crps_broadcasts_and_takes_keywords():
    found = scores.crps(stats.nbinom(n=[[0.8], [7.0]], p=0.8, loc=1), [1, 2, 4])
    assert found.shape == (2, 3)
    assert found[1, 2] == scores.crps(stats.nbinom(7, 0.8), 3)
    histogram = stats.rv_histogram(np.histogram(RUNS, bins=4))
    assert scores.crps(histogram, 18.0) == pytest.approx(pinball(histogram, 18.0), rel=1e-3)


def test_the_truth_is_the_best_forecast():
    # Mean scores under the truth, exactly; every other forecast does worse.
    truth, x = stats.nbinom(2, 0.1), np.arange(400)
    for score in (scores.crps, scores.log_score):
        means = [
            truth.pmf(x) @ score(law, x)
            for law in (truth, stats.nbinom(2, 0.12), stats.nbinom(3, 0.14), stats.poisson(18))
        ]
        assert means[0] < min(means[1:])


def test_log_scores():
    assert scores.log_score(stats.poisson(3), [0, -1, 1.5]) == pytest.approx([3.0, np.inf, np.inf])
    assert scores.log_score(stats.norm(0, 0.1), 0) == pytest.approx(np.log(0.1) + 0.918938533)
    assert scores.log_score(stats.nbinom(0.8, 0.01), 10**6) > 1e4


@pytest.mark.parametrize("fair", [False, True])
def test_ensemble_scores_are_sums_over_all_pairs(extra, fair):
    rng = np.random.default_rng(1)
    x, y = rng.gamma(2.0, size=(2, 3, 7)), rng.gamma(2.0, size=(2, 3))
    pairs = np.abs(x[..., None] - x[..., None, :]).sum(axis=(-1, -2))
    dumb = np.abs(x - y[..., None]).mean(axis=-1) - pairs / (2 * 7 * (6 if fair else 7))
    assert scores.crps_ensemble(x, y, fair=fair) == pytest.approx(dumb, rel=1e-12)
    assert scores.energy_score(x[..., None], y[..., None], fair=fair) == pytest.approx(dumb)
    # In several dimensions, and in more members than one block holds.
    x, y = rng.normal(size=(700, 3)), np.ones(3)
    pairs = np.linalg.norm(x[:, None] - x, axis=-1).sum()
    dumb = np.linalg.norm(x - y, axis=-1).mean() - pairs / (2 * 700 * (699 if fair else 700))
    assert scores.energy_score(x, y, fair=fair) == pytest.approx(dumb, rel=1e-12)
    theirs = extra.es_ensemble(y, x, estimator="fair" if fair else "nrg", backend="numpy")
    assert scores.energy_score(x, y, fair=fair) == pytest.approx(float(theirs), rel=1e-12)


def test_an_offset_costs_no_digits():
    x = np.array(RUNS)
    for fair in (False, True):
        near = scores.crps_ensemble(x, 18.0, fair=fair)
        assert scores.crps_ensemble(x + 2.0**40, 18.0 + 2.0**40, fair=fair) == near


def test_fair_scores_are_right_on_average():
    # 4000 ensembles of 3: within 4.5 standard errors, false alarm 1 in 150 000.
    x = np.random.default_rng(5).normal(size=(4000, 3))
    found = scores.crps_ensemble(x, 0.5, fair=True)
    error = found.mean() - scores.crps(stats.norm(), 0.5)
    assert abs(error) < 4.5 * found.std(ddof=1) / np.sqrt(4000)
    assert scores.crps_ensemble(x, 0.5).mean() > found.mean()


def test_closed_forms_agree_with_the_extra(extra):
    assert scores.crps(stats.norm(1, 2), 3.0) == pytest.approx(extra.crps_normal(3.0, 1.0, 2.0))
    assert scores.crps(stats.lognorm(0.7), 3.0) == pytest.approx(
        float(extra.crps_lognormal(3.0, 0.0, 0.7))
    )
    assert scores.crps(stats.gamma(2.5), 3.0) == pytest.approx(
        float(extra.crps_gamma(3.0, 2.5, 1.0))
    )
    assert scores.crps(stats.binom(40, 0.3), 9) == pytest.approx(extra.crps_binomial(9, 40, 0.3))


def test_the_gaussian_energy_score():
    # Isotropic: the mean length is a Laguerre function, here a confluent hypergeometric one.
    for d, sd, far in [(1, 1.0, 0.0), (2, 3.0, 1.0), (3, 0.1, 7.0), (5, 1.0, 30.0)]:

        def length(s, m, d=d):
            scale = s * np.sqrt(2) * np.exp(special.gammaln((d + 1) / 2) - special.gammaln(d / 2))
            return scale * special.hyp1f1(-0.5, d / 2, -m * m / (2 * s * s))

        y = np.zeros(d)
        y[0] = far
        expected = length(sd, far) - 0.5 * length(sd * np.sqrt(2), 0.0)
        found = scores.energy_score_gaussian(np.zeros(d), sd**2 * np.eye(d), y)
        assert found == pytest.approx(expected, rel=1e-12)


def test_the_gaussian_energy_score_of_a_degenerate_forecast():
    zero = np.zeros((2, 2))
    found = scores.energy_score_gaussian([0, 0], zero, [[3.0, 4.0], [0.0, 0.0]])
    assert found == pytest.approx([5.0, 0.0], abs=1e-14)
    # All on the diagonal: a normal in one dimension, stretched.
    line = scores.energy_score_gaussian([0, 0], np.ones((2, 2)), [0.5, 0.5])
    assert line == pytest.approx(np.sqrt(2) * scores.crps(stats.norm(), 0.5), rel=1e-12)
    y = np.array([1e-9, 0.3, 1e3, 1e8])
    found = scores.energy_score_gaussian(1.0, 4.0, (1.0 + y)[:, None])
    assert found == pytest.approx(scores.crps(stats.norm(1, 2), 1.0 + y), rel=1e-12)


def test_the_gaussian_energy_score_is_that_of_a_large_ensemble():
    # 3 correlated quantities; the scores of 40 ensembles of 100 within 4.5 standard errors.
    cov = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 30.0]])
    x = np.random.default_rng(2).multivariate_normal([1, 2, 3], cov, size=(40, 100))
    found = scores.energy_score(x, np.full((40, 3), 2.5), fair=True)
    exact = scores.energy_score_gaussian([1, 2, 3], cov, [2.5, 2.5, 2.5])
    assert abs(found.mean() - exact) < 4.5 * found.std(ddof=1) / np.sqrt(40)


def test_interval_scores():
    y = np.array([-1.0, 0.0, 0.2, 0.4, 2.0])
    found = scores.interval_score(0.0, 0.4, y, alpha=0.1)
    assert found == pytest.approx([20.4, 0.4, 0.4, 0.4, 32.4])
    assert scores.interval_score([0.0], [0.4], [0.1], alpha=[0.5]).shape == (1,)
    assert scores.interval_score(1.0, 1.0, 3.0, alpha=1.0) == 4.0
    many = scores.interval_score(0.0, [[0.1], [0.2]], y, alpha=[0.1, 0.2, 0.3, 0.4, 0.5])
    assert many.shape == (2, 5)
    assert many[1, 4] == pytest.approx(0.2 + 4 * 1.8)


def test_weighted_interval_scores():
    # Twice the mean pinball loss of the median and the ends; scoringrules 0.10 with NumPy has
    # the median itself in place of its distance, which is why it is not asked.
    y, median = np.array([5.0, -3.0]), 4.0
    low, high, alpha = [2.0, 3.0], [6.0, 5.0], [0.1, 0.5]
    quantiles = {0.05: 2.0, 0.25: 3.0, 0.5: 4.0, 0.75: 5.0, 0.95: 6.0}
    loss = [2 * np.maximum(p * (y - q), (p - 1) * (y - q)) for p, q in quantiles.items()]
    found = scores.weighted_interval_score(median, low, high, y, alpha=alpha)
    assert found == pytest.approx(np.mean(loss, axis=0))
    # Of many intervals it is nearly the CRPS.
    alpha = np.arange(1, 1000) / 1000
    law = stats.gamma(2)
    found = scores.weighted_interval_score(
        law.median(), law.ppf(alpha / 2), law.isf(alpha / 2), 3.0, alpha=alpha
    )
    assert found == pytest.approx(scores.crps(law, 3.0), rel=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scores.crps(3, 1), "frozen distribution of scipy.stats"),
        (lambda: scores.log_score(stats.poisson, 1), "frozen distribution of scipy.stats"),
        (lambda: scores.crps(stats.norm(), np.nan), "`observed is finite` must hold"),
        (lambda: scores.crps(stats.norm(0, -1), 0), "`forecast has a finite mean` must hold"),
        (lambda: scores.crps(stats.cauchy(), 0), "`forecast has a finite mean` must hold"),
        (lambda: scores.crps(stats.poisson(1e12), 0), "finds the quantiles"),
        (lambda: scores.log_score(stats.poisson(-1), 1), "valid parameters"),
        (lambda: scores.crps_ensemble([], 1), "`members` must have shape (..., m), none 0"),
        (lambda: scores.crps_ensemble([1.0], 1, fair=True), "`2 <= m` must hold"),
        (lambda: scores.crps_ensemble([1.0, 2.0], [1, 2]), "`observed` must have shape ()"),
        (lambda: scores.energy_score([1.0, 2.0], 1), "`members` must have shape (..., m, d)"),
        (lambda: scores.energy_score([[1.0, 2.0]], [1, 2, 3]), "must have shape (2,)"),
        (lambda: scores.energy_score([[1.0, np.inf]], [1, 2]), "`members is finite`"),
        (
            lambda: scores.energy_score_gaussian([0, 0], [[1.0]], [0, 0]),
            "`covariance` must have shape (2, 2), but it has (1, 1)",
        ),
        (
            lambda: scores.energy_score_gaussian([0, 0], [[1, 2], [0, 1]], [0, 0]),
            "`covariance is symmetric` must hold",
        ),
        (
            lambda: scores.energy_score_gaussian([0, 0], [[1, 2], [2, 1]], [0, 0]),
            "`0 <= eigenvalues of covariance` must hold, but it is -1 (1 too small)",
        ),
        (lambda: scores.energy_score_gaussian([0, 0], np.eye(2), [0]), "`observed` must have"),
        (lambda: scores.interval_score(1, 0, 0, alpha=0.1), "`0 <= upper - lower` must hold"),
        (lambda: scores.interval_score(0, 1, 0, alpha=0), "`0 < alpha <= 1` must hold"),
        (lambda: scores.interval_score([0, 1], [1, 2, 3], 0, alpha=0.1), "shapes must match"),
        (
            lambda: scores.weighted_interval_score(0, [0], [1], 0, alpha=[0.1, 0.5]),
            "`lower` and `upper` must have shape (..., 2)",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(EscalateError) as error:
        call()
    assert message in str(error.value)
