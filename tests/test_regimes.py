"""Regimes: R from the links and from the parameters, what an exchange does, and when it changed.

Wars are Poisson retaliations, a branching process whose laws are known exactly. Tests that rest
on chance have fixed seeds and allow four standard errors, unless they say otherwise.
"""

from __future__ import annotations

import math

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text
from scipy import optimize, special, stats

import escalate as esc
from escalate import meanfield, metrics, regimes
from escalate.errors import EscalateError, ScenarioError
from escalate.meanfield import mean_field, response_hours
from escalate.plots import regimes as pictures
from escalate.randomness import Seed
from escalate.regimes import (
    REGIMES,
    change_points,
    phase_diagram,
    regime,
    reproduction,
    reproduction_over_time,
)
from escalate.theory import branching
from tests.small_wars import answering, clock, drone, ordered, side, war

DAY = 24.0


def answers(mean, *, rate=0.0, stock=10**7, rule="always", **more):
    """Give a side that strikes of its own accord, and answers with a Poisson number."""
    return side(
        weapons={"drone": drone(stock=stock)},
        tempos={"own": esc.Tempo(plan="raid", rate_per_day=rate)} if rate else {},
        retaliations=answering(rule, **{"hours": DAY, "answers_mean": mean, **more}),
    )


def exchange(first, second=None, *calendar, hours=1200.0, **more):
    """Let both sides answer alike, or each with a mean of its own."""
    second = first if second is None else second
    return war(answers(first, **more), answers(second, **more), *calendar, hours=hours)


def links(scenario, replications, seed=5):
    """Give what `regimes` reads from wars, and what it is read with."""
    stages = ((math.inf, scenario),)
    return list(regimes._fought(stages, Seed.of(seed), replications)), stages


def shield(kill, **more):
    return {"guns": esc.Layer(kill_prob={"drone": kill}, **{"channels": 10**6, **more})}


def struck(rule, *of, size=8.0, town=None, layers=None, **more):
    """Let A, whose answers are strikes of `size`, be answered by B's rule."""
    town = {"category": "urban", "region": "border", **(town or {})}
    seen = more.pop("seen", {})
    severity = more.pop("severity", None)
    first = side(plans={"raid": esc.Plan(targets={"town": 1.0}, size=size)},
                 retaliations=answering("always"))  # fmt: skip
    second = side(
        plans={"raid": esc.Plan(targets={"town": 1.0}, size=12.0)},
        targets={"town": esc.Target(**town)}, layers=layers or {},
        assessment=esc.Assessment(**seen), severity_dispersion=severity,
        retaliations=answering(rule, *of, **more),
    )  # fmt: skip
    return war(first, second)


class TestMeanField:
    CLOSED = (
        (struck("never"), 0.0, 0.0),
        (struck("always"), 1.0, 1.5),
        (struck("tit_for_tat", seen={"miss_prob": 0.2}), 0.8, 1.2),
        (struck("tit_for_tat", slip_prob=0.1, answers_mean=2.0), 1.8, 2.7),
        (struck("never", slip_prob=0.1), 0.1, 0.15),
        (struck("tit_for_two_tats"), 1.0, 1.5),
        (struck("generous", forgive_prob=0.25), 0.75, 1.125),
        (struck("random", prob=0.4), 0.4, 0.6),
        (struck("with_probability", "generous", prob=0.5), 1 / 3, 0.5),
        (struck("announced", "always", resolve_prob=0.7), 0.7, 1.05),
        (struck("capped", "always", cap=4.0), 1.0, 0.5),
        (struck("capped", "always", cap=0.0), 0.0, 0.0),
        (struck("with_delay", "always"), 1.0, 1.5),
        (struck("after_quiet_reset", "grim"), 1.0, 1.5),
        (struck("any_of", esc.Rule("random", prob=0.5), esc.Rule("random", prob=0.4)), 0.7, 1.05),
        (struck("any_of", esc.Rule("capped", "random", cap=4.0), esc.Rule("random")), 0.75, 0.875),
        (struck("proportional", gain=0.5), 1.0, 0.5),
        (struck("proportional", gain=2.0, cap=4.0), 1.0, 0.5),
        (struck("proportional", gain=0.0), 0.0, 0.0),
        # gain times leakage: two shots at 0.5 let a quarter through, of nine tenths that fly
        (struck("proportional", gain=2.0, measure="hits", layers=shield(0.5, shots=2)),
         1.0 - 0.75**8, 0.5),
        (struck("proportional", gain=2.0, measure="hits", layers=shield(0.5, track_prob=0.8)),
         1.0 - 0.4**8, 1.2),
        (struck("threshold", level=8.0, measure="launched"), 1.0, 1.5),
        (struck("threshold", level=9.0, measure="launched"), 0.0, 0.0),
        (struck("threshold", level=8.0, measure="launched", seen={"noise_sd_log": 0.3}), 0.5, 0.75),
        (struck("threshold", level=3.0, measure="hits", layers=shield(0.75)),
         stats.binom.sf(2, 8, 0.25), 1.5 * stats.binom.sf(2, 8, 0.25)),
        (struck("threshold", level=3.0, town={"killed_per_hit": 0.5}),
         stats.poisson.sf(2, 4.0), 1.5 * stats.poisson.sf(2, 4.0)),
        (struck("threshold", level=3.0, town={"killed_per_hit": 0.5}, severity=2.0),
         stats.nbinom.sf(2, 2.0, 2.0 / 6.0), 1.5 * stats.nbinom.sf(2, 2.0, 2.0 / 6.0)),
        (struck("red_line", weapons=["cruise"]), 0.0, 0.0),
        (struck("red_line", targets=["urban"]), 1.0, 1.5),
        (struck("red_line", weapons=["drone"], layers=shield(1.0)), 1.0, 1.5),
        (struck("red_line", targets=["urban"], layers=shield(0.9)), 1 - 0.9**8, 1.5 - 1.5 * 0.9**8),
    )  # fmt: skip

    @pytest.mark.parametrize(("scenario", "strikes", "weapons"), CLOSED)
    def test_closed_forms(self, scenario, strikes, weapons):
        for unit, wanted in (("strikes", strikes), ("weapons", weapons)):
            found = mean_field(scenario, unit=unit)
            assert found.closed
            assert found.matrix[1, 0] == pytest.approx(wanted, rel=1e-9, abs=1e-12)

    @pytest.mark.parametrize("number", range(len(CLOSED)))
    def test_closed_forms_are_what_one_strike_gives(self, number):
        scenario = self.CLOSED[number][0]
        if next(iter(scenario.sides["B"].retaliations.values())).rule.name == "tit_for_two_tats":
            pytest.skip("it answers every strike but the first")
        first = scenario.sides["A"]
        strike = meanfield._Provoked(first, scenario.sides["B"], first.plans["raid"], 8.0)
        for unit, wanted in zip(("strikes", "weapons"), self.CLOSED[number][1:], strict=True):
            mean, error = meanfield._one_strike(
                scenario, 1, "answer", strike, "raid", unit, 2000, Seed.of(3)
            )
            # an answer that never, or always, came has no error of its own
            assert mean == pytest.approx(wanted, abs=4.0 * error + 1.0 / 500.0)

    @pytest.mark.parametrize(
        ("scenario", "why"),
        [
            (struck("gradual"), "'gradual' has no closed form"),
            (struck("contrite"), "'contrite' has no closed form"),
            (struck("always", review_hours=6.0), "asked on review"),
            (struck("threshold", measure="damage"), "damage has no closed form"),
            (struck("threshold", measure="hits", layers=shield(0.5, channels=3, cycle_hours=1.0)),
             "saturated"),
            (struck("threshold", measure="hits", layers=shield(0.5, magazine=3)), "may run out"),
            (struck("threshold", measure="hits", layers=shield(0.5, up_prob=0.5)), "leak together"),
            (struck("proportional", measure="hits", layers=shield(0.5, up_prob=0.5)),
             "the chance of an answer by 'proportional' varies"),
            (struck("any_of", "threshold", "proportional"), "several rules of 'any_of'"),
        ],
    )  # fmt: skip
    def test_without_one_it_says_why_and_what_it_did(self, scenario, why):
        found = mean_field(scenario, replications=200, rng=1)
        assert not found.closed
        words = found.how["B.answer", "A.answer"]
        assert words.startswith("simulated, as ") and why in words
        assert "200 wars of one strike, standard error" in words
        assert found.how["A.answer", "B.answer"] == "closed form"

    def test_a_rule_of_ones_own_is_simulated(self):
        def often(see, params, memory, u):
            return esc.answer(see.standard if u < 0.6 else 0.0)

        found = mean_field(struck(often), replications=2000, rng=1)
        assert "a rule of your own" in found.how["B.answer", "A.answer"]
        assert found.matrix[1, 0] == pytest.approx(0.6, abs=4.0 * math.sqrt(0.24 / 2000))

    def test_a_saturated_layer_is_counted_not_guessed(self):
        # Of eight weapons at a time three are engaged, and half of these stopped.
        layers = shield(0.5, channels=3, cycle_hours=1.0)
        scenario = struck("proportional", gain=2.0, measure="hits", layers=layers)
        found = mean_field(scenario, unit="weapons", replications=4000, rng=1)
        error = 2.0 * math.sqrt(0.75 / 4000) / 8.0
        assert found.matrix[1, 0] == pytest.approx(2.0 * 6.5 / 8.0, abs=4.0 * error)

    def test_several_retaliations_are_several_types(self):
        # B answers large strikes alone, and A strikes large once in three answers.
        small, large = (esc.Plan(targets={"town": 1.0}, size=size) for size in (2.0, 20.0))
        made = {name: esc.Retaliation(rule=esc.Rule("random", prob=prob), plan=name)
                for name, prob in (("small", 0.8), ("large", 0.4))}  # fmt: skip
        first = side(plans={"small": small, "large": large}, retaliations=made)
        line = esc.Rule("threshold", level=10.0, measure="launched")
        second = side(
            retaliations={"line": esc.Retaliation(rule=line, plan="raid", answers_mean=3.0)}
        )
        found = mean_field(war(first, second))
        assert found.retaliations == ("A.small", "A.large", "B.line")
        assert found.by_retaliation.tolist() == [[0, 0, 0.8], [0, 0, 0.4], [0, 3.0, 0]]
        # a third of A's answers provoke three each, and each of B's provokes 1.2
        np.testing.assert_allclose(found.matrix, [[0.0, 1.2], [1.0, 0.0]])
        assert found.number == pytest.approx(math.sqrt(1.2))
        assert branching.reproduction_number(found.matrix) == pytest.approx(found.number)

    def test_what_cannot_be_launched_is_no_answer(self):
        scenario = exchange(2.0)
        assert mean_field(scenario).number == pytest.approx(2.0)
        for path, value in (
            ("sides.A.weapons.drone.stock", 0),
            ("sides.A.permitted_weapons", ("cruise",)),
            ("sides.B.permitted_targets", ("energy",)),
        ):
            assert mean_field(scenario.replace({path: value})).number == 0.0

    def test_without_retaliations_there_is_no_exchange(self):
        found = mean_field(war(side(), side()))
        assert found.number == 0.0 and found.retaliations == () and found.closed

    def test_an_unknown_unit_is_refused(self):
        with pytest.raises(EscalateError, match="unknown unit 'strike': did you mean 'strikes'"):
            mean_field(exchange(1.0), unit="strike")


class TestResponseHours:
    def test_adds_up_what_an_answer_waits_for(self):
        plan = esc.Plan(targets={"town": 1.0}, waves=2, duration_hours=3.0)
        first = side(plans={"raid": plan})
        rule = esc.Rule("announced", esc.Rule("with_delay", "always", hours=5.0), hours=7.0)
        second = side(
            regions={"border": esc.Region(depth_km=1600.0)},
            assessment=esc.Assessment(delay_hours=4.0),
            retaliations=answering(rule, hours=10.0, review_hours=6.0),
        )
        # 3 in waves, 2 in the air, 4 to believe, 10 + 5 + 7 to answer, 6 for the review
        assert response_hours(war(first, second)).tolist() == [37.0, 0.0]

    def test_an_exponential_delay_is_waited_for_in_99_of_100_cases(self):
        scenario = exchange(1.0, delay="exponential")
        np.testing.assert_allclose(response_hours(scenario), DAY * math.log(100.0))

    def test_answers_come_within_it(self):
        scenario = esc.load_scenario("two-equal-sides")
        run = esc.simulate(scenario, rng=2)
        at, parents = (run.tables["strikes"][c] for c in ("decided_hours", "provoked_by"))
        waits = (at - at[parents])[parents >= 0]
        assert len(waits) > 40
        assert (waits <= response_hours(scenario).max()).mean() > 0.95


class TestReproduction:
    def test_is_that_of_the_metrics_side_by_side(self):
        run = esc.simulate(exchange(0.8, rate=0.2), rng=1)
        found = reproduction(run)
        for j, name in enumerate("AB"):
            until = run.scenario.horizon_hours - DAY
            assert found.until_hours[j] == until
            theirs = metrics.reproduction_number(run, name, until_hours=until)
            assert found.matrix[1 - j, j] == theirs
        assert found.number == math.sqrt(found.matrix[0, 1] * found.matrix[1, 0])

    @pytest.mark.parametrize(("means", "seed"), [((0.6, 0.6), 1), ((2.0, 0.3), 2), ((0.3, 3.0), 3)])
    def test_is_the_spectral_radius(self, means, seed):
        scenario = exchange(*means, ordered(0.0), rate=0.1)
        found = reproduction(esc.simulate_many(scenario, replications=300, rng=seed), level=0.9999)
        exact = branching.reproduction_number([[0.0, means[0]], [means[1], 0.0]])
        assert found.low < exact < found.high
        assert found.high / found.low < 1.15
        assert mean_field(scenario).number == pytest.approx(exact)

    def test_growth_is_seen_where_counting_all_strikes_hides_it(self):
        scenario = exchange(1.5, None, ordered(0.0), hours=240.0)
        ensemble = esc.simulate_many(scenario, replications=300, rng=1)
        found = reproduction(ensemble, level=0.9999)
        assert 1.4 < found.low < 1.5 < found.high < 1.6
        everything = reproduction(ensemble, until_hours=240.0)
        assert everything.number < 1.0

    def test_an_ensemble_has_the_links_of_its_wars(self):
        scenario = esc.load_scenario("winter-2023-24")
        ensemble = esc.simulate_many(scenario, replications=5, rng=4)
        fork = {"sides.RU.retaliations.drones.rule.level": 1.0}
        for whole in (ensemble, ensemble.fork(40.0, fork)):
            wars = regimes._wars(whole)
            for k, seen in enumerate(wars):
                (alone,) = regimes._wars(whole.replay(k))
                for mine, theirs in zip(seen, alone, strict=True):
                    np.testing.assert_array_equal(mine, theirs)
            assert reproduction(whole).strikes.sum() > 50

    def test_in_weapons_larger_answers_count_for_more(self):
        plan = esc.Plan(targets={"town": 1.0}, size=20.0)
        sides = [side(weapons={"drone": drone(stock=10**6)}, plans={"raid": plan},
                      retaliations=answering("proportional", gain=gain, hours=DAY))
                 for gain in (1.5, 1.2)]  # fmt: skip
        run = esc.simulate(war(*sides, ordered(0.0)), rng=1)
        assert reproduction(run).number == 1.0
        weapons = reproduction(run, unit="weapons")
        assert weapons.number == pytest.approx(math.sqrt(1.8), rel=0.01)
        assert weapons.interval == "strikes" and weapons.low > 1.0
        assert mean_field(run.scenario, unit="weapons").number == pytest.approx(math.sqrt(1.8))

    def test_windows_part_the_strikes(self):
        run = esc.simulate(exchange(0.7, rate=0.3), rng=1)
        windows = reproduction_over_time(run, windows=5)
        assert len(windows) == 5
        assert sum(w.strikes for w in windows).tolist() == reproduction(run).strikes.tolist()
        assert windows[1].from_hours == windows[0].until_hours[0]

    def test_a_run_without_strikes_knows_nothing(self):
        found = reproduction(esc.simulate(exchange(1.0), rng=1))
        assert math.isnan(found.number)
        assert (found.low, found.high) == (0.0, math.inf)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"unit": "stirkes"}, "did you mean 'strikes'"),
            ({"level": 1.0}, "`0 < level < 1` must hold, but got 1.0"),
        ],
    )
    def test_bad_arguments_are_refused(self, arguments, message):
        run = esc.simulate(exchange(1.0), rng=1)
        with pytest.raises(EscalateError, match=message):
            reproduction(run, **arguments)

    def test_other_things_are_refused(self):
        for function in (reproduction, reproduction_over_time, change_points, regime):
            with pytest.raises(EscalateError, match="must be a Run or an Ensemble"):
                function(exchange(1.0))

    def test_a_horizon_too_short_for_answers_is_refused(self):
        run = esc.simulate(exchange(1.0, hours=20.0), rng=1)
        with pytest.raises(EscalateError, match="`horizon_hours > 24` must hold"):
            reproduction_over_time(run)
        with pytest.raises(EscalateError, match="`windows` must be a whole number"):
            reproduction_over_time(run, windows=0)


class TestIntervals:
    def test_with_one_mean_known_it_is_the_exact_interval_of_the_other(self):
        # Nine of nine answered at most once: from above the chance is 1.
        low, high = regimes._melded(np.array([9.0, 5.0]), np.array([9.0, 12.0]), (True, False), 0.9)
        assert high == pytest.approx(math.sqrt(stats.chi2.ppf(0.95, 12) / 2 / 12))
        assert low < math.sqrt(5 / 12)

    def test_the_product_of_two_exponentials(self):
        # P(XY <= t) = 1 - 2 sqrt(t) K1(2 sqrt(t))
        for prob in (0.025, 0.5, 0.975):
            exact = optimize.brentq(
                lambda t, p=prob: 1.0 - 2.0 * math.sqrt(t) * special.k1(2.0 * math.sqrt(t)) - p,
                1e-9, 1e3,
            )  # fmt: skip
            found = regimes._product_quantile(prob, (False, 1.0, 0.0, 1.0), (False, 1.0, 0.0, 1.0))
            assert found == pytest.approx(exact, rel=1e-3)

    def test_without_answers_it_begins_at_0_and_without_strikes_it_has_no_end(self):
        both = (False, False)
        assert regimes._melded(np.array([0.0, 3.0]), np.array([9.0, 9.0]), both, 0.95)[0] == 0.0
        assert (
            regimes._melded(np.array([2.0, 0.0]), np.array([9.0, 0.0]), both, 0.95)[1] == math.inf
        )
        single = regimes._melded(np.array([2.0, 0.0]), np.array([9.0, 0.0]), (True, True), 0.95)[1]
        assert single == pytest.approx(math.sqrt(stats.beta.ppf(0.975, 3, 7)))

    @pytest.mark.parametrize(
        ("scenario", "exact"),
        [
            (exchange(0.6, rate=0.15), 0.6),
            (exchange(0.9, rate=0.15), 0.9),
            (exchange(2.0, 0.2, rate=0.15), math.sqrt(0.4)),
            (exchange(1.5, None, ordered(0.0), hours=264.0), 1.5),
            (exchange(None, rate=0.3, rule="random", prob=0.6), 0.6),
        ],
        ids=["0.6", "0.9", "asymmetric", "growing", "at most one"],
    )
    def test_of_a_run_it_holds_R_as_often_as_it_says(self, scenario, exact):
        wars, stages = links(scenario, 400)
        until = regimes._until(stages)
        found = [regimes._reproduction([w], stages, "strikes", until, 0.0, 0.95) for w in wars]
        held = np.mean([r.low <= exact <= r.high for r in found])
        assert held > 0.95 - 4.0 * math.sqrt(0.95 * 0.05 / 400)
        expected = "binomial" if scenario.sides["A"].retaliations["answer"].answers_mean is None \
            else "Poisson"  # fmt: skip
        assert {r.interval for r in found} == {expected}

    def test_of_an_ensemble_it_holds_R_as_often_as_it_says(self):
        # A Poisson number given now and then is more dispersed than Poisson.
        wars, stages = links(exchange(1.2, rate=0.15, rule="random", prob=0.5), 8000)
        until = regimes._until(stages)
        found = [regimes._reproduction(wars[i : i + 40], stages, "strikes", until, 0.0, 0.95)
                 for i in range(0, 8000, 40)]  # fmt: skip
        assert {r.interval for r in found} == {"replications"}
        held = np.mean([r.low <= 0.6 <= r.high for r in found])
        assert abs(held - 0.95) < 4.0 * math.sqrt(0.95 * 0.05 / 200)


class TestAgainstTheory:
    def test_wars_die_out_as_often_as_the_branching_process(self):
        scenario = exchange(1.5, None, ordered(0.0), hours=240.0)
        found = regime(esc.simulate_many(scenario, replications=600, rng=1), rng=1)
        # Answers come after a day each; over are those without a strike from day 9 on.
        exact = float(branching.generation(9, 1.5).extinct_prob)
        assert exact == pytest.approx(float(branching.extinction_prob(1.5)), abs=0.01)
        share = found.shares["dies out"]
        assert abs(share - exact) < 4.0 * math.sqrt(exact * (1.0 - exact) / 600)
        assert found.name == "runs away"
        assert sum(found.shares.values()) == pytest.approx(1.0)

    def test_episodes_are_borel(self):
        scenario = exchange(0.6, None, ordered(0.0), hours=2400.0)
        runs = [esc.simulate(scenario, rng=1, replication=k, engine="compiled") for k in range(800)]
        sizes = np.array([metrics.episode_sizes(run)[0] for run in runs])
        classes = np.arange(1, 7)
        exact = branching.total_size_pmf(classes, 0.6)
        expected = 800 * np.append(exact, 1.0 - exact.sum())
        seen = np.bincount(np.minimum(sizes, 7), minlength=8)[1:]
        assert stats.chisquare(seen, expected).pvalue > 1e-3
        mean, var = branching.total_size_moments(0.6)
        assert abs(sizes.mean() - mean) < 4.0 * math.sqrt(var / 800)

    def test_each_sides_part_of_an_episode(self):
        means = [[0.0, 0.5], [1.2, 0.0]]
        scenario = exchange(0.5, 1.2, ordered(0.0), hours=2400.0)
        made = esc.simulate_many(scenario, replications=2000, rng=1).data["strikes"]
        exact = branching.total_caused(means)[:, 0]
        error = made.std(axis=0, ddof=1) / math.sqrt(2000)
        assert (np.abs(made.mean(axis=0) - exact) < 4.0 * error).all()


class TestChangePoints:
    @pytest.mark.parametrize(
        "scenario",
        [
            exchange(0.6, rate=0.3),
            exchange(2.0, 0.2, rate=0.2),
            exchange(None, rate=0.3, rule="random", prob=0.6),
            exchange(1.2, rate=0.2, rule="random", prob=0.5),
            exchange(1.5, None, ordered(0.0), hours=264.0),
        ],
        ids=["Poisson", "asymmetric", "at most one", "dispersed", "growing"],
    )
    def test_false_alarms_are_as_rare_as_stated(self, scenario):
        # 120 wars at a rate of 0.1: up to 12 + 4 * 3.3 by chance, 1 in 30,000.
        wars, stages = links(scenario, 120)
        alarms = sum(bool(regimes._changes([one], stages, 0.1, k)) for k, one in enumerate(wars))
        assert alarms <= 25

    def test_a_change_is_found_where_it_is(self):
        scenario = exchange(0.3, rate=0.5, hours=2400.0)
        run = esc.simulate(scenario, rng=1)
        paths = [f"sides.{name}.retaliations.answer.answers_mean" for name in "AB"]
        changed = run.fork(1200.0, dict.fromkeys(paths, 0.9))
        (found,) = change_points(changed, rng=1)
        assert abs(found - 1200.0) < 120.0
        assert change_points(run, rng=1) == ()

    def test_two_changes_are_two(self):
        scenario = exchange(0.3, rate=0.5, hours=3600.0)
        ensemble = esc.simulate_many(scenario, replications=20, rng=1)
        paths = [f"sides.{name}.retaliations.answer.answers_mean" for name in "AB"]
        there = ensemble.fork(1200.0, dict.fromkeys(paths, 0.8))
        back = there.fork(2400.0, dict.fromkeys(paths, 0.3))
        found = change_points(back, rng=1, false_alarm_prob=0.01)
        np.testing.assert_allclose(found, [1200.0, 2400.0], atol=60.0)

    def test_few_strikes_have_no_change(self):
        assert change_points(esc.simulate(exchange(1.0), rng=1), rng=1) == ()
        scenario = exchange(0.5, None, ordered(0.0))
        assert change_points(esc.simulate(scenario, rng=1), rng=1) == ()

    def test_a_chance_that_is_none_is_refused(self):
        run = esc.simulate(exchange(1.0), rng=1)
        with pytest.raises(EscalateError, match="`0.001 <= false_alarm_prob < 1` must hold"):
            change_points(run, false_alarm_prob=0.0005)


class TestRegime:
    @pytest.mark.parametrize(
        ("scenario", "name"),
        [
            (exchange(0.5, rate=0.5), "smoulders"),
            (exchange(None, None, ordered(0.0), rule="tit_for_tat"), "smoulders"),
            (exchange(0.5, None, ordered(0.0)), "dies out"),
            (exchange(1.0), "dies out"),
            (exchange(3.0, None, ordered(0.0), hours=150.0), "runs away"),
            (exchange(3.0, None, ordered(0.0), stock=300), "exhausted by stocks"),
            (exchange(1.0, None, ordered(0.0), hours=20.0), "undecided"),
        ],
    )
    def test_a_run_is_in_the_one_it_was_made_for(self, scenario, name):
        found = regime(esc.simulate(scenario, rng=1), rng=1)
        assert found.name == name
        assert found.shares == {name: 1.0}
        assert name in REGIMES

    def test_ever_larger_strikes_run_away_though_each_has_one_answer(self):
        plan = esc.Plan(targets={"town": 1.0}, size=4.0)
        one = side(weapons={"drone": drone(stock=10**6)}, plans={"raid": plan},
                   retaliations=answering("proportional", gain=1.5, hours=DAY))  # fmt: skip
        found = regime(esc.simulate(war(one, one, ordered(0.0)), rng=1), rng=1)
        assert found.reproduction.number == 1.0
        assert found.name == "runs away" and found.weapons.low > 1.0

    def test_exhaustion_needs_used_up_weapons(self):
        # Launchers hold back nine tenths of every strike, but stocks are full.
        plan = esc.Plan(targets={"town": 1.0}, size=100.0)
        one = side(weapons={"drone": drone(stock=10**6, launchers=10)}, plans={"raid": plan},
                   tempos={"own": esc.Tempo(plan="raid", rate_per_day=1.0)})  # fmt: skip
        found = regime(esc.simulate(war(one, one), rng=1), rng=1)
        assert found.short_share.tolist() == [0.9, 0.9]
        assert found.used_share.max() < 0.01
        assert found.name == "smoulders"

    def test_a_truce_is_no_exhaustion(self):
        truce = esc.Truce(at=clock(600.0), until=clock(1200.0))
        found = regime(esc.simulate(exchange(0.5, None, truce, rate=0.5), rng=1), rng=1)
        assert found.short_share.tolist() == [0.0, 0.0]
        assert found.name == "dies out"

    def test_stocks_that_bind_are_a_change(self):
        scenario = exchange(1.8, None, *(ordered(0.0) for _ in range(4)), stock=400, hours=480.0)
        found = regime(esc.simulate_many(scenario, replications=30, rng=1), rng=1)
        assert found.name == "exhausted by stocks"
        assert found.shares["exhausted by stocks"] > 0.9
        assert found.segments[0].low > 1.0
        assert found.segments[-1].high < 1.0
        assert len(found.segments) == len(found.changes) + 1
        counted = sum(part.strikes.sum() for part in found.segments)
        assert counted == found.reproduction.strikes.sum()

    def test_per_day_is_of_the_thirds(self):
        run = esc.simulate(exchange(0.5, rate=0.5), rng=1)
        found = regime(run, rng=1)
        at = run.tables["strikes"]["decided_hours"]
        assert found.per_day[0] == pytest.approx((at < 400.0).sum() / (400.0 / 24.0))
        assert found.per_day[1] == pytest.approx((at >= 800.0).sum() / (400.0 / 24.0))


MEANS = [f"sides.{name}.retaliations.answer.answers_mean" for name in "AB"]


@pytest.fixture(scope="module")
def diagram():
    scenario = exchange(1.0, None, *(ordered(0.0) for _ in range(5)), hours=144.0)
    values = [0.3, 0.8, 1.3, 1.8]
    return phase_diagram(
        scenario, (MEANS[0], values), (MEANS[1], values[:3]), replications=60, rng=1
    )


class TestPhaseDiagram:
    def test_the_boundary_is_the_hyperbola(self, diagram):
        exact = np.sqrt(np.outer(diagram.y, diagram.x))
        np.testing.assert_allclose(diagram.mean_field, exact, rtol=1e-12)

    def test_R_is_on_the_same_side_of_it(self, diagram):
        # Twelve intervals of 95%: three misses or more have a chance of 0.02.
        held = (diagram.low <= diagram.mean_field) & (diagram.mean_field <= diagram.high)
        assert held.sum() >= 10
        far = np.abs(diagram.mean_field - 1.0) > 0.15
        assert ((diagram.values > 1.0) == (diagram.mean_field > 1.0))[far].all()

    def test_any_outcome_of_an_ensemble(self):
        scenario = exchange(0.5, rate=0.3, hours=240.0)
        axes = (MEANS[0], [0.2, 0.5]), (MEANS[1], [0.5, 0.9, 1.2])

        def both(ensemble):
            return ensemble.data["strikes"].sum(axis=1)

        one = phase_diagram(scenario, *axes, outcome="strikes.B", replications=30, rng=2)
        two = phase_diagram(scenario, *axes, outcome=both, replications=30, rng=2, workers=1)
        assert one.values.shape == (3, 2)
        assert (one.outcome, two.outcome) == ("strikes.B", "both")
        cell = esc.simulate_many(
            scenario.replace({MEANS[0]: 0.5, MEANS[1]: 1.2}), replications=30, rng=2
        )
        mean = cell.data["strikes"].mean(axis=0)
        assert one.values[2, 1] == mean[1]
        assert two.values[2, 1] == pytest.approx(mean.sum())
        assert one.low[2, 1] < mean[1] < one.high[2, 1]

    def test_it_does_not_depend_on_workers_and_cells_share_their_luck(self):
        scenario = exchange(0.5, rate=0.3, hours=240.0)
        never = ("sides.A.targets.town.killed_per_hit", [0.0, 1.0])  # changes no strike
        found = [
            phase_diagram(scenario, never, (MEANS[1], [0.5, 0.9]), replications=20, rng=3,
                          workers=workers)
            for workers in (1, 3)
        ]  # fmt: skip
        np.testing.assert_array_equal(found[0].values, found[1].values)
        np.testing.assert_array_equal(found[0].values[:, 0], found[0].values[:, 1])

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"x": ("sides.A", [1.0])}, "`x` must be a path and two or more rising numbers"),
            ({"y": (MEANS[1], [2.0, 1.0])}, "`y` must be a path and two or more rising numbers"),
            ({"y": (MEANS[1], [2.0, math.nan])}, "`y` must be a path"),
            ({"y": MEANS[1]}, "`y` must be a path"),
            ({"y": (MEANS[0], [1.0, 2.0])}, "must be two parameters, but both are"),
            ({"outcome": "kiled.A"}, "unknown outcome 'kiled.A': did you mean 'killed'"),
            ({"outcome": "killed.C"}, "unknown outcome 'killed.C': did you mean 'killed."),
            ({"outcome": "killed_per_day"}, "unknown outcome"),
            ({"outcome": lambda ensemble: 1.0}, "must give an array of shape (5,)"),
            ({"replications": 0}, "`replications` must be a whole number"),
            ({"unit": "days"}, "unknown unit"),
        ],
    )
    def test_bad_arguments_are_refused(self, changes, message):
        given = {"x": (MEANS[0], [0.5, 1.0]), "y": (MEANS[1], [0.5, 1.0]), "replications": 5}
        with pytest.raises(EscalateError) as caught:
            phase_diagram(exchange(1.0, hours=48.0), rng=1, **{**given, **changes})
        assert message in str(caught.value)

    def test_a_path_that_leads_nowhere_is_refused(self):
        with pytest.raises(ScenarioError, match="did you mean 'answers_mean'"):
            phase_diagram(exchange(1.0), (MEANS[0][:-1], [0.5, 1.0]), (MEANS[1], [0.5, 1.0]))


def said(ax):
    return [t.get_text() for t in ax.figure.findobj(Text) if t.get_text() and t.get_visible()]


@pytest.fixture(scope="module")
def exhausted():
    scenario = exchange(1.8, None, *(ordered(0.0) for _ in range(4)), stock=400, hours=480.0)
    return regime(esc.simulate_many(scenario, replications=20, rng=1), rng=1)


class TestPictures:
    def test_they_draw_on_the_axes_given_and_leave_the_settings_alone(self, diagram, exhausted):
        before = dict(mpl.rcParams)
        for draw, what in ((pictures.phase_diagram, diagram), (pictures.regime, exhausted)):
            ax = plt.figure(layout="constrained").subplots()
            assert draw(what, ax=ax) is ax
            ax.figure.canvas.draw()
            own = draw(what)
            assert 80.0 <= 25.4 * own.figure.get_figwidth() <= 181.0
        assert dict(mpl.rcParams) == before

    def test_the_analytic_boundary_is_drawn_where_it_is(self, diagram):
        ax = pictures.phase_diagram(diagram)
        mean_field, simulated = (c for c in ax.collections if hasattr(c, "levels"))
        (path,) = mean_field.get_paths()
        x, y = path.vertices.T
        np.testing.assert_allclose(x * y, 1.0, atol=0.12)  # straight between the values
        assert simulated.get_paths()
        words = said(ax)
        assert {"mean-field R = 1", "simulated R = 1", "R in strikes"} <= set(words)
        assert "A.retaliations.answer.answers_mean" in words

    def test_without_a_boundary_it_says_so(self, diagram):
        low = {**vars(diagram), "mean_field": diagram.mean_field * 0.1}
        assert "mean-field R < 1 everywhere" in said(pictures.phase_diagram(type(diagram)(**low)))
        nothing = {**vars(diagram), "values": diagram.values * math.nan}
        assert "No cell has a value." in said(pictures.phase_diagram(type(diagram)(**nothing)))

    def test_an_outcome_over_powers_of_ten_has_a_scale_that_shows_them(self, diagram):
        wide = {**vars(diagram), "values": 10.0 ** np.arange(12.0).reshape(3, 4), "outcome": "cost"}
        ax = pictures.phase_diagram(type(diagram)(**wide))
        assert ax.collections[0].norm.__class__.__name__ == "LogNorm"
        assert "Mean cost" in said(ax)
        assert "simulated R = 1" not in said(ax)

    def test_R_of_every_window_and_every_change(self, exhausted):
        ax = pictures.regime(exhausted)
        marks = [line for line in ax.get_lines() if line.get_marker() == "o"]
        known = [w.number for w in exhausted.windows if not math.isnan(w.number)]
        assert [float(line.get_ydata()[0]) for line in marks] == known
        upright = [line for line in ax.get_lines() if list(line.get_ydata()) == [0, 1]]
        assert len(upright) == len(exhausted.changes) > 0
        whole = exhausted.reproduction
        title = f"Exhausted by stocks: R {whole.number:.2f} ({whole.low:.2f}\u2013{whole.high:.2f})"
        assert title in said(ax)

    def test_title_and_legend_do_not_overlap(self, exhausted):
        fig = plt.figure(figsize=(3.54, 2.6), layout="constrained")
        ax = pictures.regime(exhausted, ax=fig.subplots())
        fig.canvas.draw()
        (title,) = (t for t in ax.texts if t.get_text().startswith("Exhausted"))
        assert not title.get_window_extent().overlaps(ax.get_legend().get_window_extent())

    def test_a_run_without_strikes_is_a_sentence(self):
        found = regime(esc.simulate(exchange(1.0), rng=1), rng=1)
        assert "No strike had the time to be answered." in said(pictures.regime(found))
