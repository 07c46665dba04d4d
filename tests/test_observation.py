"""How reports come from what happened, against dated cases and against itself drawn."""

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from scipy import special, stats

import escalate as esc
from escalate.errors import EscalateError, ScenarioError
from escalate.figures import RELATIONS, shipped_figures
from escalate.metrics import QUANTITIES
from escalate.observation import (
    NOISE_SD_LOG,
    Observation,
    exchanges,
    superseded,
    three_way_log_likelihood,
)
from escalate.theory.reporting import nowcast, pool_claims

SHARP = {"noise_sd_log": dict.fromkeys(NOISE_SD_LOG, 0.0), "bias_sd_log": 0.0, "lapse_prob": 0.0}
KILLED = replace(shipped_figures()[3], claimed_on=None)  # exactly 3, so sharp a claim is final


def figure(relation, low, high, **changes):
    return replace(KILLED, relation=relation, low=low, high=high, **changes)


def sharp(**changes):
    return Observation(**{**SHARP, **changes})


def chance(law, seen, said, most=20_000):
    """Give the chance of a report of a count of a given law."""
    x = np.arange(most + 1.0)
    with np.errstate(divide="ignore"):
        log = law.logpmf(x) + seen.log_likelihood(x[:, None], [said])[:, 0]
    return special.logsumexp(log)


# Dated cases.


def test_D03_vague_words_are_intervals():
    law = stats.nbinom(0.8, 0.8 / (0.8 + 250))
    reports = [
        figure("at_least", 500, None), figure("about", 100, 100), figure("dozens", 24, 99),
        figure("nearly", 50, 50), figure("more_than", 200, None), figure("exactly", 17, 17),
        figure("hundreds", 200, 999),
    ]  # fmt: skip
    expected = [
        -1.9263700440391225, -2.9462399017285064, -1.4157733795312937, -3.883917062372768,
        -0.8588667072935001, -5.375932761527451, -0.9196700108357729,
    ]  # fmt: skip
    found = [chance(law, sharp(), report) for report in reports]
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("said", "expected"),
    [(0, 3.314969211460698e-05), (40, 0.17901160659739296), (47, 0.017426588553806587),
     (50, 0.4636207873914804), (60, 0.06814424959585247)],
)  # fmt: skip
def test_D05_some_reporters_round(said, expected):
    seen = sharp(heaping={1: 0.3, 10: 0.5, 50: 0.2})
    found = chance(stats.poisson(47), seen, figure("exactly", said, said), most=400)
    assert math.exp(found) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("doubt", [0.0, 0.4])
def test_D06_claimants_of_different_bias_are_pooled(doubt):
    # A count is named as a whole number, which at these sizes costs no more than 1e-5.
    log = np.linspace(math.log(10.0), math.log(3000.0), 20_001)
    belief = stats.norm.logpdf(log, math.log(150.0), 1.0)
    claims = (("attacker", 320, 0.5, 0.6), ("defender", 90, -0.6, 0.5), ("neutral", 150, 0.0, 0.3))
    for who, said, bias, sd in claims:
        doubtful = doubt if bias else 0.0
        seen = sharp(noise_sd_log={"killed": math.hypot(sd, doubtful)}, bias_log={who: bias})
        report = figure("exactly", said, said, claimant=who)
        belief = belief + seen.log_likelihood(np.exp(log)[:, None], [report])[:, 0]
    weight = np.exp(belief - special.logsumexp(belief))
    mean = float(weight @ log)
    known = pool_claims(
        [320, 90, 150], sd=[0.6, 0.5, 0.3], bias=[0.5, -0.6, 0.0], bias_sd=[doubt, doubt, 0.0],
        prior_median=150, prior_sd=1.0,
    )  # fmt: skip
    assert mean == pytest.approx(float(known.log_mean), abs=1e-4)
    assert math.sqrt(weight @ (log - mean) ** 2) == pytest.approx(float(known.log_sd), abs=1e-4)


def test_a_bias_that_is_not_given_is_as_uncertain_as_one_is_told():
    report = figure("exactly", 100, 100)
    x = np.linspace(50.0, 200.0, 31)[:, None]
    wide = sharp(noise_sd_log={"killed": math.hypot(0.3, 0.4)}, bias_log={report.claimant: 0.0})
    doubted = sharp(noise_sd_log={"killed": 0.3}, bias_sd_log=0.4)
    np.testing.assert_allclose(
        doubted.log_likelihood(x, [report]), wide.log_likelihood(x, [report]), rtol=1e-12
    )


def test_D10_a_count_still_being_revised():
    seen = sharp(reported_share={"killed": 0.45})
    x = np.arange(1000.0)
    prior = stats.nbinom(2, 0.02 / 1.02).logpmf(x)
    log = prior + seen.log_likelihood(x[:, None], [figure("exactly", 60, 60)])[:, 0]
    weight = np.exp(log - special.logsumexp(log))
    mean = float(weight @ x)
    known = nowcast(60, 0.45, prior_shape=2, prior_rate=0.02)
    assert mean == pytest.approx(132.5531914893617, abs=1e-6)
    assert float(weight @ (x - mean) ** 2) == pytest.approx(157.45586238116795, abs=1e-5)
    quantiles = [x[np.searchsorted(np.cumsum(weight), level)] for level in (0.05, 0.95)]
    assert quantiles == [113.0, 154.0] == list(known.ppf([0.05, 0.95]))


def named(x, share, bias, sd, most):
    """Give the chance of each number named, by counting out how many cases are known."""
    out = np.zeros(most + 1)
    for k in range(x + 1):
        chance = math.comb(x, k) * share**k * (1.0 - share) ** (x - k)
        if k == 0 or sd == 0.0:
            out[math.floor(k * math.exp(bias) + 0.5)] += chance
        else:
            law = stats.lognorm(sd, scale=k * math.exp(bias))
            out += chance * np.diff(law.cdf(np.append(0.0, np.arange(most + 1) + 0.5)))
    return out


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.85, 0.999, 1.0])
@pytest.mark.parametrize("x", [1, 3, 10, 40])
@pytest.mark.parametrize(("bias", "sd"), [(0.0, 0.1), (0.4, 0.3), (-0.5, 0.0)])
def test_small_counts_are_counted_out(x, share, bias, sd):
    seen = sharp(
        reported_share={"killed": share}, noise_sd_log={"killed": sd},
        bias_log={KILLED.claimant: bias},
    )  # fmt: skip
    law = named(x, share, bias, sd, 400)
    for low, high in ((0, 0), (1, 1), (x, x), (2, 9), (5, math.inf), (0, 3)):
        inside = 1.0 - law[:low].sum() if high == math.inf else law[low : high + 1].sum()
        told = seen.log_likelihood([[float(x)]], [figure("exactly", 1, 1)], [[low, high]])
        assert math.exp(told[0, 0]) == pytest.approx(inside, abs=1e-9)


@pytest.mark.parametrize(("x", "share"), [(41, 0.85), (100, 0.51), (1000, 0.1)])
def test_large_counts_are_nearly_log_normal(x, share):
    seen = sharp(reported_share={"killed": share}, noise_sd_log={"killed": 0.1})
    cells = [[v, v] for v in range(3 * x)]
    each = [figure("exactly", 1, 1)] * len(cells)
    told = np.exp(seen.log_likelihood(np.full((1, len(cells)), float(x)), each, cells))[0]
    law = named(x, share, 0.0, 0.1, len(cells) - 1)
    assert 0.5 * np.abs(told - law).sum() < 0.015  # total variation


def test_nothing_known_is_reported_as_nothing():
    x = np.array([[0.0], [1.0], [5000.0]])
    seen = sharp(reported_share={"killed": 0.0}, noise_sd_log={"killed": 0.2})
    for zero in (figure("exactly", 0, 0), figure("at_most", None, 0), figure("less_than", None, 1),
                 figure("about", 0, 0), figure("at_least", 0, None)):  # fmt: skip
        assert (seen.log_likelihood(x, [zero]) == 0.0).all()
    for more in (figure("at_least", 1, None), figure("more_than", 0, None), figure("tens", 20, 99)):
        assert (seen.log_likelihood(x, [more]) == -math.inf).all()
    assert (seen.said(x, [KILLED], rng=1) == 0.0).all()


def test_a_point_is_judged_by_itself():
    """Without noise or bias at one point, and with at another."""
    x = np.array([[[10.0], [80.0]], [[10.0], [80.0]]])
    bias = np.array([[0.0], [0.3]])
    both = sharp(reported_share={"killed": 0.5}, bias_log={KILLED.claimant: bias})
    found = both.log_likelihood(x, [figure("exactly", 40, 40)])
    for k in range(2):
        alone = replace(both, bias_log={KILLED.claimant: float(bias[k, 0])})
        expected = alone.log_likelihood(x[k], [figure("exactly", 40, 40)])
        np.testing.assert_allclose(found[k], expected, rtol=1e-12)
    assert found[0, 1, 0] == pytest.approx(stats.binom(80, 0.5).logpmf(40))


@pytest.mark.parametrize("heaping", [{1: 0.3, 10: 0.5, 50: 0.2}, {10: 1.0}, {3: 0.5, 4: 0.5}])
def test_whoever_rounds_rounds_what_is_made_up_as_well(heaping):
    """All reports together, and the one that is missing, have a chance of 1."""
    seen = Observation(heaping=heaping, lapse_prob=0.3, noise_sd_log={"killed": 0.3})
    cells = np.arange(10_051.0)[:, None] * [1.0, 1.0]
    each = [figure("exactly", 1, 1)] * len(cells)
    for truth in (0.0, 4.0, 47.0):
        told = seen.log_likelihood(np.full((1, len(cells)), truth), each, cells)
        assert np.exp(told).sum() + 0.15 == pytest.approx(1.0, abs=1e-9)
        assert set(cells[told[0] > -math.inf, 0] % min(heaping)) == {0.0} or 3 in heaping


# What is drawn is what is thought likely.


def told(relation, low, high):
    """Give wordings of killed, of hours and of a share."""
    yield figure(relation, low, high)
    if relation not in ("tens", "dozens", "several_dozen", "hundreds"):
        yield figure(relation, low, high, quantity="duration", unit="hours")


WORDINGS = [
    *told("exactly", 30, 30), *told("about", 30, 30), *told("nearly", 30, 30),
    *told("at_least", 30, None), *told("more_than", 30, None), *told("at_most", None, 30),
    *told("less_than", None, 30), *told("tens", 20, 99), *told("dozens", 24, 99),
    *told("several_dozen", 36, 96), *told("hundreds", 200, 999),
    figure("about", 0.7, 0.7, quantity="intercepted_fraction", unit="fraction"),
]  # fmt: skip


def test_every_relation_is_worded():
    assert {said.relation for said in WORDINGS} == set(RELATIONS)


# Reports of "about" and "nearly" overlap, so that their chances do not add up to 1.
@pytest.mark.parametrize(
    "said",
    [f for f in WORDINGS if f.relation not in ("about", "nearly")],
    ids=lambda f: f"{f.relation} {f.unit}",
)
def test_reports_are_drawn_as_often_as_they_are_likely(said):
    """Chi-squared over the reports drawn; 15 tests at the level 1e-4, with a fixed seed."""
    truth = 31.0
    seen = Observation(noise_sd_log={**NOISE_SD_LOG, "killed": 0.2, "duration": 0.2})
    drawn = seen.simulate(np.full((4000, 1), truth), [said], rng=1)[:, 0]
    drawn = np.where(np.isnan(drawn), -1.0, drawn)
    reports, counts = np.unique(drawn, axis=0, return_counts=True)
    expected = []
    for report in reports:
        one = np.where(report < 0.0, math.nan, report)
        expected.append(4000 * np.exp(seen.log_likelihood([[truth]], [said], [one])[0, 0]))
    expected = np.array(expected)
    enough = expected >= 5.0
    rest = 4000 - expected[enough].sum()
    value = ((counts[enough] - expected[enough]) ** 2 / expected[enough]).sum()
    assert rest > -1e-6 * 4000
    assert stats.chi2.sf(value, enough.sum()) > 1e-4


@pytest.mark.parametrize("relation", ["about", "nearly"])
def test_a_rounded_number_admits_what_it_was_rounded_from(relation):
    seen = sharp()
    for said in told(relation, 30, 30):
        truths = np.linspace(5.0, 90.0, 86)[:, None]
        for x, (low, high) in zip(truths[:, 0], seen.simulate(truths, [said], rng=2)[:, 0],
                                  strict=True):  # fmt: skip
            assert low <= x <= high


def test_numbers_are_said_with_bias_and_known_share():
    seen = Observation(bias_log={KILLED.claimant: 0.3}, reported_share={"killed": 0.5})
    said = seen.said(np.full((40_000, 1), 200.0), [KILLED], rng=1)[:, 0]
    assert np.log(said).mean() == pytest.approx(0.3 + math.log(100.0), abs=0.005)
    spread = math.sqrt(NOISE_SD_LOG["killed"] ** 2 + 0.5 / 100.0)  # the binomial's, and noise
    assert np.log(said).std() == pytest.approx(spread, rel=0.03)


def test_nothing_happened_is_reported_as_nothing():
    seen = sharp(noise_sd_log={"killed": 0.5})
    x = np.array([[0.0]])
    assert seen.log_likelihood(x, [figure("exactly", 0, 0)])[0, 0] == 0.0
    assert seen.log_likelihood(x, [figure("at_least", 1, None)])[0, 0] == -math.inf


def test_a_missing_answer_is_missing_in_the_reports():
    delay = next(f for f in shipped_figures() if f.quantity == "response_delay")
    nothing = np.array([[math.nan]])
    seen = Observation()
    missing = seen.log_likelihood(nothing, [delay], [[math.nan, math.nan]])[0, 0]
    assert math.exp(missing) == pytest.approx(1.0 - 0.02 + 0.01)
    assert seen.log_likelihood(nothing, [delay])[0, 0] < math.log(0.02)
    assert np.isnan(Observation(lapse_prob=0.0).simulate(nothing, [delay], rng=1)).all()


def test_early_counts_are_a_growing_part():
    seen = Observation()
    shares = [
        float(seen.known_share(replace(KILLED, claimed_on=KILLED.date_end + timedelta(days=d))))
        for d in (0, 1, 3, 30)
    ]
    assert shares[0] == 0.85 and shares == sorted(shares)
    assert shares[1] == pytest.approx(1.0 - 0.15 * math.exp(-1.0 / 1.5))
    assert shares[3] == pytest.approx(1.0, abs=1e-6)
    assert (
        float(seen.known_share(replace(KILLED, quantity="hits", claimed_on=date(2030, 1, 1)))) == 1
    )


def test_parameters_may_differ_from_point_to_point():
    x = np.full((3, 2, 1), 40.0)
    bias = np.array([[-0.2], [0.0], [0.2]])
    path = f"observation.bias_log.{KILLED.claimant}"
    report = figure("exactly", 45, 45)
    together = Observation().replace({path: bias}).log_likelihood(x, [report])
    for k in range(3):
        alone = Observation().replace({path: float(bias[k, 0])}).log_likelihood(x[k], [report])
        np.testing.assert_array_equal(together[k], alone)


# Which figures count, and together.


def test_a_revised_figure_is_superseded_by_its_own_claimant_alone():
    names = [f.id for f in superseded(shipped_figures())]
    assert names == ["F12", "F14"]
    later = [
        replace(f, claimant="somebody else") if f.id == "F14" else f for f in shipped_figures()
    ]
    assert superseded(later) == ()


def test_two_claims_about_one_event_are_of_one_exchange():
    parts = exchanges(shipped_figures())
    assert sorted(f.id for part in parts.values() for f in part) == [
        f.id for f in shipped_figures()
    ]
    where = {f.id: name for name, part in parts.items() for f in part}
    for found in esc.disagreements(shipped_figures()):
        assert where[found.earlier.id] == where[found.later.id]


# Three ways to end.


def test_three_ways_are_those_of_scipy():
    counts = np.array([[87, 4, 9], [0, 0, 0], [5, 0, 1]])
    shares = np.array([0.85, 0.05, 0.1])
    found = three_way_log_likelihood(counts, shares)
    expected = [stats.multinomial(n.sum(), shares).logpmf(n) for n in counts]
    np.testing.assert_allclose(found, expected, atol=1e-10)
    found = three_way_log_likelihood(counts[[0, 2]], shares, 30.0)
    expected = [
        stats.dirichlet_multinomial(30.0 * shares, n.sum()).logpmf(n) for n in counts[[0, 2]]
    ]
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("concentration", [1e-6, 1.0, 1e4, 1e9, 1e13, 1e100])
def test_raids_that_differ_wildly_or_hardly(concentration):
    """A product of rising factorials, factor by factor, each over the concentration."""
    counts, shares = [87, 4, 9], [0.85, 0.05, 0.1]
    expected = special.gammaln(101.0) - sum(special.gammaln(n + 1.0) for n in counts)
    for n, p in zip(counts, shares, strict=True):
        expected += np.log(p + np.arange(n) / concentration).sum()
    expected -= np.log1p(np.arange(100) / concentration).sum()
    found = three_way_log_likelihood(counts, shares, concentration)
    assert found == pytest.approx(expected, rel=1e-7)


def test_a_way_that_is_out_of_the_question():
    found = three_way_log_likelihood([[5, 1, 0], [5, 0, 0], [0, 0, 0]], [1.0, 0.0, 0.0], 3.0)
    assert found.tolist() == [-math.inf, 0.0, 0.0]


@pytest.mark.parametrize(
    ("counts", "shares", "concentration", "message"),
    [
        ([1, 2], [0.5, 0.5], 1.0, "must have shape"),
        ([1, 2, 0.5], [0.5, 0.3, 0.2], 1.0, "whole numbers"),
        ([1, 2, 3], [0.5, 0.3, 0.1], 1.0, "add up to 1"),
        ([1, 2, 3], [0.5, 0.3, 0.2], 0.0, "`0 < concentration` must hold"),
    ],
)
def test_three_ways_are_checked(counts, shares, concentration, message):
    with pytest.raises(EscalateError, match=message):
        three_way_log_likelihood(counts, shares, concentration)


# What is refused.


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lapse_prob": 1.5}, r"`0 <= lapse_prob <= 1` must hold, but got 1.5 at observation"),
        ({"first_share": -0.1}, "first_share"),
        ({"noise_sd_log": {"killed": math.inf}}, "noise_sd_log.killed"),
        ({"noise_sd_log": {"kiled": 0.1}}, "did you mean 'killed'"),
        ({"heaping": {1: 0.5}}, "add up to 1"),
        ({"heaping": {0: 1.0}}, "whole numbers of 1 or more"),
    ],
)
def test_a_bad_model_is_refused(changes, message):
    with pytest.raises(EscalateError, match=message):
        Observation(**changes)


@pytest.mark.parametrize(
    "path", ["observation.lapse", "observation.bias_log", "observation.lapse_prob.x", "sides.A",
             "observation.heaping.1"],
)  # fmt: skip
def test_an_unknown_path_is_refused(path):
    with pytest.raises(ScenarioError, match="unknown path"):
        Observation().replace({path: 0.1})


def test_shapes_are_checked():
    with pytest.raises(EscalateError, match="must have shape"):
        Observation().log_likelihood([[1.0, 2.0]], [KILLED])
    with pytest.raises(EscalateError, match="`reports` must have shape"):
        Observation().log_likelihood([[1.0]], [KILLED], [[1.0]])
    with pytest.raises(EscalateError, match=r"must have shape \(n, 1\)"):
        Observation().simulate([1.0], [KILLED])


def test_every_quantity_has_a_noise():
    assert set(NOISE_SD_LOG) == set(QUANTITIES)
