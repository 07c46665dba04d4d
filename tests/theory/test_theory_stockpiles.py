"""Stockpiles against stationary chains, plain sums, samples and every way to share out."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from escalate.errors import EscalateError
from escalate.theory.stockpiles import (
    best_reorder_policy,
    depletion_time,
    expected_shortage,
    fluid_depletion_time,
    launcher_attrition,
    newsvendor,
    newsvendor_cost,
    pipeline_stock,
    proportional_stock,
    ration,
    reorder_policy,
    spread_kills,
)

# ---------------------------------------------------------------------- one period


@pytest.mark.parametrize("level", [-30.0, 0.0, 40.0, 50.0, 61.5, 140.0])
def test_a_normal_shortage_in_closed_form(level):
    z = (level - 50) / 8
    wanted = 8 * (stats.norm.pdf(z) - z * stats.norm.sf(z))
    assert expected_shortage(level, stats.norm(50, 8)) == pytest.approx(
        wanted, rel=1e-10, abs=1e-13
    )


@pytest.mark.parametrize(
    ("demand", "level", "wanted"),
    [
        (stats.uniform(2, 6), 5.0, 9 / 12),
        (stats.uniform(2, 6), 1.0, 4.0),
        (stats.uniform(2, 6), 9.0, 0.0),
        (stats.expon(scale=3), 4.0, 3 * math.exp(-4 / 3)),
        (stats.pareto(3), 2.0, 1 / 8),
        (stats.pareto(3), 1e6, 0.5e-12),
        (stats.pareto(2.01), 2.0, 2**-1.01 / 1.01),
        (stats.lognorm(2, scale=10), 0.0, 10 * math.exp(2)),
        (stats.pareto(3), -1.0, 2.5),
        (stats.norm(5e8, 10), 5e8, 10 / math.sqrt(2 * math.pi)),
    ],
)
def test_shortages_that_can_be_worked_out_by_hand(demand, level, wanted):
    assert expected_shortage(level, demand) == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("level", [-3.5, -1.0, 0.0, 0.4, 6.0, 7.25, 300.0])
@pytest.mark.parametrize(
    "demand",
    [stats.poisson(6), stats.nbinom(0.5, 0.02), stats.binom(10, 0.3), stats.randint(3, 9)],
)
def test_a_discrete_shortage_is_a_sum(level, demand):
    k = np.arange(6000)
    wanted = np.maximum(k - level, 0) @ demand.pmf(k)
    assert expected_shortage(level, demand) == pytest.approx(wanted, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("level", [-2.0, 0.0, 1.0, 3.5])
def test_a_heavy_tail_is_not_cut_off(level):
    demand = stats.zipf(4.5)
    k = np.arange(1, 2_000_000)
    wanted = np.maximum(k - level, 0) @ demand.pmf(k)
    assert expected_shortage(level, demand) == pytest.approx(wanted, rel=1e-9)


def test_large_demand_takes_no_harm():
    found = expected_shortage(1e6, stats.poisson(1e6))
    assert found == pytest.approx(1000 / math.sqrt(2 * math.pi), rel=1e-4)
    assert expected_shortage(0, stats.poisson(1e6)) == pytest.approx(1e6, rel=1e-12)


@pytest.mark.parametrize("demand", [stats.gamma(2.5, scale=4), stats.poisson(9), stats.norm(5, 2)])
def test_the_best_stock_is_no_worse_than_its_neighbours(demand):
    best = newsvendor(1.0, 3.0, demand)
    for step in (-1, 1):
        assert newsvendor_cost(best.level + step, 1.0, 3.0, demand) > best.cost
    assert newsvendor_cost(best.level, 1.0, 3.0, demand) == best.cost


# ---------------------------------------------------------------------- reordering


def naive_reorder(low, high, h, p, k, demand, over):
    """Solve the chain of stocks at the start of periods, and cost each by enumeration."""
    stocks = np.arange(low + 1, high + 1)
    move = np.zeros((stocks.size, stocks.size))
    for i, stock in enumerate(stocks):
        for d in range(400):
            end = stock - d
            move[i, (high if end <= low else end) - low - 1] += demand.pmf(d)
    system = np.vstack([move.T - np.eye(stocks.size), np.ones(stocks.size)])
    pi = np.linalg.lstsq(system, np.append(np.zeros(stocks.size), 1.0), rcond=None)[0]
    used = np.arange(400)
    costs = [over.pmf(used) @ np.where(s > used, h * (s - used), p * (used - s)) for s in stocks]
    order = pi @ demand.sf(stocks - low - 1)
    return pi @ costs + k * order, order, pi


@pytest.mark.parametrize(("low", "high"), [(4, 10), (-3, 2), (0, 1), (10, 40)])
@pytest.mark.parametrize("over", [None, stats.poisson(15)])
def test_a_policy_against_its_chain(low, high, over):
    demand = stats.nbinom(3, 0.4)
    costs = {"holding": 1.0, "shortage": 4.0, "ordering": 5.0}
    found = reorder_policy(low, high, **costs, demand=demand, lead_demand=over)
    cost, order, pi = naive_reorder(low, high, 1.0, 4.0, 5.0, demand, over or demand)
    assert (found.cost, found.order_prob) == pytest.approx((cost, order), rel=1e-9)
    assert found.stock_probs == pytest.approx(pi, abs=1e-10)


@pytest.mark.parametrize("ordering", [0.0, 1.0, 5.0, 64.0])
@pytest.mark.parametrize("demand", [stats.poisson(6), stats.nbinom(1, 0.3), stats.randint(0, 2)])
def test_the_best_policy_against_all_policies(ordering, demand):
    costs = {"holding": 1.0, "shortage": 4.0, "ordering": ordering, "demand": demand}
    best = best_reorder_policy(**costs)
    pairs = ((low, high) for low in range(-25, 15) for high in range(max(low, 0) + 1, 45))
    lowest = min(reorder_policy(*pair, **costs).cost for pair in pairs)
    assert best.cost == pytest.approx(lowest, rel=1e-12)
    again = reorder_policy(best.reorder_point, best.order_up_to, **costs)
    assert again.cost == best.cost


def test_a_dear_order_is_large():
    costs = {"holding": 0.1, "shortage": 9.0, "ordering": 5000.0, "demand": stats.poisson(20)}
    best = best_reorder_policy(**costs)
    # The lot size of a steady demand, sqrt(2 K d / h).
    assert best.order_up_to - best.reorder_point == pytest.approx(math.sqrt(2e6), rel=0.02)
    for low, high in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        near = reorder_policy(best.reorder_point + low, best.order_up_to + high, **costs)
        assert near.cost >= best.cost


def test_a_lead_time_raises_the_best_policy():
    costs = {"holding": 1.0, "shortage": 9.0, "ordering": 20.0, "demand": stats.poisson(5)}
    soon, late = (best_reorder_policy(**costs, lead_demand=d) for d in (None, stats.poisson(15)))
    assert late.cost > soon.cost
    assert late.reorder_point == pytest.approx(soon.reorder_point + 10, abs=4)


# ---------------------------------------------------------------------- running out


@pytest.mark.parametrize(("stock", "rate"), [(1, 0.1), (5, 1.0), (100, 7.0), (3, 50.0)])
def test_the_day_it_runs_out_against_plain_sums(stock, rate):
    k = np.arange(2000)
    left = stats.poisson.cdf(stock - 1, k * rate)
    pmf = left[:-1] - left[1:]
    mean = pmf @ k[1:]
    time = depletion_time(stock, rate)
    assert time.mean == pytest.approx(mean, rel=1e-10)
    assert time.variance == pytest.approx(pmf @ (k[1:] - mean) ** 2, rel=1e-8, abs=1e-12)
    inside = time.days < 2000
    assert time.pmf[inside] == pytest.approx(pmf[time.days[inside] - 1], abs=1e-14)
    assert time.pmf.sum() == pytest.approx(1.0, abs=1e-12)


def test_a_large_stock_runs_out_half_a_day_late():
    time = depletion_time(10**6, 3.0)
    assert time.mean == pytest.approx(1e6 / 3 + 0.5, rel=1e-12)
    # A gamma time rounded up: the variance of the time itself and of the rounding.
    assert time.variance == pytest.approx(1e6 / 9 + 1 / 12, rel=1e-6)


def test_steady_rates():
    found = fluid_depletion_time([100, 100, 0], [5, 1, 5], [0, 2, 0])
    assert found.tolist() == [20.0, math.inf, 0.0]
    assert fluid_depletion_time(10, 2, 2) == math.inf


@pytest.mark.parametrize("share", [0.0, 1e-12, 0.05, 1.0])
def test_a_proportional_stock_day_by_day(share):
    stock, path = 1000.0, [1000.0]
    for _ in range(30):
        stock = stock - share * stock + 10.0
        path.append(stock)
    assert proportional_stock(1000, share, 10, range(31)) == pytest.approx(path, rel=1e-12)
    if share:
        assert proportional_stock(1000, share, 10, math.inf) == pytest.approx(10 / share)


# ---------------------------------------------------------------------- resupply


@pytest.mark.parametrize("mean", [0.0, 0.3, 12.0, 400.0])
@pytest.mark.parametrize("base", [0, 1, 11, 15, 350, 500])
def test_a_pipeline_against_plain_sums(mean, base):
    k = np.arange(2000)
    pmf = stats.poisson.pmf(k, mean)
    found = pipeline_stock(mean / 2, 2.0, base)
    assert found.backorders == pytest.approx(np.maximum(k - base, 0) @ pmf, rel=1e-9, abs=1e-12)
    assert found.on_hand == pytest.approx(np.maximum(base - k, 0) @ pmf, rel=1e-9, abs=1e-12)
    assert found.fill_rate == pytest.approx(pmf[:base].sum(), rel=1e-9, abs=1e-300)


def test_a_pipeline_is_the_shortage_of_poisson_demand():
    found = pipeline_stock([3.0, 5.0], 4.0, [[10], [20]])
    assert found.backorders.shape == (2, 2)
    assert found.backorders[1, 0] == pytest.approx(expected_shortage(20, stats.poisson(12)))


# ---------------------------------------------------------------------- launchers


@pytest.mark.parametrize("loss", [0.0, 1e-9, 0.08, 0.6, 1.0])
@pytest.mark.parametrize("cycles", [0, 1, 2, 20])
def test_launches_of_one_launcher_times_their_number(loss, cycles):
    pmf = np.zeros(cycles + 1)
    for n in range(1, cycles + 1):
        pmf[n] = (1 - loss) ** (n - 1) * (loss if n < cycles else 1.0)
    pmf[0] = 1.0 if cycles == 0 else 0.0
    k = np.arange(cycles + 1)
    mean = pmf @ k
    found = launcher_attrition(7, loss, cycles)
    assert found.mean == pytest.approx(7 * mean, rel=1e-12)
    assert found.variance == pytest.approx(7 * (pmf @ (k - mean) ** 2), rel=1e-7, abs=1e-13)


def test_a_long_campaign_fires_one_geometric_number_a_launcher():
    found = launcher_attrition(100, 0.01, 10**9)
    assert found.mean == pytest.approx(100 / 0.01)
    assert found.variance == pytest.approx(100 * 0.99 / 0.01**2)
    assert 0.99**found.half_life == pytest.approx(0.5)
    assert launcher_attrition(1, 1.0, 5).half_life == 0.0
    assert launcher_attrition(1, 0.0, 5).half_life == math.inf


# ---------------------------------------------------------------------- rationing


def naive_ration(stock, gains, chances):
    spends = itertools.product(range(stock + 1), repeat=len(chances))
    return max(
        sum(c * g[x] for c, g, x in zip(chances, gains, spend, strict=True))
        for spend in spends
        if sum(spend) <= stock
    )


@pytest.mark.parametrize("chances", [[1, 1, 1], [1, 0.6, 0.3], [0.5, 0.0, 0.0]])
@pytest.mark.parametrize("kind", ["spread", "massed", "random"])
def test_sharing_out_against_every_way_to(chances, kind):
    rng = np.random.default_rng(3)
    gains = {
        "spread": [spread_kills(w, range(10), 0.7) for w in (2, 3, 4)],
        "massed": [np.maximum(np.arange(10) - 4, 0)] * 3,
        "random": rng.normal(size=(3, 10)),
    }[kind]
    plan = ration(9, gains, chances)
    assert plan.value == pytest.approx(naive_ration(9, gains, chances), abs=1e-12)
    assert plan.allocation.sum() <= 9
    spent = sum(c * g[x] for c, g, x in zip(chances, gains, plan.allocation, strict=True))
    assert spent == pytest.approx(plan.value)


def test_defence_spreads_and_saturation_masses():
    kills = spread_kills(5, range(31), 0.6)
    assert ration(30, kills, [1, 1, 1]).allocation.tolist() == [10, 10, 10]
    through = np.maximum(np.arange(31) - 8, 0)
    assert ration(30, through, [1, 1, 1]).value == 22.0
    sooner = ration(30, kills, [1, 0.5, 0.1]).allocation
    assert sooner[0] > sooner[1] > sooner[2]
    assert ration(0, [0.0], [1.0]) == (np.zeros(1), 0.0)


def test_kills_of_shots_spread_evenly():
    for weapons, shots in itertools.product(range(5), range(9)):
        each = [shots // weapons + (i < shots % weapons) for i in range(weapons)]
        wanted = sum(1 - 0.4**n for n in each)
        assert spread_kills(weapons, shots, 0.6) == pytest.approx(wanted, abs=1e-14)
    assert spread_kills(3, [0, 2, 3, 9], 1.0).tolist() == [0.0, 2.0, 3.0, 3.0]


# ---------------------------------------------------------------------- errors

COSTS = {"holding": 1.0, "shortage": 4.0, "ordering": 5.0}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: newsvendor(0.0, 1.0, stats.norm()), "`0 < holding`"),
        (lambda: newsvendor_cost(1.0, 1.0, -1.0, stats.norm()), "`0 <= shortage`"),
        (lambda: expected_shortage(1.0, stats.cauchy()), "is finite`"),
        (
            lambda: reorder_policy(3, 3, **COSTS, demand=stats.poisson(2)),
            "`reorder_point < order_up_to` must hold, but it is 3 (the bound itself is not",
        ),
        (
            lambda: reorder_policy(3, 5, **COSTS, demand=stats.poisson(0)),
            "`P(demand = 0) < 1` must hold for an order ever to be made",
        ),
        (lambda: reorder_policy(3, 5, **COSTS, demand=stats.norm()), "`demand` must be a discrete"),
        (
            lambda: reorder_policy(
                3, 5, **COSTS, demand=stats.poisson(2), lead_demand=stats.norm()
            ),
            "`lead_demand` must be a discrete",
        ),
        (
            lambda: best_reorder_policy(**(COSTS | {"shortage": 0.0}), demand=stats.poisson(2)),
            "`0 < shortage`",
        ),
        (lambda: depletion_time(0, 1.0), "`1 <= stock"),
        (lambda: depletion_time(5, 1e-9), "`days over which it may run out <= 1e7` must hold"),
        (lambda: proportional_stock(1, 0.0, 1, math.inf), "`fraction > 0` must hold for a limit"),
        (lambda: proportional_stock(1, 0.5, 1, math.nan), "`days is finite`"),
        (
            lambda: launcher_attrition(1, 1.5, 3),
            "loss_prob <= 1` must hold, but it is 1.5 (0.5 too",
        ),
        (lambda: ration(2, [0, 1, 2], [0.5, 0.7]), "must hold for waves that come in order"),
        (
            lambda: ration(2, [0, 1], [1.0]),
            "`gain` must have shape (3,) or (1, 3), but it has (2,)",
        ),
    ],
)
def test_what_is_out_of_bounds_is_named(call, message):
    with pytest.raises(EscalateError) as error:
        call()
    assert message in str(error.value)
