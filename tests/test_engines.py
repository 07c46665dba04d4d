"""Every engine through the battery, on random wars and on those that come with the library."""

import copy
import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import escalate as esc
from escalate.claims import CLAIM_COLUMNS
from escalate.figures import Figure
from escalate.simulation import ENGINES
from tests.engine_battery import CHECKS
from tests.strategies import scenarios

EXAMPLES = settings().max_examples
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
seeds = st.integers(0, 2**64)


@pytest.mark.parametrize("engine", ENGINES)
@settings(suppress_health_check=SLOW, max_examples=2 * EXAMPLES)
@given(scenario=scenarios(), seed=seeds)
def test_any_war(engine, scenario, seed):
    run = esc.simulate(scenario, rng=seed, engine=engine)
    for check in CHECKS:
        check(run)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", esc.scenario_names())
def test_the_wars_that_come_with_the_library(engine, name):
    scenario = esc.load_scenario(name)
    for run in esc.replicate(scenario, replications=2, rng=1, engine=engine):
        assert len(run.tables["strikes"]["side"]) > 0
        for check in CHECKS:
            check(run)


@pytest.mark.parametrize("engine", ENGINES)
@settings(suppress_health_check=SLOW, max_examples=max(EXAMPLES // 2, 1))
@given(scenario=scenarios(), seed=seeds, replication=st.integers(0, 2**62 - 1))
def test_the_same_seed_is_the_same_war_and_reading_changes_nothing(
    engine, scenario, seed, replication, tmp_path_factory
):
    how = {"rng": seed, "replication": replication, "engine": engine}
    run = esc.simulate(scenario, **how)
    tables = copy.deepcopy(run.tables)
    frames = run.events, run.strikes, run.weapons, run.layers, run.targets, run.regions
    assert all(len(frame.columns) > 0 for frame in frames)
    claims = run.claims
    summary = run.summary()
    loaded = esc.load_run(run.save(tmp_path_factory.mktemp("runs") / "run"))
    for name, table in tables.items():
        for column, values in table.items():
            assert values.dtype == run.tables[name][column].dtype
            assert np.array_equal(values, run.tables[name][column]), (name, column)
    again = esc.simulate(scenario, **how)
    assert again == run == loaded
    assert again.events.equals(loaded.events)
    assert again.claims.equals(claims)
    assert loaded.claims.equals(claims)
    assert repr(again.summary()) == repr(summary) == repr(loaded.summary())


@pytest.mark.parametrize("engine", ENGINES)
@settings(suppress_health_check=SLOW, max_examples=EXAMPLES)
@given(scenario=scenarios(), seed=seeds)
def test_claims_are_figures(engine, scenario, seed, tmp_path_factory):
    run = esc.simulate(scenario, rng=seed, engine=engine)
    claims = run.claims
    assert (
        tuple(claims.columns) == CLAIM_COLUMNS == tuple(f.name for f in dataclasses.fields(Figure))
    )
    if not len(claims):
        return
    path = tmp_path_factory.mktemp("claims") / "claims.csv"
    claims.to_csv(path, index=False)
    figures = esc.read_figures(path)
    assert [figure.id for figure in figures] == claims["id"].tolist()
    assert len(set(claims["id"])) == len(claims)
    for figure, (strike, row) in zip(figures, claims.iterrows(), strict=True):
        launched = run.strikes.loc[strike]
        assert figure.attacker == str(launched["side"])
        assert figure.date_start == scenario.date(launched["first_launch_hours"]).date()
        assert figure.date_end <= figure.claimed_on <= scenario.end.date()
        assert figure.low == row["low"]
