"""The model that speeds are held against fights the war that it is said to fight."""

import numpy as np
import pytest

import escalate as esc
from benchmarks.handwritten_simpy import main
from benchmarks.speed import long_winter

YEAR = 52


def test_the_handwritten_model_fights_as_large_a_war():
    """Weapons launched to 10%, and killed to 25%, as the two are not the same in every detail."""
    wars = esc.simulate_many(long_winter(YEAR), replications=8, rng=1).dataset
    found = [main(7.0 * YEAR, seed) for seed in range(3)]
    launched = [sum(n for *_, kind, n in war.log if kind != "killed") for war in found]
    killed = [sum(side.killed for side in war.sides.values()) for war in found]
    for ours, theirs, share in (("launched", launched, 0.1), ("killed", killed, 0.25)):
        total = wars[ours].sum([d for d in wars[ours].dims if d != "replication"])
        assert np.mean(theirs) == pytest.approx(float(total.mean()), rel=share)
