"""Hawkes processes against spectra, sums over all pairs of attacks, and drawn processes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize

from escalate.errors import EscalateError
from escalate.theory import hawkes
from escalate.theory.branching import reproduction_number
from escalate.theory.hawkes import (
    branching_matrix,
    covariance_rate,
    fit,
    goodness_of_fit,
    lag_covariance,
    log_likelihood,
    simulate,
    stationary_rates,
    time_change,
    window_counts,
)

MU = np.array([0.3, 0.2])
G = np.array([[0.25, 0.4], [0.55, 0.1]])
PROCESSES = {
    "one component": (0.5, 0.6, 2.0),
    "one decay": (MU, G, 1.5),
    "a decay a row": (MU, G, [[1.5], [0.4]]),
    "a decay a pair": (MU, G, [[1.5, 0.4], [3.0, 0.7]]),
    "one way": ([0.3, 0.0], [[0.2, 0.0], [0.9, 0.0]], 1.0),
    "no excitement": ([0.3, 0.2], [[0.0, 0.0], [0.0, 0.0]], 1.0),
    "two exponentials": (MU, np.stack([G / 4, G / 2], axis=2), [0.3, 2.0]),
}
each_process = pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)


def kernels(mu, g, decay):
    """Spell a process out: rates and lists of (row, column, size, decay)."""
    mu = np.atleast_1d(np.asarray(mu, dtype=float))
    d = mu.size
    g = np.asarray(g, dtype=float)
    g = g.reshape(d, d, -1)
    decay = np.asarray(decay, dtype=float)
    decay = np.broadcast_to(decay if g.shape[2] > 1 else decay[..., None], g.shape)
    parts = [(i, j, g[i, j, m], decay[i, j, m]) for i, j, m in np.ndindex(*g.shape)]
    return mu, parts


def spectrum(mu, g, decay, omega):
    """Give the spectral density of the counts, less its constant part, from Hawkes 1971."""
    mu, parts = kernels(mu, g, decay)
    d = mu.size
    phi, total = np.zeros((d, d), dtype=complex), np.zeros((d, d))
    for i, j, size, rate in parts:
        phi[i, j] += size * rate / (rate + 1j * omega)
        total[i, j] += size
    rates = np.diag(np.linalg.solve(np.eye(d) - total, mu))
    gain = np.linalg.inv(np.eye(d) - phi)
    return gain @ rates @ gain.conj().T - rates, rates


def covariance_by_spectrum(mu, g, decay, window, shift):
    """Integrate the spectrum against the window's; covers all lags, by quadrature."""
    d = np.atleast_1d(mu).size
    cov = np.zeros((d, d))

    def integrand(omega, i, j):
        seen = window * np.sinc(omega * window / 2 / np.pi)
        return (seen**2 * spectrum(mu, g, decay, omega)[0][i, j] * np.exp(1j * omega * shift)).real

    for i, j in np.ndindex(d, d):
        # the integrand falls as omega^-4
        value = integrate.quad(integrand, 0, 80, (i, j), limit=2000, epsabs=1e-9)[0]
        cov[i, j] = value / np.pi
    if shift == 0.0:
        cov += spectrum(mu, g, decay, 1.0)[1] * window
    return cov


@each_process
def test_window_covariances_are_those_of_the_spectrum(process):
    mean, cov = window_counts(*process, 4.0)
    np.testing.assert_allclose(
        cov, covariance_by_spectrum(*process, 4.0, 0.0), rtol=2e-4, atol=2e-4
    )
    np.testing.assert_allclose(mean, 4.0 * stationary_rates(*process[:2]))
    lagged = lag_covariance(*process, 4.0, 1.0)
    np.testing.assert_allclose(
        lagged, covariance_by_spectrum(*process, 4.0, 5.0), rtol=2e-4, atol=2e-4
    )


@each_process
def test_windows_add_up(process):
    one = window_counts(*process, 3.0).cov
    shared = lag_covariance(*process, 3.0)
    np.testing.assert_allclose(
        window_counts(*process, 6.0).cov, 2 * one + shared + shared.T, rtol=1e-12
    )
    # and so do gaps: windows 1 and 3 of three
    outer = lag_covariance(*process, 3.0, 3.0)
    three = 3 * one + 2 * (shared + shared.T) + outer + outer.T
    np.testing.assert_allclose(window_counts(*process, 9.0).cov, three, rtol=1e-12)


@each_process
def test_long_windows_have_the_covariance_rate(process):
    rate = covariance_rate(*process[:2])
    np.testing.assert_allclose(window_counts(*process, 1e9).cov / 1e9, rate, rtol=1e-6)


@each_process
def test_short_windows_are_poisson_with_clusters(process):
    mean, cov = window_counts(*process, 1e-9)
    np.testing.assert_allclose(cov, np.diag(mean), atol=1e-16)
    none = window_counts(*process, 0.0)
    assert not none.mean.any() and not none.cov.any()


@pytest.mark.parametrize("window", [1e-6, 0.3, 60.0, 1e6])
@pytest.mark.parametrize("n", [0.0, 0.3, 0.99, 1.0 - 1e-6])
def test_one_component_obeys_its_closed_form(window, n):
    beta, mu = 0.06, 0.02
    gap = beta * (1.0 - n)
    k, g = 1 / (1 - n), mu / (1 - n)
    x = gap * window
    # tau k^2 + (1 - k^2) (1 - e^-x) / gap, with the difference of the two taken first
    rest = -np.expm1(-x) / x if x > 1e-3 else 1 - x / 2 + x**2 / 6 - x**3 / 24
    expected = g * window * (1.0 + (k**2 - 1.0) * (1.0 - rest))
    if x <= 1e-3:
        expected = g * window * (1.0 + (k**2 - 1.0) * (x / 2 - x**2 / 6 + x**3 / 24))
    assert window_counts(mu, n, beta, window).cov[0, 0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("unit", [1e-100, 1e-9, 1e12])
def test_moments_do_not_hang_on_the_unit_of_time(unit):
    one = window_counts(MU, G, [[1.5], [0.4]], 4.0).cov
    got = window_counts(MU * unit, G, np.array([[1.5], [0.4]]) * unit, 4.0 / unit).cov
    np.testing.assert_allclose(got, one, rtol=1e-12)


def test_components_apart_do_not_disturb_each_other():
    apart = window_counts([0.1] * 3, np.eye(3) * 0.5, [[1e-3], [1.0], [1e3]], 10.0).cov
    for i, decay in enumerate([1e-3, 1.0, 1e3]):
        alone = window_counts(0.1, 0.5, decay, 10.0).cov[0, 0]
        assert apart[i, i] == pytest.approx(alone, rel=1e-12)
    np.testing.assert_allclose(apart - np.diag(np.diag(apart)), 0.0, atol=1e-12)


def test_a_split_kernel_is_the_same_kernel():
    whole_, split = (MU, G, 1.5), (MU, np.stack([0.3 * G, 0.7 * G], axis=2), 1.5)
    np.testing.assert_allclose(window_counts(*split, 4.0).cov, window_counts(*whole_, 4.0).cov)
    times = simulate(*whole_, 50.0, rng=3)
    assert log_likelihood(times, *split, 50.0) == pytest.approx(log_likelihood(times, *whole_, 50))


def test_jumps_convert():
    np.testing.assert_allclose(branching_matrix(G * 1.5, 1.5), G)
    np.testing.assert_allclose(branching_matrix(G * [[1.5], [2.0]], [[1.5], [2.0]]), G)
    jump = np.stack([G, G], axis=2)
    np.testing.assert_allclose(branching_matrix(jump, [1.0, 2.0]).sum(axis=2), G * 1.5)
    assert reproduction_number(branching_matrix(0.05, 0.06)) == pytest.approx(5 / 6)


# ---------------------------------------------------------------- likelihood

EVENTS = [np.array([0.5, 1.0, 1.2, 4.0, 7.5]), np.array([0.7, 1.2, 3.0])]


def by_pairs(events, mu, g, decay, start, end):
    """Sum over all pairs of attacks: the log-likelihood and every attack's new time."""
    mu, parts = kernels(mu, g, decay)
    total, clocks = 0.0, []
    for i in range(mu.size):
        clock = []
        for t in events[i]:
            rate, passed = mu[i], mu[i] * (t - start)
            for row, j, size, b in parts:
                if row == i:
                    ages = t - events[j][events[j] < t]
                    rate += (size * b * np.exp(-b * ages)).sum()
                    passed += (size * (1 - np.exp(-b * ages))).sum()
            total += np.log(rate)
            clock.append(passed)
        clocks.append(np.array(clock))
        total -= mu[i] * (end - start)
    for _, j, size, b in parts:
        total -= (size * (1 - np.exp(-b * (end - events[j])))).sum()
    return total, clocks


@each_process
def test_likelihood_and_clock_are_sums_over_pairs(process):
    mu, _ = kernels(*process)
    if process is PROCESSES["one way"]:
        process = ([0.3, 0.1], *process[1:])
    events = EVENTS[: mu.size]
    total, clocks = by_pairs(events, *process, -1.0, 9.0)
    assert log_likelihood(events, *process, 9.0, start=-1.0) == pytest.approx(total, rel=1e-12)
    for got, expected in zip(time_change(events, *process, 9.0, start=-1.0), clocks, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_long_records_lose_no_digits():
    times = [np.cumsum(np.full(20_000, 1e5)), np.cumsum(np.full(20_000, 1e5)) - 3.0]
    got = log_likelihood(times, MU, G, 1.5, 3e9)
    # every attack finds only those at most 3 before it; the next are 1e5 off
    excited = MU[0] + 1.5 * G[0, 1] * np.exp(-4.5)
    expected = 20_000 * (np.log(excited) + np.log(MU[1])) - MU.sum() * 3e9 - 20_000 * G.sum()
    assert got == pytest.approx(expected, rel=1e-12)


def test_no_attacks_have_a_likelihood():
    assert log_likelihood([[], []], MU, G, 1.5, 10.0) == pytest.approx(-5.0)
    assert [times.size for times in time_change([[], [1.0]], MU, G, 1.5, 10.0)] == [0, 1]
    assert time_change([[], []], MU, G, 1.5, 10.0)[0].size == 0


def test_what_nothing_causes_is_impossible():
    assert log_likelihood([[1.0]], 0.0, 0.5, 1.0, 2.0) == -np.inf


def test_slopes_are_differences_of_the_likelihood():
    seen = hawkes._Seen(EVENTS, 2, 0.0, 9.0)
    x = np.array([0.3, 0.2, 0.25, 0.4, 0.55, 0.1, 1.5])

    def value(y):
        return hawkes._likelihood(seen, y[:2], y[2:6].reshape(2, 2), y[6])[0]

    assert value(x) == pytest.approx(log_likelihood(EVENTS, MU, G, 1.5, 9.0))
    slope = hawkes._likelihood(seen, x[:2], x[2:6].reshape(2, 2), x[6])[1]
    np.testing.assert_allclose(slope, optimize.approx_fprime(x, value, 1e-7), rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------- simulation


@each_process
def test_drawn_processes_have_the_stated_moments(process):
    # Means of 2,000 windows at 5 standard errors; covariances at 6 of their own, as counts
    # are not normal: a false alarm in about 100,000 seeds.
    rng = np.random.default_rng(11)
    window, windows, quiet = 8.0, 2000, 200.0
    end = quiet + 2 * window * windows
    times = simulate(*process, end, rng=rng)
    edges = np.arange(quiet, end + window / 2, window)
    counts = np.array([np.histogram(t, edges)[0] for t in times])[:, ::2]  # every other one
    mean, cov = window_counts(*process, window)
    rate = covariance_rate(*process[:2])
    se = np.sqrt(np.diag(rate) / (window * windows))  # no less than with gaps
    assert np.all(np.abs(counts.mean(axis=1) / window - mean / window) < 5 * se)
    blocks = counts.reshape(len(times), 40, -1)
    estimates = np.array([np.cov(blocks[:, b]).reshape(cov.shape) for b in range(40)])
    spread = estimates.std(axis=0) / 40**0.5
    assert np.all(np.abs(estimates.mean(axis=0) - cov) < 6 * spread + 0.03 * np.abs(cov))


def test_lagged_counts_covary_as_stated():
    # 40 blocks at 5 standard errors: a false alarm in about 80,000 seeds.
    rng = np.random.default_rng(12)
    (times,) = simulate(0.5, 0.6, 2.0, 80_000.0, rng=rng)
    counts = np.histogram(times, np.arange(200.0, 80_000.0, 2.0))[0]
    later = counts[2:][: counts.size // 40 * 40 - 40]
    earlier = counts[:-2][: later.size]
    product = (later - counts.mean()) * (earlier - counts.mean())
    blocks = product[: product.size // 40 * 40].reshape(40, -1).mean(axis=1)
    expected = lag_covariance(0.5, 0.6, 2.0, 2.0, gap=2.0)[0, 0]
    assert abs(blocks.mean() - expected) < 5 * blocks.std() / 40**0.5


def test_the_column_is_the_cause():
    # Only component 0 attacks on its own, and only component 1 answers. Two statements at 5
    # standard errors, the second a little wide: a false alarm in about 800,000 seeds.
    times = simulate([0.5, 0.0], [[0.0, 0.0], [0.8, 0.0]], 3.0, 4000.0, rng=5)
    assert abs(times[0].size - 2000) < 5 * 2000**0.5
    assert abs(times[1].size - 1600) < 5 * 2500**0.5
    assert simulate([0.0, 0.5], [[0.0, 0.0], [0.8, 0.0]], 3.0, 4000.0, rng=5)[0].size == 0


def test_a_runaway_is_drawn_from_an_empty_start():
    # At 5 standard errors, a false alarm in about 1,700,000 seeds.
    # E rate = mu (beta - alpha e^((alpha - beta) t)) / (beta - alpha) from an empty start
    rng = np.random.default_rng(6)
    mu, n, beta, end = 0.5, 1.5, 1.0, 4.0
    growth = beta * (n - 1)
    expected = mu * (n * np.expm1(growth * end) / growth - end) / (n - 1)
    counts = [simulate(mu, n, beta, end, rng=rng)[0].size for _ in range(4000)]
    assert abs(np.mean(counts) - expected) < 5 * np.std(counts) / 4000**0.5


def test_windows_may_start_anywhere_and_draws_repeat():
    one = simulate(MU, G, 1.5, 30.0, rng=0, start=-500.0)
    two = simulate(MU, G, 1.5, 30.0, rng=0, start=-500.0)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.min() >= -500.0 and a.max() < 30.0 and np.all(np.diff(a) > 0)
    assert [t.size for t in simulate([0.0, 0.0], G, 1.5, 30.0, rng=1)] == [0, 0]


# ---------------------------------------------------------------- fit


def test_a_fit_recovers_what_was_drawn():
    # Seven estimates at 4.5 standard errors: a false alarm in about 20,000 seeds.
    times = simulate(MU, G, 1.5, 5000.0, rng=8)
    found = fit(times, 5000.0)
    for got, se, true in [
        (found.mu, found.mu_se, MU),
        (found.branching, found.branching_se, G),
        (found.decay, found.decay_se, 1.5),
    ]:
        assert np.all(np.abs(got - true) < 4.5 * se)
        assert np.all(se < 0.2)
    likelihood = log_likelihood(times, found.mu, found.branching, found.decay, 5000.0)
    assert found.log_likelihood == pytest.approx(likelihood, rel=1e-12)
    assert found.log_likelihood > log_likelihood(times, MU, G, 1.5, 5000.0)
    assert found.aic == pytest.approx(14 - 2 * likelihood)
    for more in (0.99, 1.01):
        for better in (
            (found.mu * more, found.branching, found.decay),
            (found.mu, found.branching * more, found.decay),
            (found.mu, found.branching, found.decay * more),
        ):
            assert log_likelihood(times, *better, 5000.0) < likelihood


def test_standard_errors_are_those_of_many_fits():
    rng = np.random.default_rng(9)
    fits = [fit(simulate(0.5, 0.5, 2.0, 400.0, rng=rng), 400.0) for _ in range(50)]
    for name in ("mu", "branching", "decay"):
        got = np.array([np.squeeze(getattr(f, name)) for f in fits])
        stated = np.array([np.squeeze(getattr(f, f"{name}_se")) for f in fits])
        # The ratio scattered by 0.11 over 40 other seeds, at most 0.28 off: a false alarm in
        # some 1,000 seeds.
        assert np.median(stated) == pytest.approx(got.std(), rel=0.4)


def test_fits_do_not_hang_on_the_clock():
    times = simulate(0.5, 0.6, 2.0, 600.0, rng=2)
    one = fit(times, 600.0)
    other = fit([times[0] * 1e6 + 5e6], 605e6, start=5e6)
    np.testing.assert_allclose(other.mu * 1e6, one.mu, rtol=1e-4)
    np.testing.assert_allclose(other.branching, one.branching, rtol=1e-4)
    assert other.decay * 1e6 == pytest.approx(one.decay, rel=1e-4)
    np.testing.assert_allclose(other.branching_se, one.branching_se, rtol=1e-3)


def test_what_ends_at_zero_has_no_standard_error():
    found = fit([np.arange(1.0, 200.0)], 200.0)  # as regular as can be
    assert found.branching[0, 0] == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(found.branching_se).all() and np.isnan(found.decay_se)
    assert found.mu[0] == pytest.approx(199 / 200, rel=1e-5)
    assert found.mu_se[0] == pytest.approx(199**0.5 / 200, rel=1e-3)


def test_one_attack_can_be_fitted():
    found = fit([[1.0]], 2.0)
    assert found.mu[0] == pytest.approx(0.5)
    assert found.log_likelihood == pytest.approx(np.log(0.5) - 1.0)


def test_a_top_that_is_flat_has_no_standard_errors():
    low = np.array([0.0, 0.0])
    sds = hawkes._standard_errors(
        lambda x: (x[0] ** 2, np.array([2 * x[0], 0.0])),
        np.ones(2),
        low,
        np.array([True, True]),
    )
    assert np.isnan(sds).all()


# ---------------------------------------------------------------- goodness of fit


def test_the_right_process_passes_and_a_wrong_one_fails():
    # Two chances that should be uniform: a false alarm in 5,000 seeds.
    times = simulate(MU, G, 1.5, 4000.0, rng=21)
    right = goodness_of_fit(times, MU, G, 1.5, 4000.0)
    assert np.all(right.pvalue > 1e-4)
    wrong = goodness_of_fit(times, stationary_rates(MU, G), 0 * G, 1.5, 4000.0)
    assert np.all(wrong.pvalue < 1e-6) and np.all(wrong.statistic > right.statistic)


def test_chances_of_the_right_process_are_uniform():
    # A false alarm in 8,000 seeds (Kolmogorov's limit law).
    rng = np.random.default_rng(22)
    chances = [
        goodness_of_fit(simulate(0.5, 0.6, 2.0, 300.0, rng=rng), 0.5, 0.6, 2.0, 300.0).pvalue[0]
        for _ in range(200)
    ]
    assert np.max(np.abs(np.sort(chances) - np.arange(0.5, 200) / 200)) < 2.2 / 200**0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: stationary_rates(0.1, 1.2),
            r"`spectral_radius < 1` must hold .*, but it is 1.2 \(0.2 too large\)",
        ),
        (lambda: window_counts(0.1, 1.0, 1.0, 1.0), "`spectral_radius < 1` must hold"),
        (lambda: covariance_rate(0.1, 1.0), "`spectral_radius < 1` must hold"),
        (lambda: stationary_rates(-0.1, 0.5), "`0 <= mu` must hold"),
        (lambda: stationary_rates([0.1], G), "`mu` must have shape"),
        (lambda: stationary_rates(MU, -G), "`0 <= branching` must hold"),
        (lambda: stationary_rates(MU, np.zeros((2, 3, 1))), r"shape \(d, d, m\)"),
        (lambda: window_counts(MU, G, 0.0, 1.0), "`0 < decay` must hold"),
        (lambda: window_counts(MU, G, [[1e-9], [1e9]], 1.0), "slowest / fastest reversion"),
        (lambda: window_counts(MU, G, [1.0, 2.0, 3.0], 1.0), "`decay` must broadcast"),
        (lambda: window_counts(MU, G, 1.0, -1.0), "`0 <= window` must hold"),
        (lambda: lag_covariance(MU, G, 1.0, 1.0, -1.0), "`0 <= gap` must hold"),
        (lambda: simulate(1.0, 2.0, 1.0, 100.0, rng=1, max_events=1000), "events <= 1000"),
        (lambda: simulate(1e9, 0.5, 1.0, 100.0, rng=1), "events <= 10000000"),
        (lambda: simulate(1.0, 0.5, 1.0, 0.0, rng=1), "`start < end` must hold"),
        (lambda: log_likelihood([[2.0, 1.0]], 1.0, 0.5, 1.0, 3.0), r"must hold, .* at \[0\]"),
        (lambda: log_likelihood([[1.0, 1.0]], 1.0, 0.5, 1.0, 3.0), r"events\[0\]\[k\] < "),
        (lambda: log_likelihood([[1.0]], 1.0, 0.5, 1.0, 0.5), r"events\[0\] <= 0.5` must hold"),
        (lambda: log_likelihood([[np.nan]], 1.0, 0.5, 1.0, 0.5), "finite"),
        (lambda: log_likelihood([[[1.0]]], 1.0, 0.5, 1.0, 2.0), r"shape \(n,\)"),
        (lambda: log_likelihood([], 1.0, 0.5, 1.0, 2.0), "per component, 1, not 0"),
        (lambda: fit([], 2.0), "per component, 1, not 0"),
        (lambda: fit([[1.0], []], 2.0), r"`len\(events\[1\]\) >= 1` must hold for a fit"),
        (lambda: goodness_of_fit([[]], 1.0, 0.5, 1.0, 2.0), r"must hold for a test"),
        (lambda: branching_matrix(-1.0, 1.0), "`0 <= jump` must hold"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(EscalateError, match=message):
        call()
