"""Lanchester's laws against a differential equation solver and fights followed loss by loss."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from escalate.errors import EscalateError
from escalate.theory.lanchester import (
    lanchester_outcome,
    lanchester_path,
    stochastic_lanchester,
)

LAWS = ["square", "linear", "mixed"]
FIGHTS = [
    (100, 80, 0.01, 0.01),
    (80, 100, 0.01, 0.01),
    (50, 50, 0.01, 0.01),
    (30, 5, 0.02, 0.3),
    (10, 8, 0.0, 0.1),
    (10, 8, 0.1, 0.0),
    (12.5, 5, 0.1, 0.1),  # parity under the mixed law
    (40, 5, 0.1, 0.1),  # where the hidden side wins under it
]


def wear(law, a, b, a_rate, b_rate):
    """Losses per unit of time of both sides."""
    return (
        b_rate * b * (1 if law == "square" else a),
        a_rate * a * (b if law == "linear" else 1),
    )


def invariant(law, a, b, a_rate, b_rate):
    if law == "square":
        return a_rate * a**2 - b_rate * b**2
    return a_rate * a - b_rate * (b if law == "linear" else b**2 / 2)


# ---------------------------------------------------------------------- the equations


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("a", "b", "a_rate", "b_rate"), FIGHTS)
def test_paths_solve_the_equations(law, a, b, a_rate, b_rate):
    end = lanchester_outcome(law, a, b, a_rate=a_rate, b_rate=b_rate)
    times = np.linspace(0, min(0.999 * end.duration, 30.0), 9)
    solved = integrate.solve_ivp(
        lambda _, y: [-x for x in wear(law, *y, a_rate, b_rate)],
        (0, times[-1]), [a, b], t_eval=times, rtol=1e-10, atol=1e-12,
    )  # fmt: skip
    path = lanchester_path(law, a, b, times, a_rate=a_rate, b_rate=b_rate)
    np.testing.assert_allclose(path, solved.y, atol=1e-7)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("a", "b", "a_rate", "b_rate"), FIGHTS)
def test_the_end_keeps_what_never_changes(law, a, b, a_rate, b_rate):
    end = lanchester_outcome(law, a, b, a_rate=a_rate, b_rate=b_rate)
    start = invariant(law, a, b, a_rate, b_rate)
    after = invariant(law, end.a_left, end.b_left, a_rate, b_rate)
    assert after == pytest.approx(start, rel=1e-12, abs=1e-12)
    assert end.winner == {1: "a", -1: "b", 0: "neither"}[np.sign(start)]
    assert min(end.a_left, end.b_left) == 0.0
    late = lanchester_path(law, a, b, [1e9, 1e12], a_rate=a_rate, b_rate=b_rate)
    assert np.array(late) == pytest.approx(np.array([[end.a_left] * 2, [end.b_left] * 2]), abs=1e-6)
    if math.isfinite(end.duration):
        at_end = lanchester_path(law, a, b, end.duration, a_rate=a_rate, b_rate=b_rate)
        assert at_end == (end.a_left, end.b_left)


@pytest.mark.parametrize("law", ["square", "linear"])
def test_swapping_the_sides_mirrors_the_fight(law):
    times = np.linspace(0, 40, 7)
    path = lanchester_path(law, 30, 20, times, a_rate=0.05, b_rate=0.02)
    mirrored = lanchester_path(law, 20, 30, times, a_rate=0.02, b_rate=0.05)
    np.testing.assert_allclose(path, mirrored[::-1], rtol=1e-12)


@pytest.mark.parametrize("law", LAWS)
def test_a_hair_off_parity_takes_no_harm(law):
    b = 50.0 * (1 + 1e-13)
    rates = {"a_rate": 0.01, "b_rate": 0.01 if law != "mixed" else 0.02 / 50}
    path = np.array(lanchester_path(law, 50.0, b, [0.0, 10.0, 1e4], **rates))
    even = np.array(lanchester_path(law, 50.0, 50.0, [0.0, 10.0, 1e4], **rates))
    np.testing.assert_allclose(path, even, atol=1e-4)
    assert lanchester_outcome(law, 50.0, b, **rates).winner == "b"


@pytest.mark.parametrize("law", LAWS)
def test_nobody_there_or_nobody_firing(law):
    assert lanchester_outcome(law, 5, 0, a_rate=1, b_rate=1) == ("a", 5.0, 0.0, 0.0)
    assert lanchester_outcome(law, 0, 3, a_rate=1, b_rate=1) == ("b", 0.0, 3.0, 0.0)
    a, b = lanchester_path(law, 5, 3, [0, 9], a_rate=0, b_rate=0)
    assert a.tolist() == [5.0, 5.0] and b.tolist() == [3.0, 3.0]
    assert lanchester_path(law, 0, 3, 9.0, a_rate=1, b_rate=1) == (0.0, 3.0)


# ---------------------------------------------------------------------- chance


def naive_fight(law, a, b, a_rate, b_rate):
    """Chances of (a, b) left and the mean duration, one loss at a time."""

    @functools.cache
    def fight(i, j):
        if i == 0 or j == 0:
            return {(i, j): 1.0}, 0.0
        of_a, of_b = wear(law, i, j, a_rate, b_rate)
        total = of_a + of_b
        ends, time = {}, 1 / total
        for chance, next_state in ((of_a / total, (i - 1, j)), (of_b / total, (i, j - 1))):
            if chance:
                later, more = fight(*next_state)
                time += chance * more
                for state, p in later.items():
                    ends[state] = ends.get(state, 0.0) + chance * p
        return ends, time

    return fight(a, b)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 6), (6, 1), (5, 7), (9, 4)])
@pytest.mark.parametrize("rates", [(0.2, 0.3), (1.0, 0.0), (0.0, 1.0)])
def test_chance_against_a_fight_followed_loss_by_loss(law, a, b, rates):
    found = stochastic_lanchester(law, a, b, a_rate=rates[0], b_rate=rates[1])
    ends, time = naive_fight(law, a, b, *rates)
    for n in range(1, a + 1):
        assert found.a_left_pmf[n] == pytest.approx(ends.get((n, 0), 0.0), abs=1e-14)
    for n in range(1, b + 1):
        assert found.b_left_pmf[n] == pytest.approx(ends.get((0, n), 0.0), abs=1e-14)
    assert found.mean_duration == pytest.approx(time, rel=1e-12)
    assert found.a_win_prob + found.b_win_prob == pytest.approx(1.0, abs=1e-13)
    assert found.a_left_pmf.sum() == pytest.approx(1.0, abs=1e-13)
    assert found.mean_a_left == pytest.approx(sum(p * n for (n, _), p in ends.items()))
    assert found.mean_b_left == pytest.approx(sum(p * n for (_, n), p in ends.items()))


@pytest.mark.parametrize(("a", "b", "rates"), [(20, 30, (0.3, 0.2)), (300, 200, (0.01, 0.02))])
def test_the_linear_law_is_a_race_of_coin_flips(a, b, rates):
    """Each loss is b's with the same chance, so a wins if b's b losses come before a's a."""
    hit_b = rates[0] / sum(rates)
    found = stochastic_lanchester("linear", a, b, a_rate=rates[0], b_rate=rates[1])
    assert found.a_win_prob == pytest.approx(stats.binom.sf(b - 1, a + b - 1, hit_b), rel=1e-10)


@pytest.mark.parametrize("law", LAWS)
def test_shares_left_tend_to_those_of_the_equations(law):
    off = []
    for size in (5, 20, 80, 320):
        b_rate = 0.1 / (size if law == "mixed" else 1)
        rates = {"a_rate": 0.1, "b_rate": b_rate}
        sure = lanchester_outcome(law, 2 * size, size, **rates)
        assert sure.winner == "a"
        mean = stochastic_lanchester(law, 2 * size, size, **rates).mean_a_left
        off.append(abs(mean - sure.a_left) / size)
    assert off[0] > off[-1]
    assert off[-1] < 0.01


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lanchester_outcome("cubic", 1, 1, a_rate=1, b_rate=1), "`law` must be 'square'"),
        (lambda: lanchester_outcome("square", 0, 0, a_rate=1, b_rate=1), "`0 < a + b`"),
        (lambda: lanchester_outcome("square", 1, 1, a_rate=0, b_rate=0), "`0 < a_rate + b_rate`"),
        (lambda: lanchester_path("square", 1, -1, 1, a_rate=1, b_rate=1), "`0 <= b` must hold"),
        (lambda: lanchester_path("square", 1, 1, -1, a_rate=1, b_rate=1), "`0 <= times`"),
        (lambda: stochastic_lanchester("square", 0, 1, a_rate=1, b_rate=1), "`1 <= a"),
        (lambda: stochastic_lanchester("mixed", 1, 1, a_rate=0, b_rate=0), "`0 < a_rate + b_rate`"),
    ],
)
def test_what_is_out_of_bounds_is_named(call, message):
    with pytest.raises(EscalateError) as error:
        call()
    assert message in str(error.value)
