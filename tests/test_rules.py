"""Retaliation rules: what happened and what is answered, one table a rule.

Tables are worked by hand from the papers that the rules cite. Payoffs of the prisoner's
dilemma are 5, 3, 1 and 0.
"""

from __future__ import annotations

import copy
import inspect
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalate.errors import ScenarioError
from escalate.rules import (
    CATEGORIES,
    FIRST_COMBINATOR,
    MEASURES,
    MEMORY,
    RESET,
    RULES,
    TARGET_CATEGORIES,
    USER,
    Answer,
    Rule,
    RuleEntry,
    Situation,
    answer,
    decide,
    measured,
    next_rung,
    play,
    program,
)
from tests.naive import assert_mean, assert_share, runs

CALM = Situation(
    now_hours=100.0, struck=0.0, struck_before=0.0, own_struck=0.0, asked=3.0, launched=0.0,
    hits=0.0, killed=0.0, injured=0.0, damage=0.0, weapon_categories=0, target_categories=0,
    quiet_hours=math.inf, standard=10.0, available=50.0, stock_share=0.8, rung=0.0,
    killed_total=0.0,
)  # fmt: skip
STRUCK = CALM._replace(
    struck=1.0, launched=40.0, hits=12.0, killed=7.0, injured=30.0, damage=2.5, quiet_hours=48.0,
    weapon_categories=0b000010, target_categories=0b100000,
)  # fmt: skip
LEAVES = [name for name, entry in RULES.items() if entry.function]
COMBINATORS = [name for name, entry in RULES.items() if not entry.function]


class Player:
    """A rule with its memory, asked again and again."""

    def __init__(self, rule, before=(0, 0, 0)):
        nodes, self.params, self.functions = program(Rule(rule) if isinstance(rule, str) else rule,
                                                     *before)  # fmt: skip
        self.nodes = {name: [0] * before[0] + column for name, column in nodes.items()}
        self.params = [math.nan] * before[1] + self.params
        self.functions = [None] * before[2] + self.functions
        self.first, self.last = before[0], len(self.nodes["code"]) - 1
        self.memory = np.zeros(MEMORY * (self.last + 1))

    def ask(self, see, u=0.5):
        """Ask with one uniform for all nodes, or one for each."""
        draws = u if isinstance(u, list) else [u] * (self.last + 1 - self.first)
        self.nodes["draw"][self.first :] = draws
        return decide(
            self.nodes, self.params, self.memory, self.functions, self.first, self.last, see
        )


def ask(rule, see, u=0.5):
    return Player(rule).ask(see, u)


def sizes(rule, *sights):
    player = Player(rule)
    return [player.ask(see).size for see in sights]


def scripted(moves):
    """Give a rule that makes these moves, over and over."""

    def script(see, params, memory, u):
        return answer(1.0 if moves[int(see.asked) % len(moves)] == "D" else 0.0)

    return Rule(script)


def fixed(size, delay=0.0, announced=0.0):
    """Give a rule that always answers so."""

    def given(see, params, memory, u):
        return Answer(size, delay, announced)

    return Rule(given)


# ---------------------------------------------------------------------- meetings

# The rule, the moves that it meets, and the moves that it makes.
MEETINGS = [
    ("never", "DDDD", "CCCC"),
    ("always", "CCDD", "DDDD"),
    ("tit_for_tat", "CDDCDC", "CCDDCD"),
    ("suspicious_tit_for_tat", "CDDCC", "DCDDC"),
    ("tit_for_two_tats", "DCDDDCC", "CCCCDDC"),
    (Rule("tit_for_two_tats", window_hours=0.5), "DDDD", "CCCC"),
    (Rule("generous", forgive_prob=0.0), "CDDCD", "CCDDC"),
    (Rule("generous", forgive_prob=1.0), "CDDCD", "CCCCC"),
    ("grim", "CCDCCCC", "CCCDDDD"),
    # First strike: one back, then two rounds still. The second, in round 5: two back.
    ("gradual", "DCCCDCCCCCC", "CDCCCDDCCCC"),
    # The calm follows the second punishment as well.
    ("gradual", "DCCCDCCDCCC", "CDCCCDDCCCC"),
    # A strike that comes during the calm is let pass, but counts: the next gets three.
    ("gradual", "DCDCDCCCCCC", "CDCCCDDDCCC"),
    # A strike during a punishment counts and starts no other: in all three, then the next four.
    ("gradual", "DCCCDDCCCDCCCCCCC", "CDCCCDDCCCDDDDCCC"),
    (Rule("gradual", calm=0), "DDDDDDD", "CDDDDDD"),
    ("contrite", "CDDCC", "CCDDC"),
    ("win_stay_lose_shift", "CDDCC", "CCDCC"),
    (Rule("random", prob=0.0), "DDD", "CCC"),
    (Rule("random", prob=1.0), "CCC", "DDD"),
    ("proportional", "CDDC", "CCDD"),
    (Rule("threshold", measure="hits"), "CDDC", "CCDD"),
    (Rule("threshold", measure="hits", level=2), "CDDC", "CCCC"),
    ("threshold", "CDDC", "CCCC"),  # no one is killed in a game
    ("red_line", "DDD", "CCC"),  # no line is drawn
    ("ladder", "CDDC", "CCDD"),
    ("stock_aware", "CDDC", "CCDD"),
    (Rule("deadline", at_hours=99), "CDDC", "CCDD"),
]


@pytest.mark.parametrize(("rule", "met", "made"), MEETINGS, ids=str)
def test_meetings(rule, met, made):
    assert play(rule, scripted(met), len(met)) == (made, met)
    assert play(scripted(met), rule, len(met)) == (met, made)


def test_every_rule_of_the_catalogue_is_met():
    met = {rule if isinstance(rule, str) else rule.name for rule, _, _ in MEETINGS}
    assert met == set(LEAVES)


def test_no_round_is_played_before_it_is_asked_for():
    assert play("always", "grim", 0) == ("", "")


PAYOFFS = {"CC": 3, "CD": 0, "DC": 5, "DD": 1}


def score(own, other):
    return sum(PAYOFFS[pair] for pair in map("".join, zip(own, other, strict=True)))


# Two hundred rounds of each against each, the row's score. Definitions after Axelrod 1984 and
# Beaufils, Delahaye and Mathieu 1997, as in Axelrod-Python at 95052da; evaluated independently
# of both libraries, August 2026.
TOURNAMENT = {
    "never": [600, 0, 600, 597, 600, 600, 600, 600],
    "always": [1000, 200, 204, 200, 208, 204, 600, 252],
    "tit_for_tat": [600, 199, 600, 500, 600, 600, 600, 600],
    "suspicious_tit_for_tat": [602, 200, 500, 200, 602, 203, 401, 601],
    "tit_for_two_tats": [600, 198, 600, 597, 600, 600, 600, 600],
    "grim": [600, 199, 600, 203, 600, 600, 600, 600],
    "win_stay_lose_shift": [600, 100, 600, 401, 600, 600, 600, 600],
    "gradual": [600, 187, 600, 596, 600, 600, 600, 600],
}


@pytest.mark.parametrize("first", TOURNAMENT)
def test_tournament_scores(first):
    meetings = [play(first, second, 200) for second in TOURNAMENT]
    assert [score(own, other) for own, other in meetings] == TOURNAMENT[first]


def test_gradual_against_always():
    # Axelrod-Python issue 1294, Delahaye's own sequence: 15 against 40.
    own, other = play("gradual", "always", 20)
    assert own == "CDCCDDDDCCDDDDDDDDDD"
    assert (score(own, other), score(other, own)) == (15, 40)


@pytest.mark.parametrize(("moves", "expected"), [("D", 983), ("CCD", 3596), ("DDC", 2302)])
def test_gradual_over_a_thousand_rounds(moves, expected):
    # Axelrod-Python at 95052da, tests/strategies/test_titfortat.py, from the authors' own runs.
    assert score(*play("gradual", scripted(moves), 1000)) == expected


# ---------------------------------------------------------------------- noise


def test_cooperation_of_tit_for_tat_with_itself_decays_under_noise():
    # Each choice flips with chance e: C in round t with chance (1 + (1 - 2e)^t) / 2, from 0.95
    # in the first through 0.67433922005 in the tenth down to a half (Molander 1985).
    rng = np.random.default_rng(10)
    games = [
        play("tit_for_tat", "tit_for_tat", 10, noise_prob=0.05, rng=rng) for _ in range(runs(4000))
    ]
    expected = [(1.0 + 0.9**t) / 2.0 for t in range(1, 11)]
    assert expected[0] == 0.95
    assert expected[-1] == pytest.approx(0.67433922005, abs=1e-11)
    for t, prob in enumerate(expected):
        assert_share([own[t] == "C" for own, _ in games], prob)


# Share of rounds held still, and payoff a round, of a rule against itself when each choice
# flips with chance 0.05: stationary vectors of four-state chains, evaluated independently,
# August 2026. For the generous rule q' / (e + q') with q' = e + q (1 - 2e), q = 1/3.
SELF_PLAY = {
    "tit_for_tat": (0.5, 2.25),
    "generous": (0.875, 2.859375),
    "win_stay_lose_shift": (0.8645, 2.7764999999999986),
    "never": (0.95, 2.9475),
    "always": (0.05, 1.1475),
}


@pytest.mark.parametrize(("rule", "expected"), SELF_PLAY.items())
def test_self_play_under_noise_settles(rule, expected):
    rng = np.random.default_rng(11)
    last = [
        tuple(moves[-1] for moves in play(rule, rule, 50, noise_prob=0.05, rng=rng))
        for _ in range(runs(1000))
    ]
    held, payoff = expected
    assert_share([own == "C" for own, _ in last], held)
    assert_mean([(score(*pair) + score(*pair[::-1])) / 2.0 for pair in last], payoff)


def test_a_generous_rule_exploited_under_noise():
    rng = np.random.default_rng(12)
    last = [
        tuple(moves[-1] for moves in play("generous", "always", 8, noise_prob=0.05, rng=rng))
        for _ in range(runs(4000))
    ]
    assert_mean([score(*pair) for pair in last], 0.801)
    assert_mean([score(*pair[::-1]) for pair in last], 2.451)


def test_the_default_generosity_is_molander_s():
    # min(1 - (T - R)/(R - S), (R - P)/(T - P))
    best = min(1.0 - (5 - 3) / (3 - 0), (3 - 1) / (5 - 1))
    assert Rule("generous").values() == pytest.approx([best], rel=1e-15)


def duel(first, second, rounds, slips):
    """Play rounds in which the choices named as (round, player) are carried out wrongly."""
    players = Player(first), Player(second)
    moves = ["", ""]
    for turn in range(1, rounds + 1):
        chosen = []
        for me, player in enumerate(players):
            own, other = moves[me], moves[1 - me]
            see = CALM._replace(
                struck=float(other[-1:] == "D"),
                own_struck=float(own[-1:] == "D"),
                asked=turn - 1.0,
            )
            strike = player.ask(see).size > 0.0
            chosen.append("CD"[strike != ((turn, me) in slips)])
        moves = [own + move for own, move in zip(moves, chosen, strict=True)]
    return tuple(moves)


# Contrite tit for tat, by the standing of Sugden 1986 and Boyd 1989: both begin in good
# standing; whoever strikes loses it unless it was in good standing and the other was not, and
# whoever holds still has it again. Strike only in good standing at one in bad.
@pytest.mark.parametrize(
    ("slips", "first", "second"),
    [
        (set(), "CCCCCC", "CCCCCC"),
        # One strikes by mistake, takes the answer, and all is well; tit for tat would echo.
        ({(2, 0)}, "CDCCCC", "CCDCCC"),
        # Both by mistake at once: both are at fault and neither answers.
        ({(2, 0), (2, 1)}, "CDCCCC", "CDCCCC"),
        # Both at fault, and one strikes again by mistake: that one still is, the other no more.
        ({(2, 0), (2, 1), (3, 0)}, "CDDCCC", "CDCDCC"),
        ({(2, 0), (2, 1), (3, 1)}, "CDCDCC", "CDDCCC"),
        # At fault, and striking again by mistake: still at fault, so answered once more.
        ({(2, 0), (3, 0)}, "CDDCCC", "CCDDCC"),
        # The answer fails by mistake: the other has held still and regained its standing.
        ({(2, 0), (3, 1)}, "CDCCCC", "CCCCCC"),
        # The second strikes at one in good standing while the first is already answered.
        ({(2, 0), (4, 1)}, "CDCCDC", "CCDDCC"),
    ],
)
def test_contrition(slips, first, second):
    assert duel("contrite", "contrite", 6, slips) == (first, second)


def test_tit_for_tat_echoes_where_contrition_does_not():
    assert duel("tit_for_tat", "tit_for_tat", 6, {(2, 0)}) == ("CDCDCD", "CCDCDC")


def test_contrition_stands_up_to_one_who_always_strikes():
    assert play("contrite", "always", 5) == ("CDDDD", "DDDDD")
    assert play("contrite", "tit_for_tat", 5) == ("CCCCC", "CCCCC")


# ---------------------------------------------------------------------- rules and sizes

# The rule, what it sees in turn, and the sizes of its answers.
SIZES = [
    ("always", [CALM, STRUCK], [10.0, 10.0]),
    ("tit_for_tat", [STRUCK, CALM], [10.0, 0.0]),
    ("tit_for_two_tats", [STRUCK, STRUCK._replace(struck_before=1.0)], [0.0, 10.0]),
    (
        Rule("tit_for_two_tats", window_hours=48),
        [
            STRUCK._replace(struck_before=1.0, quiet_hours=48.0),
            STRUCK._replace(struck_before=1.0, quiet_hours=48.5),
            CALM._replace(struck_before=1.0, quiet_hours=1.0),
        ],
        [10.0, 0.0, 0.0],
    ),
    (Rule("proportional", gain=1.5), [STRUCK, CALM], [60.0, 0.0]),
    (Rule("proportional", gain=1.5, cap=50), [STRUCK], [50.0]),
    (Rule("proportional", gain=2, measure="hits"), [STRUCK], [24.0]),
    (Rule("proportional", measure="killed"), [STRUCK], [7.0]),
    (Rule("proportional", measure="injured"), [STRUCK], [30.0]),
    (Rule("proportional", measure="damage"), [STRUCK], [2.5]),
    (Rule("threshold", level=7), [STRUCK], [10.0]),
    (Rule("threshold", level=7.5), [STRUCK], [0.0]),
    (Rule("threshold", level=0), [CALM, STRUCK], [0.0, 10.0]),
    (Rule("red_line", weapons="cruise"), [STRUCK, CALM], [10.0, 0.0]),
    (Rule("red_line", weapons=["drone", "ballistic"]), [STRUCK], [0.0]),
    (Rule("red_line", targets=["urban", "energy"]), [STRUCK], [10.0]),
    (Rule("red_line", weapons=["drone"], targets=["urban"]), [STRUCK], [10.0]),
    # A step up a strike, and down again for each two days of quiet.
    (
        Rule("ladder", factor=2, top=3, quiet_hours=48),
        [STRUCK._replace(quiet_hours=q) for q in (math.inf, 1.0, 1.0, 1.0, 1.0, 47.0, 100.0, 1e4)],
        [10.0, 20.0, 40.0, 80.0, 80.0, 80.0, 20.0, 10.0],
    ),
    (Rule("ladder", top=0), [STRUCK] * 3, [10.0] * 3),
    (Rule("ladder", factor=1.5), [STRUCK, CALM, STRUCK], [10.0, 0.0, 15.0]),
    # Short of stock answers are owed, and then given in one.
    (
        "stock_aware",
        [STRUCK._replace(stock_share=s) for s in (0.4, 0.49, 0.5, 0.5)],
        [0.0, 0.0, 30.0, 10.0],
    ),
    (
        Rule("stock_aware", cap=25),
        [STRUCK._replace(stock_share=0.1)] * 3 + [CALM, CALM],
        [0.0, 0.0, 0.0, 25.0, 0.0],
    ),
    ("grim", [CALM, STRUCK, CALM], [0.0, 10.0, 10.0]),
]


@pytest.mark.parametrize(("rule", "sights", "expected"), SIZES, ids=lambda v: str(v)[:40])
def test_sizes_of_answers(rule, sights, expected):
    assert sizes(rule, *sights) == expected


@pytest.mark.parametrize(
    ("name", "param", "strikes_below"),
    [("random", "prob", True), ("generous", "forgive_prob", False)],
)
def test_rules_that_draw(name, param, strikes_below):
    rule = Rule(name, **{param: 0.3})
    assert (ask(rule, STRUCK, 0.29).size > 0.0) is strikes_below
    assert (ask(rule, STRUCK, 0.31).size > 0.0) is not strikes_below


@pytest.mark.parametrize(("at_hours", "delay"), [(0.0, 0.0), (100.0, 0.0), (172.0, 72.0)])
def test_a_deadline_delays_the_answer_until_it(at_hours, delay):
    assert ask(Rule("deadline", at_hours=at_hours), STRUCK) == Answer(10.0, delay, 0.0)
    assert ask(Rule("deadline", at_hours=at_hours), CALM) == Answer(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("measure", "expected"), [*zip(MEASURES, (40, 12, 7, 30, 2.5), strict=True)]
)
def test_what_a_provocation_is_measured_by(measure, expected):
    assert measured(STRUCK, float(MEASURES.index(measure))) == expected == getattr(STRUCK, measure)


@pytest.mark.parametrize(
    ("rung", "level", "climb_at", "crossed", "expected"),
    [
        (0, 9.0, 10.0, 0, 0),
        (0, 10.0, 10.0, 0, 1),
        (0, 1e9, 10.0, 0, 1),  # one rung at a time
        (0, 0.0, 10.0, 4, 1),  # a red line
        (2, 99.0, 10.0, 4, 2),  # the top
        (1, 1e300, math.inf, 0, 1),
    ],
)
def test_next_rung(rung, level, climb_at, crossed, expected):
    assert next_rung(rung, 2, level, climb_at, crossed) == expected


def test_answer_is_a_size_and_nothing_else():
    assert answer(12.0) == Answer(12.0, 0.0, 0.0)


# ---------------------------------------------------------------------- the catalogue

situations = st.builds(
    Situation,
    *(
        st.floats(0.0, 1e4) if field in ("now_hours", "standard", "launched", "killed")
        else st.integers(0, 63) if field.endswith("_categories")
        else st.sampled_from([0.5, 24.0, 200.0, math.inf]) if field == "quiet_hours"
        else st.sampled_from([0.0, 1.0])
        for field in Situation._fields
    ),
)  # fmt: skip


def test_rules_are_numbered_in_their_order():
    assert [entry.code for entry in RULES.values()] == list(range(len(RULES)))
    assert [*RULES][:FIRST_COMBINATOR] == LEAVES
    assert [*RULES][FIRST_COMBINATOR:] == COMBINATORS
    assert [*RULES][RESET] == "after_quiet_reset"
    assert len(RULES) < USER


@pytest.mark.parametrize("name", LEAVES)
@given(sights=st.lists(situations, min_size=1, max_size=6), u=st.floats(0.001, 0.999))
def test_a_rule_s_number_leads_to_its_function(name, sights, u):
    player, memory = Player(name), np.zeros(MEMORY)
    params = Rule(name).values()
    for see in sights:
        assert player.ask(see, u) == RULES[name].function(see, params, memory, u)
    assert player.memory.tolist() == memory.tolist()


@pytest.mark.parametrize("name", RULES)
def test_every_rule_says_what_it_does(name):
    entry = RULES[name]
    assert entry.summary[0].isupper() and "\n" not in entry.summary
    if entry.function:
        assert entry.summary == inspect.getdoc(entry.function).splitlines()[0]
        assert list(inspect.signature(entry.function).parameters) == ["see", "p", "memory", "u"]
        assert entry.rules == (0, 0)


def test_summaries_of_a_rule_of_a_combinator_and_of_none():
    assert RULES["grim"].summary.startswith("Once struck, strike whenever asked")
    assert RULES["capped"].summary == "Ask for `cap` weapons at most."

    def bare():
        pass

    assert RuleEntry(0, bare, {}, (0, 0)).summary == ""


# ---------------------------------------------------------------------- combinators

# The combinator, the one uniform, and what it gives.
COMBINED = [
    (Rule("any_of", fixed(3.0), fixed(5.0), fixed(4.0)), 0.5, (5.0, 0.0, 0.0)),
    (Rule("any_of", fixed(3.0, 1.0), fixed(3.0, 2.0)), 0.5, (3.0, 1.0, 0.0)),  # first of equals
    (Rule("any_of", fixed(0.0, 1.0), fixed(0.0, 2.0)), 0.5, (0.0, 1.0, 0.0)),
    (Rule("any_of", fixed(2.0)), 0.5, (2.0, 0.0, 0.0)),
    (Rule("any_of", fixed(2.0), fixed(9.0, 8.0, 1.0)), 0.5, (9.0, 8.0, 1.0)),
    (Rule("with_probability", fixed(6.0, 2.0, 1.0), prob=0.4), 0.39, (6.0, 2.0, 1.0)),
    (Rule("with_probability", fixed(6.0, 2.0, 1.0), prob=0.4), 0.4, (0.0, 2.0, 1.0)),
    (Rule("capped", fixed(6.0, 2.0, 1.0), cap=4), 0.5, (4.0, 2.0, 1.0)),
    (Rule("capped", fixed(3.0, 2.0, 1.0), cap=4), 0.5, (3.0, 2.0, 1.0)),
    (Rule("capped", fixed(300.0), cap=math.inf), 0.5, (300.0, 0.0, 0.0)),
    (Rule("with_delay", fixed(6.0, 2.0, 1.0), hours=10), 0.5, (6.0, 12.0, 1.0)),
    (Rule("announced", fixed(6.0, 2.0), hours=10, resolve_prob=0.4), 0.39, (6.0, 12.0, 1.0)),
    (Rule("announced", fixed(0.5), hours=10), 0.5, (0.5, 10.0, 1.0)),
    # A threat that is not meant is a size below 0.
    (Rule("announced", fixed(6.0, 2.0), hours=10, resolve_prob=0.4), 0.4, (-6.0, 12.0, 1.0)),
    (Rule("announced", fixed(6.0), hours=0, resolve_prob=0.0), 0.001, (-6.0, 0.0, 1.0)),
    (Rule("announced", fixed(6.0), hours=0, resolve_prob=1.0), 0.999, (6.0, 0.0, 1.0)),
    (Rule("announced", fixed(0.0, 2.0), hours=10), 0.5, (0.0, 2.0, 0.0)),  # nothing to threaten
    (Rule("after_quiet_reset", fixed(6.0, 2.0, 1.0)), 0.5, (6.0, 2.0, 1.0)),
    # Nested: what is threatened is cut and put off like any other answer, and compared by size.
    (
        Rule("capped", Rule("announced", fixed(9.0), hours=1, resolve_prob=0), cap=4),
        0.5,
        (-4.0, 1.0, 1.0),
    ),
    (
        Rule("any_of", fixed(6.0), Rule("announced", fixed(9.0), hours=1, resolve_prob=0)),
        0.5,
        (-9.0, 1.0, 1.0),
    ),
    (
        Rule("with_delay", Rule("with_delay", Rule("capped", fixed(9.0), cap=2), hours=3), hours=4),
        0.5,
        (2.0, 7.0, 0.0),
    ),
    (
        Rule("any_of", Rule("any_of", fixed(1.0), fixed(7.0)), Rule("capped", fixed(9.0), cap=8)),
        0.5,
        (8.0, 0.0, 0.0),
    ),
]


@pytest.mark.parametrize(("rule", "u", "expected"), COMBINED, ids=lambda v: str(v)[:60])
def test_what_combinators_make_of_an_answer(rule, u, expected):
    assert ask(rule, STRUCK, u) == expected


def test_every_combinator_is_combined():
    assert {rule.name for rule, _, _ in COMBINED} == set(COMBINATORS)


def test_every_node_has_a_draw_of_its_own():
    rule = Rule("with_probability", Rule("random", prob=0.5), prob=0.5)
    assert [ask(rule, CALM, [a, b]).size for a in (0.1, 0.9) for b in (0.1, 0.9)] == [10.0, 0, 0, 0]
    struck = play(rule, "never", runs(4000), rng=1)[0]
    assert_share([move == "D" for move in struck], 0.25)


def test_a_reset_forgets_what_the_rules_it_holds_remember_and_nothing_else():
    rule = Rule(
        "any_of",
        "grim",
        Rule("after_quiet_reset", Rule("any_of", "gradual", "stock_aware"), quiet_hours=48),
        "contrite",
    )
    # grim, gradual, stock_aware, any_of, after_quiet_reset, contrite, any_of
    player = Player(rule)
    player.memory[:] = 5.0
    player.memory[MEMORY * 5 : MEMORY * 6] = 0.0
    player.ask(STRUCK._replace(quiet_hours=47.9))
    assert player.memory[MEMORY * 1] == 6.0  # gradual counts on
    player.ask(STRUCK._replace(quiet_hours=48.0))
    rows = player.memory.reshape(-1, MEMORY)
    assert rows[0, 1:].tolist() == [5.0] * 7  # grim stands before what the reset holds
    assert rows[1].tolist() == [1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]  # gradual begins anew
    assert rows[2].tolist() == [0.0] * 8
    assert rows[3].tolist() == [0.0] * 8
    assert rows[6].tolist() == [5.0] * 8


def test_a_first_strike_and_a_quiet_review_reset_nothing():
    player = Player(Rule("after_quiet_reset", "grim", quiet_hours=48))
    assert player.ask(STRUCK._replace(quiet_hours=math.inf)).size == 10.0
    assert player.ask(CALM._replace(quiet_hours=math.inf)).size == 10.0
    # Struck after long quiet, then asked again with no strike since: still remembered.
    assert player.ask(STRUCK._replace(quiet_hours=500.0)).size == 10.0
    assert player.ask(CALM._replace(quiet_hours=500.0)).size == 10.0


def test_a_reset_makes_gradual_count_from_one_again():
    rule = Rule("after_quiet_reset", "gradual", quiet_hours=6)
    assert play(rule, scripted("DCCCDCCCCCCDCCC"), 15)[0] == "CDCCCDDCCCCCDCC"
    assert play("gradual", scripted("DCCCDCCCCCCDCCC"), 15)[0] == "CDCCCDDCCCCCDDD"


# ---------------------------------------------------------------------- layout


def own(see, params, memory, u):
    """Answer with the sum of two parameters, and remember how often."""
    memory[0] = memory[0] + 1.0
    return answer(params[0] + params[1] * memory[0])


def test_layout_of_a_program():
    rule = Rule(
        "any_of",
        Rule("capped", "grim", cap=7),
        Rule(own, a=1, b=2),
        Rule("announced", Rule("any_of", Rule(own, a=3, b=4), "ladder"), hours=5),
    )
    nodes, params, functions = program(rule, 100, 200, 4)
    codes = {name: entry.code for name, entry in RULES.items()}
    assert nodes["code"] == [
        codes["grim"], codes["capped"], USER + 4, USER + 5, codes["ladder"], codes["any_of"],
        codes["announced"], codes["any_of"],
    ]  # fmt: skip
    assert nodes["begin"] == [100, 100, 102, 103, 104, 103, 103, 100]
    assert nodes["child"] == [-1, 100, -1, -1, -1, 103, 105, 101]
    assert nodes["sibling"] == [-1, 102, 106, 104, -1, -1, -1, -1]
    assert nodes["param"] == [200, 200, 201, 203, 205, 208, 208, 210]
    assert nodes["params"] == [0, 1, 2, 2, 3, 0, 2, 0]
    assert params == [7.0, 1.0, 2.0, 3.0, 4.0, 2.0, 5.0, 168.0, 5.0, 1.0]
    assert functions == [own, own]
    assert {len(column) for column in nodes.values()} == {8}


leaves = st.sampled_from(LEAVES).map(Rule) | st.builds(
    lambda a, b: Rule(own, a=a, b=b), st.integers(0, 9), st.integers(0, 9)
)


def _combinators(inner):
    single = st.sampled_from([n for n in COMBINATORS if n != "any_of"])
    return st.builds(Rule, single, inner) | st.builds(
        lambda held: Rule("any_of", *held), st.lists(inner, min_size=1, max_size=3)
    )


rules = st.recursive(leaves, _combinators, max_leaves=6)


@given(rules, st.lists(situations, min_size=1, max_size=5), st.floats(0.001, 0.999))
def test_a_program_answers_alike_wherever_it_is_laid(rule, sights, u):
    alone, moved = Player(rule), Player(rule, (7, 11, 3))
    for see in sights:
        assert alone.ask(see, u) == moved.ask(see, u)
    assert alone.memory.tolist() == moved.memory[MEMORY * 7 :].tolist()
    assert not moved.memory[: MEMORY * 7].any()


def expected_answer(rule, see, u, memories, path=()):
    """Ask a rule by walking down it, with one memory a place in it."""
    memory = memories.setdefault(path, np.zeros(MEMORY))
    if rule.function:
        return rule.function(see, rule.values(), memory, u)
    if not rule.of:
        return RULES[rule.name].function(see, rule.values(), memory, u)
    params = rule.values()
    reset = rule.name == "after_quiet_reset" and see.struck
    if reset and params[0] <= see.quiet_hours < math.inf:
        for other in memories:
            if other[: len(path)] == path:
                memories[other][:] = 0.0
    given = [expected_answer(held, see, u, memories, (*path, i)) for i, held in enumerate(rule.of)]
    size, delay, said = max(given, key=lambda a: abs(a.size))
    if rule.name == "with_probability" and u >= params[0]:
        size = 0.0
    elif rule.name == "capped":
        size = math.copysign(min(abs(size), params[0]), size)
    elif rule.name == "with_delay":
        delay += params[0]
    elif rule.name == "announced":
        if size <= 0.0:
            size, said = 0.0, 0.0
        else:
            size, delay, said = size if u < params[1] else -size, delay + params[0], 1.0
    return Answer(size, delay, said)


@given(rules, st.lists(situations, min_size=1, max_size=5), st.floats(0.001, 0.999))
def test_a_program_answers_as_its_rules_do_one_inside_another(rule, sights, u):
    player, memories = Player(rule), {}
    for see in sights:
        assert player.ask(see, u) == expected_answer(rule, see, u, memories)


# ---------------------------------------------------------------------- making a rule


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        (Rule("never"), []),
        (Rule("generous"), [1.0 / 3.0]),
        (Rule("proportional"), [1.0, math.inf, 0.0]),
        (Rule("proportional", measure="damage", gain=2), [2.0, math.inf, 4.0]),
        (Rule("threshold"), [1.0, 2.0]),
        (Rule("red_line"), [0.0, 0.0]),
        (Rule("red_line", weapons=[*CATEGORIES], targets="energy"), [63.0, 1.0]),
        (Rule("red_line", weapons=("drone", "drone"), targets=[*TARGET_CATEGORIES]), [1.0, 63.0]),
        (Rule("announced", "grim", resolve_prob=0), [24.0, 0.0]),
        (Rule(own, b=4, a=3), [4.0, 3.0]),  # in the order given
    ],
    ids=str,
)
def test_values(rule, values):
    assert rule.values() == values
    assert all(isinstance(value, float) for value in rule.values())


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Rule("grim"), "Rule('grim')"),
        (Rule("threshold", measure="hits", level=3), "Rule('threshold', measure='hits', level=3)"),
        (Rule("any_of", "grim", Rule("never")), "Rule('any_of', Rule('grim'), Rule('never'))"),
        (
            Rule("capped", Rule("with_delay", "grim", hours=6), cap=9),
            "Rule('capped', Rule('with_delay', Rule('grim'), hours=6), cap=9)",
        ),
        (Rule(own, a=1, b=2), "Rule(own, a=1, b=2)"),
    ],
)
def test_repr_is_how_to_make_it_again(rule, text):
    assert repr(rule) == text
    assert eval(text, {"Rule": Rule, "own": own}) == rule


def test_a_function_without_a_name_is_a_rule():
    class Grudge:
        def __call__(self, see, params, memory, u):
            return answer(1.0)

    rule = Rule(Grudge())
    assert rule.name == "rule" and ask(rule, CALM).size == 1.0


def test_a_rule_cannot_be_changed():
    with pytest.raises(AttributeError):
        Rule("grim").name = "never"
    with pytest.raises(TypeError):
        Rule("generous", forgive_prob=0.1).params["forgive_prob"] = 2.0


def test_a_rule_does_not_change_with_the_list_it_was_given():
    drawn = ["drone"]
    rule = Rule("red_line", weapons=drawn)
    drawn.append("rock")
    assert rule == Rule("red_line", weapons=("drone",)) == Rule("red_line", weapons=["drone"])
    assert rule.params["weapons"] == ("drone",)


@pytest.mark.parametrize(
    "rule",
    [
        Rule("grim"),
        Rule("any_of", Rule("capped", Rule("red_line", weapons=["drone"]), cap=3), "never"),
        Rule(own, a=1, rule=2, self=3),
    ],
    ids=str,
)
def test_a_rule_is_copied_and_pickled(rule):
    for again in (copy.copy(rule), copy.deepcopy(rule), pickle.loads(pickle.dumps(rule))):
        assert again == rule
        assert again.values() == rule.values()


def test_a_function_defined_on_the_spot_is_a_rule_that_is_compared_and_copied():
    spot = lambda see, params, memory, u: answer(1.0)  # noqa: E731
    rule = Rule("any_of", Rule(spot, a=1))
    assert rule == Rule("any_of", Rule(spot, a=1)) != Rule("any_of", Rule(own, a=1))
    assert copy.copy(rule) == copy.deepcopy(rule) == rule


@pytest.mark.parametrize("name", ["cap", "window_hours"])
def test_what_is_without_limit_by_default_may_be_given_so(name):
    rule = "proportional" if name == "cap" else "tit_for_two_tats"
    assert math.inf in Rule(rule, **{name: math.inf}).values()
    with pytest.raises(ScenarioError, match="must be a number, but got nan"):
        Rule(rule, **{name: math.nan})


KNOWN = ", ".join(sorted(RULES))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Rule("tit_for_tit"),
            f"unknown rule 'tit_for_tit': did you mean 'tit_for_tat'? Known: {KNOWN}, at name",
        ),
        (
            lambda: Rule("proportional", gian=2),
            "unknown parameter 'gian': did you mean 'gain'? Known: cap, gain, measure, at gian",
        ),
        (lambda: Rule("never", x=2), "unknown parameter 'x': Known: none, at x"),
        (lambda: Rule(5), "must be the name of a rule or a function, but got 5 at name"),
        (
            lambda: Rule(Rule("grim")),
            "must be the name of a rule or a function, but got Rule('grim') at name",
        ),
        (
            lambda: Rule("any_of", "grim", "grimm"),
            f"unknown rule 'grimm': did you mean 'grim'? Known: {KNOWN}, at of[1].name",
        ),
        (
            lambda: Rule("capped", 5),
            "must be the name of a rule or a function, but got 5 at of[0].name",
        ),
        (
            lambda: Rule("capped", "grim", cap=10**400),
            "must be below 2**53, but got a number of 1329 bits at cap",
        ),
        (
            lambda: Rule("capped", "grim", cap=-(10**5000)),
            "must be below 2**53, but got a number of 16610 bits at cap",
        ),
        (
            lambda: Rule("generous", forgive_prob=2**70),
            "must be below 2**53, but got a number of 71 bits at forgive_prob",
        ),
        (lambda: Rule(own, a=2**70), "must be below 2**53, but got a number of 71 bits at a"),
        (lambda: Rule("grim", "never"), "'grim' holds 0 rules, but got 1 at of"),
        (lambda: Rule("capped"), "'capped' holds 1 rules, but got 0 at of"),
        (lambda: Rule("any_of"), "'any_of' holds 1 or more rules, but got 0 at of"),
        (lambda: Rule(own, "never"), "'own' holds 0 rules, but got 1 at of"),
        (lambda: Rule(own, a="1"), "must be a number, but got '1' at a"),
        (lambda: Rule(own, a=math.nan), "must be a number, but got nan at a"),
        (
            lambda: Rule("threshold", measure="kiled"),
            "unknown measure 'kiled': did you mean 'killed'? "
            "Known: damage, hits, injured, killed, launched, at measure",
        ),
        (
            lambda: Rule("red_line", weapons=["drones"]),
            "unknown category 'drones': did you mean 'drone'? "
            "Known: artillery, ballistic, cruise, decoy, drone, hypersonic, at weapons",
        ),
        (
            lambda: Rule("red_line", targets="drone"),
            "unknown category 'drone': "
            "Known: air_defence, energy, industry, military, transport, urban, at targets",
        ),
        (lambda: Rule("red_line", weapons=3), "must be a list of categories, but got 3 at weapons"),
        (lambda: Rule("capped", "grim", cap="9"), "must be a number, but got '9' at cap"),
        (lambda: Rule("capped", "grim", cap=True), "must be a number, but got True at cap"),
        (lambda: Rule("capped", "grim", cap=-1), "`cap >= 0` must hold, but got -1 at cap"),
        (
            lambda: Rule("generous", forgive_prob=1.2),
            "`0 <= forgive_prob <= 1` must hold, but got 1.2 at forgive_prob",
        ),
        (
            lambda: Rule("stock_aware", hold_share=-0.1),
            "`0 <= hold_share <= 1` must hold, but got -0.1 at hold_share",
        ),
        (lambda: Rule("ladder", factor=0), "`factor > 0` must hold, but got 0 at factor"),
        (
            lambda: Rule("after_quiet_reset", "grim", quiet_hours=0.0),
            "`quiet_hours > 0` must hold, but got 0.0 at quiet_hours",
        ),
    ],
)
def test_what_is_wrong_with_a_rule(make, message):
    with pytest.raises(ScenarioError) as caught:
        make()
    assert str(caught.value) == message


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(ScenarioError) as caught:
        Rule("ladder", "grim", factor=-1, top="x", quiet=3)
    assert [problem.place for problem in caught.value.problems] == ["of", "factor", "top", "quiet"]
    with pytest.raises(ScenarioError) as caught:
        Rule("capped", "grimm", cap=-1)
    assert [problem.place for problem in caught.value.problems] == ["of[0].name", "cap"]


# ---------------------------------------------------------------------- playing


def test_the_same_seed_plays_the_same_game_and_zero_is_a_seed():
    games = [play("random", "random", 64, noise_prob=0.1, rng=seed) for seed in (0, 0, 1, 2)]
    assert games[0] == games[1]
    assert len(set(games)) == 3


def test_without_a_seed_every_game_is_another():
    # Equal with probability 2^-128.
    assert play("random", "random", 64) != play("random", "random", 64)


def test_noise_is_the_same_whoever_plays():
    noisy = [play(rule, "never", 200, noise_prob=0.3, rng=5)[1] for rule in ("never", "random")]
    assert noisy[0] == noisy[1]
    assert_share([move == "D" for move in noisy[0]], 0.3)


def test_a_threat_that_is_not_meant_is_no_strike():
    bluff = Rule("announced", "always", resolve_prob=0)
    assert play(bluff, "tit_for_tat", 4) == ("CCCC", "CCCC")
