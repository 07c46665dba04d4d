"""Runs beside reported figures: intervals, verdicts, contradictions and the table."""

import math
from dataclasses import replace

import numpy as np
import pytest

import escalate as esc
from escalate.comparison import (
    Comparison,
    compared,
    figures_of,
    number,
    replications_of,
    table,
)
from escalate.figures import shipped_figures
from escalate.metrics import OUTCOMES, figure_value

FIGURES = {figure.id: figure for figure in shipped_figures()}


@pytest.fixture(scope="module")
def winter():
    return esc.simulate(esc.load_scenario("winter-2023-24"), rng=1)


@pytest.fixture(scope="module")
def february():
    return esc.simulate(esc.load_scenario("february-2023"), rng=1)


@pytest.mark.parametrize("name", esc.scenario_names())
def test_a_scenario_is_compared_with_the_figures_it_names(name):
    scenario = esc.load_scenario(name)
    assert tuple(figure.id for figure in figures_of(scenario)) == scenario.figures


def test_without_replications_a_run_stands_alone(winter):
    found = esc.compare_figures(winter)
    assert [c.figure.id for c in found] == list(winter.scenario.figures)
    for c in found:
        np.testing.assert_equal(c.value, figure_value(winter, c.figure))
        assert c.run_compatible == c.figure.admits(c.value)
        assert math.isnan(c.low) and math.isnan(c.high)
        assert (c.found, c.replications, c.compatible) == (0, 0, False)


@pytest.mark.parametrize(
    ("n", "low", "high"),
    [(1, 1, 1), (2, 1, 2), (10, 1, 10), (19, 1, 19), (20, 1, 19), (21, 2, 20), (100, 5, 95),
     (200, 10, 190)],
)  # fmt: skip
def test_the_interval_is_of_order_statistics(february, n, low, high):
    values = np.random.default_rng(1).permutation(n) + 1.0
    (c,) = compared(february, [FIGURES["F01"]], [[value] for value in values])
    assert (c.low, c.high, c.found, c.replications) == (low, high, n, n)
    assert low == np.sort(values)[math.ceil(0.05 * n - 1e-9) - 1]
    assert high == np.sort(values)[math.ceil(0.95 * n - 1e-9) - 1]


def test_runs_with_nothing_comparable_are_left_out_of_the_interval(february):
    values = [math.nan, 3.0, math.nan, 7.0, 5.0]
    (c,) = compared(february, [FIGURES["F01"]], [[value] for value in values])
    assert (c.low, c.high, c.found, c.replications) == (3.0, 7.0, 3, 5)


@pytest.mark.parametrize(
    ("found", "replications", "fits"),
    [(0, 0, False), (0, 10, False), (1, 10, True), (9, 100, False), (10, 100, True),
     (19, 200, False), (20, 200, True), (1, 1, True)],
)  # fmt: skip
def test_a_tenth_of_the_runs_must_have_something_comparable(found, replications, fits):
    ends = (8.0, 8.0) if found else (math.nan, math.nan)
    assert Comparison(FIGURES["F01"], 8.0, *ends, found, replications).compatible is fits


@pytest.mark.parametrize(
    ("low", "high", "fits"),
    [(8, 8, True), (0, 8, True), (8, 9, True), (0, 7, False), (9, 9, False)],
)
def test_many_runs_fit_if_their_interval_meets_what_the_words_admit(low, high, fits):
    assert Comparison(FIGURES["F01"], 0.0, low, high, 20, 20).compatible is fits


def test_the_interval_is_that_of_the_runs(february):
    runs = list(esc.replicate(february.scenario, rng=9, replications=12))
    for c in esc.compare_figures(february, iter(runs)):
        values = sorted(figure_value(run, c.figure) for run in runs)
        assert (c.low, c.high) == (values[0], values[11])
        assert (c.found, c.replications) == (12, 12)


def test_replications_are_those_of_the_runs_own_seed(february):
    many = replications_of(february, 11)
    runs = list(esc.replicate(february.scenario, rng=1, replications=11))
    assert many.comparisons == esc.compare_figures(february, runs)
    assert many.intervals.keys() == february.scenario.sides.keys()
    for side, outcomes in many.intervals.items():
        assert outcomes.keys() == OUTCOMES.keys()
        for outcome, ends in outcomes.items():
            values = [run.summary()[side][outcome] for run in runs]
            values = [value for value in values if not math.isnan(value)]
            wanted = (min(values), max(values)) if values else (math.nan, math.nan)
            assert ends == pytest.approx(wanted, nan_ok=True)


def test_no_replications_give_no_intervals(february):
    many = replications_of(february, 0)
    assert many.intervals == {}
    assert repr(many.comparisons) == repr(esc.compare_figures(february))


def test_progress_is_shown_on_standard_error(february, capsys):
    replications_of(february, 12, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\r12 of 12 replications\n")


def test_replications_of_another_scenario_are_refused(february):
    other = esc.simulate(february.scenario.replace({"sides.RU.plans.south.size": 9.0}), rng=1)
    with pytest.raises(esc.EscalateError, match="of the run's own scenario"):
        esc.compare_figures(february, [other])


def test_figures_of_another_war_are_refused(february):
    with pytest.raises(esc.ScenarioError, match=r"figures\.F12\.place"):
        esc.compare_figures(february, figures=[FIGURES["F12"]])


def test_contradictions_and_revisions_are_shown_with_both(winter):
    found = {c.figure.id: c for c in esc.compare_figures(winter)}
    against = {name: c.against for name, c in found.items() if c.against}
    assert against == {
        "F08": ("F10",), "F10": ("F08",), "F21": ("F27",), "F27": ("F21",),
        "F33": ("F34",), "F34": ("F33",),
    }  # fmt: skip
    revised = {name: c.revised_by for name, c in found.items() if c.revised_by}
    assert revised == {"F12": ("F14",), "F14": ("F15",)}


def test_the_table_has_a_line_a_figure_in_columns(winter):
    comparisons = replications_of(winter, 10).comparisons
    head, *lines = table(comparisons).splitlines()
    assert head.split("  ")[0].strip() == "id"
    assert len(lines) == len(comparisons)
    starts = [head.index(word) for word in ("quantity", "reported", "claimant", "run ", "90%")]
    for c, line in zip(comparisons, lines, strict=True):
        cells = [line[a:b].strip() for a, b in zip([0, *starts], [*starts, None], strict=True)]
        assert cells[0] == c.figure.id
        assert cells[1].endswith(f"{c.figure.quantity} {c.figure.weapon_category}")
        assert cells[2] == c.figure.describe()
        assert cells[3] == c.figure.claimant
        assert cells[4].split()[-1] == ("fits" if c.run_compatible else "MISSED")
        assert cells[4].startswith(number(c.value))
        verdict = "fits" if c.compatible else "MISSED"
        assert verdict in cells[5] and f"{number(c.low)} to {number(c.high)}" in cells[5]
        assert all(f"contradicts {other}" in line for other in c.against)
        assert all(f"revised by {other}" in line for other in c.revised_by)
        assert line == line.rstrip()


def test_the_table_says_what_there_is_nothing_of():
    none = Comparison(FIGURES["F01"], math.nan, math.nan, math.nan, 0, 20)
    few = replace(none, low=8.0, high=8.0, found=3)
    alone = replace(none, replications=0)
    lines = table([none, few, alone]).splitlines()[1:]
    assert lines[0].split("officials")[1].split() == ["-", "MISSED", "none", "MISSED"]
    assert lines[1].endswith("in 3 of 20 runs")
    assert "8 to 8" in lines[1]
    assert lines[2].split("officials")[1].split() == ["-", "MISSED"]
    assert len(table([]).splitlines()) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [(math.nan, "-"), (0.0, "0"), (12.0, "12"), (-3.0, "-3"), (0.256, "0.26"), (9.99, "9.99"),
     (18.52, "18.5"), (999_999.0, "999999"), (1e6, "1 million"), (2_228_245_000.0, "2,228 million"),
     (math.inf, "inf million")],
)  # fmt: skip
def test_numbers_are_written_short(value, text):
    assert number(value) == text
