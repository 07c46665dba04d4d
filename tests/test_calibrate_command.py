"""Priors stated in a file, and the command that calibrates."""

import re

import pytest

import escalate as esc
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
        ('law = "lognorm"', "", "must be a continuous distribution of scipy.stats, but got None"),
        ('law = "lognorm"', 'law = "poisson"', "must be a continuous distribution"),
        ("s = 0.4", "", "`lognorm` needs `s`"),
        ("s = 0.4", "sigma = 0.4", "unknown key 'sigma'"),
        ("s = 0.4", 's = "0.4"', "`s` must be a number, but got '0.4'"),
        ("s = 0.4", "s = -0.4", "`lognorm` has no values with"),
        ('also = ["sides.RU.alert_hours"]', "also = 3", "`also` must be a list of paths"),
        ("s = 0.4", "s =", "cannot be read"),
    ],
)
def test_priors_that_cannot_be_used(file, old, new, message):
    path = file(FILE.replace(old, new, 1))
    with pytest.raises(esc.ScenarioError, match=re.escape(message)) as caught:
        load_priors(path)
    assert str(path) in str(caught.value)


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


def test_an_unknown_posterior():
    with pytest.raises(esc.EscalateError, match="did you mean 'winter-2023-24'"):
        shipped_posterior("winter-2023")


def test_the_command_needs_priors(capsys):
    assert main(["calibrate", "two-equal-sides"]) == 2
    assert "has no priors: give them by --priors FILE" in capsys.readouterr().err
