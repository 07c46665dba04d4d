"""How often the interval of a `Precision` holds the true mean, which is looked for again and again.

    python benchmarks/sequential.py [--samples 10000]

Draws outcomes of known mean, stops each sample where `Precision` would, and counts how often the
interval then holds the mean: with the guard of `Precision` (all values alike, or fewer than 28 + 25
times the squared skewness, is not enough), without it, and with as many values as it took on
average but fixed beforehand. All is seeded; saved as sequential.txt.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np
from scipy.special import stdtrit

from escalate.precision import Precision

BATCH = 250
ABOUT = (100, 400, 1600)
"""Values that the asked half widths need if the spread is known."""


def counts(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Give over-dispersed counts of mean 4 and variance 36."""
    return rng.negative_binomial(0.5, 0.5 / 4.5, shape)


OUTCOMES: dict[str, tuple[Callable[..., np.ndarray], float, float]] = {
    "normal, mean 10, sd 5": (lambda r, s: r.normal(10.0, 5.0, s), 10.0, 25.0),
    "counts, mean 4, variance 36": (counts, 4.0, 36.0),
    "yes in 1 of 20": (lambda r, s: r.random(s) < 0.05, 0.05, 0.0475),
    "yes in 1 of 100": (lambda r, s: r.random(s) < 0.01, 0.01, 0.0099),
    "those counts in 1 of 20, else 0": (
        lambda r, s: (r.random(s) < 0.05) * counts(r, s), 0.2, 0.05 * 52.0 - 0.04,
    ),
}  # fmt: skip


def stages(values: np.ndarray, looks: np.ndarray, level: float) -> tuple[np.ndarray, ...]:
    """Give mean, half width and whether the guard lets pass, of each sample at each look."""
    first, second, third = (np.cumsum(values**k, axis=1)[:, looks - 1] / looks for k in (1, 2, 3))
    spread = np.maximum(second - first**2, 0.0)
    alike = spread < 1e-12
    skew = third - 3.0 * first * second + 2.0 * first**3
    with np.errstate(all="ignore"):
        trusted = ~alike & (looks >= 28.0 + 25.0 * skew**2 / spread**3)
    half = stdtrit(looks - 1.0, 0.5 * (1.0 + level)) * np.sqrt(spread / (looks - 1.0))
    return first, half, trusted


def measure(draw: Callable[..., np.ndarray], mean: float, variance: float, samples: int) -> None:
    """Print the rows of one outcome."""
    asked = {n: Precision("x", half_width=1.96 * math.sqrt(variance / n)) for n in ABOUT}
    looks = np.array(asked[ABOUT[0]].looks())
    rows = np.arange(BATCH)
    held: dict[tuple[int, bool], list[np.ndarray]] = {}
    fixed = []
    rng = np.random.default_rng(20240101)
    for batch in range(samples // BATCH):
        values = draw(rng, (BATCH, looks[-1])).astype(float)
        at, half, trusted = stages(values, looks, 0.95)
        fixed.append((np.abs(at - mean) <= half).mean(axis=0))
        for n, precision in asked.items():
            for guard in (True, False):
                enough = half <= precision.half_width
                if guard:
                    enough &= trusted
                enough[:, -1] = True
                stop = enough.argmax(axis=1)
                hit = np.abs(at[rows, stop] - mean) <= half[rows, stop]
                held.setdefault((n, guard), []).append(np.array([hit, looks[stop]]))
                if guard and batch == 0:  # the library stops where this script does
                    for k in range(25):
                        said = (i for i in looks if precision.reached(values[k, :i]))
                        assert next(said, looks[-1]) == looks[stop[k]]
    beforehand = np.mean(fixed, axis=0)
    for n in ABOUT:
        cells = []
        for guard in (True, False):
            hits, taken = np.concatenate(held[n, guard], axis=1)
            near = int(np.abs(np.log(looks / taken.mean())).argmin())
            cells.append(f"{hits.mean():9.3f} {taken.mean():7.0f}")
            if guard:
                same = f"{beforehand[near]:9.3f} {looks[near]:7d}"
        print(f"{n:32d} {cells[0]}   {cells[1]}   {same}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=10_000)
    samples = parser.parse_args().samples
    print(f"Share of 95% intervals that hold the mean, and values taken; {samples} samples each,")
    print(f"standard error of a share of 0.95: {math.sqrt(0.95 * 0.05 / samples):.4f}")
    print(f"looks: {', '.join(map(str, Precision('x', half_width=1.0).looks()))}\n")
    print(f"{'values with a known spread':>32s} {'Precision':>17s}   {'without guard':>17s}   "
          f"{'fixed beforehand':>17s}")  # fmt: skip
    for name, (draw, mean, variance) in OUTCOMES.items():
        print(name)
        measure(draw, mean, variance, samples)


if __name__ == "__main__":
    main()
