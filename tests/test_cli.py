"""The command line, as typed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import escalate as esc
from escalate import comparison, simulation
from escalate.__main__ import main
from escalate.comparison import figures_of, replications_of
from escalate.metrics import OUTCOMES
from tests.folders import contents

ROOT = Path(__file__).parents[1]
FEBRUARY = ("run", "february-2023", "--replications", "0")
PICTURES = ("timeline", "stocks", "interception", "causal_tree", "figures")


def python(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONUNBUFFERED", None)
    return subprocess.run([sys.executable, *arguments], env=environment, text=True, **options)


@pytest.fixture
def refused(capsys):
    """Give a function that says what the command line says to input it cannot use."""

    def error(*arguments):
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("escalate: ")
        assert "Traceback" not in err
        return err.removeprefix("escalate: ")

    return error


@pytest.fixture
def no_simulation(monkeypatch):
    """Let every attempt to simulate fail."""

    def simulate(*arguments, **options):
        raise AssertionError("simulated")

    monkeypatch.setattr(simulation, "simulate", simulate)
    monkeypatch.setattr(comparison, "simulate", simulate)


@pytest.fixture(scope="module")
def winter(tmp_path_factory):
    """Run the line of the README, with fewer replications, as a process of its own."""
    folder = tmp_path_factory.mktemp("winter")
    done = python(
        "-W", "error", "-m", "escalate", "run", "winter-2023-24", "--seed", "1",
        "--replications", "4", "--out", "winter",
        cwd=folder, capture_output=True,
    )  # fmt: skip
    return done, folder / "winter"


@pytest.mark.parametrize(("source", "count"), [((), 47), (("february-2023",), 4)])
def test_figures_are_listed(capsys, source, count):
    assert main(["figures", *source]) == 0
    said = capsys.readouterr().out
    assert f"\n{count} figures\n" in said
    assert "F04  2023-02-15 to 2023-02-16  RU on UA" in said
    assert ("F10 contradicts F08" in said) == (not source)


def test_figures_of_a_file_are_checked_listed_and_drawn(tmp_path, capsys, refused):
    shipped = ROOT / "escalate" / "data" / "figures" / "reported.csv"
    text = shipped.read_text("utf-8").replace(",killed,", ",lost / found,", 1)
    own = tmp_path / "own.csv"
    own.write_text(text, "utf-8")
    out = tmp_path / "new" / "folder"
    assert main(["figures", str(own), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    names = {path.name for path in out.iterdir()}
    assert {"figures.csv", "03-lost---found.png", "06-killed.png"} <= names
    assert len(names) == 1 + 14
    assert said.count("wrote ") == len(names)
    own.write_text(text.replace("at_least", "approximately", 1), "utf-8")
    error = refused("figures", str(own), "--out", str(tmp_path / "none"))
    assert "but got 'approximately' at F08.relation, line 9" in error
    assert not (tmp_path / "none").exists()
    assert "did you mean 'february-2023'" in refused("figures", "february")


def test_a_scenario_without_figures(capsys):
    assert main(["figures", "two-equal-sides"]) == 0
    assert capsys.readouterr().out == "no figures\n"


def test_the_line_of_the_readme_runs(winter):
    done, folder = winter
    assert (done.returncode, done.stderr) == (0, "")
    wanted = {"events.parquet", "strikes.parquet", "run.json", "figures.csv", "winter-2023-24.png"}
    assert wanted <= set(contents(folder))
    assert (folder / "winter-2023-24.png").read_bytes().startswith(b"\x89PNG")
    for name in wanted - {"strikes.parquet"}:
        assert f"wrote {Path('winter', name)}" in done.stdout
    saved = esc.load_run(folder)
    assert saved == esc.simulate(esc.load_scenario("winter-2023-24"), rng=1)


def test_list_names_every_scenario_with_its_title(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(esc.scenario_names())
    for line in lines:
        name, title = line.split(maxsplit=1)
        assert title == esc.load_scenario(name).title


def told(name, capsys, winter):
    if name == "winter-2023-24":
        return winter[0].stdout
    assert main(["run", name, "--replications", "4"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["february-2023", "winter-2023-24"])
def test_a_run_tells_what_happened_and_each_reported_figure(name, capsys, winter):
    out = told(name, capsys, winter)
    lines = out.splitlines()
    run = esc.simulate(esc.load_scenario(name), rng=1)
    assert lines[0] == f"{name}: {run.scenario.title}"
    assert "seed 1, intervals from 4 replications" in lines[1]
    for outcome, meaning in OUTCOMES.items():
        (line,) = (line for line in lines if line.startswith(meaning + "  "))
        for totals in run.summary().values():
            assert comparison.number(totals[outcome]) in line
    fits = 0
    for figure in figures_of(run.scenario):
        (line,) = (line for line in lines if line.startswith(figure.id + " "))
        value = esc.metrics.figure_value(run, figure)
        verdict = "fits" if figure.admits(value) else "MISSED"
        fits += verdict == "fits"
        words = (figure.relation.replace("_", " "), figure.claimant, comparison.number(value))
        for word in (*words, verdict):
            assert word in line
    assert f"the run fits {fits} of {len(run.scenario.figures)}; the central 90%" in out


def test_without_replications_there_are_no_intervals(capsys):
    assert main(FEBRUARY) == 0
    out = capsys.readouterr().out
    assert "the run fits 2 of 4.\n" in out
    assert not re.search(r"\d to \d", out.partition("What happened")[2])


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    for folder, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        command = ("run", "february-2023", "--replications", "3", "--seed", seed, "--quiet")
        assert main([*command, "--plot", "--out", str(tmp_path / folder)]) == 0
    first, again, other = (contents(tmp_path / name) for name in "abc")
    assert first == again
    assert first.keys() == other.keys()
    for name in ("events.parquet", "strikes.parquet", "run.json", "february-2023.png"):
        assert first[name] != other[name]


def test_another_process_gives_the_same_bytes(winter, tmp_path):
    command = ("run", "winter-2023-24", "--replications", "4", "--quiet")
    assert main([*command, "--out", str(tmp_path / "again")]) == 0
    assert contents(tmp_path / "again") == contents(winter[1])


def test_quiet_prints_nothing(capsys, tmp_path):
    assert main([*FEBRUARY, "--quiet", "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("sides.UA.layers.long_range.channels", "4", 4),
        ("sides.RU.weapons.kalibr.reliability_prob", " 0.5", 0.5),
        ("sides.UA.layers.naval_approach.doctrine", "shoot_look_shoot", "shoot_look_shoot"),
        ("sides.UA.layers.naval_approach.doctrine", "'shoot_look_shoot'", "shoot_look_shoot"),
        ("title", "a = b", "a = b"),
        ("end", "2023-02-18", None),
        ("figures", "['F03']", ("F03",)),
    ],
)
def test_a_parameter_is_set_by_number_word_list_or_date(path, text, value, tmp_path):
    folder = tmp_path / "out"
    assert main([*FEBRUARY, "--quiet", "--set", f"{path}={text}", "--out", str(folder)]) == 0
    scenario = esc.load_run(folder).scenario
    if path == "end":
        assert scenario.horizon_hours == 72.0
        return
    assert scenario == esc.load_scenario("february-2023").replace({path: value})
    assert scenario != esc.load_scenario("february-2023")


def test_of_several_changes_each_counts(capsys):
    changes = ("--set", "figures=['F01']", "--set", "title=Another")
    assert main([*FEBRUARY, *changes]) == 0
    out = capsys.readouterr().out
    assert out.startswith("february-2023: Another\n")
    assert "of 1." in out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("sides.UA.layers.long_rang.channels=4", "did you mean 'long_range'?"),
        ("sides.UA.layers.long_range.chanels=4", "did you mean 'channels'?"),
        ("side.UA=4", "did you mean 'sides'?"),
        ("sides.UA.layers.long_range.channels=-4", "sides.UA.layers.long_range.channels"),
        ("sides.UA.layers.long_range.channels=many", "sides.UA.layers.long_range.channels"),
        ("figures=['F99']", "F99"),
        ("places={}", "figures.F01.place"),
        ("channels", "--set takes PATH=VALUE"),
        ("=4", "--set takes PATH=VALUE"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_before_simulating(
    change, words, refused, no_simulation
):
    assert words in refused(*FEBRUARY, "--set", change)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wintr-2023-24", "unknown scenario 'wintr-2023-24': did you mean 'winter-2023-24'?"),
        ("nowhere/war.toml", "there is no such file (nowhere/war.toml)"),
        ("", "unknown scenario ''"),
        (".", "the file cannot be read"),
    ],
)
def test_an_unknown_scenario_is_refused_in_one_line(name, words, refused):
    error = refused("run", name)
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("content", [b"sides = [", b"\x89PNG\r\n\x1a\n\x00\xff", b"# nothing\n"])
def test_a_file_that_is_no_scenario_is_refused_by_its_name(content, refused, tmp_path):
    path = tmp_path / "war.toml"
    path.write_bytes(content)
    assert str(path) in refused("run", str(path))


def test_a_scenario_of_ones_own_is_run_from_its_file(capsys, tmp_path):
    path = tmp_path / "mine.toml"
    esc.save_scenario(esc.load_scenario("february-2023").replace({"name": "mine"}), path)
    assert main(["run", str(path), "--replications", "0"]) == 0
    assert capsys.readouterr().out.startswith("mine: February 2023")


@pytest.mark.parametrize(
    ("option", "value"),
    [("--seed", "-1"), ("--seed", "one"), ("--seed", "1.5"), ("--replications", "-3"),
     ("--replications", "few")],
)  # fmt: skip
def test_a_number_that_is_none_is_refused(option, value, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["run", "february-2023", option, value])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert f"argument {option}: must be a whole number, 0 or more, but got {value!r}" in error


@pytest.mark.parametrize("arguments", [(), ("walk",), ("run",), ("run", "a", "b"), ("list", "-x")])
def test_what_is_no_command_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: escalate" in capsys.readouterr().err


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"escalate {esc.__version__}\n"


@pytest.mark.parametrize("name", ["notes.txt", "events.parquet", ".hidden"])
def test_a_foreign_folder_is_refused_before_simulating(name, refused, no_simulation, tmp_path):
    (tmp_path / name).write_text("mine")
    assert str(tmp_path) in refused(*FEBRUARY, "--out", str(tmp_path))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: "mine"}


def test_a_file_in_the_place_of_the_folder_is_refused(refused, no_simulation, tmp_path):
    path = tmp_path / "out"
    path.write_text("mine")
    assert "a folder is needed" in refused(*FEBRUARY, "--out", str(path))
    assert path.read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_an_error_not_a_traceback(refused, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert str(tmp_path / "file") in refused(
        *FEBRUARY, "--quiet", "--out", str(tmp_path / "file" / "out")
    )


def test_a_run_replaces_the_run_in_its_folder(tmp_path):
    folder = tmp_path / "out"
    for seed in ("1", "2"):
        assert main([*FEBRUARY, "--quiet", "--seed", seed, "--out", str(folder)]) == 0
    assert esc.load_run(folder) == esc.simulate(esc.load_scenario("february-2023"), rng=2)
    assert main([*FEBRUARY, "--quiet", "--seed", "2", "--out", str(tmp_path / "fresh")]) == 0
    assert contents(folder) == contents(tmp_path / "fresh")
    assert {path.name for path in tmp_path.iterdir()} == {"out", "fresh"}


def test_an_empty_folder_is_used(tmp_path):
    assert main([*FEBRUARY, "--quiet", "--out", str(tmp_path)]) == 0
    assert esc.load_run(tmp_path).seed.entropy == 1


def test_each_picture_is_written_by_itself_into_the_current_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*FEBRUARY, "--plot"]) == 0
    names = {f"february-2023-{kind}.png" for kind in PICTURES}
    found = list(tmp_path.iterdir())
    assert {path.name for path in found} == names
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in found)
    out = capsys.readouterr().out
    assert all(f"wrote {name}\n" in out for name in names)


def test_without_out_or_plot_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(FEBRUARY) == 0
    assert contents(tmp_path) == {}


def test_figures_csv_says_what_the_table_says(winter):
    import pandas as pd

    done, folder = winter
    rows = pd.read_csv(folder / "figures.csv", keep_default_na=False)
    scenario = esc.load_scenario("winter-2023-24")
    assert list(rows["id"]) == list(scenario.figures)
    for row in rows.itertuples():
        (line,) = (x for x in done.stdout.splitlines() if x.startswith(row.id + " "))
        assert row.reported in line
        assert row.claimant in line
        assert line.count("MISSED") == (not row.run_compatible) + (not row.compatible)
        assert row.replications == 4
        for other in row.contradicts.split():
            assert f"contradicts {other}" in line


def test_ctrl_c_is_said_and_leaves_nothing(monkeypatch, capsys, tmp_path):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison, "replications_of", interrupted)
    assert main([*FEBRUARY, "--out", str(tmp_path / "out")]) == 130
    assert capsys.readouterr() == ("", "escalate: interrupted\n")
    assert not (tmp_path / "out").exists()


def test_a_reader_that_has_had_enough_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    done = python("-m", "escalate", "list", cwd=ROOT, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_intervals_do_not_depend_on_the_number_of_processes():
    run = esc.simulate(esc.load_scenario("february-2023"), rng=5)
    one, two = (repr(replications_of(run, 45, workers=workers)) for workers in (1, 2))
    assert one == two  # as text: NaN is not equal to itself
