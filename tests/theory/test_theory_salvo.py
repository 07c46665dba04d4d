"""Salvo combat against enumeration, quadrature and sampled salvos.

Sampled means are held to five standard errors, so that one in 1.7 million fails by chance; the
seed is fixed.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from escalate.errors import EscalateError
from escalate.theory.salvo import (
    Force,
    LossDistribution,
    StochasticForce,
    fractional_exchange_ratio,
    heterogeneous_losses,
    salvo_exchange,
    salvo_loss,
    salvo_rounds,
    stochastic_salvo,
    stochastic_salvo_exchange,
    stochastic_salvo_normal,
)

KERNEL = {
    "offence": 3, "offence_prob": 0.6, "defence": 1, "defence_prob": 0.5,
    "damage_mean": 0.4, "damage_sd": 0.15,
}  # fmt: skip

# ---------------------------------------------------------------------- Hughes


def test_a_salvo_neither_heals_nor_kills_what_is_not_there():
    loss = salvo_loss([0, 1, 2, 50], 4, offence=4, defence=1, staying=2)
    assert loss.tolist() == [0.0, 0.0, 2.0, 4.0]
    assert salvo_loss(50, 4, 4, 1, 2, capped=False) == 98.0
    assert salvo_loss(0, 0, 0, 0, 1) == 0.0


def test_swapping_the_sides_swaps_the_losses():
    a, b = Force([5, 9], 3, 1, 2), Force(6, 2.5, 1.5, 1)
    for first, other in ((None, None), ("a", "b"), ("b", "a")):
        here, there = salvo_exchange(a, b, first=first), salvo_exchange(b, a, first=other)
        np.testing.assert_array_equal(here.a, there.b)
        np.testing.assert_array_equal(here.b, there.a)


def test_who_fires_first_loses_no_more_than_in_firing_at_once():
    a, b = Force(np.arange(1, 9), 3, 1, 2), Force(6, 2.5, 1, 1)
    assert (salvo_exchange(a, b, first="a").a <= salvo_exchange(a, b).a).all()
    assert (salvo_exchange(a, b, first="a").b == salvo_exchange(a, b).b).all()


def test_rounds_are_exchanges_one_after_another():
    a, b = Force([10, 4], 3, 2, 2), Force(8, 3, 2, 2)
    path_a, path_b = salvo_rounds(a, b, 3, first="b")
    assert path_a.shape == path_b.shape == (4, 2)
    for i in range(3):
        now = salvo_exchange(a._replace(units=path_a[i]), b._replace(units=path_b[i]), first="b")
        np.testing.assert_array_equal(path_a[i] - now.a, path_a[i + 1])
        np.testing.assert_array_equal(path_b[i] - now.b, path_b[i + 1])


def test_the_exchange_ratio_at_its_edges():
    assert fractional_exchange_ratio(0, 5, 1, 5) == math.inf
    assert fractional_exchange_ratio(1, 5, 0, 5) == 0.0
    with pytest.raises(EscalateError, match=r"`0 < loss_a \+ loss_b` must hold for a ratio"):
        fractional_exchange_ratio(0, 5, 0, 5)


def test_types_of_shooter_add_up_and_one_type_is_the_plain_salvo():
    one = heterogeneous_losses([4], 4, 3, targets=[5], defence=2)
    assert one == pytest.approx([salvo_loss(4, 5, 4, 2, 3)])
    share = np.array([[0.25, 0.75], [1.0, 0.0]])
    loss = heterogeneous_losses(
        [4, 2], [[3, 5], [2, 2]], [2, 1], aimed_share=share, effectiveness=0.5,
        targets=[3, 5], defence=[0.5, 1],
    )  # fmt: skip
    first = (0.5 * (4 * 3 * 0.25 + 2 * 2 * 1.0) - 3 * 0.5) / 2
    second = (0.5 * (4 * 5 * 0.75) - 5 * 1.0) / 1
    assert loss == pytest.approx([first, second])
    assert heterogeneous_losses([9], 4, [3, 3], targets=[5, 1]).tolist() == [5.0, 1.0]


# ---------------------------------------------------------------------- Armstrong


def naive_net(attackers, targets, kernel):
    """Chances of net hits, shot by shot."""
    fired, tries = attackers * kernel["offence"], targets * kernel["defence"]
    net = np.zeros(fired + 1)
    for hits, stops in itertools.product(range(fired + 1), range(tries + 1)):
        chance = math.comb(fired, hits) * kernel["offence_prob"] ** hits
        chance *= (1 - kernel["offence_prob"]) ** (fired - hits)
        chance *= math.comb(tries, stops) * kernel["defence_prob"] ** stops
        net[max(hits - stops, 0)] += chance * (1 - kernel["defence_prob"]) ** (tries - stops)
    return net


def quad_moments(mean, sd, cap):
    """Mean and variance of a normal cut off at 0 and `cap`, by quadrature."""
    law = stats.norm(mean, sd)
    ends = law.cdf(0), law.sf(cap)
    near = [x for x in (mean - 4 * sd, mean, mean + 4 * sd) if 0 < x < cap]

    def moment(power, about):
        inside = integrate.quad(
            lambda x: (x - about) ** power * law.pdf(x), 0, cap, points=near, epsabs=1e-14
        )[0]
        return inside + ends[0] * (-about) ** power + ends[1] * (cap - about) ** power

    first = moment(1, 0.0)
    return first, moment(2, first)


def test_net_hits_and_moments_against_enumeration_and_quadrature():
    loss = stochastic_salvo(2, 3, **KERNEL)
    net = naive_net(2, 3, KERNEL)
    assert loss.weights == pytest.approx(net, abs=1e-14)
    parts = [(0.0, 0.0)] + [quad_moments(0.4 * i, 0.15 * i**0.5, 3.0) for i in range(1, 7)]
    mean = sum(w * m for w, (m, _) in zip(net, parts, strict=True))
    variance = sum(w * (v + (m - mean) ** 2) for w, (m, v) in zip(net, parts, strict=True))
    assert (loss.mean, loss.variance) == pytest.approx((mean, variance), rel=1e-10)


@pytest.mark.parametrize("mean", [-30.0, -2.0, 0.0, 0.5, 3.0, 5.0, 40.0])
@pytest.mark.parametrize("cap", [0.1, 3.0])
def test_a_cut_off_normal_against_quadrature(mean, cap):
    loss = LossDistribution(np.ones(1), np.array([mean]), np.array([0.8]), cap)
    assert (loss.mean, loss.variance) == pytest.approx(quad_moments(mean, 0.8, cap), abs=1e-10)
    assert loss.sd == math.sqrt(loss.variance)
    law = stats.norm(mean, 0.8)
    assert (loss.prob_none, loss.prob_all) == pytest.approx((law.cdf(0), law.sf(cap)), rel=1e-12)
    assert loss.cdf([-1.0, cap / 2, cap]) == pytest.approx([0.0, law.cdf(cap / 2), 1.0])


def test_a_narrow_normal_keeps_its_digits_far_from_zero():
    loss = LossDistribution(np.ones(1), np.array([1e6]), np.array([1e-3]), 2e6)
    assert loss.variance == pytest.approx(1e-6, rel=1e-9)


def test_sure_damage_takes_whole_units():
    """Three hits of a third are one unit, four are a whole force of four thirds."""
    kernel = KERNEL | {"damage_mean": 1 / 3, "damage_sd": 0.0, "offence_prob": 1.0}
    loss = stochastic_salvo(1, 1, **(kernel | {"defence_prob": 0.0}))
    assert (loss.mean, loss.variance, loss.prob_none, loss.prob_all) == (1.0, 0.0, 0.0, 1.0)
    loss = stochastic_salvo(1, 1, **kernel)
    assert loss.prob_all == pytest.approx(0.5)
    assert loss.mean == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert loss.cdf([0.0, 0.5, 0.9, 1.0]) == pytest.approx([0.0, 0.0, 0.5, 1.0])


def test_nothing_to_fire_or_nothing_to_hit():
    loss = stochastic_salvo(0, 3, **KERNEL)
    assert (loss.mean, loss.variance, loss.prob_none, loss.prob_all) == (0.0, 0.0, 1.0, 0.0)
    loss = stochastic_salvo(3, 0, **KERNEL)
    assert (loss.mean, loss.variance, loss.prob_none) == (0.0, 0.0, 1.0)


def test_the_normal_approximation_gets_better_with_size():
    off = []
    for scale in (1, 10, 100):
        exact = stochastic_salvo(5 * scale, 4 * scale, **KERNEL)
        close = stochastic_salvo_normal(5 * scale, 4 * scale, **KERNEL)
        off.append(abs(exact.mean - close.mean) / exact.mean)
        assert close.weights.size == 1
    assert off[0] > off[1] > off[2]
    sure = stochastic_salvo_normal(2, 3, **(KERNEL | {"offence_prob": 0.0, "defence_prob": 1.0}))
    assert (sure.mean, sure.variance) == (0.0, 0.0)


SIDES = (
    StochasticForce(5, 3, 0.6, 1, 0.5, 0.4, 0.25),
    StochasticForce(3, 4, 0.5, 2, 0.3, 0.35, 0.1),
)


def sample(a, b, runs, rounding, rng):
    """Let b fire first, a answer; losses of both."""

    def loss(hits, force, runs):
        damage = force.damage_mean * hits + force.damage_sd * np.sqrt(hits) * rng.normal(size=runs)
        return np.clip(damage, 0.0, force.units)

    def stops(force):
        return rng.binomial(force.units * force.defence, force.defence_prob, size=runs)

    hits = rng.binomial(b.units * b.offence, b.offence_prob, size=runs)
    loss_a = loss(np.maximum(hits - stops(a), 0), a, runs)
    left = a.units - loss_a
    if rounding == "rounded":
        shots = np.floor(left * a.offence + 0.5).astype(int)
        hits = rng.binomial(shots, a.offence_prob)
    else:
        full = np.floor(left).astype(int)
        hits = rng.binomial(full * a.offence, a.offence_prob)
        hits += rng.binomial(a.offence, a.offence_prob * (left - full))
    return loss_a, loss(np.maximum(hits - stops(b), 0), b, runs)


@pytest.mark.parametrize("rounding", ["thinned", "rounded"])
@pytest.mark.parametrize("sd", [0.25, 0.0])
def test_an_answer_against_sampled_salvos(rounding, sd):
    a, b = SIDES
    a = a._replace(damage_sd=sd)
    runs = 200_000
    found = stochastic_salvo_exchange(a, b, first="b", rounding=rounding)
    for loss, seen in zip(
        found, sample(a, b, runs, rounding, np.random.default_rng(7)), strict=True
    ):
        assert loss.weights.sum() == pytest.approx(1.0, abs=1e-12)
        assert abs(seen.mean() - loss.mean) < 5 * loss.sd / math.sqrt(runs)
        for chance, share in (
            (loss.prob_none, (seen == 0).mean()),
            (loss.prob_all, (seen == loss.cap).mean()),
            (float(loss.cdf(0.7)), (seen <= 0.7).mean()),
        ):
            assert abs(share - chance) < 5 * math.sqrt(chance * (1 - chance) / runs) + 1e-9


def test_exchanges_mirror_each_other_and_the_first_salvo_is_the_plain_one():
    a, b = SIDES
    together = stochastic_salvo_exchange(a, b)
    a_first, mirrored = (
        stochastic_salvo_exchange(a, b, first="a"),
        stochastic_salvo_exchange(b, a, first="b"),
    )
    assert a_first.b.mean == together.b.mean == mirrored.a.mean
    assert a_first.a.mean == mirrored.b.mean < together.a.mean


def test_an_answer_is_continuous_in_the_spread_of_damage():
    a, b = SIDES
    sure = stochastic_salvo_exchange(a._replace(damage_sd=0.0), b, first="b").b
    near = stochastic_salvo_exchange(a._replace(damage_sd=1e-9), b, first="b").b
    assert near.weights == pytest.approx(sure.weights, abs=1e-8)


def test_half_a_unit_fires_every_shot_at_half_the_chance_or_half_the_shots():
    kernel = KERNEL | {"defence": 0, "offence": 4, "damage_mean": 0.01, "damage_sd": 0.0}
    thin = stochastic_salvo(1.5, 9, **kernel)
    both = np.convolve(stats.binom.pmf(range(5), 4, 0.6), stats.binom.pmf(range(5), 4, 0.3))
    assert thin.weights == pytest.approx(both, abs=1e-14)
    half = stochastic_salvo(1.5, 9, **kernel, rounding="rounded")
    assert half.weights == pytest.approx(stats.binom.pmf(range(7), 6, 0.6), abs=1e-14)


def test_a_large_salvo_takes_no_harm():
    loss = stochastic_salvo(3000, 2000, **(KERNEL | {"damage_mean": 0.1, "damage_sd": 0.05}))
    assert loss.mean == pytest.approx(0.1 * (9000 * 0.6 - 2000 * 0.5), rel=1e-9)


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: salvo_loss(1, 1, 1, 1, 0), "`0 < staying` must hold, but it is 0"),
        (lambda: salvo_loss(-1, 1, 1, 1, 1), "`0 <= attackers` must hold, but it is -1"),
        (
            lambda: salvo_exchange(Force(1, 1, 1, 1), Force(1, 1, 1, 1), first="c"),
            "`first` must be",
        ),
        (lambda: heterogeneous_losses([1], 1, 1, defence=1), "`defence` needs `targets`"),
        (lambda: heterogeneous_losses([1], 1, 1, aimed_share=1.5), "`0 <= aimed_share <= 1`"),
        (lambda: stochastic_salvo(1.5, 1, **(KERNEL | {"offence": 2.5})), "offence is whole"),
        (lambda: stochastic_salvo(1, 1, **(KERNEL | {"offence_prob": 1.2})), "(0.2 too large)"),
        (lambda: stochastic_salvo(1, 1, **KERNEL, rounding="up"), "`rounding` must be"),
        (
            lambda: stochastic_salvo(1, 1, **(KERNEL | {"damage_sd": math.nan})),
            "damage_sd is finite",
        ),
        (lambda: stochastic_salvo_exchange(*SIDES, first="x"), "`first` must be 'a', 'b' or None"),
    ],
)
def test_what_is_out_of_bounds_is_named(call, message):
    with pytest.raises(EscalateError) as error:
        call()
    assert message in str(error.value)
