"""The reproduction number that a scenario's parameters imply, before any war is fought.

The types of the next-generation matrix [1]_ are the retaliations of both sides, and its spectral
radius is R. Where a rule has no closed form, a single strike is simulated.

References
----------
.. [1] O. Diekmann, J. A. P. Heesterbeek, J. A. J. Metz, "On the definition and the computation
   of the basic reproduction ratio R0 in models for infectious diseases in heterogeneous
   populations", Journal of Mathematical Biology 28:365-382, 1990.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np

from escalate.ensemble import simulate_many
from escalate.errors import EscalateError, closest
from escalate.randomness import Seed
from escalate.rules import MEASURES, RULES, Rule
from escalate.scenario import OrderedStrike, Plan, Retaliation, Scenario, Side, Target, Weapon

__all__ = ["UNITS", "MeanField", "check_unit", "mean_field", "response_hours"]

Array = np.ndarray[Any, Any]

UNITS = ("strikes", "weapons")
"""What R counts: answers per strike, or weapons launched in answer per weapon launched."""

_LATE_PROB = 0.01  # of the answers to a strike, those that may come later than is waited for


@dataclass(frozen=True, eq=False)
class MeanField:
    """A reproduction number from the parameters of a scenario, without a war."""

    number: float
    """R, the spectral radius of `matrix` and of `by_retaliation`. [-]"""
    matrix: Array
    """``matrix[i][j]``: answers of side i that an answer of side j provokes, on average. [-]"""
    retaliations: tuple[str, ...]
    """All retaliations, as ``side.name``."""
    by_retaliation: Array
    """The same by retaliation, in that order: to row from column. [-]"""
    how: Mapping[tuple[str, str], str]
    """(answering, provoking) retaliation to where that number is from: a closed form, or why
    there is none and what was simulated in its place."""
    unit: str
    """One of `UNITS`."""

    @property
    def closed(self) -> bool:
        """Whether every number is from a closed form."""
        return not any(words.startswith("simulated") for words in self.how.values())


def check_unit(unit: str) -> None:
    """Refuse what R does not count.

    Parameters
    ----------
    unit : str
        One of `UNITS`.
    """
    if unit not in UNITS:
        raise EscalateError(f"unknown unit {unit!r}: {closest(str(unit), UNITS)}")


def response_hours(scenario: Scenario) -> Array:
    """Give the time within which nearly all answers to a strike of each side are decided on.

    Parameters
    ----------
    scenario : Scenario
        What is at war.

    Returns
    -------
    ndarray of float64, shape (2,)
        From the decision on a strike to that on the last answer to it; 0 where the other side
        has no retaliation. Each of the exponential delays on the way is passed in 99 of 100
        cases. [h]

    Notes
    -----
    The longest plan, flight, assessment and retaliation are added up, with what the rules put
    off and with a wait for a review. The delay that a rule of your own gives is not known
    beforehand, and neither is when stock-aware or gradual rules come to answer.

    Examples
    --------
    >>> import escalate as esc
    >>> response_hours(esc.load_scenario("two-equal-sides")).round(1).tolist()
    [126.7, 126.7]
    """
    out = np.zeros(2)
    sides = list(scenario.sides.values())
    for j, (attacker, victim) in enumerate((sides, sides[::-1])):
        if not victim.retaliations or not attacker.plans:
            continue
        lasts = [
            plan.duration_hours
            + max(
                victim.regions[victim.targets[target].region].depth_km
                / attacker.weapons[weapon].speed_km_per_hour
                for target in plan.targets
                for weapon in plan.weapons or attacker.weapons
            )
            for plan in attacker.plans.values()
            if plan.weapons or attacker.weapons
        ]
        answers = [
            _late(r.delay_hours, r.delay) + _put_off(r.rule) + r.review_hours
            for r in victim.retaliations.values()
        ]
        believes = _late(victim.assessment.delay_hours, victim.assessment.delay)
        out[j] = max(lasts, default=0.0) + believes + max(answers)
    return out


def _late(hours: float, law: str) -> float:
    return hours * (-math.log(_LATE_PROB) if law == "exponential" else 1.0)


def _put_off(rule: Rule) -> float:
    """Give the longest wait that a rule asks for."""
    own = 0.0
    if rule.name in ("with_delay", "announced", "deadline") and rule.function is None:
        own = rule.values()[0]
    return own + max(map(_put_off, rule.of), default=0.0)


class _NoForm(Exception):
    """There is no closed form; the message says why."""


class _Law(NamedTuple):
    """How a rule answers one strike."""

    prob: float
    size: float  # mean number of weapons wanted, 0 without an answer; NaN for unknown
    fixed: bool  # whether an answer always has the same size
    varies: bool  # whether it depends on what came of the strike


class _Provoked(NamedTuple):
    """A strike that is answered: whose, how made up, how large."""

    attacker: Side
    victim: Side
    plan: Plan
    size: float


def mean_field(
    scenario: Scenario, *, unit: str = "strikes", replications: int = 400, rng: object = None
) -> MeanField:
    r"""Give the reproduction number that the parameters of a scenario imply.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    unit : str, optional
        One of `UNITS`.
    replications : int, optional
        Wars of one strike, where there is no closed form.
    rng : int, SeedSequence, Generator or None, optional
        For these.

    Returns
    -------
    MeanField

    Raises
    ------
    EscalateError
        Unknown unit, or fewer than one replication.

    Notes
    -----
    The types of the next-generation matrix are the retaliations: a strike is an answer, of its
    plan's size, by one of them, and provokes answers by those of the other side, each

    .. math:: (1 - \text{miss\_prob}) \, P(\text{the rule answers}) \cdot \text{answers\_mean}

    on average. `MeanField.matrix` sums it up by side, for the mixture of types that the exchange
    grows or shrinks with (the eigenvector), which has the same spectral radius.

    It is taken as at the start: full stocks and magazines, nothing damaged, the first rung, no
    truce; one strike at a time. There is a closed form for

    - ``never``, ``always``, ``tit_for_tat``, ``suspicious_tit_for_tat``, ``grim``, ``deadline``,
      ``stock_aware`` (stocks do not bind), ``generous``, ``random``, and ``tit_for_two_tats``
      without a window, which answers every strike but the first;
    - ``proportional``: in weapons, gain times what is believed per weapon launched, such as gain
      times leakage, without a cap; and ``threshold``, which needs the law of what it measures.
      Of hits, people killed and injured there are both if one weapon goes for one target through
      barrages that can neither saturate nor run out;
    - ``red_line`` where all or none of the plan's weapons and targets cross it; of targets, the
      law of hits;
    - ``ladder`` in strikes; the combinators of all these, except for ``any_of`` rules of which
      more than one depends on what came of the strike.

    Where there is none, such a strike is made `replications` times with the compiled engine and
    the answers to it are counted; of a rule that remembers, those to a first strike. Sizes are
    not rounded: in a war an answer has one weapon at least.

    Examples
    --------
    >>> import escalate as esc
    >>> r = mean_field(esc.load_scenario("two-equal-sides"))
    >>> round(r.number, 4), r.closed
    (0.6574, True)
    """
    check_unit(unit)
    names = [(i, name) for i, s in enumerate(scenario.sides.values()) for name in s.retaliations]
    sides, labels = list(scenario.sides.values()), list(scenario.sides)
    titles = tuple(f"{labels[i]}.{name}" for i, name in names)
    seed = Seed.of(rng)
    matrix, how = np.zeros((len(names), len(names))), {}
    for column, (j, name) in enumerate(names):
        made = sides[j].retaliations[name]
        strike = _Provoked(
            sides[j], sides[1 - j], sides[j].plans[made.plan], _standard(sides[j], made)
        )
        for row, (i, answer) in enumerate(names):
            if i == j:
                continue
            pair = titles[row], titles[column]
            try:
                matrix[row, column] = _expected(strike, sides[i].retaliations[answer], unit)
                how[pair] = "closed form"
            except _NoForm as reason:
                mean, error = _one_strike(scenario, i, answer, strike, made.plan, unit,
                                          replications, seed)  # fmt: skip
                matrix[row, column] = mean
                how[pair] = f"simulated, as {reason}: {replications} wars of one strike, " \
                            f"standard error {error:.2g}"  # fmt: skip
    return MeanField(*_by_side(matrix, [i for i, _ in names]), titles, matrix, how, unit)


def _by_side(matrix: Array, owners: Sequence[int]) -> tuple[float, Array]:
    """Sum a matrix up by side for the mixture of types that it grows with."""
    from escalate.theory.branching import reproduction_number

    out, owner = np.zeros((2, 2)), np.array(owners, int)
    if not len(owner):
        return 0.0, out
    # From all types alike, over an even number of rounds lest it swing between the sides.
    round_trip = matrix @ matrix
    mixture = np.ones(len(owner))
    for _ in range(200):
        following = round_trip @ mixture
        for i in (0, 1):
            total = following[owner == i].sum()
            if total > 0.0:
                mixture[owner == i] = following[owner == i] / total
    for j in (0, 1):
        weight = mixture * (owner == j)
        if weight.sum() > 0.0:
            passed = matrix @ (weight / weight.sum())
            out[1 - j, j] = passed[owner == 1 - j].sum()
    return reproduction_number(matrix), out


def _standard(side: Side, made: Retaliation) -> float:
    """Give the size of a standard answer on the first rung."""
    factor = 1.0
    if side.ladder is not None:
        rungs = side.ladder.rungs
        factor = rungs[side.ladder.start or next(iter(rungs))].size_factor
    return side.plans[made.plan].size * factor


def _permitted(side: Side) -> tuple[set[str], set[str]]:
    """Give the weapon and target categories that a side may use on its first rung."""
    weapons, targets = set(side.permitted_weapons), set(side.permitted_targets)
    if side.ladder is not None:
        rung = side.ladder.rungs[side.ladder.start or next(iter(side.ladder.rungs))]
        weapons, targets = weapons & set(rung.weapons), targets & set(rung.targets)
    return weapons, targets


def _aims(attacker: Side, victim: Side, plan: Plan) -> list[tuple[Weapon, Target]]:
    """Give what a plan may send at the start, and at what."""
    weapons, targets = _permitted(attacker)
    deepest = math.inf if attacker.permitted_depth_km is None else attacker.permitted_depth_km
    mix = plan.weapons or dict.fromkeys(attacker.weapons, 1.0)
    pairs = []
    for name, weight in mix.items():
        weapon = attacker.weapons[name]
        for other, aim in plan.targets.items():
            target = victim.targets[other]
            depth = victim.regions[target.region].depth_km
            if (
                weight > 0.0 and aim > 0.0 and weapon.category in weapons
                and weapon.stock > weapon.reserve and target.category in targets
                and depth <= min(deepest, weapon.range_km)
            ):  # fmt: skip
                pairs.append((weapon, target))
    return pairs


def _expected(strike: _Provoked, answer: Retaliation, unit: str) -> float:
    """Give the mean number of answers, or of weapons in answer a weapon, of one retaliation."""
    victim = strike.victim
    if not _aims(strike.attacker, victim, strike.plan):
        return 0.0
    if not _aims(victim, strike.attacker, victim.plans[answer.plan]):
        return 0.0
    if answer.review_hours > 0.0:
        raise _NoForm("the rule is asked on review")
    standard = _standard(victim, answer)
    law = _law(answer.rule, strike, standard)
    slip, many = answer.slip_prob, 1.0 if answer.answers_mean is None else answer.answers_mean
    noticed = (1.0 - victim.assessment.miss_prob) * many
    if unit == "strikes":
        mean = law.prob * (1.0 - slip) + (1.0 - law.prob) * slip
    else:
        turned = (1.0 - law.prob) * standard * slip if slip > 0.0 else 0.0
        mean = (law.size * (1.0 - slip) + turned) / strike.size
    if math.isnan(mean):
        of = "chance" if unit == "strikes" else "size"
        raise _NoForm(f"the {of} of an answer by {answer.rule.name!r} varies")
    return noticed * mean


def _law(rule: Rule, strike: _Provoked, standard: float) -> _Law:
    """Give how a rule answers a strike that it believes in."""
    name = rule.name if rule.function is None else ""
    values = dict(zip(RULES[rule.name].params, rule.values(), strict=True)) if name else {}
    held = [_law(inner, strike, standard) for inner in rule.of]

    def standing(prob: float, varies: bool = False) -> _Law:
        prob = prob if standard > 0.0 else 0.0  # an answer of no weapons is none
        return _Law(prob, prob * standard, True, varies)

    if name == "never":
        return standing(0.0)
    if name in ("always", "tit_for_tat", "suspicious_tit_for_tat", "grim", "deadline",
                "stock_aware"):  # fmt: skip
        cap = min(standard, values.get("cap", math.inf))
        return _Law(1.0 if cap > 0.0 else 0.0, cap, True, False)
    if name == "tit_for_two_tats" and values["window_hours"] == math.inf:
        return standing(1.0)
    if name == "generous":
        return standing(1.0 - values["forgive_prob"])
    if name == "random":
        return standing(values["prob"])
    if name == "ladder":
        return _Law(1.0, math.nan, False, False)
    if name == "proportional":
        return _proportional(
            values["gain"], values["cap"], MEASURES[int(values["measure"])], strike
        )
    if name == "threshold":
        x, chances = _harm(MEASURES[int(values["measure"])], strike)
        return standing(float(chances @ _reaches(x, values["level"], strike.victim)), True)
    if name == "red_line":
        return standing(_crossed(rule, strike), True)
    if name == "with_probability":
        return _scaled(held[0], values["prob"])
    if name == "announced":
        return _scaled(held[0], values["resolve_prob"])
    if name in ("with_delay", "after_quiet_reset"):
        return held[0]
    if name == "capped":
        return _capped(held[0], values["cap"])
    if name == "any_of":
        return _largest(held)
    raise _NoForm(f"{rule.name!r} {'has no closed form' if name else 'is a rule of your own'}")


def _scaled(law: _Law, prob: float) -> _Law:
    return law._replace(prob=law.prob * prob, size=law.size * prob)


def _capped(law: _Law, cap: float) -> _Law:
    if cap <= 0.0 or law.prob == 0.0:
        return _Law(0.0, 0.0, True, False)
    if not law.fixed:
        return law._replace(size=math.nan)
    return law._replace(size=law.prob * min(law.size / law.prob, cap))


def _largest(held: Sequence[_Law]) -> _Law:
    """Give the largest of answers that are drawn independently of each other."""
    if sum(law.varies for law in held) > 1:
        raise _NoForm("several rules of 'any_of' depend on what came of the strike")
    none, size = 1.0, 0.0
    if all(law.fixed for law in held):
        given = [law for law in held if law.prob > 0.0]
        for law in sorted(given, key=lambda law: law.size / law.prob, reverse=True):
            size += none * law.size
            none *= 1.0 - law.prob
    else:
        none, size = math.prod(1.0 - law.prob for law in held), math.nan
    same = len({law.size / law.prob for law in held if law.prob > 0.0}) <= 1
    return _Law(1.0 - none, size, same and not math.isnan(size), any(law.varies for law in held))


def _proportional(gain: float, cap: float, measure: str, strike: _Provoked) -> _Law:
    if gain <= 0.0 or cap <= 0.0:
        return _Law(0.0, 0.0, True, False)
    seen = strike.victim.assessment
    if measure == "launched":
        prob, mean = 1.0, strike.size
        exact = strike.plan.size_dispersion is None
    else:
        mean, exact = _mean_harm(measure, strike), False
        try:
            x, chances = _harm(measure, strike)
            prob = float(chances[x > 0].sum())
        except _NoForm:
            prob = math.nan
    if seen.noise_sd_log == 0.0 and exact:
        wanted = min(gain * seen.exaggeration * mean, cap)
        return _Law(prob, prob * wanted, True, True)
    believed = mean * seen.exaggeration * math.exp(seen.noise_sd_log * seen.noise_sd_log / 2.0)
    return _Law(prob, gain * believed if cap == math.inf else math.nan, False, True)


def _reaches(x: Array, level: float, victim: Side) -> Array:
    """Give the chance that each of some true numbers is believed to reach a level."""
    from scipy import special

    seen = victim.assessment
    true = x * seen.exaggeration
    if seen.noise_sd_log == 0.0 or level <= 0.0:
        return (true >= level).astype(float)
    with np.errstate(divide="ignore"):
        return np.asarray(special.ndtr(np.log(true / level) / seen.noise_sd_log))


def _crossed(rule: Rule, strike: _Provoked) -> float:
    """Give the chance that a strike crosses a red line drawn in kind."""
    pairs = _aims(strike.attacker, strike.victim, strike.plan)
    listed = [rule.params.get(key, ()) for key in ("weapons", "targets")]
    named = [{names} if isinstance(names, str) else set(names) for names in listed]
    used = {weapon.category in named[0] for weapon, _ in pairs}
    aimed = {target.category in named[1] for _, target in pairs}
    if used == {True} or used | aimed == {False}:
        return float(used == {True})
    if len(used) > 1 or len(aimed) > 1:
        raise _NoForm("a strike may cross the red line or not")
    hits, chances = _harm("hits", strike)  # a target counts as struck once something hits it
    return float(chances[hits > 0].sum())


def _leak(strike: _Provoked) -> tuple[float, Weapon, Target, bool]:
    """Give the chance that a launched weapon hits, and whether weapons leak independently."""
    from escalate.theory.leakage import leak_prob, salvo_kill_prob

    pairs = _aims(strike.attacker, strike.victim, strike.plan)
    if len(pairs) > 1:
        raise _NoForm("the strike has several weapons or targets")
    (weapon, target), apart, stops, ups = pairs[0], True, [], []
    wanted = strike.size if strike.plan.size_dispersion is None else math.inf
    for layer in strike.victim.layers.values():
        prob = layer.kill_prob.get(weapon.category)
        if not prob or (layer.regions and target.region not in layer.regions):
            continue
        need = max(math.ceil(wanted + 0.5), 1) if wanted < math.inf else math.inf
        if layer.cycle_hours > 0.0 and layer.channels < need:
            raise _NoForm("a layer may be saturated")
        if layer.channels < 1:
            continue
        if layer.doctrine != "barrage" or layer.engagement != "begun":
            raise _NoForm("a layer looks, or must complete its engagements")
        if layer.magazine is not None and layer.magazine < need * layer.shots + layer.hold_below:
            raise _NoForm("a magazine may run out")
        shared = layer.common_mode_concentration
        stop = salvo_kill_prob(prob * weapon.vulnerability_share, layer.shots, shared or math.inf)
        stops.append(layer.track_prob * float(stop))
        ups.append(layer.up_prob)
        apart = apart and shared is None and layer.up_prob == 1.0
    through = float(leak_prob(stops, ups)) if stops else 1.0
    return weapon.reliability_prob * through, weapon, target, apart


def _per_hit(measure: str, weapon: Weapon, target: Target) -> float:
    if measure == "hits":
        return 1.0
    if measure == "killed":
        return target.killed_per_hit * weapon.lethality
    if measure == "injured":
        return target.injured_per_hit * weapon.lethality
    raise _NoForm("damage has no closed form")


def _mean_harm(measure: str, strike: _Provoked) -> float:
    leak, weapon, target, _ = _leak(strike)
    return strike.size * leak * _per_hit(measure, weapon, target)


def _harm(measure: str, strike: _Provoked) -> tuple[Array, Array]:
    """Give the law of what came of a strike: numbers and their chances."""
    from scipy import stats

    if strike.plan.size_dispersion is not None:
        raise _NoForm("the size of the strike varies")
    many = max(math.floor(strike.size + 0.5), 1)
    if measure == "launched":
        return np.array([many]), np.ones(1)
    leak, weapon, target, apart = _leak(strike)
    if not apart:
        raise _NoForm("weapons leak together")
    hits = np.arange(many + 1)
    chances = stats.binom.pmf(hits, many, leak)
    if measure == "hits":
        return hits, chances
    mean = _per_hit(measure, weapon, target)
    shape = strike.victim.severity_dispersion

    def harmed(hit: float) -> Any:
        if shape is None:
            return stats.poisson(hit * mean)
        return stats.nbinom(shape, shape / (shape + hit * mean))

    people = np.arange(int(harmed(many).ppf(1.0 - 1e-12)) + 1)
    parts = [
        c * harmed(float(h)).pmf(people) if h else c * (people == 0)
        for h, c in zip(hits, chances, strict=True)
    ]
    return people, np.sum(parts, axis=0)


def _one_strike(
    scenario: Scenario, side: int, answer: str, strike: _Provoked, plan: str, unit: str,
    replications: int, seed: Seed,
) -> tuple[float, float]:  # fmt: skip
    """Count the answers of one retaliation to a strike that is made by itself, at the start."""
    names = list(scenario.sides)
    made = replace(strike.plan, size=strike.size)
    attacker = replace(
        strike.attacker, tempos={}, retaliations={}, plans={**strike.attacker.plans, plan: made}
    )
    # Delays change when an answer comes, not whether.
    victim = replace(
        strike.victim, tempos={},
        retaliations={answer: replace(strike.victim.retaliations[answer], delay_hours=0.0)},
        assessment=replace(strike.victim.assessment, delay_hours=0.0, false_alarms_per_day=0.0),
    )  # fmt: skip
    sides = {names[side]: victim, names[1 - side]: attacker}
    start = scenario.start
    alone = replace(
        scenario, sides={name: sides[name] for name in names}, sources={}, figures=(),
        end=start + timedelta(days=36500),
        calendar=(OrderedStrike(at=start, side=names[1 - side], plan=plan),),
    )  # fmt: skip
    hours = float(response_hours(alone)[1 - side]) + 1.0
    alone = replace(alone, end=start + timedelta(hours=hours))
    out = simulate_many(
        alone, replications=replications, rng=seed, workers=1,
        outcomes=("strikes", "reproduction_number", "launched"),
    ).data  # fmt: skip
    if unit == "strikes":
        given = np.nan_to_num(out["reproduction_number"][:, 1 - side])
    else:
        sent = out["launched"][:, 1 - side].sum(axis=1)
        given = out["launched"][:, side].sum(axis=1) / max(float(sent.mean()), 1e-300)
    error = given.std(ddof=1) / math.sqrt(replications) if replications > 1 else math.inf
    return float(given.mean()), float(error)
