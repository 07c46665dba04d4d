"""Kill a sweep at ten random moments, go on each time, and compare with one that was left alone.

    python benchmarks/kill_sweep.py [--seed 1] [--rounds 1]

Each kill is SIGKILL to the whole process, after a time drawn uniformly from the time that the sweep
takes. It prints what was lost each time, and whether the final table is the same to the bit.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import escalate as esc

SWEEP = """
import escalate as esc
scenario = esc.load_scenario("winter-2023-24")
points = esc.designs.latin_hypercube(
    esc.lever("sides.UA.layers.long_range.channels", 2, 12, whole=True),
    esc.lever("sides.UA.layers.long_range.kill_prob.cruise", 0.4, 0.9),
    points=100, rng=1,
)
esc.sweep(scenario, points, replications=400, rng=1, store={store!r},
          outcomes=["killed", "leaked", "reproduction_number", "killed_per_day"])
"""


def begin(store: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SWEEP.format(store=str(store))])


def rows(store: Path) -> int:
    """Give how many rows can be read."""
    try:
        return len(esc.load_sweep(store).to_dataframe())
    except esc.EscalateError:
        return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    right = True
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "alone"
        begin(alone).wait()  # compiles, if need be
        whole = esc.load_sweep(alone)
        begun, timed = time.perf_counter(), Path(folder) / "timed"
        process = begin(timed)
        while not list(timed.glob("rows-*")):
            time.sleep(0.01)
        start = time.perf_counter() - begun
        process.wait()
        usual = time.perf_counter() - begun - start
        print(
            f"left alone: {len(whole.to_dataframe()):,} wars in {usual:.1f} s, which begin after "
            f"{start:.1f} s"
        )
        for number in range(arguments.rounds):
            store = Path(folder) / f"killed{number}"
            for kill in range(10):
                process = begin(store)
                # Some fall into the imports, most into the wars, and it takes ten to get through.
                delay = chance.uniform(0.5 * start, start + 0.2 * usual)
                time.sleep(delay)
                ended = process.poll() is not None
                process.kill()
                process.wait()
                torn = (
                    sum(path.stat().st_size for path in store.glob("rows-*"))
                    if store.exists()
                    else 0
                )
                print(
                    f"kill {kill + 1:2d} after {delay:4.1f} s: {rows(store):6,} wars are kept in "
                    f"{torn / 2**20:5.2f} MiB" + (" (it had ended)" if ended else ""),
                    flush=True,
                )
            assert begin(store).wait() == 0
            found = esc.load_sweep(store)
            equal = found.to_dataframe().equals(whole.to_dataframe())
            equal = equal and found.dataset.identical(whole.dataset)
            print("the final table is", "the same to the bit" if equal else "ANOTHER")
            right = right and equal
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
