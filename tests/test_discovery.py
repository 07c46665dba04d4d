"""Scenario discovery: boxes of a known rectangle are found, and checked on other points."""

import math
import sys

import numpy as np
import pytest
from scipy import stats

import escalate as esc
from escalate.designs import grid, latin_hypercube, lever, one_at_a_time, sobol, uncertainty
from escalate.errors import EscalateError
from escalate.sensitivity import discover, morris, saltelli
from tests.small_wars import drone, side, war

PATH = "sides.A.weapons.{}.unit_cost_usd"
COST = uncertainty(PATH.format("x1"), 0.0, 10.0, name="cost")
COUNT = lever("sides.A.weapons.x2.stock", 1, 20, whole=True, name="count")
WIDE = uncertainty(PATH.format("x3"), 1.0, 1e4, log=True, name="wide")
CATEGORY = lever("sides.A.weapons.x1.category", choices=["drone", "cruise", "decoy"], name="kind")


@pytest.fixture(scope="module")
def peace():
    """Give a war of no strikes: what happens is read off the scenario."""
    weapons = {name: drone() for name in ("x1", "x2", "x3")}
    return war(side(weapons=weapons), side(), hours=24.0)


def cost(ensemble):
    value = ensemble.scenario.sides["A"].weapons["x1"].unit_cost_usd
    return np.full(ensemble.replications, value)


def swept(scenario, design):
    return esc.sweep(scenario, design, replications=1, rng=1, outcomes={"spent": cost})


def column(sweep, name):
    return np.array([row[sweep.design.names.index(name)] for row in sweep.design.rows])


@pytest.fixture(scope="module")
def space(peace):
    return swept(peace, sobol(COST, COUNT, WIDE, CATEGORY, points=512, rng=2))


def test_a_rectangle_is_found(space):
    def rectangle(sweep):
        return (column(sweep, "cost") > 6.0) & (column(sweep, "count") <= 12)

    found = discover(space, rectangle, rng=1)
    (box,) = found.boxes
    assert box.ranges["cost"] == (pytest.approx(6.0, abs=0.1), math.inf)
    assert box.ranges["count"] == (-math.inf, 12.5)
    assert not box.choices
    assert str(box) == f"cost > {box.ranges['cost'][0]:.3g} and count <= 12"
    assert box.coverage > 0.97 and box.density > 0.97
    assert box.size == pytest.approx(0.4 * 0.6, abs=0.08)
    assert found.cases == rectangle(space).sum()
    assert f"rectangle at {found.cases} of 512 points" in str(found)
    assert found.table["box"].tolist() == [str(box)]


def test_numbers_are_those_of_points_that_had_no_part_in_it(space):
    def rectangle(sweep):
        return (column(sweep, "cost") > 6.0) & (column(sweep, "count") <= 12)

    found = discover(space, rectangle, rng=3)
    (box,), happens = found.boxes, rectangle(space)
    kept = found.checked
    assert kept.sum() == round(512 / 3)
    inside = box.holds(space.design)
    assert box.density == happens[kept & inside].mean()
    assert box.coverage == inside[kept & happens].mean()
    assert box.size == inside[kept].mean()
    number, cases = (kept & inside).sum(), (kept & inside & happens).sum()
    exact = stats.binomtest(int(cases), int(number)).proportion_ci(0.95, method="exact")
    assert (box.low, box.high) == (pytest.approx(exact.low), pytest.approx(exact.high))


def test_a_pattern_of_chance_does_not_pass_the_check(space):
    """Coins at all points: what looks dense where it was made is not dense elsewhere."""
    for seed in range(10):
        coins = np.random.default_rng(seed).random(512) < 0.5
        found = discover(space, lambda s, coins=coins: coins, rng=seed, least_density=0.6)
        for box in found.boxes:
            # 0.5 lies in 95% of the intervals; that ten seeds have a box with 0.6 below it is
            # a chance below one in a hundred.
            assert box.low < 0.6


def test_choices_without_an_order_are_named(space):
    def some(sweep):
        return np.isin(column(sweep, "kind"), ["drone", "decoy"]) & (column(sweep, "wide") > 100.0)

    (box,) = discover(space, some, rng=1).boxes
    assert box.choices == {"kind": ("drone", "decoy")}
    assert box.ranges["wide"][0] == pytest.approx(100.0, rel=0.1)
    assert "kind is drone or decoy" in str(box)
    only = discover(space, lambda s: column(s, "kind") == "cruise", rng=1)
    assert str(only.boxes[0]) == "kind is cruise"
    assert (only.boxes[0].coverage, only.boxes[0].density) == (1.0, 1.0)


def test_two_rectangles_are_two_boxes(space):
    def corners(sweep):
        high = (column(sweep, "cost") > 7.0) & (column(sweep, "count") > 14)
        low = (column(sweep, "cost") <= 3.0) & (column(sweep, "count") <= 8)
        return high | low

    found = discover(space, corners, rng=1, max_boxes=4)
    assert found.coverage > 0.9 and found.density > 0.9
    assert len(found.boxes) >= 2
    inside = np.sum([box.holds(space.design) for box in found.boxes], axis=0)
    assert inside.max() == 1  # boxes do not overlap
    assert [box.coverage for box in found.boxes] == sorted(
        (box.coverage for box in found.boxes), reverse=True
    )
    assert "together: " in str(found)


def test_a_middle_is_bounded_on_both_sides(space):
    found = discover(space, "spent", above=2.0, below=5.0, rng=1)
    (box,) = found.boxes
    assert box.ranges["cost"] == (pytest.approx(2.0, abs=0.1), pytest.approx(5.0, abs=0.1))
    assert " < cost <= " in str(box)
    assert found.event == "spent > 2 and < 5"


def test_it_comes_again_with_the_seed(space):
    one, same, other = (discover(space, "spent", above=2.0, rng=rng) for rng in (0, 0, 1))
    assert str(one) == str(same)
    assert (one.checked == same.checked).all()
    assert (one.checked != other.checked).any()


def test_nowhere_and_everywhere_are_said(space):
    assert "nowhere" in str(discover(space, "spent", above=100.0))
    assert "everywhere" in str(discover(space, "spent", above=-1.0))


def test_blocks_stay_together(peace):
    for design, step in (
        (saltelli(COST, COUNT, base=64, rng=1), 4),
        (morris(COST, COUNT, trajectories=64, rng=1), 3),
    ):
        found = discover(swept(peace, design), "spent", above=5.0, rng=1)
        blocks = found.checked.reshape(-1, step)
        assert (blocks.all(axis=1) | ~blocks.any(axis=1)).all()
        assert str(found.boxes[0]).startswith("cost > ")


def test_points_without_a_value_are_left_out(peace):
    design = latin_hypercube(COST, COUNT, points=200, rng=1)

    def some(ensemble):
        values = cost(ensemble)
        return np.where(values < 1.0, np.nan, values)

    table = esc.sweep(peace, design, replications=1, rng=1, outcomes={"some": some})
    found = discover(table, "some", above=5.0, rng=1)
    missing = int((column(table, "cost") < 1.0).sum())
    assert f"({missing} more have no value)" in str(found)
    assert not (found.checked & np.isnan(found.happens)).any()
    assert found.boxes[0].coverage > 0.95


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: discover(s.design, "spent", above=1.0), "must be a Sweep"),
        (lambda s: discover(s, "spend", above=1.0), "did you mean 'spent'"),
        (lambda s: discover(s, "spent"), "`above`, `below` or both must be given"),
        (lambda s: discover(s, "spent", above=2.0, below=1.0), "`above < below` must hold"),
        (lambda s: discover(s, "spent", above=math.nan), "must be finite numbers"),
        (lambda s: discover(s, lambda s: np.zeros(3)), r"an array of shape \(512,\)"),
        (lambda s: discover(s, lambda s: np.ones(512, bool), above=1.0), "takes no `above`"),
        (lambda s: discover(s, "spent", above=1.0, max_boxes=0), "1 or more"),
        (lambda s: discover(s, "spent", above=1.0, least_size=1.0), "0 < least_size < 1"),
    ],
)
def test_what_cannot_be_looked_for_is_refused(space, call, message):
    with pytest.raises(EscalateError, match=message):
        call(space)


def test_too_few_points_are_refused(peace):
    few = swept(peace, grid(COUNT, COST, levels=4))
    with pytest.raises(EscalateError, match="there must be 45 points"):
        discover(few, "spent", above=5.0)
    apart = swept(peace, one_at_a_time(peace, COST, COUNT))
    with pytest.raises(EscalateError, match="leaves some as they are"):
        discover(apart, "spent", above=5.0)


def test_without_the_extra_its_name_is_said(space, monkeypatch):
    for name in [n for n in sys.modules if n.partition(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    message = r"this needs sklearn: pip install 'escalate-sim\[sensitivity\]'"
    with pytest.raises(EscalateError, match=message):
        discover(space, "spent", above=2.0)
