"""Designs: which scenarios are fought, and what is refused before the first of them."""

import json
import re
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import qmc

import escalate as esc
from escalate import designs
from escalate.designs import Design, lever, uncertainty
from tests.small_wars import answering, ordered, side, war

CHANNELS = "sides.A.layers.belt.channels"
GAIN = "sides.B.retaliations.answer.rule.gain"


def base():
    belt = esc.Layer(kill_prob={"drone": 0.5}, channels=4)
    return war(
        side(layers={"belt": belt}),
        side(layers={"belt": belt}, retaliations=answering("proportional", gain=0.5)),
        ordered(1.0, drone=5),
    )


def test_a_grid_is_every_combination_the_last_fastest():
    design = designs.grid(lever(CHANNELS, choices=[1, 2]), uncertainty(GAIN, 0.0, 1.0, levels=3))
    assert design.names == ("channels", "gain")
    assert design.rows == ((1, 0.0), (1, 0.5), (1, 1.0), (2, 0.0), (2, 0.5), (2, 1.0))
    assert [one.role for one in design.parameters] == ["lever", "uncertainty"]


def test_a_point_changes_the_scenario_and_nothing_else():
    design = designs.grid(lever(CHANNELS, choices=[1, 7]), uncertainty(GAIN, choices=[0.25]))
    found = design.scenario(base(), 1)
    assert found == base().replace({CHANNELS: 7, GAIN: 0.25})


@pytest.mark.parametrize("points", [1, 2, 7, 64])
def test_a_latin_hypercube_has_one_point_in_each_row_and_column(points):
    design = designs.latin_hypercube(
        lever(CHANNELS, 0.0, points), uncertainty(GAIN, 0.0, points), points=points, rng=3
    )
    for column in zip(*design.rows, strict=True):
        assert sorted(int(value) for value in column) == list(range(points))


def test_a_sobol_design_is_scipys_sequence():
    design = designs.sobol(lever(CHANNELS, 0.0, 1.0), uncertainty(GAIN, 2.0, 4.0), points=8, rng=5)
    unit = qmc.Sobol(2, rng=np.random.default_rng(np.random.SeedSequence(5))).random(8)
    assert np.allclose(np.array(design.rows), unit * [1.0, 2.0] + [0.0, 2.0])


@pytest.mark.parametrize("make", [designs.latin_hypercube, designs.sobol])
def test_seed_zero_is_a_seed_like_any_other(make):
    spread = lever(CHANNELS, 0.0, 1.0)
    zero, again, one = (make(spread, points=8, rng=seed) for seed in (0, 0, 1))
    assert zero.rows == again.rows != one.rows


@given(u=st.floats(0.0, 1.0), low=st.integers(-5, 5), width=st.integers(1, 9))
def test_values_stay_within_their_range(u, low, width):
    whole = lever("a.b", low, low + width, whole=True).at(u)
    assert isinstance(whole, int) and low <= whole <= low + width
    assert low <= lever("a.b", low, low + width).at(u) <= low + width
    assert 0.1 <= lever("a.b", 0.1, 7.3, log=True).at(u) <= 7.3


def test_whole_numbers_are_equally_likely():
    values = [lever("a.b", 1, 4, whole=True).at((i + 0.5) / 400) for i in range(400)]
    assert [values.count(value) for value in (1, 2, 3, 4)] == [100] * 4


def test_a_logarithmic_range_is_even_in_the_logarithm():
    values = lever("a.b", 1.0, 100.0, log=True, levels=3).values()
    assert values == pytest.approx([1.0, 10.0, 100.0])


def test_one_at_a_time_leaves_the_others_as_they_are():
    design = designs.one_at_a_time(
        base(), lever(CHANNELS, 2, 8, whole=True), uncertainty(GAIN, 0, 1)
    )
    assert design.scenario(base(), 0) == base()
    assert design.changes(1) == {CHANNELS: 2}
    assert design.changes(4) == {GAIN: 1.0}
    frame = design.to_dataframe()
    assert frame["channels"].tolist() == [4, 2, 8, 4, 4]
    assert frame["gain"].tolist() == [0.5, 0.5, 0.5, 0.0, 1.0]


def test_a_table_of_ones_own_by_name_or_path():
    rows = pd.DataFrame({CHANNELS: [1.0, 3.0], "gain": [0.1, 0.2]})
    design = designs.table(rows, lever(CHANNELS), uncertainty(GAIN))
    assert design.rows == ((1, 0.1), (3, 0.2))
    assert design.scenario(base(), 1) == base().replace({CHANNELS: 3, GAIN: 0.2})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"chanels": [1], "gain": [0.1]}, "unknown column 'chanels': did you mean 'channels'?"),
        ({"channels": [1]}, "the table must have one column 'gain'"),
        ({"channels": [1, None], "gain": [0.1, 0.2]}, "must have a value, but is empty, at row 1"),
        ({"channels": [1, 99], "gain": [0.1, 0.2]}, "`1 <= value <= 9` must hold, but got 99"),
        (
            {"channels": [1, 2.5], "gain": [0.1, 0.2]},
            "a whole number, but got 2.5 at row 1",
        ),
    ],
)
def test_a_table_that_does_not_fit(rows, message):
    with pytest.raises(esc.EscalateError, match=re.escape(message)):
        designs.table(rows, lever(CHANNELS, 1, 9, whole=True), uncertainty(GAIN))


def test_linked_paths_take_the_value_or_a_multiple_of_it():
    also = {"sides.B.layers.belt.channels": 2.0}
    linked = lever(CHANNELS, 1, 9, whole=True, levels=2, also=also)
    assert designs.grid(linked).changes(1) == {CHANNELS: 9, "sides.B.layers.belt.channels": 18}
    same = lever(CHANNELS, choices=[3], also="sides.B.layers.belt.channels")
    assert designs.grid(same).changes(0) == {CHANNELS: 3, "sides.B.layers.belt.channels": 3}


def test_a_multiple_of_a_whole_number_is_whole():
    also = {"sides.A.layers.belt.magazine": 30.0, "sides.A.alert_hours": 0.25}
    design = designs.grid(lever(CHANNELS, choices=[5, 10], also=also))
    assert design.changes(0)["sides.A.layers.belt.magazine"] == 150
    assert design.changes(0)["sides.A.alert_hours"] == 1.25
    assert design.scenario(base(), 1).value("sides.A.layers.belt.magazine") == 300


def test_a_range_that_should_be_whole_gets_a_hint():
    design = designs.grid(lever(CHANNELS, 5.0, 10.0, levels=3))
    with pytest.raises(esc.ScenarioError, match="channels may need whole=True: must be a whole"):
        design.check(base())


def test_one_at_a_time_a_choice_may_fail_by_itself():
    rule = uncertainty("sides.B.retaliations.answer.rule", choices=["never", "nevr"], name="rule")
    design = designs.one_at_a_time(base(), rule)
    design.check(base())
    assert design.to_dataframe()["rule"][0].startswith("proportional(gain=0.5")


def test_rules_by_name_and_with_parameters():
    path = "sides.B.retaliations.answer.rule"
    choices = ["never", esc.Rule("proportional", gain=2.0)]
    design = designs.grid(uncertainty(path, choices=choices))
    assert design.rows == (("never",), ("proportional(gain=2.0)",))
    assert design.scenario(base(), 1).value(f"{path}.gain") == 2.0


def test_a_choice_may_change_several_things_at_once():
    policy = lever("policy", choices={"as it was": {}, "more": {CHANNELS: 9, GAIN: 0.0}})
    design = designs.grid(policy)
    assert design.scenario(base(), 0) == base()
    assert design.scenario(base(), 1) == base().replace({CHANNELS: 9, GAIN: 0.0})


def test_constraints_leave_points_out_and_say_how_many():
    small = lever(CHANNELS, 1, 4, whole=True, levels=4)
    other = lever("sides.B.layers.belt.channels", 1, 4, whole=True, levels=4)
    worded = designs.grid(
        small, other, constraints=["A.layers.belt.channels <= B.layers.belt.channels / 2"]
    )
    called = designs.grid(
        small,
        other,
        constraints=[lambda v: 2 * v["A.layers.belt.channels"] <= v["B.layers.belt.channels"]],
    )
    assert worded.rows == called.rows == ((1, 2), (1, 3), (1, 4), (2, 4))
    assert worded.settings["dropped"] == 12


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        (
            "chanels < 2",
            "unknown parameter 'chanels' in the constraint 'chanels < 2': did you",
        ),
        ("channels <", "a constraint must be a comparison"),
        ("channels + 1", "a constraint must hold or not, but 'channels + 1' is 2"),
        ("channels < 'x'", "the constraint \"channels < 'x'\" fails"),
        ("__import__('os').system('true') == 0", "unknown parameter \"__import__('os').system\""),
        ("[channels] == 1", "a constraint may hold names, numbers, + - * / and comparisons"),
        ("channels > 5", "none of 2 points meets the constraints"),
    ],
)
def test_constraints_that_cannot_be_used(constraint, message):
    with pytest.raises(esc.EscalateError, match=re.escape(message)):
        designs.grid(lever(CHANNELS, choices=[1, 2]), constraints=[constraint])


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"low": 1.0}, "`low` and `high` go together"),
        ({"low": 2.0, "high": 2.0}, "`low < high` must hold, but got 2.0 and 2.0"),
        ({"low": 1.0, "high": 2.0, "choices": [1]}, "either a range or `choices`"),
        ({"low": 0.0, "high": 2.0, "log": True}, "`0 < low` must hold for a logarithm"),
        ({"low": 0.5, "high": 2.0, "whole": True}, "ends must be whole as the values are"),
        ({"low": "1", "high": 2.0}, "ends of a range must be finite numbers"),
        ({"low": 1, "high": np.inf}, "ends of a range must be finite numbers"),
        ({"whole": True}, "are about a range, but none is given"),
        ({"low": 1, "high": 2, "whole": True, "log": True}, "cannot be spread in the logarithm"),
        ({"low": 1, "high": 2, "levels": 1}, "`levels` must be a whole number, 2 or more"),
        ({"choices": "abc"}, "`choices` must be a list of values"),
        ({"choices": []}, "must hold at least one value"),
        ({"choices": [1, 1]}, "choices must differ, but 1 is there twice"),
        ({"choices": [object()]}, "give such choices by label"),
        ({"choices": {"a": {CHANNELS: 1}, "b": 2}}, "either all choices are mappings"),
        ({"choices": {"a": {CHANNELS: 1}}, "also": GAIN}, "can have no `also`"),
        ({"choices": ["a"], "also": {GAIN: 2.0}}, "cannot be 2.0 times 'a'"),
        ({"low": 1, "high": 2, "also": {GAIN: "x"}}, "'x' times the value, no number"),
    ],
)
def test_a_parameter_that_makes_no_sense(how, message):
    with pytest.raises(esc.ScenarioError, match=re.escape(message)) as caught:
        lever(CHANNELS, **how)
    assert f"at levers.{CHANNELS}" in str(caught.value)


def test_designs_that_make_no_sense():
    channels = lever(CHANNELS, 1, 4, whole=True)
    for make, message in (
        (lambda: designs.grid(), "at least one parameter"),
        (lambda: designs.grid(CHANNELS), "must be given by `lever` or `uncertainty`"),
        (lambda: designs.grid(channels), "`channels` needs `levels`"),
        (lambda: designs.grid(channels, channels, levels=2), "is changed by two parameters"),
        (lambda: designs.grid(lever(CHANNELS), levels=2), "neither a range nor choices"),
        (lambda: designs.sobol(channels, points=12), "a power of 2, such as 8 or 16, but got 12"),
        (lambda: designs.latin_hypercube(channels, points=0), "`points` must be a whole number"),
        (lambda: designs.one_at_a_time(base(), lever("sides.A.lairs", 0, 1)), "mean 'layers'?"),
        (
            lambda: designs.grid(
                lever(CHANNELS, choices=[1], name="x"), lever(GAIN, choices=[1], name="x")
            ),
            "names of parameters must differ, but 'x' is there twice",
        ),
    ):
        with pytest.raises(esc.EscalateError, match=re.escape(message)):
            make()


def test_names_are_the_shortest_ends_that_differ():
    design = designs.grid(
        lever(CHANNELS, choices=[1]), lever("sides.B.layers.belt.channels", choices=[1]),
        lever(GAIN, choices=[1]), lever("horizon", choices=[1], name="gain"),
    )  # fmt: skip
    names = ("A.layers.belt.channels", "B.layers.belt.channels", "rule.gain", "gain")
    assert design.names == names


def test_a_misspelt_path_is_found_before_anything_is_fought():
    design = designs.grid(
        lever(CHANNELS, choices=[1]), uncertainty("sides.A.layers.belt.chanels", 1, 2, levels=2)
    )
    with pytest.raises(esc.ScenarioError, match="did you mean 'channels'"):
        design.check(base())


def test_a_choice_that_is_possible_nowhere_is_found_too():
    design = designs.grid(
        uncertainty("sides.B.retaliations.answer.rule", choices=["never", "nevr"])
    )
    with pytest.raises(esc.ScenarioError, match="did you mean 'never'"):
        design.check(base())


def test_a_point_that_is_impossible_by_itself_is_let_through():
    design = designs.grid(
        lever("sides.A.layers.belt.magazine", choices=[5, 50]),
        uncertainty("sides.A.layers.belt.magazine_capacity", choices=[10, 100]),
    )
    design.check(base())
    with pytest.raises(esc.ScenarioError, match="magazine"):
        design.scenario(base(), 2)


def test_a_bundle_and_a_parameter_that_disagree():
    policy = lever("policy", choices={"more": {CHANNELS: 9}})
    design = designs.grid(policy, lever(CHANNELS, choices=[1]))
    with pytest.raises(esc.ScenarioError, match="point 0 changes it twice, to 9 and to 1"):
        design.changes(0)


def test_a_design_survives_a_file():
    rule = esc.Rule("capped", esc.Rule("proportional", gain=1.5), cap=60)
    design = designs.grid(
        uncertainty("sides.B.retaliations.answer.rule", choices=["never", rule]),
        lever("end", choices=[datetime(2024, 2, 1), datetime(2024, 3, 1)]),
        lever("policy", choices={"as it was": {}, "more": {CHANNELS: 9}}),
        lever(
            "sides.A.alert_hours", 0.5, 2.0, log=True, levels=2, also={"sides.B.alert_hours": 2.0}
        ),
    )
    again = Design.of(json.loads(json.dumps(design.record())))
    assert again == design
    assert [again.changes(i) for i in range(len(again))] == [
        design.changes(i) for i in range(len(design))
    ]


def test_a_choice_that_no_file_can_keep():
    layer = esc.Layer(kill_prob={"drone": 0.5})
    design = designs.grid(lever("sides.A.layers.belt", choices={"thin": layer}))
    with pytest.raises(esc.ScenarioError, match="no file can keep the choice"):
        design.record()
