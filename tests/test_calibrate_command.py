"""Priors stated in a file, and the command that calibrates."""

import re
from importlib import resources

import pytest

import escalate as esc
from benchmarks.fit_shipped import defaults
from escalate.__main__ import main
from escalate.calibration import load_priors, prior_names, shipped_posterior
from escalate.figures import shipped_figures
from escalate.observation import Observation

SIZE = "sides.RU.plans.grid.size"
FILE = f"""
["{SIZE}"]
law = "lognorm"
s = 0.4
scale = 125.0
source = "assumption"

["sides.UA.alert_hours"]
law = "uniform"
loc = 0.5
also = ["sides.RU.alert_hours"]
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "priors.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_priors_are_distributions_by_path(file):
    priors = load_priors(file(FILE))
    assert list(priors) == [SIZE, ("sides.UA.alert_hours", "sides.RU.alert_hours")]
    assert priors[SIZE].median() == pytest.approx(125.0)
    assert priors["sides.UA.alert_hours", "sides.RU.alert_hours"].support() == (0.5, 1.5)


@pytest.mark.parametrize("name", prior_names())
def test_shipped_priors_fit_their_scenarios(name):
    scenario, figures = esc.load_scenario(name), {figure.id for figure in shipped_figures()}
    assert set(scenario.figures) <= figures
    for paths, law in load_priors(name).items():
        for path in (paths,) if isinstance(paths, str) else paths:
            if path.startswith("observation."):
                assert Observation()
            else:
                scenario.replace({path: float(law.median())})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('law = "lognorm"', 'law = "lognormal"', "got 'lognormal': did you mean 'lognorm'?"),
        ('law = "lognorm"', "", "must be a table with a `law`, but got 's', 'scale', 'source'"),
        ('law = "lognorm"', 'law = "poisson"', "must be a continuous distribution"),
        ("s = 0.4", "", "`lognorm` needs `s`"),
        ("s = 0.4", "sigma = 0.4", "unknown key 'sigma'"),
        ("s = 0.4", 's = "0.4"', "`s` must be a number, but got '0.4'"),
        ("s = 0.4", "s = -0.4", "`lognorm` has no values with"),
        ('also = ["sides.RU.alert_hours"]', "also = 3", "`also` must be a list of paths"),
        ("s = 0.4", "s =", "cannot be read"),
        ("s = 0.4", "s = inf", "`s` must be a number up to 1e+100 either way, but got inf"),
        ("s = 0.4", "s = nan", "`s` must be a number up to 1e+100 either way, but got nan"),
        ("scale = 125.0", "scale = 1" + 400 * "0", "`scale` must be a number up to 1e+100"),
        ("scale = 125.0", "scale = 0", "`0 < scale` must hold, but got 0"),
        ('law = "lognorm"', 'Law = "lognorm"', "must be a table with a `law`, but got 'Law', 's'"),
        (f'["{SIZE}"]', f"[{SIZE}]", "a path must be quoted as a whole"),
        ('["sides.RU.alert_hours"]', f'["{SIZE}"]', f"one prior, but has two at {SIZE}"),
        ('["sides.RU.alert_hours"]', '["sides.UA.alert_hours"]', "one prior, but has two at"),
    ],
)
def test_priors_that_cannot_be_used(file, old, new, message):
    path = file(FILE.replace(old, new, 1))
    with pytest.raises(esc.ScenarioError, match=re.escape(message)) as caught:
        load_priors(path)
    assert str(path) in str(caught.value)


def test_a_byte_order_mark_does_no_harm(file):
    assert next(iter(load_priors(file("\ufeff" + FILE.lstrip())))) == SIZE


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("january2025", "did you mean 'january-2025'"),
        (".", "cannot be read: Is a directory"),
        ("a\0b", "cannot be read: embedded null byte"),
    ],
)
def test_a_file_that_is_not_there(path, message):
    with pytest.raises(esc.ScenarioError, match=re.escape(message)):
        load_priors(path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "observation.bias_log.UA official",
            "no figure has the claimant 'UA official': did you mean",
        ),
        ("observation.noise_sd_log.cost", "no figure has the quantity 'cost'"),
        ("sides.UA.alert_hour", "did you mean 'alert_hours'"),
    ],
)
def test_a_prior_of_what_is_not_there(file, capsys, path, message):
    priors = file(f'["{path}"]\nlaw = "uniform"\nscale = 0.5\n')
    assert main(["calibrate", "february-2023", "--priors", str(priors), "--quiet"]) == 2
    assert message in capsys.readouterr().err


def test_a_file_without_priors(file):
    with pytest.raises(esc.ScenarioError, match="must hold at least one"):
        load_priors(file(""))


def test_the_command_fits_writes_and_goes_on(tmp_path, capsys):
    out = tmp_path / "fit"
    words = ["calibrate", "january-2025", "--budget", "8000", "--out", str(out)]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "effective draws" in said and "sides.RU.plans.grid.size" in said
    assert "of 5 figures are met" in said
    names = {path.name for path in out.iterdir()}
    assert names == {
        "fit.nc", "parameters.csv", "figures.csv", "posterior.csv", "posterior.png",
        "predictive.png", "generations",
    }  # fmt: skip
    table = (out / "parameters.csv").read_bytes()
    assert main([*words, "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert (out / "parameters.csv").read_bytes() == table
    assert esc.load_fit(out / "fit.nc").fought <= 8000


@pytest.mark.parametrize("name", prior_names())
def test_shipped_posteriors_are_draws_of_their_priors(name):
    draws, priors = shipped_posterior(name), load_priors(name)
    names = [path if isinstance(path, str) else " = ".join(path) for path in priors]
    assert draws.columns.tolist() == ["chain", "draw", *names]
    assert len(draws) == 1000
    for column, law in zip(names, priors.values(), strict=True):
        low, high = law.support()
        assert draws[column].between(low, high).all()


@pytest.mark.parametrize("name", prior_names())
def test_the_numbers_of_a_calibrated_scenario_are_its_posterior_medians(name):
    scenario = esc.load_scenario(name)
    for path, (value, source) in defaults(shipped_posterior(name)).items():
        assert scenario.value(path) == value, path
        assert scenario.sources[path] == source, path


def test_an_unknown_posterior():
    with pytest.raises(esc.EscalateError, match="did you mean 'winter-2023-24'"):
        shipped_posterior("winter-2023")


def test_the_command_needs_priors(capsys):
    assert main(["calibrate", "two-equal-sides"]) == 2
    assert "has no priors: give them by --priors FILE" in capsys.readouterr().err


def test_figures_of_ones_own(tmp_path, capsys):
    text = resources.files("escalate").joinpath("data/figures/reported.csv").read_text("utf-8")
    head, *rows = text.splitlines()
    path = tmp_path / "own.csv"
    path.write_text("\n".join([head, *(row for row in rows if row.startswith("F42,"))]) + "\n")
    words = ["calibrate", "january-2025", "--figures", str(path), "--budget", "5000"]
    assert main(words) == 0
    assert "1 of 1 figures are met" in capsys.readouterr().out


def test_figures_that_are_none():
    scenario = esc.load_scenario("january-2025")
    with pytest.raises(esc.EscalateError, match="`figures` must be figures, as `read_figures`"):
        esc.calibrate(scenario, "own.csv", load_priors("january-2025"))
    with pytest.raises(esc.EscalateError, match="`load_priors` reads a file"):
        esc.calibrate(scenario, priors="own.toml")


@pytest.mark.parametrize("kept", [True, False])
def test_an_interrupted_calibration_says_what_is_kept(kept, tmp_path, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("escalate.calibration.calibrate", interrupted)
    out = ["--out", str(tmp_path / "fit")] if kept else []
    assert main(["calibrate", "january-2025", *out]) == 130
    said = capsys.readouterr().err
    assert ("goes on from what is kept in" if kept else "nothing was kept") in said


def test_a_fit_is_shown_in_a_line():
    fit = esc.calibrate(
        esc.load_scenario("january-2025"), priors=load_priors("january-2025"), budget=5_000, rng=1
    )
    assert repr(fit).startswith("<Fit: 4 parameters, 5 figures, 4,992 wars, ")
