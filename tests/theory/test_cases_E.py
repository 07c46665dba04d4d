"""Group E of the published and computed cases: experiments, random streams and documentation.

The table was taken over on 2026-11-22 from a collection evaluated independently of this library.
"""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from escalate.theory.experiments import (
    antithetic_variance,
    control_variate,
    no_event_upper,
    paired_variance_binomial,
    paired_variance_exponential,
    proportion_interval,
    replications,
)

ROOT = Path(__file__).parents[2]
PAPER = ROOT / "docs" / "paper.md"

# id: (source, inputs, expected, tolerance, relative and absolute alike)
CASES: dict[str, tuple[str, Any, Any, float]] = {
    "E01": (
        "Standard results (Law; Ross) from memory; derived and simulated here",
        {"n": 50, "p1": 0.7, "p2": 0.8, "a": 2, "b": 3},
        {
            "var_CRN": 4.5000000000000036,
            "var_independent": 18.5,
            "ratio": 4.111111111111108,
            "exp_var_CRN": 1.0,
            "exp_var_ind": 13.0,
            "var_eU": 0.24203560745276542,
            "var_antithetic_pair_mean": 0.003912496949625588,
            "control_variate_beta": 1.6903090292457295,
            "var_control_variate": 0.00394022292362875,
        },
        1e-09,
    ),
    "E03": (
        "numpy 2.4.6 bit generators; computed here",
        {"seed": 12345},
        {
            "pcg64": [0.22733602246716966, 0.31675833970975287, 0.7973654573327341],
            "spawned": [0.8699988509120198, 0.37707540876459267, 0.141339263238754],
            "philox": [0.6463801884227345, 0.7742675977164786],
            "jumped": 0.22816117474309727,
        },
        1e-15,
    ),
    "E04": (
        "Standard; Wilson and Clopper-Pearson (from memory)",
        {"sd": 12.5, "half_width": 1.0, "k": 3, "n": 200},
        {
            "n_normal": 601,
            "n_t": 603,
            "wilson": [0.00511423779325831, 0.04316572879269026],
            "clopper_pearson": [0.003104107621553509, 0.0432082819177126],
            "rule_of_three_upper_0_of_200": 0.014867039231272083,
        },
        1e-08,
    ),
    "E06": (
        "Grimm et al. 2020, JASSS 23(2)7 (S1 read via jmkorhonen.github.io ODD2020 page and "
        "jasss page header); openjournals/joss@5c61e22 docs/review_criteria.md, submitting.md "
        "(seen)",
        {},
        {
            "odd_elements": [
                "Purpose and patterns",
                "Entities, state variables, and scales",
                "Process overview and scheduling",
                "Design concepts",
                "Initialization",
                "Input data",
                "Submodels",
            ],
            "odd_design_concepts": [
                "Basic principles",
                "Emergence",
                "Adaptation",
                "Objectives",
                "Learning",
                "Prediction",
                "Sensing",
                "Interaction",
                "Stochasticity",
                "Collectives",
                "Observation",
            ],
            "joss_paper_sections": [
                "Summary",
                "Statement of need",
                "State of the field",
                "Software design",
                "Research impact statement",
                "AI usage disclosure",
            ],
            "joss_repository": [
                "OSI licence file",
                "pip-installable",
                "example usage",
                "API documentation",
                "automated tests on CI",
                "community guidelines: contribute, report, get support",
                "tagged releases or changelog",
                "public development history > 6 months before submission",
            ],
            "counts": {"odd": 7, "concepts": 11},
        },
        0,
    ),
}


def case(name: str) -> tuple[Any, Any, Any]:
    _, inputs, expected, tolerance = CASES[name]

    def close(value: Any) -> Any:
        return pytest.approx(value, rel=tolerance, abs=tolerance)

    return inputs, expected, close


def headings(path: Path, level: str) -> list[str]:
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.M | re.S)
    return re.findall(rf"^{level} (.+?) *$", text, re.M)


def test_every_case_has_a_test():
    assert {f"test_{name}" for name in CASES} <= {name[:8] for name in globals()}


def test_E01():
    given, expected, close = case("E01")
    counts = paired_variance_binomial(given["n"], given["p1"], given["p2"])
    times = paired_variance_exponential(given["a"], given["b"])
    control = control_variate(math.exp)
    # The variance of one e^U, which the two others are compared with: (e^2 - 1)/2 - (e - 1)^2.
    single = control.variance + control.coefficient**2 / 12.0
    assert {
        "var_CRN": counts.common,
        "var_independent": counts.independent,
        "ratio": counts.reduction,
        "exp_var_CRN": times.common,
        "exp_var_ind": times.independent,
        "var_eU": single,
        "var_antithetic_pair_mean": antithetic_variance(math.exp),
        "control_variate_beta": control.coefficient,
        "var_control_variate": control.variance,
    } == close(expected)


def test_E03():
    given, expected, close = case("E03")
    seed = given["seed"]
    spawned = np.random.SeedSequence(seed).spawn(3)
    assert {
        "pcg64": list(np.random.default_rng(seed).random(3)),
        "spawned": [np.random.default_rng(child).random() for child in spawned],
        "philox": list(np.random.Generator(np.random.Philox(key=seed)).random(2)),
        "jumped": np.random.Generator(np.random.PCG64(seed).jumped(1)).random(),
    } == {name: close(value) for name, value in expected.items()}


def test_E04():
    given, expected, close = case("E04")
    sd, half_width, seen, runs = (given[name] for name in ("sd", "half_width", "k", "n"))
    assert replications(sd, half_width, rule="normal") == expected["n_normal"]
    assert replications(sd, half_width) == expected["n_t"]
    assert list(proportion_interval(seen, runs)) == close(expected["wilson"])
    exact = proportion_interval(seen, runs, method="exact")
    assert list(exact) == close(expected["clopper_pearson"])
    assert no_event_upper(runs) == close(expected["rule_of_three_upper_0_of_200"])


def test_E06_the_model_is_described_by_the_odd_protocol():
    _, expected, _ = case("E06")
    elements = headings(ROOT / "docs" / "model.md", "##")
    found = [element for element in elements if element in expected["odd_elements"]]
    assert found == expected["odd_elements"]
    assert len(found) == expected["counts"]["odd"]


def test_E06_the_design_concepts_are_all_there():
    _, expected, _ = case("E06")
    text = (ROOT / "docs" / "model.md").read_text("utf-8")
    section = text.split("\n## Design concepts\n")[1].split("\n## ")[0]
    concepts = re.findall(r"^### (.+)$", section, re.M)
    assert concepts == expected["odd_design_concepts"]
    assert len(concepts) == expected["counts"]["concepts"]


def test_E06_the_paper_has_its_sections():
    _, expected, _ = case("E06")
    assert set(expected["joss_paper_sections"]) <= set(headings(PAPER, "##?"))


def test_E06_the_repository_has_what_reviewers_ask_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text("utf-8").startswith("MIT License")
    assert project["build-system"]["requires"]
    assert list((ROOT / "examples").glob("*.py"))
    assert (ROOT / "docs" / "index.md").exists()
    assert "pytest" in (ROOT / ".ci" / "run").read_text("utf-8")
    assert re.search(r"^## \[", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    community = headings(ROOT / "CONTRIBUTING.md", "##")
    assert community == ["Ask for help", "Report a problem", "Change something"]
    # Half a year of public history cannot be seen from a clone that may be shallow.
