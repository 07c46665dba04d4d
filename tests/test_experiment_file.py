"""Sweeps stated in a file, and the command that fights them."""

import csv
import re

import pandas as pd
import pytest

import escalate as esc
from escalate.__main__ import main
from escalate.experiment_file import load_experiment

FILE = """
title = "Channels against answers"
scenario = "two-equal-sides"
replications = 5
seed = 3
outcomes = ["killed", "reproduction_number"]

[set]
end = 2024-02-01
sides.A.layers.point.channels = 9

[design]
kind = "grid"
levels = 2
constraints = ["channels < 12"]

[levers.channels]
path = "sides.A.layers.long_range.channels"
low = 2
high = 12
levels = 3
whole = true
also = { "sides.B.layers.long_range.channels" = 2 }

[levers.policy.choices."as it is"]

[levers.policy.choices.calm]
"sides.A.retaliations.answer.rule" = "never"
sides.A.alert_hours = 2.0

[uncertainties.rule]
path = "sides.B.retaliations.answer.rule"
choices = [
    "tit_for_tat",
    { name = "capped", of = [{ name = "proportional", gain = 0.5 }], cap = 9 },
]
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "sweep.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_file_states_what_python_states(file):
    found = load_experiment(file(FILE))
    capped = esc.Rule("capped", esc.Rule("proportional", gain=0.5), cap=9)
    design = esc.designs.grid(
        esc.lever(
            "sides.A.layers.long_range.channels", 2, 12, levels=3, whole=True, name="channels",
            also={"sides.B.layers.long_range.channels": 2},
        ),
        esc.lever(
            "policy",
            choices={
                "as it is": {},
                "calm": {"sides.A.retaliations.answer.rule": "never", "sides.A.alert_hours": 2.0},
            },
        ),
        esc.uncertainty(
            "sides.B.retaliations.answer.rule", choices=["tit_for_tat", capped], name="rule"
        ),
        levels=2,
        constraints=["channels < 12"],
    )  # fmt: skip
    assert found.design == design
    scenario = esc.load_scenario("two-equal-sides")
    end = scenario.end.replace(year=2024, month=2, day=1, hour=0)
    assert found.scenario.value("sides.A.layers.point.channels") == 9
    assert found.scenario.end == end
    assert (found.replications, found.seed, found.common) == (5, 3, True)
    assert found.outcomes == ("killed", "reproduction_number")
    table = found.run()
    assert table.columns == [
        "killed.A",
        "killed.B",
        "reproduction_number.A",
        "reproduction_number.B",
    ]
    direct = esc.sweep(found.scenario, design, replications=5, rng=3, outcomes=found.outcomes)
    assert table.dataset.identical(direct.dataset)


def test_an_empty_table_empties_and_a_rule_may_be_set(file):
    head, _, tail = FILE.partition("[set]")
    text = f"""\ufeff{head}[set]
calendar = []
sides.A.tempos = {{}}
sides.B.retaliations.answer.rule = {{ name = "generous", forgive_prob = 0.5 }}
{tail[tail.index("[design]") :]}"""
    found = load_experiment(file(text)).scenario
    assert not found.calendar and not found.sides["A"].tempos
    assert found.value("sides.B.retaliations.answer.rule.forgive_prob") == 0.5


def test_other_kinds_of_designs(file, tmp_path):
    head, _, _ = FILE.partition("[set]")
    lever = (
        '[levers.belt]\npath = "sides.A.layers.point.channels"\nlow = 4\nhigh = 16\nwhole = true\n'
    )
    for design, points in (
        ('kind = "latin_hypercube"\npoints = 6\nseed = 2', 6),
        ('kind = "sobol"\npoints = 8', 8),
        ('kind = "one_at_a_time"', 3),
        ('kind = "table"\nfile = "mine.csv"', 2),
    ):
        (tmp_path / "mine.csv").write_text("belt\n5\n6\n")
        found = load_experiment(file(f"{head}\n[design]\n{design}\n{lever}"))
        assert len(found.design) == points
    assert found.design.rows == ((5,), (6,))


def test_precision_and_a_scenario_beside_it(file, tmp_path):
    esc.save_scenario(esc.load_scenario("february-2023"), tmp_path / "mine.toml")
    text = """
scenario = "mine.toml"
common = false
[precision]
outcome = "killed.UA"
half_width = 5.0
most = 100
[design]
kind = "grid"
[levers.hours]
path = "sides.UA.alert_hours"
choices = [1.0, 2.0]
"""
    found = load_experiment(file(text))
    assert found.replications == esc.Precision("killed.UA", half_width=5.0, most=100)
    assert found.common is False and found.seed == 1 and found.outcomes is None
    assert found.scenario.title == esc.load_scenario("february-2023").title


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("replications = 5", "replicatons = 5", "unknown key 'replicatons': did you mean 'repl"),
        ("replications = 5", "", "either `replications` or [precision] must be given"),
        ("replications = 5", 'replications = "5"', "must be a whole number, but got '5' at repl"),
        ("replications = 5", "replications = true", "must be a whole number, but got True"),
        ('scenario = "two-equal-sides"', "", "`scenario` must be given"),
        ('scenario = "two-equal-sides"', 'scenario = "two-equal"', "two-equal-sides"),
        ('kind = "grid"', 'kind = "gird"', "unknown kind 'gird': did you mean 'grid'?"),
        ('kind = "grid"', 'kind = "sobol"', "unknown key 'levels'"),
        ("levels = 2\n", "points = 2\n", "unknown key 'points': did you mean"),
        ("low = 2\n", "lo = 2\n", "unknown key 'lo': did you mean 'low'?"),
        ("low = 2\n", "", "`low` and `high` go together"),
        ("low = 2\n", "low = 20\n", "`low < high` must hold, but got 20 and 12 at levers.channels"),
        ('path = "sides.B.retaliations.answer.rule"', "", "must have a `path`, or `choices`"),
        ('name = "capped"', 'name = "caped"', "did you mean 'capped'?"),
        ('name = "capped", ', "", "a rule must have a `name`"),
        ("sides.A.layers.point", "sides.A.layers.pont", "did you mean 'point'? Known: elec"),
        ("[levers.channels]", "levers.channels = 3\n[other]", "unknown key"),
        ("channels < 12", "chanels < 12", "unknown parameter 'chanels'"),
        ("channels < 12", "channels < 1", "none of 12 points meets the constraints"),
        ("title =", "title", "cannot be read"),
        ("seed = 3", "seed = -3", "must be 0 or more, but got -3 at seed"),
        ('["killed", "reproduction_number"]', '[["killed"]]', "must be a list of names"),
        ("of = [{ name", "of = 5, x = [{ name", "`of` must be a list of rules, but got 5"),
        ("whole = true", 'whole = "false"', "must be true or false, but got 'false'"),
        ('also = { "sides.B.layers.long_range.channels" = 2 }', "also = 5", "must be a path, or"),
        ("levels = 3\n", "levels = 1\n", "`levels` must be a whole number, 2 or more"),
    ],
)
def test_a_file_that_cannot_be_used(file, old, new, message):
    assert old in FILE
    path = file(FILE.replace(old, new, 1))
    with pytest.raises(esc.ScenarioError, match=re.escape(message)) as caught:
        load_experiment(path)
    assert str(path) in str(caught.value) or "two-equal" in message


def test_a_table_that_is_not_there(file):
    head, _, _ = FILE.partition("[set]")
    text = f'{head}\n[design]\nkind = "table"\nfile = "no.csv"\n'
    with pytest.raises(esc.ScenarioError, match=r"no.csv cannot be read: .* at design.file"):
        load_experiment(file(text))


def test_the_command_says_what_came_out(file, capsys):
    assert main(["sweep", str(file(FILE))]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Channels against answers\n")
    assert "grid design of 8 points over channels, policy, rule; 40 wars" in said
    assert "reproduction_number.B" in said and "proportional(gain=0.5)" in said


def test_the_command_keeps_it_and_goes_on(file, tmp_path, capsys):
    out = tmp_path / "out"
    path = file(FILE)
    for part in ("2/2", "1/2"):
        assert main(["sweep", str(path), "--out", str(out), "--part", part, "--workers", "2"]) == 0
    said = capsys.readouterr().out
    assert "not finished: 20 wars are missing" in said and f"wrote {out / 'table.csv'}" in said
    with (out / "table.csv").open() as rows:
        table = list(csv.DictReader(rows))
    assert len(table) == 8 and float(table[0]["killed.A"]) == pytest.approx(
        esc.load_sweep(out).mean("killed.A")[0]
    )
    assert main(["sweep", str(path), "--out", str(out), "--replications", "6"]) == 2
    assert "replications was 5 and is 6 now" in capsys.readouterr().err
    assert main(["sweep", str(path), "--out", str(out), "--quiet"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("design", "words"),
    [('kind = "saltelli"\nbase = 64', "S1"), ('kind = "morris"\ntrajectories = 8', "mu")],
)
def test_indices_end_with_a_verdict(file, capsys, design, words):
    head, _, _ = FILE.partition("[set]")
    answers = """
[uncertainties.NAME]
path = "sides.NAME.retaliations.answer.answers_mean"
low = 0.5
high = 2.0
"""
    both = answers.replace("NAME", "A") + answers.replace("NAME", "B")
    text = f"{head}\n[design]\n{design}\n{both}"
    assert main(["sweep", str(file(text))]) == 0
    assert words in capsys.readouterr().out.split("Means")[1]


@pytest.mark.slow
def test_the_command_works_in_processes(file, tmp_path):
    path = str(file(FILE))
    for name, more in (("threads", []), ("processes", ["--processes", "--workers", "2"])):
        assert main(["sweep", path, "--quiet", "--out", str(tmp_path / name), *more]) == 0
    one, other = (esc.load_sweep(tmp_path / name) for name in ("threads", "processes"))
    pd.testing.assert_frame_equal(one.to_dataframe(), other.to_dataframe(), check_exact=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--part", "1/2"], "--part goes with --out"),
        (["--processes", "--dask", "tcp://x"], "--processes and --dask exclude one another"),
    ],
)
def test_options_that_do_not_go_together(file, capsys, arguments, message):
    assert main(["sweep", str(file(FILE)), *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--part", "3/2"], ["--part", "x"], ["--workers", "0"], ["--replications", "-1"]]
)
def test_options_that_make_no_sense(file, capsys, arguments):
    with pytest.raises(SystemExit):
        main(["sweep", str(file(FILE)), *arguments])
    assert "must be" in capsys.readouterr().err
