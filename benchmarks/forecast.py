"""Score the forecasts of a strike table on the last quarter of it, and write the table.

    python benchmarks/forecast.py TABLE [--out benchmarks/forecast.txt]

TABLE is a file that `escalate.read_strikes` reads, up to 2025-07-20; no row of it is written.
Three parts: the weeks on which the forecast was chosen, the last quarter of all weeks, and the
last quarter of a year. Run it again after any change to `escalate/forecast.py`.
"""

from __future__ import annotations

import argparse
import time
from datetime import timedelta
from pathlib import Path

from escalate.forecast import score_forecasts
from escalate.strikes import read_strikes

OUT = Path(__file__).with_suffix(".txt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    table = read_strikes(arguments.table)
    end = table.last + timedelta(days=1)
    weeks = (end - table.first).days // 7
    quarter = weeks // 4
    first = end - timedelta(weeks=quarter)
    year = 53  # weeks before the first forecast: a year of history, and what does not fill a week
    parts = {
        "weeks on which the forecast was chosen": (end - timedelta(weeks=weeks - year), first),
        f"last quarter of the {weeks} weeks": (first, end),
        "last quarter of a year": (end - timedelta(weeks=13), end),
    }
    lines = [f"{Path(arguments.table).name} ({table.form}): {table.first} to {table.last}"]
    for name, (start, stop) in parts.items():
        began = time.perf_counter()
        scores = score_forecasts(table, start, stop - timedelta(days=1))
        took = time.perf_counter() - began
        print(f"{name}: {took:.0f} s")
        days = f"{start} to {stop - timedelta(days=1)}"
        lines += ["", "", f"== {name}: {scores.scored}, {days}", "", scores.text()]
    arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
