"""Calibrate the winter of 2023-24 against its 38 reported figures.

    python benchmarks/fit_winter.py [--quick] [--rules] [--sbc] > benchmarks/fit_winter.txt

The priors are broad: chances of interception are known to about 0.15, sizes of salvos to a factor
of 1.5, casualties of a hit to a factor of 2. Printed is what was learned, every figure against
what is predicted for it, with widths, and each exchange predicted from the others. With --rules
it is asked as well which rule made Ukraine shell the border city; with --sbc the method is checked
on reports simulated of this war.
"""

import resource
import sys
import time

import pandas as pd
from scipy import stats

import escalate as esc
from escalate.calibration import calibrate, rule_probabilities, sbc

pd.set_option("display.width", 200, "display.max_columns", 20, "display.max_rows", 99)


def chance(middle):
    """Give a prior of a probability, known to about 0.15."""
    return stats.beta(8.0 * middle, 8.0 * (1.0 - middle))


def factor(middle, by):
    """Give a prior of a number known to a factor, with a chance of two in three."""
    return stats.lognorm(by, scale=middle)


PRIORS = {
    "sides.UA.layers.medium_range.kill_prob.cruise": chance(0.7),
    "sides.UA.layers.long_range.kill_prob.hypersonic": chance(0.8),
    "sides.RU.layers.border_city.kill_prob.ballistic": chance(0.8),
    "sides.RU.layers.hinterland.kill_prob.drone": chance(0.8),
    ("sides.UA.targets.kyiv.killed_per_hit", "sides.UA.targets.kharkiv.killed_per_hit"):
        factor(0.35, 0.7),
    ("sides.UA.targets.dnipro.killed_per_hit", "sides.UA.targets.odesa.killed_per_hit"):
        factor(1.5, 0.7),
    ("sides.UA.targets.kyiv.injured_per_hit", "sides.UA.targets.kharkiv.injured_per_hit"):
        factor(6.0, 0.7),
    "sides.RU.targets.border_city.killed_per_hit": factor(1.0, 0.7),
    "sides.RU.plans.vowed.size": factor(90.0, 0.4),
    "sides.UA.plans.border_city.size": factor(30.0, 0.4),
    "observation.bias_log.UA officials": stats.norm(0.0, 0.2),
}  # fmt: skip

ANSWER = "sides.UA.retaliations.red_line.rule"
RULES = {
    "threshold": {ANSWER: esc.Rule("threshold", level=15.0, measure="killed")},
    "proportional": {ANSWER: esc.Rule("proportional", gain=0.75, measure="killed")},
    "tit for tat": {ANSWER: "tit_for_tat"},
    "own tempo": {
        ANSWER: "never",
        "sides.UA.tempos.own": esc.Tempo(plan="border_city", rate_per_day=0.25),
    },
}


def heading(words):
    """Print a heading."""
    print(f"\n{words}\n{'-' * len(words)}", flush=True)


def used(start):
    """Say how long it took."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return f"{time.perf_counter() - start:.0f} s (processor time so far {own.ru_utime:.0f} s)"


def fitted(scenario, quick):
    """Calibrate, and print what came out."""
    start = time.perf_counter()
    fit = calibrate(scenario, priors=PRIORS, budget=120_000 if quick else 1_000_000, rng=1)
    heading("What was learned")
    print(f"{fit.fought} wars in {used(start)}; {fit.ess:.0f} effective draws, "
          f"{1000.0 * fit.ess_per_war:.2f} for 1000 wars; log evidence "
          f"{fit.log_evidence[0]:.2f} +- {fit.log_evidence[1]:.2f}\n")  # fmt: skip
    verdicts = fit.verdicts()
    table = fit.summary().drop(columns="verdict").join(verdicts.drop(columns="shift_error"))
    for frame in (table,):
        frame.index = [name.removeprefix("sides.").split(" = ")[0] for name in frame.index]
    print(table.round(3).to_string())
    heading("Every figure")
    found = fit.predictive()
    columns = ["reported", "low", "median", "high", "true_low", "true_high", "width_ratio",
               "inside", "chance", "counted"]  # fmt: skip
    print(found[columns].to_string(float_format="{:.5g}".format))
    missed = found.index[~found["inside"]].tolist()
    print(f"\n{found['inside'].mean():.0%} of {len(found)} figures are inside the central 90%; "
          f"missed: {', '.join(missed) or 'none'}. Width over the prior predictive's: median "
          f"{found['width_ratio'].median():.2f}, least {found['width_ratio'].min():.2f}, most "
          f"{found['width_ratio'].max():.2f}.")  # fmt: skip
    heading("Each exchange from the others")
    found = fit.leave_out()
    found = found.groupby("exchange", sort=False).agg(
        figures=("inside", "size"), inside=("inside", "sum"), log_score=("log_score", "first"),
        ess=("ess", "first"),
    )  # fmt: skip
    print(found.round(2).to_string(), flush=True)


def compared(scenario, quick):
    """Ask which rule, and print the answer."""
    start = time.perf_counter()
    priors = {path: law for path, law in PRIORS.items() if "vowed" not in path}
    found = rule_probabilities(
        scenario, RULES, priors=priors, budget=60_000 if quick else 200_000, rng=1
    )
    heading("Which rule made the border city a target?")
    print(found.table.round(3).to_string())
    print(found.sensitivity.round(3).to_string())
    print(f"\n{found.verdict} ({used(start)})", flush=True)


def checked(scenario, quick):
    """Check the method on simulated reports of this war."""
    start = time.perf_counter()
    few = [name for name in PRIORS if "cruise" in name or "border_city" in name or "bias" in name]
    found = sbc(
        scenario, priors={name: PRIORS[name] for name in few}, rng=1, draws=19, wars=24,
        replications=100 if quick else 500, points=1_000 if quick else 8_000,
    )  # fmt: skip
    heading(f"Simulation-based calibration, {len(found.ranks)} data sets of 36 figures")
    table = found.test().join(found.recovered())
    table.index = [name.removeprefix("sides.").split(" = ")[0] for name in table.index]
    print(table.round(4).to_string())
    middle = pd.Series(found.ess).median()
    print(f"effective draws: least {found.ess.min():.0f}, median {middle:.0f}; uniform at 1%: "
          f"{'yes' if found.uniform() else 'NO'} ({used(start)})")  # fmt: skip


def main(options):
    print(__doc__.split("\n\n")[2])
    scenario = esc.load_scenario("winter-2023-24")
    quick = "--quick" in options
    if "--only" not in options:
        fitted(scenario, quick)
    if "--rules" in options:
        compared(scenario, quick)
    if "--sbc" in options:
        checked(scenario, quick)


if __name__ == "__main__":
    main(sys.argv[1:])
