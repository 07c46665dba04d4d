"""Simulation-based calibration of a model with four parameters.

    python benchmarks/sbc.py [--quick] > benchmarks/sbc.txt

Side A strikes three times with some thirty drones; B intercepts part of them and answers in
proportion. Unknown are the gain of B's rule, B's chance of interception, the casualties of a hit,
and by how much B's officials overstate. Reported are six figures in the words of the press. From
each of the simulated data sets the posterior is found from the words alone, and the rank of the
true parameters among posterior draws must be uniform. The same call with the posterior's variance
halved must be caught.
"""

import sys
import time
from datetime import date, datetime, timedelta

import pandas as pd
from scipy import stats

import escalate as esc
from escalate.calibration import sbc

START = datetime(2024, 1, 1)
PRIORS = {
    "sides.B.retaliations.answer.rule.gain": stats.lognorm(0.5, scale=0.5),
    "sides.B.layers.guns.kill_prob.drone": stats.beta(6, 4),
    ("sides.A.targets.towns.killed_per_hit", "sides.B.targets.towns.killed_per_hit"):
        stats.lognorm(0.5, scale=0.5),
    "observation.bias_log.B officials": stats.norm(0.0, 0.2),
}  # fmt: skip


def side(**parts):
    """Give a side with drones and towns."""
    own = {
        "weapons": {"drone": esc.Weapon(category="drone", stock=2000)},
        "regions": {"land": esc.Region()},
        "targets": {
            "towns": esc.Target(category="urban", region="land", sites=200, killed_per_hit=0.5)
        },
        "plans": {"raid": esc.Plan(targets={"towns": 1.0}, size=30.0, size_dispersion=10.0)},
        "severity_dispersion": 5.0,
    }
    return esc.Side(**{**own, **parts})


def scenario():
    """Give the war."""
    guns = esc.Layer(
        kill_prob={"drone": 0.6}, channels=100, window_hours={"drone": 0.5},
        common_mode_concentration=20.0,
    )  # fmt: skip
    answer = esc.Retaliation(rule=esc.Rule("proportional", gain=0.5), plan="raid", delay_hours=12.0)
    return esc.Scenario(
        sides={"A": side(), "B": side(layers={"guns": guns}, retaliations={"answer": answer})},
        start=START,
        end=START + timedelta(days=16),
        calendar=tuple(
            esc.OrderedStrike(at=START + timedelta(days=day), side="A", plan="raid")
            for day in (1, 6, 11)
        ),
    )


def figure(name, attacker, quantity, relation, low, high, claimant, unit="things"):
    """Give a figure of the whole war."""
    return esc.Figure(
        id=name, seed="made up", date_start=date(2024, 1, 2), date_end=date(2024, 1, 15),
        attacker=attacker, defender="B" if attacker == "A" else "A", place="countrywide",
        quantity=quantity, weapon_category="drone", relation=relation, low=low, high=high,
        unit=unit, claimant=claimant,
    )  # fmt: skip


FIGURES = (
    figure("launched by A", "A", "launched", "about", 90, 90, "press"),
    figure("intercepted by B", "A", "intercepted", "exactly", 54, 54, "B officials"),
    figure("hits in B", "A", "hits", "about", 36, 36, "press", unit="weapons"),
    figure("killed in B", "A", "killed", "exactly", 18, 18, "press"),
    figure("launched by B", "B", "launched", "about", 45, 45, "press"),
    figure("killed in A", "B", "killed", "dozens", 24, 99, "press"),
)


def report(found, taken):
    """Print what a check found."""
    table = found.test().join(found.recovered())
    table.index = [name.split(".")[-1] for name in table.index]
    print(table.round(4).to_string())
    for j, name in enumerate(table.index):
        print(f"  {name:<22}", *(f"{n:4d}" for n in found.histogram(j)))
    middle = pd.Series(found.ess).median()
    print(f"effective draws: least {found.ess.min():.0f}, median {middle:.0f}")
    print("ranks uniform at a false-alarm rate of 1% over all tests together:",
          "yes" if found.uniform(0.01) else "NO", f"({taken:.0f} s)\n", flush=True)  # fmt: skip


def main(quick):
    print(__doc__.split("\n\n")[2], "\n")
    how = {"replications": 200 if quick else 600, "points": 4000 if quick else 10_000}
    print(", ".join(f"{value} {name}" for name, value in how.items()), "\n")
    war = scenario()
    for title, more in (
        ("All figures of a war together", {"together": "war"}),
        ("The same, posterior variance halved", {"together": "war", "scale": 0.5**0.5}),
        ("Exchanges taken as independent given the parameters", {"together": "exchange"}),
    ):
        start = time.perf_counter()
        found = sbc(war, FIGURES, PRIORS, draws=39, wars=32, rng=1, **how, **more)
        print(f"{title}\n{'-' * len(title)}")
        report(found, time.perf_counter() - start)


if __name__ == "__main__":
    main("--quick" in sys.argv)
