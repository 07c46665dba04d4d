"""Whole wars against closed forms: what the laws and the engine come to together.

A comparison with chance allows four standard errors (see `naive`), which a right engine
oversteps with probability 6e-5; there are 35 of them, so that one in some 450 choices of the
seeds would fail. The seeds are fixed. Engines agree to the bit, see `test_engines`, and the
compiled one is asked here.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import escalate as esc
from escalate.metrics import children, episode_sizes, reproduction_number
from tests.naive import assert_mean, assert_share, assert_variance, moments, runs, tempo_hazard
from tests.small_wars import answering, clock, count, drone, ordered, side, story, war


def fight(scenario, seed=1, replications=1):
    return list(esc.replicate(scenario, replications=replications, rng=seed, engine="compiled"))


def borel(mean, longest):
    """Give P(S = k), k = 1, ..., of the family of one with Poisson children [Borel 1942]."""
    k = np.arange(1, longest + 1)
    log = -mean * k + (k - 1) * np.log(mean * k) - np.array([math.lgamma(i + 1) for i in k])
    return np.exp(log)


# How far one strike goes.


def episodes(first, second, roots, seed):
    """Let A strike again and again and give the sizes of the episodes, all of them over."""
    strikes = [ordered(hour) for hour in range(roots)]
    scenario = war(first, second, *strikes, hours=roots + 2000.0)
    (run,) = fight(scenario, seed)
    assert count(run, "launched") == len(run.rows("assessed")["time_hours"])  # none is pending
    sizes = episode_sizes(run)
    assert len(sizes) == roots
    assert sizes.sum() == len(run.tables["strikes"]["side"])
    assert reproduction_number(run) == pytest.approx(1.0 - roots / sizes.sum())
    return sizes, children(run)


@pytest.mark.parametrize(("prob", "seed"), [(0.5, 1), (0.9, 2)])
def test_tit_for_tat_with_probability_makes_geometric_chains(prob, seed):
    rule = esc.Rule("with_probability", "tit_for_tat", prob=prob)
    both = side(weapons={"drone": drone(stock=10**9)}, retaliations=answering(rule, hours=0.01))
    sizes, heirs = episodes(both, both, runs(5000), seed)
    assert set(heirs) == {0, 1}
    assert_mean(sizes, 1.0 / (1.0 - prob), prob / (1.0 - prob) ** 2)
    for k in (1, 2, 5):
        assert_share(sizes == k, (1.0 - prob) * prob ** (k - 1))


@pytest.mark.parametrize(("mean", "seed"), [(0.6, 3), (0.9, 4)])
def test_poisson_answers_make_borel_episodes(mean, seed):
    both = side(
        weapons={"drone": drone(stock=10**9)},
        retaliations=answering("tit_for_tat", hours=0.05, delay="exponential", answers_mean=mean),
    )
    sizes, _ = episodes(both, both, runs(10_000), seed)
    probs = borel(mean, 5000)
    if mean == 0.6:
        table = [0.5488116360940264, 0.18071652714732134, 0.08926139963965672,
                 0.052253541094701636, 0.03360627114830815, 0.02294668070101584]  # fmt: skip
        assert probs[:6] == pytest.approx(table, rel=1e-12)
    exact, variance, fourth = moments(np.arange(1, 5001), probs)
    assert (exact, variance) == pytest.approx((1.0 / (1.0 - mean), mean / (1.0 - mean) ** 3))
    assert_mean(sizes, exact, variance)
    assert_variance(sizes, exact, variance, fourth)
    for k, prob in enumerate(probs[:6], start=1):
        assert_share(sizes == k, prob)


def test_any_number_of_rules_adds_up():
    """Two answers to every strike, each half the time: R is 1 short of running away."""
    half = answering("with_probability", "tit_for_tat", prob=0.25)["answer"]
    both = side(retaliations={"one": half, "two": half}, weapons={"drone": drone(stock=10**9)})
    sizes, heirs = episodes(both, both, runs(4000), 5)
    assert set(heirs) == {0, 1, 2}
    assert_mean(sizes, 2.0, 2 * 0.25 * 0.75 / 0.5**3)  # variance of a total progeny


# A defence that cannot engage all at once.


def leaks(window_hours, kill_prob, replications, seed, hours=260.0, warm=10.0):
    """Give arrivals, never engaged and leaked, a row a war, without each war's beginning."""
    layer = esc.Layer(
        kill_prob={"drone": kill_prob},
        channels=6,
        cycle_hours=0.5,
        cycle="exponential",
        window_hours={"drone": window_hours},
    )
    attacker = side(
        weapons={"drone": drone(stock=10**6)},
        tempos={"raids": esc.Tempo(plan="raid", rate_per_day=8.0 * 24.0)},
    )
    found = []
    # Deep enough that no flight is shorter than the window.
    defender = side(layers={"guns": layer}, regions={"border": esc.Region(depth_km=800.0)})
    for run in fight(war(attacker, defender, hours=hours), seed, replications):
        table = run.tables["strikes"]
        late = table["decided_hours"] >= warm
        found.append([table[c][late].sum() for c in ("launched", "unengaged", "leaked")])
    return np.array(found).T


def test_saturation_without_waiting_is_erlangs_loss():
    """Case A17: 8 arrivals an hour, 2 engagements an hour and channel, 6 channels."""
    blocked = 0.11716247139588101
    launched, unengaged, leaked = leaks(0.0, 0.8, runs(100), 6)
    assert_mean(unengaged - blocked * launched, 0.0)
    assert_mean(leaked - 0.2937299771167048 * launched, 0.0)
    assert 1.0 - 0.8 * (1.0 - blocked) == pytest.approx(0.2937299771167048, rel=1e-12)


def test_saturation_with_a_deadline_is_the_queue_with_impatience():
    """M/M/c with a fixed patience, after Baccelli and Hebuterne, Performance '81 (1981)."""
    rate, served, channels, patience = 8.0, 2.0, 6, 0.2
    states = [(rate / served) ** j / math.factorial(j) for j in range(channels)]
    drift = rate - channels * served
    waiting = rate * states[-1] * math.expm1(drift * patience) / drift
    late = rate * states[-1] * math.exp(drift * patience) / (channels * served)
    unserved = late / (sum(states) + waiting + late)
    assert 0.03 < unserved < 0.06
    launched, unengaged, leaked = leaks(patience, 1.0, runs(100), 7)
    assert np.array_equal(unengaged, leaked)
    assert_mean(unengaged - unserved * launched, 0.0)


# Stocks and production.


def test_a_magazine_empties_on_the_day_it_should():
    """Case C03: 100 rounds, 7 a day by a Poisson process, nothing made."""
    attacker = side(
        weapons={"drone": drone(stock=100)},
        tempos={"raids": esc.Tempo(plan="raid", rate_per_day=7.0)},
    )
    days = []
    for run in fight(war(attacker, side(), hours=60 * 24.0), 8, runs(2000)):
        launches = run.rows("launched")["time_hours"]
        assert len(launches) == 100
        days.append(math.ceil(launches[-1] / 24.0))
    days = np.array(days)
    k = np.arange(1, 61)
    empty = stats.poisson.sf(99, 7.0 * k)
    mean, variance, _ = moments(k, np.diff(empty, prepend=0.0))
    assert mean == pytest.approx(14.78571428571425, abs=1e-9)
    assert_mean(days, mean, variance)
    assert_share(days == 14, 0.24789412035548442)
    assert_share(days == 15, 0.26693480088516197)


def test_a_stock_runs_down_by_what_is_fired_less_what_is_made():
    """Case C03: 1000 rounds, 40 fired and 10 made a day, last 33 days and a third."""
    attacker = side(weapons={"drone": drone(stock=1000, production_per_day=10.0)})
    nightly = [ordered(24.0 * day, drone=40) for day in range(1, 41)]
    (run,) = fight(war(attacker, side(), *nightly, hours=40.5 * 24.0))
    strikes = run.tables["strikes"]
    assert strikes["allotted"].tolist() == [40] * 33 + [20] + [10] * 6
    assert (strikes["wanted"] == 40).all()


@given(
    rate=st.floats(0.0, 50.0),
    supply=st.floats(0.0, 50.0),
    days=st.integers(1, 60),
    looks=st.lists(st.floats(0.0, 1440.0), max_size=8),
)
def test_production_does_not_depend_on_when_one_looks(rate, supply, days, looks):
    maker = side(
        weapons={"drone": drone(stock=0, production_per_day=rate, resupply_per_day=supply)}
    )

    def look(hours):
        def process(state):
            yield state.wait(hours)
            made = (rate + supply) * state.now_hours / 24.0
            assert state.stock("A", "drone") in (math.floor(made + 1e-6), math.floor(made - 1e-6))

        return process

    run = esc.simulate(war(maker, side(), hours=24.0 * days), rng=1, processes=map(look, looks))
    made = (rate + supply) * days
    assert run.tables["weapons"]["made"][0] in (math.floor(made + 1e-6), math.floor(made - 1e-6))


@given(days=st.integers(1, 100), day=st.integers(1, 100))
def test_ten_a_day_is_ten_a_day(days, day):
    maker = side(weapons={"drone": drone(stock=0, production_per_day=10.0)})
    raids = [ordered(24.0 * day, drone=10 * day)] if day <= days else []
    run = esc.simulate(war(maker, side(), *raids, hours=24.0 * days), rng=1)
    assert run.tables["weapons"]["made"][0] == 10 * days
    assert run.strikes["allotted"].tolist() == [10 * day] * len(raids)


@pytest.mark.parametrize("at_risk", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("repair", [None, 5.0])
def test_damaged_industry_makes_less_until_it_is_repaired(at_risk, repair):
    """p (t - s r D (1 - exp(-(t - t0) / r))) are made by t after damage D at t0."""
    rate, hit, days = 50.0, 2.0, 30
    maker = side(
        weapons={"drone": drone(stock=0, production_per_day=rate, resupply_per_day=1.0)},
        targets={"works": esc.Target(category="industry", region="border")},
        production_at_risk_share=at_risk,
        repair_days={} if repair is None else {"industry": repair},
    )
    raider = side(
        weapons={"drone": drone(damage_share=0.8)},
        plans={"raid": esc.Plan(targets={"works": 1.0})},
    )
    asked = (1.0, hit, hit + 0.7, 11.0, 25.0)

    def made(day):
        since = max(day - hit, 0.0)
        lost = since if repair is None else repair * (1.0 - math.exp(-since / repair))
        return rate * (day - at_risk * 0.8 * lost) + day

    def look(state):
        for day in asked:
            yield state.wait(24.0 * day - state.now_hours)
            assert state.stock("B", "drone") == math.floor(made(day) + 1e-9)

    scenario = war(raider, maker, ordered(24.0 * hit), hours=24.0 * days)
    run = esc.simulate(scenario, rng=1, processes=[look])
    assert run.tables["weapons"]["made"][1] == math.floor(made(days) + 1e-9)


# Tempo.


def raids_of(deadlines, rate_per_day, hours, replications, seed, begin=0.0):
    raider = side(tempos={"raids": esc.Tempo(plan="raid", rate_per_day=rate_per_day)})
    entries = [
        esc.Deadline(at=clock(at), side="A", lead_days=lead / 24.0, factor=factor)
        for at, lead, factor in deadlines
    ]
    wars = fight(war(raider, side(), *entries, hours=hours), seed, replications)
    return np.array([(run.rows("launched")["time_hours"] >= begin).sum() for run in wars])


def test_a_routine_tempo_is_a_poisson_process():
    counts = raids_of([], 2.0, 240.0, runs(2000), 9)
    assert_mean(counts, 20.0, 20.0)
    assert_variance(counts, 20.0, 20.0, 20.0 + 3.0 * 20.0**2)


def test_a_deadline_raises_the_tempo_by_the_integral_of_its_ramp():
    deadlines = [(200.0, 96.0, 4.0), (160.0, 48.0, 2.0)]
    for begin, seed in ((0.0, 10), (150.0, 11)):
        expected = tempo_hazard(begin, 240.0, 1.0 / 24.0, deadlines)
        counts = raids_of(deadlines, 1.0, 240.0, runs(2000), seed, begin)
        assert_mean(counts, expected, expected)
    # Over the whole war it is the tempo's own plus half of each ramp's top.
    whole = 10.0 + 0.5 * (96.0 * 3.0 + 48.0 * 1.0) / 24.0
    assert tempo_hazard(0.0, 240.0, 1.0 / 24.0, deadlines) == pytest.approx(whole)


# The grid.


@pytest.mark.parametrize("hits", [1, 2, 3])
def test_a_blackout_lasts_until_repair_brings_the_damage_down(hits):
    """r log(D / level), with D = 1 - (1 - h)^n at the one site."""
    level, repair, share = 0.3, 4.0, 0.5
    defender = side(
        regions={"border": esc.Region(blackout_share=level)},
        targets={"grid": esc.Target(category="energy", region="border")},
        repair_days={"energy": repair},
    )
    raider = side(
        weapons={"drone": drone(damage_share=share)},
        plans={"raid": esc.Plan(targets={"grid": 1.0})},
    )
    (run,) = fight(war(raider, defender, ordered(12.0, drone=hits), hours=1000.0))
    hours = 24.0 * repair * math.log((1.0 - (1.0 - share) ** hits) / level)
    assert [(kind, n) for _, kind, n in story(run, "blackout")] == [
        ("blackout", 1),
        ("blackout", 0),
    ]
    assert run.rows("blackout")["time_hours"] == pytest.approx([12.0, 12.0 + hours])
    assert run.rows("blackout")["value"] == pytest.approx([0.0, hours])
    assert run.tables["regions"]["dark_hours"][1] == pytest.approx(hours)


def test_restrictions_darken_a_region_that_would_have_held():
    """Damage 0.5 in one of two regions: 0.25 of the grid, past the limit of 0.2."""
    defender = side(
        regions={
            "border": esc.Region(blackout_share=0.9, restricted_share=0.4),
            "deep": esc.Region(blackout_share=0.9, restricted_share=0.0),
        },
        targets={
            "near": esc.Target(category="energy", region="border"),
            "far": esc.Target(category="energy", region="deep"),
        },
        repair_days={"energy": 4.0},
        restriction_share=0.2,
    )
    raider = side(
        weapons={"drone": drone(damage_share=0.5)},
        plans={"raid": esc.Plan(targets={"near": 1.0})},
    )
    (run,) = fight(war(raider, defender, ordered(12.0), hours=1000.0))
    restricted = 96.0 * math.log(0.25 / 0.2)
    dark = 96.0 * math.log(0.5 / 0.4)  # the same time: the region goes with the restriction
    assert dark == pytest.approx(restricted)
    assert run.rows("restriction")["count"].tolist() == [1, 0]
    assert run.rows("restriction")["time_hours"] == pytest.approx([12.0, 12.0 + restricted])
    assert run.tables["regions"]["dark_hours"].tolist() == pytest.approx([0.0, dark, 0.0])
