"""What a side does about what it believes was done to it: the retaliation rules.

A rule is a plain function ``rule(see, params, memory, u) -> Answer`` of what its side sees
(`Situation`), its own parameters, eight numbers of memory of its own, and one uniform draw.
It is asked after every assessed strike or, where its side reviews on a schedule, once a
review; in a war and in a round of a strategy game it is the same function. The catalogue is
`RULES`; combinators work on the answers of the rules they hold.

References
----------
.. [1] R. Axelrod, *The Evolution of Cooperation*, Basic Books, 1984.
.. [2] P. Molander, "The optimal level of generosity in a selfish, uncertain environment",
   Journal of Conflict Resolution 29(4):611-618, 1985.
.. [3] M. A. Nowak, K. Sigmund, "Tit for tat in heterogeneous populations",
   Nature 355:250-253, 1992.
.. [4] J. W. Friedman, "A non-cooperative equilibrium for supergames",
   Review of Economic Studies 38(1):1-12, 1971.
.. [5] B. Beaufils, J.-P. Delahaye, P. Mathieu, "Our meeting with gradual: a good strategy
   for the iterated prisoner's dilemma", Artificial Life V:202-209, 1997.
.. [6] R. Sugden, *The Economics of Rights, Co-operation and Welfare*, Blackwell, 1986.
.. [7] M. A. Nowak, K. Sigmund, "A strategy of win-stay, lose-shift that outperforms
   tit-for-tat in the Prisoner's Dilemma game", Nature 364:56-58, 1993.
.. [8] L. F. Richardson, *Arms and Insecurity*, Boxwood, 1960.
.. [9] T. C. Schelling, *Arms and Influence*, Yale University Press, 1966.
.. [10] H. Kahn, *On Escalation: Metaphors and Scenarios*, Praeger, 1965.
"""

from __future__ import annotations

import itertools
import math
import types
from collections.abc import Callable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from escalate._compile import law
from escalate.errors import Problem, ScenarioError, closest

__all__ = [
    "CATEGORIES",
    "MEASURES",
    "RULES",
    "TARGET_CATEGORIES",
    "Answer",
    "Rule",
    "RuleEntry",
    "Situation",
    "answer",
    "decide",
    "next_rung",
    "play",
]

CATEGORIES = ("drone", "cruise", "ballistic", "hypersonic", "decoy", "artillery")
"""Weapon categories, in the order of their numbers."""

TARGET_CATEGORIES = ("energy", "industry", "military", "transport", "air_defence", "urban")
"""Target categories, in the order of their numbers."""

MEASURES = ("launched", "hits", "killed", "injured", "damage")
"""What a rule may measure a provocation by, in the order of their numbers."""

MEMORY = 8
"""Numbers of memory a rule has."""

if TYPE_CHECKING:
    import numpy as np

    Memory = MutableSequence[float] | np.ndarray[Any, np.dtype[np.float64]]


class Situation(NamedTuple):
    """What a side sees when its rule is asked: its own state and what it believes of the other."""

    now_hours: float
    """Time since the scenario's start. [h]"""
    struck: float
    """1 if the other side is believed to have struck since the rule was last asked, else 0."""
    struck_before: float
    """What `struck` was when the rule was last asked; 0 the first time."""
    own_struck: float
    """1 if this side decided on a strike since its rule was last asked, else 0."""
    asked: float
    """How often the rule has been asked before. [-]"""
    launched: float
    """Weapons believed launched by the other side since the rule was last asked. [weapons]"""
    hits: float
    """Weapons believed to have got through. [weapons]"""
    killed: float
    """People believed killed. [people]"""
    injured: float
    """People believed injured. [people]"""
    damage: float
    """Damage believed done, in whole sites. [sites]"""
    weapon_categories: int
    """Bit c is set if a weapon of category c came. See `CATEGORIES`."""
    target_categories: int
    """Bit c is set if a target of category c was struck. See `TARGET_CATEGORIES`."""
    quiet_hours: float
    """Time from the strike suffered before to this one; infinite at the first. [h]"""
    standard: float
    """Size of the standard answer: the plan's size times the rung's factor. [weapons]"""
    available: float
    """Weapons that could be launched now. [weapons]"""
    stock_share: float
    """`available` over what was there at the start. [-]"""
    rung: float
    """Own rung of the ladder, 0 the lowest."""
    killed_total: float
    """People believed killed by the other side so far. [people]"""


class Answer(NamedTuple):
    """What a rule asks for."""

    size: float
    """Weapons wanted; 0 means no answer. [weapons]"""
    delay_hours: float
    """Waiting time on top of the side's own. [h]"""
    announced: float
    """1 if the answer is threatened in public now, else 0."""


@law
def answer(size: float) -> Answer:
    """Answer with `size` weapons, without delay or announcement.

    Parameters
    ----------
    size : float
        Weapons wanted; 0 for no answer. [weapons]

    Returns
    -------
    Answer

    Examples
    --------
    >>> answer(12.0)
    Answer(size=12.0, delay_hours=0.0, announced=0.0)
    """
    return Answer(size, 0.0, 0.0)


@law
def measured(see: Situation, measure: float) -> float:
    """Give the provocation in one of `MEASURES`, by number."""
    if measure == 0.0:
        return see.launched
    if measure == 1.0:
        return see.hits
    if measure == 2.0:
        return see.killed
    if measure == 3.0:
        return see.injured
    return see.damage


@dataclass(frozen=True)
class RuleEntry:
    """A rule of the catalogue."""

    code: int
    """Its number in a compiled program."""
    function: Callable[..., Answer] | None
    """The rule; None for a combinator."""
    params: Mapping[str, object]
    """Parameters in order, with their defaults."""
    rules: tuple[int, int]
    """How many rules it holds, at least and at most; (0, 0) unless a combinator."""

    @property
    def summary(self) -> str:
        """First line of the rule's description."""
        doc = self.function.__doc__ if self.function else _COMBINATOR_DOCS[self.code]
        return (doc or "").strip().split("\n")[0]


RULES: dict[str, RuleEntry] = {}
"""The catalogue, by name, in the order of their numbers."""


def _catalogued(**params: object) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Enter a rule in the catalogue under its own name."""

    def enter(function: Callable[..., Answer]) -> Callable[..., Answer]:
        RULES[function.__name__] = RuleEntry(len(RULES), function, params, (0, 0))
        return law(function)

    return enter


@_catalogued()
def never(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Never answer. Names: always cooperate [1]_."""
    return answer(0.0)


@_catalogued()
def always(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Strike whenever asked, provoked or not. Names: always defect [1]_."""
    return answer(see.standard)


@_catalogued()
def tit_for_tat(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Answer when struck, and only then. Names: Rapoport's strategy [1]_."""
    return answer(see.standard if see.struck > 0.0 else 0.0)


@_catalogued()
def suspicious_tit_for_tat(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Strike the first time asked, then tit for tat."""
    return answer(see.standard if see.struck > 0.0 or see.asked == 0.0 else 0.0)


@_catalogued(window_hours=math.inf)
def tit_for_two_tats(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Answer the second of two strikes in a row, no further apart than `window_hours` [1]_."""
    twice = see.struck > 0.0 and see.struck_before > 0.0 and see.quiet_hours <= p[0]
    return answer(see.standard if twice else 0.0)


@_catalogued(forgive_prob=1.0 / 3.0)
def generous(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Tit for tat that lets a strike pass with chance `forgive_prob` [2]_ [3]_.

    The default is min(1 - (T-R)/(R-S), (R-P)/(T-P)) at the payoffs 5, 3, 1, 0.
    """
    return answer(see.standard if see.struck > 0.0 and u >= p[0] else 0.0)


@_catalogued()
def grim(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Once struck, strike whenever asked, for ever. Names: trigger strategy [4]_."""
    if see.struck > 0.0:
        memory[0] = 1.0
    return answer(see.standard if memory[0] > 0.0 else 0.0)


@_catalogued(calm=2.0)
def gradual(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Punish the n-th strike n times over, then hold still `calm` times [5]_.

    Strikes suffered during a punishment count towards n but do not start another.
    Memory: strikes counted, punishments left, calm left.
    """
    if see.struck > 0.0:
        memory[0] = memory[0] + 1.0
    if memory[1] > 0.0:
        memory[1] = memory[1] - 1.0
        if memory[1] == 0.0:
            memory[2] = p[0]
        return answer(see.standard)
    if memory[2] > 0.0:
        memory[2] = memory[2] - 1.0
        return answer(0.0)
    if see.struck > 0.0:
        memory[1] = memory[0] - 1.0
        if memory[1] == 0.0:
            memory[2] = p[0]
        return answer(see.standard)
    return answer(0.0)


@_catalogued()
def contrite(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Tit for tat that takes an answer to its own unprovoked strike without answering [6]_.

    Memory: own and the other's bad standing. A side that strikes one in good standing loses
    its own; a side that holds still regains it.
    """
    own_bad = memory[0]
    other_bad = memory[1]
    memory[0] = 1.0 if see.own_struck > 0.0 and (own_bad > 0.0 or other_bad == 0.0) else 0.0
    memory[1] = 1.0 if see.struck > 0.0 and (other_bad > 0.0 or own_bad == 0.0) else 0.0
    return answer(see.standard if memory[0] == 0.0 and memory[1] > 0.0 else 0.0)


@_catalogued()
def win_stay_lose_shift(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Repeat the last choice if not struck, else make the other one. Names: Pavlov [7]_."""
    strike = see.own_struck > 0.0
    if see.struck > 0.0:
        strike = not strike
    return answer(see.standard if strike else 0.0)


@_catalogued(prob=0.5)
def random(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Strike with chance `prob` whenever asked [1]_."""
    return answer(see.standard if u < p[0] else 0.0)


@_catalogued(gain=1.0, cap=math.inf, measure="launched")
def proportional(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Answer with `gain` weapons per unit of provocation, at most `cap` [8]_."""
    return answer(min(p[0] * measured(see, p[2]), p[1]) if see.struck > 0.0 else 0.0)


@_catalogued(level=1.0, measure="killed")
def threshold(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Answer a strike whose `measure` reaches `level`: a red line drawn in numbers [9]_."""
    crossed = see.struck > 0.0 and measured(see, p[1]) >= p[0]
    return answer(see.standard if crossed else 0.0)


@_catalogued(weapons=("weapon",), targets=("target",))
def red_line(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Answer a strike with, or on, one of the named categories: a red line drawn in kind [9]_."""
    crossed = (int(p[0]) & see.weapon_categories) | (int(p[1]) & see.target_categories)
    return answer(see.standard if see.struck > 0.0 and crossed != 0 else 0.0)


@_catalogued(factor=2.0, top=5.0, quiet_hours=168.0)
def ladder(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Answer each strike one step higher, stepping down once per `quiet_hours` of calm [10]_.

    The size is the standard times `factor` to the step, at most `top` steps up.
    Memory: the step.
    """
    if see.struck == 0.0:
        return answer(0.0)
    if see.quiet_hours < math.inf:
        memory[0] = max(memory[0] - math.floor(see.quiet_hours / p[2]), 0.0)
    size = see.standard * p[0] ** memory[0]
    memory[0] = min(memory[0] + 1.0, p[1])
    return answer(size)


@_catalogued(hold_share=0.5, cap=math.inf)
def stock_aware(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Hold answers back while stocks are below `hold_share`, then give them all in one.

    Memory: answers owed. The one massed answer is at most `cap` weapons.
    """
    if see.struck > 0.0:
        memory[0] = memory[0] + 1.0
    if memory[0] == 0.0 or see.stock_share < p[0]:
        return answer(0.0)
    size = min(memory[0] * see.standard, p[1])
    memory[0] = 0.0
    return answer(size)


@_catalogued(at_hours=0.0)
def deadline(see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Answer, but not before `at_hours` after the scenario's start."""
    if see.struck == 0.0:
        return answer(0.0)
    return Answer(see.standard, max(p[0] - see.now_hours, 0.0), 0.0)


FIRST_COMBINATOR = len(RULES)
_COMBINATORS: tuple[tuple[str, dict[str, object], tuple[int, int], str], ...] = (
    ("any_of", {}, (1, 99), "Give the largest of the answers of the rules it holds."),
    ("with_probability", {"prob": 0.5}, (1, 1), "Let the answer stand with chance `prob`."),
    ("capped", {"cap": 100.0}, (1, 1), "Ask for `cap` weapons at most."),
    ("with_delay", {"hours": 24.0}, (1, 1), "Put the answer off by `hours`."),
    (
        "announced",
        {"hours": 24.0, "resolve_prob": 1.0},
        (1, 1),
        "Threaten the answer in public now, and give it `hours` later with chance `resolve_prob`.",
    ),
    (
        "after_quiet_reset",
        {"quiet_hours": 168.0},
        (1, 1),
        "Forget everything at a strike `quiet_hours` or more after the one suffered before.",
    ),
)
_COMBINATOR_DOCS: dict[int, str] = {}
for _name, _params, _rules, _doc in _COMBINATORS:
    _COMBINATOR_DOCS[len(RULES)] = _doc
    RULES[_name] = RuleEntry(len(RULES), None, _params, _rules)

RESET = RULES["after_quiet_reset"].code

USER = 100
"""Programs number a user's own rules from here on."""


@law
def _ask(code: int, see: Situation, p: Sequence[float], memory: Memory, u: float) -> Answer:
    """Ask the built-in rule of that number."""
    if code == 0:
        return never(see, p, memory, u)
    if code == 1:
        return always(see, p, memory, u)
    if code == 2:
        return tit_for_tat(see, p, memory, u)
    if code == 3:
        return suspicious_tit_for_tat(see, p, memory, u)
    if code == 4:
        return tit_for_two_tats(see, p, memory, u)
    if code == 5:
        return generous(see, p, memory, u)
    if code == 6:
        return grim(see, p, memory, u)
    if code == 7:
        return gradual(see, p, memory, u)
    if code == 8:
        return contrite(see, p, memory, u)
    if code == 9:
        return win_stay_lose_shift(see, p, memory, u)
    if code == 10:
        return random(see, p, memory, u)
    if code == 11:
        return proportional(see, p, memory, u)
    if code == 12:
        return threshold(see, p, memory, u)
    if code == 13:
        return red_line(see, p, memory, u)
    if code == 14:
        return ladder(see, p, memory, u)
    if code == 15:
        return stock_aware(see, p, memory, u)
    return deadline(see, p, memory, u)


@law
def _combine(
    code: int, p: Sequence[float], u: float, size: float, delay: float, announced: float
) -> Answer:
    """Work on the answer of the one rule a combinator holds."""
    if code == 18:  # with_probability
        return Answer(size if u < p[0] else 0.0, delay, announced)
    if code == 19:  # capped
        return Answer(max(min(size, p[0]), -p[0]), delay, announced)
    if code == 20:  # with_delay
        return Answer(size, delay + p[0], announced)
    if code == 21:  # announced; a threat not meant is kept as a size below 0
        if size <= 0.0:
            return Answer(0.0, delay, 0.0)
        return Answer(size if u < p[1] else -size, delay + p[0], 1.0)
    return Answer(size, delay, announced)


@law
def decide(
    nodes: Mapping[str, Any],
    params: Sequence[float],
    memory: Memory,
    functions: Sequence[Callable[..., Answer]],
    first: int,
    last: int,
    see: Situation,
) -> Answer:
    """Run one program of rules and give the answer of its last node.

    Parameters
    ----------
    nodes : table
        Columns code, param, params, child, sibling, draw and the results size, delay,
        announced; children stand before the combinator that holds them.
    params : sequence of float
        All parameters of all nodes.
    memory : ndarray of float64, shape (nodes * 8,)
        Changed in place.
    functions : sequence of callable
        A user's own rules, in the order of their numbers.
    first, last : int
        The program's nodes, the last one included.
    see : Situation
        What the side sees.

    Returns
    -------
    Answer
    """
    for node in range(first, last + 1):
        # Before its rules are asked, a reset wipes everything it holds. Without a new strike,
        # `quiet_hours` is still that of the last one, which must not be wiped out again.
        if nodes["code"][node] == RESET and (
            see.struck > 0.0
            and see.quiet_hours >= params[nodes["param"][node]]
            and see.quiet_hours < math.inf
        ):
            for held in range(nodes["begin"][node], node):
                for i in range(MEMORY * held, MEMORY * held + MEMORY):
                    memory[i] = 0.0
    for node in range(first, last + 1):
        code = nodes["code"][node]
        begin = nodes["param"][node]
        p = params[begin : begin + nodes["params"][node]]
        u = nodes["draw"][node]
        if code >= USER:
            own = memory[MEMORY * node : MEMORY * node + MEMORY]
            given = functions[code - USER](see, p, own, u)
        elif code < FIRST_COMBINATOR:
            own = memory[MEMORY * node : MEMORY * node + MEMORY]
            given = _ask(code, see, p, own, u)
        else:
            child = nodes["child"][node]
            size = nodes["size"][child]
            delay = nodes["delay"][child]
            announced = nodes["announced"][child]
            if code == FIRST_COMBINATOR:  # any_of: the largest, the first of equals
                child = nodes["sibling"][child]
                while child >= 0:
                    if abs(nodes["size"][child]) > abs(size):
                        size = nodes["size"][child]
                        delay = nodes["delay"][child]
                        announced = nodes["announced"][child]
                    child = nodes["sibling"][child]
            given = _combine(code, p, u, size, delay, announced)
        nodes["size"][node] = given.size
        nodes["delay"][node] = given.delay_hours
        nodes["announced"][node] = given.announced
    return Answer(nodes["size"][last], nodes["delay"][last], nodes["announced"][last])


@law
def next_rung(rung: int, top: int, level: float, climb_at: float, crossed: int) -> int:
    """Give the rung after a provocation: one up if it reaches `climb_at` or crosses a red line.

    Parameters
    ----------
    rung, top : int
        Present and highest rung, from 0.
    level : float
        The provocation, in the ladder's measure.
    climb_at : float
        What it takes to climb; infinite for never.
    crossed : int
        Nonzero if a category that makes the side climb was struck.

    Returns
    -------
    int
    """
    if level >= climb_at or crossed != 0:
        return min(rung + 1, top)
    return rung


@dataclass(frozen=True, init=False)
class Rule:
    """A rule with its parameters, and for a combinator the rules it holds.

    Parameters
    ----------
    rule : str or callable
        A name of the catalogue, or a function ``(see, params, memory, u) -> Answer``.
    *of : Rule or str
        The rules a combinator holds; a bare name stands for that rule with its defaults.
    **params
        Parameters by name; those of a user's function reach it in the order given.

    Raises
    ------
    ScenarioError
        Unknown rule or parameter, a value of the wrong kind, the wrong number of rules.

    Examples
    --------
    >>> Rule("capped", Rule("proportional", gain=1.5), cap=60)
    Rule('capped', Rule('proportional', gain=1.5), cap=60)
    """

    name: str
    """Name in the catalogue, or of the function."""
    of: tuple[Rule, ...]
    """The rules it holds."""
    params: Mapping[str, Any]
    """The parameters that were given; lists among them are tuples."""
    function: Callable[..., Answer] | None
    """A user's own rule; None for one of the catalogue."""

    def __init__(
        self, rule: str | Callable[..., Answer], /, *of: Rule | str, **params: object
    ) -> None:
        if not isinstance(rule, str) and not callable(rule):
            message = f"must be the name of a rule or a function, but got {rule!r}"
            raise ScenarioError([Problem("name", message)])
        own = None if isinstance(rule, str) else rule
        name = rule if isinstance(rule, str) else getattr(rule, "__name__", "rule")
        problems: list[Problem] = []
        held: list[Rule] = []
        for i, inner in enumerate(of):
            try:
                held.append(inner if isinstance(inner, Rule) else Rule(inner))
            except ScenarioError as error:
                problems += [Problem(f"of[{i}].{p.place}", p.message) for p in error.problems]
                held.append(Rule("never"))  # keeps their number right
        given = {k: tuple(v) if isinstance(v, list) else plain(v) for k, v in params.items()}
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "of", tuple(held))
        object.__setattr__(self, "params", types.MappingProxyType(given))
        object.__setattr__(self, "function", own)
        problems += self._problems()
        if problems:
            raise ScenarioError(problems)

    def __reduce__(self) -> tuple[Any, ...]:
        # Read-only parameters cannot be pickled or copied; they are made anew on construction.
        return _built, (self.function or self.name, self.of, dict(self.params))

    def _problems(self) -> list[Problem]:
        if self.function is not None:
            wrong = {key: _no_number(value) for key, value in self.params.items()}
            problems = [Problem(key, message) for key, message in wrong.items() if message]
            if self.of:
                problems.append(
                    Problem("of", f"{self.name!r} holds 0 rules, but got {len(self.of)}")
                )
            return problems
        if self.name not in RULES:
            known = closest(self.name, RULES)
            return [Problem("name", f"unknown rule {self.name!r}: {known},")]
        entry = RULES[self.name]
        problems = []
        low, high = entry.rules
        if not low <= len(self.of) <= high:
            wanted = f"{low}" if low == high else f"{low} or more"
            problems.append(
                Problem("of", f"{self.name!r} holds {wanted} rules, but got {len(self.of)}")
            )
        for key, value in self.params.items():
            if key not in entry.params:
                known = closest(key, entry.params)
                problems.append(Problem(key, f"unknown parameter {key!r}: {known},"))
                continue
            message = _complaint(key, value, entry.params[key])
            if message:
                problems.append(Problem(key, message))
        return problems

    def values(self) -> list[float]:
        """Give all parameters in order as numbers, defaults filled in.

        Returns
        -------
        list of float
            Measures as their number, categories as bits.
        """
        if self.function is not None:
            return [float(v) for v in self.params.values()]
        entry = RULES[self.name]
        return [
            _as_number(self.params.get(key, () if isinstance(default, tuple) else default), default)
            for key, default in entry.params.items()
        ]

    def __repr__(self) -> str:
        first = repr(self.name) if self.function is None else self.name
        parts = [first, *map(repr, self.of), *(f"{k}={v!r}" for k, v in self.params.items())]
        return f"Rule({', '.join(parts)})"


def _built(rule: str | Callable[..., Answer], of: Sequence[Rule], params: dict[str, Any]) -> Rule:
    return Rule(rule, *of, **params)


def plain(value: Any) -> Any:
    """Give one of NumPy's numbers as Python's own, and anything else as it is.

    Parameters
    ----------
    value : object
        Whatever a caller gave.
    """
    scalar = getattr(value, "ndim", None) == 0 and hasattr(value, "item")
    return value.item() if scalar else value


def oversized(value: float) -> str:
    """Say that a whole number is too large, or nothing; past 2**53 floats skip some."""
    if not isinstance(value, int) or abs(value) < 2**53:
        return ""
    # Not the number itself: Python refuses to write one of more than 4300 digits.
    return f"must be below 2**53, but got a number of {value.bit_length()} bits"


def _no_number(value: object) -> str:
    """Say why a value is no number to reckon with, or nothing."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value != value:
        return f"must be a number, but got {value!r}"
    return oversized(value)


def _complaint(key: str, value: object, default: object) -> str:
    """Say what is wrong with a parameter, or nothing."""
    if isinstance(default, str):
        if value in MEASURES:
            return ""
        return f"unknown measure {value!r}: {closest(str(value), MEASURES)},"
    if isinstance(default, tuple):
        known = CATEGORIES if default == ("weapon",) else TARGET_CATEGORIES
        given = (value,) if isinstance(value, str) else value
        if not isinstance(given, Sequence):
            return f"must be a list of categories, but got {value!r}"
        for name in given:
            if name not in known:
                return f"unknown category {name!r}: {closest(str(name), known)},"
        return ""
    if message := _no_number(value):
        return message
    number = float(value)  # type: ignore[arg-type]
    if key.endswith("prob") or key.endswith("_share"):
        return "" if 0.0 <= number <= 1.0 else f"`0 <= {key} <= 1` must hold, but got {value!r}"
    if key == "factor" or key == "quiet_hours":
        return "" if number > 0.0 else f"`{key} > 0` must hold, but got {value!r}"
    return "" if number >= 0.0 else f"`{key} >= 0` must hold, but got {value!r}"


def _as_number(value: Any, default: object) -> float:
    if isinstance(default, str):
        return float(MEASURES.index(value))
    if isinstance(default, tuple):
        known = CATEGORIES if default == ("weapon",) else TARGET_CATEGORIES
        names = (value,) if isinstance(value, str) else value
        return float(sum(1 << known.index(name) for name in set(names)))
    return float(value)


def program(
    rule: Rule, nodes_before: int = 0, params_before: int = 0, functions_before: int = 0
) -> tuple[dict[str, list[Any]], list[float], list[Callable[..., Answer]]]:
    """Lay a rule out as the flat table that `decide` runs.

    Parameters
    ----------
    rule : Rule
        The rule, with everything it holds.
    nodes_before, params_before, functions_before : int, optional
        What the table that it is added to holds already.

    Returns
    -------
    nodes : dict of list
        The columns of `decide`.
    params : list of float
        All parameters.
    functions : list of callable
        A user's own rules.
    """
    nodes: dict[str, list[Any]] = {
        name: []
        for name in (
            "code", "param", "params", "begin", "child", "sibling",
            "draw", "size", "delay", "announced",
        )
    }  # fmt: skip
    params: list[float] = []
    functions: list[Callable[..., Answer]] = []

    def lay(part: Rule) -> int:
        begin = nodes_before + len(nodes["code"])
        held = [lay(inner) for inner in part.of]
        for left, right in itertools.pairwise(held):
            nodes["sibling"][left - nodes_before] = right
        if part.function is None:
            code = RULES[part.name].code
        else:
            code = USER + functions_before + len(functions)
            functions.append(part.function)
        values = part.values()
        row = {
            "code": code, "begin": begin,
            "param": params_before + len(params), "params": len(values),
            "child": held[0] if held else -1, "sibling": -1,
            "draw": 0.5, "size": 0.0, "delay": 0.0, "announced": 0.0,
        }  # fmt: skip
        for name, value in row.items():
            nodes[name].append(value)
        params.extend(values)
        return nodes_before + len(nodes["code"]) - 1

    lay(rule)
    return nodes, params, functions


def play(
    first: Rule | str,
    second: Rule | str,
    rounds: int,
    *,
    noise_prob: float = 0.0,
    rng: object = None,
) -> tuple[str, str]:
    """Let two rules meet round by round, outside any war: C holds still, D strikes.

    Parameters
    ----------
    first, second : Rule or str
        The rules that meet.
    rounds : int
        Number of rounds.
    noise_prob : float, optional
        Chance that a choice is carried out as its opposite. [-]
    rng : int, SeedSequence, Generator or None, optional
        Only used by rules that draw, and by noise; None takes fresh entropy.

    Returns
    -------
    tuple of str
        The moves of each, one letter a round.

    Examples
    --------
    >>> play("tit_for_tat", "always", 6)
    ('CDDDDD', 'DDDDDD')
    """
    import numpy as np

    generator = np.random.default_rng(rng)  # type: ignore[arg-type]
    noise = generator.random((rounds, 2))
    players = []
    for rule in (first, second):
        nodes, params, functions = program(rule if isinstance(rule, Rule) else Rule(rule))
        memory = np.zeros(MEMORY * len(nodes["code"]))
        draws = generator.random((rounds, len(nodes["code"])))
        players.append((nodes, params, memory, functions, draws))
    moves: list[list[bool]] = [[], []]
    for turn in range(rounds):
        chosen = []
        for me, (nodes, params, memory, functions, draws) in enumerate(players):
            own, other = moves[me], moves[1 - me]
            strikes = [i for i, struck in enumerate(other) if struck]
            gap = strikes[-1] - strikes[-2] if len(strikes) > 1 else math.inf
            see = Situation(
                now_hours=float(turn),
                struck=float(turn > 0 and other[-1]),
                struck_before=float(turn > 1 and other[-2]),
                own_struck=float(turn > 0 and own[-1]),
                asked=float(turn),
                launched=float(turn > 0 and other[-1]),
                hits=float(turn > 0 and other[-1]),
                killed=0.0, injured=0.0, damage=0.0, weapon_categories=0, target_categories=0,
                quiet_hours=float(gap), standard=1.0, available=1.0, stock_share=1.0, rung=0.0,
                killed_total=0.0,
            )  # fmt: skip
            nodes["draw"] = draws[turn].tolist()
            strike = decide(nodes, params, memory, functions, 0, len(memory) // MEMORY - 1, see)
            flipped = bool(noise[turn, me] < noise_prob)
            chosen.append(bool(strike.size > 0.0) != flipped)
        moves[0].append(chosen[0])
        moves[1].append(chosen[1])
    return tuple("".join("CD"[move] for move in own) for own in moves)  # type: ignore[return-value]
