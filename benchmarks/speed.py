"""How fast the compiled engine is: against other models, against its own draws, and how it grows.

    python benchmarks/speed.py [--runs 7]

Times whole wars in one process, in turn, and prints the tables that RESULTS.md keeps. The war is
a year of the winter-2023-24 scenario: its week over and over, with stocks and magazines that do
not run out. Let nothing else run on the machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import platform
import statistics
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

import escalate as esc
from escalate.engines import simpy as simpy_engine
from escalate.engines._pack import pack
from escalate.engines.compiled import Field, Sums
from escalate.randomness import Seed

sys.path.insert(0, str(Path(__file__).parent))
import handwritten_simpy
from draws import Draws

WEEKS = 52
ENSEMBLE = 512  # wars, so many that what they share costs little


def long_winter(weeks: int) -> esc.Scenario:
    """Give so many weeks of the winter exchange, one like the other."""
    winter, replace = esc.load_scenario("winter-2023-24"), dataclasses.replace
    calendar = (
        replace(entry, at=entry.at + timedelta(days=7 * week))
        for week in range(weeks)
        for entry in winter.calendar
    )
    sides = {
        name: replace(
            side,
            weapons={k: replace(w, stock=10**7, reserve=0) for k, w in side.weapons.items()},
            layers={
                k: replace(x, magazine=None if x.magazine is None else 10**7)
                for k, x in side.layers.items()
            },
        )
        for name, side in winter.sides.items()
    }
    return replace(
        winter, sides=sides, calendar=tuple(calendar), figures=(),
        end=winter.start + timedelta(days=7 * weeks),
    )  # fmt: skip


def nightly_raids(drones: int) -> esc.Scenario:
    """Give a year of one raid a night on a belt that can engage every weapon."""
    raider = esc.Side(
        weapons={"drone": esc.Weapon(category="drone", stock=10**7)},
        plans={"raid": esc.Plan(targets={"town": 1.0})},
    )
    belt = esc.Layer(kill_prob={"drone": 0.7}, window_hours={"drone": 1.0}, channels=300)
    town = esc.Target(category="urban", region="border", killed_per_hit=0.1)
    victim = esc.Side(
        layers={"belt": belt}, regions={"border": esc.Region(depth_km=50.0)}, targets={"town": town}
    )
    start = datetime(2024, 1, 1)
    raids = (
        esc.OrderedStrike(
            at=start + timedelta(days=k), side="A", plan="raid", counts={"drone": drones}
        )
        for k in range(365)
    )
    return esc.Scenario(
        sides={"A": raider, "B": victim}, calendar=tuple(raids), start=start,
        end=start + timedelta(days=365),
    )  # fmt: skip


def own_rule(see, params, memory, u):
    """Answer half of what came, as a rule of the user's own would."""
    return esc.answer(0.5 * see.launched if see.struck > 0.0 else 0.0)


def seconds(work, *arguments) -> float:
    """Time one call."""
    begun = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - begun


def one_thread(scenario: esc.Scenario):
    """Give what fights one war of an ensemble on this thread."""
    seed = Seed.of(1)
    field = Field(pack(scenario, seed.run_key(0)))
    sums = Sums(1, field.world)

    def fight(k: int) -> None:
        field.fight(seed.run_key(k), sums, 0)

    fight(0)
    return fight


def median(fight, runs: int) -> float:
    """Give the median time of a war, each of several short ones at a time."""
    first = seconds(fight, 1)
    many = max(1, int(0.02 / first))
    return statistics.median(
        sum(seconds(fight, k) for k in range(many)) / many for _ in range(runs)
    )


def slope(x: list[float], y: list[float]) -> str:
    """Say how well y is a straight line of x, and what a doubling of x does to it in logs."""
    line = np.polyfit(x, y, 1, w=1.0 / np.array(y))
    off = np.abs(np.polyval(line, x) / np.array(y) - 1.0).max()
    power = np.polyfit(np.log(x), np.log(y), 1)[0]
    return f"a line within {100 * off:.0f}%; power law of exponent {power:.2f}"


def against_others(runs: int) -> None:
    """Time a year's war by every model, and its draws by themselves."""
    war, seed = long_winter(WEEKS), Seed.of(1)
    begun = time.perf_counter()
    fight = one_thread(war)
    print(f"First war of this process: {time.perf_counter() - begun:.1f} s.\n")
    draws = Draws(war, seed)
    draws.again(seed.run_key(0))
    threads = {
        workers: lambda w=workers: esc.simulate_many(
            war, replications=ENSEMBLE, rng=1, workers=w, outcomes="killed"
        )
        for workers in (1, 2)
    }
    threads[2]()
    times: dict[str, list[float]] = {}
    for k in range(runs):
        for name, work in (
            ("compiled engine", lambda k=k: fight(k)),
            ("its draws alone", lambda k=k: draws.again(seed.run_key(k))),
            ("SimPy engine", lambda k=k: simpy_engine.go_on(pack(war, seed.run_key(k)))),
            ("handwritten SimPy", lambda k=k: handwritten_simpy.main(7.0 * WEEKS, k)),
        ):
            times.setdefault(name, []).append(seconds(work))
        for workers, work in threads.items():
            times.setdefault(f"ensemble, {workers} threads", []).append(seconds(work) / ENSEMBLE)
    middle = {name: statistics.median(values) for name, values in times.items()}
    print("| a year's war | ms | spread of the runs |\n|---|---|---|")
    for name, values in times.items():
        print(f"| {name} | {1e3 * middle[name]:.2f} | {1e3 * min(values):.2f} to "
              f"{1e3 * max(values):.2f} |")  # fmt: skip
    one, two = (middle[f"ensemble, {w} threads"] for w in (1, 2))
    print(f"\nPer replication on 2 cores against the handwritten model: "
          f"{middle['handwritten SimPy'] / two:.0f} times; against the SimPy engine: "
          f"{middle['SimPy engine'] / two:.0f} times.\n"
          f"2 threads are {one / two:.2f} times 1 thread. Draws are "
          f"{100 * middle['its draws alone'] / middle['compiled engine']:.0f}% of the war.\n"
          f"Drawn: {draws.counts}.\n")  # fmt: skip


def growth(runs: int) -> None:
    """Time wars of growing length, and of growing strikes."""
    lengths = (1, 3, 10, 30, 100)
    cost = [1e3 * median(one_thread(long_winter(n)), runs) for n in lengths]
    print("| weeks | ms | ms a week |\n|---|---|---|")
    for n, ms in zip(lengths, cost, strict=True):
        print(f"| {n} | {ms:.2f} | {ms / n:.3f} |")
    print(f"\n{slope(list(lengths), cost)}\n")
    launched = (3, 10, 30, 100, 300)
    cost = [1e3 * median(one_thread(nightly_raids(n)), runs) for n in launched]
    print("| weapons launched every night | ms | ns a weapon |\n|---|---|---|")
    for n, ms in zip(launched, cost, strict=True):
        print(f"| {n} | {ms:.2f} | {1e6 * ms / n / 365:.0f} |")
    print(f"\n{slope(list(launched), cost)}\n")


def of_ones_own(runs: int) -> None:
    """Time what a rule of the user's own costs."""
    war = esc.load_scenario("two-equal-sides")
    side = next(iter(war.sides))
    name = next(iter(war.sides[side].retaliations))
    path = f"sides.{side}.retaliations.{name}"
    built_in = war.replace({f"{path}.rule": "never", f"{path}.review_hours": 0.01})
    own = war.replace({f"{path}.rule": esc.Rule(own_rule), f"{path}.review_hours": 0.01})
    begun = time.perf_counter()
    Field(pack(own, Seed.of(1).run_key(0)))
    print(f"Compiling a rule of one's own: {time.perf_counter() - begun:.2f} s.")
    asked = war.horizon_hours / 0.01
    times = [median(one_thread(scenario), runs) / asked for scenario in (built_in, own)]
    built_in, own = (f"{1e9 * value:.0f} ns" for value in times)
    print(f"Asking a rule, with all that belongs to it: `never` {built_in}, one's own {own}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    versions = f"Python {platform.python_version()}, numpy {np.__version__}"
    print(f"{platform.machine()}, {versions}; medians of {runs}.\n")
    against_others(runs)
    growth(runs)
    of_ones_own(runs)
