"""Hold the compiled engine against closed forms, regime by regime, and write the table.

    python benchmarks/theory.py [--quick] [--seed 1] [--page docs/theory-table.md]

Every row fights an ensemble of its own, of a war built below in which the closed form holds
exactly, and compares a mean over the wars with `escalate.theory`; no law of the engine is
used. As no two rows share a draw, their z are independent and can be tested together.
`--quick` fights as few wars as the tests do, and prints the table instead of writing the page.

The exit status is 1 if a |z| is 4 or more, if a row without chance is off, or if the z
together are a surprise. The page says how often a right engine would fail.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import itertools
import math
import sys
import textwrap
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
from scipy import integrate, stats

import escalate as esc
from escalate.theory import (
    branching,
    hawkes,
    leakage,
    memory_one,
    reporting,
    richardson,
    saturation,
    stockpiles,
)

SEED = 1
LIMIT = 4.0
"""Standard errors that a row may lie off."""
SURPRISE = 1e-3
"""Level of each of the two tests of all z together."""
PAGE = Path(__file__).parents[1] / "docs" / "theory-table.md"

A, B = 0, 1
DRONE = 0  # the place of drones among the categories of weapon
START = datetime(2024, 1, 1)
PLENTY = 10**9

Array = np.ndarray[Any, Any]
Measure = Callable[..., Array]


# ---------------------------------------------------------------------- the wars
#
# Made of parts that do nothing unless told to: drones, which fly from the border to the border
# in no time and do no harm, and a town.


def side(*, stock: int = PLENTY, per_day: float = 0.0, **parts: Any) -> esc.Side:
    """Give a side that strikes by single drones, if at all."""
    usual = {
        "weapons": {"drone": esc.Weapon(category="drone", stock=stock)},
        "regions": {"border": esc.Region()},
        "targets": {"town": esc.Target(category="urban", region="border")},
        "plans": {"strike": esc.Plan(targets={"town": 1.0})},
        "tempos": {"own": esc.Tempo(plan="strike", rate_per_day=per_day)} if per_day else {},
    }
    return esc.Side(**{**usual, **parts})


def war(first: esc.Side, second: esc.Side, *calendar: esc.Entry, days: float = 1.0) -> esc.Scenario:
    """Let A and B fight for so many days."""
    end = START + timedelta(days=days)
    return esc.Scenario(sides={"A": first, "B": second}, start=START, end=end, calendar=calendar)


def strike(hours: float = 0.0, **counts: int) -> esc.OrderedStrike:
    """Order a strike of A, by its plan unless counts say otherwise."""
    at = START + timedelta(hours=hours)
    return esc.OrderedStrike(at=at, side="A", plan="strike", counts=counts)


def belt(*layers: esc.Layer) -> dict[str, esc.Layer]:
    """Give a side's layers, the outermost first."""
    return {f"layer{i}": layer for i, layer in enumerate(layers)}


def guns(kill_prob: float, **parts: Any) -> esc.Layer:
    """Give a layer that engages any number of drones at once."""
    return esc.Layer(kill_prob={"drone": kill_prob}, **parts)


def busy(channels: int, minutes: float, wait: float, kill_prob: float, **how: str) -> esc.Layer:
    """Give a layer that takes so many minutes for a drone, which can wait for so many."""
    window = {"drone": wait / 60.0}
    return guns(
        kill_prob, channels=channels, cycle_hours=minutes / 60.0, window_hours=window, **how
    )


def raid(drones: int, *layers: esc.Layer, depth_km: float = 0.0, **defender: Any) -> esc.Scenario:
    """Let A send one raid, all of it at once; 800 km are an hour."""
    regions = {"border": esc.Region(depth_km=depth_km)}
    second = side(layers=belt(*layers), regions=regions, **defender)
    return war(side(), second, strike(drone=drones))


def stream(
    per_day: float,
    *layers: esc.Layer,
    days: float = 1.0,
    stock: int = PLENTY,
    depth_km: float = 0.0,
) -> esc.Scenario:
    """Let A send single drones, as a Poisson process."""
    regions = {"border": esc.Region(depth_km=depth_km)}
    defender = side(layers=belt(*layers), regions=regions)
    return war(side(per_day=per_day, stock=stock), defender, days=days)


def among_decoys(per_day: float, decoys_per_day: float, layer: esc.Layer) -> esc.Scenario:
    """Let A send single drones and single decoys, as two Poisson processes, for a day."""
    rates = {"drone": per_day, "decoy": decoys_per_day}
    attacker = side(
        weapons={kind: esc.Weapon(category=kind, stock=PLENTY) for kind in rates},
        plans={kind: esc.Plan(targets={"town": 1.0}, weapons={kind: 1.0}) for kind in rates},
        tempos={kind: esc.Tempo(plan=kind, rate_per_day=rate) for kind, rate in rates.items()},
    )
    return war(attacker, side(layers=belt(layer)))


def falling_on(sites: int, drones: int, *layers: esc.Layer) -> esc.Scenario:
    """Let A send one raid of drones that destroy what they hit, on sites of B."""
    drone = esc.Weapon(category="drone", stock=drones, damage_share=1.0)
    town = esc.Target(category="urban", region="border", sites=sites)
    defender = side(targets={"town": town}, layers=belt(*layers))
    return war(side(weapons={"drone": drone}), defender, strike(drone=drones))


def answering(rule: esc.Rule | str = "tit_for_tat", **how: Any) -> dict[str, esc.Retaliation]:
    """Give a side's retaliations: one, by default an answer to every strike."""
    held = rule if isinstance(rule, esc.Rule) else esc.Rule(rule)
    return {"answer": esc.Retaliation(rule=held, plan="strike", **how)}


def feud(
    mean_a: float, mean_b: float, *, starters: int = 1, days: float = 100.0, stock: int = PLENTY
) -> esc.Scenario:
    """Let A strike at noon, and each side answer every strike by a Poisson number, in hours."""
    first, second = (
        side(
            stock=stock,
            retaliations=answering(answers_mean=mean, delay_hours=1.0, delay="exponential"),
        )
        for mean in (mean_a, mean_b)
    )
    return war(first, second, *[strike(12.0)] * starters, days=days)


def generations(mean_a: float, mean_b: float, days: float) -> esc.Scenario:
    """Let A strike at noon, and each side answer every strike a day later."""
    first, second = (
        side(retaliations=answering(answers_mean=mean, delay_hours=24.0))
        for mean in (mean_a, mean_b)
    )
    return war(first, second, strike(12.0), days=days)


def chances(prob: float, rules: int) -> esc.Scenario:
    """Let each side have so many rules, each of which answers a strike with a chance."""
    rule = esc.Rule("with_probability", "tit_for_tat", prob=prob)
    held = {f"rule{i}": answering(rule, delay_hours=1.0)["answer"] for i in range(rules)}
    return war(side(retaliations=held), side(retaliations=held), strike(12.0), days=100.0)


Pair = Sequence[float]
"""A number of A and one of B."""


def exchange(mu: Pair, gains: Pair, decay: Pair, days: float) -> esc.Scenario:
    """Let both strike at rates, and answer each strike by a Poisson number [per day]."""
    first, second = (
        side(
            per_day=mu[i],
            retaliations=answering(
                answers_mean=gains[i], delay_hours=24.0 / decay[i], delay="exponential"
            ),
        )
        for i in (A, B)
    )
    return war(first, second, days=days)


def in_proportion(mu: Pair, gains: Pair, decay: Pair, days: float, size: int) -> esc.Scenario:
    """Let both make large strikes at rates, and answer each by one in proportion [per day]."""
    first, second = (
        side(
            per_day=mu[i],
            stock=10**15,
            plans={"strike": esc.Plan(targets={"town": 1.0}, size=size)},
            retaliations=answering(
                esc.Rule("proportional", gain=gains[i]),
                delay_hours=24.0 / decay[i],
                delay="exponential",
            ),
        )
        for i in (A, B)
    )
    return war(first, second, days=days)


def match(first: esc.Rule, second: esc.Rule, rounds: int, noise: float) -> esc.Scenario:
    """Ask two rules once a day, at midnight, and let them slip now and then."""
    players = (
        side(retaliations=answering(rule, review_hours=24.0, slip_prob=noise))
        for rule in (first, second)
    )
    return war(*players, days=rounds - 0.5)


def fired_share(see: esc.Situation, p: Sequence[float], memory: Any, u: float) -> esc.Answer:
    """Fire a share of what there is, whenever asked."""
    return esc.answer(p[0] * see.available)


def firing_a_share(stock: int, share: float, per_day: float, days: int) -> esc.Scenario:
    """Let A make drones, and fire a share of its stock at every midnight, the first included."""
    drone = esc.Weapon(category="drone", stock=stock, production_per_day=per_day)
    firing = answering(esc.Rule(fired_share, share=share), review_hours=24.0)
    return war(side(weapons={"drone": drone}, retaliations=firing), side(), days=days + 0.5)


def nightly(stock: int, per_night: int, made_per_day: float, nights: int) -> esc.Scenario:
    """Let A make drones, and fire the same number at the end of every day."""
    drone = esc.Weapon(category="drone", stock=stock, production_per_day=made_per_day)
    strikes = [strike(24.0 * night, drone=per_night) for night in range(1, nights + 1)]
    return war(side(weapons={"drone": drone}), side(), *strikes, days=nights + 0.5)


# ---------------------------------------------------------------------- what is measured
#
# A measure gives a number a war, or a row of a numerator and a denominator. Its parameters are
# the outcomes of the ensemble that it needs; one that takes `run` sees traced runs.


def drones_launched(launched: Array) -> Array:
    return launched[:, A, DRONE]


def leakers(leaked: Array) -> Array:
    return leaked[:, A, DRONE]


def spent(shots: Array) -> Array:
    return shots[:, 0]


def engaged(launched: Array, passed_unengaged: Array) -> Array:
    return launched[:, A, DRONE] - passed_unengaged[:, 0]


def sites_hit(damage_sites: Array) -> Array:
    return damage_sites[:, B].sum(axis=1).round()


def killed_of_b(killed: Array) -> Array:
    return killed[:, B]


def left(stock: Array) -> Array:
    return stock[:, A, DRONE]


def last_day(launched_per_day: Array) -> Array:
    """Give the day, from 1, by whose end all that is ever launched has been."""
    fired = launched_per_day[:, :, A].cumsum(axis=1)
    return 1.0 + (fired == fired[:, -1:]).argmax(axis=1)


def first_short_night(launched_per_day: Array) -> Array:
    nights = launched_per_day[:, 1:, A]
    return 1.0 + (nights < nights[:, :1]).argmax(axis=1)


def never_engaged(unengaged_per_day: Array, launched_per_day: Array) -> Array:
    return settled(unengaged_per_day[:, :, B], launched_per_day[:, :, A])


def leaked_of(leaked_per_day: Array, launched_per_day: Array) -> Array:
    return settled(leaked_per_day[:, :, A], launched_per_day[:, :, A])


def settled(top: Array, bottom: Array) -> Array:
    """Give a numerator and a denominator, both without the first and the last day."""
    return np.stack([x[:, 1:-1].sum(axis=1) for x in (top, bottom)], axis=1)


def episode(strikes: Array) -> Array:
    return strikes.sum(axis=1)


def strikes_of_b(strikes: Array) -> Array:
    return strikes[:, B]


def provoked(answers: Array, strikes: Array) -> Array:
    return np.stack([answers.sum(axis=1), strikes.sum(axis=1)], axis=1)


def generation(number: int) -> Measure:
    """Count the strikes that are so many answers away, a day each."""
    return lambda strikes_per_day: strikes_per_day[:, number].sum(axis=1).astype(float)


def on_day(day: int, player: int) -> Measure:
    """Count a side's strikes of a day, from 1."""
    return lambda strikes_per_day: strikes_per_day[:, day - 1, player].astype(float)


def drones_on_day(day: int, player: int, unit: float = 1.0) -> Measure:
    """Count the drones that a side launches on a day, from 1."""
    return lambda launched_per_day: launched_per_day[:, day - 1, player] / unit


def mean_day(player: int) -> Measure:
    """Give a side's strikes a day, of the days that count."""
    return lambda strikes_per_day: strikes_per_day[:, LEAD:, player].mean(axis=1)


def covariance(
    first: int, second: int, means: Array, *, lag: int = 0, width: int = 1, over: float = 1.0
) -> Measure:
    """Give the mean product of what two sides' counts are off, the second's `lag` windows ago."""

    def measure(strikes_per_day: Array) -> Array:
        counted = strikes_per_day[:, LEAD:].astype(float)
        windows = counted.reshape(len(counted), -1, width, 2).sum(axis=2)
        late = windows[:, lag:, first] - means[first]
        early = windows[:, : windows.shape[1] - lag, second] - means[second]
        return (late * early).mean(axis=1) / over

    return measure


def residuals(power: int) -> Measure:
    """Give a power of the intervals between strikes, on the clock of Ogata's time change."""

    def measure(run: esc.Run) -> Array:
        strikes = run.tables["strikes"]
        times = [strikes["decided_hours"][strikes["side"] == i] / 24.0 for i in (A, B)]
        clocks = hawkes.time_change(times, MU, MEANS, DECAYS, run.scenario.horizon_hours / 24.0)
        # As many of each, so that where the run ends does not choose among them.
        return np.concatenate([np.diff(x, prepend=0.0)[:1000] for x in clocks]) ** power

    return measure


def holds_fire(player: int, number: int) -> Measure:
    """Tell whether a side holds its fire in a round, from 1."""
    return lambda strikes_per_day: 1.0 - strikes_per_day[:, number - 1, player]


def in_state(place: int) -> Measure:
    """Give the share of rounds in CC, CD, DC or DD, once a hundred are over."""
    return lambda strikes_per_day: (state(strikes_per_day[:, 100:]) == place).mean(axis=1)


def score(strikes_per_day: Array) -> Array:
    """Add up what A is paid: 3 in CC, 0 in CD, 5 in DC and 1 in DD."""
    return np.array([3.0, 0.0, 5.0, 1.0])[state(strikes_per_day)].sum(axis=1)


def state(moves: Array) -> Array:
    """Number the states of a round, CC, CD, DC and DD, A's move first."""
    return 2 * moves[:, :, A] + moves[:, :, B]


def squared_off(measure: Measure, mean: float) -> Measure:
    """Square how far a number is off its exact mean: the mean of that is its variance."""

    @wraps(measure)
    def square(*outcomes: Array) -> Array:
        return (measure(*outcomes) - mean) ** 2

    return square


def happens(measure: Measure, test: Callable[[Array], Array]) -> Measure:
    """Give 1 where a number passes a test, else 0: the mean of that is a chance."""

    @wraps(measure)
    def indicator(*outcomes: Array) -> Array:
        return np.asarray(test(measure(*outcomes)), dtype=float)

    return indicator


def equal(number: float) -> Callable[[Array], Array]:
    """Test for a number."""
    return lambda counts: counts == number


def above(number: float) -> Callable[[Array], Array]:
    """Test for more than a number."""
    return lambda counts: counts > number


# ---------------------------------------------------------------------- the rows


@dataclass(frozen=True)
class Case:
    """One row: a war, what is measured of it, and what its mean must be."""

    quantity: str
    """What is compared; unlike any other of its regime."""
    formula: str
    """What it must be, as Python in which the modules of `escalate.theory` are known."""
    war: esc.Scenario
    """What is fought."""
    measure: Measure
    """What is measured of it."""
    wars: int = 40_000
    """How many are fought for the page."""
    few: int = 400
    """How many for a quick look: so many that their mean is near enough to normal."""
    tolerance: float | None = None
    """For a row without chance: how far off, relatively, whole drones may leave it."""
    regime: str = ""
    """Which of `REGIMES` it is of."""

    @property
    def exact(self) -> float:
        """What the formula comes to."""
        return value(self.formula)


_KNOWN = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        branching, hawkes, leakage, memory_one, reporting, richardson, saturation, stockpiles,
        integrate, math, stats,
    )
}  # fmt: skip


def value(formula: str) -> float:
    """Work out a formula."""
    return float(eval(formula, dict(_KNOWN)))


Cases = Callable[[], Iterator[Case]]
REGIMES: dict[str, Cases] = {}
"""The regimes by name; what is said of one on the page is its docstring."""


def regime(name: str) -> Callable[[Cases], Cases]:
    """Enter a function that gives cases among the regimes."""

    def enter(function: Cases) -> Cases:
        REGIMES[name] = function
        return function

    return enter


def cases() -> list[Case]:
    """Give all cases, in the order of the page."""
    return [
        dataclasses.replace(case, regime=name)
        for name, function in REGIMES.items()
        for case in function()
    ]


def moments(what: str, law: str, scenario: esc.Scenario) -> Iterator[Case]:
    """Compare mean, variance and chance of none with a distribution of leakers."""
    off = squared_off(leakers, value(f"{law}.mean"))
    yield Case(f"{what}, mean", f"{law}.mean", scenario, leakers)
    yield Case(f"{what}, variance", f"{law}.variance", scenario, off, few=4_000)
    yield Case(f"{what}, P(none)", f"{law}.prob_none", scenario, happens(leakers, equal(0)))


@regime("Layers, weapon by weapon")
def independent_layers() -> Iterator[Case]:
    """40 drones meet three layers, each of which tracks each drone with a chance of its own; or
    20 meet barrages of four shots."""
    kills, tracked = [0.6, 0.5, 0.7], [0.95, 0.9, 0.98]
    layers = [guns(k, track_prob=t) for k, t in zip(kills, tracked, strict=True)]
    law = f"leakage.independent_layers(40, {kills}, {tracked})"
    yield from moments("leakers of 40", law, raid(40, *layers))
    law = "leakage.barrage_size(20, 0.8, 0.8, track_prob=0.995)"
    scenario = raid(20, guns(0.8, shots=4, track_prob=0.995))
    none = happens(leakers, equal(0))
    yield Case("leakers of 20, P(none)", f"{law}.zero_leak_prob", scenario, none)


@regime("Layers, raid by raid")
def common_mode_layers() -> Iterator[Case]:
    """The same layers, each up or down for a whole raid; or one with a kill probability drawn
    for each raid from a beta law."""
    kills, up = [0.6, 0.5, 0.7], [0.95, 0.9, 0.98]
    layers = [guns(k, up_prob=u) for k, u in zip(kills, up, strict=True)]
    law = f"leakage.common_mode_layers(40, {kills}, {up})"
    yield from moments("leakers of 40", law, raid(40, *layers))
    law = "leakage.beta_leakers(10, 0.8, 10, shots=2, up_prob=0.9)"
    layer = guns(0.8, shots=2, common_mode_concentration=10.0, up_prob=0.9)
    yield from moments("leakers of 10, beta", law, raid(10, layer))


@regime("Doctrine")
def doctrine() -> Iterator[Case]:
    """One drone, and salvos or looks of so many shots each; the shots may share a kill
    probability drawn from a beta law."""
    killed = happens(leakers, equal(0))
    law = "leakage.salvo_kill_prob(0.8, 3, concentration=10)"
    layer = guns(0.8, shots=3, common_mode_concentration=10.0)
    yield Case("salvo of 3, beta, P(kill)", law, raid(1, layer), killed)
    for looks, shared in (([1, 1, 1, 1], None), ([1, 3], None), ([1, 2, 1], 4.0)):
        law = f"leakage.shoot_look_shoot(0.7, {looks}{f', {shared}' if shared else ''})"
        how = {"doctrine": "shoot_look_shoot", "common_mode_concentration": shared}
        scenario = raid(1, guns(0.7, look_shots=looks, **how))
        what = f"looks of {'-'.join(map(str, looks))}{', beta' if shared else ''}"
        yield Case(f"{what}, shots", f"{law}.shots", scenario, spent)
        yield Case(f"{what}, P(kill)", f"{law}.kill_prob", scenario, killed)


@regime("Magazines")
def magazines() -> Iterator[Case]:
    """A layer has 30 shots. Either 20 drones come at once, or one by one in a day a Poisson
    number of mean 20; each is met by a salvo of two, or by two looks of one shot."""
    salvo = guns(0.75, shots=2, magazine=30)
    looks = guns(0.75, shots=2, magazine=30, doctrine="shoot_look_shoot")
    law = "leakage.magazine_leakage(30, 0.75, 2, raid=20)"
    off = squared_off(leakers, value(f"{law}.mean_leakers"))
    yield Case("20, salvos, leakers, mean", f"{law}.mean_leakers", raid(20, salvo), leakers)
    formula = f"{law}.variance_leakers"
    yield Case("20, salvos, leakers, variance", formula, raid(20, salvo), off, few=4_000)
    for said, shots, layer in (("salvos", "2", salvo), ("looks", "[1, 1]", looks)):
        law = f"leakage.magazine_leakage(30, 0.75, {shots}, raid_mean=20)"
        off = squared_off(leakers, value(f"{law}.mean_leakers"))
        for what, part, measure in (
            ("leakers, mean", "mean_leakers", leakers),
            ("leakers, variance", "variance_leakers", off),
            ("leakers, P(none)", "zero_leak_prob", happens(leakers, equal(0))),
            ("shots, mean", "mean_spent", spent),
            ("P(empty)", "empty_prob", happens(spent, equal(30))),
        ):
            name = f"Poisson, {said}, {what}"
            few = 400 if "P(" in what else 4_000
            yield Case(name, f"{law}.{part}", stream(20.0, layer), measure, 20_000, few)


@regime("Decoys")
def decoys() -> Iterator[Case]:
    """Drones and decoys come one by one in a day, Poisson numbers of mean 4 and 6, at a layer
    with 5 shots. So their order is random, and given their numbers `decoy_leakage` holds."""
    for said, kills, prob in (
        ("alike", ("drone", "decoy"), 1.0),
        ("told apart", ("drone",), 0.0),
    ):
        leaked = f"leakage.decoy_leakage(r, d, 5, 0.8, decoy_prob={prob}).mean_leakers"
        formula = (
            f"sum(stats.poisson.pmf(r, 4) * stats.poisson.pmf(d, 6) * {leaked}"
            " for r in range(24) for d in range(30))"
        )
        layer = esc.Layer(kill_prob=dict.fromkeys(kills, 0.8), magazine=5)
        scenario = among_decoys(4.0, 6.0, layer)
        yield Case(f"drones that leak, decoys {said}", formula, scenario, leakers, 20_000)


@regime("Overkill and harm")
def overkill() -> Iterator[Case]:
    """Drones destroy the one of 12 sites that they hit; 10 hits kill 5 in the mean, with a
    severity that a strike has in common; a strike's size of mean 3 is dispersed, 0 being made
    1."""
    law = "leakage.occupancy_moments(12, 9)"
    off = squared_off(sites_hit, value(f"{law}[0]"))
    seven = happens(sites_hit, equal(7))
    yield Case("sites hit by 9, mean", f"{law}[0]", falling_on(12, 9), sites_hit)
    yield Case("sites hit by 9, variance", f"{law}[1]", falling_on(12, 9), off, few=4_000)
    yield Case("sites hit by 9, P(7)", "leakage.occupancy_pmf(12, 9)[7]", falling_on(12, 9), seven)
    law = "leakage.occupancy_moments(12, 20, 0.7)[0]"
    yield Case("sites hit by 20, 0.3 stopped", law, falling_on(12, 20, guns(0.3)), sites_hit)
    law = "reporting.negative_binomial(5, 2)"
    town = {"town": esc.Target(category="urban", region="border", killed_per_hit=0.5)}
    scenario = raid(10, targets=town, severity_dispersion=2.0)
    off = squared_off(killed_of_b, value(f"{law}.mean()"))
    yield Case("killed, variance", f"{law}.var()", scenario, off, few=4_000)
    yield Case("killed, P(none)", f"{law}.pmf(0)", scenario, happens(killed_of_b, equal(0)))
    law = "reporting.negative_binomial(3, 1.5)"
    plan = esc.Plan(targets={"town": 1.0}, size=3.0, size_dispersion=1.5)
    scenario = war(side(plans={"strike": plan}), side(), strike())
    yield Case("drones of a strike, mean", f"{law}.mean()", scenario, drones_launched)


@regime("Deadline queue, streams")
def streams() -> Iterator[Case]:
    """Single drones come as a Poisson process at 6 channels that take half an hour each in the
    mean, and may wait for a while or not at all; the first day is left out. Without waiting,
    only the mean of the cycle counts."""
    law = "saturation.erlang_b(6, 4.0)"
    for cycle in ("exponential", "fixed"):
        scenario = stream(192.0, busy(6, 30.0, 0.0, 0.8, cycle=cycle), days=12.0)
        yield Case(f"never engaged, {cycle}, no wait", law, scenario, never_engaged, 1_500, 100)
    scenario = stream(192.0, busy(6, 30.0, 0.0, 0.8, cycle="exponential"), days=12.0)
    formula = f"saturation.total_leak_prob({law}, 0.8)"
    yield Case("leaked, exponential, no wait", formula, scenario, leaked_of, 1_500, 100)
    for per_hour, wait in ((8.0, 15.0), (8.0, 45.0), (20.0, 15.0)):
        layer = busy(6, 30.0, wait, 1.0, cycle="exponential")
        scenario = stream(24.0 * per_hour, layer, days=12.0, depth_km=800.0)
        law = f"saturation.deadline_queue({per_hour}, 2.0, 6, {wait / 60.0}).unengaged_prob"
        name = f"never engaged, {per_hour:g} an hour, {wait:g} min"
        yield Case(name, law, scenario, never_engaged, 1_500, 100)


@regime("Deadline queue, bursts")
def bursts() -> Iterator[Case]:
    """Drones come all at once at 6 channels that take 8 minutes each, or 20 in the mean where
    they must be completed, within half an hour. Exponential cycles that must be completed have
    a channel for each drone, see the end of this page."""
    for drones, cycle, counted, minutes in (
        (60, "exponential", "begun", 8.0),
        (30, "exponential", "begun", 8.0),
        (6, "exponential", "completed", 20.0),
        (60, "fixed", "begun", 8.0),
        (60, "fixed", "completed", 8.0),
    ):
        how = f"cycle={cycle!r}, counted={counted!r}"
        law = f"saturation.burst_engaged({drones}, 6, {minutes}, 30.0, {how})"
        layer = busy(6, minutes, 30.0, 0.5, cycle=cycle, engagement=counted)
        name = f"engaged of {drones}, {cycle}, {counted}"
        wars, few, tolerance = (2, 2, 0.0) if cycle == "fixed" else (20_000, 400, None)
        yield Case(name, law, raid(drones, layer, depth_km=800.0), engaged, wars, few, tolerance)


@regime("Production and depletion")
def depletion() -> Iterator[Case]:
    """A stock is fired drone by drone, as a Poisson process, or by orders or a rule; production
    goes on. Two rows have no chance in them; whole drones leave the last a little off."""
    law = "stockpiles.depletion_time(100, 7.0)"
    scenario = stream(7.0, days=40.0, stock=100)
    off = squared_off(last_day, value(f"{law}.mean"))
    on_15 = happens(last_day, equal(15))
    yield Case("day when 100 are gone, mean", f"{law}.mean", scenario, last_day, 20_000)
    yield Case("day when 100 are gone, variance", f"{law}.variance", scenario, off, 20_000, 4_000)
    formula = f"{law}.pmf[{law}.days == 15][0]"
    yield Case("day when 100 are gone, P(15)", formula, scenario, on_15, 20_000)
    formula = "15 - 12 + stockpiles.expected_shortage(15, stats.poisson(12))"
    yield Case("left of 15 after a demand of 12", formula, stream(12.0, stock=15), left)
    drone = esc.Weapon(category="drone", stock=1000, production_per_day=10.0)
    scenario = war(side(weapons={"drone": drone}, per_day=40.0), side(), days=20.0)
    law = "stockpiles.fluid_depletion_time(1000, 40, 10)"
    formula = f"1000 * (1 - 20 / {law})"
    yield Case("left of 1,000 on day 20, 40 out, 10 in", formula, scenario, left, 10_000)
    scenario = nightly(1000, 40, 10.0, 40)
    name = "first night that is short, 40 out, 10 in"
    yield Case(name, f"math.ceil({law})", scenario, first_short_night, 2, 2, 0.0)
    scenario = firing_a_share(10**6, 0.05, 1e4, 60)
    formula = "0.05 * stockpiles.proportional_stock(1e6, 0.05, 1e4, 60)"
    name = "fired after 60 days, a twentieth a day"
    yield Case(name, formula, scenario, drones_on_day(61, A), 2, 2, 1e-4)


@regime("R and episodes")
def episodes() -> Iterator[Case]:
    """One strike or three, and all that follow when each is answered by a Poisson number, mean
    n, or by several rules, each with a chance. Generations are a day apart. Where an episode
    may never end, each side has 51 drones, which leaves those of up to 50 strikes as they are.
    """
    law, one = "branching.total_size_moments(0.6)", feud(0.6, 0.6)
    off = squared_off(episode, value(f"{law}.mean"))
    yield Case("size, n = 0.6, mean", f"{law}.mean", one, episode, few=2_000)
    yield Case("size, n = 0.6, variance", f"{law}.var", one, off, 200_000, 10_000)
    for k in (1, 3):
        law = f"branching.total_size_pmf({k}, 0.6)"
        yield Case(f"size, n = 0.6, P({k})", law, one, happens(episode, equal(k)))
    law = "branching.total_size_sf(9, 0.6)"
    yield Case("size, n = 0.6, P(10 or more)", law, one, happens(episode, above(9)))
    three = feud(0.8, 0.8, starters=3)
    law = "branching.total_size_moments(0.8, starters=3).mean"
    yield Case("size, n = 0.8, three starters, mean", law, three, episode, few=2_000)
    law = "branching.total_size_pmf(6, 0.8, starters=3)"
    yield Case("size, n = 0.8, three starters, P(6)", law, three, happens(episode, equal(6)))
    law = "branching.reproduction_number([[0.0, 0.6], [0.6, 0.0]])"
    yield Case("answers per strike, n = 0.6", law, one, provoked, few=2_000)
    apart = "[[0.0, 0.9], [0.5, 0.0]]"
    law = f"branching.total_caused({apart})[1, 0]"
    yield Case("strikes of B, n = 0.9 of A, 0.5 of B", law, feud(0.9, 0.5), strikes_of_b, few=2_000)
    law = f"branching.reproduction_number({apart})**2"
    scenario = generations(0.9, 0.5, 4.0)
    yield Case("generation 2, n = 0.9 of A, 0.5 of B, mean", law, scenario, generation(2))
    law, growing = "branching.generation(5, 1.5)", generations(1.5, 1.5, 6.0)
    off = squared_off(generation(5), value(f"{law}.mean"))
    extinct = happens(generation(5), equal(0))
    yield Case("generation 5, n = 1.5, mean", f"{law}.mean", growing, generation(5), few=2_000)
    yield Case("generation 5, n = 1.5, variance", f"{law}.var", growing, off, few=4_000)
    yield Case("generation 5, n = 1.5, P(none)", f"{law}.extinct_prob", growing, extinct)
    law, scenario = "branching.total_size_sf(50, 1.5)", feud(1.5, 1.5, stock=51)
    endless = happens(episode, above(50))
    yield Case("size, n = 1.5, P(51 or more, or endless)", law, scenario, endless, 20_000)
    law = "branching.dwass_pmf([0.3, 0.7], 4)[4]"
    yield Case("size, one rule of 0.7, P(4)", law, chances(0.7, 1), happens(episode, equal(4)))
    law = "branching.dwass_pmf(stats.binom.pmf(range(4), 3, 0.25), 5)[5]"
    yield Case("size, three rules of 0.25, P(5)", law, chances(0.25, 3), happens(episode, equal(5)))


MU, GAINS, DECAY = [2.0, 1.0], [0.6, 0.5], [4.0, 2.0]
"""Strikes of its own accord, answers to a strike, and inverse of the mean delay, by side."""
MEANS = [[0.0, GAINS[A]], [GAINS[B], 0.0]]
DECAYS = [[DECAY[A]], [DECAY[B]]]
LEAD = 20
"""Days left out until a process that began with nothing is stationary, but for e^-23."""
LONG = 60


@regime("Hawkes")
def hawkes_process() -> Iterator[Case]:
    """Each side strikes of its own accord, A 2 and B 1 a day; A answers each strike of B by a
    Poisson number of mean 0.6 after 6 hours in the mean, B each of A by 0.5 after 12. Counts
    begin after 20 days. At 40 times the rates the scatter is relatively a root of 40 smaller.
    Residual intervals are those of long runs from their beginning."""
    law = f"hawkes.stationary_rates({MU}, {MEANS})"
    rates, scenario = hawkes.stationary_rates(MU, MEANS), exchange(MU, GAINS, DECAY, LONG)
    for i in (A, B):
        yield Case(f"strikes of {'AB'[i]} a day", f"{law}[{i}]", scenario, mean_day(i), 2_000, 200)
    law = f"hawkes.window_counts({MU}, {MEANS}, {DECAYS}, 1.0).cov"
    for i, j, what in ((A, A, "variance of A"), (B, B, "variance of B"), (A, B, "covariance")):
        measure = covariance(i, j, rates)
        yield Case(f"strikes of a day, {what}", f"{law}[{i}, {j}]", scenario, measure, 4_000)
    many = exchange([40.0 * rate for rate in MU], GAINS, DECAY, LEAD + 10)
    measure = covariance(A, A, 40.0 * rates, over=40.0)
    name = "variance of A at 40 times the rates, over 40"
    yield Case(name, f"{law}[0, 0]", many, measure, 800, 60)
    law = f"hawkes.window_counts({MU}, {MEANS}, {DECAYS}, 10.0).cov[0, 1]"
    measure = covariance(A, B, 10.0 * rates, width=10)
    yield Case("strikes of ten days, covariance", law, scenario, measure, 4_000)
    law = f"hawkes.lag_covariance({MU}, {MEANS}, {DECAYS}, 1.0)"
    for i, j, what in ((A, B, "A after B"), (B, A, "B after A")):
        measure = covariance(i, j, rates, lag=1)
        yield Case(f"day and day before, {what}", f"{law}[{i}, {j}]", scenario, measure, 4_000)
    long = exchange(MU, GAINS, DECAY, 10.0 * LONG)
    for power, what in ((1, "mean"), (2, "mean square")):
        law = f"stats.expon.moment({power})"
        yield Case(f"residual intervals, {what}", law, long, residuals(power), 20, 5)


NOISE = 0.05
RULES = {
    "TFT": (esc.Rule("tit_for_tat"), "memory_one.MEMORY_ONE['TFT']"),
    "WSLS": (esc.Rule("win_stay_lose_shift"), "memory_one.MEMORY_ONE['WSLS']"),
    "GTFT": (esc.Rule("generous", forgive_prob=0.3), "memory_one.generous_tit_for_tat(0.3)"),
    "random": (esc.Rule("random", prob=0.4), "[0.6, 0.6, 0.6, 0.6]"),
}
"""Rules by name, and the same as chances to hold fire after CC, CD, DC and DD."""


@regime("Tit for tat under noise")
def under_noise() -> Iterator[Case]:
    """Both sides are asked at every midnight, and a decision is turned round with chance 0.05: a
    round of a repeated game, C to hold fire and D to strike. GTFT lets a strike pass with
    chance 0.3, random strikes with chance 0.4."""
    tft, vector = RULES["TFT"]
    for number in (2, 10, 60):
        law = f"memory_one.tit_for_tat_cooperation({number}, {NOISE})"
        scenario = match(tft, tft, number, NOISE)
        name = f"TFT and TFT, P(C) in round {number}"
        yield Case(name, law, scenario, holds_fire(A, number), 20_000)
    for first, second, number in (("GTFT", "GTFT", 40), ("TFT", "WSLS", 7), ("WSLS", "random", 20)):
        (one, chances_one), (two, chances_two) = RULES[first], RULES[second]
        opening = ", opening=(1.0, 0.6)" if second == "random" else ""
        game = f"{chances_one}, {chances_two}, {number}, noise={NOISE}{opening}"
        law = f"memory_one.cooperation({game})[{number - 1}, 1]"
        scenario = match(one, two, number, NOISE)
        name = f"{first} and {second}, P(C) of the second in round {number}"
        yield Case(name, law, scenario, holds_fire(B, number), 20_000)
    for first, second, place in (("WSLS", "WSLS", 0), ("GTFT", "WSLS", 2)):
        (one, chances_one), (two, chances_two) = RULES[first], RULES[second]
        law = f"memory_one.stationary({chances_one}, {chances_two}, noise={NOISE})[{place}]"
        scenario = match(one, two, 200, NOISE)
        name = f"{first} and {second}, share of {('CC', 'CD', 'DC', 'DD')[place]} in the long run"
        yield Case(name, law, scenario, in_state(place), 2_000, 200)
    law = f"memory_one.expected_scores({vector}, {vector}, 200, noise={NOISE})[0]"
    yield Case("TFT and TFT, score in 200 rounds", law, match(tft, tft, 200, NOISE), score, 4_000)


def race(mu: Pair, gains: Pair, decay: Pair) -> str:
    """Give the terms of Richardson's equations for such an exchange: the matrix, the grievances."""
    defence = [[0.0, decay[A] * gains[A]], [decay[B] * gains[B], 0.0]]
    grievance = [decay[i] * mu[i] for i in (A, B)]
    return f"richardson.reaction_matrix({defence}, {decay}), {grievance}"


@regime("Richardson")
def arms_race() -> Iterator[Case]:
    """In the mean over wars, the rates of such an exchange follow Richardson's equations from
    the first day on: a side's fatigue is the inverse of its mean delay, its defence coefficient
    that times its answers per strike, its grievance that times its own tempo. Answers in
    proportion give the same for drones, whose fractions are rounded by a fair draw."""

    def of_day(day: int, player: int, gains: Pair) -> str:
        path = f"richardson.trajectory({race(MU, gains, DECAY)}, {MU}, t)[{player}]"
        return f"integrate.quad(lambda t: {path}, {day - 1}, {day})[0]"

    scenario = exchange(MU, GAINS, DECAY, 4.0)
    for day, i in ((1, A), (1, B), (2, B), (4, A)):
        law = of_day(day, i, GAINS)
        yield Case(f"strikes of {'AB'[i]} on day {day}", law, scenario, on_day(day, i), 20_000)
    runaway = [1.6, 1.2]
    scenario = exchange(MU, runaway, DECAY, 3.0)
    name = "strikes of A on day 3 of a race that runs away"
    yield Case(name, of_day(3, A, runaway), scenario, on_day(3, A), 20_000)
    law = f"richardson.equilibrium({race(MU, GAINS, DECAY)})[1]"
    scenario = exchange(MU, GAINS, DECAY, LONG)
    yield Case("strikes of B a day in equilibrium", law, scenario, mean_day(B), 2_000, 200)
    gains = [1.5, 0.4]
    scenario = in_proportion(MU, gains, DECAY, 3.0, 10**4)
    for i in (A, B):
        measure = drones_on_day(3, i, 1e4)
        name = f"drones of {'AB'[i]} on day 3, in proportion, in 10,000"
        yield Case(name, of_day(3, i, gains), scenario, measure, 10_000, 200)
    plan = esc.Plan(targets={"town": 1.0}, size=10.0)
    proportional = answering(esc.Rule("proportional", gain=0.5), delay_hours=24.0)
    both = side(plans={"strike": plan}, retaliations=proportional)
    law = "10 * branching.total_caused([[0.0, 0.5], [0.5, 0.0]]).sum(axis=0)[0]"
    name = "drones in all, answers to 10 in proportion, gain 0.5"
    scenario = war(both, both, strike(12.0), days=60.0)
    yield Case(name, law, scenario, lambda launched: launched.sum(axis=(1, 2)), 4_000, 200)


# ---------------------------------------------------------------------- what does not agree
#
# Closed forms whose assumptions the engine does not share, so that nobody takes them for it.


def apart() -> list[Case]:
    """Give comparisons that must not agree."""
    law = "saturation.burst_engaged(60, 6, 8.0, 30.0, cycle='exponential', counted='completed')"
    layer = busy(6, 8.0, 30.0, 0.5, cycle="exponential", engagement="completed")
    scenario = raid(60, layer, depth_km=800.0)
    found = [Case("engaged of 60, exponential, completed", law, scenario, engaged, 20_000, 1_000)]
    return [dataclasses.replace(case, regime="Apart") for case in found]


# ---------------------------------------------------------------------- the comparison


@dataclass(frozen=True)
class Row:
    """What came out for a case."""

    case: Case
    wars: int
    """Fought."""
    simulated: float
    error: float
    """Its standard error; 0 for a row without chance."""
    exact: float

    @property
    def z(self) -> float:
        """How many standard errors it is off."""
        return (self.simulated - self.exact) / self.error

    @property
    def passed(self) -> bool:
        """Whether it is off no further than it may."""
        if self.case.tolerance is None:
            return abs(self.z) < LIMIT
        return abs(self.simulated - self.exact) <= self.case.tolerance * abs(self.exact)


def fight(case: Case, seed: int = SEED, *, quick: bool = False) -> Row:
    """Fight a case's wars, with draws of its own, and compare."""
    wars = case.few if quick else case.wars
    name = f"{case.regime}: {case.quantity}"
    rng = np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()),))
    needs = tuple(inspect.signature(case.measure).parameters)
    if needs == ("run",):
        runs = esc.replicate(case.war, replications=wars, rng=rng, engine="compiled")
        found = np.concatenate([case.measure(run) for run in runs])
    else:
        ensemble = esc.simulate_many(case.war, replications=wars, rng=rng, outcomes=needs)
        found = case.measure(*(ensemble.data[outcome] for outcome in needs))
    exact = case.exact
    if case.tolerance is not None:  # the worst war
        return Row(case, wars, float(found[np.abs(found - exact).argmax()]), 0.0, exact)
    return Row(case, wars, *estimate(found, exact), exact)


def estimate(found: Array, exact: float) -> tuple[float, float]:
    """Give a mean, or a ratio of means, and its standard error if the exact value is right."""
    if found.ndim == 2:
        top, bottom = found.T.astype(float)
        error = (top - exact * bottom).std(ddof=1) / math.sqrt(len(found)) / bottom.mean()
        return float(top.sum() / bottom.sum()), float(error)
    if set(np.unique(found)) <= {0.0, 1.0} and 0.0 < exact < 1.0:
        return float(found.mean()), math.sqrt(exact * (1.0 - exact) / len(found))
    return float(found.mean()), float(found.std(ddof=1) / math.sqrt(len(found)))


@dataclass(frozen=True)
class Joint:
    """What independent standard normal numbers have to say to all z together."""

    count: int
    squares: float
    """Sum of z squared."""
    squares_p: float
    """Two-sided p of it, by chi-square with `count` degrees of freedom."""
    distance: float
    """Kolmogorov-Smirnov distance from the normal."""
    distance_p: float
    largest: float
    """Largest |z|."""
    largest_p: float
    """Chance of one as large or larger."""

    @property
    def passed(self) -> bool:
        """Whether neither the sum nor the distance is a surprise."""
        return min(self.squares_p, self.distance_p) > SURPRISE


def joint(z: Sequence[float]) -> Joint:
    """Test z together: are they as scattered, and of such a shape, as they should be?"""
    values = np.asarray(z, dtype=float)
    squares, largest = float(values @ values), float(np.abs(values).max())
    tails = stats.chi2.sf(squares, values.size), stats.chi2.cdf(squares, values.size)
    shape = stats.kstest(values, "norm")
    return Joint(
        values.size, squares, float(min(1.0, 2.0 * min(tails))), float(shape.statistic),
        float(shape.pvalue), largest, false_alarm(values.size, largest),
    )  # fmt: skip


def false_alarm(rows: int, limit: float = LIMIT) -> float:
    """Give the chance that any of so many independent standard normal z reaches a limit."""
    return float(-np.expm1(rows * np.log1p(-2.0 * stats.norm.sf(limit))))


def z_of(rows: Sequence[Row]) -> list[float]:
    """Give the z of the rows that have chance in them."""
    return [row.z for row in rows if row.case.tolerance is None]


# ---------------------------------------------------------------------- the page


def written(row: Row) -> list[str]:
    """Write a result with two digits of its error, and the exact value with one more."""
    if row.error == 0.0:
        return [f"{row.simulated:.10g}", "0", f"{row.exact:.10g}"]
    places = max(1 - math.floor(math.log10(row.error)), 0)
    return [
        f"{row.simulated:.{places}f}", f"{row.error:.{places}f}", f"{row.exact:.{places + 1}f}"
    ]  # fmt: skip


def line(number: int, row: Row) -> str:
    """Give a row of the table in Markdown."""
    simulated, error, exact = written(row)
    z = "none" if row.case.tolerance is not None else f"{row.z:+.2f}"
    cells = [
        str(number), row.case.regime, row.case.quantity, f"{row.wars:,}", simulated, error, exact,
        z,
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def verdict(rows: Sequence[Row]) -> list[str]:
    """Say what all rows come to."""
    test = joint(z_of(rows))
    beyond = sum(abs(z) > 2.0 for z in z_of(rows))
    expected = test.count * 2.0 * stats.norm.sf(2.0)
    plain = [row for row in rows if row.case.tolerance is not None]
    seen = [abs(LIMIT * row.error / row.exact) for row in rows if row.case.tolerance is None]
    return [
        f"- {test.count} rows have chance in them. The largest |z| is {test.largest:.2f}; one as "
        f"large or larger among so many has a chance of {test.largest_p:.2f}. {beyond} are beyond "
        f"2, where {expected:.1f} are to be expected.",
        f"- Sum of z squared: {test.squares:.1f} with {test.count} degrees of freedom, two-sided "
        f"p = {test.squares_p:.2f}.",
        f"- Kolmogorov-Smirnov distance of the z from the standard normal: {test.distance:.3f}, "
        f"p = {test.distance_p:.2f}.",
        f"- {len(plain)} rows have no chance in them. Of {sum(row.passed for row in plain)} the "
        "worst war agrees, but for the rounding of whole drones.",
        f"- A relative error of {100 * np.median(seen):.1f}% would be four standard errors in the "
        f"median row, {100 * min(seen):.2f}% in the sharpest and {100 * max(seen):.0f}% in the "
        "bluntest.",
    ]


def page(rows: Sequence[Row], others: Sequence[Row], seed: int) -> str:
    """Write the page."""
    count = len(z_of(rows))
    names = [row.case.regime for row in rows]
    out = [
        "# Simulation against theory",
        "",
        "Where there is a closed form, the engine must equal it. Each row below is a war in which "
        "the closed form holds exactly, fought many times by the compiled engine and compared with "
        "`escalate.theory`, which shares no law with it.",
        "",
        "The page is written by a script, from the root of the repository:",
        "",
        "```sh",
        "python benchmarks/theory.py            # fights, and writes this page",
        "python benchmarks/theory.py --quick    # few wars; prints the table",
        "```",
        "",
        f"The seed is {seed}; another gives other z. `tests/test_theory_table.py` fights few wars "
        "of every row, and holds the exact values below against their formulas.",
        "",
        "## What came out",
        "",
        *verdict(rows),
        "",
        "Each row fights wars of its own with draws of its own, so the z are independent. A right "
        f"engine would show a |z| of {LIMIT:g} or more somewhere among {count} rows with a chance "
        f"of {false_alarm(count):.4f}, and fail one of the two tests at the level {SURPRISE:g} "
        f"with a chance of {2 * SURPRISE:g} at most; either makes the script exit with 1. Those "
        "are chances of normal z. The mean of a skewed quantity, such as a square, is not "
        "quite normal even over many wars.",
        "",
        "The standard error of a mean is that of the sample, of a chance that of the exact one, of "
        "a ratio that of `numerator - exact * denominator`. A variance or covariance is the mean "
        "of squares or products of what is off the exact means, so it is a mean like any other. A "
        "row without chance shows the worst war and has no z.",
        "",
        "## The table",
        "",
        "| no. | regime | quantity | wars | simulated | s.e. | exact | z |",
        "|--:|---|---|--:|--:|--:|--:|--:|",
        *itertools.starmap(line, enumerate(rows, start=1)),
        "",
        "## What is fought, and the exact values",
        "",
        "A formula is Python in which the modules of `escalate.theory`, and `stats` and "
        "`integrate` of scipy, are known. The wars are built in `benchmarks/theory.py`.",
    ]  # fmt: skip
    for name, function in REGIMES.items():
        first = names.index(name) + 1
        formulas = [row.case.formula for row in rows if row.case.regime == name]
        out += ["", f"### {name}", "", " ".join((function.__doc__ or "").split()), ""]
        out += [f"- {number}: `{formula}`" for number, formula in enumerate(formulas, first)]
    (burst,) = (written(row) for row in others)
    out += [
        "",
        "## Where a closed form is not the engine's",
        "",
        f"- **Exponential cycles that must be completed.** `{others[0].case.formula}` is "
        f"{burst[2]}; the engine engages {burst[0]}, s.e. {burst[1]}. A look that would not be "
        "completed in time is not begun, and the next drone tries the channel with a cycle time "
        "of its own. The closed form lets the look begin, and fail. They agree where cycles are "
        "fixed, or each drone has a channel.",
        "- **Windows that end at random.** `saturation.erlang_a` has no war of its own: a window "
        "has one length for each category.",
        '- **Shots spread look by look.** `magazine_leakage(order="look")` has no war: a channel '
        "stays with its weapon over all looks.",
        "- **Decoys in one raid.** `decoy_leakage` takes them in random order; in a raid, weapons "
        "that arrive together are taken kind by kind.",
        "- **R of a whole log.** Over all strikes of a run it is `1 - episodes / strikes`, below 1 "
        "whatever R is; see [The model](model.md#causes-episodes-and-the-reproduction-number).",
        "- **Strikes that provoke the same side.** Rules answer the other side only, so the "
        "diagonal of a Hawkes process is 0.",
        "",
    ]
    return "\n".join(itertools.chain.from_iterable(map(folded, out)))


def folded(text: str) -> list[str]:
    """Break prose where the other pages do; leave tables and formulas alone."""
    if not text or text.startswith(("|", "#", "`", "python")) or text.partition(": ")[2][:1] == "`":
        return [text]
    indent = "  " if text.startswith("- ") else ""
    # A formula in the text has no place to break at.
    parts = text.split("`")
    parts[1::2] = [part.replace(" ", "\0") for part in parts[1::2]]
    lines = textwrap.wrap(
        "`".join(parts), 100, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    return [line.replace("\0", " ") for line in lines]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fight, compare, and print or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few wars, and no page")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--page", type=Path, default=PAGE, help="where to write")
    chosen = parser.parse_args(arguments)
    rows = []
    for number, case in enumerate(cases(), start=1):
        rows.append(fight(case, chosen.seed, quick=chosen.quick))
        print(line(number, rows[-1]), flush=True)
    print(*verdict(rows), sep="\n")
    if not chosen.quick:
        others = [fight(case, chosen.seed) for case in apart()]
        chosen.page.write_text(page(rows, others, chosen.seed), encoding="utf-8")
    passed = all(row.passed for row in rows) and joint(z_of(rows)).passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
