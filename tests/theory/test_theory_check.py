"""What the closed forms say of numbers that they cannot take."""

from __future__ import annotations

import numpy as np
import pytest

from escalate.errors import EscalateError
from escalate.theory import _check


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: _check.within("p", [0.1, 1.2], 0.0, 1.0),
            "`0 <= p <= 1` must hold, but it is 1.2 (0.2 too large) at [1]",
        ),
        (
            lambda: _check.within("p", [[0.1], [-0.5]], 0.0, 1.0, purpose="a chance"),
            "`0 <= p <= 1` must hold for a chance, but it is -0.5 (0.5 too small) at [1, 0]",
        ),
        (
            lambda: _check.within("n", 1.0, high=1.0, without="high"),
            "`n < 1` must hold, but it is 1 (the bound itself is not allowed)",
        ),
        (
            lambda: _check.within("t", 0, 0.0, without="both"),
            "`0 < t` must hold, but it is 0 (the bound itself is not allowed)",
        ),
        (lambda: _check.within("t", np.nan, 0.0), "`t is finite` must hold, but it is nan"),
        (lambda: _check.within("t", np.inf), "`t is finite` must hold, but it is inf"),
        (lambda: _check.within("t", "soon"), "`t` must be numbers, but it is 'soon'"),
        (lambda: _check.within("t", None, 0.0), "`t is finite` must hold, but it is nan"),
        (lambda: _check.whole("k", 0, 1), "`1 <= k` must hold, but it is 0 (1 too small)"),
        (lambda: _check.whole("k", [1, 2.5]), "`k is whole` must hold, but it is 2.5 at [1]"),
        (lambda: _check.whole("k", 0.5), "`k is whole` must hold, but it is 0.5"),
        (
            lambda: _check.whole("k", 1e17),
            "`-9.0072e+15 <= k <= 9.0072e+15` must hold, but it is 1e+17 (9.1e+16 too large)",
        ),
        (
            lambda: _check.vector("v", [[1.0]]),
            "`v` must have shape (n,), n at least 1, but it has (1, 1)",
        ),
        (lambda: _check.vector("v", [1.0], 2), "`v` must have shape (2,), but it has (1,)"),
        (lambda: _check.square("m", [[1.0, 2.0]]), "`m` must have shape (n, n), but it has (1, 2)"),
        (lambda: _check.square("m", np.empty((0, 0))), "shape (n, n), but it has (0, 0)"),
    ],
)
def test_a_refusal_says_what_must_hold_and_by_how_much_it_fails(call, message):
    with pytest.raises(EscalateError) as error:
        call()
    assert message in str(error.value)


def test_lone_numbers_become_vectors_and_matrices():
    assert _check.vector("v", 2.0).tolist() == [2.0]
    assert _check.square("m", 2.0).tolist() == [[2.0]]
    assert _check.whole("k", 3.0).dtype == np.int64
