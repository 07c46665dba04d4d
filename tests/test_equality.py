"""The compiled engine gives the run of the SimPy engine, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import escalate as esc
from tests.small_wars import drone, ordered, side, war
from tests.strategies import scenarios


def assert_same(readable: esc.Run, fast: esc.Run) -> None:
    """Compare two runs table by table, column by column, row by row, exactly."""
    assert readable.tables.keys() == fast.tables.keys()
    for name, table in readable.tables.items():
        other = fast.tables[name]
        assert table.keys() == other.keys()
        for column, values in table.items():
            assert values.dtype == other[column].dtype, (name, column)
            np.testing.assert_array_equal(
                other[column], values, err_msg=f"{name}.{column}", strict=True
            )


@settings(max_examples=max(300, settings.default.max_examples), deadline=None)
@given(scenarios(), st.integers(0, 2**32 - 1))
def test_random_wars_are_equal_event_by_event(scenario, seed):
    assert_same(
        esc.simulate(scenario, rng=seed),
        esc.simulate(scenario, rng=seed, engine="compiled"),
    )


@pytest.mark.parametrize("name", esc.scenario_names())
def test_shipped_wars_are_equal_event_by_event(name):
    scenario = esc.load_scenario(name)
    for replication in range(5):
        assert_same(
            esc.simulate(scenario, rng=1, replication=replication),
            esc.simulate(scenario, rng=1, replication=replication, engine="compiled"),
        )


def crowded():
    """Give a war in which hundreds of groups are in the air at a time, each on its own way."""
    places = {f"place {i}": esc.Region(depth_km=20.0 + 7.0 * (i % 90)) for i in range(150)}
    homes = {name: esc.Target(category="urban", region=name, killed_per_hit=0.3) for name in places}
    attacker = side(
        weapons={"slow": drone(speed_km_per_hour=90.0), "fast": drone(speed_km_per_hour=400.0)},
        plans={"raid": esc.Plan(targets=dict.fromkeys(homes, 1.0), waves=3, duration_hours=2.0)},
    )
    layer = esc.Layer(
        kill_prob={"drone": 0.4}, window_hours={"drone": 0.4}, channels=30, magazine=400
    )
    defender = side(regions=places, targets=homes, layers={"outer": layer, "inner": layer})
    return war(attacker, defender, ordered(1.0, slow=700, fast=900), hours=20.0)


def test_a_crowded_sky_is_equal_and_can_be_stopped():
    run = esc.simulate(crowded(), rng=3)
    assert_same(run, esc.simulate(crowded(), rng=3, engine="compiled"))
    for hours in (2.0, 2.9, 3.4):
        snapshot, other = (run.snapshot(hours, engine=e) for e in ("simpy", "compiled"))
        assert len(snapshot.tables["queue"]) > 100
        for name, table in snapshot.tables.items():
            assert table.tobytes() == other.tables[name].tobytes(), name
        assert_same(run, other.resume(engine="compiled"))


def test_three_years_are_equal():
    scenario = esc.load_scenario("two-equal-sides")
    longer = scenario.replace({"end": scenario.start.replace(year=scenario.start.year + 3)})
    assert_same(esc.simulate(longer, rng=2), esc.simulate(longer, rng=2, engine="compiled"))
