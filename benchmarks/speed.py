"""How fast the compiled engine is, against the SimPy engine and a model written by hand.

    python benchmarks/speed.py [--runs 7]

Times whole wars in one process, in turn, and prints the medians and their ratios as the
table that RESULTS.md keeps. The war is a year of the winter-2023-24 scenario: its week over
and over, with stocks and magazines that do not run out.
"""

from __future__ import annotations

import argparse
import dataclasses
import platform
import statistics
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np

import escalate as esc
from escalate.engines import simpy as simpy_engine
from escalate.engines._pack import pack
from escalate.engines.compiled import Field
from escalate.randomness import Seed

sys.path.insert(0, str(Path(__file__).parent))
import handwritten_simpy


def long_winter(weeks: int) -> esc.Scenario:
    """Give so many weeks of the winter exchange, one like the other."""
    winter = esc.load_scenario("winter-2023-24")
    calendar = [
        dataclasses.replace(entry, at=entry.at + timedelta(days=7 * week))
        for week in range(weeks)
        for entry in winter.calendar
    ]
    sides = {
        name: dataclasses.replace(
            side,
            weapons={
                k: dataclasses.replace(w, stock=10**6, reserve=0) for k, w in side.weapons.items()
            },
            layers={
                k: dataclasses.replace(x, magazine=None if x.magazine is None else 10**6)
                for k, x in side.layers.items()
            },
        )
        for name, side in winter.sides.items()
    }
    return dataclasses.replace(
        winter,
        sides=sides,
        calendar=tuple(calendar),
        end=winter.start + timedelta(days=7 * weeks),
        figures=(),
    )


def seconds(work, *arguments) -> float:
    """Time one call."""
    begun = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    weeks = 52
    war = long_winter(weeks)
    seed = Seed.of(1)
    field = Field(pack(war, seed.run_key(0)))
    first = seconds(field.fight, seed.run_key(0))
    times: dict[str, list[float]] = {"compiled": [], "simpy": [], "handwritten": []}
    for k in range(runs):
        times["compiled"].append(seconds(field.fight, seed.run_key(k)))
        times["simpy"].append(seconds(simpy_engine.go_on, pack(war, seed.run_key(k))))
        times["handwritten"].append(seconds(handwritten_simpy.main, 7.0 * weeks, k))
    threads: dict[int, list[float]] = {1: [], 2: []}
    esc.simulate_many(war, replications=64, rng=1, workers=2)
    for _ in range(runs):
        for workers in threads:
            threads[workers].append(
                seconds(lambda w=workers: esc.simulate_many(war, replications=64, rng=1, workers=w))
                / 64
            )
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}; "
          f"{weeks} weeks, medians of {runs}\n")  # fmt: skip
    middle = {name: statistics.median(values) for name, values in times.items()}
    print("| what | ms a war | times the compiled engine |\n|---|---|---|")
    for name, value in middle.items():
        print(f"| {name} | {1e3 * value:.1f} | {value / middle['compiled']:.1f} |")
    one, two = (statistics.median(threads[w]) for w in (1, 2))
    print(f"| ensemble, 1 thread | {1e3 * one:.1f} | {one / middle['compiled']:.2f} |")
    print(f"| ensemble, 2 threads | {1e3 * two:.1f} | {two / middle['compiled']:.2f} |")
    print(f"\nTwo threads are {one / two:.2f} times one; against the handwritten model "
          f"{middle['handwritten'] / two:.0f} times, against the SimPy engine "
          f"{middle['simpy'] / two:.0f} times.")  # fmt: skip
    print(f"First call of this process: {first:.1f} s.")
    for n in (1, 4, 16, 52):
        shorter = Field(pack(long_winter(n), seed.run_key(0)))
        shorter.fight(seed.run_key(0))
        value = statistics.median(seconds(shorter.fight, seed.run_key(k)) for k in range(runs))
        print(f"{n:3} weeks: {1e3 * value:7.2f} ms, {1e3 * value / n:.2f} a week")


if __name__ == "__main__":
    main()
