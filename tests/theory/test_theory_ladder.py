"""The ladder against linear equations, exact fractions and walks carried step by step."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalate.errors import EscalateError
from escalate.theory.ladder import absorption, expected_steps, top_prob


def solve(top, up, down):
    """Solve the equations of a walk on all rungs from 1 to top - 1."""
    inside = np.diag(np.full(top - 1, up + down))
    inside -= np.diag(np.full(top - 2, up), 1) + np.diag(np.full(top - 2, down), -1)
    reach = np.zeros(top - 1)
    reach[-1] = up
    return np.linalg.solve(inside, reach), np.linalg.solve(inside, np.ones(top - 1))


def fractions(i, top, up, down):
    """Evaluate the textbook formulas without rounding."""
    p, q = Fraction(up), Fraction(down)
    if p == q:
        return Fraction(i, top), Fraction(i * (top - i)) / (2 * p)
    prob = (1 - (q / p) ** i) / (1 - (q / p) ** top)
    return prob, (top * prob - i) / (p - q)


@settings(deadline=None)
@given(st.integers(2, 12), st.floats(0.05, 0.5), st.floats(0.05, 0.5))
def test_a_walk_solves_its_equations(top, up, down):
    rungs = np.arange(1, top)
    prob, steps = solve(top, up, down)
    np.testing.assert_allclose(top_prob(rungs, top, up, down), prob, rtol=1e-9)
    np.testing.assert_allclose(expected_steps(rungs, top, up, down), steps, rtol=1e-9)


@pytest.mark.parametrize("tilt", [0.0, 1e-15, 1e-12, 1e-8, 1e-5, 1e-3, 0.005, 0.0057, 0.01, 0.2])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("start", [1, 9, 22, 43])
def test_nearly_fair_walks_keep_their_digits(tilt, sign, start):
    up, down = 0.4 + sign * tilt, 0.4 - sign * tilt
    prob, steps = fractions(start, 44, up, down)
    assert top_prob(start, 44, up, down) == pytest.approx(float(prob), rel=2e-14)
    assert expected_steps(start, 44, up, down) == pytest.approx(float(steps), rel=5e-14)


def test_long_ladders_neither_overflow_nor_vanish():
    assert top_prob(10**6, 10**9, 0.5) == pytest.approx(1e-3)
    assert expected_steps(10**6, 10**9, 0.5) == pytest.approx(1e6 * (1e9 - 1e6))
    assert top_prob(9_999, 10_000, 0.1) == pytest.approx(1 / 9)
    assert top_prob(1, 10_000, 0.9) == pytest.approx(8 / 9)
    assert top_prob(500, 10_000, 0.1) == 0.0
    assert expected_steps(500, 10_000, 0.1) == pytest.approx(500 / 0.8)


def test_the_ends_are_where_the_walk_ends():
    np.testing.assert_array_equal(top_prob([0, 44], 44, 0.52), [0, 1])
    np.testing.assert_allclose(expected_steps([0, 44], 44, 0.52), [0, 0], atol=1e-12)
    np.testing.assert_array_equal(expected_steps([0, 44], 44, 0.5), [0, 0])


def test_one_way_walks_go_that_way():
    np.testing.assert_array_equal(top_prob([0, 1, 5], 5, 1.0), [0, 1, 1])
    np.testing.assert_array_equal(top_prob([0, 4, 5], 5, 0.0), [0, 0, 1])
    np.testing.assert_array_equal(expected_steps([0, 1, 5], 5, 1.0), [0, 4, 0])
    np.testing.assert_array_equal(expected_steps([0, 3, 5], 5, 0.0, 0.25), [0, 12, 0])


def test_staying_takes_time_but_changes_no_end():
    fast, slow = (0.52, 0.48), (0.052, 0.048)
    assert top_prob(9, 44, *slow) == pytest.approx(top_prob(9, 44, *fast), rel=1e-12)
    assert expected_steps(9, 44, *slow) == pytest.approx(10 * expected_steps(9, 44, *fast))


def test_only_distances_count():
    assert top_prob(-3, 5, 0.6, bottom=-7) == top_prob(4, 12, 0.6)
    assert expected_steps(109, 144, 0.52, bottom=100) == expected_steps(9, 44, 0.52)


@pytest.mark.parametrize(("up", "down"), [(0.5, None), (0.3, 0.2), (0.2, 0.5), (1.0, None)])
def test_absorption_adds_up(up, down):
    ends = absorption(3000, 3, 8, up, down)
    spent = np.cumsum(ends.top + ends.bottom) + ends.on_ladder
    np.testing.assert_allclose(spent, 1.0, rtol=1e-12)
    assert ends.top.sum() == pytest.approx(float(top_prob(3, 8, up, down)))
    mean = np.arange(3001) @ (ends.top + ends.bottom)
    assert mean == pytest.approx(float(expected_steps(3, 8, up, down)))


def test_absorption_counts_paths():
    # from 1 of 3, the top is reached at step 2 by up-up, at 4 by up-down-up-up
    ends = absorption(4, 1, 3, 0.6)
    np.testing.assert_allclose(ends.top, [0, 0, 0.36, 0, 0.6 * 0.4 * 0.36])
    np.testing.assert_allclose(ends.bottom, [0, 0.4, 0, 0.6 * 0.4 * 0.4, 0])


def test_a_walk_may_begin_at_an_end():
    assert absorption(2, 3, 3, 0.5).top.tolist() == [1, 0, 0]
    assert absorption(2, 0, 3, 0.5).bottom.tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: top_prob(45, 44, 0.5), r"`0 <= top - start` must hold, .* \(1 too small\)"),
        (lambda: top_prob(-1, 44, 0.5), "`0 <= start - bottom` must hold"),
        (lambda: top_prob(1, 0, 0.5), "`1 <= top - bottom` must hold"),
        (lambda: top_prob(1, 4, 1.2), r"`0 <= up_prob <= 1` must hold, .* \(0.2 too large\)"),
        (lambda: top_prob(1, 4, 0.6, 0.6), "up_prob [+] down_prob"),
        (lambda: expected_steps(1, 4, 0.0, 0.0), "`0 < up_prob [+] down_prob"),
        (lambda: expected_steps(1.5, 4, 0.5), "`start is whole` must hold"),
        (lambda: absorption(-1, 1, 4, 0.5), "`0 <= steps` must hold"),
        (lambda: absorption(5, [1, 2], 4, 0.5), "lone numbers"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(EscalateError, match=message):
        call()
