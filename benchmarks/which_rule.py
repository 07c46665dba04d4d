"""See whether the rule that a war was fought by is found, and none where there is none.

    python benchmarks/which_rule.py [--quick] > benchmarks/which_rule.txt
    python benchmarks/which_rule.py --tables FOLDER
    python benchmarks/which_rule.py --mixed

Three questions. From reported figures: the winter of 2023-24 is fought with one of four rules
that make Ukraine shell the border city, with parameters from the prior; reports of it are worded
like the figures that were printed, and the probability of each rule is found from the words. From
the daily series of the same wars, and from series of two years of a war in which one side answers
the other by one of four rules, with tempo, sizes, delay, gain and level drawn anew for each war:
which rule? And from two years of two sides that have nothing to do with each other, in seven ways
to be mistaken: how often are the data said to speak for an answer? At most 5% is asked for.

With --tables the same is asked of the strike tables in a folder. With --mixed a weakness is
measured: own strikes of two kinds, small ones and masses, and answers of a third size.
"""

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import numpy as np
import pandas as pd
from scipy import stats

import escalate as esc
from benchmarks.fit_winter import ANSWER, PRIORS, RULES
from benchmarks.sbc import START, side
from escalate.calibration import SERIES_RULES, RuleRecovery, rule_recovery
from escalate.calibration import series_rule_probabilities as weigh

pd.set_option("display.width", 200, "display.max_columns", 20)
KILLED, SIZE = "sides.RU.targets.border_city.killed_per_hit", "sides.UA.plans.border_city.size"
KYIV = next(path for path in PRIORS if "kyiv.killed" in str(path))
OWN = {
    "threshold": {f"{ANSWER}.level": stats.lognorm(0.4, scale=15.0)},
    "proportional": {f"{ANSWER}.gain": stats.lognorm(0.5, scale=0.75)},
    "tit for tat": {},
    "own tempo": {"sides.UA.tempos.own.rate_per_day": stats.lognorm(0.5, scale=0.25)},
}
SAME = {"threshold": "threshold", "proportional": "proportional", "tit for tat": "tit_for_tat",
        "own tempo": "none"}  # fmt: skip


def raid(size, dispersion):
    """Give a plan."""
    return esc.Plan(targets={"towns": 1.0}, size=size, size_dispersion=dispersion)


def war(rule, rng):
    """Draw two years of a war in which B answers A by a rule, or not at all."""

    def about(middle):
        return float(middle * np.exp(rng.normal(0.0, 0.4)))

    rules = {
        "tit_for_tat": esc.Rule("tit_for_tat"),
        "proportional": esc.Rule("proportional", gain=about(0.6)),
        "threshold": esc.Rule("threshold", level=about(30.0), measure="launched"),
    }
    answer = {
        "answer": esc.Retaliation(
            rule=rules.get(rule), plan="answer", delay_hours=about(36.0), delay="exponential",
            slip_prob=0.1,
        )
    } if rule != "none" else {}  # fmt: skip
    stock = {"drone": esc.Weapon(category="drone", stock=10**6)}
    sides = {
        name: side(
            weapons=stock,
            plans={"raid": raid(about(size), about(2.0)), "answer": raid(about(20.0), about(5.0))},
            tempos={"own": esc.Tempo(plan="raid", rate_per_day=about(rate))},
            retaliations=answer if name == "B" else {},
        )
        for name, size, rate in (("A", 30.0, 1 / 6), ("B", 20.0, 1 / 12))
    }
    return esc.Scenario(sides=sides, start=START, end=START + timedelta(days=730))


def fought(scenario, seed):
    """Give what both sides launched day by day, the answering side first."""
    found = esc.simulate_many(
        scenario, replications=1, rng=seed, workers=1, outcomes=["launched_per_day"]
    )
    daily = found.dataset["launched_per_day"].isel(replication=0)
    names = list(scenario.sides)
    second = "UA" if "UA" in names else "B"
    first = next(name for name in names if name != second)
    return daily.sel(side=second).to_numpy(), daily.sel(side=first).to_numpy()


def two_years(seed, rule):
    """Weigh the rules of a war of two years."""
    rng = np.random.default_rng([seed, list(SERIES_RULES).index(rule)])
    return weigh(*fought(war(rule, rng), seed), rng=seed)


def a_winter(seed, rule):
    """Weigh the rules of a winter's exchange."""
    scenario = esc.load_scenario("winter-2023-24").replace(RULES[rule])
    return weigh(*fought(scenario, seed), rng=seed)


def calendar(rng, kind, n=730):
    """Draw a side's days, which have nothing to do with any other side's."""
    day = np.arange(n)
    chance = {
        "growing": 0.02 + 0.3 * day / n,
        "seasonal": 0.12 * (1.0 + 0.9 * np.sin(2.0 * np.pi * day / 365.0)),
        "weekly": np.where(day % 7 < 2, 0.35, 0.03),
    }.get(kind, np.full(n, 0.12))
    strikes = rng.random(n) < chance
    if kind == "regular":
        strikes = np.zeros(n, dtype=bool)
        when = np.cumsum(rng.integers(6, 9, n // 6)) - 6
        strikes[when[when < n]] = True
    if kind == "bunched":
        busy = np.repeat(rng.random(n // 10 + 1) < 0.3, 10)[:n]
        strikes = rng.random(n) < np.where(busy, 0.35, 0.03)
    sizes = 1 + rng.negative_binomial(2.0, 2.0 / 22.0, n)
    if kind == "two kinds":
        sizes = np.where(rng.random(n) < 0.2, 4 * sizes, np.maximum(sizes // 4, 1))
    return np.where(strikes, sizes, 0)


KINDS = ("memoryless", "regular", "bunched", "growing", "seasonal", "weekly", "two kinds")


def apart(seed, kind):
    """Weigh the rules of two sides that have nothing to do with each other."""
    rng = np.random.default_rng([seed, KINDS.index(kind), 7])
    return weigh(calendar(rng, kind), calendar(rng, kind), rng=seed)


def one(task):
    """Do a task."""
    function, seed, name = task
    found = globals()[function](seed, name)
    probability = found.table["probability"]
    return [name, *probability, str(probability.idxmax()), found.verdict, found.pvalue]


def all_of(pool, function, names, count):
    """Do the same for each name, `count` times."""
    tasks = [(function, seed, name) for name in names for seed in range(count)]
    rows = list(pool.map(one, tasks, chunksize=2))
    columns = ["true", *SERIES_RULES, "probable", "verdict", "pvalue"]
    return pd.DataFrame(rows, columns=columns)


def told(found, none):
    """Print what was found."""
    print("most probable (columns) by true rule (rows)")
    print(found.confusion().to_string())
    verdicts = found.verdicts()
    verdicts.columns = [name.removeprefix("the data ") for name in verdicts.columns]
    print("\nverdict\n" + verdicts.to_string())
    print("\nprobabilities given to rules, and how often those were true")
    print(found.reliability().round(3).to_string(index=False))
    count = int((found.table["true"] == none).sum())
    alarms = round(found.false_alarms(none) * count)
    most = stats.beta(alarms + 1, count - alarms).ppf(0.95)
    print(f"\nfalse alarms of an answer without one: {alarms} of {count} "
          f"(95% sure to be below {most:.3f})", flush=True)  # fmt: skip


def heading(words):
    """Print a heading."""
    print(f"\n{words}\n{'-' * len(words)}", flush=True)


def main(quick):
    print(__doc__.split("\n\n")[2])
    start = time.perf_counter()
    heading("The winter's reported figures")
    shared = {path: PRIORS[path] for path in (KYIV, KILLED, SIZE)}
    found = rule_recovery(
        esc.load_scenario("winter-2023-24"), RULES,
        priors={name: {**shared, **own} for name, own in OWN.items()},
        replications=10 if quick else 50, points=500 if quick else 6_000, wars=32,
        none="own tempo", rng=1,
    )  # fmt: skip
    told(found, "own tempo")
    print(f"{time.perf_counter() - start:.0f} s")
    with ProcessPoolExecutor(2) as pool:
        heading("Daily series of the same seven days")
        table = all_of(pool, "a_winter", list(RULES), 10 if quick else 50)
        table["true"] = table["true"].map(SAME)
        told(RuleRecovery(table, tuple(SERIES_RULES)), "none")
        heading("Daily series of two years")
        table = all_of(pool, "two_years", list(SERIES_RULES), 10 if quick else 50)
        told(RuleRecovery(table, tuple(SERIES_RULES)), "none")
        heading("Two years of sides that have nothing to do with each other")
        table = all_of(pool, "apart", KINDS, 10 if quick else 40)
        table["alarm"] = table["verdict"].str.contains("an answer|tit_for_tat|proportional|thresh")
        table["evidence_alone"] = table["none"] < 0.05
        table["shift_test"] = table["pvalue"] <= 0.05
        columns = ["alarm", "evidence_alone", "shift_test"]
        print(table.groupby("true", sort=False)[columns].mean().to_string())
        alarms, count = int(table["alarm"].sum()), len(table)
        most = stats.beta(alarms + 1, count - alarms).ppf(0.95)
        print(f"\nfalse alarms: {alarms} of {count} (95% sure to be below {most:.3f})")
    print(f"{time.perf_counter() - start:.0f} s in all")


def tables(folder):
    """Weigh the rules of real tables, on the days that both sides report."""
    russia = esc.read_strikes(f"{folder}/missile_attacks_daily.csv").daily()
    drones = esc.read_strikes(f"{folder}/ua_to_ru_daily.csv").daily("intercepted")["drone"].dropna()
    for name in ("missile", "all"):
        own, other = russia[name].align(drones, join="inner")
        for said, pair in (
            (f"RU, {name}, answers UA", (own, other)), (f"UA answers RU, {name}", (other, own))
        ):  # fmt: skip
            heading(
                f"{said}: {len(own)} days from {own.index[0]:%Y-%m-%d} to {own.index[-1]:%Y-%m-%d}"
            )
            found = weigh(*pair, rng=1)
            print(found.table.round(3).to_string())
            print(found.text())


def mixed(count=8, n=800):
    """Weigh the rules of a side with two kinds of own strikes, which answers every other strike."""
    for seed in range(count):
        rng = np.random.default_rng([seed, 8])
        other = np.where(rng.random(n) < 0.08, 1 + rng.negative_binomial(1.5, 1.5 / 21.5, n), 0)
        sizes = np.where(rng.random(n) < 0.6, 1 + rng.poisson(1, n), 1 + rng.poisson(60, n))
        own = np.where(rng.random(n) < 0.2, sizes, 0)
        for day in np.flatnonzero(other) + rng.integers(1, 4, np.count_nonzero(other)):
            if day < n and rng.random() < 0.5:
                own[day] += rng.poisson(20)
        print(weigh(own, other, rng=1).text(), flush=True)


if __name__ == "__main__":
    if "--mixed" in sys.argv:
        mixed()
    elif "--tables" in sys.argv:
        tables(sys.argv[-1])
    else:
        main("--quick" in sys.argv)
