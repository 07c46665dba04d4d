"""How often do intervals of sensitivity indices hold them, and how wide are they?

    python benchmarks/sensitivity.py [--repeats 1000] [--seed 1] > benchmarks/sensitivity.txt

Functions with known indices, evaluated at the points of the library's own designs and judged by
its own code, each design drawn anew many times; beside it SALib's one scrambling with its
bootstrap. The noisy rows add a normal error for each replication, either one that all points share
in a way that tilts the function, or one of each point's own.
"""

from __future__ import annotations

import argparse
import math
import platform
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from SALib.analyze import sobol as salib
from SALib.sample import sobol as sampler

from escalate import sensitivity
from escalate.designs import uncertainty

Array = np.ndarray[Any, Any]
LEVEL = 0.95
THREE = [uncertainty(f"x{i}", 0.0, 1.0) for i in (1, 2, 3)]
SLOPES = np.array([3.0, 2.0, 1.0])


def ishigami(u: Array, a: float = 7.0, b: float = 0.1) -> Array:
    """Ishigami and Homma 1990, on the unit cube."""
    x = (2.0 * u - 1.0) * math.pi
    return np.sin(x[..., 0]) * (1.0 + b * x[..., 2] ** 4) + a * np.sin(x[..., 1]) ** 2


def ishigami_indices(a: float = 7.0, b: float = 0.1) -> Array:
    """S1 of the three, then ST: Sobol and Levitan 1999."""
    first = 0.5 * (1.0 + b * math.pi**4 / 5.0) ** 2
    second, both = a * a / 8.0, b * b * math.pi**8 * (1.0 / 18.0 - 1.0 / 50.0)
    return np.array([first, second, 0.0, first + both, second, both]) / (first + second + both)


def linear(u: Array) -> Array:
    return u @ SLOPES


def linear_indices() -> Array:
    return np.tile(SLOPES**2 / (SLOPES**2).sum(), 2)


def ours(
    f: Callable[[Array], Array], base: int, lots: int, noise: str, seed: int
) -> tuple[Array, Array]:
    """Give values and half widths as `sobol_indices` has them."""
    design = sensitivity.saltelli(*THREE, base=base, rng=seed)
    u = np.array(design.rows)
    y = f(u)[:, None].repeat(lots, axis=1)
    rng = np.random.default_rng([seed, 7])
    if noise == "shared":  # each replication has slopes of its own, the same at all points
        y = y + (u - 0.5) @ rng.normal(size=(3, lots))
    elif noise == "own":
        y = y + rng.normal(size=y.shape)
    scheme = sensitivity._scheme(design)
    blocks = np.arange(base)
    cells = (y[:, :, None], np.ones((*y.shape, 1)))
    found = sensitivity._spread(scheme, cells, blocks, LEVEL, noise == "shared")
    return found["value"][:, 0], np.hypot(found["design"], found["luck"])[:, 0]


def bootstrap(f: Callable[[Array], Array], base: int, seed: int) -> tuple[Array, Array]:
    """Give values and half widths as SALib has them."""
    problem = {"num_vars": 3, "names": ["x1", "x2", "x3"], "bounds": [[0.0, 1.0]] * 3}
    rng = np.random.default_rng(seed)
    y = f(sampler.sample(problem, base, calc_second_order=False, seed=rng))
    found = salib.analyze(problem, y, calc_second_order=False, seed=seed + 1)
    return tuple(np.concatenate([found[f"S1{x}"], found[f"ST{x}"]]) for x in ("", "_conf"))


def morris_coverage(trajectories: int, repeats: int, seed: int) -> tuple[Array, Array]:
    """Give how often intervals of mu* hold it, and its mean half width, for Ishigami."""

    def one(number: int, rng: int) -> tuple[Array, Array]:
        design = sensitivity.morris(*THREE, trajectories=number, rng=rng)
        scheme = sensitivity._scheme(design)
        y = ishigami(np.array(design.rows))[:, None, None]
        cells = (y, np.ones_like(y))
        found = sensitivity._spread(scheme, cells, np.arange(number), LEVEL, True)
        return found["value"][:3, 0], found["design"][:3, 0]

    truth = np.mean([one(500, seed + i)[0] for i in range(20)], axis=0)
    found = [one(trajectories, seed + 1000 + i) for i in range(repeats)]
    values, halves = (np.array(part) for part in zip(*found, strict=True))
    return (np.abs(values - truth) <= halves + 1e-9).mean(axis=0), halves.mean(axis=0)


def line(words: str, numbers: Array, digits: int = 3) -> None:
    print(f"  {words:<26}" + " ".join(f"{x:8.{digits}f}" for x in numbers), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    begun = time.perf_counter()
    print(f"repeats {given.repeats}, seed {given.seed}, level {LEVEL}; a coverage of 0.95 has a "
          f"standard error of {math.sqrt(0.95 * 0.05 / given.repeats):.3f}")  # fmt: skip
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, SALib {version('SALib')}")
    print(f"{'':28}" + " ".join(f"{x:>8}" for x in ("S1 x1", "S1 x2", "S1 x3", "ST x1", "ST x2",
                                                    "ST x3")))  # fmt: skip
    settings = [(base, "", 1) for base in (128, 256, 512, 1024)]
    settings += [(256, "shared", 10), (256, "own", 4)]
    for name, f, exact in (
        ("Ishigami", ishigami, ishigami_indices()),
        ("linear", linear, linear_indices()),
    ):
        for base, noise, lots in settings:
            methods: list[tuple[str, Any]] = [("library", partial(ours, f, base, lots, noise))]
            if not noise:
                methods.append(("SALib's bootstrap", partial(bootstrap, f, base)))
            words = f", {lots} replications, noise {noise}" if noise else ""
            print(f"{name}, base {base}{words}")
            for method, draw in methods:
                found = [draw(given.seed + i) for i in range(given.repeats)]
                values, halves = (np.array(part) for part in zip(*found, strict=True))
                line(f"{method}: coverage", (np.abs(values - exact) <= halves).mean(axis=0))
                line("  mean half width", halves.mean(axis=0))
                line("  root mean square error", np.sqrt(((values - exact) ** 2).mean(axis=0)))
                if noise:
                    line("  mean error", (values - exact).mean(axis=0))
    for trajectories in (10, 20, 50):
        coverage, half = morris_coverage(trajectories, given.repeats, given.seed)
        print(f"Ishigami, {trajectories} trajectories: mu* of x1, x2, x3")
        line("library: coverage", coverage)
        line("  mean half width", half)
    print(f"took {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
