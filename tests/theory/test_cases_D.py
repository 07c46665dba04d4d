"""Group D of the published and computed cases: scores, reports and inference.

The table was taken over on 2026-11-22 from a collection evaluated independently of this library.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from escalate.scores import (
    crps,
    crps_ensemble,
    energy_score,
    energy_score_gaussian,
    interval_score,
    log_score,
)
from escalate.theory.inference import (
    abc_normal_posterior,
    chi2_noncentrality,
    effective_sample_size,
    kernel_variance,
    sbc_rank_pmf,
    sbc_rank_pmf_discrete,
)
from escalate.theory.reporting import (
    chapman,
    expected_two_list_estimates,
    heaped_pmf,
    interval_log_likelihood,
    lincoln_petersen,
    mean_from_intervals,
    negative_binomial,
    nowcast,
    point_coding,
    pool_claims,
)

# id: (source, inputs, expected, tolerance, relative and absolute alike)
CASES: dict[str, tuple[str, Any, Any, float]] = {
    "D01": (
        "Gneiting & Raftery 2007 (normal form from memory); values in "
        "frazane/scoringrules@e48aa74 tests (seen)",
        {},
        {
            "normal_0_N01": 0.23369497725510913,
            "normal_2_N1_1p5": 0.6070745661515766,
            "poisson_1_3": 1.1434474608907603,
            "nbinom_2_7_0p8": 0.38343215661081553,
            "binom_8_10_0p9": 0.6685114519095656,
            "logs_poisson_1_3": 1.9013877113318902,
            "logs_binom_8_10_0p9": 1.6413918214803824,
        },
        1e-07,
    ),
    "D02": (
        "Gneiting & Raftery 2007; ensemble numbers in frazane/scoringrules@e48aa74 tests (seen)",
        {
            "fct": [
                [0.79546742, 0.02461368],
                [0.477796, 0.7584595],
                [0.2164079, 0.318181],
                [0.5409873, 0.1319422],
            ],
            "obs": [0.2743836, 0.81464],
            "ens": [8.0, 12.0, 15.0, 15.0, 21.0, 30.0],
            "y": 18.0,
            "interval": {"obs": 0.1, "lower": 0, "upper": 0.4, "alpha": 0.5},
        },
        {
            "es": 0.39497927557617185,
            "es_fair": 0.3274584538511926,
            "crps_ens": 2.3611111111111116,
            "crps_ens_fair": 1.6000000000000005,
            "es_gauss2": 0.3670872118627422,
            "interval_score": 0.4,
        },
        1e-06,
    ),
    "D03": (
        "Interval semantics are inputs of this case; ACLED point coding as in its FAQ, 2024",
        {
            "reports": [
                ["at least 500", 500, None],
                ["about 100", 90, 110],
                ["dozens", 24, 99],
                ["nearly 50", 45, 50],
                ["more than 200", 201, None],
                ["17", 17, 17],
                ["hundreds", 200, 999],
            ],
            "k": 0.8,
            "mean": 250,
        },
        {
            "loglik_terms": [
                -1.9263700440391225,
                -2.9462399017285064,
                -1.4157733795312937,
                -3.883917062372768,
                -0.8588667072935001,
                -5.375932761527451,
                -0.9196700108357729,
            ],
            "loglik": -17.326769867328416,
            "mle_mean_k0p8": 291.09646733072293,
            "loglik_at_mle": -17.284243426286814,
            "acled_point_mean": 139.85714285714286,
        },
        1e-06,
    ),
    "D05": (
        "Heaping mixture (from memory); half rounds up",
        {"lam": 47, "weights": {"exact": 0.3, "ten": 0.5, "fifty": 0.2}},
        {
            "0": 3.314969211460698e-05,
            "40": 0.17901160659739296,
            "47": 0.017426588553806587,
            "50": 0.4636207873914804,
            "60": 0.06814424959585247,
        },
        1e-09,
    ),
    "D06": (
        "Log-normal claim model (bias + noise by claimant); conjugate algebra",
        {
            "attacker": 320,
            "defender": 90,
            "neutral": 150,
            "bias": [0.5, -0.6, 0.0],
            "sd": [0.6, 0.5, 0.3],
            "prior_median": 150,
            "prior_sd": 1,
            "bias_sd": [0.4, 0.4, 0],
        },
        {
            "post_mean_log": 5.067414235783681,
            "post_sd_log": 0.23008949665421113,
            "post_median": 158.76327173896493,
            "post_mean": 163.02194506071478,
            "uncertain_bias_mean_log": 5.053920591862669,
            "uncertain_bias_sd_log": 0.24638306334849497,
        },
        1e-08,
    ),
    "D08": (
        "Lincoln-Petersen / Chapman 1951 (from memory); expectations by hypergeometric enumeration",
        {"n1": 60, "n2": 50, "overlap": 20, "true_N_for_expectation": 150},
        {
            "LP": 150.0,
            "Chapman": 147.14285714285714,
            "var_Chapman": 384.78664192949907,
            "E_Chapman_N150": 149.99999999999983,
            "E_LP_N150": 153.2094327883244,
        },
        1e-08,
    ),
    "D10": (
        "Gamma-Poisson with reported fraction F(d) (from memory)",
        {"prior_shape": 2, "prior_rate": 0.02, "F": 0.45, "y": 60},
        {
            "mean_final": 132.5531914893617,
            "var_final": 157.45586238116795,
            "q05": 113.0,
            "q95": 154.0,
            "naive": 133.33333333333334,
        },
        1e-08,
    ),
    "D11": (
        "Beaumont et al. 2009, Toni et al. 2009 (from memory); algebra here",
        {
            "y_obs": 1.5,
            "eps": [2, 1, 0.5, 0.1],
            "weights": [0.1, 0.2, 0.3, 0.4],
            "particles": [0.2, 0.5, 0.9, 1.4],
        },
        {
            "table": {
                "2.0": {
                    "mean": 0.39874927929006443,
                    "sd": 0.8363768289566369,
                    "acceptance": 0.6314990306937097,
                },
                "1.0": {
                    "mean": 0.6368129096641895,
                    "sd": 0.7554926240645765,
                    "acceptance": 0.32328686904411064,
                },
                "0.5": {
                    "mean": 0.7195433962659177,
                    "sd": 0.7210697185826664,
                    "acceptance": 0.16110045756833413,
                },
                "0.1": {
                    "mean": 0.7487513007424402,
                    "sd": 0.7076947385902816,
                    "acceptance": 0.032149885435121206,
                },
            },
            "exact": {"mean": 0.75, "sd": 0.7071067811865476},
            "ESS": 3.333333333333333,
            "kernel_variance": 0.357,
        },
        1e-08,
    ),
    "D13": (
        "Talts et al. 2018, arXiv 1804.06788 (abstract and introduction seen): ranks uniform "
        "on 0..L when the sampler is exact; broken-sampler laws computed here",
        {
            "L": 9,
            "narrow": 0.5,
            "wide": 2.0,
            "shift_sd": -0.5,
            "discrete": {"K": 4, "n": 5, "L": 3},
        },
        {
            "correct": [
                0.09999999999999998,
                0.1,
                0.1,
                0.1,
                0.09999999999999998,
                0.1,
                0.10000000000000003,
                0.10000000000000003,
                0.10000000000000002,
                0.10000000000000002,
            ],
            "too_narrow": [
                0.2386063844059121,
                0.08658761547575414,
                0.0647760135299604,
                0.05658754020427235,
                0.05344244638410106,
                0.05344244638410107,
                0.056587540204272355,
                0.06477601352996042,
                0.08658761547575414,
                0.23860638440591214,
            ],
            "too_wide": [
                0.023425312558112553,
                0.06314501802389298,
                0.10686975556915952,
                0.14311545120881236,
                0.1634444626400222,
                0.1634444626400222,
                0.1431154512088124,
                0.1068697555691595,
                0.06314501802389298,
                0.02342531255811257,
            ],
            "shifted": [
                0.04261510512646222,
                0.05492029831377952,
                0.06496422938380189,
                0.0745857197857448,
                0.08457975336184444,
                0.0956228330585703,
                0.10862268165632741,
                0.12524397803668733,
                0.14962288710759583,
                0.19922251416918638,
            ],
            "discrete_strict_less": [
                0.5103960887024391,
                0.22169642940137324,
                0.16604034808502577,
                0.10186713381116168,
            ],
            "discrete_random_ties": [0.25, 0.25, 0.24999999999999986, 0.24999999999999997],
            "chi2_noncentrality_too_narrow_1000": 493.6919708752042,
        },
        1e-07,
    ),
}


def case(name: str) -> tuple[Any, Any, Any]:
    _, inputs, expected, tolerance = CASES[name]

    def close(value: Any) -> Any:
        return pytest.approx(value, rel=tolerance, abs=tolerance)

    return inputs, expected, close


def test_every_case_has_a_test():
    assert {f"test_{name}" for name in CASES} <= {name[:8] for name in globals()}


def test_D01():
    _, expected, close = case("D01")
    assert {
        "normal_0_N01": crps(stats.norm(0, 1), 0),
        "normal_2_N1_1p5": crps(stats.norm(1, 1.5), 2),
        "poisson_1_3": crps(stats.poisson(3), 1),
        "nbinom_2_7_0p8": crps(stats.nbinom(7, 0.8), 2),
        "binom_8_10_0p9": crps(stats.binom(10, 0.9), 8),
        "logs_poisson_1_3": log_score(stats.poisson(3), 1),
        "logs_binom_8_10_0p9": log_score(stats.binom(10, 0.9), 8),
    } == close(expected)


def test_D02():
    given, expected, close = case("D02")
    assert energy_score(given["fct"], given["obs"]) == close(expected["es"])
    assert energy_score(given["fct"], given["obs"], fair=True) == close(expected["es_fair"])
    gaussian = energy_score_gaussian([0, 0], np.eye(2), [0, 0])
    assert gaussian == close(expected["es_gauss2"])


def test_D02_of_one_quantity():
    given, expected, close = case("D02")
    assert crps_ensemble(given["ens"], given["y"]) == close(expected["crps_ens"])
    assert crps_ensemble(given["ens"], given["y"], fair=True) == close(expected["crps_ens_fair"])
    interval = given["interval"]
    score = interval_score(
        interval["lower"], interval["upper"], interval["obs"], alpha=interval["alpha"]
    )
    assert score == close(expected["interval_score"])


def test_D03():
    given, expected, close = case("D03")
    texts, low, high = zip(*given["reports"], strict=True)
    terms = interval_log_likelihood(negative_binomial(given["mean"], given["k"]), low, high)
    assert terms == close(expected["loglik_terms"])
    assert terms.sum() == close(expected["loglik"])
    best = mean_from_intervals(low, high, given["k"])
    assert best == close(expected["mle_mean_k0p8"])
    terms = interval_log_likelihood(negative_binomial(best, given["k"]), low, high)
    assert terms.sum() == close(expected["loglik_at_mle"])
    assert point_coding(texts).mean() == close(expected["acled_point_mean"])


def test_D05():
    given, expected, close = case("D05")
    shares = given["weights"]
    weights = {1: shares["exact"], 10: shares["ten"], 50: shares["fifty"]}
    reported = [int(number) for number in expected]
    pmf = heaped_pmf(stats.poisson(given["lam"]), weights, reported)
    assert pmf == close(list(expected.values()))


def test_D06():
    given, expected, close = case("D06")
    claims = [given["attacker"], given["defender"], given["neutral"]]
    known = {name: given[name] for name in ("sd", "bias", "prior_median", "prior_sd")}
    pooled = pool_claims(claims, **known)
    unsure = pool_claims(claims, **known, bias_sd=given["bias_sd"])
    assert {
        "post_mean_log": pooled.log_mean,
        "post_sd_log": pooled.log_sd,
        "post_median": pooled.median,
        "post_mean": pooled.mean,
        "uncertain_bias_mean_log": unsure.log_mean,
        "uncertain_bias_sd_log": unsure.log_sd,
    } == close(expected)


def test_D08():
    given, expected, close = case("D08")
    lists = given["n1"], given["n2"], given["overlap"]
    mean = expected_two_list_estimates(*lists[:2], given["true_N_for_expectation"])
    assert {
        "LP": lincoln_petersen(*lists).total,
        "Chapman": chapman(*lists).total,
        "var_Chapman": chapman(*lists).variance,
        "E_Chapman_N150": mean.chapman,
        "E_LP_N150": mean.lincoln_petersen,
    } == close(expected)


def test_D10():
    given, expected, close = case("D10")
    final = nowcast(
        given["y"], given["F"], prior_shape=given["prior_shape"], prior_rate=given["prior_rate"]
    )
    assert {
        "mean_final": final.mean(),
        "var_final": final.var(),
        "q05": final.ppf(0.05),
        "q95": final.ppf(0.95),
        "naive": given["y"] / given["F"],
    } == close(expected)


def test_D11():
    given, expected, close = case("D11")
    found = abc_normal_posterior(given["y_obs"], given["eps"])
    for i, row in enumerate(expected["table"].values()):
        assert {name: values[i] for name, values in found._asdict().items()} == close(row)
    exact = abc_normal_posterior(given["y_obs"], 0.0)
    assert {"mean": exact.mean, "sd": exact.sd} == close(expected["exact"])
    assert effective_sample_size(given["weights"]) == close(expected["ESS"])
    variance = kernel_variance(given["particles"], given["weights"])
    assert variance == close(expected["kernel_variance"])


def test_D13():
    given, expected, close = case("D13")
    draws = given["L"]
    narrow = sbc_rank_pmf(draws, scale=given["narrow"])
    assert sbc_rank_pmf(draws) == close(expected["correct"])
    assert narrow == close(expected["too_narrow"])
    assert sbc_rank_pmf(draws, scale=given["wide"]) == close(expected["too_wide"])
    assert sbc_rank_pmf(draws, shift=given["shift_sd"]) == close(expected["shifted"])
    assert chi2_noncentrality(narrow, 1000) == close(expected["chi2_noncentrality_too_narrow_1000"])
    values, n, draws = given["discrete"].values()
    theta = np.arange(1, values + 1) / (values + 1)
    joint = stats.binom(n, theta[:, None]).pmf(np.arange(n + 1)) / values
    below = sbc_rank_pmf_discrete(joint, draws, ties="below")
    assert below == close(expected["discrete_strict_less"])
    assert sbc_rank_pmf_discrete(joint, draws) == close(expected["discrete_random_ties"])
