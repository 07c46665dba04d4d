"""Pictures of sensitivity: the numbers drawn are those of the indices and boxes."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import Rectangle

import escalate as esc
from escalate.designs import lever, sobol, uncertainty
from escalate.errors import EscalateError
from escalate.plots import sensitivity as draw
from escalate.sensitivity import discover, morris, morris_indices, saltelli, sobol_indices
from tests.small_wars import drone, ordered, side, war

FIRST = lever("sides.A.weapons.x1.unit_cost_usd", 0.0, 6.0, name="first")
SECOND = uncertainty("sides.A.weapons.x2.unit_cost_usd", 0.0, 6.0, name="second")
WORKS = uncertainty("sides.A.weapons.x1.reliability_prob", 0.3, 1.0, name="works")
KIND = lever("sides.A.weapons.x2.category", choices=["drone", "decoy"], name="kind")


@pytest.fixture(scope="module")
def small():
    weapons = {"x1": drone(), "x2": drone()}
    calendar = (ordered(1.0, x1=9, x2=9), ordered(30.0, x1=9))
    return war(side(weapons=weapons), side(), *calendar, hours=96.0)


def product(ensemble):
    weapons = ensemble.scenario.sides["A"].weapons
    value = weapons["x1"].unit_cost_usd * weapons["x2"].unit_cost_usd
    return np.full(ensemble.replications, value)


@pytest.fixture(scope="module")
def found(small):
    table = esc.sweep(
        small, saltelli(FIRST, SECOND, WORKS, base=128, rng=1), replications=4, rng=1,
        outcomes={"product": product, "cost_usd": None, "dud": None, "launched_per_day": None},
    )  # fmt: skip
    return sobol_indices(table, ["product", "cost_usd.A", "cost_usd.B"], half_width=0.4)


@pytest.fixture(scope="module")
def space(small):
    design = sobol(FIRST, SECOND, KIND, points=256, rng=1)
    return esc.sweep(small, design, replications=1, rng=1, outcomes={"product": product})


def words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_bars_are_as_long_as_the_indices(found):
    ax = draw.indices(found, "product")
    table = found.table.query("outcome == 'product'")
    assert sorted(bar.get_width() for bar in ax.patches) == pytest.approx(sorted(table["value"]))
    lines = {tuple(line.get_xdata()) for line in ax.lines}
    assert lines == set(zip(table["low"], table["high"], strict=True))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert set(names) == {"first (lever)", "second", "works"}
    assert names[-1] == "works"  # the least at the bottom
    assert words(ax) == ["alone (S1)", "with others (ST)", "95% interval"]
    ax.figure.draw_without_rendering()


def test_what_is_not_to_be_trusted_has_a_word_and_no_bar(found):
    ax = draw.indices(found, "cost_usd.B")
    assert not ax.patches
    assert {text.get_text() for text in ax.texts} == {
        f"{index}: the outcome is the same at all points" for index in ("S1", "ST")
    }


def test_indices_over_time_are_those_of_each_day(found):
    ax = draw.indices_over_time(found, "launched_per_day.A", index="S1")
    assert [text.get_text() for text in ax.texts] == ["On no day is an index known well enough."]
    noise = {"launched": None, "launched_per_day": None}
    stock = lever("sides.A.weapons.x1.stock", 1, 8, whole=True, name="stock")
    other = uncertainty("sides.A.weapons.x2.stock", 1, 8, whole=True, name="other")
    design = saltelli(stock, other, base=64, rng=1)
    table = esc.sweep(found.sweep.scenario, design, replications=2, rng=1, outcomes=noise)
    series = sobol_indices(table, "launched.A.drone", half_width=0.4)
    ax = draw.indices_over_time(series, "launched_per_day.A", cumulative=True)
    days = series.over_time("launched_per_day.A", cumulative=True)
    drawn = {tuple(line.get_ydata()) for line in ax.lines if len(line.get_xdata()) == 4}
    known = days["value"].sel(index="ST").to_numpy()
    assert np.isfinite(known).any()
    for row in known:
        assert any(np.array_equal(row, line, equal_nan=True) for line in drawn)
    assert words(ax) == ["stock (lever)", "other"]
    assert ax.get_ylabel() == "ST of launched_per_day.A,\nsince the start"


def test_effects_stand_where_they_are(small):
    design = morris(FIRST, SECOND, WORKS, trajectories=30, rng=1)
    table = esc.sweep(small, design, replications=2, rng=1, outcomes={"product": product})
    effects = morris_indices(table, half_width=0.9)
    ax = draw.morris(effects)
    values = effects.table.set_index(["index", "parameter"])["value"]
    points = {
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in ax.lines if len(line.get_xdata()) == 1
    }  # fmt: skip
    assert points == {(values["mu_star", n], values["sigma", n]) for n in ("first", "second",
                                                                           "works")}  # fmt: skip
    assert {text.get_text() for text in ax.texts} == {"first", "second", "works"}
    assert set(words(ax)) == {"lever", "uncertainty"}
    unsure = draw.morris(morris_indices(table, half_width=0.001))
    assert words(unsure)[-1] == "2 not known well enough"


def test_a_box_is_drawn_where_it_is(space):
    def corner(sweep):
        rows = sweep.design.rows
        return np.array([r[0] > 3.0 and r[1] <= 4.0 and r[2] == "drone" for r in rows])

    result = discover(space, corner, rng=1)
    ax = draw.discovery(result, space, "first", "second")
    (patch,) = [p for p in ax.patches if isinstance(p, Rectangle)]
    (box,) = result.boxes
    assert patch.get_x() == pytest.approx(box.ranges["first"][0])
    assert patch.get_y() + patch.get_height() == pytest.approx(box.ranges["second"][1])
    assert patch.get_x() + patch.get_width() == pytest.approx(ax.get_xlim()[1])
    drawn = {line.get_label(): len(line.get_xdata()) for line in ax.lines}
    assert sorted(drawn.values()) == sorted([result.cases, 256 - result.cases])
    assert words(ax)[:2] == ["otherwise", "corner"]
    assert words(ax)[2].endswith("if kind is drone")
    assert not math.isnan(box.density)


def test_axes_that_are_given_are_used(found, space):
    result = discover(space, "product", above=9.0, rng=1)
    for function, given in ((draw.indices, (found, "product")), (draw.discovery, (result, space)),
                            (draw.indices_over_time, (found, "launched_per_day.A"))):  # fmt: skip
        ax = plt.subplots()[1]
        assert function(*given, ax=ax) is ax


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f, s, d: draw.indices(f), "unknown outcome None"),
        (lambda f, s, d: draw.indices(f, "produkt"), "did you mean 'product'"),
        (lambda f, s, d: draw.morris(f, "product"), "draws indices of morris, but got those of"),
        (lambda f, s, d: draw.indices_over_time(f, "launched_per_day.A", index="S2"), "Known: S1"),
        (lambda f, s, d: draw.discovery(d, s, "kind"), "must be parameters that take numbers"),
        (lambda f, s, d: draw.discovery(d, s, "first", "first"), "two parameters"),
    ],
)
def test_what_cannot_be_drawn_is_refused(found, space, call, message):
    with pytest.raises(EscalateError, match=message):
        call(found, space, discover(space, "product", above=9.0, rng=1))
