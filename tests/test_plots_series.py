"""Pictures of strike tables: what is drawn is what was scored and fitted."""

from datetime import date

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from escalate.errors import EscalateError
from escalate.forecast import score_forecasts
from escalate.plots import series as plots
from escalate.strikes import read_strikes
from tests.strike_tables import attacks, write


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    path = write(tmp_path_factory.mktemp("war") / "war.csv", attacks(500))
    table = read_strikes(path)
    return score_forecasts(table, date(2024, 2, 1), date(2024, 5, 1), outcomes=("launched",))


def words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def points(ax):
    """Give (x, y) of all that is drawn as a mark."""
    marks = [line for line in ax.lines if line.get_marker() != "None"]
    return np.concatenate([line.get_xydata() for line in marks])


@pytest.mark.parametrize("group", ["all", "missile", "drone"])
@pytest.mark.parametrize("forecast", ["model", "8-week NB"])
def test_a_fan_draws_each_forecast_and_what_came(scores, group, forecast):
    ax = plots.forecast_fan(scores, group, forecast=forecast)
    weeks = scores.weeks
    weeks = weeks[(weeks["group"] == group) & (weeks["forecast"] == forecast)]
    assert sorted(points(ax)[:, 1]) == sorted(weeks["observed"])
    (median,) = (line for line in ax.lines if line.get_marker() == "None")
    np.testing.assert_array_equal(median.get_ydata()[::2], weeks["q50"])
    wide, narrow = [c for c in ax.collections if isinstance(c, PolyCollection)]
    for area, low, high in ((wide, "q05", "q95"), (narrow, "q25", "q75")):
        ys = np.concatenate([path.vertices[:, 1] for path in area.get_paths()])
        assert (ys.min(), ys.max()) == (weeks[low].min(), weeks[high].max())
    assert ("outside 90%" in words(ax)) == (not weeks["inside_90"].all())
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"
              and line.get_marker() == "o"]  # fmt: skip
    assert sum(len(line.get_xdata()) for line in hollow) == (~weeks["inside_90"].astype(bool)).sum()
    ax.figure.draw_without_rendering()


@pytest.mark.parametrize(
    "asked", [{"group": "tanks"}, {"outcome": "neutralised"}, {"forecast": "modell"}]
)
def test_a_fan_of_nothing_is_refused(scores, asked):
    with pytest.raises(EscalateError, match="unknown"):
        plots.forecast_fan(scores, **asked)


def test_sizes_are_drawn_as_shares_at_least_as_large():
    sizes = np.random.default_rng(1).negative_binomial(1.0, 0.05, 300)
    sizes = sizes[sizes > 0]
    ax = plots.salvo_sizes(sizes, what="drones")
    drawn = points(ax)
    np.testing.assert_allclose(
        drawn[:, 1], [100.0 * (sizes >= size).mean() for size in drawn[:, 0]]
    )
    law = ax.lines[0].get_xydata()
    assert law[0] == pytest.approx([1.0, 100.0])
    at_twenty = np.interp(20.0, *law.T)
    assert at_twenty == pytest.approx(100.0 * (sizes >= 20).mean(), abs=6.0)
    assert f"{len(sizes)} strikes" in words(ax)
    ax.figure.draw_without_rendering()


def test_interception_is_drawn_in_shares():
    rng = np.random.default_rng(2)
    launched = rng.integers(1, 200, 320)
    stopped = rng.binomial(launched, rng.beta(8.0, 2.0, 320))
    ax = plots.interception_by_size(launched, stopped)
    dots, *eighths = (line.get_xydata() for line in ax.lines)
    np.testing.assert_allclose(dots[:, 1], 100.0 * stopped / launched)
    assert len(eighths) == 8
    order = np.argsort(launched, kind="stable")[:40]
    assert eighths[0][0, 1] == pytest.approx(100.0 * stopped[order].sum() / launched[order].sum())
    # Nine in ten strikes lie within the band of the law fitted to them.
    wide = ax.collections[0].get_paths()[0]
    inside = wide.contains_points(np.clip(dots, [1.01, 0.01], [np.inf, 99.99]))
    assert inside.mean() == pytest.approx(0.9, abs=0.06)
    ax.figure.draw_without_rendering()


def test_they_draw_where_they_are_told(scores):
    from matplotlib import pyplot as plt

    _, ax = plt.subplots()
    assert plots.forecast_fan(scores, ax=ax) is ax
