"""How much memory an ensemble takes, kept and streamed to disk.

    python benchmarks/memory.py

Each ensemble is fought in a process of its own, whose largest resident size is printed. The war
lasts a year and has hardly any strikes: what is stored does not depend on how much happens.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

CODE = """
import resource, sys
from datetime import datetime
import escalate as esc
replications, store = int(sys.argv[1]), sys.argv[2] or None
side = esc.Side(
    weapons={"drone": esc.Weapon(category="drone", stock=100)},
    regions={"border": esc.Region()},
    targets={"town": esc.Target(category="urban", region="border", killed_per_hit=0.1)},
    plans={"raid": esc.Plan(targets={"town": 1.0}, size=3.0)},
    tempos={"monthly": esc.Tempo(plan="raid", rate_per_day=1 / 30)},
)
war = esc.Scenario(sides={"A": side, "B": side}, start=datetime(2024, 1, 1),
                   end=datetime(2024, 12, 31))
series = ["strikes_per_day", "launched_per_day", "intercepted_per_day", "leaked_per_day",
          "killed_per_day", "damage_per_day"]
ensemble = esc.simulate_many(war, replications=replications, rng=1, outcomes=series, store=store)
assert ensemble.data["killed_per_day"].shape == (replications, 365, 2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0**2)
"""


def peak(replications: int, store: str) -> float:
    """Give the largest resident size in GiB."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(replications), store],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return float(done.stdout)


def main() -> None:
    """Measure and print."""
    peak(10, "")  # compiles
    print("| replications of a year, 6 daily series | kept [GiB] | streamed [GiB] |\n|---|---|---|")
    for replications in (1_000, 10_000, 100_000):
        with tempfile.TemporaryDirectory() as folder:
            streamed = peak(replications, str(Path(folder) / "wars"))
        print(f"| {replications:,} | {peak(replications, ''):.2f} | {streamed:.2f} |")


if __name__ == "__main__":
    main()
