"""Saturation against recursions, linear systems, matrix exponentials and a queue played out.

Simulated queues are held to six standard errors from batch means: with 40 batches, one in two
million fails by chance; the seeds are fixed.
"""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from scipy import linalg, stats

from escalate.errors import EscalateError
from escalate.theory.saturation import (
    burst_engaged,
    channels_needed,
    deadline_queue,
    erlang_a,
    erlang_b,
    total_leak_prob,
)

# ---------------------------------------------------------------------- no waiting


def naive_erlang_b(channels, offered):
    loss = 1.0
    for c in range(1, channels + 1):
        loss = offered * loss / (c + offered * loss)
    return loss


@pytest.mark.parametrize("offered", [1e-9, 0.5, 4.0, 100.0, 1e4])
@pytest.mark.parametrize("channels", [0, 1, 6, 100, 9_000])
def test_erlang_b_against_its_recursion(channels, offered):
    found = erlang_b(channels, offered)
    assert found == pytest.approx(naive_erlang_b(channels, offered), rel=1e-10, abs=1e-300)


def test_erlang_b_at_its_edges_and_for_very_many_channels():
    assert erlang_b([0, 3], 0.0).tolist() == [1.0, 0.0]
    assert erlang_b(10, 1e300) == 1.0
    assert erlang_b(5000, 1e-3) == 0.0
    # Heavy traffic: sqrt(c) B -> phi(0) / Phi(0) at a = c, with a correction of order 1/c.
    c = 10**6
    limit = stats.norm.pdf(0) / stats.norm.cdf(0)
    assert erlang_b(c, c) * math.sqrt(c) == pytest.approx(limit, rel=1e-3)
    assert erlang_b([1, 2], [[1.0], [2.0]]).shape == (2, 2)


@pytest.mark.parametrize("offered", [0.0, 0.3, 10.0, 200.0])
@pytest.mark.parametrize("share", [1.0, 0.3, 1e-6])
def test_the_fewest_channels_that_will_do(offered, share):
    channels = channels_needed(offered, share)
    assert erlang_b(channels, offered) <= share
    assert channels == 0 or erlang_b(channels - 1, offered) > share


def test_what_is_engaged_may_still_get_through():
    assert total_leak_prob([0.0, 0.5, 1.0], 0.8).tolist() == pytest.approx([0.2, 0.6, 1.0])


# ---------------------------------------------------------------------- bursts


def naive_burst(raid, channels, cycles):
    """Chance of each number completed, by the exponential of the chain's generator."""
    generator = np.zeros((raid + 1, raid + 1))
    for done in range(raid):
        generator[done, done + 1] = min(channels, raid - done)
        generator[done, done] = -generator[done, done + 1]
    return linalg.expm(generator * cycles)[0]


@pytest.mark.parametrize("raid", [0, 1, 3, 12])
@pytest.mark.parametrize("channels", [0, 1, 2, 5, 20])
@pytest.mark.parametrize("cycles", [0.0, 0.3, 1.0, 4.0])
def test_exponential_cycles_against_the_chain(raid, channels, cycles):
    pmf, done = naive_burst(raid, channels, cycles), np.arange(raid + 1)
    burst = {"raid": raid, "channels": channels, "cycle_time": 2.0, "window": 2.0 * cycles}
    completed = burst_engaged(**burst, cycle="exponential", counted="completed")
    begun = burst_engaged(**burst, cycle="exponential", counted="begun")
    assert completed == pytest.approx(pmf @ done, abs=1e-12)
    assert begun == pytest.approx(pmf @ np.minimum(raid, channels + done), abs=1e-12)


def test_a_large_burst_takes_no_harm():
    found = burst_engaged(10**6, 500, 1.0, 300.0, cycle="exponential", counted="completed")
    assert found == pytest.approx(150_000, rel=1e-12)
    all_done = burst_engaged(10**5, 500, 1.0, 1e4, cycle="exponential", counted="completed")
    assert all_done == pytest.approx(10**5, rel=1e-12)


@pytest.mark.parametrize(
    ("cycles", "begun", "completed"), [(0.0, 4, 0), (0.99, 4, 0), (1.0, 8, 4), (2.5, 12, 8)]
)
def test_fixed_cycles_are_counted(cycles, begun, completed):
    assert burst_engaged(50, 4, 10.0, 10.0 * cycles) == begun
    assert burst_engaged(50, 4, 10.0, 10.0 * cycles, counted="completed") == completed


def test_fixed_cycles_fit_whatever_rounding_makes_of_them():
    assert burst_engaged(50, 1, 0.1, 0.3, counted="completed") == 3.0
    assert burst_engaged([2, 50], 4, 1.0, 3.0).tolist() == [2.0, 16.0]


# ---------------------------------------------------------------------- waiting


def play_queue(arrival_rate, service_rate, channels, patience, arrivals, rng):
    """Send arrivals through channels one by one: waits, and who is engaged, by arrival."""
    times = np.cumsum(rng.exponential(1 / arrival_rate, arrivals))
    service = rng.exponential(1 / service_rate, arrivals)
    free = [0.0] * channels
    waits, engaged = np.empty(arrivals), np.empty(arrivals, dtype=bool)
    for i, now in enumerate(times):
        wait = max(free[0] - now, 0.0)
        engaged[i] = wait <= patience[i]
        waits[i] = min(wait, patience[i])
        if engaged[i]:
            heapq.heapreplace(free, now + wait + service[i])
    return waits, engaged


def assert_like(found, seen, batches=40):
    means = seen[: seen.size // batches * batches].reshape(batches, -1).mean(axis=1)
    assert abs(means.mean() - found) < 6 * means.std(ddof=1) / math.sqrt(batches)


@pytest.mark.parametrize(("rate", "channels"), [(4.0, 3), (2.0, 3), (0.8, 1), (9.0, 3)])
@pytest.mark.parametrize("kind", ["deadline", "loss"])
def test_impatient_queues_played_out(rate, channels, kind):
    rng, arrivals = np.random.default_rng(11), 80_000
    if kind == "deadline":
        patience, found = np.full(arrivals, 0.5), deadline_queue(rate, 1.0, channels, 0.5)
    else:
        patience, found = rng.exponential(0.5, arrivals), erlang_a(rate, 1.0, channels, 2.0)
    waits, engaged = play_queue(rate, 1.0, channels, patience, arrivals, rng)
    assert_like(found.unengaged_prob, 1.0 - engaged)
    assert_like(found.wait_prob, (waits > 0).astype(float))
    assert_like(found.mean_wait, waits)
    assert_like(found.mean_wait_engaged, waits[engaged])
    assert found.occupancy == pytest.approx(rate * (1 - found.unengaged_prob) / channels)


@pytest.mark.parametrize(
    ("rate", "channels", "loss"), [(4.0, 3, 0.7), (0.5, 2, 0.01), (30.0, 5, 3.0)]
)
def test_erlang_a_against_its_balance_equations(rate, channels, loss):
    size = 400
    n = np.arange(1, size + 1)
    deaths = np.minimum(n, channels) + np.maximum(n - channels, 0) * loss
    logs = np.concatenate([[0.0], np.cumsum(np.log(rate / deaths))])
    pi = np.exp(logs - logs.max())
    pi /= pi.sum()
    waiting = np.maximum(np.arange(size + 1) - channels, 0)
    found = erlang_a(rate, 1.0, channels, loss)
    assert found.unengaged_prob == pytest.approx(loss * (pi @ waiting) / rate, rel=1e-10)
    assert found.wait_prob == pytest.approx(pi[channels:].sum(), rel=1e-10)
    assert found.mean_wait == pytest.approx(pi @ waiting / rate, rel=1e-10)


def test_no_patience_is_the_loss_system():
    rates = np.array([0.0, 0.5, 4.0, 1000.0])
    found = deadline_queue(rates, 1.0, 5, 0.0)
    np.testing.assert_allclose(found.unengaged_prob, erlang_b(5, rates), rtol=1e-12)
    assert found.mean_wait.tolist() == [0.0] * 4
    hasty = erlang_a(rates, 1.0, 5, 1e12)
    np.testing.assert_allclose(hasty.unengaged_prob, erlang_b(5, rates), rtol=1e-9)


def test_much_patience_is_erlang_c_below_capacity_and_a_fluid_above():
    c, a = 6, 4.0
    busy = erlang_b(c, a) / (1 - a / c * (1 - erlang_b(c, a)))
    for found in (deadline_queue(a, 1.0, c, 1e4), erlang_a(a, 1.0, c, 1e-12)):
        assert found.unengaged_prob == pytest.approx(0.0, abs=1e-12)
        assert found.wait_prob == pytest.approx(busy, rel=1e-9)
        assert found.mean_wait == pytest.approx(busy / (c - a), rel=1e-9)
        assert found.mean_wait_engaged == pytest.approx(busy / (c - a), rel=1e-9)
    for found in (deadline_queue(9.0, 1.0, c, 1e5), erlang_a(9.0, 1.0, c, 1e-6)):
        assert found.unengaged_prob == pytest.approx(1 / 3, rel=1e-4)
        assert found.occupancy == pytest.approx(1.0, rel=1e-4)


def test_the_deadline_queue_is_smooth_through_capacity_and_at_its_edges():
    rates = 6.0 * (1.0 + np.array([-1e-3, -1e-8, 0.0, 1e-8, 1e-3]))
    found = deadline_queue(rates, 1.0, 6, 2.0)
    for field in found:
        assert (np.diff(field) > 0).all()
        assert field[1] == pytest.approx(field[3], rel=1e-6)
    # Either side of where the integral is taken by parts instead of as a series.
    for x in (-1.0, 1.0):
        near = deadline_queue(6.0 + 0.5 * x + np.array([-1e-9, 1e-9]), 1.0, 6, 2.0).mean_wait
        assert near[0] == pytest.approx(near[1], rel=1e-7)
    still = deadline_queue(0.0, 1.0, 5000, 1.0)
    assert (still.unengaged_prob, still.wait_prob, still.mean_wait) == (0.0, 0.0, 0.0)
    assert still.mean_wait_engaged == 0.0
    idle = deadline_queue(1.0, 1.0, 2000, 1.0)
    assert (idle.unengaged_prob, idle.occupancy) == pytest.approx((0.0, 1 / 2000))
    flood = deadline_queue(1e6, 1.0, 5, 10.0)
    assert flood.unengaged_prob == pytest.approx(1 - 5e-6, rel=1e-9)
    assert flood.mean_wait_engaged == pytest.approx(10.0, rel=1e-5)
    assert erlang_a(0.0, 1.0, 3, 1.0) == (0.0, 0.0, 0.0, 0.0, 0.0)
    assert erlang_a([1.0, 2.0], 1.0, [[2], [3]], 0.5).mean_wait.shape == (2, 2)


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: erlang_b(-1, 1.0), "`0 <= channels"),
        (lambda: erlang_b(1, -1.0), "`0 <= offered"),
        (lambda: channels_needed(1.0, 0.0), "`0 < unengaged_prob <= 1`"),
        (lambda: burst_engaged(3, 1, 0.0, 1.0), "`0 < cycle_time`"),
        (lambda: burst_engaged(3, 1, 1.0, 1.0, cycle="gamma"), "`cycle` must be 'fixed' or"),
        (lambda: burst_engaged(3, 1, 1.0, 1.0, counted="all"), "`counted` must be 'begun' or"),
        (lambda: deadline_queue(1.0, 1.0, 0, 1.0), "`1 <= channels"),
        (lambda: deadline_queue(1.0, 1.0, 1, math.inf), "`deadline is finite`"),
        (lambda: erlang_a(1.0, 1.0, 1, 0.0), "`0 < loss_rate`"),
        (lambda: total_leak_prob(1.5, 0.5), "unengaged_prob <= 1` must hold, but it is 1.5 (0.5"),
    ],
)
def test_what_is_out_of_bounds_is_named(call, message):
    with pytest.raises(EscalateError) as error:
        call()
    assert message in str(error.value)
