"""Pictures: what they draw is what the run holds, and they leave everything else alone."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from datetime import date, datetime, timedelta
from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

from escalate import plots
from escalate.comparison import Comparison
from escalate.errors import FigureError, ScenarioError
from escalate.figures import Figure
from escalate.metrics import summary
from escalate.rules import CATEGORIES, Rule
from escalate.scenario import (
    Layer,
    OrderedStrike,
    Plan,
    Region,
    Retaliation,
    Scenario,
    Side,
    Target,
    Tempo,
    Truce,
    Weapon,
)
from escalate.simulation import simulate
from tests.strategies import scenarios

START = datetime(2030, 3, 1)
WITH_A_RUN = (plots.timeline, plots.stocks, plots.interception, plots.causal_tree)
ONE_SIDED = (plots.stocks, plots.interception)


def side(rate, answers=True, stock=60):
    return Side(
        weapons={
            "long_drone": Weapon(category="drone", stock=stock, production_per_day=2.5),
            "short_drone": Weapon(category="drone", stock=stock // 2, reliability_prob=0.8),
            "gun": Weapon(category="artillery", stock=stock * 10, vulnerability_share=0.0),
        },
        layers={
            "jamming": Layer(kill_prob={"drone": 0.3}, channels=50, electronic=True),
            "guns": Layer(kill_prob={"drone": 0.5}, channels=50, magazine=300),
        },
        regions={"border": Region(depth_km=40.0)},
        targets={"town": Target(category="urban", region="border", killed_per_hit=0.4)},
        plans={
            "raid": Plan(
                targets={"town": 1.0},
                size=9.0,
                size_dispersion=2.0,
                weapons={"long_drone": 2.0, "short_drone": 1.0},
                waves=3,
                duration_hours=4.0,
            ),
            "shelling": Plan(targets={"town": 1.0}, size=30.0, weapons={"gun": 1.0}),
        },
        tempos={
            "raids": Tempo(plan="raid", rate_per_day=rate),
            "shelling": Tempo(plan="shelling", rate_per_day=rate),
        },
        retaliations={"answer": Retaliation(rule=Rule("tit_for_tat"), plan="raid", delay_hours=9.0)}
        if answers
        else {},
    )


def fought(days=20.0, rates=(0.3, 0.2), stocks=(60, 60), rng=3, calendar=()):
    scenario = Scenario(
        sides={
            "North": side(rates[0], stock=stocks[0]),
            "South": side(rates[1], answers=min(rates) > 0.0, stock=stocks[1]),
        },
        start=START,
        end=START + timedelta(days=days),
        calendar=calendar,
    )
    return simulate(scenario, rng=rng)


@pytest.fixture(scope="module")
def run():
    begin = START + timedelta(days=9)
    return fought(calendar=(Truce(at=begin, until=begin + timedelta(days=1)),))


@pytest.fixture(scope="module")
def empty():
    sides = {"North": Side(), "South": Side()}
    return simulate(Scenario(sides=sides, start=START, end=START + timedelta(days=3)), rng=1)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture
def ax():
    return plt.figure(layout="constrained").subplots()


def reported(relation="exactly", low=10.0, high=10.0, unit="people", **other):
    return Figure(
        **{
            "id": "X1", "seed": "900", "date_start": date(2030, 3, 1), "date_end": date(2030, 3, 2),
            "attacker": "North", "defender": "South", "place": "countrywide",
            "quantity": "killed", "weapon_category": "all", "relation": relation, "low": low,
            "high": high, "unit": unit, "claimant": "press",
        }
        | other
    )  # fmt: skip


def compared(figure, value, low=math.nan, high=math.nan):
    found = 0 if math.isnan(low) else 20
    return Comparison(figure, value, low, high, found=found, replications=found)


def words(artist):
    return [text for text in artist.findobj(Text) if text.get_text() and text.get_visible()]


def said(artist):
    return [text.get_text() for text in words(artist)]


def bars(ax):
    return {c.get_label(): c.patches for c in ax.containers if isinstance(c, BarContainer)}


def arrows(ax):
    # Of the names' leaders and the like only these run in data coordinates.
    return [a for a in ax.get_children() if isinstance(a, FancyArrowPatch)]


class TestEveryPicture:
    @pytest.mark.parametrize("draw", WITH_A_RUN)
    def test_draws_on_the_axes_given_and_gives_them_back(self, draw, run, ax):
        before = plt.get_fignums()
        assert draw(run, ax=ax) is ax
        assert ax.has_data()
        assert plt.get_fignums() == before

    @pytest.mark.parametrize("draw", WITH_A_RUN)
    def test_makes_axes_no_wider_than_a_page(self, draw, run):
        ax = draw(run)
        assert isinstance(ax, Axes)
        assert 80.0 <= 25.4 * ax.figure.get_figwidth() <= 181.0

    @pytest.mark.parametrize("draw", WITH_A_RUN)
    def test_leaves_the_settings_and_the_run_alone(self, draw, run):
        settings_before, kept = dict(mpl.rcParams), fought(calendar=run.scenario.calendar)
        draw(run).figure.canvas.draw()
        assert dict(mpl.rcParams) == settings_before
        assert run == kept

    @pytest.mark.parametrize("draw", WITH_A_RUN)
    def test_labels_say_unit_and_scale(self, draw, run):
        ax = draw(run)
        x, y = ax.get_xlabel(), ax.get_ylabel()
        assert x in ("Date in 2030 (local time)", "Share of the weapons launched (%)")
        assert y == "" or y.startswith(("Weapons ", "Chains of answers"))
        assert "scale)" in y or draw in (plots.interception, plots.causal_tree)

    @pytest.mark.parametrize("draw", WITH_A_RUN)
    def test_a_run_without_strikes_is_a_sentence(self, draw, empty, ax):
        assert draw(empty, ax=ax) is ax
        assert [text for text in said(ax) if text.endswith(".")]
        ax.figure.canvas.draw()

    @pytest.mark.parametrize("draw", WITH_A_RUN)
    def test_one_side_alone_can_strike(self, draw):
        run = fought(rates=(0.5, 0.0))
        assert set(run.strikes["side"]) == {"North"}
        draw(run).figure.canvas.draw()

    @pytest.mark.parametrize("draw", ONE_SIDED)
    def test_a_side_is_known_by_its_name(self, draw, run):
        draw(run, side="South")
        with pytest.raises(ScenarioError, match="unknown side 'Soth': did you mean 'South'"):
            draw(run, side="Soth")

    def test_matplotlib_is_loaded_when_first_drawn_with(self):
        code = "import sys, escalate.plots; print('matplotlib' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stdout.strip() == "False", done.stderr

    @settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(scenarios())
    def test_any_run_can_be_drawn(self, scenario):
        plots.overview(simulate(scenario, rng=1)).draw_without_rendering()


class TestTimeline:
    def test_heights_add_up_to_what_was_launched(self, run):
        drawn = bars(plots.timeline(run))
        strikes = run.tables["strikes"]
        for i, way in enumerate((1, -1)):
            own = strikes["side"] == i
            for part, counts in (
                ("got through", strikes["leaked"]),
                ("stopped or failed", strikes["dud"] + strikes["intercepted"]),
            ):
                heights = [way * bar.get_height() for bar in drawn[part]]
                assert sum(h for h in heights if h > 0) == counts[own].sum()
        total = sum(abs(bar.get_height()) for part in drawn.values() for bar in part)
        assert total == strikes["launched"].sum()

    def test_parts_of_a_bar_stand_on_one_another(self, run):
        drawn = bars(plots.timeline(run))
        tips = [bar.get_y() + bar.get_height() for bar in drawn["got through"]]
        assert [bar.get_y() for bar in drawn["stopped or failed"]] == tips

    def test_bars_begin_at_the_first_launch_and_can_be_seen(self, run):
        ax = plots.timeline(run)
        first = run.strikes["first_launch_hours"].to_numpy()
        zero, end = ax.get_xlim()
        at = [bar.get_x() for bar in bars(ax)["got through"]]
        np.testing.assert_allclose(at, zero + first / 24.0, rtol=0.0, atol=1e-9)
        assert min(b.get_width() for b in bars(ax)["got through"]) >= (end - zero) / 251.0

    def test_every_answer_has_an_arrow(self, run):
        answers = run.strikes.query("provoked_by >= 0")
        assert len(answers) > 5
        ax = plots.timeline(run, max_arrows=1000)
        assert len(arrows(ax)) == len(answers)
        assert "answer" in said(ax.get_legend())

    def test_of_many_answers_the_largest_have_arrows_and_it_says_so(self, run):
        answers = run.strikes.query("provoked_by >= 0")
        ax = plots.timeline(run, max_arrows=3)
        ends = [abs(arrow._posA_posB[1][1]) for arrow in arrows(ax)]
        assert ends == sorted(answers["launched"], reverse=True)[:3]
        assert f"3 largest of {len(answers)} answers" in said(ax.get_legend())

    def test_the_dead_are_written(self, run):
        most = run.strikes["killed"].max()
        assert most > 0
        assert f"{most} killed" in said(plots.timeline(run))

    def test_a_truce_is_shaded(self, run):
        assert "truce" in said(plots.timeline(run))
        assert "truce" not in said(plots.timeline(fought()))

    def test_a_short_run_counts_hours(self):
        run = fought(days=2.0, rates=(4.0, 0.0))
        ax = plots.timeline(run)
        assert ax.get_xlabel() == "Time since the start (h)"
        assert ax.get_xlim() == (0.0, 48.0)

    def test_dates_are_the_scenarios_own(self, run):
        ax = plots.timeline(run)
        ax.figure.canvas.draw()
        dates = dict(
            zip(ax.get_xticks(), [t.get_text() for t in ax.get_xticklabels()], strict=True)
        )
        assert dates[ax.get_xlim()[0]] == "01 Mar"

    def test_what_lands_after_the_end_does_not_widen_the_picture(self):
        weapon = Weapon(category="drone", stock=40, speed_km_per_hour=50.0)
        plan = Plan(targets={"town": 1.0}, size=40.0)
        own = {"weapons": {"drone": weapon}, "plans": {"raid": plan}}
        north = dataclasses.replace(side(0.0, answers=False), tempos={}, **own)
        south = dataclasses.replace(north, layers={}, regions={"border": Region(depth_km=900.0)})
        late = OrderedStrike(at=START + timedelta(hours=1), side="North", plan="raid")
        end = START + timedelta(hours=2)
        sides = {"North": north, "South": south}
        run = simulate(Scenario(sides=sides, start=START, end=end, calendar=(late,)), rng=1)
        ax = plots.timeline(run)
        ax.figure.canvas.draw()
        (killed,) = (text for text in words(ax) if "killed" in text.get_text())
        assert ax.get_xlim() == (0.0, 2.0)
        assert killed.get_window_extent().x1 <= ax.bbox.x1 + 1.0


class TestStocks:
    def test_lines_end_at_the_stock(self, run):
        lines = {line.get_label(): line for line in plots.stocks(run).get_lines()}
        weapons = run.weapons
        for weapon in weapons.itertuples():
            line = lines[f"{weapon.side} {weapon.weapon}".replace("_", " ")]
            way = 1 if weapon.side == "North" else -1
            assert line.get_ydata()[0] == way * weapon.initial
            assert line.get_ydata()[-1] == way * weapon.stock

    def test_steps_follow_the_log(self, run):
        (line,) = (x for x in plots.stocks(run).get_lines() if x.get_label() == "North gun")
        gun = list(run.weapons["weapon"]).index("gun")
        rows = run.rows("launched")
        launched = rows["count"][rows["weapon"] == gun]
        down = -np.diff(line.get_ydata())
        assert sorted(down[down > 0]) == sorted(launched)
        assert line.get_drawstyle() == "steps-post"
        assert (line.get_ydata() >= 0).all()

    def test_one_side_stands_upright(self, run):
        ax = plots.stocks(run, side="South")
        assert ax.get_ylim()[0] == 0.0
        assert {x.get_label() for x in ax.get_lines()} >= {"South gun"}
        assert not any("North" in text for text in said(ax))

    def test_names_do_not_overlap(self, run):
        ax = plots.stocks(run)
        ax.figure.canvas.draw()
        boxes = sorted(
            (
                t.get_window_extent()
                for t in words(ax)
                if t.get_text().startswith(("North", "South"))
            ),
            key=lambda box: box.y0,
        )
        assert len(boxes) == 6
        assert all(lower.y1 <= upper.y0 + 1.0 for lower, upper in pairwise(boxes))


class TestInterception:
    def test_bars_are_whole_and_their_parts_what_happened(self, run):
        ax = plots.interception(run, side="South")
        ours = [c for c in CATEGORIES if c in ("drone", "artillery")]
        assert [t.get_text() for t in ax.get_yticklabels()] == ours
        (drones, _) = ax.containers
        widths = np.array([bar.get_width() for bar in drones])
        assert widths.sum() == pytest.approx(100.0)
        log = run.events
        drone = {"long_drone", "short_drone"}
        rows = log[log["weapon"].isin(drone)]
        sent = rows.query("kind == 'launched' and side == 'North'")["count"].sum()
        stopped = rows.query("kind == 'intercepted' and side == 'South'")
        expected = [
            rows.query("kind == 'dud' and side == 'North'")["count"].sum(),
            stopped.query("layer == 'jamming'")["count"].sum(),
            stopped.query("layer == 'guns'")["count"].sum(),
            rows.query("kind == 'leaked' and side == 'North'")["count"].sum(),
        ]
        np.testing.assert_allclose(widths * sent / 100.0, expected, atol=1e-9)
        assert f"{sent:,}" in said(ax)

    def test_layers_are_named_in_their_order(self, run):
        texts = " ".join(said(plots.interception(run))).replace("\n", " ")
        assert "At South, stopped by: 1 jamming, 2 guns" in texts

    def test_it_agrees_with_the_summary(self, run):
        total = 0.0
        for container in plots.interception(run, side="North").containers:
            total += container.patches[-1].get_width()
        assert (total > 0) == (summary(run)["South"]["leaked"] > 0)


class TestCausalTree:
    def test_every_strike_is_a_mark_and_every_answer_an_edge(self, run):
        ax = plots.causal_tree(run)
        north, south = ax.collections
        sides = run.strikes["side"].value_counts()
        assert len(north.get_offsets()) == sides["North"]
        assert len(south.get_offsets()) == sides["South"]
        assert len(ax.get_lines()) == (run.strikes["provoked_by"] >= 0).sum()

    def test_no_strike_lies_on_a_chain_it_does_not_belong_to(self, run):
        made, first, causes = plots.runs._made(run)
        lanes = plots.runs._lanes(made, first, causes, 0.0)
        for strike in made[causes[made] >= 0]:
            cause = causes[strike]
            between = [
                s
                for s in made
                if lanes.get(s) == lanes[strike] and first[cause] < first[s] < first[strike]
            ]
            assert lanes[strike] != lanes[cause] or not between

    def test_strikes_alone_are_counted(self, run):
        parents = set(run.strikes["provoked_by"])
        for name in ("North", "South"):
            own = run.strikes[run.strikes["side"] == name]
            alone = [s for s in own.index if own["provoked_by"][s] < 0 and s not in parents]
            labels = [t.get_text() for t in plots.causal_tree(run).get_yticklabels()]
            assert (f"{name} alone ({len(alone)})" in labels) == bool(alone)


class TestFigures:
    def marks(self, ax, row):
        return [
            line
            for line in ax.get_lines()
            if line.get_marker() in ("o", "X") and np.asarray(line.get_ydata())[0] == row
        ]

    def test_a_row_a_figure_with_its_mark(self, ax):
        rows = [compared(reported(), 10.0), compared(reported(id="X2"), 40.0)]
        assert plots.figures(rows, ax=ax) is ax
        labels = [t.get_text() for t in ax.get_yticklabels()]
        assert labels == ["X1 North killed: 10", "X2 North killed: 10"]
        (fits,), (misses,) = self.marks(ax, 0), self.marks(ax, 1)
        assert (fits.get_marker(), misses.get_marker()) == ("o", "X")
        assert (fits.get_xdata()[0], misses.get_xdata()[0]) == (0.0, 2.0)

    def test_zero_stands_apart(self, ax):
        none = reported(low=0.0, high=0.0)
        plots.figures([compared(reported(), 0.0), compared(none, 0.0), compared(none, 3.0)], ax=ax)
        places = [self.marks(ax, row)[0].get_xdata()[0] for row in range(3)]
        zero = ax.get_xticks()[0]
        assert next(iter(ax.get_xticklabels())).get_text() == "0"
        assert places[0] == places[1] == zero
        assert places[2] > ax.get_xticks()[-1]

    def test_what_has_no_value_has_no_mark(self, ax):
        plots.figures([compared(reported(), math.nan)], ax=ax)
        assert np.isnan(self.marks(ax, 0)[0].get_xdata()[0])
        assert "none" in said(ax)

    @pytest.mark.parametrize(
        ("relation", "low", "high", "heads"),
        [
            ("at_least", 10.0, None, [">"]),
            ("less_than", None, 10.0, ["<"]),
            ("dozens", 24.0, 99.0, []),
        ],
    )
    def test_open_ends_have_an_arrow(self, ax, relation, low, high, heads):
        plots.figures([compared(reported(relation, low, high), 12.0, 8.0, 15.0)], ax=ax)
        assert [x.get_marker() for x in ax.get_lines() if x.get_marker() in ("<", ">")] == heads
        assert "12 (8\u201315)" in said(ax)

    def test_the_interval_is_dashed_where_it_misses(self, ax):
        plots.figures(
            [compared(reported(), 9.0, 8.0, 12.0), compared(reported(), 9.0, 8.0, 9.0)], ax=ax
        )
        lines = [x for x in ax.get_lines() if x.get_marker() == "None" and len(x.get_xdata()) == 2]
        dashes = [x.get_linestyle() for x in lines if np.ptp(np.asarray(x.get_ydata())) == 0.0]
        assert dashes == ["-", "--"]
        assert "run (90% of 20)" in said(ax)

    def test_from_one_to_a_thousand_million(self, ax):
        costs = reported("more_than", 1e9, None, "USD", quantity="cost")
        rows = [
            compared(costs, 1.34e9, 9e8, 2e9),
            compared(reported(), 1e9),
            compared(reported(), 1e-9),
        ]
        plots.figures(rows, ax=ax)
        low, high = ax.get_xlim()
        assert all(low < self.marks(ax, row)[0].get_xdata()[0] < high for row in range(3))
        assert "X1 North cost: > 1bn USD" in [t.get_text() for t in ax.get_yticklabels()]
        assert "1.34bn (900M\u20132bn)" in said(ax)

    def test_without_figures_it_says_so(self, ax):
        plots.figures((), ax=ax)
        assert "There is no reported figure to compare with." in said(ax)


class TestReported:
    """Figures by themselves."""

    NEWER = date(2030, 5, 9)

    def labels(self, ax):
        return [t.get_text() for t in ax.get_yticklabels()]

    def test_rows_go_by_the_days_counted(self, ax):
        rows = [
            reported(id="X3", date_start=self.NEWER, date_end=self.NEWER, claimed_on=None),
            reported("at_least", 10.0, None),
            reported(id="X2", quantity="hits", unit="sites"),
        ]
        assert plots.reported(rows, "killed", ax=ax) is ax
        labels = self.labels(ax)
        assert [label.split("   ")[1] for label in labels] == [
            "X1 North: \u2265 10",
            "X3 North: 10",
        ]
        assert labels[1].startswith("2030-05-09")
        assert ax.get_xlabel() == "Killed, as reported (people; log scale from 1 on)"

    @pytest.mark.parametrize(
        ("relation", "low", "high", "span", "named", "heads"),
        [
            ("exactly", 10.0, 10.0, (10.0, 10.0), [10.0], []),
            ("about", 100.0, 100.0, (90.0, 110.0), [100.0], []),
            ("dozens", 24.0, 99.0, (24.0, 99.0), [24.0, 99.0], []),
            ("more_than", 10.0, None, (11.0, 20.0), [10.0], [">"]),
            ("less_than", None, 10.0, (0.0, 9.0), [10.0], ["<"]),
        ],
    )
    def test_bar_mark_and_arrow(self, ax, relation, low, high, span, named, heads):
        plots.reported([reported(relation, low, high)], "killed", ax=ax)
        (bar,) = ax.patches
        assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx(span)
        lines = {line.get_marker(): list(line.get_xdata()) for line in ax.get_lines()}
        assert lines["o"] == named
        assert [mark for mark in lines if mark in ("<", ">")] == heads

    def test_who_said_so_and_against_whom(self, ax):
        rows = [reported(), reported(id="X2", low=8.0, high=8.0, claimant="$x_$ office$")]
        plots.reported(rows, "killed", ax=ax)
        assert r"\$x_\$ office\$; contradicts X1" in said(ax)
        ax.figure.draw_without_rendering()

    def test_long_words_leave_room_to_draw(self):
        rows = [reported(id=f"S{i}." + 60 * "x", claimant="two\nlines " + 90 * "y", low=9.0 - i,
                         high=9.0 - i) for i in range(5)]  # fmt: skip
        ax = plots.reported(rows, "killed")
        ax.figure.draw_without_rendering()  # warns where there is none
        assert ax.get_position().width > 0.15
        assert "two lines " + 25 * "y" + "…" in said(ax)

    def test_sides_look_the_same_in_every_picture(self):
        rows = [reported(id="X2", attacker="South", defender="North"), reported(),
                reported(id="X3", attacker="both", quantity="hits"),
                reported(id="X4", attacker="South", quantity="hits")]  # fmt: skip
        for quantity, marks in (("killed", ["o", "s"]), ("hits", ["s", "D"])):
            ax = plots.reported(rows, quantity)
            assert sorted({x.get_marker() for x in ax.get_lines()}) == sorted(marks)

    def test_fractions_and_the_largest_numbers(self, ax):
        share = reported("about", 0.95, 0.95, "fraction", quantity="intercepted_fraction")
        assert plots.reported([share], "intercepted_fraction", ax=ax).get_xlim() == (0.0, 1.0)
        huge = plots.reported([reported(low=1e308, high=1e308)], "killed")
        assert len(huge.get_xticks()) < 15
        huge.figure.draw_without_rendering()
        plots.reported([reported(low=0.0, high=0.0)], "killed").figure.draw_without_rendering()

    def test_a_quantity_that_nobody_reported(self):
        with pytest.raises(FigureError, match="no figure is of 'kiled': did you mean 'killed'"):
            plots.reported([reported()], "kiled")
        with pytest.raises(FigureError, match="Known: none"):
            plots.reported([], "killed")


class TestOverview:
    @pytest.mark.parametrize(("rows", "panels"), [(0, 4), (3, 5), (40, 5)])
    @pytest.mark.parametrize("kind", ["png", "pdf"])
    def test_is_saved_as_a_page_in_journal_size(self, run, tmp_path, rows, panels, kind):
        page = plots.overview(run, [compared(reported(), 9.0, 4.0, 12.0)] * rows)
        page.savefig(tmp_path / f"page.{kind}", dpi=60)
        assert (tmp_path / f"page.{kind}").stat().st_size > 10_000
        width, height = 25.4 * page.get_size_inches()
        assert width == pytest.approx(180.0, abs=0.5)
        assert height < 260.0
        assert len(page.axes) == panels
        letters = [t for t in said(page) if len(t) == 1 and t in "abcde"]
        assert letters == list("abcde"[:panels])

    def test_pyplot_does_not_know_it(self, run):
        before = plt.get_fignums()
        plots.overview(run)
        assert plt.get_fignums() == before

    def test_type_is_large_enough_to_read(self, run):
        page = plots.overview(run, [compared(reported(), 9.0, 4.0, 12.0)])
        page.draw_without_rendering()
        assert min(text.get_fontsize() for text in words(page)) >= 7.0

    def test_nothing_runs_off_the_page(self, run):
        page = plots.overview(run, [compared(reported(), 9.0, 4.0, 12.0)] * 40)
        page.draw_without_rendering()
        beyond = {t.label1 for ax in page.axes for t in ax.xaxis.get_major_ticks()
                  if not ax.get_xlim()[0] <= t.get_loc() <= ax.get_xlim()[1]}  # fmt: skip
        for text in set(words(page)) - beyond:
            box = text.get_window_extent()
            inside = box.x0 >= -2.0 and box.y0 >= -2.0
            inside &= box.x1 <= page.bbox.x1 + 2.0 and box.y1 <= page.bbox.y1 + 2.0
            assert inside, text

    def test_places_are_the_same_to_the_last_bit(self, run):
        page = plots.overview(run, [compared(reported(), 9.0, 4.0, 12.0)])
        page.draw_without_rendering()
        boxes = [ax.get_position().get_points() for ax in page.axes]
        boxes += [band.bbox_relative.get_points() for band in page.subfigs]
        assert all((box == box.round(9)).all() for box in boxes)
        assert all(ax.get_in_layout() for ax in page.axes)

    def test_an_empty_run_has_a_page_as_well(self, empty):
        plots.overview(empty).draw_without_rendering()
