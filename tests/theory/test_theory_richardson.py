"""The arms race against an ODE solver, the two-sided formulas and races solved by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from escalate.errors import EscalateError
from escalate.theory.richardson import (
    direction,
    eigenvalues,
    equilibrium,
    reaction_matrix,
    reaction_ratio,
    stability,
    trajectory,
)

rates = st.floats(0.05, 2.0)
pushes = st.floats(-20.0, 20.0)


def two(k, l, a, b):  # noqa: E741
    return reaction_matrix([[0, k], [l, 0]], [a, b])


@settings(deadline=None, max_examples=50)
@given(rates, rates, rates, rates, pushes, pushes)
def test_two_sides_obey_the_textbook(k, l, a, b, g, h):  # noqa: E741
    m = two(k, l, a, b)
    root = np.sqrt((a - b) ** 2 / 4 + k * l)
    np.testing.assert_allclose(
        eigenvalues(m), [-(a + b) / 2 - root, -(a + b) / 2 + root], atol=1e-14
    )
    assert reaction_ratio(m) == pytest.approx(k * l / (a * b), rel=1e-12)
    det = a * b - k * l
    if abs(det) > 1e-6:
        wanted = np.array([k * h + b * g, l * g + a * h]) / det
        np.testing.assert_allclose(equilibrium(m, [g, h]), wanted, rtol=1e-8, atol=1e-8)
        assert stability(m) == ("stable node" if det > 0 else "saddle")


@settings(deadline=None, max_examples=20)
@given(rates, rates, rates, rates, pushes, pushes)
def test_a_trajectory_solves_the_equations(k, l, a, b, g, h):  # noqa: E741
    m, push, start = two(k, l, a, b), np.array([g, h]), np.array([3.0, 7.0])
    times = np.linspace(0.0, 4.0, 5)
    solved = integrate.solve_ivp(
        lambda _, x: m @ x + push, (0.0, 4.0), start, t_eval=times, rtol=1e-10, atol=1e-10
    )
    got = trajectory(m, push, start, times)
    np.testing.assert_allclose(got, solved.y.T, rtol=1e-7, atol=1e-7)


def test_three_sides_solve_the_equations():
    defence = [[0, 0.2, 0.1], [0.3, 0, 0.2], [0.1, 0.1, 0]]
    m = reaction_matrix(defence, [0.5, 0.6, 0.4])
    push, start = np.array([1.0, 2.0, -0.5]), np.array([1.0, 0.0, 2.0])
    solved = integrate.solve_ivp(
        lambda _, x: m @ x + push, (0.0, 9.0), start, rtol=1e-10, atol=1e-10
    )
    np.testing.assert_allclose(trajectory(m, push, start, 9.0), solved.y[:, -1], rtol=1e-7)
    np.testing.assert_allclose(m @ equilibrium(m, push), -push, atol=1e-13)
    # below 1 in the ratio is below 0 in the leading rate, for any number of sides
    assert reaction_ratio(m) < 1.0 and stability(m) == "stable node"
    assert trajectory(m, push, start, np.zeros((2, 3))).shape == (2, 3, 3)


def test_one_side_alone_grows_exponentially():
    got = trajectory(0.73, -0.73 * 194, 200.0, [0.0, 1.0, 3.0])[:, 0]
    np.testing.assert_allclose(got, 194 + 6 * np.exp(0.73 * np.array([0.0, 1.0, 3.0])))


@pytest.mark.parametrize("time", [1e3, 1e8, 1e15])
def test_late_times_are_the_equilibrium(time):
    m = two(0.4, 0.3, 0.6, 0.5)
    np.testing.assert_allclose(
        trajectory(m, [10, 8], [20, 5], time), equilibrium(m, [10, 8]), rtol=1e-13
    )


def test_units_of_a_side_do_not_matter():
    m = two(0.4, 0.3, 0.6, 0.5)
    unit = np.array([1e9, 1e-9])
    scaled = m * unit[:, None] / unit
    assert stability(scaled) == "stable node"
    np.testing.assert_allclose(
        equilibrium(scaled, [10, 8] * unit), equilibrium(m, [10, 8]) * unit, rtol=1e-13
    )
    np.testing.assert_allclose(
        trajectory(scaled, [10, 8] * unit, [20, 5] * unit, 5.0),
        trajectory(m, [10, 8], [20, 5], 5.0) * unit,
        rtol=1e-12,
    )


def test_huge_grievances_keep_their_digits():
    m = two(0.4, 0.3, 0.6, 0.5)
    big = trajectory(m, [1e13, 8e12], [2e13, 5e12], 5.0)
    np.testing.assert_allclose(big, trajectory(m, [10, 8], [20, 5], 5.0) * 1e12, rtol=1e-13)


def test_a_marginal_race_grows_steadily():
    m = two(0.5, 0.5, 0.5, 0.5)
    assert stability(m) == "marginal"
    np.testing.assert_allclose(trajectory(m, [1, 1], [0, 0], 1e5), [1e5, 1e5], rtol=1e-10)
    with pytest.raises(EscalateError, match="a single equilibrium"):
        equilibrium(m, [1, 1])
    with pytest.raises(EscalateError, match="a single equilibrium"):
        equilibrium([[0, 0], [0, 0]], [1, 1])


def test_nothing_moves_without_reactions():
    np.testing.assert_array_equal(
        trajectory([[0, 0], [0, 0]], [0, 0], [3, 4], [1, 9]), [[3, 4]] * 2
    )
    np.testing.assert_allclose(trajectory([[0, 0], [0, 0]], [1, 2], [3, 4], 9.0), [12, 22])


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[-1, 0], [0, -2]], "stable node"),
        ([[-1, -5], [5, -1]], "stable spiral"),
        ([[1, -5], [5, 1]], "unstable spiral"),
        ([[1, 0], [0, 2]], "unstable node"),
        ([[1, 0], [0, -2]], "saddle"),
        ([[0, 1], [-1, 0]], "marginal"),
        ([[0]], "marginal"),
    ],
)
def test_every_kind_of_race_has_its_name(matrix, expected):
    assert stability(matrix) == expected


def test_eigenvalues_may_be_complex():
    np.testing.assert_allclose(eigenvalues([[-1, -5], [5, -1]]), [-1 - 5j, -1 + 5j])


@pytest.mark.parametrize("start", [(40.0, 40.0), (5.0, 5.0), (60.0, -20.0)])
def test_the_direction_is_where_the_trajectory_goes(start):
    m, push = two(0.9, 0.8, 0.6, 0.5), [-5.0, -5.0]
    late = trajectory(m, push, start, 60.0)
    assert direction(m, push, start) == np.sign(late).sum() / 2


def test_a_race_that_settles_has_no_direction():
    assert direction(two(0.4, 0.3, 0.6, 0.5), [10, 8], [1, 1]) == 0
    m = two(0.9, 0.8, 0.6, 0.5)
    assert direction(m, [-5, -5], equilibrium(m, [-5, -5])) == 0
    drifting = two(0.5, 0.5, 0.5, 0.5)
    assert [direction(drifting, g, [1, 1]) for g in ([1, 0], [-1, 0], [1, -1])] == [1, -1, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reaction_matrix([[0, -1], [1, 0]], [1, 1]), "`0 <= defence` must hold"),
        (lambda: reaction_matrix([[1, 1], [1, 0]], [1, 1]), r"`diag\(defence\) = 0` must hold"),
        (lambda: reaction_matrix([[0, 1], [1, 0]], [1, -1]), "`0 <= fatigue` must hold"),
        (lambda: reaction_matrix([[0, 1], [1, 0]], [1]), "shape"),
        (lambda: reaction_ratio([[0.0]]), "`0 < fatigue` must hold for a ratio"),
        (lambda: reaction_ratio([[-1, -1], [1, -1]]), "`0 <= defence` must hold"),
        (lambda: eigenvalues([[np.nan]]), "finite"),
        (lambda: eigenvalues([1.0, 2.0]), "shape"),
        (lambda: direction([[0, -1], [1, 0]], [1, 1], [1, 1]), "`0 <= defence` must hold"),
        (lambda: trajectory([[1.0]], [1.0], [1.0], -1.0), "`0 <= times` must hold"),
        (lambda: trajectory([[1.0]], [1.0], [1.0], 800.0), r"it is 800 \(100 too large\)"),
        (lambda: trajectory([[1.0]], [1.0], [1e300], 600.0), "outgrow"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(EscalateError, match=message):
        call()
