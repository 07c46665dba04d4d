"""Laws that samplers are checked with, against quadrature, listing and samplers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from escalate.errors import EscalateError
from escalate.theory import inference


@pytest.mark.parametrize(
    ("observed", "tolerance", "prior_mean", "prior_sd", "noise_sd"),
    [(1.5, 1.0, 0.0, 1.0, 1.0), (-3.0, 0.5, 2.0, 0.7, 1.9), (0.0, 8.0, 0.0, 3.0, 0.2)],
)
def test_the_abc_posterior_by_quadrature(observed, tolerance, prior_mean, prior_sd, noise_sd):
    prior, noise = stats.norm(prior_mean, prior_sd), stats.norm(0, noise_sd)

    def density(x):
        accepted = noise.cdf(observed + tolerance - x) - noise.cdf(observed - tolerance - x)
        return prior.pdf(x) * accepted

    x = np.linspace(prior_mean - 12 * prior_sd, prior_mean + 12 * prior_sd, 100_001)
    mass = density(x) * (x[1] - x[0])
    mean = mass @ x / mass.sum()
    sd = math.sqrt(mass @ (x - mean) ** 2 / mass.sum())
    found = inference.abc_normal_posterior(
        observed, tolerance, prior_mean=prior_mean, prior_sd=prior_sd, noise_sd=noise_sd
    )
    assert found == pytest.approx((mean, sd, mass.sum()), rel=1e-9)


def test_a_rejection_sampler_finds_the_abc_posterior():
    # 40 000 draws, tolerance 0.5: each number within 4.5 standard errors.
    rng = np.random.default_rng(6)
    theta = rng.normal(size=40_000)
    kept = theta[np.abs(rng.normal(theta) - 1.5) <= 0.5]
    mean, sd, acceptance = inference.abc_normal_posterior(1.5, 0.5)
    assert abs(kept.mean() - mean) < 4.5 * sd / math.sqrt(kept.size)
    assert abs(kept.std() - sd) < 4.5 * sd / math.sqrt(2 * kept.size)
    error = math.sqrt(acceptance * (1 - acceptance) / theta.size)
    assert abs(kept.size / theta.size - acceptance) < 4.5 * error


def test_the_abc_posterior_at_its_ends():
    exact = inference.abc_normal_posterior(1.5, 0.0)
    assert exact == pytest.approx((0.75, math.sqrt(0.5), 0.0), rel=1e-15)
    tiny = inference.abc_normal_posterior(1.5, 1e-9)
    assert tiny == pytest.approx((0.75, math.sqrt(0.5), 2e-9 * stats.norm(0, 2**0.5).pdf(1.5)))
    # Anything is accepted: the prior comes back.
    everything = inference.abc_normal_posterior(1.5, 1e6, prior_mean=3.0, prior_sd=2.0)
    assert everything == pytest.approx((3.0, 2.0, 1.0), rel=1e-12)
    # A datum that nobody expected: only the nearer edge is ever reached.
    far = inference.abc_normal_posterior(60.0, 10.0)
    tail = stats.norm.logsf(50.0 / math.sqrt(2.0))
    assert math.log(far.acceptance) == pytest.approx(tail, rel=1e-12)
    assert far.mean == pytest.approx(0.5 * (50.0 + 2.0 / 50.0), rel=1e-4)


def test_the_variance_of_a_tiny_tolerance_keeps_its_digits():
    # Without noise the parameter is the datum: uniform within the tolerance.
    found = inference.abc_normal_posterior(3.0, [1e-3, 1e-9], noise_sd=1e-12)
    assert found.sd[0] == pytest.approx(1e-3 / math.sqrt(3), rel=1e-6)
    assert found.sd[1] == pytest.approx(1e-9 / math.sqrt(3), rel=1e-5)


def test_effective_sample_size():
    assert inference.effective_sample_size(np.ones(7)) == pytest.approx(7.0)
    assert inference.effective_sample_size([0, 0, 5]) == 1.0
    assert inference.effective_sample_size([1e308, 1e308]) == pytest.approx(2.0)
    assert inference.effective_sample_size([[1, 1], [1, 0]]) == pytest.approx([2.0, 1.0])


def test_kernel_variance_is_twice_the_weighted_variance():
    rng = np.random.default_rng(7)
    x, w = rng.normal(size=(20, 3)), rng.gamma(1.0, size=20)
    expected = 2 * np.diag(np.cov(x.T, aweights=w, ddof=0))
    assert inference.kernel_variance(x, w) == pytest.approx(expected)
    assert inference.kernel_variance(x[:, 1], w) == pytest.approx(expected[1])
    assert inference.kernel_variance([3.0, 3.0], [1, 9]) == 0.0


@pytest.mark.parametrize(
    ("draws", "scale", "shift"),
    [
        (1, 1.0, 0.0),
        (9, 0.5, 0.3),
        (20, 3.0, -1.0),
        (5, 0.01, 0.2),
        (5, 100.0, 1.0),
        (3, 1.0, 50.0),
    ],
)
def test_ranks_by_quadrature_over_levels(draws, scale, shift):
    # The true parameter's level among the draws is integrated piece by piece.
    def chance(z, rank):
        return stats.norm.pdf(z) * stats.binom.pmf(rank, draws, stats.norm.cdf((z - shift) / scale))

    found = inference.sbc_rank_pmf(draws, scale=scale, shift=shift)
    ends = np.unique(np.clip(np.r_[-9:9:37j, shift + scale * np.r_[-9:9:37j]], -9, 9))
    for rank in range(draws + 1):
        pieces = itertools.pairwise(ends)
        expected = sum(integrate.quad(chance, a, b, args=(rank,))[0] for a, b in pieces)
        assert found[rank] == pytest.approx(expected, rel=1e-7, abs=1e-12)
    assert found.sum() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("draws", [1, 2, 100, 1000])
def test_ranks_of_the_exact_posterior_are_uniform(draws):
    assert inference.sbc_rank_pmf(draws) == pytest.approx(1 / (draws + 1), rel=1e-10)


def test_many_draws_have_the_density_of_levels():
    # With L large the law of ranks is that of the level Phi((Z - d)/c), a smooth density.
    draws, c, d = 2000, 2.0, 0.5
    found = inference.sbc_rank_pmf(draws, scale=c, shift=d)
    v = stats.norm.ppf((np.arange(600, 1401) + 0.5) / (draws + 1))
    density = c * stats.norm.pdf(d + c * v) / stats.norm.pdf(v)
    assert found[600:1401] * (draws + 1) == pytest.approx(density, rel=5e-3)


def test_ranks_mirror():
    left, right = (inference.sbc_rank_pmf(7, scale=0.6, shift=s) for s in (0.8, -0.8))
    assert left == pytest.approx(right[::-1], rel=1e-12)


def listed(joint, posterior, draws, ties):
    """Give the law of ranks by listing every outcome of the draws."""
    law = np.zeros(draws + 1)
    k, n = joint.shape
    for true, y in itertools.product(range(k), range(n)):
        for values in itertools.product(range(k), repeat=draws):
            chance = joint[true, y] * np.prod(posterior[list(values), y])
            below, equal = sum(v < true for v in values), sum(v == true for v in values)
            spread = equal + 1 if ties == "random" else 1
            law[below : below + spread] += chance / spread
    return law


@pytest.mark.parametrize("ties", ["random", "below"])
@pytest.mark.parametrize("exact", [True, False])
def test_discrete_ranks_by_listing(ties, exact):
    rng = np.random.default_rng(8)
    joint = rng.gamma(1.0, size=(3, 2))
    joint[0, 1] = 0.0
    joint /= joint.sum()
    posterior = joint / joint.sum(axis=0)
    if not exact:
        posterior = np.array([[1.0, 0.2], [0.0, 0.3], [0.0, 0.5]])
    found = inference.sbc_rank_pmf_discrete(
        joint, 4, posterior=None if exact else posterior, ties=ties
    )
    assert found == pytest.approx(listed(joint, posterior, 4, ties), abs=1e-12)


def test_discrete_ranks_of_the_exact_posterior_are_uniform_however_rare_a_value_is():
    theta = np.linspace(0.0, 1.0, 12)[:, None]
    joint = np.concatenate([stats.binom(30, theta).pmf(np.arange(31)), np.zeros((12, 1))], axis=1)
    found = inference.sbc_rank_pmf_discrete(joint / joint.sum(), 50)
    assert found == pytest.approx(1 / 51, rel=1e-9)
    # A parameter with very many values hardly ever ties: both ways agree.
    joint = np.full((20_000, 1), 1 / 20_000)
    below = inference.sbc_rank_pmf_discrete(joint, 3, ties="below")
    assert below == pytest.approx(0.25, abs=1e-4)


def test_the_noncentrality_gives_the_power_of_the_test():
    # 2000 tests of 200 ranks at 5%: the share that rejects is within 4.5 standard errors, and
    # a hundredth more for the approximation that the noncentral law is.
    pmf = inference.sbc_rank_pmf(9, scale=0.8)
    counts = np.random.default_rng(9).multinomial(200, pmf, size=2000)
    statistic = ((counts - 20.0) ** 2 / 20.0).sum(axis=1)
    limit = stats.chi2.isf(0.05, 9)
    power = stats.ncx2.sf(limit, 9, inference.chi2_noncentrality(pmf, 200))
    error = 4.5 * math.sqrt(power * (1 - power) / 2000) + 0.01
    assert abs((statistic > limit).mean() - power) < error
    assert inference.chi2_noncentrality(np.full(4, 0.25), 100) == 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: inference.abc_normal_posterior(1, -1), "`0 <= tolerance` must hold"),
        (lambda: inference.abc_normal_posterior(1, 1, prior_sd=0), "`0 < prior_sd` must hold"),
        (lambda: inference.abc_normal_posterior(1, math.inf), "`tolerance is finite`"),
        (lambda: inference.abc_normal_posterior([1, 2], [1, 2, 3]), "shapes must match"),
        (lambda: inference.effective_sample_size([]), "`weights` must have shape (..., m)"),
        (lambda: inference.effective_sample_size([0, 0]), "`sum of weights > 0` must hold"),
        (lambda: inference.effective_sample_size([1, -1]), "`0 <= weights` must hold"),
        (lambda: inference.kernel_variance([1, 2, 3], [1, 1]), "(m,) or (m, d)"),
        (lambda: inference.sbc_rank_pmf(0), "`1 <= draws` must hold"),
        (lambda: inference.sbc_rank_pmf(9, scale=0), "`0 < scale` must hold"),
        (lambda: inference.sbc_rank_pmf(9, shift=math.nan), "`shift is finite` must hold"),
        (lambda: inference.sbc_rank_pmf_discrete([0.5, 0.5], 3), "must have shape (k, n)"),
        (lambda: inference.sbc_rank_pmf_discrete([[0.5]], 3), "`joint adds up to 1` must hold"),
        (
            lambda: inference.sbc_rank_pmf_discrete([[1.0]], 3, ties="above"),
            "`ties` must be 'random' or 'below', but it is 'above'",
        ),
        (
            lambda: inference.sbc_rank_pmf_discrete([[1.0]], 3, posterior=[[0.5], [0.5]]),
            "`posterior` must have shape (1, 1)",
        ),
        (
            lambda: inference.sbc_rank_pmf_discrete([[1.0]], 3, posterior=[[0.5]]),
            "`each column of posterior adds up to 1` must hold, but it is 0.5 (0.5 too small)",
        ),
        (lambda: inference.chi2_noncentrality([0.5, 0.6], 10), "`pmf adds up to 1` must hold"),
        (lambda: inference.chi2_noncentrality([0.5, 0.5], 0), "`0 < runs` must hold"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(EscalateError) as error:
        call()
    assert message in str(error.value)
