"""Pictures of tournaments: what they draw is what the tournament holds."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

from escalate import tournaments
from escalate.errors import EscalateError
from escalate.plots import tournaments as draw
from escalate.rules import Rule
from escalate.tournaments import OUTCOMES, arena

EVERYBODY = {"killed_suffered": 1.0, "killed_done": 1.0}


@pytest.fixture(scope="module")
def cup():
    return tournaments.tournament(
        ["tit_for_tat", "generous", "grim", "always"], arena(rounds=8), replications=12, rng=1,
        noise=[0.0, 0.05, 0.2], weights=EVERYBODY,
    )  # fmt: skip


@pytest.fixture(scope="module")
def points():
    return tournaments.fingerprint(
        "proportional", "tit_for_tat", arena(rounds=8, first_strike=20), replications=6, rng=1,
        noise={"exaggeration": [1.2, 0.8, 1.0]}, gains=[0.5, 2.0],
    )  # fmt: skip


@pytest.fixture(scope="module")
def evolution(cup):
    return cup.replicator(noise=0.05, generations=30)


@pytest.fixture
def pictures(cup, points, evolution):
    return {
        "payoff_matrix": lambda ax=None: draw.payoff_matrix(cup, noise=0.05, ax=ax),
        "noise_sweep": lambda ax=None: draw.noise_sweep(cup, ax=ax),
        "fingerprint": lambda ax=None: draw.fingerprint(points, ax=ax),
        "replicator": lambda ax=None: draw.replicator(evolution, ax=ax),
    }


def said(artist):
    return [t.get_text() for t in artist.findobj(Text) if t.get_text() and t.get_visible()]


@pytest.mark.parametrize("name", draw.__all__)
class TestEveryPicture:
    def test_draws_on_the_axes_given_and_gives_them_back(self, pictures, name):
        ax = plt.figure(layout="constrained").subplots()
        before = plt.get_fignums()
        assert pictures[name](ax) is ax
        assert ax.has_data()
        assert plt.get_fignums() == before

    def test_makes_axes_no_wider_than_a_page(self, pictures, name):
        assert 40.0 <= 25.4 * pictures[name]().figure.get_figwidth() <= 181.0

    def test_leaves_the_settings_alone(self, pictures, name):
        before = dict(mpl.rcParams)
        pictures[name]().figure.canvas.draw()
        assert dict(mpl.rcParams) == before


def test_matplotlib_is_loaded_when_first_drawn_with():
    code = "import sys, escalate.plots.tournaments; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


class TestPayoffMatrix:
    def test_numbers_are_those_of_the_matrix_and_its_mean(self, cup):
        ax = draw.payoff_matrix(cup, "strikes", noise=0.2)
        table = cup.matrix("strikes", noise=0.2)
        cells = {t.xy: t.get_text() for t in ax.texts}
        for y, name in enumerate(table.index):
            for x, value in enumerate(table.loc[name]):
                assert cells[x + 0.5, y + 0.5] == f"{value:.1f}"
            assert cells[len(table) + 0.75, y + 0.5] == f"{table.loc[name].mean():.1f}"
        names = [t.get_text() for t in ax.get_yticklabels()]
        assert names == ["tit for tat", "generous", "grim", "always"]
        assert [t.get_text() for t in ax.get_xticklabels()] == [*names, "mean"]

    def test_the_darkest_cell_is_the_largest(self, cup):
        ax = draw.payoff_matrix(cup, noise=0.05)
        table = cup.matrix(noise=0.05).to_numpy()
        light = np.array([sum(p.get_facecolor()[:3]) for p in ax.patches]).reshape(4, 5)[:, :4]
        assert np.argmin(light) == np.argmax(table)
        assert np.argmax(light) == np.argmin(table)

    def test_type_can_be_read_on_every_shade(self, cup):
        def luminance(colour):
            rgb = np.array(mpl.colors.to_rgb(colour))
            return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [
                0.2126, 0.7152, 0.0722,
            ]  # fmt: skip

        ax = draw.payoff_matrix(cup, noise=0.05)
        for patch, text in zip(ax.patches, ax.texts, strict=True):
            pair = sorted(luminance(c) for c in (patch.get_facecolor(), text.get_color()))
            assert (pair[1] + 0.05) / (pair[0] + 0.05) > 3.0

    def test_large_numbers_share_a_unit(self, cup):
        ax = draw.payoff_matrix(cup, "cost_usd", noise=0.0)
        assert ax.get_title(loc="left").startswith("Cost of weapons (USD), in millions\n")
        largest = cup.matrix("cost_usd", noise=0.0).to_numpy().max() / 1e6
        assert f"{largest:.1f}" in said(ax)

    @pytest.mark.parametrize("outcome", OUTCOMES)
    def test_a_title_says_the_outcome_and_its_unit(self, cup, outcome):
        title = draw.payoff_matrix(cup, outcome, noise=0.0).get_title(loc="left")
        assert f"({OUTCOMES[outcome]})" in title
        assert title.endswith("\nChance of a slip: 0")

    def test_a_title_says_the_weights(self, cup):
        title = draw.payoff_matrix(cup, noise=0.0).get_title(loc="left")
        assert title.startswith("Killed on both sides (people)\n")
        title = draw.payoff_matrix(cup, {"strikes": 1.0}, noise=0.0).get_title(loc="left")
        assert title.startswith("Strikes (strikes)\n")
        weights = {"killed_suffered": 2.0, "strikes": 0.5}
        title = draw.payoff_matrix(cup, weights, noise=0.0).get_title(loc="left")
        assert title.startswith("Burden: 2 x killed suffered + 0.5 x strikes\n")


class TestNoiseSweep:
    def test_lines_are_the_rankings(self, cup):
        ax = draw.noise_sweep(cup, level=0.9)
        lines = [c.lines for c in ax.containers]
        assert len(lines) == 4
        for name, (line, _, (bars,)) in zip(cup.rules, lines, strict=True):
            tables = [cup.ranking(noise=at, level=0.9).loc[name] for at in cup.levels]
            np.testing.assert_allclose(line.get_xdata(), cup.levels)
            np.testing.assert_allclose(line.get_ydata(), [t["burden"] for t in tables])
            ends = np.array([bar[:, 1] for bar in bars.get_segments()])
            np.testing.assert_allclose(ends, [[t["low"], t["high"]] for t in tables])

    def test_a_rule_looks_the_same_whichever_are_drawn(self, cup):
        def looks(ax):
            return {
                (c.lines[0].get_color(), c.lines[0].get_marker(), c.lines[0].get_linestyle())
                for c in ax.containers
            }

        some = draw.noise_sweep(cup, rules=["grim", "generous"])
        assert len(looks(some)) == 2
        assert looks(some) < looks(draw.noise_sweep(cup))
        assert {"grim", "generous"} <= set(said(some))
        assert "always" not in said(some)

    def test_names_stand_apart_within_the_height_of_the_axes(self, evolution, cup):
        for ax in (draw.noise_sweep(cup), draw.replicator(evolution)):
            ax.figure.canvas.draw()
            boxes = sorted((t.get_window_extent() for t in ax.texts), key=lambda box: box.y0)
            assert len(boxes) == 4
            assert all(low.y1 <= high.y0 + 1.0 for low, high in pairwise(boxes))
            assert boxes[0].y0 >= ax.bbox.y0 - 6.0
            assert boxes[-1].y1 <= ax.bbox.y1 + 6.0

    def test_a_sweep_of_one_level_is_refused(self):
        one = tournaments.tournament(["never"], arena(rounds=1), replications=1, rng=1)
        with pytest.raises(EscalateError, match="a sweep needs two levels of noise or more"):
            draw.noise_sweep(one, "strikes")

    def test_an_unknown_rule_is_refused(self, cup):
        with pytest.raises(EscalateError, match="unknown rule 'grimm': did you mean 'grim'"):
            draw.noise_sweep(cup, rules=["grimm"])


class TestFingerprint:
    def test_shades_are_the_means_in_order_of_the_axes(self, points):
        ax = draw.fingerprint(points, "launched")
        (mesh,) = ax.collections
        mean = points["launched"].mean("replication").sortby("noise").sortby("gain")
        np.testing.assert_allclose(mesh.get_array(), mean.transpose("gain", "noise"))
        assert ax.get_xlabel() == "Believed over true size (-)"
        assert ax.get_ylabel() == "Gain of proportional (-)"
        assert ax.get_title(loc="left") == "Against tit for tat"
        assert "Weapons launched (weapons)" in said(ax.figure)

    def test_nothing_at_all_can_be_drawn(self):
        still = tournaments.fingerprint(
            "never", "never", arena(rounds=1), replications=1, noise=[0.0, 1e-9], gains=[1, 2],
            rng=1,
        )  # fmt: skip
        draw.fingerprint(still).figure.canvas.draw()

    def test_too_few_points_and_unknown_outcomes_are_refused(self, points):
        with pytest.raises(EscalateError, match="needs two gains and levels or more, but got 1"):
            draw.fingerprint(points.isel(gain=[0]))
        with pytest.raises(EscalateError, match="unknown outcome 'kiled_done': did you mean"):
            draw.fingerprint(points, "kiled_done")


class TestReplicator:
    def test_lines_are_the_shares_and_bands_their_intervals(self, evolution):
        ax = draw.replicator(evolution)
        lines = [line for line in ax.lines if len(line.get_xdata()) == 31]
        for line, name in zip(lines, evolution.shares, strict=True):
            np.testing.assert_allclose(line.get_ydata(), 100.0 * evolution.shares[name])
        for band, name in zip(ax.collections, evolution.shares, strict=True):
            at = band.get_paths()[0].vertices[:, 1]
            assert at.max() == pytest.approx(100.0 * evolution.high[name].max())
            assert at.min() == pytest.approx(100.0 * evolution.low[name].min())

    def test_many_rules_can_be_told_apart(self):
        rules = {f"r{i}": Rule("random", prob=i / 11) for i in range(11)}
        cup = tournaments.tournament(rules, arena(rounds=2), replications=2, rng=1)
        ax = draw.replicator(cup.replicator("strikes", generations=9))
        lines = [line for line in ax.lines if len(line.get_xdata()) == 10]
        looks = {(x.get_color(), x.get_marker(), str(x.get_linestyle())) for x in lines}
        assert len(looks) == 11
        assert len({x.get_marker() for x in lines}) == 11
