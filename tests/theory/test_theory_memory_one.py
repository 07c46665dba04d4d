"""Repeated games against matches played out, eigenvectors and strategies spelt out by hand."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalate.errors import EscalateError
from escalate.theory.memory_one import (
    EIGHT,
    MEMORY_ONE,
    Payoffs,
    always_cooperate,
    always_defect,
    cooperation,
    cycler,
    expected_scores,
    generous_tit_for_tat,
    gradual,
    grim,
    long_run,
    optimal_generosity,
    play,
    score_matrix,
    stationary,
    suspicious_tit_for_tat,
    tit_for_tat,
    tit_for_tat_cooperation,
    tit_for_two_tats,
    transition_matrix,
    win_stay_lose_shift,
)

chances = st.floats(0.01, 0.99)
vectors = st.lists(chances, min_size=4, max_size=4)


# ---------------------------------------------------------------- matches


@pytest.mark.parametrize(
    ("strategy", "moves"),
    [
        (always_cooperate, "CCCCCCCCCC"),
        (always_defect, "DDDDDDDDDD"),
        (tit_for_tat, "CCDCDDCCCD"),
        (suspicious_tit_for_tat, "DCDCDDCCCD"),
        (tit_for_two_tats, "CCCCCDCCCC"),
        (grim, "CCDDDDDDDD"),
        (win_stay_lose_shift, "CCDDCDDDDC"),
        (gradual, "CCDCCDDDCC"),
    ],
)
def test_every_strategy_answers_as_defined(strategy, moves):
    assert play(strategy, cycler("CDCDDCCCDC"), 10).moves[0] == moves


def test_gradual_counts_all_but_answers_one_at_a_time():
    # one defection: one punishment; the second: two; a defection in the last round of calm
    # counts as the start of the next, one in the punishment does not
    other = "DCCCDCCCCCCCC"
    assert play(gradual, cycler(other), 13).moves[0] == "CDCCCDDCCCCCC"
    assert play(gradual, cycler("DDCCCCCCCC"), 10).moves[0] == "CDCCCCCCCC"
    assert play(gradual, cycler("DCCDCCCCCC"), 10).moves[0] == "CDCCDDCCCC"


def test_scores_are_the_payoffs_of_the_moves():
    match = play(cycler("CCDD"), cycler("CDCD"), 4, payoffs=(7, 5, 2, 1))
    assert match.moves == ("CCDD", "CDCD")
    assert match.scores == (5 + 1 + 7 + 2, 5 + 7 + 1 + 2)


def test_a_single_round_is_the_opening():
    assert play(suspicious_tit_for_tat, tit_for_tat, 1).moves == ("D", "C")


def test_strategies_start_afresh_and_scores_mirror():
    names = list(EIGHT.values())
    once, again = score_matrix(names, 30), score_matrix(names, 30)
    np.testing.assert_array_equal(once, again)
    for i, j in product(range(8), repeat=2):
        assert once[i, j] == play(names[i], names[j], 30).scores[0]


def test_noise_flips_every_move_alike():
    # Two shares of 20,000 at 5 standard errors: a false alarm in about 800,000 seeds.
    match = play(always_cooperate, always_defect, 20_000, noise=0.1, rng=1)
    for moves, flipped in zip(match.moves, "DC", strict=True):
        assert abs(moves.count(flipped) / 20_000 - 0.1) < 5 * (0.09 / 20_000) ** 0.5
    certain = play(always_cooperate, always_defect, 5, noise=1.0, rng=1)
    assert certain.moves == ("DDDDD", "CCCCC")


def test_noise_repeats_with_its_seed():
    one, two = (play(gradual, grim, 200, noise=0.1, rng=0) for _ in range(2))
    assert one == two != play(gradual, grim, 200, noise=0.1, rng=1)


def test_both_see_what_came_out():
    # with every move flipped, two tit-for-tats defect by mistake and flip each other's answer
    assert play(tit_for_tat, tit_for_tat, 4, noise=1.0, rng=0).moves == ("DCDC", "DCDC")


@pytest.mark.parametrize("name", ["TFT", "WSLS", "AllD"])
def test_matches_with_noise_agree_with_the_long_run(name):
    # Shares of 60 blocks at 5 standard errors: a false alarm in some 10,000 seeds (60 is few).
    rng = np.random.default_rng(7)
    match = play(EIGHT[name], tit_for_tat, 60_000, noise=0.05, rng=rng)
    expected = long_run(MEMORY_ONE[name], MEMORY_ONE["TFT"], noise=0.05).cooperation
    for moves, share in zip(match.moves, expected, strict=True):
        blocks = (np.array(list(moves)) == "C").reshape(60, -1).mean(axis=1)
        assert abs(blocks.mean() - share) < 5 * blocks.std() / 60**0.5


# ---------------------------------------------------------------- memory one


@settings(deadline=None)
@given(vectors, vectors, st.floats(0.0, 0.5))
def test_the_long_run_is_the_eigenvector(p, q, noise):
    chain = transition_matrix(p, q, noise=noise)
    np.testing.assert_allclose(chain.sum(axis=1), 1.0, rtol=1e-14)
    share = stationary(p, q, noise=noise)
    assert share.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(share @ chain, share, atol=1e-14)
    values, left = np.linalg.eig(chain.T)
    lead = left[:, np.argmin(np.abs(values - 1.0))].real
    np.testing.assert_allclose(share, lead / lead.sum(), atol=1e-8)


@settings(deadline=None)
@given(vectors, vectors)
def test_changing_seats_changes_names_only(p, q):
    one, two = long_run(p, q), long_run(q, p)
    np.testing.assert_allclose(one.cooperation, two.cooperation[::-1], rtol=1e-10)
    np.testing.assert_allclose(one.payoffs, two.payoffs[::-1], rtol=1e-10)
    np.testing.assert_allclose(one.stationary, two.stationary[[0, 2, 1, 3]], rtol=1e-9)


def test_the_transitions_are_those_of_the_strategies():
    states = ["CC", "CD", "DC", "DD"]
    p, q, eps = [0.9, 0.2, 0.7, 0.1], [0.8, 0.3, 0.6, 0.4], 0.05
    chain = transition_matrix(p, q, noise=eps)
    for (i, now), (j, then) in product(enumerate(states), enumerate(states)):
        a, b = p[i], q[states.index(now[::-1])]
        a, b = a * (1 - eps) + (1 - a) * eps, b * (1 - eps) + (1 - b) * eps
        expected = (a if then[0] == "C" else 1 - a) * (b if then[1] == "C" else 1 - b)
        assert chain[i, j] == pytest.approx(expected)


@pytest.mark.parametrize("noise", [0.3, 0.01, 1e-6, 1e-12, 1e-60])
def test_rare_noise_keeps_its_digits(noise):
    eps = Fraction(noise)

    def play_c(p):
        return p * (1 - eps) + (1 - p) * eps

    # generosity against itself: q' / (eps + q')
    q = Fraction(1, 4)
    gtft = generous_tit_for_tat(0.25)
    got = long_run(gtft, gtft, noise=noise).cooperation[0]
    assert got == pytest.approx(float(play_c(q) / (eps + play_c(q))), rel=1e-13)
    # win-stay, lose-shift against itself: after CC or DD both choose C, else both D
    same = long_run(MEMORY_ONE["WSLS"], MEMORY_ONE["WSLS"], noise=noise).stationary
    odd = float(2 * eps * (1 - eps))
    assert same[1] + same[2] == pytest.approx(odd, rel=1e-12)
    np.testing.assert_allclose(same[0], (1 - odd) * (1 - noise) ** 2 + odd * noise**2, rtol=1e-12)
    assert stationary(MEMORY_ONE["TFT"], MEMORY_ONE["TFT"], noise=noise) == pytest.approx(
        [0.25] * 4
    )


def test_cycles_and_traps_have_shares_too():
    # without noise, tit-for-tat ends in DD against AllD and alternates with its reverse
    tft, reverse = MEMORY_ONE["TFT"], (0.0, 1.0, 0.0, 1.0)
    np.testing.assert_array_equal(stationary(tft, MEMORY_ONE["AllD"]), [0, 0, 0, 1])
    np.testing.assert_allclose(stationary(tft, reverse), [0.25] * 4)


@settings(deadline=None, max_examples=30)
@given(vectors, vectors, st.floats(0.0, 0.5), st.integers(1, 40), chances, chances)
def test_expected_scores_add_up_round_by_round(p, q, noise, rounds, a, b):
    chain = transition_matrix(p, q, noise=noise)
    x, y = (c * (1 - noise) + (1 - c) * noise for c in (a, b))
    share = np.array([x * y, x * (1 - y), (1 - x) * y, (1 - x) * (1 - y)])
    total, rates = np.zeros(2), []
    for _ in range(rounds):
        total += [share @ [3, 0, 5, 1], share @ [3, 5, 0, 1]]
        rates.append([share[0] + share[1], share[0] + share[2]])
        share = share @ chain
    got = expected_scores(p, q, rounds, noise=noise, opening=(a, b))
    np.testing.assert_allclose(got, total, rtol=1e-12)
    got = cooperation(p, q, rounds, noise=noise, opening=(a, b))
    np.testing.assert_allclose(got, rates, rtol=1e-12)


def test_long_matches_score_the_long_run():
    tft = MEMORY_ONE["TFT"]
    scores = expected_scores(tft, tft, 10**12, noise=0.05)
    np.testing.assert_allclose(scores / 10**12, [2.25, 2.25], rtol=1e-10)


def test_expected_scores_without_noise_are_a_match():
    for a, b in product(("TFT", "AllD", "AllC", "WSLS"), repeat=2):
        opening = [float(name != "AllD") for name in (a, b)]
        got = expected_scores(MEMORY_ONE[a], MEMORY_ONE[b], 37, opening=opening)
        np.testing.assert_allclose(got, play(EIGHT[a], EIGHT[b], 37).scores)


@pytest.mark.parametrize("noise", [0.0, 0.001, 0.05, 0.5, 1.0])
def test_tit_for_tat_decays_as_stated(noise):
    tft = MEMORY_ONE["TFT"]
    expected = cooperation(tft, tft, 50, noise=noise)[:, 0]
    got = tit_for_tat_cooperation(np.arange(1, 51), noise)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-15)


def test_generosity_is_where_defection_stops_to_pay():
    pays = Payoffs()
    q = optimal_generosity(pays)
    gtft = generous_tit_for_tat(q)
    # against AllD it gives q T + (1 - q) P, no more than R
    assert long_run(gtft, MEMORY_ONE["AllD"]).payoffs[1] == pytest.approx(q * 5 + (1 - q) * 1)
    assert q * 5 + (1 - q) * 1 <= 3.0
    # a bit more generosity makes a single unpunished defection pay
    alternate = q + 0.01
    assert (1 - alternate) * (3 - 0) < (5 - 3)
    assert (1 - q) * (3 - 0) + 1e-12 >= (5 - 3)
    assert optimal_generosity((5.0, 4.9, 4.0, 0.0)) == pytest.approx(0.9)


def test_the_payoffs_enter_by_seat():
    result = long_run(MEMORY_ONE["AllC"], MEMORY_ONE["AllD"], payoffs=(9, 6, 2, -1))
    np.testing.assert_array_equal(result.payoffs, [-1, 9])
    np.testing.assert_array_equal(result.cooperation, [1, 0])


def bad():
    yield "X"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: play(tit_for_tat, tit_for_tat, 0), r"`1 <= rounds` must hold, .* \(1 too small"),
        (lambda: play(tit_for_tat, tit_for_tat, 5, noise=1.5), "`0 <= noise <= 1` must hold"),
        (lambda: play(bad, tit_for_tat, 5), "a move must be C or D"),
        (lambda: play(tit_for_tat, tit_for_tat, 5, payoffs=(1, 2)), "`payoffs` must have shape"),
        (lambda: score_matrix([], 5), "at least one"),
        (lambda: cycler(""), "letters C and D"),
        (lambda: cycler("CX"), "letters C and D"),
        (lambda: generous_tit_for_tat(-0.1), "`0 <= generosity <= 1` must hold"),
        (lambda: optimal_generosity((3, 3, 1, 0)), "`T - R > 0` must hold for a prisoner's"),
        (lambda: optimal_generosity((5, 1, 1, 0)), "`R - P > 0` must hold"),
        (lambda: optimal_generosity((5, 3, 0, 0)), "`P - S > 0` must hold"),
        (lambda: optimal_generosity((7, 3, 1, 0)), "`2 R - T - S > 0` .* it is -1 .1 too small"),
        (lambda: stationary([1, 0, 1], [1, 0, 1, 0]), "`first` must have shape"),
        (lambda: stationary([1, 0, 1, 0], [1, 0, 1, 2]), "`0 <= second <= 1` must hold"),
        (
            lambda: stationary(MEMORY_ONE["TFT"], MEMORY_ONE["TFT"]),
            r"`recurrent classes = 1` must hold for a single long run, but it is 3 \(2 too large",
        ),
        (lambda: cooperation([1] * 4, [1] * 4, 3, opening=(1, 2)), "`0 <= opening <= 1`"),
        (lambda: expected_scores([1] * 4, [1] * 4, 0), "`1 <= rounds` must hold"),
        (lambda: tit_for_tat_cooperation(0, 0.1), "`1 <= rounds` must hold"),
        (lambda: tit_for_tat_cooperation(1, 1.1), "`0 <= noise <= 1` must hold"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(EscalateError, match=message):
        call()
