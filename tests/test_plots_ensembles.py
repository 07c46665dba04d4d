"""Pictures of many replications: the numbers drawn are those of the ensemble."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

import escalate as esc
from escalate import plots
from escalate.ensemble import OUTCOMES, SERIES
from escalate.errors import EscalateError
from tests.small_wars import side, war


@pytest.fixture(scope="module")
def winter():
    """Give the winter exchange two hundred times, with all outcomes."""
    scenario = esc.load_scenario("winter-2023-24")
    return esc.simulate_many(scenario, replications=200, rng=1, outcomes=OUTCOMES)


def line(ax, width=1.2):
    """Give the y of the median."""
    return next(found.get_ydata() for found in ax.lines if found.get_linewidth() == width)


def marks(ax):
    """Give (low, high) of every reported figure drawn."""
    return [tuple(found.get_ydata()) for found in ax.lines
            if found.get_linewidth() == 1.0 and len(found.get_xdata()) == 2]  # fmt: skip


def words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize("outcome", SERIES)
def test_a_fan_draws_the_quantiles_of_each_day(winter, outcome):
    ax = plots.fan(winter, outcome, "UA")
    bands = winter.bands(outcome)["quantiles"][:, :, 1]
    np.testing.assert_allclose(line(ax)[:-1], bands[2])
    wide, narrow = [c for c in ax.collections if isinstance(c, PolyCollection)]
    for area, low, high in ((wide, 0, 4), (narrow, 1, 3)):
        ys = np.concatenate([path.vertices[:, 1] for path in area.get_paths()])
        assert ys.min() == pytest.approx(bands[low].min())
        assert ys.max() == pytest.approx(bands[high].max())
    ax.figure.draw_without_rendering()


def test_a_fan_of_what_came_together_begins_at_nothing(winter):
    ax = plots.fan(winter, "killed_per_day", "UA", cumulative=True)
    total = winter.data["killed_per_day"][:, :, 1].sum(axis=1)
    assert line(ax)[0] == 0.0
    assert line(ax)[-1] == np.median(total)
    assert len(line(ax)) == 8  # a week's ends


def test_figures_are_drawn_as_they_were_said(winter):
    ax = plots.fan(winter, "injured_per_day", "UA")
    figures = {f.id: f for f in esc.shipped_figures()}
    assert sorted(marks(ax)) == sorted(figures[i].bounds for i in ("F09", "F26"))
    assert words(ax)[-2:] == ["reported", "reported of a part"]
    # What is open above goes up to the edge, with an arrow; a window of days is for the sum.
    ax = plots.fan(winter, "launched_per_day", "RU", figures=[figures["F33"]])
    assert marks(ax) == []
    ax = plots.fan(winter, "launched_per_day", "RU", figures=[figures["F33"]], cumulative=True)
    begun = np.median(winter.data["launched_per_day"][:, 0, 0])  # of 28 December
    assert marks(ax)[0][0] == pytest.approx(500.0 + begun)
    assert any(found.get_marker() == "^" for found in ax.lines)
    assert plots.fan(winter, "killed_per_day", "UA", figures=()).get_legend() is not None


def test_a_distribution_draws_shares_of_replications(winter):
    ax = plots.distribution(winter, "launched", side="RU", category="drone")
    values = winter.data["launched"][:, 0, 0]
    drawn = ax.patches[0].get_data()
    assert drawn.values.sum() == pytest.approx(1.0)
    middles = (drawn.edges[:-1] + drawn.edges[1:]) / 2.0
    assert abs((drawn.values * middles).sum() - values.mean()) <= np.diff(drawn.edges)[0]
    low, high = line(ax)[0], line(ax)[-1]
    assert low == high < 0.0
    whisker = next(found.get_xdata() for found in ax.lines if found.get_linewidth() == 1.2)
    np.testing.assert_allclose(whisker, np.quantile(values, (0.05, 0.95)))


def test_a_distribution_adds_up_what_is_not_chosen(winter):
    ax = plots.distribution(winter, "launched")
    assert words(ax) == ["RU", "UA"]
    whisker = next(found.get_xdata() for found in ax.lines if found.get_linewidth() == 1.2)
    total = winter.data["launched"][:, 0].sum(axis=1)
    np.testing.assert_allclose(whisker, np.quantile(total, (0.05, 0.95)))
    layers = plots.distribution(winter, "shots")
    assert words(layers) == ["all"]


def test_replications_without_a_value_are_counted_and_not_drawn(winter):
    ax = plots.distribution(winter, "response_delay_hours")
    missing = int(np.isnan(winter.data["response_delay_hours"][:, 0]).sum())
    assert missing > 0
    assert words(ax)[0] == f"RU ({missing} of 200 without)"
    peace = esc.simulate_many(war(side(), side()), replications=3, rng=1)
    ax = plots.distribution(peace, "response_delay_hours")
    assert ax.texts[0].get_text() == "No replication has a value."


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda e: plots.fan(e, "kiled_per_day", "UA"), "did you mean 'killed_per_day'"),
        (lambda e: plots.fan(e, "killed", "UA"), "unknown daily outcome 'killed'"),
        (lambda e: plots.fan(e, "killed_per_day", "UK"), "unknown side 'UK': did you mean"),
        (lambda e: plots.distribution(e, "kiled"), "did you mean 'killed'"),
        (lambda e: plots.distribution(e, "killed_per_day"), "unknown outcome 'killed_per_day'"),
        (lambda e: plots.distribution(e, "killed", cat="drone"), "unknown dimension 'cat'"),
        (lambda e: plots.distribution(e, "launched", category="drones"), "did you mean 'drone'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(winter, draw, message):
    with pytest.raises(EscalateError, match=message):
        draw(winter)


def test_a_series_that_was_not_asked_for_says_how_to_have_it():
    few = esc.simulate_many(esc.load_scenario("january-2025"), replications=2, rng=1)
    with pytest.raises(EscalateError, match=r"give outcomes=\['killed_per_day'\]"):
        plots.fan(few, "killed_per_day", "UA")
