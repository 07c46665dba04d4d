"""Replicator dynamics: known games, and what must hold for any."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from escalate.errors import EscalateError
from escalate.evolution import MOST, replicator, rest_points

games = st.integers(1, 5).flatmap(
    lambda n: arrays(float, (n, n), elements=st.integers(-50, 50).map(float))
)


def hawk_and_dove(prize, wound):
    """Give burdens: minus the payoffs of Maynard Smith's game."""
    return -np.array([[(prize - wound) / 2, prize], [0.0, prize / 2]])


def named(points):
    return {tuple(point.shares): point for point in points}


class TestKnownGames:
    def test_hawks_settle_at_the_prize_over_the_wound(self):
        game = hawk_and_dove(1.0, 4.0)
        mixed = named(rest_points(game, "hd"))["h", "d"]
        assert mixed.shares["h"] == pytest.approx(0.25)
        assert mixed.stability == "stable"
        assert mixed.unique
        for start in ([0.01, 0.99], [0.9, 0.1]):
            end = replicator(game, start, generations=2000)[-1]
            np.testing.assert_allclose(end, [0.25, 0.75], atol=1e-6)

    def test_what_is_dominated_dies_out(self):
        # A prisoner's dilemma at the payoffs 5, 3, 1, 0.
        game = -np.array([[3.0, 0.0], [5.0, 1.0]])
        assert replicator(game, generations=200)[-1, 1] > 1.0 - 1e-9
        points = named(rest_points(game, "CD"))
        assert {k: p.stability for k, p in points.items()} == {
            ("C",): "unstable", ("D",): "stable",
        }  # fmt: skip
        assert points["C",].invaded_by == ("D",)

    def test_two_that_get_on_with_themselves_only_are_told_apart_by_who_is_more(self):
        game = np.array([[0.0, 2.0], [1.0, 0.0]])
        middle = named(rest_points(game, "ab"))["a", "b"]
        assert middle.shares == pytest.approx({"a": 2 / 3, "b": 1 / 3})
        assert middle.stability == "unstable"
        assert replicator(game, [0.66, 0.34], generations=2000)[-1, 1] > 0.999
        assert replicator(game, [0.67, 0.33], generations=2000)[-1, 0] > 0.999

    def test_in_discrete_time_rock_paper_scissors_spirals_out(self):
        game = np.array([[0.0, 1.0, -1.0], [-1.0, 0.0, 1.0], [1.0, -1.0, 0.0]])
        middle = named(rest_points(game, "rps"))["r", "p", "s"]
        assert middle.shares == pytest.approx(dict.fromkeys("rps", 1 / 3))
        assert middle.stability == "unstable"
        course = replicator(game, [0.4, 0.3, 0.3], generations=500)
        assert course[-1].max() > course[0].max()

    def test_one_step_is_worked_out_by_hand(self):
        # Borne: 1 and 2 of 3 at most, over a range of 3; so fitness 5/3 and 4/3.
        course = replicator([[0.0, 2.0], [1.0, 3.0]], [2.0, 2.0], generations=1)
        np.testing.assert_allclose(course, [[1 / 2, 1 / 2], [5 / 9, 4 / 9]])
        strong = replicator([[0.0, 2.0], [1.0, 3.0]], [2.0, 2.0], generations=1, selection=3.0)
        np.testing.assert_allclose(strong[1], [3 / 5, 2 / 5])

    def test_rules_that_never_strike_one_another_are_at_rest_in_any_proportion(self):
        game = np.zeros((4, 4))
        game[3, :3] = 1.0  # the fourth bears more, whoever it meets
        points = rest_points(game, "abcd")
        mixed = [p for p in points if len(p.shares) > 1]
        assert [tuple(p.shares) for p in mixed] == [("a", "b", "c")]
        assert not mixed[0].unique
        assert mixed[0].shares == pytest.approx(dict.fromkeys("abc", 1 / 3))
        assert mixed[0].stability == "neutral"

    def test_strong_selection_overshoots(self):
        """To win at rock, paper, scissors gains more than to lose costs: weak selection settles."""
        game = np.array([[0.0, 1.0, -1.5], [-1.5, 0.0, 1.0], [1.0, -1.5, 0.0]])
        start = np.array([0.36, 0.32, 0.32])
        for selection, stability, closer in ((0.1, "stable", True), (10.0, "unstable", False)):
            middle = named(rest_points(game, "rps", selection=selection))["r", "p", "s"]
            assert middle.stability == stability
            end = replicator(game, start, generations=400, selection=selection)[-1]
            assert (np.abs(end - 1 / 3).max() < 0.02) == closer

    def test_a_game_of_one_stays(self):
        assert replicator([[3.0]], generations=2).tolist() == [[1.0]] * 3
        (point,) = rest_points([[3.0]], ["a"])
        assert point == ({"a": 1.0}, 3.0, "stable", True, ())


class TestAnyGame:
    @given(games, st.integers(0, 2**32))
    def test_shares_are_shares_and_the_absent_stay_absent(self, game, seed):
        start = np.random.default_rng(seed).random(len(game))
        start[0] = 0.0 if len(game) > 1 else 1.0
        course = replicator(game, start, generations=20)
        assert course.shape == (21, len(game))
        np.testing.assert_allclose(course.sum(axis=1), 1.0)
        assert (course >= 0.0).all()
        assert (course[:, start == 0.0] == 0.0).all()

    @given(games)
    def test_rest_points_stay_where_they_are(self, game):
        for point in rest_points(game):
            x = np.array([point.shares.get(str(i), 0.0) for i in range(len(game))])
            assert x.sum() == pytest.approx(1.0)
            np.testing.assert_allclose(replicator(game, x, generations=1)[1], x, atol=1e-6)
            here = [i for i in range(len(game)) if x[i] > 0.0]
            np.testing.assert_allclose((game @ x)[here], point.burden, atol=1e-6)

    @given(games)
    def test_every_rule_alone_is_at_rest_and_invaded_by_those_that_do_better(self, game):
        points = named(rest_points(game))
        for i in range(len(game)):
            better = tuple(str(j) for j in range(len(game)) if game[j, i] < game[i, i])
            assert points[str(i),].invaded_by == better
            if better:
                assert points[str(i),].stability == "unstable"

    @given(games)
    def test_what_attracts_is_stable_and_what_repels_is_not(self, game):
        for point in rest_points(game):
            x = np.array([point.shares.get(str(i), 0.0) for i in range(len(game))])
            near = 0.999999 * x + 0.000001 / len(game)
            if point.stability == "stable":
                end = replicator(game, near, generations=3000)[-1]
                assert np.abs(end - x).max() < np.abs(near - x).max() + 1e-9

    @given(games, st.floats(0.1, 10.0), st.integers(-20, 20))
    def test_units_do_not_matter(self, game, unit, shift):
        one = replicator(game, generations=10)
        np.testing.assert_allclose(replicator(unit * game + shift, generations=10), one, atol=1e-9)

    def test_many_games_at_once_are_the_games_one_by_one(self):
        batch = np.random.default_rng(1).normal(size=(3, 2, 4, 4))
        course = replicator(batch, [1, 2, 3, 4], generations=7)
        assert course.shape == (3, 2, 8, 4)
        for at in itertools.product(range(3), range(2)):
            np.testing.assert_allclose(
                course[at], replicator(batch[at], [1, 2, 3, 4], generations=7)
            )


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (lambda: replicator([[0.0, 1.0]]), "`burden` must have shape (..., n, n), but it has"),
        (lambda: replicator([[np.nan]]), "`burden is finite` must hold, but it is nan"),
        (lambda: replicator(np.eye(2), [1.0]), "`start` must have shape (2,), but it has (1,)"),
        (lambda: replicator(np.eye(2), [-1.0, 2.0]), "`-0 <= start` must hold"),
        (lambda: replicator(np.eye(2), [0.0, 0.0]), "`0 < sum of start` must hold"),
        (lambda: replicator(np.eye(2), generations=0), "`1 <= generations` must hold"),
        (lambda: replicator(np.eye(2), selection=0.0), "`0 < selection` must hold"),
        (lambda: rest_points(np.eye(2), ["a", "a"]), "`names` must be 2 names that differ"),
        (lambda: rest_points(np.eye(MOST + 1)), "`1 <= rules <= 12` must hold, but it is 13"),
        (lambda: rest_points(np.ones((2, 3))), "`burden` must have shape (n, n), but it has"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(what, message):
    with pytest.raises(EscalateError) as caught:
        what()
    assert message.replace("-0", "0") in str(caught.value)
