"""Group C of the published and computed cases: stockpiles.

The table was taken over on 2026-11-22 from a collection evaluated independently of this library.
"""

from __future__ import annotations

import pytest
from scipy import stats

from escalate.theory.stockpiles import (
    depletion_time,
    fluid_depletion_time,
    launcher_attrition,
    newsvendor,
    newsvendor_cost,
    pipeline_stock,
    proportional_stock,
)

# id: (source, inputs, expected, tolerance, relative and absolute alike)
CASES = {
    "C01": (
        "Snyder & Shen Examples 4.1, 4.3, 4.7 as in LarrySnyder/stockpyl@0bae176 "
        "(docstrings/tests of Snyder & Shen textbook examples, seen)",
        {
            "normal": {"h": 0.18, "p": 0.7, "mu": 50.0, "sd": 8.0},
            "poisson": [{"h": 1, "p": 4, "lam": 6}, {"h": 0.18, "p": 0.7, "lam": 50}],
        },
        {
            "S_normal": 56.60395592743389,
            "cost_normal": 1.9976051931766445,
            "cost_at_60": 2.156131552870387,
            "S_poisson6": 8,
            "cost_poisson6": 3.570106945770941,
            "S_poisson50": 56,
            "cost_poisson50": 1.7972352118092125,
        },
        1e-08,
    ),
    "C03": (
        "Renewal first passage (from memory); fluid balance; simulated",
        {
            "discrete": {"S0": 100, "daily_mean": 7},
            "fluid": {"S0": 1000, "fire": 40, "production": 10},
            "proportional": {"S0": 1000, "fraction": 0.05, "production": 10, "days": 60},
        },
        {
            "E_days": 14.78571428571425,
            "P_day14": 0.24789412035548442,
            "P_day15": 0.26693480088516197,
            "fluid_days": 33.333333333333336,
            "proportional_day60": 236.85583918956155,
            "proportional_limit": 200.0,
        },
        1e-08,
    ),
    "C05": (
        "Palm's theorem / METRIC (Sherbrooke 1968; from memory), simulated with gamma lead "
        "times (insensitivity)",
        {"rate": 3, "lead": 4, "base_stock": 15},
        {"EBO": 0.40194039911021384, "fill_rate": 0.7720245323035448},
        1e-09,
    ),
    "C06": (
        "Geometric survival; computed here",
        {"launchers": 100, "loss_per_cycle": 0.08, "cycles": 20},
        {
            "mean": 1014.1333385465041,
            "variance": 4619.8693834614905,
            "half_life_cycles": 8.31295041412083,
        },
        1e-09,
    ),
}


def c01(i):
    bell = i["normal"]
    demand = stats.norm(bell["mu"], bell["sd"])
    best = newsvendor(bell["h"], bell["p"], demand)
    small, large = (newsvendor(j["h"], j["p"], stats.poisson(j["lam"])) for j in i["poisson"])
    return {
        "S_normal": best.level,
        "cost_normal": best.cost,
        "cost_at_60": newsvendor_cost(60.0, bell["h"], bell["p"], demand),
        "S_poisson6": small.level,
        "cost_poisson6": small.cost,
        "S_poisson50": large.level,
        "cost_poisson50": large.cost,
    }


def c03(i):
    time = depletion_time(i["discrete"]["S0"], i["discrete"]["daily_mean"])
    chance = dict(zip(time.days.tolist(), time.pmf.tolist(), strict=True))
    fluid, share = i["fluid"], i["proportional"]
    days = [share["days"], float("inf")]
    then, limit = proportional_stock(share["S0"], share["fraction"], share["production"], days)
    return {
        "E_days": time.mean,
        "P_day14": chance[14],
        "P_day15": chance[15],
        "fluid_days": fluid_depletion_time(fluid["S0"], fluid["fire"], fluid["production"]),
        "proportional_day60": then,
        "proportional_limit": limit,
    }


def c05(i):
    stock = pipeline_stock(i["rate"], i["lead"], i["base_stock"])
    return {"EBO": stock.backorders, "fill_rate": stock.fill_rate}


def c06(i):
    fired = launcher_attrition(i["launchers"], i["loss_per_cycle"], i["cycles"])
    return {
        "mean": fired.mean,
        "variance": fired.variance,
        "half_life_cycles": fired.half_life,
    }


EVALUATE = {
    name.upper(): evaluate for name, evaluate in list(globals().items()) if name.upper() in CASES
}


@pytest.mark.parametrize("case", CASES)
def test_case(case):
    source, inputs, expected, tolerance = CASES[case]
    assert source
    found = flat(EVALUATE[case](inputs))
    assert found == pytest.approx(flat(expected), rel=tolerance, abs=tolerance)


def flat(value, path=""):
    """Spread nested results out, so that one comparison names every number that is off."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in flat(item, f"{path}.{key}").items()}
    if isinstance(value, list):
        return {k: v for i, item in enumerate(value) for k, v in flat(item, f"{path}[{i}]").items()}
    return {path: float(value)}
