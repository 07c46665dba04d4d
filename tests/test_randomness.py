"""Draws: known answers, independence of order, distributions, and what a seed may be.

Every goodness-of-fit test has level 1e-4, with fixed seeds.
"""

from __future__ import annotations

import itertools
import math
import os
import random
import subprocess
import sys
from pathlib import Path
from statistics import NormalDist

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import escalate.randomness as module
from escalate.engines import _steps
from escalate.randomness import (
    RunKey,
    Seed,
    bernoullis,
    beta,
    decision,
    derive,
    gamma,
    normal,
    poisson,
    threefry,
    uniform,
    uniforms,
)
from tests.naive import assert_mean, assert_share, runs

LEVEL = 1e-4
word = st.integers(0, 2**63 - 1)
index = st.integers(0, 2**62)


def assert_follows(sample, law):
    assert stats.kstest(sample, law.cdf).pvalue > LEVEL


def assert_counts(sample, law):
    """Compare counts with a discrete law, in some twenty bins of like probability."""
    edges = np.unique([0, *law.ppf(np.linspace(0.05, 0.95, 19)).astype(int) + 1])
    probs = np.diff([*law.cdf(edges - 1), 1.0])
    seen = np.histogram(sample, [*edges, np.inf])[0]
    assert stats.chisquare(seen, probs * len(sample)).pvalue > LEVEL


def text_of(kernel):
    """Give the Python text of a kernel, compiled or not."""
    return getattr(kernel, "py_func", None) or kernel.__wrapped__


# ---------------------------------------------------------------------- the generator

# DEShawResearch/random123, tests/kat_vectors, threefry2x64 with 20 rounds: counter, key, result.
KNOWN_ANSWERS = [
    ((0, 0), (0, 0), (0xC2B6E3A8C2C69865, 0x6F81ED42F350084D)),
    ((2**64 - 1, 2**64 - 1), (2**64 - 1, 2**64 - 1), (0xE02CB7C4D95D277A, 0xD06633D0893B8B68)),
    (
        (0x243F6A8885A308D3, 0x13198A2E03707344),
        (0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        (0x263C7D30BB0F0AF1, 0x56BE8361D3311526),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_known_answers_of_threefry(counter, key, expected):
    got = threefry(*(np.uint64(w) for w in (*key, *counter)))
    assert tuple(int(w) for w in got) == expected


def plain_threefry(key, counter):
    """Say Threefry-2x64-20 with Python's own integers, round by round."""
    mask = 2**64 - 1
    turns = (16, 42, 12, 31, 16, 32, 24, 21)
    words = (key[0], key[1], 0x1BD11BDAA9FC1A22 ^ key[0] ^ key[1])
    x, y = (counter[0] + words[0]) & mask, (counter[1] + words[1]) & mask
    for r in range(20):
        x = (x + y) & mask
        turn = turns[r % 8]
        y = ((y << turn | y >> (64 - turn)) & mask) ^ x
        if r % 4 == 3:
            s = r // 4 + 1
            x = (x + words[s % 3]) & mask
            y = (y + words[(s + 1) % 3] + s) & mask
    return x, y


@given(word, word, word, index)
def test_a_uniform_is_the_top_of_one_word_of_its_block(key0, key1, stream, i):
    block = plain_threefry((key0, key1), (stream, i // 2))
    expected = (block[i % 2] >> 12) * 2.0**-52 + 2.0**-53
    assert uniform(key0, key1, stream, i) == expected


@given(word, word, word, index)
def test_two_uniforms_at_once_are_the_two_of_a_block(key0, key1, stream, i):
    both = tuple(uniform(key0, key1, stream, i & ~1 | bit) for bit in (0, 1))
    assert uniforms(key0, key1, stream, i >> 1) == both


@given(word, word, word, word)
def test_a_child_s_key_is_63_bits_of_a_block_that_no_uniform_uses(key0, key1, key, number):
    block = plain_threefry((key0, key1), (key, number | 2**63))
    got = derive(key0, key1, key, number)
    assert got == block[0] >> 1
    assert 0 <= got < 2**63


@pytest.mark.parametrize(("bits", "expected"), [(2**64 - 1, 1.0 - 2.0**-53), (0, 2.0**-53)])
@pytest.mark.parametrize("i", [0, 1])
def test_neither_end_of_the_interval_can_come_out(bits, expected, i, monkeypatch):
    monkeypatch.setattr(module, "threefry", lambda *args: (np.uint64(bits), np.uint64(bits)))
    assert text_of(uniform)(1, 2, 3, i) == expected
    assert math.isfinite(normal(expected))
    assert math.isfinite(math.log(expected))


def test_draws_do_not_depend_on_the_order_in_which_they_are_taken():
    asked = list(itertools.product(range(3), range(4), range(5), range(6)))
    in_order = {at: uniform(*at) for at in asked}
    random.Random(1).shuffle(asked)
    assert {at: uniform(*at) for at in asked} == in_order
    assert len(set(in_order.values())) == len(asked)


def test_uniforms_along_and_across_streams_are_uniform_and_uncorrelated():
    n = runs(100_000)
    along = np.array([uniform(1, 2, 3, i) for i in range(n)])
    across = np.array([uniform(1, 2, stream, 0) for stream in range(n)])
    replications = np.array([uniform(key, 2, 3, 0) for key in range(n)])
    for drawn in (along, across, replications):
        assert_follows(drawn, stats.uniform())
        # Of products with the next one: mean 1/4, variance 7/144.
        assert_mean(drawn[:-1:2] * drawn[1::2], 0.25, 7.0 / 144.0)
    assert_mean(along * across, 0.25, 7.0 / 144.0)
    assert_mean(along * replications, 0.25, 7.0 / 144.0)
    cells = np.histogram2d(along, across, bins=10, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(cells.ravel()).pvalue > LEVEL


# ---------------------------------------------------------------------- streams

DECISIONS = {name: value for name, value in vars(_steps).items() if name.startswith("D_")}


def test_the_number_of_a_decision_is_the_same_on_every_machine():
    # The first eight bytes, read from the big end, of BLAKE2b of that length, less one bit.
    assert decision("interception") == _steps.D_KILL == 5267127626401908118
    assert 0 <= decision("") < 2**63


def test_decisions_in_use_are_told_apart_with_room_between_them():
    numbers = sorted(DECISIONS.values())
    assert len(numbers) > 20
    # Some are added to (a side's or a tempo's number), some are turned by one bit or two.
    assert min(b - a for a, b in itertools.pairwise(numbers)) > 2**40
    assert min(a ^ b for a, b in itertools.combinations(numbers, 2)) > 2**40
    assert numbers[-1] + 2**40 < 2**63


def test_no_two_decisions_of_a_million_strikes_share_a_stream():
    # Chance alone would bring two of these 30 million together once in 20,000 tries.
    strikes = 1_000_000 if not numba.config.DISABLE_JIT else 5_000
    keys = np.array([derive(7, 8, 9, i) for i in range(strikes)])
    turned = [DECISIONS["D_SIZE"] ^ 1]  # the Poisson part of a size
    streams = np.concatenate([keys ^ number for number in (*DECISIONS.values(), *turned)])
    streams.sort()
    assert not (streams[1:] == streams[:-1]).any()


def test_the_streams_of_a_shared_kill_probability_are_its_own():
    strikes = runs(20_000)
    layers = [derive(7, 8, derive(7, 8, 9, i) ^ _steps.D_COMMON, 0) for i in range(strikes)]
    own = [layer ^ turn for layer in layers for turn in (0, 1, 2)]
    keys = [derive(7, 8, 9, i) for i in range(strikes)]
    others = [key ^ number for key in keys for number in DECISIONS.values()]
    assert len({*own, *others}) == len(own) + len(others)


# ---------------------------------------------------------------------- distributions


@given(st.floats(2.0**-53, 1.0 - 2.0**-53))
def test_normal_is_the_quantile_function(u):
    # The other implementation rounds differently; near the middle it cancels in u - 1/2 alike.
    assert normal(u) == pytest.approx(NormalDist().inv_cdf(u), rel=2e-15, abs=0.0)


@pytest.mark.parametrize("u", [2.0**-53, 1e-12, 1.39e-11, 1e-6, 0.07499, 0.0751, 0.2, 0.4999, 0.5])
def test_normal_is_odd_and_exact_at_the_seams(u):
    expected = NormalDist().inv_cdf(u)
    assert normal(u) == pytest.approx(expected, rel=1e-15, abs=0.0)
    if u > 1e-3:
        assert normal(1.0 - u) == pytest.approx(-normal(u), rel=1e-13)


@given(st.floats(1e-12, 1.0 - 1e-12), st.floats(1e-9, 0.1))
def test_normal_rises(u, more):
    assert normal(u) < normal(min(u + more, 1.0 - 1e-13))


def test_normal_deviates_follow_their_law():
    drawn = [normal(uniform(4, 4, 4, i)) for i in range(runs(50_000))]
    assert_follows(drawn, stats.norm())


@pytest.mark.parametrize("shape", [0.02, 0.3, 0.999, 1.0, 1.7, 30.0, 1e6])
def test_gamma_deviates_follow_their_law(shape):
    drawn = np.array([gamma(5, 5, run, shape) for run in range(runs(10_000))])
    assert_follows(drawn, stats.gamma(shape))
    assert_mean(drawn, shape, shape)


def plain_gamma(draws, shape):
    """Reject by the ratio of densities: the target's, carried over to z, and the normal's."""
    boost = 1.0
    if shape < 1.0:
        boost = next(draws) ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)

    def log_ratio(z):
        root = 1.0 + c * z
        x = d * root**3
        return (shape - 1.0) * math.log(x) - x + math.log(root**2) + z * z / 2.0

    while True:
        z, u = NormalDist().inv_cdf(next(draws)), next(draws)
        if 1.0 + c * z > 0.0 and math.log(u) < log_ratio(z) - log_ratio(0.0):
            return d * (1.0 + c * z) ** 3 * boost


@pytest.mark.parametrize("shape", [0.1, 0.6, 1.0, 1.4, 5.0, 400.0])
def test_gamma_deviates_are_what_rejection_leaves_of_a_cubed_normal(shape):
    # Tells draws apart that follow nearly the same law, such as the cubed normal itself.
    for run in range(runs(3_000)):
        draws = (uniform(5, 6, run, i) for i in itertools.count())
        assert gamma(5, 6, run, shape) == pytest.approx(plain_gamma(draws, shape), rel=1e-9)


@pytest.mark.parametrize(("a", "b"), [(8.0, 2.0), (0.5, 0.5), (1.0, 1.0), (0.7, 40.0), (3e4, 1e4)])
def test_beta_deviates_follow_their_law(a, b):
    drawn = np.array([beta(6, 6, 2 * run, 2 * run + 1, a, b) for run in range(runs(10_000))])
    assert_follows(drawn, stats.beta(a, b))
    assert_mean(drawn, a / (a + b), stats.beta(a, b).var())


@pytest.mark.parametrize(("a", "b"), [(1e-3, 1e-3), (2e-3, 5e-4), (1e-5, 3e-5), (0.02, 0.03)])
def test_a_beta_of_tiny_shapes_is_a_toss_between_the_ends(a, b):
    # Both gammas underflow here as often as not; the mean must not notice.
    drawn = np.array([beta(6, 7, 2 * run, 2 * run + 1, a, b) for run in range(runs(10_000))])
    assert ((drawn >= 0.0) & (drawn <= 1.0)).all()
    assert_mean(drawn, a / (a + b), stats.beta(a, b).var())
    inner = stats.beta(a, b).cdf([0.01, 0.99])
    assert_share((drawn > 0.01) & (drawn <= 0.99), inner[1] - inner[0])


@pytest.mark.parametrize("mean", [1e-3, 0.6, 7.0, 60.0, 499.9, 500.0, 2600.0])
def test_poisson_numbers_follow_their_law(mean):
    drawn = np.array(
        [poisson(7, 7, run, 3, mean) for run in range(runs(10_000 if mean < 99 else 3_000))]
    )
    assert_mean(drawn, mean, mean)
    assert_mean((drawn - mean) ** 2, mean, mean + 2.0 * mean * mean)
    if mean > 0.1:
        assert_counts(drawn, stats.poisson(mean))


def test_a_poisson_number_of_mean_zero_is_zero():
    assert poisson(1, 2, 3, 4, 0.0) == 0


@given(st.floats(0.0, 499.0), st.floats(0.0, 1.0), st.integers(0, 10**6))
def test_a_larger_mean_never_gives_fewer_while_one_draw_does(mean, more, stream):
    assert poisson(1, 2, stream, 0, mean) <= poisson(1, 2, stream, 0, min(mean + more, 499.9))


@pytest.mark.parametrize("mean", [0.1, 5.0, 100.0, 499.0])
def test_the_last_draw_below_one_gives_a_large_number_and_no_absurd_one(mean, monkeypatch):
    # The terms add up to a little less than 1; the search must end where they stop counting.
    monkeypatch.setattr(module, "uniform", lambda *args: 1.0 - 2.0**-53)
    most = poisson(1, 2, 3, 0, mean)
    assert 1e-22 < stats.poisson(mean).sf(most - 1) < 1e-12


@pytest.mark.parametrize(
    ("trials", "prob", "expected"),
    [(9, 0.0, 0), (9, -0.1, 0), (9, 1.0, 9), (9, 1.1, 9), (0, 0.5, 0)],
)
def test_trials_that_are_certain(trials, prob, expected):
    assert bernoullis(1, 2, 3, 0, trials, prob) == expected


def test_numbers_of_successes_are_binomial():
    drawn = [bernoullis(8, 8, run, 5, 20, 0.3) for run in range(runs(10_000))]
    assert_counts(drawn, stats.binom(20, 0.3))


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.01, 0.99))
def test_trials_may_be_counted_in_portions(first, second, prob):
    whole = bernoullis(8, 9, 1, 0, first + second, prob)
    assert bernoullis(8, 9, 1, 0, first, prob) + bernoullis(8, 9, 1, first, second, prob) == whole


# All strikes that one strike leads to when each provokes a Poisson number with mean n = 0.6:
# the Borel law exp(-n k) (n k)^(k - 1) / k!, with mean 1/(1 - n) and variance n/(1 - n)^3;
# evaluated independently, August 2026.
BOREL = [
    0.5488116360940264, 0.18071652714732134, 0.08926139963965672, 0.052253541094701636,
    0.03360627114830815, 0.02294668070101584,
]  # fmt: skip


def test_chains_of_poisson_offspring_follow_the_borel_law():
    sizes = []
    for run in range(runs(20_000)):
        size = waiting = 1
        key = derive(9, 9, 9, run)
        while waiting:
            born = poisson(9, 9, key ^ size, 0, 0.6)
            waiting += born - 1
            size += born
            key = derive(9, 9, key, size)
        sizes.append(size)
    sizes = np.array(sizes)
    for k, prob in enumerate(BOREL, 1):
        assert_share(sizes == k, prob)
    assert_share(sizes >= 10, 0.03509060542358111)
    assert_mean(sizes, 2.5, 9.375)


# ---------------------------------------------------------------------- seeds


def test_zero_is_a_seed_and_none_is_fresh():
    assert Seed.of(0) == Seed(0) == Seed.of(0)
    fresh = {Seed.of(None) for _ in range(20)}
    assert len(fresh) == 20 and Seed.of(0) not in fresh


@pytest.mark.parametrize("given", [5, np.int64(5), np.uint8(5), np.random.SeedSequence(5), Seed(5)])
def test_all_that_stand_for_five(given):
    assert Seed.of(given) == Seed(5, ())
    assert type(Seed.of(given).entropy) is int


def test_a_wide_integer_is_kept_whole():
    assert Seed.of(2**200 + 1).entropy == 2**200 + 1


def test_a_spawned_sequence_keeps_its_place():
    first, second = np.random.SeedSequence(5).spawn(2)
    assert Seed.of(first) == Seed(5, (0,))
    assert Seed.of(second.spawn(1)[0]) == Seed(5, (1, 0))
    keys = {Seed.of(s).run_key(0) for s in (first, second, np.random.SeedSequence(5))}
    assert len(keys) == 3


def test_a_sequence_of_entropy_is_squeezed_and_keeps_its_place_too():
    plain = np.random.SeedSequence([1, 2, 3])
    assert Seed.of(plain) == Seed.of(np.random.SeedSequence([1, 2, 3]))
    seeds = [Seed.of(s) for s in (plain, *plain.spawn(2), np.random.SeedSequence([1, 2]))]
    assert len(set(seeds)) == 4


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.PCG64, np.random.Philox])
def test_a_generator_moves_on(make):
    one, two = make(5), make(5)
    first = Seed.of(one)
    assert first == Seed.of(two)
    assert Seed.of(one) != first
    assert Seed.of(one).spawn_key == ()
    assert 0 <= first.entropy < 2**128


def test_a_bit_generator_and_its_generator_are_one():
    assert Seed.of(np.random.PCG64(5)) == Seed.of(np.random.default_rng(5))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (True, TypeError, "`rng` must be an integer, a generator or None, but got True"),
        (-1, ValueError, "`rng >= 0` must hold, but got -1"),
        (np.int64(-7), ValueError, "`rng >= 0` must hold, but got -7"),
        (1.0, TypeError, "or BitGenerator, or None, but got float"),
        (np.float64(1.0), TypeError, "but got float64"),
        (np.True_, TypeError, "but got bool"),
        ("5", TypeError, "but got str"),
        ([1, 2], TypeError, "but got list"),
        (np.random.RandomState(5), TypeError, "but got RandomState"),
    ],
)
def test_what_is_no_seed(given, error, message):
    with pytest.raises(error) as caught:
        Seed.of(given)
    assert message in str(caught.value)


@given(st.integers(0, 2**130), st.lists(st.integers(0, 2**32 - 1), max_size=3), st.integers(0, 99))
def test_a_seed_that_was_written_down_gives_the_same_run(entropy, spawn_key, replication):
    sequence = np.random.SeedSequence(entropy, spawn_key=tuple(spawn_key))
    key = Seed.of(sequence).run_key(replication)
    recorded = Seed.of(sequence)
    assert Seed(recorded.entropy, recorded.spawn_key).run_key(replication) == key
    assert 0 <= key.word0 < 2**63 and 0 <= key.word1 < 2**63
    assert type(key.word0) is type(key.word1) is int


def test_replications_and_seeds_have_keys_of_their_own():
    keys = [Seed(seed).run_key(replication) for seed in range(20) for replication in range(500)]
    words = [w for key in keys for w in (key.word0, key.word1)]
    assert len(set(words)) == len(words)


def test_a_replication_s_key_does_not_depend_on_those_before_it():
    assert Seed(3).run_key(1000) == Seed(3).run_key(1000) != Seed(3).run_key(999)


def test_keys_and_draws_that_must_never_change():
    # A change here changes every published run.
    key = Seed.of(12345).run_key(7)
    assert key == RunKey(6999609125990199951, 2919198061461796254)
    assert uniform(key.word0, key.word1, decision("interception"), 3) == 0.7049122377553217


# ---------------------------------------------------------------------- compiled or not

SAMPLE = """
from escalate.randomness import *
from escalate.randomness import derive, threefry, uniform
import numpy as np

key = Seed.of(2024).run_key(5)
words = (key.word0, key.word1)
stream = derive(*words, decision("sample"), 1)
print(*words, stream, *(int(w) for w in threefry(*map(np.uint64, (*words, stream, 2**63)))))
print(*(uniform(*words, stream ^ i, 2**62 + i).hex() for i in range(8)))
print(*(normal(uniform(*words, stream, i)).hex() for i in range(8)))
print(*(float(gamma(*words, stream + i, 0.3 * i + 0.1)).hex() for i in range(8)))
print(*(float(beta(*words, stream + i, stream - i, 0.001, 0.002)).hex() for i in range(1, 8)))
print(*(poisson(*words, stream, i, 10.0**i) for i in range(5)))
print(bernoullis(*words, stream, 0, 200, 0.4))
"""


def test_the_same_numbers_compiled_or_not():
    root = Path(__file__).parents[1]
    printed = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", SAMPLE],
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled, "PYTHONPATH": str(root)},
            capture_output=True, text=True, check=True,
        ).stdout
        for disabled in ("0", "1")
    ]  # fmt: skip
    assert printed[0] == printed[1]
    assert len(printed[0].splitlines()) == 7
