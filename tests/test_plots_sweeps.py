"""Pictures of sweeps: the numbers drawn are those of the table."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import FillBetweenPolyCollection, LineCollection, QuadMesh
from matplotlib.patches import Rectangle
from scipy import stats

import escalate as esc
from escalate.designs import grid, latin_hypercube, one_at_a_time, table
from escalate.errors import EscalateError
from escalate.plots import sweeps as draw
from tests.small_wars import side, war

RATE = "sides.A.tempos.raids.rate_per_day"
PROB = "sides.B.layers.point.kill_prob.drone"
MAGAZINE, CAPACITY = (f"sides.B.layers.point.{n}" for n in ("magazine", "magazine_capacity"))
SIZE = "sides.A.plans.raid.size"


@pytest.fixture(scope="module")
def scenario():
    """Let A raid a town of B, which has one layer."""
    town = {"town": esc.Target(category="urban", region="border", killed_per_hit=0.2)}
    layer = esc.Layer(kill_prob={"drone": 0.5}, channels=1000, magazine=100, magazine_capacity=200)
    plan = esc.Plan(targets={"town": 1.0}, size=10.0)
    raids = {"raids": esc.Tempo(plan="raid", rate_per_day=0.5)}
    return war(
        side(plans={"raid": plan}, tempos=raids), side(targets=town, layers={"point": layer})
    )


@pytest.fixture(scope="module")
def two(scenario):
    """Give a grid of two numbers."""
    rate, prob = esc.lever(RATE, 0.1, 1.6, log=True, levels=5), esc.uncertainty(PROB, 0.1, 0.7)
    return esc.sweep(scenario, grid(prob, rate, levels=4), replications=15, rng=1)


@pytest.fixture(scope="module")
def words(scenario):
    """Give a grid of a bundle, one of whose choices is impossible with one of the sizes."""
    full = esc.lever("stores", choices={
        "few": {MAGAZINE: 10, "end": scenario.end}, "many": {MAGAZINE: 200, "end": scenario.end},
    })  # fmt: skip
    room = esc.uncertainty(CAPACITY, choices=[50, 200, 400])
    return esc.sweep(scenario, grid(full, room), replications=20, rng=1)


@pytest.fixture(scope="module")
def alone(scenario):
    """Give a design of one at a time, with values that pull apart and values that do not."""
    parameters = (
        esc.uncertainty(RATE, 0.25, 1.0), esc.lever(PROB, 0.4, 0.9), esc.lever(SIZE, 11.0, 30.0),
    )  # fmt: skip
    return one_at_a_time(scenario, *parameters)


@pytest.fixture(scope="module")
def tornado(scenario, alone):
    """Fight it."""
    return esc.sweep(scenario, alone, replications=60, rng=1)


@pytest.fixture(scope="module")
def many(scenario):
    """Give a Latin hypercube with a choice in it."""
    which = esc.lever(MAGAZINE, choices=[10, 200], name="stores")
    rule = esc.lever("kind", choices={"fast": {SIZE: 30.0}, "slow": {SIZE: 5.0}})
    rate = esc.uncertainty(RATE, 0.1, 2.0, log=True)
    design = latin_hypercube(rate, which, rule, points=200, rng=1)
    return esc.sweep(scenario, design, replications=10, rng=1)


def mesh(ax):
    return next(found for found in ax.collections if isinstance(found, QuadMesh))


def hatched(ax):
    """Give the lower left corner of each hatched cell."""
    return sorted(p.get_xy() for p in ax.patches if isinstance(p, Rectangle) and p.get_hatch())


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def bar(ax):
    """Give the colour bar, which is the axes made last."""
    return ax.figure.axes[-1]


# ---------------------------------------------------------------------- heat map
def test_a_heat_map_draws_the_means_where_the_parameters_are(two):
    ax = draw.heat_map(two, "killed.B")
    found = two.grid("killed.B")
    np.testing.assert_array_equal(mesh(ax).get_array(), found.to_numpy().T)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("drone", "rate_per_day")
    x, y = mesh(ax).get_coordinates()[0, :, 0], mesh(ax).get_coordinates()[:, 0, 1]
    values = found["drone"].to_numpy()
    np.testing.assert_allclose(x[1:-1], (values[1:] + values[:-1]) / 2.0)
    values = found["rate_per_day"].to_numpy()
    np.testing.assert_allclose(y[1:-1], np.sqrt(values[1:] * values[:-1]))
    assert ax.get_yscale() == "log"
    assert bar(ax).get_ylabel() == "Killed, B (people)"
    ax.figure.draw_without_rendering()


def test_a_heat_map_hatches_what_is_less_sure_than_its_scale(two):
    ax = draw.heat_map(two, "killed.B")
    frame = two.table("killed.B")
    steps = np.diff(bar(ax).get_yticks())
    wide = (frame["killed.B.high"] - frame["killed.B.low"] > steps.min()).to_numpy()
    assert 0 < wide.sum() < len(wide)
    assert len(hatched(ax)) == wide.sum()
    assert legend(ax) == ["95% interval wider than a step of the scale"]
    # Of the same wars, an interval that is to hold less often is narrower.
    assert len(hatched(draw.heat_map(two, "killed.B", level=0.5))) < wide.sum()


def test_over_several_powers_of_ten_the_scale_is_a_logarithm(two):
    numbers = 10.0 ** np.linspace(-2.0, 2.0, len(two.design))
    ax = draw.heat_map(two, numbers, label="of mine")
    assert type(mesh(ax).norm).__name__ == "LogNorm"
    assert bar(ax).get_ylabel() == "of mine"
    assert hatched(ax) == []
    ax.figure.draw_without_rendering()


def test_over_words_numbers_stand_in_the_cells_and_failures_are_marked(words):
    ax = draw.heat_map(words, "killed.B")
    frame = words.table("killed.B")
    failed = frame["error"] != ""
    assert failed.sum() == 1
    assert sorted(texts(ax)) == sorted(f"{v:.3g}" for v in frame["killed.B"][~failed])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["few", "many"]
    cross = next(found for found in ax.lines if found.get_marker() == "x")
    assert (cross.get_xdata(), cross.get_ydata()) == ([1.0], [50.0])
    assert "failed" in legend(ax)
    assert np.ma.count_masked(mesh(ax).get_array()) == 1


def test_points_that_a_constraint_left_out_stay_white(scenario):
    parameters = esc.lever(MAGAZINE, choices=[10, 50]), esc.lever(SIZE, choices=[5, 20, 30])
    design = grid(*parameters, constraints="magazine >= size")
    wars = esc.sweep(scenario, design, replications=5, rng=1)
    ax = draw.heat_map(wars, "killed.B")
    assert np.ma.count_masked(mesh(ax).get_array()) == 2
    assert ax.lines[:] == []


def test_an_outcome_without_any_value_is_said_to_have_none(two):
    ax = draw.heat_map(two, np.full(len(two.design), np.nan), label="of mine")
    assert texts(ax) == ["No point has a value."]


# ---------------------------------------------------------------------- lines
def test_lines_are_means_and_bands_their_intervals(two):
    ax = draw.lines(two, "killed.B")
    frame = two.table("killed.B")
    bands = [c for c in ax.collections if isinstance(c, FillBetweenPolyCollection)]
    for line, band, (_, own) in zip(ax.lines, bands, frame.groupby("rate_per_day"), strict=True):
        np.testing.assert_allclose(line.get_xdata(), own["drone"])
        np.testing.assert_allclose(line.get_ydata(), own["killed.B"])
        ys = band.get_paths()[0].vertices[:, 1]
        assert ys.min() == pytest.approx(own["killed.B.low"].min())
        assert ys.max() == pytest.approx(own["killed.B.high"].max())
    assert legend(ax) == ["0.1", "0.2", "0.4", "0.8", "1.6"]
    assert ax.get_legend().get_title().get_text() == "rate_per_day"
    ax = draw.lines(two, "killed.B", across="rate_per_day")
    assert (len(ax.lines), ax.get_xscale(), ax.get_xlabel()) == (4, "log", "rate_per_day")


def test_there_is_no_line_between_words(words):
    ax = draw.lines(words, "killed.B")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["few", "many"]
    assert [len(found.lines[0].get_xdata()) for found in ax.containers] == [1, 2, 2]
    assert {found.lines[0].get_linestyle() for found in ax.containers} == {"None"}


def test_one_parameter_gives_one_line_without_a_legend(scenario):
    design = table([{RATE: 0.2}, {RATE: 0.1}], esc.lever(RATE))
    ax = draw.lines(esc.sweep(scenario, design, replications=5, rng=1), "killed.B")
    assert ax.lines[0].get_xdata().tolist() == [0.1, 0.2]
    assert ax.get_legend() is None


# ---------------------------------------------------------------------- tornado
def ends(ax):
    """Give (where it begins, how far it leads) of every bar from the top down."""
    bars = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_width() != 0.0]
    return [(p.get_x(), p.get_width()) for p in sorted(bars, key=lambda p: -p.get_y())]


def test_a_tornado_leads_from_the_scenario_to_each_value(tornado):
    ax = draw.tornado(tornado, "killed.B")
    mean = tornado.mean("killed.B")
    bars = ends(ax)
    assert {begin for begin, _ in bars} == {mean[0]}
    assert sorted(width for _, width in bars) == pytest.approx(sorted(mean[1:] - mean[0]))
    # The parameter that moves it most stands on top.
    titles = [t.get_text() for t in ax.get_yticklabels()]
    spread = {
        name: np.ptp([mean[0], *mean[1 + 2 * i : 3 + 2 * i]])
        for i, name in enumerate(tornado.design.names)
    }
    order = sorted(spread, key=spread.get)
    assert [title.split("\n")[0] for title in titles] == order
    assert "rate_per_day\n(is 0.5)" in titles
    assert {"0.25", "1", "0.4", "0.9", "11", "30"} <= set(texts(ax))
    assert f"as it is: {mean[0]:.3g}" in texts(ax)
    assert legend(ax) == ["lever", "uncertainty", "95% interval of the difference"] or legend(
        ax
    ) == ["uncertainty", "lever", "95% interval of the difference"]


def test_uncertainties_are_hatched(tornado):
    ax = draw.tornado(tornado, "killed.B")
    full = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_width() != 0.0]
    assert sum(bool(p.get_hatch()) for p in full) == 2
    assert len(full) == 6


def whiskers(ax):
    return sorted(np.ptp(found.get_xdata()) for found in ax.lines if len(found.get_xdata()) == 2
                  and found.get_linewidth() == 1.0)  # fmt: skip


def test_its_whiskers_are_intervals_of_the_paired_difference(scenario, alone, tornado):
    wars = tornado.dataset["killed"].sel(side="B").to_numpy()
    paired = [
        np.ptp(stats.ttest_rel(wars[k], wars[0]).confidence_interval(0.9)) for k in range(1, 7)
    ]
    assert whiskers(draw.tornado(tornado, "killed.B", level=0.9)) == pytest.approx(sorted(paired))
    # With different luck at each point there is nothing to pair.
    other = esc.sweep(scenario, alone, replications=60, rng=1, common=False)
    wars = other.dataset["killed"].sel(side="B").to_numpy()
    half = stats.t.ppf(0.95, 59) * wars.std(axis=1, ddof=1) / np.sqrt(60)
    found = whiskers(draw.tornado(other, "killed.B", level=0.9))
    assert found == pytest.approx(sorted(2.0 * np.hypot(half[1:], half[0])))


def test_a_value_that_fails_is_said_to_have_none(scenario):
    choices = {"few": {MAGAZINE: 10}, "more": {MAGAZINE: 80}}
    design = one_at_a_time(
        scenario, esc.lever("stores", choices=choices), esc.lever(CAPACITY, 90, 150, whole=True)
    )
    wars = esc.sweep(scenario, design, replications=5, rng=1)
    assert (wars.dataset["error"].to_numpy() != "").sum() == 1
    ax = draw.tornado(wars, "killed.B")
    assert "90: no value" in texts(ax)
    assert "stores" in [t.get_text() for t in ax.get_yticklabels()]  # nothing stands there before


# ---------------------------------------------------------------------- parallel coordinates
def strands(ax):
    """Give the places of the lines behind and of those in front, shape (lines, axes)."""
    found = [c for c in ax.collections if isinstance(c, LineCollection)]
    return [np.array([s[:, 1] for s in c.get_segments()]) for c in found]


def test_parallel_coordinates_put_each_point_where_its_values_are(many):
    ax = draw.parallel_coordinates(many, "killed.B")
    behind, front = strands(ax)
    assert (len(behind), len(front)) == (180, 20)
    frame, killed = many.design.to_dataframe(), many.mean("killed.B")
    order = np.argsort(killed, kind="stable")
    drawn = np.concatenate([behind, front])
    own = frame.iloc[order]
    np.testing.assert_allclose(drawn[:, 3], (killed[order] - killed.min()) / np.ptp(killed))
    rate = np.log(own["rate_per_day"].to_numpy())
    np.testing.assert_allclose(drawn[:, 0], (rate - rate.min()) / np.ptp(rate))
    np.testing.assert_allclose(drawn[:, 1], own["stores"] == 200)
    # A little aside, but never so far that it could be another word.
    assert (np.abs(drawn[:, 2] - (own["kind"] == "slow")) <= 0.15).all()
    assert {"fast", "slow", "10", "200"} <= set(texts(ax))
    titles = [t.get_text().replace("\n", " ") for t in ax.get_xticklabels()]
    assert titles == ["rate_per_day", "stores", "kind", "Killed, B (people)"]


def test_what_is_highlighted_may_be_said(many):
    mask = np.zeros(200, bool)
    mask[[3, 5]] = True
    assert len(strands(draw.parallel_coordinates(many, "killed.B", highlight=mask))[1]) == 2
    assert len(strands(draw.parallel_coordinates(many, "killed.B", highlight=0.0))[0]) == 200
    assert len(strands(draw.parallel_coordinates(many, "killed.B", highlight=1.0))[1]) == 200


def test_points_without_a_value_are_counted(words):
    ax = draw.parallel_coordinates(words, "killed.B")
    assert sum(map(len, strands(ax))) == 5
    assert "1 of 6 points have no value" in texts(ax)


# ---------------------------------------------------------------------- all of them
def test_they_draw_where_they_are_told_and_fight_nothing(two, tornado, many, monkeypatch):
    monkeypatch.setattr("escalate.experiments.fight_stretch", None)
    monkeypatch.setattr("escalate.experiments.simulate", None)
    _, axes = plt.subplots(2, 2)
    for ax, function, wars in zip(
        axes.flat,
        (draw.heat_map, draw.lines, draw.tornado, draw.parallel_coordinates),
        (two, two, tornado, many),
        strict=True,
    ):
        assert function(wars, "killed.B", ax=ax) is ax


@pytest.mark.parametrize(
    ("function", "what", "arguments", "message"),
    [
        (draw.heat_map, "two", {"outcome": "kiled.B"}, "did you mean 'killed.B'"),
        (draw.heat_map, "two", {"outcome": [1.0, 2.0]}, r"have shape \(20,\).*has \(2,\)"),
        (draw.heat_map, "two", {"outcome": np.zeros(20)}, "need a `label`"),
        (draw.heat_map, "many", {"outcome": "killed.B"}, "over two parameters, but .* over 3"),
        (draw.heat_map, "tornado", {"outcome": "killed.B"}, "but this one is a one_at_a_time"),
        (draw.heat_map, "cloud", {"outcome": "killed.B"}, "has 30 of 900; draw parallel"),
        (draw.lines, "two", {"outcome": "killed.B", "across": "drones"}, "did you mean 'drone'"),
        (draw.lines, "many", {"outcome": "killed.B"}, "one parameter or two parameters"),
        (draw.tornado, "two", {"outcome": "killed.B"}, "one parameter at a time.*is a grid"),
        (draw.tornado, "tornado", {"outcome": "killed.C"}, "unknown outcome 'killed.C'"),
        (draw.parallel_coordinates, "tornado", {"outcomes": "killed.B"}, "draw a tornado"),
        (draw.parallel_coordinates, "two", {"outcomes": []}, "at least one outcome"),
        (draw.parallel_coordinates, "two", {"outcomes": "killed"}, "unknown outcome 'killed'"),
        (draw.parallel_coordinates, "two", {"outcomes": "killed.B", "highlight": 2},
         "`0 <= highlight <= 1` must hold, but got 2"),
        (draw.parallel_coordinates, "two", {"outcomes": "killed.B", "highlight": [True]},
         "each of 20 points"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(request, cloud, function, what, arguments, message):
    wars = request.getfixturevalue(what)
    with pytest.raises(EscalateError, match=message):
        function(wars, **arguments)


@pytest.fixture(scope="module")
def cloud(scenario):
    """Give two parameters that are no grid."""
    design = latin_hypercube(esc.lever(RATE, 0.1, 1.0), esc.lever(SIZE, 5, 20), points=30, rng=1)
    return esc.sweep(scenario, design, replications=2, rng=1)


def test_more_lines_than_can_be_told_apart_are_refused(scenario):
    design = grid(esc.lever(RATE, 0.1, 1.0, levels=2), esc.lever(SIZE, 5, 20, levels=9))
    wars = esc.sweep(scenario, design, replications=2, rng=1)
    with pytest.raises(
        EscalateError, match="'size' has 9; draw a heat map, or give `across='size'"
    ):
        draw.lines(wars, "killed.B")
    assert len(draw.lines(wars, "killed.B", across="size").lines) == 2
