"""What the draws of a war cost by themselves: the least time that a war could take.

    python benchmarks/draws.py

Counts what one war draws, by kind and with its parameters, and draws as much again in a bare
compiled loop. `speed.py` sets the time of a whole war beside that.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

import escalate as esc
from escalate._compile import LAWS, inlined, kernel
from escalate.engines import _steps as steps
from escalate.engines import simpy as simpy_engine
from escalate.engines._pack import pack
from escalate.laws import allocation, interception
from escalate.randomness import (
    Seed,
    bernoullis,
    beta,
    derive,
    gamma,
    normal,
    poisson,
    uniform,
    uniforms,
)

for law in LAWS:
    inlined(law)

KINDS = ("uniform", "uniforms", "derive", "bernoullis", "poisson", "gamma", "beta", "normal")


def drawn(scenario: esc.Scenario, seed: Seed) -> dict[str, np.ndarray]:
    """Give the calls of one war by kind, each with what it depends on: stream and three more."""
    calls: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    kept = {}

    def counted(kind, function):
        def call(*arguments):
            calls[kind].append(arguments[2:] if kind != "normal" else arguments)
            return function(*arguments)

        return call

    functions = {
        "uniform": uniform, "uniforms": uniforms, "derive": derive, "bernoullis": bernoullis,
        "poisson": poisson, "gamma": gamma, "beta": beta, "normal": normal,
    }  # fmt: skip
    for module in (steps, interception, allocation):
        for kind, function in functions.items():
            if hasattr(module, kind):
                kept[module, kind] = getattr(module, kind)
                setattr(module, kind, counted(kind, function))
    try:
        simpy_engine.go_on(pack(scenario, seed.run_key(0)))
    finally:
        for (module, kind), function in kept.items():
            setattr(module, kind, function)
    return {kind: calls[kind] for kind in KINDS}


@kernel
def _draw(key0, key1, single, pairs, derived, trials, probs, means, shapes, normals):
    total = 0.0
    for i in range(len(single)):
        total += uniform(key0, key1, single[i, 0], single[i, 1])
    for i in range(len(pairs)):
        u, v = uniforms(key0, key1, pairs[i, 0], pairs[i, 1])
        total += u + v
    for i in range(len(derived)):
        total += derive(key0, key1, derived[i, 0], derived[i, 1])
    for i in range(len(trials)):
        total += bernoullis(key0, key1, trials[i, 0], trials[i, 1], trials[i, 2], probs[i])
    for i in range(len(means)):
        total += poisson(key0, key1, i, i, means[i])
    for i in range(len(shapes)):
        if shapes[i, 1] > 0.0:
            total += beta(key0, key1, i, i + 1, shapes[i, 0], shapes[i, 1])
        else:
            total += gamma(key0, key1, i, shapes[i, 0])
    for i in range(len(normals)):
        total += normal(normals[i])
    return total


class Draws:
    """The draws of one war, to be done again by themselves."""

    def __init__(self, scenario: esc.Scenario, seed: Seed) -> None:
        calls = drawn(scenario, seed)
        self.counts = {kind: len(rows) for kind, rows in calls.items()}
        trials = calls["bernoullis"]
        self._inputs = (
            np.array(calls["uniform"], dtype=np.int64).reshape(-1, 2),
            np.array(calls["uniforms"], dtype=np.int64).reshape(-1, 2),
            np.array(calls["derive"], dtype=np.int64).reshape(-1, 2),
            np.array([row[:3] for row in trials], dtype=np.int64).reshape(-1, 3),
            np.array([row[3] for row in trials], dtype=float),
            np.array([row[2] for row in calls["poisson"]], dtype=float),
            np.array(
                [(row[2], row[3]) for row in calls["beta"]]
                + [(row[1], -1.0) for row in calls["gamma"]],
                dtype=float,
            ).reshape(-1, 2),
            np.array([row[0] for row in calls["normal"]], dtype=float),
        )

    def again(self, key) -> float:
        """Draw all of them."""
        return _draw(key.word0, key.word1, *self._inputs)


if __name__ == "__main__":
    import time

    from speed import long_winter

    seed = Seed.of(1)
    draws = Draws(long_winter(52), seed)
    draws.again(seed.run_key(0))
    times = []
    for k in range(51):
        begun = time.perf_counter()
        draws.again(seed.run_key(k))
        times.append(time.perf_counter() - begun)
    print(draws.counts)
    print(f"{1e3 * sorted(times)[25]:.2f} ms")
