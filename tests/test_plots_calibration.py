"""Pictures of a calibration say what it says."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

from benchmarks.sbc import FIGURES, PRIORS, scenario
from escalate.calibration import SBC, SERIES_RULES, calibrate, series_rule_probabilities
from escalate.errors import EscalateError
from escalate.plots import calibration as plots


@pytest.fixture(scope="module")
def fit():
    priors = dict(list(PRIORS.items())[:2]) | {
        "observation.bias_log.B officials": stats.norm(-0.5, 0.05)
    }
    return calibrate(scenario(), FIGURES, priors, budget=6_000, wars=8, rng=1)


@pytest.fixture(scope="module")
def found():
    random = np.random.default_rng(1)
    ranks = random.integers(0, 20, (500, 2))
    ranks[:, 1] = np.where(random.random(500) < 0.3, 0, ranks[:, 1])
    nothing = np.zeros((500, 2))
    return SBC(["sides.B.gain", "observation.x"], 19, ranks, nothing, nothing, nothing, nothing,
               nothing[:, 0], 1.0)  # fmt: skip


def words(ax):
    return [text.get_text() for text in ax.texts]


def test_every_parameter_has_a_row_with_its_verdict(fit):
    ax = plots.posterior(fit)
    rows = [label.get_text().replace("\n", "") for label in ax.get_yticklabels()]
    assert rows == ["B.retaliations.answer.rule.gain", "B.layers.guns.kill_prob.drone",
                    "observation.bias_log.B officials"]  # fmt: skip
    said = words(ax)
    assert len([w for w in said if w in ("learned", "weakly", "prior", "too few draws")]) == 3
    assert any(word.startswith("\u2212") for word in said)  # a bias below 0 keeps its sign
    assert not any("none" in word for word in said)


def test_every_figure_has_a_row_with_what_is_predicted(fit):
    ax = plots.predictive(fit)
    rows = [label.get_text() for label in ax.get_yticklabels()]
    assert len(rows) == len(FIGURES) and rows[0] == "launched by A A drone launched: about 90"
    table = fit.predictive()
    assert f"{table['low'].iloc[0]:.0f}\u2013{table['high'].iloc[0]:.0f}" in words(ax)
    assert f"{table['width_ratio'].iloc[0]:.2f}" in words(ax)


def test_ranks_are_drawn_with_their_test(found):
    ax = plots.ranks(found)
    heights = [patch.get_height() for patch in ax.patches if patch.get_height() > 1.0]
    assert sum(h for h in heights[-20:]) == 500
    assert any("p = " in word for word in words(ax))
    assert "observation.x" in words(plots.ranks(found, "observation.x"))[0]
    with pytest.raises(EscalateError, match="did you mean 'observation.x'"):
        plots.ranks(found, "observation.y")


def test_differences_leave_the_band_where_ranks_are_not_uniform(found):
    ax = plots.rank_differences(found)
    band = found.ecdf()[2]
    lines = [line.get_ydata() for line in ax.lines if len(line.get_ydata()) == 21]
    assert len(lines) == 2
    assert np.abs(lines[0]).max() < band < np.abs(lines[1]).max()


def test_pictures_take_the_axes_they_are_given(fit, found):
    for draw, what in ((plots.posterior, fit), (plots.predictive, fit), (plots.ranks, found),
                       (plots.rank_differences, found)):  # fmt: skip
        ax = plt.figure().subplots()
        assert draw(what, ax=ax) is ax


def test_a_rule_reaches_over_all_priors_that_were_tried():
    own, other = np.random.default_rng(1).poisson(0.5, (2, 60))
    found = series_rule_probabilities(own, other, points=1_000, rng=1)
    ax = plots.rules(found)
    reach = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2][1:]
    for name, ends in zip(SERIES_RULES, reach, strict=True):
        assert list(ends) == [found.sensitivity[name].min(), found.sensitivity[name].max()]
    assert found.verdict.capitalize() in words(ax)
