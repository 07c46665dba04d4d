"""Escalation dynamics: published and independently computed cases, as of 2026-11-22.

Each case was worked out apart from this library; where a number was also published, its
publication is named beside it.
"""

from __future__ import annotations

import numpy as np
import pytest

from escalate.theory import branching, hawkes, ladder, memory_one, progress, richardson

CASES = {
    "B01": {
        "source": "Richardson 1939, 1960: dx/dt = k y - a x + g, dy/dt = l x - b y + h",
        "inputs": {
            "k": 0.4, "l": 0.3, "a": 0.6, "b": 0.5, "g": 10, "h": 8, "x0": 20, "y0": 5, "t": 5,
        },
        "expected": {
            "x_star": 45.555555555555564,
            "y_star": 43.333333333333336,
            "eigenvalues": [-0.9, -0.2],
            "x_t": 33.54920151083661,
            "y_t": 31.185030999514616,
            "kl_over_ab": 0.4,
        },
        "tolerance": 1e-8,
    },
    "B03": {
        "source": "Da Fonseca & Zaatour 2014; R package hawkes, the example of its help pages",
        "inputs": {"lambda0": 0.02, "alpha": 0.05, "beta": 0.06, "tau": 60.0},
        "expected": {
            "branching_ratio": 0.8333333333333334,
            "mean": 7.200000000000001,
            "variance": 69.70088715949116,
            "fano": 9.680678772151548,
            "autocorr_lag0": 0.6133336186130618,
            "autocorr_lag60": 0.33660462670250424,
        },
        "tolerance": 1e-8,
    },
    "B04": {
        "source": "Hawkes 1971; Bacry, Mastromatteo & Muzy 2015; covariance by Lyapunov equation",
        "inputs": {
            "mu": [0.3, 0.2], "G": [[0.25, 0.4], [0.55, 0.1]], "beta": 1.5, "tau": 4.0,
        },
        "expected": {
            "spectral_radius": 0.65,
            "stationary_rates": [0.7692307692307693, 0.6923076923076924],
            "cov_rate": [
                [3.5447223951027844, 2.8424660715446857], [2.842466071544686, 3.005025405701653],
            ],
            "cov_window": [
                [9.368725731929775, 6.7962806033251635], [6.7962806033251635, 7.988984416154107],
            ],
            "total_events_caused": [
                [1.978021978021978, 0.8791208791208791], [1.208791208791209, 1.6483516483516483],
            ],
            "pure_cross_critical_product": 1.0,
        },
        "tolerance": 1e-8,
    },
    "B05": {
        "source": "unit tests of the library tick, which publish both spectral radii",
        "inputs": {
            "adjacency": [
                [0.0, 0.3932146646274758, 0.07352834162150879],
                [0.4433630283079454, 0.1422465289194152, 0.2645880772877748],
                [0.3296357134687666, 0.3255186535711434, 0.0],
            ],
            "baseline": [0.22780863443882649, 0.5069081581687563, 0.7458919000889375],
            "sumexp_norms": [
                [0.0, 0.21239779464941996, 0.22639082754425802],
                [0.12229271316741752, 0.26355288823270817, 0.25735057174777487],
                [0.28286538480158896, 0.14899969847566177, 0.0],
            ],
        },
        "expected": {
            "spectral_radius": 0.6645446549735008,
            "mean_intensity": [0.9629289709301835, 1.5748240578561394, 1.5759422853660288],
            "spectral_radius_sumexp": 0.5202743505580953,
        },
        "tolerance": 1e-10,
    },
    "B07": {
        "source": "Borel 1942; Hawkes & Oakes 1974",
        "inputs": {"n": 0.6},
        "expected": {
            "P": [
                0.5488116360940264, 0.18071652714732134, 0.08926139963965672,
                0.052253541094701636, 0.03360627114830815, 0.02294668070101584,
            ],
            "mean": 2.5,
            "var": 9.374999999999998,
            "P_ge_10": 0.03509060542358111,
        },
        "tolerance": 1e-9,
    },
    "B08": {
        "source": "Johnson et al. 2011, Science 333:81-84; m and c of the last two are arbitrary",
        "inputs": {"T1": 30, "b": 0.6, "N": 20, "red_queen": {"tau1": 40, "m": -0.9, "c": 1.6}},
        "expected": {
            "T_10": 7.53565929452874,
            "cumulative_time_20": 192.47762131649532,
            "ols_intercept_bias": -0.5772156649015329,
            "ols_slope_sd": 0.36204318686513565,
            "mle_slope_sd": 0.28228391470719233,
            "red_queen_b": 0.1581460078048338,
            "red_queen_tau_15": 26.065487619574995,
        },
        "tolerance": 1e-9,
    },
    "B09": {
        "source": "Axelrod 1980; Beaufils et al. 1997; Gradual's scores are published in the "
        "library Axelrod (issue 1294 and its tests)",
        "inputs": {
            "rounds": 200,
            "order": ["AllC", "AllD", "TFT", "STFT", "TF2T", "Grim", "WSLS", "Gradual"],
        },
        "expected": {
            "row_scores": [
                [600, 0, 600, 597, 600, 600, 600, 600],
                [1000, 200, 204, 200, 208, 204, 600, 252],
                [600, 199, 600, 500, 600, 600, 600, 600],
                [602, 200, 500, 200, 602, 203, 401, 601],
                [600, 198, 600, 597, 600, 600, 600, 600],
                [600, 199, 600, 203, 600, 600, 600, 600],
                [600, 100, 600, 401, 600, 600, 600, 600],
                [600, 187, 600, 596, 600, 600, 600, 600],
            ],
            "gradual_vs_allD_20": {
                "score": 15, "opponent": 40, "moves": "CDCCDDDDCCDDDDDDDDDD",
            },
            "gradual_1000": {"vs_AllD": 983, "vs_cycler_CCD": 3596, "vs_cycler_DDC": 2302},
        },
        "tolerance": 0,
    },
    "B10": {
        "source": "Molander 1985",
        "inputs": {"eps": 0.05, "rounds": 200},
        "expected": {
            "stationary": [0.25, 0.25, 0.25, 0.25],
            "stationary_coop": 0.5,
            "mean_payoff": 2.25,
            "coop_t1": 0.95,
            "coop_t10": 0.67433922005,
            "expected_score_200": 457.93421051996603,
        },
        "tolerance": 1e-8,
    },
    "B11": {
        "source": "Molander 1985; Nowak & Sigmund 1992; q is published at brembs.net/ipd",
        "inputs": {"payoffs": {"T": 5, "R": 3, "P": 1, "S": 0}, "eps": 0.05},
        "expected": {
            "q": 0.3333333333333333,
            "gtft_coop": 0.875,
            "gtft_payoff": 2.8593749999999973,
            "self_play": {
                "TFT": {"coop": 0.4999999999999999, "payoff": 2.2500000000000004},
                "GTFT": {"coop": 0.8749999999999992, "payoff": 2.8593749999999973},
                "WSLS": {"coop": 0.8644999999999995, "payoff": 2.7764999999999986},
                "AllC": {"coop": 0.9499999999999997, "payoff": 2.9475},
                "AllD": {"coop": 0.04999999999999986, "payoff": 1.1474999999999993},
                "Grim": {"coop": 0.07250000000000026, "payoff": 1.1925000000000012},
            },
            "gtft_vs_allD": {"gtft": 0.8010000000000014, "allD": 2.450999999999996},
        },
        "tolerance": 1e-8,
    },
    "B14": {
        "source": "Kahn 1965 (44 rungs; rung 9: dramatic military confrontations); gambler's ruin",
        "inputs": {"p_up": 0.52, "start": 9, "absorbing": [0, 44]},
        "expected": {"P_top": 0.529065439022886, "E_steps": 356.9719829251744},
        "tolerance": 1e-9,
    },
}  # fmt: skip


def b01(k, l, a, b, g, h, x0, y0, t):  # noqa: E741
    matrix = richardson.reaction_matrix([[0, k], [l, 0]], [a, b])
    assert richardson.stability(matrix) == "stable node"
    x, y = richardson.equilibrium(matrix, [g, h])
    x_t, y_t = richardson.trajectory(matrix, [g, h], [x0, y0], t)
    return {
        "x_star": x,
        "y_star": y,
        "eigenvalues": richardson.eigenvalues(matrix),
        "x_t": x_t,
        "y_t": y_t,
        "kl_over_ab": richardson.reaction_ratio(matrix),
    }


def b03(lambda0, alpha, beta, tau):
    n = hawkes.branching_matrix(alpha, beta)
    mean, cov = hawkes.window_counts(lambda0, n, beta, tau)
    return {
        "branching_ratio": n[0, 0],
        "mean": mean[0],
        "variance": cov[0, 0],
        "fano": cov[0, 0] / mean[0],
        "autocorr_lag0": (hawkes.lag_covariance(lambda0, n, beta, tau) / cov)[0, 0],
        "autocorr_lag60": (hawkes.lag_covariance(lambda0, n, beta, tau, gap=60.0) / cov)[0, 0],
    }


def b04(mu, G, beta, tau):
    a, b = G[0][1], G[1][0]
    critical = branching.reproduction_number([[0, a], [1 / a, 0]])
    assert branching.reproduction_number([[0, a], [b, 0]]) == pytest.approx(np.sqrt(a * b))
    return {
        "spectral_radius": branching.reproduction_number(G),
        "stationary_rates": hawkes.stationary_rates(mu, G),
        "cov_rate": hawkes.covariance_rate(mu, G),
        "cov_window": hawkes.window_counts(mu, G, beta, tau).cov,
        "total_events_caused": branching.total_caused(G),
        "pure_cross_critical_product": critical**2,
    }


def b05(adjacency, baseline, sumexp_norms):
    return {
        "spectral_radius": branching.reproduction_number(adjacency),
        "mean_intensity": hawkes.stationary_rates(baseline, adjacency),
        "spectral_radius_sumexp": branching.reproduction_number(sumexp_norms),
    }


def b07(n):
    mean, var = branching.total_size_moments(n)
    return {
        "P": branching.total_size_pmf(np.arange(1, 7), n),
        "mean": mean,
        "var": var,
        "P_ge_10": branching.total_size_sf(9, n),
    }


def b08(T1, b, N, red_queen):
    error = progress.fit_error(N)
    exponent = progress.red_queen_exponent(red_queen["tau1"], red_queen["m"], red_queen["c"])
    return {
        "T_10": progress.interval(10, T1, b),
        "cumulative_time_20": progress.elapsed(N, T1, b),
        "ols_intercept_bias": error.intercept_bias,
        "ols_slope_sd": error.slope_sd,
        "mle_slope_sd": error.likelihood_slope_sd,
        "red_queen_b": exponent,
        "red_queen_tau_15": progress.interval(15, red_queen["tau1"], exponent),
    }


def b09(rounds, order):
    short = memory_one.play(memory_one.gradual, memory_one.always_defect, 20)
    others = {
        "vs_AllD": memory_one.always_defect,
        "vs_cycler_CCD": memory_one.cycler("CCD"),
        "vs_cycler_DDC": memory_one.cycler("DDC"),
    }
    return {
        "row_scores": memory_one.score_matrix([memory_one.EIGHT[name] for name in order], rounds),
        "gradual_vs_allD_20": {
            "score": short.scores[0], "opponent": short.scores[1], "moves": short.moves[0],
        },
        "gradual_1000": {
            name: memory_one.play(memory_one.gradual, other, 1000).scores[0]
            for name, other in others.items()
        },
    }  # fmt: skip


def b10(eps, rounds):
    tft = memory_one.MEMORY_ONE["TFT"]
    result = memory_one.long_run(tft, tft, noise=eps)
    return {
        "stationary": result.stationary,
        "stationary_coop": result.cooperation[0],
        "mean_payoff": result.payoffs[0],
        "coop_t1": memory_one.tit_for_tat_cooperation(1, eps),
        "coop_t10": memory_one.cooperation(tft, tft, 10, noise=eps)[-1, 0],
        "expected_score_200": memory_one.expected_scores(tft, tft, rounds, noise=eps)[0],
    }


def b11(payoffs, eps):
    pays = memory_one.Payoffs(**payoffs)
    q = memory_one.optimal_generosity(pays)
    vectors = {**memory_one.MEMORY_ONE, "GTFT": memory_one.generous_tit_for_tat(q)}

    def runs(a, b):
        return memory_one.long_run(vectors[a], vectors[b], noise=eps, payoffs=pays)

    alone = {name: runs(name, name) for name in vectors}
    mixed = runs("GTFT", "AllD").payoffs
    return {
        "q": q,
        "gtft_coop": alone["GTFT"].cooperation[0],
        "gtft_payoff": alone["GTFT"].payoffs[1],
        "self_play": {
            name: {"coop": run.cooperation[0], "payoff": run.payoffs[0]}
            for name, run in alone.items()
        },
        "gtft_vs_allD": {"gtft": mixed[0], "allD": mixed[1]},
    }


def b14(p_up, start, absorbing):
    bottom, top = absorbing
    return {
        "P_top": ladder.top_prob(start, top, p_up, bottom=bottom),
        "E_steps": ladder.expected_steps(start, top, p_up, bottom=bottom),
    }


def compare(got, expected, tolerance):
    if isinstance(expected, dict):
        assert got.keys() == expected.keys()
        for key, value in expected.items():
            compare(got[key], value, tolerance)
    elif isinstance(expected, str):
        assert got == expected
    else:
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    case = CASES[name]
    got = globals()[name.lower()](**case["inputs"])
    compare(got, case["expected"], case["tolerance"])
