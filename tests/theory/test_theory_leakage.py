"""Leakage against enumeration of every shot, target and choice."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from escalate.errors import EscalateError
from escalate.theory.leakage import (
    barrage_size,
    beta_leakers,
    common_mode_layers,
    decoy_leakage,
    independent_layers,
    leak_prob,
    magazine_leakage,
    occupancy_moments,
    occupancy_pmf,
    salvo_kill_prob,
    shoot_look_shoot,
)


def pmf_moments(pmf):
    k = np.arange(len(pmf))
    mean = pmf @ k
    return float(mean), float(pmf @ (k - mean) ** 2)


# ---------------------------------------------------------------------- layers


def test_layers_multiply():
    assert leak_prob([[0.5, 0.5], [1.0, 0.0], [0.0, 0.0]]).tolist() == [0.25, 0.0, 1.0]
    assert leak_prob(0.25) == 0.75
    assert leak_prob([0.5, 0.5], [0.5, 1.0]) == 0.375


@pytest.mark.parametrize("build", [independent_layers, common_mode_layers])
def test_moments_of_leakers_are_those_of_their_distribution(build):
    leakers = build(12, [0.7, 0.4, 0.9], [0.9, 0.5, 1.0])
    pmf = leakers.pmf(np.arange(13))
    assert pmf.sum() == pytest.approx(1.0, abs=1e-14)
    assert (leakers.mean, leakers.variance) == pytest.approx(pmf_moments(pmf), rel=1e-12)
    assert leakers.prob_none == pytest.approx(pmf[0], rel=1e-12)
    assert leakers.mean == pytest.approx(12 * leakers.leak_prob)


def test_common_mode_against_every_state_of_the_layers():
    kills, ups = [0.7, 0.4, 0.9], [0.9, 0.5, 0.8]
    pmf = np.zeros(6)
    for state in itertools.product([True, False], repeat=3):
        chance = math.prod(u if up else 1 - u for u, up in zip(ups, state, strict=True))
        leak = math.prod(1 - p for p, up in zip(kills, state, strict=True) if up)
        pmf += chance * stats.binom.pmf(range(6), 5, leak)
    assert common_mode_layers(5, kills, ups).pmf(range(6)) == pytest.approx(pmf, abs=1e-15)


def test_common_mode_changes_all_but_the_mean():
    common, alone = (f(30, [0.6, 0.8], 0.9) for f in (common_mode_layers, independent_layers))
    assert common.mean == pytest.approx(alone.mean)
    assert common.variance > alone.variance
    assert common.prob_none > alone.prob_none


def test_layers_that_never_fail_or_never_work():
    sure = common_mode_layers(10, [1.0, 0.5], [1.0, 0.3])
    assert (sure.mean, sure.variance, sure.prob_none) == (0.0, 0.0, 1.0)
    open_door = common_mode_layers(10, [0.0], [1.0])
    assert (open_door.mean, open_door.variance, open_door.prob_none) == (10.0, 0.0, 0.0)
    assert common_mode_layers(0, [0.5], [0.5]).prob_none == 1.0


# ---------------------------------------------------------------------- doctrine


@pytest.mark.parametrize("raid", [1, 20, 100_000])
@pytest.mark.parametrize("wanted", [0.01, 0.8, 0.999])
@pytest.mark.parametrize("kill", [0.05, 0.8, 1.0])
def test_a_barrage_is_the_smallest_that_will_do(raid, wanted, kill):
    size = barrage_size(raid, wanted, kill, track_prob=1.0)

    def achieved(shots):
        return (1 - (1 - kill) ** shots) ** raid

    assert achieved(size.shots) >= wanted * (1 - 1e-9) > 0
    assert size.shots == 1 or achieved(size.shots - 1) < wanted
    assert size.zero_leak_prob == pytest.approx(achieved(size.shots), rel=1e-9)
    assert size.interceptors == raid * size.shots
    assert size.shots >= size.shots_real - 1e-9


def test_a_barrage_is_not_one_shot_too_large_by_rounding():
    for shots in range(1, 12):
        wanted = 1 - (1 - 0.3) ** shots
        assert barrage_size(1, wanted, 0.3).shots == shots
    assert barrage_size(5, 0.0, 0.3)[1:] == (0.0, 0, 0, 0.0)


def test_tracking_can_rule_a_barrage_out():
    with pytest.raises(EscalateError, match=r"< track_prob` must hold for any barrage to do"):
        barrage_size(20, 0.95, 0.8, track_prob=0.99)


@pytest.mark.parametrize("kill", [0.0, 0.2, 0.7, 1.0])
@pytest.mark.parametrize("shots", [[4], [1, 1, 1, 1], [2, 2], [1, 3], [0, 2, 0, 1], [0]])
def test_looks_against_every_sequence_of_shots(kill, shots):
    def engage(looks):
        """Chance of a kill and mean shots from these looks on."""
        if not looks:
            return 0.0, 0.0
        miss = (1 - kill) ** looks[0]
        later, more = engage(looks[1:])
        return 1 - miss + miss * later, looks[0] + miss * more

    found = shoot_look_shoot(kill, shots)
    assert (found.kill_prob, found.shots) == pytest.approx(engage(shots), abs=1e-14)


def test_a_shared_kill_probability_against_quadrature():
    mean, concentration = 0.3, 2.5
    law = stats.beta(mean * concentration, (1 - mean) * concentration)
    for shots in (0, 1, 5):
        kill = 1 - law.expect(lambda p, n=shots: (1 - p) ** n)
        assert salvo_kill_prob(mean, shots, concentration) == pytest.approx(kill, abs=1e-8)
    looks = shoot_look_shoot(mean, [2, 1, 3], concentration)
    fired = law.expect(lambda p: 2 + (1 - p) ** 2 + 3 * (1 - p) ** 3)
    assert looks.shots == pytest.approx(fired, abs=1e-8)
    assert looks.kill_prob == salvo_kill_prob(mean, 6, concentration)


def test_sharing_vanishes_with_concentration_and_is_total_without():
    assert salvo_kill_prob(0.3, 7, 1e13) == pytest.approx(salvo_kill_prob(0.3, 7), rel=1e-11)
    assert salvo_kill_prob(0.3, 7, 1e-9) == pytest.approx(0.3, rel=1e-7)
    assert salvo_kill_prob(1e-18, 3) == pytest.approx(3e-18)
    found = salvo_kill_prob([[0.0], [1.0]], [0, 2], [[math.inf], [4.0]])
    assert found.tolist() == [[0.0, 0.0], [0.0, 1.0]]
    assert shoot_look_shoot([0.2, 0.5], [1, 1], [[5.0], [math.inf]]).shots.shape == (2, 2)


@pytest.mark.parametrize(("raid", "kill", "c"), [(1, 0.5, 2.0), (10, 0.8, 10.0), (300, 0.3, 0.5)])
def test_one_shot_at_each_is_beta_binomial(raid, kill, c):
    leakers = beta_leakers(raid, kill, c)
    law = stats.betabinom(raid, (1 - kill) * c, kill * c)
    k = np.arange(raid + 1)
    assert leakers.pmf(k) == pytest.approx(law.pmf(k), abs=1e-12)
    assert (leakers.mean, leakers.variance) == pytest.approx((law.mean(), law.var()), rel=1e-10)


def test_several_shots_and_a_layer_that_may_be_down_against_quadrature():
    leakers = beta_leakers(8, 0.6, 4.0, shots=2, up_prob=0.9)
    law = stats.beta(2.4, 1.6)
    for k in (0, 3, 8):
        up = integrate.quad(lambda p, k=k: stats.binom.pmf(k, 8, (1 - p) ** 2) * law.pdf(p), 0, 1)[
            0
        ]
        assert leakers.pmf(k) == pytest.approx(0.9 * up + 0.1 * (k == 8), abs=1e-7)
    assert leakers.leak_prob == pytest.approx(0.1 + 0.9 * (1 - salvo_kill_prob(0.6, 2, 4.0)))


def test_certainty_about_the_kill_probability_is_binomial():
    for c in (math.inf, 3.0):
        assert beta_leakers(5, 1.0, c).prob_none == 1.0
        assert beta_leakers(5, 0.0, c).mean == 5.0
    assert beta_leakers(9, 0.4, math.inf).variance == pytest.approx(9 * 0.6 * 0.4)
    assert beta_leakers(9, 0.4, 3.0, shots=0).mean == pytest.approx(9.0)
    assert beta_leakers(5000, 0.4, 3.0).mean == pytest.approx(3000.0, rel=1e-9)


# ---------------------------------------------------------------------- magazine


def naive_magazine(raid, magazine, kill, looks, order):
    """Follow every outcome of every salvo: chance, leakers and shots left at the end."""
    ends = []
    turns = [(w, s) for w in range(raid) for s in looks]
    if order == "look":
        turns = [(w, s) for s in looks for w in range(raid)]

    def play(turn, alive, left, chance):
        if turn == len(turns):
            ends.append((chance, len(alive), left))
            return
        weapon, shots = turns[turn]
        if weapon not in alive:
            play(turn + 1, alive, left, chance)
            return
        shots = min(shots, left)
        miss = (1 - kill) ** shots
        if shots:
            play(turn + 1, alive - {weapon}, left - shots, chance * (1 - miss))
        play(turn + 1, alive, left - shots, chance * miss)

    play(0, frozenset(range(raid)), magazine, 1.0)
    chance, leakers, left = np.array(ends).T
    mean = chance @ leakers
    return (
        mean,
        chance @ (leakers - mean) ** 2,
        chance @ (magazine - left),
        chance @ (left == 0),
        chance @ (leakers == 0),
    )


@pytest.mark.parametrize("order", ["weapon", "look"])
@pytest.mark.parametrize("looks", [[2], [1, 1], [2, 1], [1, 0, 2], [3, 2]])
@pytest.mark.parametrize(("raid", "magazine"), [(0, 3), (1, 4), (3, 0), (3, 5), (4, 7), (4, 40)])
def test_a_magazine_against_every_outcome(order, looks, raid, magazine):
    found = magazine_leakage(magazine, 0.6, looks, raid=raid, order=order)
    assert found == pytest.approx(naive_magazine(raid, magazine, 0.6, looks, order), abs=1e-13)


def test_the_order_of_service_matters_for_salvos():
    first, second = (
        magazine_leakage(5, 0.6, [1, 2], raid=4, order=order).mean_leakers
        for order in ("weapon", "look")
    )
    assert first > second + 0.2


@pytest.mark.parametrize("order", ["weapon", "look"])
def test_a_poisson_raid_is_a_mixture_of_raids(order):
    raid = stats.poisson(2.5)
    each = np.array([magazine_leakage(5, 0.6, 2, raid=n, order=order) for n in range(40)])
    chance = raid.pmf(range(40))
    mean = chance @ each[:, 0]
    wanted = chance @ each
    wanted[1] += chance @ (each[:, 0] - mean) ** 2
    found = magazine_leakage(5, 0.6, 2, raid_mean=2.5, order=order)
    assert found == pytest.approx(wanted, abs=1e-12)


def test_looking_after_every_shot_leaves_what_the_magazine_does_not_kill():
    """Whoever is served first: with a look after each shot, M shots make Bin(M, p) kills."""
    kills = stats.binom.pmf(range(41), 40, 0.7)
    leakers = np.maximum(30 - np.arange(41), 0)
    for order in ("weapon", "look"):
        found = magazine_leakage(40, 0.7, [1] * 40, raid=30, order=order)
        assert found.mean_leakers == pytest.approx(kills @ leakers, rel=1e-12)


def test_edges_of_a_magazine():
    assert magazine_leakage(0, 0.5, 2, raid=4) == (4.0, 0.0, 0.0, 1.0, 0.0)
    assert magazine_leakage(8, 1.0, 2, raid=4) == (0.0, 0.0, 8.0, 1.0, 1.0)
    assert magazine_leakage(8, 0.5, 2, raid_mean=0.0) == (0.0, 0.0, 0.0, 0.0, 1.0)
    large = magazine_leakage(1000, 0.5, 2, raid_mean=800.0)
    assert large.mean_leakers == pytest.approx(800 - 0.75 * 500, rel=1e-9)


# ---------------------------------------------------------------------- overkill


def naive_occupancy(targets, leakers, hit):
    pmf = np.zeros(min(targets, leakers) + 1)
    for choice in itertools.product(range(targets + 1), repeat=leakers):
        # The extra target stands for a miss.
        misses = choice.count(targets)
        chance = (hit / targets) ** (leakers - misses) * (1 - hit) ** misses
        pmf[len(set(choice) - {targets})] += chance
    return pmf


@pytest.mark.parametrize("targets", [1, 2, 3, 5])
@pytest.mark.parametrize("leakers", [0, 1, 2, 4])
@pytest.mark.parametrize("hit", [0.0, 0.3, 0.8, 1.0])
def test_overkill_against_every_choice_of_targets(targets, leakers, hit):
    pmf = naive_occupancy(targets, leakers, hit)
    assert occupancy_pmf(targets, leakers, hit) == pytest.approx(pmf, abs=1e-14)
    moments = occupancy_moments(targets, leakers, hit)
    assert moments == pytest.approx(pmf_moments(pmf), abs=1e-13)


def test_overkill_with_many_targets_keeps_its_digits():
    mean, variance = occupancy_moments(10**9, 1000)
    collisions = 1000 * 999 / 2 / 1e9
    assert 1000 - mean == pytest.approx(collisions, rel=1e-6)
    assert variance == pytest.approx(collisions, rel=1e-5)
    pmf = occupancy_pmf(2000, 5000)
    assert pmf_moments(pmf) == pytest.approx(occupancy_moments(2000, 5000), rel=1e-9)
    assert occupancy_moments([1, 2], [[0], [3]])[0].shape == (2, 2)


# ---------------------------------------------------------------------- decoys


def naive_decoys(real, decoys, capacity, kill, real_prob, decoy_prob, engage_rest):
    """Every way to take objects for weapons, every order of engaging, every kill."""
    leaks, engaged_mean = np.zeros(real + 1), 0.0
    objects = range(real + decoys)
    for taken in itertools.product([True, False], repeat=real + decoys):
        chance = 1.0
        for o in objects:
            p = real_prob if o < real else decoy_prob
            chance *= p if taken[o] else 1 - p
        orders = list(itertools.permutations(objects))
        for order in orders:
            line = [o for o in order if taken[o]]
            line += [o for o in order if not taken[o]] if engage_rest else []
            shot = line[:capacity]
            engaged_mean += chance / len(orders) * len(shot)
            weapons = sum(o < real for o in shot)
            for k in range(weapons + 1):
                leaks[real - k] += chance / len(orders) * stats.binom.pmf(k, weapons, kill)
    return (*pmf_moments(leaks), leaks[0], engaged_mean)


@pytest.mark.parametrize("engage_rest", [True, False])
@pytest.mark.parametrize("probs", [(1.0, 1.0), (1.0, 0.0), (0.8, 0.3)])
@pytest.mark.parametrize(
    "crowd", [(2, 2, 0), (2, 2, 1), (2, 2, 3), (2, 1, 9), (0, 2, 1), (3, 0, 2)]
)
def test_decoys_against_every_outcome(engage_rest, probs, crowd):
    found = decoy_leakage(
        *crowd, 0.7, real_prob=probs[0], decoy_prob=probs[1], engage_rest=engage_rest
    )
    assert found == pytest.approx(naive_decoys(*crowd, 0.7, *probs, engage_rest), abs=1e-13)


def test_discrimination_helps_and_decoys_hurt():
    plain, sharp = (decoy_leakage(20, 50, 30, 0.8, decoy_prob=q).mean_leakers for q in (1.0, 0.2))
    alone = decoy_leakage(20, 0, 30, 0.8).mean_leakers
    assert plain == pytest.approx(20 * (1 - 0.8 * 30 / 70))
    assert alone == pytest.approx(4.0) and alone < sharp < plain


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: leak_prob([0.5, 1.25]), "kill_probs <= 1` must hold, but it is 1.25 (0.25 too"),
        (lambda: common_mode_layers(1, [0.1] * 21, 1.0), "`layers <= 20` must hold for a sum over"),
        (lambda: common_mode_layers(1, [0.1], [1.5]), "up_probs <= 1` must hold"),
        (lambda: independent_layers(1.5, [0.1]), "`raid is whole` must hold"),
        (lambda: barrage_size(2, 1.0, 0.5), "zero_leak_prob < 1` must hold"),
        (lambda: barrage_size(2, 0.5, 0.0), "`0 < kill_prob"),
        (lambda: salvo_kill_prob(0.5, 2, 0.0), "`0 < concentration` must hold"),
        (lambda: salvo_kill_prob(0.5, 2, math.nan), "`concentration is finite`"),
        (lambda: shoot_look_shoot(0.5, [-1]), "`0 <= shots"),
        (lambda: magazine_leakage(3, 0.5), "just one of `raid` and `raid_mean`"),
        (lambda: magazine_leakage(3, 0.5, raid=1, raid_mean=1.0), "just one of `raid`"),
        (lambda: magazine_leakage(3, 0.5, raid=1, order="last"), "`order` must be 'weapon' or"),
        (lambda: occupancy_moments(0, 3), "`1 <= targets"),
        (lambda: decoy_leakage(1, 1, -1, 0.5), "`0 <= capacity"),
    ],
)
def test_what_is_out_of_bounds_is_named(call, message):
    with pytest.raises(EscalateError) as error:
        call()
    assert message in str(error.value)
