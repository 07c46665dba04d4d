"""Figures read off compiled wars: the same to the bit as from runs."""

import numpy as np
import pytest

import escalate as esc
from escalate.engines._pack import pack
from escalate.errors import EscalateError, ScenarioError
from escalate.figures import shipped_figures
from escalate.metrics import check_figures, figure_value
from escalate.randomness import RunKey, Seed
from escalate.truths import Gauge, Ground, figure_values
from tests.small_wars import answering, ordered, side, war


def comparable(scenario):
    """Give all shipped figures that a scenario has sides and places for."""
    found = []
    for figure in shipped_figures():
        try:
            check_figures(scenario, [figure])
        except ScenarioError:
            continue
        found.append(figure)
    return found


@pytest.mark.parametrize("name", esc.scenario_names())
def test_values_are_those_of_runs_to_the_bit(name):
    scenario = esc.load_scenario(name)
    figures = comparable(scenario)
    runs = esc.replicate(scenario, replications=12, rng=3, engine="compiled")
    expected = [[figure_value(run, figure) for figure in figures] for run in runs]
    found = figure_values(scenario, figures, replications=12, rng=3)
    np.testing.assert_array_equal(found, np.array(expected).reshape(12, len(figures)))


def test_every_quantity_has_been_compared():
    figures = {f for name in esc.scenario_names() for f in comparable(esc.load_scenario(name))}
    from escalate.metrics import QUANTITIES

    assert {figure.quantity for figure in figures} == set(QUANTITIES)
    assert "both" in {figure.attacker for figure in figures}


def test_the_result_does_not_depend_on_workers():
    scenario = esc.load_scenario("february-2023")
    figures = comparable(scenario)
    one, two = (figure_values(scenario, figures, replications=70, rng=1, workers=n) for n in (1, 3))
    np.testing.assert_array_equal(one, two)


def test_another_scenario_in_the_same_place_gives_its_own_wars():
    scenario = esc.load_scenario("winter-2023-24")
    figures = comparable(scenario)
    changed = scenario.replace(
        {
            "sides.UA.layers.medium_range.kill_prob.cruise": 0.4,
            "sides.UA.layers.medium_range.channels": 90,
            "sides.RU.plans.vowed.size": 40.0,
            "sides.RU.retaliations.vow.rule.hours": 30.0,
        }
    )
    ground = Ground(Gauge(scenario, figures))
    keys = [Seed.of(5).run_key(k) for k in range(6)]
    before = ground.values(keys)
    assert ground.lay(pack(changed, RunKey(0, 0)))
    np.testing.assert_array_equal(
        ground.values(keys), figure_values(changed, figures, replications=6, rng=5)
    )
    assert ground.lay(pack(scenario, RunKey(0, 0)))
    np.testing.assert_array_equal(ground.values(keys), before)


def test_a_scenario_of_other_parts_does_not_fit():
    scenario = war(side(), side(), ordered(1.0))
    ground = Ground(Gauge(scenario, ()))
    more = {"drone": esc.Weapon(category="drone"), "other": esc.Weapon(category="cruise")}
    other = war(side(weapons=more), side())
    assert not ground.lay(pack(other, RunKey(0, 0)))
    assert not ground.lay(pack(war(side(), side(), hours=10.0), RunKey(0, 0)))


def test_a_rule_of_the_users_own_does_not_fit_and_is_fought_all_the_same():
    def always(see, params, memory, u):
        return esc.answer(3.0)

    own = war(side(), side(retaliations=answering(esc.Rule(always))), ordered(1.0))
    assert not Ground(Gauge(own, ())).lay(pack(own, RunKey(0, 0)))
    assert figure_values(own, (), replications=2, rng=1).shape == (2, 0)


@pytest.mark.parametrize("wrong", [0, -1, 2.0])
def test_the_number_of_replications_is_checked(wrong):
    scenario = esc.load_scenario("february-2023")
    with pytest.raises(EscalateError, match="`replications` must be a whole number, 1 or more"):
        figure_values(scenario, (), replications=wrong)


def test_a_figure_of_an_unknown_side_is_refused():
    with pytest.raises(ScenarioError, match="unknown side 'RU'"):
        figure_values(war(side(), side()), shipped_figures()[:1], replications=1)
