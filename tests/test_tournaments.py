"""Tournaments: matches worked out by hand and in closed form, and what is made of them.

Statistical tests have fixed seeds. Each compares at most 40 means, none further off than five
standard errors, so that a right program would fail one with a chance below 1 in 40,000.
"""

import dataclasses
import itertools
import math

import numpy as np
import pytest

import escalate as esc
from escalate import tournaments
from escalate.ensemble import ReplicationError
from escalate.errors import EscalateError, ScenarioError
from escalate.rules import Rule, answer
from escalate.theory import memory_one as theory
from escalate.tournaments import OUTCOMES, arena, fingerprint, tournament

EIGHT = {
    "AllC": "never", "AllD": "always", "TFT": "tit_for_tat", "STFT": "suspicious_tit_for_tat",
    "TF2T": "tit_for_two_tats", "Grim": "grim", "WSLS": "win_stay_lose_shift",
    "Gradual": "gradual",
}  # fmt: skip
MEMORY_ONE = {
    "never": ("never", (1.0, 1.0, 1.0, 1.0)),
    "always": ("always", (0.0, 0.0, 0.0, 0.0)),
    "tit for tat": ("tit_for_tat", (1.0, 0.0, 1.0, 0.0)),
    "generous": (Rule("generous", forgive_prob=0.25), (1.0, 0.25, 1.0, 0.25)),
    "win-stay": ("win_stay_lose_shift", (1.0, 0.0, 0.0, 1.0)),
}
OPENING = {name: 0.0 if name == "always" else 1.0 for name in MEMORY_ONE}


@pytest.fixture(scope="module")
def cup():
    return tournament(
        ["tit_for_tat", "generous", "always"], arena(rounds=20), replications=40,
        noise=[0.0, 0.1], rng=7, weights={"killed_suffered": 1.0, "killed_done": 1.0},
    )  # fmt: skip


def cell(cup, outcome, rule, opponent, noise=0):
    """Give an outcome by seat and replication."""
    names = list(cup.rules)
    return cup.data[outcome][noise, names.index(rule), names.index(opponent)]


def off(values, expected):
    """Give the distance of a mean, both seats of a war taken together, in standard errors."""
    wars = values.mean(axis=0)
    spread = wars.std(ddof=1) / math.sqrt(len(wars))
    return abs(wars.mean() - expected) / spread if spread else abs(wars.mean() - expected) * 1e9


class TestMatches:
    def test_tit_for_tat_against_always_by_hand(self):
        """Ten rounds: always strikes in each, tit for tat in all but the first."""
        cup = tournament(["tit_for_tat", "always"], arena(rounds=10), replications=3, rng=1)
        assert (cell(cup, "strikes", "tit_for_tat", "always") == 9).all()
        assert (cell(cup, "strikes", "always", "tit_for_tat") == 10).all()
        assert (cell(cup, "launched", "tit_for_tat", "always") == 180).all()
        assert (cell(cup, "cost_usd", "tit_for_tat", "always") == 180 * 35e3).all()
        assert (cell(cup, "duration_days", "tit_for_tat", "always") == 10).all()
        for outcome in OUTCOMES:
            assert (cell(cup, outcome, "tit_for_tat", "tit_for_tat") == 0).all(), outcome

    def test_the_eight_of_the_literature_strike_as_often_as_in_the_game(self):
        rounds = 40
        cup = tournament(EIGHT, arena(rounds=rounds), replications=1, rng=1)
        for first, second in itertools.product(EIGHT, repeat=2):
            moves = theory.play(theory.EIGHT[first], theory.EIGHT[second], rounds).moves
            struck = [t for t in range(rounds) if "D" in (moves[0][t], moves[1][t])]
            lasted = struck[-1] - struck[0] + 1 if struck else 0
            for outcome, expected in (
                ("strikes", moves[0].count("D")), ("striking_days", len(struck)),
                ("duration_days", lasted),
            ):  # fmt: skip
                came = cell(cup, outcome, first, second).tolist()
                assert came == [[expected], [expected]], (first, second, outcome)

    def test_slips_give_the_strikes_of_the_noisy_game(self):
        """25 means."""
        rounds, slip = 30, 0.08
        rules = {name: rule for name, (rule, _) in MEMORY_ONE.items()}
        cup = tournament(rules, arena(rounds=rounds), replications=400, noise=slip, rng=1)
        for first, second in itertools.product(MEMORY_ONE, repeat=2):
            chances = theory.cooperation(
                MEMORY_ONE[first][1], MEMORY_ONE[second][1], rounds, noise=slip,
                opening=(OPENING[first], OPENING[second]),
            )  # fmt: skip
            came = cell(cup, "strikes", first, second)
            assert off(came, rounds - chances[:, 0].sum()) < 5.0, (first, second)

    def test_misperception_gives_the_strikes_of_a_game_seen_through_it(self):
        """25 means."""
        rounds, eye = 30, 0.08
        rules = {name: rule for name, (rule, _) in MEMORY_ONE.items()}
        noise = {"misperceive_prob": eye}
        cup = tournament(rules, arena(rounds=rounds), replications=400, noise=noise, rng=1)
        for first, second in itertools.product(MEMORY_ONE, repeat=2):
            expected = misperceived(first, second, rounds, eye)
            assert off(cell(cup, "strikes", first, second), expected) < 5.0, (first, second)

    def test_in_the_long_run_tit_for_tat_loses_to_generosity_as_in_closed_form(self):
        """Four means. The quiet beginning lowers each by less than two rounds."""
        rounds, wars, slip, q = 1200, 60, 0.1, 1.0 / 3.0
        vectors = {
            "tit_for_tat": theory.MEMORY_ONE["TFT"],
            "generous": theory.generous_tit_for_tat(q),
        }
        cup = tournament(list(vectors), arena(rounds=rounds), replications=wars, noise=slip, rng=1)
        share = {}
        for first, second in itertools.product(vectors, repeat=2):
            limit = theory.long_run(vectors[first], vectors[second], noise=slip).cooperation[0]
            came = cell(cup, "strikes", first, second).mean(axis=0) / rounds
            share[first, second] = came.mean()
            error = came.std(ddof=1) / math.sqrt(wars)
            assert abs(came.mean() - (1.0 - limit)) < 5.0 * error + 2.0 / rounds
        assert share["tit_for_tat", "tit_for_tat"] == pytest.approx(0.5, abs=0.03)
        # noise / (noise + q') with q' = noise + q (1 - 2 noise)
        kept = slip + q * (1.0 - 2.0 * slip)
        assert share["generous", "generous"] == pytest.approx(slip / (slip + kept), abs=0.02)
        assert cup.difference("tit_for_tat", "generous", "strikes").loc[slip, "low"] > 0.0

    def test_harm_done_to_one_is_suffered_by_the_other(self, cup):
        for harm in ("killed", "injured", "damage_sites", "blackout_hours"):
            suffered, done = cup.data[f"{harm}_suffered"], cup.data[f"{harm}_done"]
            np.testing.assert_array_equal(done[..., 0, :], suffered[..., 1, :].swapaxes(1, 2))
            assert suffered.sum() > 0.0

    def test_a_cell_is_the_war_that_can_be_fought_again(self, cup):
        run = cup.replay("generous", "always", 3, noise=0.1)
        total = run.summary()
        for seat, (side, rule, opponent) in enumerate(
            (("A", "generous", "always"), ("B", "always", "generous"))
        ):
            for outcome, key in (("killed_suffered", "killed"), ("cost_usd", "cost_usd")):
                assert cell(cup, outcome, rule, opponent, 1)[seat, 3] == total[side][key]
        days = np.unique(run.strikes["decided_hours"] // 24)
        assert cell(cup, "striking_days", "generous", "always", 1)[0, 3] == len(days)
        lasted = days.max() - days.min() + 1
        assert cell(cup, "duration_days", "generous", "always", 1)[0, 3] == lasted

    def test_a_match_does_not_depend_on_who_else_takes_part_nor_on_the_workers(self, cup):
        alone = tournament(
            ["generous", "tit_for_tat"], arena(rounds=20), replications=40, noise=0.1, rng=7,
            workers=1,
        )  # fmt: skip
        for outcome in OUTCOMES:
            np.testing.assert_array_equal(
                cell(alone, outcome, "generous", "tit_for_tat"),
                cell(cup, outcome, "generous", "tit_for_tat", 1),
            )

    def test_a_rule_of_ones_own_plays(self):
        def bully(see, params, memory, u):
            return answer(0.0 if see.struck > 0.0 else see.standard)

        cup = tournament({"bully": Rule(bully), "never": "never"}, replications=2, rng=1)
        assert (cell(cup, "strikes", "bully", "never") == 60).all()
        # Both strike, both hold still, and so on.
        assert (cell(cup, "strikes", "bully", "bully") == 30).all()

    def test_rules_stand_in_the_retaliation_that_is_named_and_leave_the_others(self):
        base = arena(rounds=3)
        more = esc.Retaliation(rule=Rule("always"), plan="strike", review_hours=24.0)
        sides = {
            name: dataclasses.replace(side, retaliations={"first": more, **side.retaliations})
            for name, side in base.sides.items()
        }
        both = dataclasses.replace(base, sides=sides)
        cup = tournament(["never"], both, replications=1, rng=1, noise=1.0, retaliation="answer")
        # Three of its own, as every decision not to strike slips, and three of the other's.
        assert (cell(cup, "strikes", "never", "never") == 6).all()

    def test_weapons_that_run_out_end_a_match(self):
        cup = tournament(["always"], arena(rounds=9, stock=50), replications=1, rng=1)
        assert (cell(cup, "launched", "always", "always") == 50).all()
        assert (cell(cup, "duration_days", "always", "always") == 3).all()

    def test_the_default_stock_is_enough(self):
        cup = tournament(["always"], arena(rounds=25, size=7.0), replications=1, rng=1)
        assert (cell(cup, "launched", "always", "always") == 175).all()


def misperceived(first, second, rounds, eye):
    """Give the mean number of strikes of the first, each seeing the other's move amiss at times."""
    states = list(itertools.product("CD", repeat=2))
    chance = dict.fromkeys(states, 1.0)
    for i, name in enumerate((first, second)):
        for s in states:
            chance[s] *= OPENING[name] if s[i] == "C" else 1.0 - OPENING[name]
    strikes = 0.0
    for _ in range(rounds):
        strikes += sum(chance[s] for s in states if s[0] == "D")
        following = dict.fromkeys(states, 0.0)
        for s in states:
            calm = []
            for own, other, name in ((s[0], s[1], first), (s[1], s[0], second)):
                wrong = "D" if other == "C" else "C"
                table = dict(zip(("CC", "CD", "DC", "DD"), MEMORY_ONE[name][1], strict=True))
                calm.append((1.0 - eye) * table[own + other] + eye * table[own + wrong])
            for t in states:
                step = [c if move == "C" else 1.0 - c for c, move in zip(calm, t, strict=True)]
                following[t] += chance[s] * step[0] * step[1]
        chance = following
    return strikes


class TestNoise:
    def test_contrition_helps_against_slips_of_the_hand_and_not_against_errors_of_the_eye(self):
        rules = ["tit_for_tat", "contrite"]
        slips = tournament(rules, replications=100, noise=0.05, rng=1)
        change = slips.difference("contrite", "tit_for_tat", "strikes").iloc[0]
        assert change["high"] < 0.0
        errors = tournament(rules, replications=20, noise={"misperceive_prob": 0.05}, rng=1)
        # It never strikes unprovoked by its own lights, so it is tit for tat.
        for opponent in rules:
            np.testing.assert_array_equal(
                cell(errors, "strikes", "contrite", opponent),
                cell(errors, "strikes", "tit_for_tat", opponent),
            )

    def test_levels_of_several_kinds_go_together(self):
        cup = tournament(
            ["never"], arena(rounds=2), replications=1, rng=1,
            noise={"miss_prob": [0.0, 0.5], "exaggeration": 2.0, "slip_prob": (0.1, 0.3)},
        )  # fmt: skip
        assert cup.levels.tolist() == [0.0, 0.5]
        match = cup.match("never", "never", noise=0.5)
        for side in match.sides.values():
            assert side.assessment.miss_prob == 0.5
            assert side.assessment.exaggeration == 2.0
            assert side.retaliations["answer"].slip_prob == 0.3
        assert cup.dataset["slip_prob"].values.tolist() == [0.1, 0.3]
        assert cup.dataset["noise"].attrs["kind"] == "miss_prob, exaggeration, slip_prob"

    def test_without_noise_the_scenario_keeps_its_own(self):
        scenario = esc.load_scenario("two-equal-sides")
        cup = tournament(["tit_for_tat", "never"], scenario, replications=2, rng=1)
        match = cup.match("never", "tit_for_tat")
        assert match.sides["A"].assessment == scenario.sides["A"].assessment
        assert match.sides["B"].retaliations["answer"].slip_prob == 0.02
        assert cup.levels.tolist() == [0.02]
        assert match.sides["B"].retaliations["answer"].rule == Rule("tit_for_tat")

    def test_misperception_follows_the_length_of_a_round(self):
        cup = tournament(
            ["never"], arena(rounds=2, round_hours=6.0), replications=1, rng=1,
            noise={"misperceive_prob": 0.2},
        )  # fmt: skip
        eye = cup.match("never", "never").sides["A"].assessment
        assert eye.miss_prob == 0.25
        assert eye.false_alarms_per_day == pytest.approx(-4.0 * math.log(0.8))


class TestWhatIsMadeOfIt:
    @pytest.fixture
    def made(self, cup):
        """Give a tournament of two rules whose outcomes are set by hand."""
        data = {name: np.zeros((1, 2, 2, 2, 2)) for name in OUTCOMES}
        # Burdens of the first rule 1 and 3 in the two wars against itself, whichever the seat.
        data["killed_suffered"][0, 0, 0] = [[0.0, 2.0], [2.0, 4.0]]
        data["killed_suffered"][0, 0, 1] = [[4.0, 4.0], [4.0, 4.0]]
        data["killed_suffered"][0, 1, 0] = [[3.0, 4.0], [3.0, 4.0]]
        data["killed_suffered"][0, 1, 1] = [[5.0, 6.0], [5.0, 6.0]]
        data["cost_usd"][0, 0, 1] = 1e6
        return dataclasses.replace(
            cup, rules={"a": Rule("never"), "b": Rule("always")}, noise={}, replications=2,
            weights=None, data=data,
        )  # fmt: skip

    def test_a_ranking_is_the_weighted_mean_over_opponents_with_paired_intervals(self, made):
        table = made.ranking({"killed_suffered": 2.0, "cost_usd": -1e-6})
        assert table.index.tolist() == ["a", "b"]
        # a: 2 (1 and 3) and 2 x 4 - 1, so 4.5 and 6.5; b: 2 (3 and 4) and 2 (5 and 6), so 8 and 10
        assert table["burden"].tolist() == [5.5, 9.0]
        assert table["se"].tolist() == [1.0, 1.0]
        student = 12.706204736  # of one degree of freedom, at 97.5%
        np.testing.assert_allclose(table["low"], [5.5 - student, 9.0 - student], rtol=1e-9)
        assert table["behind"].tolist() == [0.0, 3.5]
        # The wars are 3.5 apart in both replications.
        assert table.loc["b", ["behind_low", "behind_high"]].tolist() == [3.5, 3.5]
        change = made.difference("a", "b", {"killed_suffered": 2.0, "cost_usd": -1e-6})
        assert change.iloc[0].tolist() == [-3.5, 0.0, -3.5, -3.5]

    def test_a_matrix_and_a_summary_keep_outcomes_apart(self, made):
        assert made.matrix("killed_suffered").values.tolist() == [[2.0, 4.0], [3.5, 5.5]]
        table = made.summary().set_index(["rule", "outcome"])
        assert table.loc[("a", "killed_suffered"), "mean"] == 3.0
        assert table.loc[("a", "cost_usd"), "mean"] == 5e5
        assert set(table.index.get_level_values("outcome")) == set(OUTCOMES)

    def test_one_war_has_no_interval(self):
        cup = tournament(["never"], arena(rounds=2), replications=1, rng=1)
        assert math.isnan(cup.ranking("strikes")["low"].iloc[0])

    def test_the_frame_and_the_dataset_hold_every_war(self, cup):
        frame = cup.to_dataframe()
        assert len(frame) == 2 * 3 * 3 * 2 * 40
        assert frame.columns.tolist() == [
            "noise", "rule", "opponent", "seat", "replication", *OUTCOMES,
        ]  # fmt: skip
        dataset = cup.dataset
        chosen = {"noise": 0.1, "rule": "generous", "opponent": "always", "seat": "B"}
        query = " and ".join(f"{k} == {v!r}" for k, v in chosen.items())
        for outcome, unit in OUTCOMES.items():
            assert dataset[outcome].attrs["units"] == unit
            values = dataset[outcome].sel(chosen).values.tolist()
            assert values == frame.query(query)[outcome].tolist()
        assert dataset.attrs["seed_entropy"] == "7"

    def test_the_replicator_reads_the_matrix(self, cup):
        evolution = cup.replicator(noise=0.1, generations=50)
        matrix = cup.matrix(noise=0.1)
        np.testing.assert_array_equal(evolution.burden, matrix)
        np.testing.assert_allclose(
            evolution.shares, tournaments.replicator(matrix.to_numpy(), generations=50)
        )
        assert (evolution.low <= evolution.high).all(axis=None)
        inside = (evolution.low <= evolution.shares) & (evolution.shares <= evolution.high)
        assert inside.iloc[-1].all()
        assert ("always",) in {tuple(p.shares) for p in evolution.rest_points}
        again = cup.replicator(noise=0.1, generations=50)
        assert again.low.equals(evolution.low)

    def test_the_replicator_starts_where_it_is_told(self, cup):
        evolution = cup.replicator(noise=0.0, start={"always": 3.0, "generous": 1.0})
        assert evolution.shares.loc[0].to_dict() == {
            "tit_for_tat": 0.0, "generous": 0.25, "always": 0.75,
        }  # fmt: skip

    def test_the_interval_of_shares_without_chance_is_no_wider_than_a_point(self):
        cup = tournament(["tit_for_tat", "always"], arena(rounds=9), replications=4, rng=1)
        evolution = cup.replicator("strikes")
        np.testing.assert_allclose(evolution.low, evolution.shares, atol=1e-12)
        np.testing.assert_allclose(evolution.high, evolution.shares, atol=1e-12)

    def test_among_many_rules_no_rest_points_are_looked_for(self):
        rules = {f"r{i}": Rule("random", prob=i / 20) for i in range(13)}
        cup = tournament(rules, arena(rounds=1), replications=1, rng=1)
        assert cup.replicator("strikes").rest_points == ()


class TestFingerprint:
    def test_proportional_answers_follow_the_gain_and_the_exaggeration(self):
        """Against means handed to and fro: a fraction of a size is rounded by a fair draw.

        Five standard errors are allowed, which 6 comparisons exceed together once in 300,000 times.
        """
        levels, gains = (0.7, 1.0, 1.3), (0.3, 0.8, 1.2, 3.0)
        points = fingerprint(
            "proportional", Rule("proportional", gain=0.9), replications=200, rng=1,
            noise={"exaggeration": levels}, gains=gains,
        )  # fmt: skip
        compared = 0
        for seen, gain in itertools.product(levels, gains):
            size, sent = 20.0, 0.0
            for turn in range(1, 60):
                mover = (turn - 1) % 2
                size = size * seen * (gain, 0.9)[mover]
                sent += size if mover == 0 else 0.0
            came = points["launched"].sel(gain=gain, noise=seen).values
            if sent > 1e6:  # far more than there is
                assert set(came.tolist()) == {2400}
            elif sent < 300.0:  # and here far less, so that nobody runs out
                error = came.std(ddof=1) / math.sqrt(len(came))
                assert abs(came.mean() - sent) < 5.0 * error, (seen, gain)
                compared += 1
        assert compared == 6

    def test_a_gain_scales_standard_answers_and_held_rules(self):
        rule = Rule("capped", Rule("proportional", gain=0.5), cap=1000)
        held = fingerprint(
            rule, "never", replications=1, noise=0.0, gains=[2.0, 4.0], rng=1
        )["launched"]  # fmt: skip
        assert held.values.ravel().tolist() == [20.0, 40.0]
        points = fingerprint("tit_for_tat", "never", replications=1, noise=0.0, gains=[0, 1.5])
        assert points["launched"].values.ravel().tolist() == [0.0, 30.0]
        assert points.attrs["opponent"] == "never"

    def test_a_gain_leaves_the_sides_own_strikes_alone(self):
        base = arena(rounds=4)
        scenario = base.replace(
            {"sides.A.tempos.routine": esc.Tempo(plan="strike", rate_per_day=2)}
        )
        points = fingerprint(
            "never", "never", scenario, replications=3, noise=0.0, gains=[1.0, 5.0], rng=1
        )["launched"]
        np.testing.assert_array_equal(points.sel(gain=1.0), points.sel(gain=5.0))
        assert points.sum() > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rules": []}, "`rules` must hold a rule at least, but it is empty"),
        ({"rules": "never"}, "`rules` must be a list of rules or a mapping, but got 'never'"),
        ({"rules": ["never", "never"]}, "'never' stands there twice"),
        ({"replications": 0}, "`replications` must be a whole number, 1 or more, but got 0"),
        ({"noise": {"slip": 0.1}}, "unknown noise 'slip': did you mean 'slip_prob'?"),
        ({"noise": []}, "`noise.slip_prob` must have shape (n,), n at least 1"),
        ({"noise": [0.1, 0.1]}, "levels of noise must differ, but got [0.1, 0.1]"),
        ({"noise": {"slip_prob": [0, 0.1], "miss_prob": [0, 0.1, 0.2]}},
         "levels of noise go together, but 'slip_prob' has 2 and another 3"),
        ({"noise": {"misperceive_prob": 0.6}}, "`0 <= noise.misperceive_prob <= 0.5` must hold"),
        ({"noise": {"misperceive_prob": 0.1, "miss_prob": 0.1}},
         "`misperceive_prob` sets 'miss_prob', so give one of them only"),
        ({"weights": {"kiled_done": 1.0}}, "did you mean 'killed_done'?"),
        ({"weights": {"killed_done": -1.0}}, "`weights.killed_done >= 0` must hold, as harm"),
        ({"weights": {"strikes": 0.0}}, "`weights` must hold one that is not 0"),
        ({"weights": 3}, "`weights` must be a mapping from outcomes, but got 3"),
        ({"scenario": "winter"}, "`scenario` must be a Scenario, such as arena() gives"),
        ({"retaliation": "anser"}, "unknown retaliation 'anser' of side 'A': did you mean"),
        ({"scenario": esc.load_scenario("winter-2023-24")}, "`retaliation` must name the one"),
        ({"scenario": esc.load_scenario("two-equal-sides"), "noise": {"misperceive_prob": 0.1}},
         "needs `review_hours > 0` at sides.A.retaliations.answer"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(change, message):
    given = {"rules": ["never", "always"], "scenario": arena(rounds=2), "replications": 1, "rng": 1}
    given |= change
    with pytest.raises(EscalateError) as caught:
        tournament(given.pop("rules"), given.pop("scenario"), **given)
    assert message in str(caught.value)


def test_an_impossible_level_is_refused_at_its_place():
    with pytest.raises(ScenarioError, match="retaliations.answer.slip_prob"):
        tournament(["never"], replications=1, noise=1.5, rng=1)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda cup: cup.ranking(noise=0.3), "`noise` must be one of 0, 0.1, but 0.3 was given"),
        (lambda cup: cup.matrix(), "`noise` must be one of 0, 0.1, but none was given"),
        (lambda cup: cup.match("tft", "always", noise=0.1), "unknown rule 'tft'"),
        (lambda cup: cup.difference("always", "genrous"), "did you mean 'generous'?"),
        (lambda cup: cup.replay("always", "always", 40, noise=0.1), "`0 <= replication < 40`"),
        (lambda cup: cup.summary(level=1.0), "`0 < level < 1` must hold, but got 1.0"),
        (lambda cup: cup.replicator(noise=0.1, level=2.0), "`0 < level < 1` must hold"),
        (lambda cup: cup.replicator(noise=0.1, start={"tft": 1.0}), "unknown rule 'tft'"),
        (lambda cup: dataclasses.replace(cup, weights=None).ranking(noise=0.1),
         "`weights` must say how much each outcome weighs, but got none"),
    ],
)  # fmt: skip
def test_what_a_tournament_cannot_give_is_refused(cup, ask, message):
    with pytest.raises(EscalateError) as caught:
        ask(cup)
    assert message in str(caught.value)


def test_an_arena_is_refused_that_has_no_rounds():
    with pytest.raises(EscalateError, match="`rounds` must be a whole number, 1 or more"):
        arena(rounds=0)
    with pytest.raises(EscalateError, match="`2 <= round_hours` must hold, but got 1"):
        arena(round_hours=1.0)


def test_an_error_in_a_war_says_in_which_match(monkeypatch):
    def fails(*args, **more):
        raise ReplicationError("replication 0 failed")

    monkeypatch.setattr(tournaments, "simulate_many", fails)
    with pytest.raises(ReplicationError) as caught:
        tournament(["never", "always"], replications=1, rng=1)
    assert caught.value.__notes__ == ["in the match of never against never"]


def test_progress_is_told_match_by_match(capsys):
    told = []
    tournament(
        ["never", "always"], arena(rounds=1), replications=1, rng=1,
        progress=lambda done, matches: told.append((done, matches)),
    )  # fmt: skip
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    tournament(["never"], arena(rounds=1), replications=1, rng=1, progress=True)
    assert "match" in capsys.readouterr().err
