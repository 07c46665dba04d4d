"""Checks of a calibration: they pass what is right, and catch what is not."""

import numpy as np
import pytest
from scipy import stats

import escalate as esc
from benchmarks.sbc import FIGURES, PRIORS, scenario
from escalate.calibration import SBC, recovery, rule_probabilities, sbc
from escalate.errors import EscalateError
from escalate.theory.inference import sbc_rank_pmf
from tests.toys import PRIORS as TOY_PRIORS
from tests.toys import Normal


def toy(model=None, **how):
    given = {"priors": TOY_PRIORS, "replications": 1000, "draws": 9, "points": 2_000, "wars": 1,
             "rng": 1}  # fmt: skip
    return sbc(model or Normal(0.0, (0.0,)), **{**given, **how})


@pytest.mark.parametrize(
    ("scale", "shift"), [(1.0, 0.0), (0.5, 0.0), (0.5**0.5, 0.0), (2.0, 0.0), (1.0, -0.5)]
)
def test_D13_ranks_have_their_known_law(scale, shift):
    """Chi-squared against the known law at the level 1e-3; fixed seed."""
    # An offset of half a posterior standard deviation: the datum counts half in the mean.
    found = toy(Normal(0.0, (0.0,), shift=2.0 * -shift * 0.5**0.5), scale=scale)
    law = sbc_rank_pmf(9, scale=scale, shift=shift)
    counts = np.bincount(found.ranks[:, 0], minlength=10)
    assert stats.chisquare(counts, 1000 * law).pvalue > 1e-3
    assert found.uniform(0.01) == (scale == 1.0 and shift == 0.0)


def test_ranks_do_not_tell_that_nothing_is_learned():
    """A posterior that is the prior has uniform ranks; that it says nothing is seen elsewhere."""
    sharp = toy(Normal(0.1, (0.0,)), points=4_000, wars=20, replications=500)
    blunt = toy(Normal(20.0, (0.0,)), wars=1)
    assert sharp.uniform(0.01) and blunt.uniform(0.01)
    assert sharp.recovered().loc["theta", "correlation"] > 0.6
    assert abs(blunt.recovered().loc["theta", "correlation"]) < 0.1
    assert blunt.recovered().loc["theta", "sd"] == pytest.approx(1.0, abs=0.05)


def test_parameters_are_recovered():
    table = toy().recovered()
    row = table.loc["theta"]
    assert row["correlation"] == pytest.approx(0.5**0.5, abs=0.05)
    assert row["error"] == pytest.approx(0.5**0.5, abs=0.05)
    assert row["sd"] == pytest.approx(0.5**0.5, abs=0.03)
    assert row["coverage_50"] == pytest.approx(0.5, abs=0.07)
    assert row["coverage_90"] == pytest.approx(0.9, abs=0.04)


def test_the_result_does_not_depend_on_workers():
    one, two = (
        sbc(scenario(), FIGURES, PRIORS, replications=12, points=60, wars=4, rng=1, workers=n)
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one.ranks, two.ranks)
    np.testing.assert_array_equal(one.means, two.means)


def test_a_war_with_four_parameters_is_calibrated_and_a_broken_one_caught():
    """The level is 1e-3 over all tests together; benchmarks/sbc.py does it at length."""
    how = {"replications": 150, "points": 900, "wars": 16, "draws": 19, "rng": 2,
           "together": "war"}  # fmt: skip
    right = sbc(scenario(), FIGURES, PRIORS, **how)
    assert right.uniform(1e-3), right.test()
    assert not sbc(scenario(), FIGURES, PRIORS, scale=0.4, **how).uniform(1e-3)
    table = right.recovered()
    assert (table["correlation"] > 0.4).all()


def test_the_distribution_function_of_uniform_ranks_stays_in_its_band():
    """Of 200 sets of 19 + 1 ranks about a twentieth leaves a band of 95%, no more."""
    nothing = np.zeros((300, 1))
    left = 0
    for seed in range(200):
        ranks = np.random.default_rng(seed).integers(0, 20, (300, 1))
        found = SBC(["x"], 19, ranks, nothing, nothing, nothing, nothing, nothing[:, 0], 1.0)
        at, off, band = found.ecdf()
        assert at[-1] == 1.0 and off[-1, 0] == 0.0
        left += np.abs(off).max() > band
    assert left <= stats.binom(200, 0.05).ppf(0.999)


def test_bins_divide_the_ranks():
    found = toy(replications=100, points=200)
    assert found.bins == 5 and found.histogram(0).sum() == 100
    assert len(found.histogram(0, 10)) == 10
    with pytest.raises(EscalateError, match="`bins` must divide 10"):
        found.test(bins=3)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"replications": 0}, "`replications` must be a whole number"),
        ({"draws": 1.5}, "`draws` must be a whole number"),
        ({"scale": 0.0}, "`0 < scale` must hold"),
    ],
)
def test_a_bad_check_is_refused(how, message):
    with pytest.raises(EscalateError, match=message):
        toy(**how)


def test_recovery_of_known_parameters():
    found = recovery(Normal(0.0, (0.0, 0.0)), priors=TOY_PRIORS, replications=30, rng=4,
                     budget=3_000, wars=1)  # fmt: skip
    assert len(found.fits) == 30 and list(found.table["data_set"]) == list(range(30))
    inside = found.table["inside"].sum()
    assert stats.binomtest(int(inside), 30, 0.9).pvalue > 1e-3
    assert np.corrcoef(found.table["truth"], found.table["mean"])[0, 1] > 0.6
    war = recovery(scenario(), FIGURES, PRIORS, replications=1, budget=3_000, wars=4, rng=1)
    assert list(war.table["parameter"]) == war.fits[0].names


# Which rule?

ANSWER = "sides.B.retaliations.answer.rule"
RULES = {
    "proportional": {ANSWER: esc.Rule("proportional", gain=0.5)},
    "threshold": {ANSWER: esc.Rule("threshold", level=20.0, measure="launched")},
    "none": {ANSWER: "never"},
}
BIAS = {"observation.bias_log.B officials": stats.norm(0.0, 0.2)}


def which(figures, rules=RULES, **how):
    given = {"budget": 8_000, "wars": 16, "rng": 1, "together": "war"}
    return rule_probabilities(scenario(), rules, figures, BIAS, **{**given, **how})


@pytest.fixture(scope="module")
def told():
    return which(FIGURES)


def test_a_rule_that_the_reports_rule_out_is_improbable(told):
    """Half as many came back as went out: no rule that is silent can have done that."""
    assert told.table.loc["none", "probability"] < 0.01
    assert told.table["probability"].sum() == pytest.approx(1.0)
    assert set(told.fits) == set(RULES)


def test_reports_that_tell_two_rules_apart_speak_for_one(told):
    pair = {name: RULES[name] for name in ("proportional", "none")}
    found = which(FIGURES, pair)
    assert found.verdict == "the data speak for proportional"
    assert (found.sensitivity["proportional"] > 0.95).all()
    assert list(found.sensitivity.index) == [
        "priors as given", "priors narrower by half", "priors wider by half",
        "proportional favoured 3 to 1", "none favoured 3 to 1",
    ]  # fmt: skip


def test_reports_that_have_nothing_to_do_with_the_rule_do_not_say():
    found = which(FIGURES[:4], together="exchange")
    assert found.verdict == "the data do not say"
    np.testing.assert_allclose(found.table["probability"], 1.0 / 3.0, atol=0.02)


def test_weights_move_the_probabilities_as_bayes_says(told):
    pair = {name: RULES[name] for name in ("proportional", "threshold")}
    even = which(FIGURES, pair).table["probability"]
    odd = which(FIGURES, pair, weights={"proportional": 1.0, "threshold": 4.0}).table
    odds = even["threshold"] / even["proportional"]
    assert odd.loc["threshold", "probability"] == pytest.approx(4.0 * odds / (1.0 + 4.0 * odds))


def test_bad_rules_are_refused():
    with pytest.raises(EscalateError, match="at least two rules are needed to compare, but got 1"):
        which(FIGURES, {"none": RULES["none"]})
    with pytest.raises(EscalateError, match="`weights` must give each rule a weight above 0"):
        which(FIGURES, weights={"none": 1.0})


def test_rules_may_have_priors_of_their_own():
    priors = {"proportional": {**BIAS, f"{ANSWER}.gain": stats.lognorm(0.5, scale=0.5)},
              "none": BIAS}  # fmt: skip
    rules = {name: RULES[name] for name in priors}
    found = rule_probabilities(scenario(), rules, FIGURES, priors, budget=6_000, wars=8, rng=1)
    assert [len(fit.names) for fit in found.fits.values()] == [2, 1]
