"""Which rule a series follows: its likelihood against a loop, its probabilities against luck."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import escalate as esc
from escalate.calibration import SERIES_RULES, rule_recovery, series_rule_probabilities
from escalate.calibration.series_rule import SeriesModel, series_priors, shift_test
from escalate.calibration.which_rule import UNDECIDED, _compared
from escalate.errors import EscalateError

PARAMETERS = {
    "rate_per_day": 0.15, "size": 12.0, "dispersion": 2.5, "answer_prob": 0.7, "delay_days": 2.5,
    "delay_shape": 2.0, "answer_ratio": 1.4, "answer_dispersion": 4.0, "level": 1,
    "second_share": 0.3,
}  # fmt: skip


def drawn(n=60, seed=1):
    rng = np.random.default_rng(seed)
    own, other = (np.where(rng.random(n) < 0.3, 1 + rng.poisson(9, n), 0) for _ in range(2))
    return own.astype(float), other.astype(float)


def given(model, n=1):
    return {name: np.full(n, PARAMETERS[name]) for name in series_priors(model)}


def size_law(mean, k):
    law = stats.nbinom(k, k / (k + mean))
    return lambda y: law.pmf(y) / law.sf(0)


def by_loop(model, p):
    """Give the log chance of a series day by day, without trend."""
    total = 0.0
    level = model.levels[p["level"]]
    middle = model.other[model.other > 0].mean()
    delay = stats.gamma(p["delay_shape"], scale=p["delay_days"] / p["delay_shape"])
    own_size = size_law(p["size"], p["dispersion"])
    answer_size = size_law(p["size"] * p["answer_ratio"], p["answer_dispersion"])
    for day, y in enumerate(model.own):
        if math.isnan(y):
            continue
        causes = [(p["rate_per_day"], own_size)]
        if model.rule == "none":
            share = p["second_share"]
            causes = [
                (p["rate_per_day"] * (1 - share), own_size),
                (p["rate_per_day"] * share, answer_size),
            ]
        for before in range(1, 29):
            x = model.other[day - before] if day >= before else 0.0
            if model.rule == "none" or x == 0.0 or (model.rule == "threshold" and x < level):
                continue
            chance = p["answer_prob"] * (delay.cdf(before + 0.5) - delay.cdf(before - 0.5))
            law = answer_size
            if model.rule == "proportional":
                mean = p["size"] * p["answer_ratio"] * x / middle
                law = size_law(mean, p["answer_dispersion"])
            causes.append((-math.log1p(-chance), law))
        hazard = sum(h for h, _ in causes)
        if y == 0:
            total -= hazard
        else:
            size = sum(h * law(y) for h, law in causes) / hazard
            total += math.log(-math.expm1(-hazard) * size)
    return total


@pytest.mark.parametrize("rule", SERIES_RULES)
def test_the_likelihood_is_that_of_a_loop(rule):
    own, other = drawn()
    own[[3, 20]] = math.nan
    model = SeriesModel(own, other, rule)
    found = model.log_likelihood(None, given(model))
    assert found.shape == (1, 1)
    assert found[0, 0] == pytest.approx(by_loop(model, PARAMETERS), rel=1e-10)


@pytest.mark.parametrize("rule", SERIES_RULES)
def test_the_chances_of_all_that_a_day_may_bring_add_up_to_one(rule):
    own, other = drawn(30)
    total = 0.0
    for y in range(600):
        own[-1] = y
        model = SeriesModel(own, other, rule)
        total += math.exp(model.log_likelihood(None, given(model))[0, 0])
    own[-1] = math.nan
    model = SeriesModel(own, other, rule)
    assert total == pytest.approx(math.exp(model.log_likelihood(None, given(model))[0, 0]))


def test_a_trend_is_the_sides_own_and_has_mean_one():
    day = np.arange(400)
    own = np.where(np.random.default_rng(1).random(400) < 0.05 + day / 1000, 5.0 + day // 10, 0.0)
    rate, size = SeriesModel(own, own, "none")._trends
    assert rate.mean() == pytest.approx(1.0)
    assert rate[300] > 2.0 * rate[100]
    assert size[-5] > 2.0 * size[5]
    assert np.log(size).mean() == pytest.approx(0.0, abs=0.1)
    short = SeriesModel(own[:100], own[:100], "none")._trends
    assert all((part == 1.0).all() for part in short)


def simulated(rule, p, other, rng):
    """Draw a series of a rule, cause by cause."""
    model = SeriesModel(np.ones(len(other)), other, rule)
    delay = stats.gamma(p["delay_shape"], scale=p["delay_days"] / p["delay_shape"])
    chances = p["answer_prob"] * np.diff(delay.cdf(np.arange(29) + 0.5))

    def size(mean, k):
        while True:
            y = rng.negative_binomial(k, k / (k + mean))
            if y:
                return float(y)

    own = np.zeros(len(other))
    for day in range(len(other)):
        second = p["size"] * p["answer_ratio"]
        causes = [(p["rate_per_day"], p["size"], p["dispersion"])]
        if rule == "none":
            share = p["second_share"]
            causes = [
                (p["rate_per_day"] * (1 - share), p["size"], p["dispersion"]),
                (p["rate_per_day"] * share, second, p["answer_dispersion"]),
            ]
        for before in range(1, min(day, 28) + 1):
            x = other[day - before]
            if rule != "none" and x > 0 and (rule != "threshold" or x >= model.levels[p["level"]]):
                ratio = x / other[other > 0].mean() if rule == "proportional" else 1.0
                hazard = -math.log1p(-chances[before - 1])
                causes.append((hazard, second * ratio, p["answer_dispersion"]))
        hazards = np.array([h for h, *_ in causes])
        if rng.random() < -math.expm1(-hazards.sum()):
            _, mean, k = causes[rng.choice(len(causes), p=hazards / hazards.sum())]
            own[day] = size(mean, k)
    return own


def test_probabilities_are_as_often_right_as_they_say():
    """Rules and parameters from the prior: of the probabilities given to each rule, as many as
    they add up to are of the true one. Four z-tests at 4: a false alarm in 4,000 seeds."""
    rng = np.random.default_rng(5)
    priors = {
        "rate_per_day": stats.lognorm(0.3, scale=0.1), "size": stats.lognorm(0.3, scale=12.0),
        "dispersion": stats.lognorm(0.3, scale=3.0), "delay_days": stats.lognorm(0.3, scale=2.0),
        "delay_shape": stats.lognorm(0.3, scale=3.0), "answer_prob": stats.uniform(),
        "answer_ratio": stats.lognorm(0.3, scale=1.0), "second_share": stats.uniform(),
        "answer_dispersion": stats.lognorm(0.3, scale=3.0),
    }  # fmt: skip
    names = list(SERIES_RULES)
    total, variance, score = np.zeros(4), np.zeros(4), 0.0
    for _ in range(30):
        other = np.where(rng.random(80) < 0.2, 1.0 + rng.negative_binomial(2, 0.1, 80), 0.0)
        rule = str(rng.choice(names))
        p = {name: float(law.rvs(random_state=rng)) for name, law in priors.items()}
        p["level"] = int(rng.integers(len(SeriesModel(other, other, "none").levels)))
        own = simulated(rule, p, other, rng)
        if (own > 0).sum() < 2:
            continue
        found = series_rule_probabilities(own, other, priors=priors, points=1000, rng=1)
        said = found.table["probability"].to_numpy()
        true = np.array(names) == rule
        total += true - said
        variance += said * (1.0 - said)
        score += math.log(said[true][0])
    assert (np.abs(total) < 4.0 * np.sqrt(variance)).all()
    assert score > 30 * math.log(0.25)  # and better than no data


def test_two_years_of_answers_are_found_and_of_none_are_not():
    rng = np.random.default_rng(3)
    other = np.where(rng.random(730) < 0.12, 1.0 + rng.negative_binomial(2, 0.05, 730), 0.0)
    p = PARAMETERS | {"rate_per_day": 0.05, "level": 5}
    for rule in SERIES_RULES:
        own = simulated(rule, p, other, rng)
        found = series_rule_probabilities(own, other, points=4000, rng=1)
        assert found.table["probability"].idxmax() == rule
        if rule == "none":
            assert found.verdict in (UNDECIDED, "the data speak for none")
        else:
            assert found.verdict != UNDECIDED
            assert found.pvalue <= 0.05
            assert found.reciprocity() > 0.99
            assert found.fits[rule].summary().loc["answer_prob", "low"] > 0.2


@pytest.mark.parametrize("kind", ["memoryless", "growing", "weekly", "bunched"])
def test_the_shift_test_keeps_its_false_alarm(kind):
    """Of 300 pairs at 5%: 29 or more false alarms happen to one seed in 2,000."""
    from benchmarks.which_rule import calendar

    rng = np.random.default_rng(11)
    alarms = sum(
        shift_test(calendar(rng, kind, 400), calendar(rng, kind, 400)) <= 0.05 for _ in range(300)
    )
    assert alarms < 29


def test_a_shift_test_sees_the_way_of_an_answer():
    rng = np.random.default_rng(1)
    other = np.where(rng.random(300) < 0.15, 20.0, 0.0)
    own = np.roll(other, 3)
    own[100:110] = math.nan
    assert shift_test(own, other) < 0.01
    assert shift_test(other, np.roll(other, 3)) > 0.05


def test_two_regular_calendars_in_step_are_no_answer():
    day = np.arange(365)
    other, own = np.where(day % 7 == 0, 20.0, 0.0), np.where(day % 7 == 2, 15.0, 0.0)
    found = series_rule_probabilities(own, other, points=4000, rng=1)
    assert found.reciprocity() > 0.99  # which the evidence alone would take them for
    assert found.pvalue > 0.05
    assert found.verdict == UNDECIDED


def points_of(**evidence):
    z = np.random.default_rng(1).standard_normal((500, 1))
    return {name: (z, np.full(500, value)) for name, value in evidence.items()}


@pytest.mark.parametrize(
    ("evidence", "pvalue", "verdict"),
    [
        ({"none": 0.0, "a": 9.0, "b": 0.0}, 0.01, "the data speak for a"),
        ({"none": 0.0, "a": 9.0, "b": 9.0}, 0.01,
         "the data speak for an answer, but not for which rule"),
        ({"none": 0.0, "a": 9.0, "b": 9.0}, 0.2, UNDECIDED),
        ({"none": 0.0, "a": 9.0, "b": 0.0}, 0.2, UNDECIDED),
        ({"none": 9.0, "a": 0.0, "b": 0.0}, 0.2, "the data speak for none"),
        ({"none": 9.0, "a": 0.0, "b": 0.0}, 0.01, UNDECIDED),
        ({"none": 0.0, "a": 1.0, "b": 0.0}, 0.01, UNDECIDED),
        ({"none": 0.0, "a": 9.0, "b": 0.0}, None, "the data speak for a"),
    ],
)  # fmt: skip
def test_evidence_and_calendars_must_agree(evidence, pvalue, verdict):
    assert _compared(points_of(**evidence), [1.0] * 3, "none", pvalue)[2] == verdict


def test_the_same_seed_gives_the_same_probabilities():
    own, other = drawn(120)
    first, again = (
        series_rule_probabilities(own, other, points=1000, rng=4).table for _ in range(2)
    )
    assert first.equals(again)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"own": np.ones((2, 2))}, r"`own` must have shape \(days,\)"),
        ({"own": np.ones(3)}, "must have one shape"),
        ({"own": -np.ones(60)}, "`0 <= own` must hold"),
        ({"own": np.full(60, 0.5)}, "`own` must be whole numbers of weapons"),
        ({"own": np.full(60, math.inf)}, "`own` must be finite"),
        ({"other": np.append(np.ones(59), math.nan)}, "1 of 60 are missing, the first day 59"),
        ({"other": np.full(60, math.nan)}, "every day is missing"),
        ({"other": np.zeros(60)}, "the least to weigh a rule with"),
        ({"rules": ["none"]}, "`rules` must be two or more"),
        ({"rules": ["none", "tit-for-tat"]}, "did you mean 'tit_for_tat'"),
        ({"priors": {"delay": stats.norm()}}, "unknown parameter 'delay'"),
        ({"weights": {"none": 1.0}}, "`weights` must give each rule"),
    ],
)  # fmt: skip
def test_what_cannot_be_weighed_is_refused(change, message):
    own, other = drawn()
    how = {"own": own, "other": other, "points": 1000, "rng": 1} | change
    with pytest.raises(EscalateError, match=message):
        series_rule_probabilities(how.pop("own"), how.pop("other"), **how)


def test_series_of_other_days_are_refused():
    own, other = drawn()
    days = pd.date_range("2024-01-01", periods=60)
    for wrong in (days + pd.Timedelta(days=1), days[::-1]):
        with pytest.raises(EscalateError, match="must be of the same days in one order"):
            series_rule_probabilities(
                pd.Series(own, days), pd.Series(other, wrong), points=1000, rng=1
            )
    same = series_rule_probabilities(
        pd.Series(own, days), pd.Series(other, days), points=1000, rng=1
    )
    assert same.table.equals(series_rule_probabilities(own, other, points=1000, rng=1).table)


def test_the_answer_is_told_in_a_sentence():
    own, other = drawn()
    found = series_rule_probabilities(own, other, points=1000, rng=1)
    assert found.text().startswith(found.verdict)
    assert f"p = {found.pvalue:.3f}" in found.text()
    assert repr(found) == f"<RuleProbabilities: {found.text()}>"


def test_a_fit_to_a_series_is_refused_where_figures_are_needed(tmp_path):
    own, other = drawn()
    fit = series_rule_probabilities(own, other, points=1000, rng=1).fits["none"]
    with pytest.raises(EscalateError, match="a fit to a series cannot be saved"):
        fit.save(tmp_path / "fit.nc")
    assert not list(tmp_path.iterdir())
    with pytest.raises(EscalateError, match="none to leave out"):
        fit.leave_out()


def test_the_shift_test_needs_two_series_of_one_length():
    with pytest.raises(EscalateError, match="must have one shape"):
        shift_test(np.ones(5), np.ones(6))


# Recovery from reports.


def test_rules_are_recovered_from_reports_and_for_any_number_of_workers():
    scenario = esc.load_scenario("february-2023")
    path = "sides.UA.targets.pokrovsk.killed_per_hit"
    rules = {"few": {path: 0.02}, "many": {path: 5.0}}
    prior = {"sides.RU.severity_dispersion": stats.lognorm(0.1, scale=5.0)}
    found, again = (
        rule_recovery(
            scenario, rules, priors=prior, replications=20, points=150, rng=1, workers=workers,
            none="few",
        )
        for workers in (1, 2)
    )  # fmt: skip
    assert found.table.equals(again.table)
    assert found.confusion().to_numpy().sum() == 40
    assert np.diag(found.confusion()).sum() > 30
    assert found.verdicts().to_numpy().sum() == 40
    assert 0.0 <= found.false_alarms("few") < 0.2
    assert repr(found) == "<RuleRecovery: 40 data sets of few, many>"
    told = found.reliability()
    assert told["count"].sum() == 80
    assert (np.abs(told["said"] - told["true"]) < 4.0 * told["error"] + 0.05).all()
