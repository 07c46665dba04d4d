"""The compiled engine gives the run of the SimPy engine, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import escalate as esc
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


def test_three_years_are_equal():
    scenario = esc.load_scenario("two-equal-sides")
    longer = scenario.replace({"end": scenario.start.replace(year=scenario.start.year + 3)})
    assert_same(esc.simulate(longer, rng=2), esc.simulate(longer, rng=2, engine="compiled"))
