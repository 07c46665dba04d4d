"""How long a sweep takes, beside the bare engine, and how much memory.

    python benchmarks/sweeps.py [time | memory | dask]

`time`: 1,000 points of a Latin hypercube times 100 replications of 60 days of the winter-2023-24
scenario, stored on the disk, beside the same wars in bare compiled loops, laid out beforehand.
`memory`: the largest resident size of a process that sweeps 1,000 and 10,000 points, kept and
stored. `dask`: the same wars on a cluster of two processes beside two threads. Let nothing else run
on the machine.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import escalate as esc
from escalate.engines.compiled import Course
from escalate.ensemble import fight_stretch
from escalate.randomness import Seed

sys.path.insert(0, str(Path(__file__).parent))
from speed import long_winter

POINTS, REPLICATIONS, THREADS = 1_000, 100, 2
NAMES = ("killed", "leaked", "reproduction_number")


def scenarios() -> dict[str, esc.Scenario]:
    """Give 60 days of the winter exchange: its week and what follows, or its week over and over."""
    winter = esc.load_scenario("winter-2023-24")
    end, weeks = winter.start + timedelta(days=60), long_winter(9)
    return {
        "the week and 53 days after it": winter.replace({"end": end}),
        "its week over and over": replace(
            weeks, end=end, calendar=tuple(entry for entry in weeks.calendar if entry.at < end)
        ),
    }


def design(points: int) -> esc.Design:
    return esc.designs.latin_hypercube(
        esc.lever("sides.UA.layers.long_range.channels", 2, 12, whole=True),
        esc.lever("sides.UA.layers.long_range.kill_prob.cruise", 0.4, 0.9),
        esc.uncertainty("sides.RU.weapons.kh101.reliability_prob", 0.8, 1.0),
        points=points, rng=1,
    )  # fmt: skip


def bare(scenario: esc.Scenario, points: esc.Design) -> float:
    """Give how many seconds the wars of all points take in two threads, without the laying out."""
    seed, took = Seed.of(1), 0.0

    def failed(replication: int, error: Exception) -> None:
        raise error

    with ThreadPoolExecutor(THREADS) as pool:
        for first in range(0, len(points), 50):
            some = range(first, min(first + 50, len(points)))
            courses = [Course(((math.inf, points.scenario(scenario, i)),)) for i in some]
            begun = time.perf_counter()
            work = (
                pool.submit(fight_stretch, c, seed, 0, REPLICATIONS, NAMES, failed) for c in courses
            )
            for future in list(work):
                future.result()
            took += time.perf_counter() - begun
    return took


def timed() -> None:
    print("| 60 days of winter | sweep [s] | bare engine [s] | beyond it | ms a war and thread |")
    print("|---|---|---|---|---|")
    points = design(POINTS)
    for name, scenario in scenarios().items():
        esc.simulate_many(scenario, replications=2, rng=1)  # load what is compiled
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            esc.sweep(
                scenario, points, replications=REPLICATIONS, rng=1, outcomes=NAMES, progress=True,
                store=Path(folder) / "store",
            )  # fmt: skip
            swept = time.perf_counter() - begun
        alone = bare(scenario, points)
        each = alone * THREADS / (POINTS * REPLICATIONS) * 1e3
        print(
            f"| {name} | {swept:.1f} | {alone:.1f} | {swept / alone - 1:+.1%} | {each:.2f} |",
            flush=True,
        )


MEMORY = """
import resource, sys, tempfile
from pathlib import Path
sys.path.insert(0, {here!r})
from sweeps import NAMES, design, esc
scenario = esc.load_scenario("winter-2023-24")
with tempfile.TemporaryDirectory() as folder:
    store = Path(folder) / "store" if {stored} else None
    esc.sweep(scenario, design({points}), replications=50, rng=1, outcomes=NAMES, store=store)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def memory() -> None:
    print("| points, 50 wars each | kept [GiB] | stored [GiB] |")
    print("|---|---|---|")
    for points in (100, 1_000, 10_000):
        sizes = []
        for stored in (False, True):
            code = MEMORY.format(here=str(Path(__file__).parent), points=points, stored=stored)
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            )
            sizes.append(float(done.stdout))
        print(f"| {points:,} | {sizes[0]:.2f} | {sizes[1]:.2f} |", flush=True)


def dask() -> None:
    from distributed import Client, LocalCluster

    scenario, points = scenarios()["its week over and over"], design(100)

    def took(**how) -> tuple[float, esc.Sweep]:
        begun = time.perf_counter()
        table = esc.sweep(scenario, points, replications=100, rng=1, outcomes=NAMES, **how)
        return time.perf_counter() - begun, table

    took()  # load what is compiled
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        took(executor=client)
        threads, one = took()
        workers, other = took(executor=client)
    assert one.to_dataframe().equals(other.to_dataframe())
    wars = float(other.timing["seconds"].sum()) / 2
    print(
        f"two threads {threads:.1f} s, two Dask workers {workers:.1f} s, of which wars {wars:.1f} s"
    )
    print(f"beyond the wars: {workers / wars - 1:+.1%}; the tables are the same")


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["time", "memory", "dask"]
    for name in wanted:
        {"time": timed, "memory": memory, "dask": dask}[name]()
