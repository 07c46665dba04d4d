"""Every check of a scenario's parts, with the message that it gives, and change by path."""

import ast
import copy
import dataclasses
import inspect
import itertools
import math
import pickle
import textwrap
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalate.errors import ScenarioError
from escalate.rules import CATEGORIES, MEASURES, TARGET_CATEGORIES, Rule
from escalate.scenario import (
    CALENDAR,
    CLAIMED_QUANTITIES,
    POLICIES,
    Assessment,
    Claimant,
    Deadline,
    Delivery,
    Entry,
    Ladder,
    Layer,
    OrderedStrike,
    Permission,
    Plan,
    Region,
    Retaliation,
    Rung,
    Scenario,
    Side,
    Target,
    Tempo,
    Truce,
    Weapon,
    schema,
)
from escalate.scenario_file import read_scenario, source_of, unsourced, write_scenario
from tests.strategies import scenarios

START, END = datetime(2023, 12, 1), datetime(2023, 12, 31)
DAYS = {"start": START, "end": END}


def listed(names):
    return "Known: " + (", ".join(sorted(names)) if names else "none") + ","


def weapon(**changes):
    return Weapon(**{"category": "cruise", "stock": 40, "range_km": 800.0, **changes})


def side(**changes):
    """Build a side with one of each."""
    parts = {
        "weapons": {"missile": weapon(), "drone": weapon(category="drone")},
        "layers": {"long_range": Layer(kill_prob={"cruise": 0.8}, magazine=30)},
        "regions": {"north": Region(depth_km=300.0)},
        "targets": {"grid": Target(category="energy", region="north")},
        "plans": {"night": Plan(targets={"grid": 1.0})},
        "retaliations": {"answer": Retaliation(rule=Rule("proportional", gain=1.2), plan="night")},
    }
    return Side(**{**parts, **changes})


def war(*calendar, **changes):
    sides = {"UA": changes.pop("UA", side()), "RU": changes.pop("RU", side())}
    return Scenario(**{"sides": sides, **DAYS, "calendar": calendar, **changes})


def entry(cls, **changes):
    return cls(**{"at": START + timedelta(days=2), "side": "UA", **changes})


def massed(**changes):
    return Tempo(**{"plan": "night", "kind": "massed", "mass_size": 20, **changes})


FAULTS = {
    # What a field may hold.
    "no table": (lambda: Plan(targets=5), "targets", "must be a table, but got 5"),
    "unknown category as a key": (
        lambda: Layer(kill_prob={"cruse": 0.5}),
        "kill_prob.cruse",
        f"unknown key 'cruse': did you mean 'cruise'? {listed(CATEGORIES)}",
    ),
    "unknown target category as a key": (
        lambda: Side(repair_days={"enrgy": 3.0}),
        "repair_days.enrgy",
        f"unknown key 'enrgy': did you mean 'energy'? {listed(TARGET_CATEGORIES)}",
    ),
    "unknown quantity as a key": (
        lambda: Claimant(bias={"kiled": 2.0}),
        "bias.kiled",
        f"unknown key 'kiled': did you mean 'killed'? {listed(CLAIMED_QUANTITIES)}",
    ),
    "number in a table": (
        lambda: Delivery(at=START, side="UA", weapons={"missile": 1.5}),
        "weapons.missile",
        "must be a whole number, but got 1.5",
    ),
    "part of the wrong kind": (
        lambda: Side(weapons={"missile": Region()}),
        "weapons.missile",
        f"must be a Weapon, but got {Region()!r}",
    ),
    "rungs of the wrong kind": (
        lambda: Ladder(rungs={"peace": 1}),
        "rungs.peace",
        "must be a Rung, but got 1",
    ),
    "names that are no list": (
        lambda: Layer(kill_prob={}, regions="north"),
        "regions",
        "must be a list of names, but got 'north'",
    ),
    "names that are no words": (
        lambda: Layer(kill_prob={}, regions=[1]),
        "regions",
        "must be a list of names, but got (1,)",
    ),
    "unknown name in a list": (
        lambda: Layer(kill_prob={}, priorities=["dron"]),
        "priorities",
        f"unknown priorities 'dron': did you mean 'drone'? {listed(CATEGORIES)}",
    ),
    "numbers that are no list": (
        lambda: Layer(kill_prob={}, look_shots=2),
        "look_shots",
        "must be a list of whole numbers, but got 2",
    ),
    "no whole number in a list": (
        lambda: Layer(kill_prob={}, look_shots=[1, 1.5]),
        "look_shots[1]",
        "must be a whole number, but got 1.5",
    ),
    "looks in a barrage": (
        lambda: Layer(kill_prob={}, look_shots=[1, 2]),
        "look_shots",
        "only shoot_look_shoot has looks, but got 'barrage'",
    ),
    "no word": (lambda: Weapon(category=5), "category", "must be a word, but got 5"),
    "unknown word": (
        lambda: Weapon(category="baloon"),
        "category",
        f"unknown category 'baloon': {listed(CATEGORIES)}",
    ),
    "unknown doctrine": (
        lambda: Layer(kill_prob={}, doctrine="barage"),
        "doctrine",
        "unknown doctrine 'barage': did you mean 'barrage'? Known: barrage, shoot_look_shoot,",
    ),
    "unknown measure": (
        lambda: Ladder(rungs={"peace": Rung()}, climb_measure="kiled"),
        "climb_measure",
        f"unknown climb_measure 'kiled': did you mean 'killed'? {listed(MEASURES)}",
    ),
    "no truth": (
        lambda: Layer(kill_prob={}, electronic=1),
        "electronic",
        "must be true or false, but got 1",
    ),
    "no date": (
        lambda: entry(Permission, at="tomorrow"),
        "at",
        "must be a date, but got 'tomorrow'",
    ),
    "a date with an offset": (
        lambda: entry(Permission, at=datetime(2024, 1, 1, tzinfo=UTC)),
        "at",
        "must be a local time without an offset, but got 2024-01-01T00:00:00+00:00",
    ),
    "truth for a number": (
        lambda: weapon(stock=True),
        "stock",
        "must be a number, but got True",
    ),
    "no number of hours": (
        lambda: Side(alert_hours="2 h"),
        "alert_hours",
        "must be a number of hours, but got '2 h'",
    ),
    "no number per day": (
        lambda: weapon(production_per_day="3/d"),
        "production_per_day",
        "must be a number per day, but got '3/d'",
    ),
    "no number of days": (
        lambda: entry(Deadline, lead_days="a week", factor=2.0),
        "lead_days",
        "must be a number of days, but got 'a week'",
    ),
    "no number of kilometres": (
        lambda: Region(depth_km="5 km"),
        "depth_km",
        "must be a number of kilometres, but got '5 km'",
    ),
    "no number of dollars": (
        lambda: weapon(unit_cost_usd="$20"),
        "unit_cost_usd",
        "must be a number of US dollars, but got '$20'",
    ),
    "no number of kilometres per hour": (
        lambda: weapon(speed_km_per_hour="Mach 2"),
        "speed_km_per_hour",
        "must be a number of kilometres per hour, but got 'Mach 2'",
    ),
    "not a number": (
        lambda: weapon(range_km=math.nan),
        "range_km",
        "must be a finite number, but got nan",
    ),
    "infinite": (
        lambda: weapon(unit_cost_usd=math.inf),
        "unit_cost_usd",
        "must be a finite number, but got inf",
    ),
    "no whole number": (
        lambda: weapon(stock=40.0),
        "stock",
        "must be a whole number, but got 40.0",
    ),
    "chance above 1": (
        lambda: Layer(kill_prob={"cruise": 1.2}),
        "kill_prob.cruise",
        "`0 <= kill_prob <= 1` must hold, but got 1.2",
    ),
    "chance below 0": (
        lambda: weapon(reliability_prob=-0.1),
        "reliability_prob",
        "`0 <= reliability_prob <= 1` must hold, but got -0.1",
    ),
    "share above 1": (
        lambda: weapon(damage_share=2),
        "damage_share",
        "`0 <= damage_share <= 1` must hold, but got 2.0",
    ),
    "zero speed": (
        lambda: weapon(speed_km_per_hour=0),
        "speed_km_per_hour",
        "`speed_km_per_hour > 0` must hold, but got 0.0",
    ),
    "zero repair time": (
        lambda: Side(repair_days={"energy": 0}),
        "repair_days.energy",
        "`repair_days > 0` must hold, but got 0.0",
    ),
    "negative stock": (lambda: weapon(stock=-1), "stock", "`stock >= 0` must hold, but got -1"),
    "policy unknown": (
        lambda: Plan(targets={"grid": 1}, policy="cheapest"),
        "policy",
        f"unknown policy 'cheapest': did you mean 'cheapest_first'? {listed(POLICIES)}",
    ),
    "no ladder": (lambda: Side(ladder=5), "ladder", "must be a Ladder, but got 5"),
    "no assessment": (
        lambda: Side(assessment=None),
        "assessment",
        "must be an Assessment, but got None",
    ),
    "no calendar": (lambda: war(calendar=5), "calendar", "must be a list of entries, but got 5"),
    "no calendar entry": (
        lambda: war("today"),
        "calendar[0]",
        "must be a calendar entry, but got 'today'",
    ),
    "no list of places": (
        lambda: war(places={"Kyiv": "north"}),
        "places.Kyiv",
        "must be a list of names, but got 'north'",
    ),
    "whole number past what a float can tell apart": (
        lambda: weapon(stock=2**70),
        "stock",
        "must be below 2**53, but got a number of 71 bits",
    ),
    "huge number for a float": (
        lambda: weapon(production_per_day=10**400),
        "production_per_day",
        "must be below 2**53, but got a number of 1329 bits",
    ),
    "number too long to be written": (
        lambda: weapon(range_km=-(10**5000)),
        "range_km",
        "must be below 2**53, but got a number of 16610 bits",
    ),
    "huge number in a table": (
        lambda: Layer(kill_prob={"cruise": 10**400}),
        "kill_prob.cruise",
        "must be below 2**53, but got a number of 1329 bits",
    ),
    "huge number in a list": (
        lambda: Layer(kill_prob={}, look_shots=[2**53]),
        "look_shots[0]",
        "must be below 2**53, but got a number of 54 bits",
    ),
    "name that is none": (
        lambda: Plan(targets={5: 1.0}),
        "targets.5",
        "must be a name other than `source`, without `.[]=`, but got 5",
    ),
    # What must hold within a part.
    "layer housed in a grid": (
        lambda: Target(category="energy", region="north", layer="long_range"),
        "layer",
        "only an air_defence target houses a layer, but got 'energy'",
    ),
    "electronic layer with a magazine": (
        lambda: Layer(kill_prob={}, electronic=True, magazine=5),
        "magazine",
        "an electronic layer has no magazine, but got 5",
    ),
    "magazine overfull": (
        lambda: Layer(kill_prob={}, magazine=5, magazine_capacity=4),
        "magazine",
        "`magazine <= magazine_capacity` must hold, but got 5 > 4",
    ),
    "no target": (lambda: Plan(targets={}), "targets", "must name a target, but got none"),
    "targets without weight": (
        lambda: Plan(targets={"grid": 0}),
        "targets",
        "a weight above 0 must be given, but got none",
    ),
    "weapons without weight": (
        lambda: Plan(targets={"grid": 1}, weapons={"missile": 0}),
        "weapons",
        "a weight above 0 must be given, but got none",
    ),
    "nothing massed": (
        lambda: massed(mass_size=0),
        "mass_size",
        "`mass_size >= 1` must hold, but got 0",
    ),
    "massed at a rate": (
        lambda: massed(rate_per_day=2),
        "rate_per_day",
        "a massed tempo has no rate, but got 2.0",
    ),
    "routine massed": (
        lambda: Tempo(plan="night", mass_size=5),
        "mass_size",
        "a routine tempo masses nothing and sends no probes",
    ),
    "routine with probes": (
        lambda: Tempo(plan="night", probes=5, probe_plan="night"),
        "mass_size",
        "a routine tempo masses nothing and sends no probes",
    ),
    "probes without a plan": (
        lambda: massed(probes=2),
        "probe_plan",
        "must name a plan for the 2 probes",
    ),
    "no rule": (
        lambda: Retaliation(rule="never", plan="night"),
        "rule",
        "must be a Rule, but got 'never'",
    ),
    "no rung": (lambda: Ladder(rungs={}), "rungs", "must have a rung, but got none"),
    "unknown rung": (
        lambda: Ladder(rungs={"peace": Rung(), "war": Rung()}, start="pece"),
        "start",
        "unknown rung 'pece': did you mean 'peace'? Known: peace, war,",
    ),
    "truce that ends before it begins": (
        lambda: Truce(at=END, until=START),
        "until",
        "`at < until` must hold, but got 2023-12-01T00:00:00",
    ),
    "deadline that slows": (
        lambda: entry(Deadline, lead_days=3, factor=0.5),
        "factor",
        "`factor >= 1` must hold, but got 0.5",
    ),
    # What must hold between the parts of a side.
    "target in no region": (
        lambda: side(targets={"grid": Target(category="energy", region="nort")}),
        "targets.grid.region",
        "unknown region 'nort': did you mean 'north'? Known: north,",
    ),
    "target that houses no layer": (
        lambda: side(
            targets={"site": Target(category="air_defence", region="north", layer="long_rnge")}
        ),
        "targets.site.layer",
        "unknown layer 'long_rnge': did you mean 'long_range'? Known: long_range,",
    ),
    "layer over no region": (
        lambda: side(layers={"short_range": Layer(kill_prob={}, regions=("east",))}),
        "layers.short_range.regions",
        "unknown region 'east': Known: north,",
    ),
    "plan with no weapon": (
        lambda: side(plans={"night": Plan(targets={"grid": 1}, weapons={"misile": 1})}),
        "plans.night.weapons.misile",
        "unknown weapon 'misile': did you mean 'missile'? Known: drone, missile,",
    ),
    "tempo of no plan": (
        lambda: side(tempos={"nightly": Tempo(plan="nigth")}),
        "tempos.nightly.plan",
        "unknown plan 'nigth': did you mean 'night'? Known: night,",
    ),
    "probes of no plan": (
        lambda: side(tempos={"wave": massed(probes=1, probe_plan="day")}),
        "tempos.wave.probe_plan",
        "unknown plan 'day': Known: night,",
    ),
    "weapon massed twice": (
        lambda: side(weapons={"missile": weapon()}, tempos={"a": massed(), "b": massed()}),
        "tempos.b.plan",
        "weapon 'missile' is already set aside by tempo 'a', and can be by one only,",
    ),
    "answer by no plan": (
        lambda: side(retaliations={"answer": Retaliation(rule=Rule("never"), plan="day")}),
        "retaliations.answer.plan",
        "unknown plan 'day': Known: night,",
    ),
    # What must hold in the whole.
    "end before the start": (
        lambda: war(end=datetime(2023, 11, 30)),
        "end",
        "`start < end` must hold, but got 2023-11-30T00:00:00",
    ),
    "one side": (
        lambda: Scenario(sides={"UA": side()}, **DAYS),
        "sides",
        "must be two sides, but got 1",
    ),
    "plan against no target": (
        lambda: war(RU=side(plans={"night": Plan(targets={"gird": 1})})),
        "sides.RU.plans.night.targets.gird",
        "unknown target 'gird': did you mean 'grid'? Known: grid,",
    ),
    "target out of reach": (
        lambda: war(UA=side(regions={"north": Region(depth_km=900)})),
        "sides.RU.plans.night.targets.grid",
        "target 'grid' lies 900 km deep and cannot be reached: the plan's weapons fly 800 km "
        "at most,",
    ),
    "target of a side without weapons": (
        lambda: war(UA=side(weapons={})),
        "sides.UA.plans.night.targets.grid",
        "target 'grid' lies 300 km deep and cannot be reached: the plan's weapons fly 0 km "
        "at most,",
    ),
    "date before the war": (
        lambda: war(entry(Permission, at=datetime(2023, 11, 30))),
        "calendar[0].at",
        "`2023-12-01T00:00:00 <= at <= 2023-12-31T00:00:00` must hold, but got 2023-11-30T00:00:00",
    ),
    "date after the war": (
        lambda: war(Truce(at=datetime(2024, 1, 1), until=datetime(2024, 1, 2))),
        "calendar[0].at",
        "`2023-12-01T00:00:00 <= at <= 2023-12-31T00:00:00` must hold, but got 2024-01-01T00:00:00",
    ),
    "entry for no side": (
        lambda: war(entry(Permission, side="UK")),
        "calendar[0].side",
        "unknown side 'UK': did you mean 'UA'? Known: RU, UA,",
    ),
    "delivery of no weapon": (
        lambda: war(entry(Permission), entry(Delivery, weapons={"jet": 5})),
        "calendar[1].weapons.jet",
        "unknown weapon 'jet': Known: drone, missile,",
    ),
    "delivery to no layer": (
        lambda: war(entry(Delivery, magazines={"long": 5})),
        "calendar[0].magazines.long",
        "unknown layer 'long': did you mean 'long_range'? Known: long_range,",
    ),
    "delivery to a layer without a magazine": (
        lambda: war(
            entry(Delivery, magazines={"jammer": 5}),
            UA=side(layers={"jammer": Layer(kill_prob={}, electronic=True)}),
        ),
        "calendar[0].magazines.jammer",
        "layer 'jammer' has no magazine to fill",
    ),
    "channels for no layer": (
        lambda: war(entry(Delivery, channels={"long": 5})),
        "calendar[0].channels.long",
        "unknown layer 'long': did you mean 'long_range'? Known: long_range,",
    ),
    "order of no plan": (
        lambda: war(entry(OrderedStrike, plan="day")),
        "calendar[0].plan",
        "unknown plan 'day': Known: night,",
    ),
    "order of no weapon": (
        lambda: war(entry(OrderedStrike, plan="night", counts={"jet": 5})),
        "calendar[0].counts.jet",
        "unknown weapon 'jet': Known: drone, missile,",
    ),
    "place that is no region": (
        lambda: war(places={"Kyiv": ["north", "noth"]}),
        "places.Kyiv",
        "unknown region 'noth': did you mean 'north'? Known: north,",
    ),
}


@pytest.mark.parametrize(("make", "place", "message"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_said_with_its_place(make, place, message):
    with pytest.raises(ScenarioError) as caught:
        make()
    assert [(p.place, p.message) for p in caught.value.problems] == [(place, message)]
    assert str(caught.value) == f"{message} at {place}"


@pytest.mark.parametrize("name", ["", "source", "a.b", "a[", "b]", "a=b"])
@pytest.mark.parametrize(
    ("make", "group"),
    [
        (lambda name: Side(weapons={name: weapon()}), "weapons"),
        (lambda name: Side(layers={name: Layer(kill_prob={})}), "layers"),
        (lambda name: Side(regions={name: Region()}), "regions"),
        (lambda name: side(targets={name: side().targets["grid"]}), "targets"),
        (lambda name: side(plans={name: side().plans["night"]}, retaliations={}), "plans"),
        (lambda name: side(tempos={name: Tempo(plan="night")}), "tempos"),
        (lambda name: side(retaliations={name: side().retaliations["answer"]}), "retaliations"),
        (lambda name: Ladder(rungs={name: Rung()}), "rungs"),
        (lambda name: war(claimants={name: Claimant()}), "claimants"),
        (lambda name: Scenario(sides={name: side(), "RU": side()}, **DAYS), "sides"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_name_that_no_path_could_hold_is_refused(make, group, name):
    with pytest.raises(ScenarioError) as caught:
        make(name)
    message = f"must be a name other than `source`, without `.[]=`, but got {name!r}"
    assert [(p.place, p.message) for p in caught.value.problems] == [(f"{group}.{name}", message)]


def test_a_place_is_called_what_the_reports_call_it():
    assert war(places={"St. Petersburg [sic]": ["north"]}).places == {
        "St. Petersburg [sic]": ("north",)
    }


def test_everything_wrong_in_a_part_is_said_at_once():
    with pytest.raises(ScenarioError) as caught:
        Weapon(category="rock", stock=-1, reliability_prob=2, range_km="5 km")
    assert [p.place for p in caught.value.problems] == [
        "category", "stock", "reliability_prob", "range_km",
    ]  # fmt: skip


def test_the_edges_are_allowed():
    weapon(range_km=math.inf, stock=0, reliability_prob=1, damage_share=0)
    Layer(kill_prob={"cruise": 0}, channels=0, magazine=5, magazine_capacity=5)
    entry(Deadline, lead_days=1, factor=1)
    Plan(targets={"grid": 1, "port": 0}, policy=lambda: None)
    war(entry(Permission, at=START), entry(Permission, at=END))
    war(UA=side(regions={"north": Region(depth_km=800)}))


PARTS = [
    Assessment, Claimant, Ladder, Layer, Plan, Region, Retaliation, Rung, Scenario, Side, Target,
    Tempo, Weapon, *CALENDAR.values(),
]  # fmt: skip


@pytest.mark.parametrize("cls", PARTS, ids=lambda cls: cls.__name__)
def test_a_part_refuses_what_it_cannot_mean_in_every_field(cls):
    """No field is left unchecked: each complains of a value of no kind that a file can hold."""
    junk = object()
    with pytest.raises(ScenarioError) as caught:
        cls(**dict.fromkeys(schema(cls), junk))
    wrong = {p.place for p in caught.value.problems}
    # A rule is judged last, when all else is right.
    assert wrong | ({"rule"} & schema(cls).keys()) == schema(cls).keys()


@pytest.mark.parametrize("cls", PARTS, ids=lambda cls: cls.__name__)
def test_every_field_is_explained_with_a_unit_where_it_has_one(cls):
    units = {
        "_hours": "[h]", "_days": "[days]", "_per_day": "/day]", "_km": "[km]", "_usd": "[USD]",
        "_prob": "[-]", "_share": "[-]", "_km_per_hour": "[km/h]",
    }  # fmt: skip
    own = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0].body
    for field, doc in itertools.pairwise(own):
        if isinstance(field, ast.AnnAssign) and not field.target.id.startswith("_"):
            assert isinstance(doc, ast.Expr), field.target.id
            wanted = [unit for end, unit in units.items() if field.target.id.endswith(end)]
            assert all(unit in doc.value.value for unit in wanted), field.target.id


def test_a_scenario_cannot_be_changed_in_place():
    scenario = war()
    with pytest.raises(dataclasses.FrozenInstanceError):
        scenario.title = "another"
    with pytest.raises(TypeError):
        scenario.sides["UA"] = side()
    weights = {"grid": 1}
    plan = Plan(targets=weights)
    weights["grid"] = -1
    assert plan.targets["grid"] == 1.0


def test_whole_numbers_stand_for_any():
    assert type(weapon(production_per_day=3).production_per_day) is float
    assert type(Layer(kill_prob={"cruise": 1}).kill_prob["cruise"]) is float


def test_the_largest_whole_number_is_exact():
    assert weapon(stock=2**53 - 1, production_per_day=2**53 - 1).production_per_day == 2**53 - 1


def own_policy(*_):
    return ()


def own_rule(see, params, memory, u):
    return ()


def test_functions_of_ones_own_are_compared_and_copied():
    policy, rule = lambda *_: (), lambda *_: ()

    def made(policy, rule):
        plan = Plan(targets={"grid": 1.0}, policy=policy)
        answers = {"own": Retaliation(rule=Rule("any_of", Rule(rule, a=1)), plan="night")}
        return war(UA=side(plans={"night": plan}, retaliations=answers))

    scenario = made(policy, rule)
    assert scenario == made(policy, rule) != made(policy, lambda *_: ())
    assert copy.copy(scenario) == copy.deepcopy(scenario) == scenario
    assert scenario.replace({"title": "x"}) == dataclasses.replace(scenario, title="x")
    module_level = made(own_policy, own_rule)
    assert pickle.loads(pickle.dumps(module_level)) == module_level


def test_the_clock_and_the_dates_agree():
    scenario = war()
    assert scenario.horizon_hours == 720.0
    assert scenario.hours(datetime(2023, 12, 2, 6, 30)) == 30.5
    assert scenario.date(30.5) == datetime(2023, 12, 2, 6, 30)


def test_the_schema_gives_types_and_defaults():
    assert schema(Weapon)["category"] == ("str", dataclasses.MISSING)
    assert schema(Weapon)["launchers"] == ("int | None", None)
    assert schema(Side)["weapons"] == ("Mapping[str, Weapon]", {})
    assert schema(Delivery).keys() == {"at", *(f.name for f in dataclasses.fields(Delivery))}
    assert all(issubclass(cls, Entry) for cls in CALENDAR.values())


# Changing values by path.

BASE = war(
    entry(OrderedStrike, plan="night", counts={"missile": 3}),
    UA=side(
        regions={"north": Region(depth_km=300.0), "south": Region()},
        layers={"long_range": Layer(kill_prob={"cruise": 0.8}, magazine=30, regions=["north"])},
        retaliations={
            "answer": Retaliation(rule=Rule("proportional", gain=1.2, cap=40), plan="night"),
            "vow": Retaliation(
                rule=Rule("capped", Rule("proportional", gain=2.0), cap=50), plan="night"
            ),
        },
    ),
)
CHANGES = {
    "sides.UA.layers.long_range.magazine": (
        8,
        lambda s: s.sides["UA"].layers["long_range"].magazine,
    ),
    "sides.UA.layers.long_range.kill_prob.cruise": (
        0.5,
        lambda s: s.sides["UA"].layers["long_range"].kill_prob["cruise"],
    ),
    "sides.UA.retaliations.answer.rule.gain": (
        3.0,
        lambda s: s.sides["UA"].retaliations["answer"].rule.params["gain"],
    ),
    "sides.UA.retaliations.answer.rule.cap": (
        30,
        lambda s: s.sides["UA"].retaliations["answer"].rule.params["cap"],
    ),
    "sides.UA.retaliations.answer.rule": (
        Rule("grim"),
        lambda s: s.sides["UA"].retaliations["answer"].rule,
    ),
    "sides.UA.retaliations.vow.rule.of[0].gain": (
        1.0,
        lambda s: s.sides["UA"].retaliations["vow"].rule.of[0].params["gain"],
    ),
    "sides.UA.retaliations.vow.rule.of": (
        (Rule("grim"),),
        lambda s: s.sides["UA"].retaliations["vow"].rule.of,
    ),
    "sides.UA.layers.long_range.regions[0]": (
        "south",
        lambda s: s.sides["UA"].layers["long_range"].regions[0],
    ),
    "sides.UA.weapons.missile": (weapon(stock=3), lambda s: s.sides["UA"].weapons["missile"]),
    "sides.UA.assessment": (Assessment(delay_hours=3), lambda s: s.sides["UA"].assessment),
    "calendar": ((), lambda s: s.calendar),
    "calendar[0].counts.missile": (7, lambda s: s.calendar[0].counts["missile"]),
    "calendar[0].at": (END, lambda s: s.calendar[0].at),
    "sides.RU.plans.night.size": (5.0, lambda s: s.sides["RU"].plans["night"].size),
    "end": (datetime(2024, 2, 1), lambda s: s.end),
    "title": ("what if", lambda s: s.title),
}


@pytest.mark.parametrize("path", CHANGES)
def test_a_value_is_replaced_by_its_path_and_nothing_else(path):
    value, found = CHANGES[path]
    changed = BASE.replace({path: value})
    assert found(changed) == value
    assert changed != BASE
    assert changed.replace({path: found(BASE)}) == BASE


def test_several_values_are_replaced_at_once():
    within = ("calendar", "sides.UA.retaliations.answer.rule", "sides.UA.retaliations.vow.rule.of")
    changed = BASE.replace({k: value for k, (value, _) in CHANGES.items() if k not in within})
    assert changed.end == datetime(2024, 2, 1)
    assert changed.calendar[0].counts["missile"] == 7


LATER = {"start": datetime(2025, 1, 1), "end": datetime(2025, 1, 31)}
TOGETHER = {
    "start and end": {**LATER, "calendar[0].at": datetime(2025, 1, 2)},
    "range and depth": {
        "sides.UA.regions.north.depth_km": 1500.0,
        "sides.RU.weapons.missile.range_km": 1600.0,
    },
    "a new weapon and a plan for it": {
        "sides.UA.weapons.rocket": Weapon(category="ballistic", stock=5),
        "sides.UA.plans.day": Plan(targets={"grid": 1.0}, weapons={"rocket": 1.0}),
        "sides.UA.retaliations.vow.plan": "day",
    },
    "magazine and capacity": {
        "sides.UA.layers.long_range.magazine": 90,
        "sides.UA.layers.long_range.magazine_capacity": 95,
    },
    "electronic without magazine": {
        "sides.UA.layers.long_range.electronic": True,
        "sides.UA.layers.long_range.magazine": None,
    },
    "kind and mass": {
        "sides.RU.tempos.nightly.kind": "massed",
        "sides.RU.tempos.nightly.mass_size": 10,
        "sides.RU.tempos.nightly.rate_per_day": 0,
    },
}


@pytest.mark.parametrize("changes", TOGETHER.values(), ids=TOGETHER)
def test_only_the_outcome_of_all_changes_must_be_valid(changes):
    start = war(
        *BASE.calendar,
        UA=BASE.sides["UA"],
        RU=side(tempos={"nightly": Tempo(plan="night", rate_per_day=1)}),
    )
    changed = start.replace(changes)
    assert changed == start.replace(dict(reversed(changes.items()))) != start


def test_each_part_is_built_once(monkeypatch):
    built = []
    original = Layer.__post_init__
    monkeypatch.setattr(Layer, "__post_init__", lambda self: built.append(1) or original(self))
    layer = "sides.UA.layers.long_range"
    BASE.replace({f"{layer}.magazine": 5, f"{layer}.channels": 2, f"{layer}.cycle_hours": 1})
    assert len(built) == 1


VOW = "sides.UA.retaliations.vow.rule"
NEW_RULES = {
    "by its name": ({VOW: "tit_for_tat"}, Rule("tit_for_tat")),
    "whole": ({VOW: Rule("generous", forgive_prob=0.1)}, Rule("generous", forgive_prob=0.1)),
    "its name, which keeps nothing": ({f"{VOW}.name": "any_of", f"{VOW}.of": ["grim"]},
                                      Rule("any_of", "grim")),
    "its name and a parameter of the new": (
        {f"{VOW}.gain": 3, f"{VOW}.name": "proportional"}, Rule("proportional", gain=3)),
    "one it holds": ({f"{VOW}.of[0]": Rule("grim")}, Rule("capped", "grim", cap=50)),
    "one it holds, by name": ({f"{VOW}.of[0]": "grim"}, Rule("capped", "grim", cap=50)),
    "name of one it holds": ({f"{VOW}.of[0].name": "grim"}, Rule("capped", "grim", cap=50)),
    "a parameter left at its default": (
        {f"{VOW}.of[0].cap": 7}, Rule("capped", Rule("proportional", gain=2.0, cap=7), cap=50)),
    "here and there": (
        {f"{VOW}.of[0].gain": 1, f"{VOW}.of[0].measure": "hits", f"{VOW}.cap": math.inf},
        Rule("capped", Rule("proportional", gain=1, measure="hits"), cap=math.inf)),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "rule"), NEW_RULES.values(), ids=NEW_RULES)
def test_a_rule_is_replaced(changes, rule):
    assert BASE.replace(changes).sides["UA"].retaliations["vow"].rule == rule


def test_a_function_keeps_the_order_of_its_parameters():
    rule = Rule(own_rule, a=1, b=2)
    scenario = war(UA=side(retaliations={"own": Retaliation(rule=rule, plan="night")}))
    path = "sides.UA.retaliations.own.rule"
    changed = scenario.replace({f"{path}.b": 3, f"{path}.a": 4})
    assert changed.sides["UA"].retaliations["own"].rule.values() == [4.0, 3.0]
    with pytest.raises(ScenarioError, match=r"unknown key 'c': Known: a, b, name, of, at sides.UA"):
        scenario.replace({f"{path}.c": 3})


def test_a_weight_may_be_added_and_so_may_a_thing():
    path, rocket = "sides.UA.plans.night", Weapon(category="ballistic", stock=5)
    changed = BASE.replace({f"{path}.weapons.missile": 2, "sides.UA.weapons.rocket": rocket})
    assert changed.sides["UA"].plans["night"].weapons == {"missile": 2.0}
    assert list(changed.sides["UA"].weapons.items())[2] == ("rocket", rocket)
    changed = BASE.replace({"places.Kyiv": ["north"], "calendar[0].counts.drone": 4})
    assert changed.places == {"Kyiv": ("north",)}
    assert changed.calendar[0].counts == {"missile": 3, "drone": 4}


PATH = "must be names with dots between them, and numbers in brackets, but got "
NOT_REPLACED = {
    "sides.UA.layers.long_rnge.channels": (
        8,
        "unknown key 'long_rnge': did you mean 'long_range'? Known: long_range,",
    ),
    "sides.UA.retaliations.answer.rule.gian": (
        8,
        "unknown key 'gian': did you mean 'gain'? Known: cap, gain, measure, name, of,",
    ),
    "sides.UA.retaliations.answer.rule.gain": ("8", "must be a number, but got '8'"),
    "sides.UA.retaliations.vow.rule.of[0].gain": (-1, "`gain >= 0` must hold, but got -1"),
    "sides.UA.layers.long_range.channels": (-1, "`channels >= 0` must hold, but got -1"),
    "sides.UA.layers.long_range.kill_prob.cruise": (
        1.2,
        "`0 <= kill_prob <= 1` must hold, but got 1.2",
    ),
    "calendar[0].counts.missile": (1.5, "must be a whole number, but got 1.5"),
    "calendar[0].counts.jet": (1, "unknown weapon 'jet': Known: drone, missile,"),
    "calendar[3].at": (END, "there is no calendar[3]"),
    "calendar[x].at": (END, f"{PATH}'calendar[x].at'"),
    "calendar[-1].at": (END, f"{PATH}'calendar[-1].at'"),
    "calendar[00].at": (END, f"{PATH}'calendar[00].at'"),
    "sides..UA": (1, f"{PATH}'sides..UA'"),
    "": (1, f"{PATH}''"),
    "calendar.at": (END, "`calendar` is a list: say which of it, as in calendar[0],"),
    "sides.UA.weapons[0]": (1, "`weapons` holds its parts by name, not by number,"),
    "sides[0]": (1, "`sides` holds its parts by name, not by number,"),
    "sides.UA.alert_hours.x": (1, "`alert_hours` holds 0.0, with nothing below it,"),
    "sides.UA.alert_hours[0]": (1, "`alert_hours` holds 0.0, with nothing below it,"),
    "sides.UA.severity_dispersion.x": (
        1,
        "`severity_dispersion` holds None, with nothing below it,",
    ),
    "sides.UA.layers.long_range.kill_prob.cruise.x": (
        1,
        "`cruise` holds 0.8, with nothing below it,",
    ),
    "sides.UA.retaliations.answer.rule.cap.x": (1, "`cap` holds 40, with nothing below it,"),
    "sides.UA.retaliations.answer.rule.cap[0]": (1, "`cap` holds 40, with nothing below it,"),
    "sides.UA.retaliations.answer.rule.name.x": (
        1,
        "`name` holds 'proportional', with nothing below it,",
    ),
    "sides.UA.retaliations.answer.rule.cp.x": (
        1,
        "unknown key 'cp': did you mean 'cap'? Known: cap, gain, measure, name, of,",
    ),
    "sides.UA.retaliations.answer.rule[0]": (
        1,
        "`rule` holds its parts by name, not by number,",
    ),
    "sides.UA.retaliations.answer.rule.of[0]": (
        "grim",
        "there is no sides.UA.retaliations.answer.rule.of[0]",
    ),
    f"{VOW}.of": ("grim", "must be a list of rules, but got 'grim'"),
    f"{VOW}.of[0].x.y": (
        1,
        "unknown key 'x': Known: cap, gain, measure, name, of,",
    ),
    "sides.UA.ladder.climb_at": (
        5.0,
        "`ladder` is None, with nothing below it: give a whole Ladder instead,",
    ),
    "sides.UA.weapons.rocket": (
        5,
        "unknown key 'rocket': did you mean 'drone'? Known: drone, missile,",
    ),
    "sides.UA.weapons.rocket.stock": (
        5,
        "unknown key 'rocket': did you mean 'drone'? Known: drone, missile,",
    ),
    "sides.UA.weapons.a=b": (
        Weapon(category="drone"),
        "must be a name other than `source`, without `.[]=`, but got 'a=b'",
    ),
    "sides.UA.weapons.missile": (5, "must be a Weapon, but got 5"),
    "sides.UA.retaliations.answer.rule": (5, "must be a Rule, but got 5"),
    "calendar[0].plan": ("day", "unknown plan 'day': Known: night,"),
    "sides.UA.targets.grid.region": (
        "nort",
        "unknown region 'nort': did you mean 'north'? Known: north, south,",
    ),
    "end": (datetime(2023, 1, 1), "`start < end` must hold, but got 2023-01-01T00:00:00"),
}


@pytest.mark.parametrize("path", NOT_REPLACED)
def test_what_cannot_be_replaced_is_said_with_its_path(path):
    value, message = NOT_REPLACED[path]
    with pytest.raises(ScenarioError) as caught:
        BASE.replace({path: value})
    assert (path, message) in [(p.place, p.message) for p in caught.value.problems]


def test_all_changes_that_fail_are_said_at_once():
    with pytest.raises(ScenarioError) as caught:
        BASE.replace({"sides.UA.weapons.missile.stock": -1, "ned": END, "title": "what if"})
    assert [p.place for p in caught.value.problems] == ["sides.UA.weapons.missile.stock", "ned"]


def test_all_changes_that_fail_in_one_part_are_said_at_once():
    layer = "sides.UA.layers.long_range"
    wrong = {
        f"{layer}.chanels": 3,
        f"{layer}.cycle_hours.x": 3,
        f"{layer}.kill_prob.cruise": 7,
        f"{layer}.shots": 0,
        f"{VOW}.of[0].gain": -1,
        f"{VOW}.of[1].gain": 1,
        f"{VOW}.cp": 1,
        "sides.UA.retaliations.answer.rule": "grimm",
        "sides.UA.retaliations.answer.delay_hours": -1,
        "sides.UA.alert_hours": -1,
        "sides.RU": 5,
        "calendar[0].plan": 3,
        "calendar[0].when": 3,
        "end": 3,
        "x[": 3,
    }
    with pytest.raises(ScenarioError) as caught:
        BASE.replace({**wrong, f"{layer}.channels": 3, "title": "fine"})
    places = [p.place.removesuffix(".name") for p in caught.value.problems]
    assert sorted(places) == sorted(wrong)


def test_what_does_not_fit_together_is_not_judged_where_a_value_is_wrong_already():
    with pytest.raises(ScenarioError) as caught:
        BASE.replace({"start": datetime(2025, 1, 1), "ned": datetime(2025, 2, 1)})
    assert [p.place for p in caught.value.problems] == ["ned"]


@pytest.mark.parametrize(
    ("outer", "value", "inner"),
    [
        ("sides.UA.weapons.missile", weapon(), "sides.UA.weapons.missile.stock"),
        ("sides", {}, "sides.UA.weapons.missile.stock"),
        ("calendar", (), "calendar[0].at"),
        (VOW, "grim", f"{VOW}.of[0].gain"),
        (f"{VOW}.cap", 3, f"{VOW}.cap.x"),
        ("sides.UA.weapons.new", weapon(), "sides.UA.weapons.new.stock"),
    ],
)
def test_a_part_and_something_in_it_cannot_both_be_replaced(outer, value, inner):
    for changes in ({outer: value, inner: 3}, {inner: 3, outer: value}):
        with pytest.raises(ScenarioError) as caught:
            BASE.replace(changes)
        message = f"cannot be changed along with {outer}, which it is part of,"
        assert (inner, message) in [(p.place, p.message) for p in caught.value.problems]


# Sources of what is changed.

UA, RULE = "sides.UA", "sides.UA.retaliations.answer.rule"
SOURCED = dataclasses.replace(
    BASE,
    sources={
        "": "all else",
        f"{UA}.layers.long_range": "a book",
        f"{UA}.layers.long_range.magazine": "F1",
        f"{UA}.layers.long_range.kill_prob.cruise": "F2",
        f"{UA}.weapons.missile": "F3",
        f"{UA}.weapons.missile.stock": "F4",
        f"{UA}.permitted_weapons": "F5",
        RULE: "F6",
        f"{RULE}.cap": "F7",
        f"{VOW}.of[0].gain": "F8",
        "calendar[0].counts.missile": "F9",
        "start": "F10",
    },
)
BY_HAND = "changed by hand"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{UA}.layers.long_range.magazine", 3),
        (f"{UA}.layers.long_range.magazine", None),
        (f"{UA}.layers.long_range.channels", 3),
        (f"{UA}.layers.long_range.kill_prob.cruise", 0.1),
        (f"{UA}.layers.long_range.kill_prob.drone", 0.1),
        (f"{UA}.alert_hours", 3),
        (f"{UA}.ladder", Ladder(rungs={"peace": Rung()})),
        (f"{RULE}.cap", 3),
        (f"{RULE}.gain", 3),
        (RULE, Rule("generous", forgive_prob=0.1)),
        (f"{VOW}.of[0].gain", 3),
        (f"{VOW}.of[0]", Rule("grim")),
        ("calendar[0].counts.missile", 5),
        ("calendar[0]", entry(Permission, depth_km=5)),
        ("start", datetime(2023, 11, 30)),
    ],
)
def test_a_change_has_no_source_but_the_hand_that_made_it(path, value):
    changed = SOURCED.replace({path: value})
    assert source_of(changed, path) == BY_HAND
    below = [p for p in SOURCED.sources if p.startswith((f"{path}.", f"{path}["))]
    kept = {p: text for p, text in SOURCED.sources.items() if p != path and p not in below}
    assert changed.sources == {**kept, path: BY_HAND}
    assert read_scenario(write_scenario(changed)) == changed


@pytest.mark.parametrize(
    ("changes", "gone", "made"),
    [
        # Of two that differ little only what differs is new.
        (
            {f"{UA}.weapons.missile": weapon(stock=5)},
            {f"{UA}.weapons.missile.stock"},
            {f"{UA}.weapons.missile.stock"},
        ),
        (
            {f"{UA}.weapons.missile.stock": 5, f"{UA}.weapons.missile.reserve": 1},
            {f"{UA}.weapons.missile.stock"},
            {f"{UA}.weapons.missile.stock", f"{UA}.weapons.missile.reserve"},
        ),
        (
            {f"{UA}.weapons": {"drone": weapon(category="drone")}, "calendar[0].counts": {}},
            {
                f"{UA}.weapons.missile",
                f"{UA}.weapons.missile.stock",
                "calendar[0].counts.missile",
            },
            set(),
        ),
        ({f"{UA}.weapons.rocket": weapon()}, set(), {f"{UA}.weapons.rocket"}),
        ({f"{RULE}.name": "grim"}, {RULE, f"{RULE}.cap"}, {RULE}),
        ({f"{RULE}": Rule("proportional", gain=1.2)}, {f"{RULE}.cap"}, set()),
        ({f"{RULE}.measure": "hits"}, set(), set()),
        ({f"{UA}.permitted_weapons": ["drone"]}, {f"{UA}.permitted_weapons"}, set()),
        ({f"{UA}.permitted_weapons[0]": "decoy"}, {f"{UA}.permitted_weapons"}, set()),
        ({"calendar": ()}, {"calendar[0].counts.missile"}, set()),
        (
            {"calendar": (*BASE.calendar, entry(Permission))},
            set(),
            {"calendar[1]"},
        ),
        (
            {
                f"{UA}.layers.long_range.doctrine": "shoot_look_shoot",
                f"{UA}.layers.long_range.look_shots": [1, 2],
            },
            set(),
            {f"{UA}.layers.long_range.look_shots"},
        ),
        ({"title": "x", "places.Kyiv": ["north"]}, set(), set()),
    ],
)
def test_only_what_differs_loses_its_source(changes, gone, made):
    changed = SOURCED.replace(changes)
    kept = {path: text for path, text in SOURCED.sources.items() if path not in gone}
    assert changed.sources == {**kept, **dict.fromkeys(made, BY_HAND)}
    assert read_scenario(write_scenario(changed)) == changed


def test_a_number_of_a_list_shares_its_source():
    start = dataclasses.replace(
        BASE.replace(
            {
                f"{UA}.layers.long_range.doctrine": "shoot_look_shoot",
                f"{UA}.layers.long_range.look_shots": [1, 2],
            }
        ),
        sources={f"{UA}.layers.long_range.look_shots": "F1"},
    )
    changed = start.replace({f"{UA}.layers.long_range.look_shots[1]": 5})
    assert changed.sources == {f"{UA}.layers.long_range.look_shots": BY_HAND}
    assert read_scenario(write_scenario(changed)) == changed


def test_sources_are_kept_where_there_are_none_or_they_are_given():
    assert not BASE.replace({f"{UA}.alert_hours": 3}).sources
    changed = SOURCED.replace({f"{UA}.alert_hours": 3, "sources": {"start": "F1"}})
    assert changed.sources == {"start": "F1"}


@given(scenarios(), st.data())
def test_a_changed_scenario_is_written_and_read_as_it_is(scenario, data):
    path = data.draw(st.sampled_from(unsourced(dataclasses.replace(scenario, sources={}))))
    try:
        changed = scenario.replace({path: data.draw(st.sampled_from((0, 1, 5, END)))})
    except ScenarioError:
        return
    assert read_scenario(write_scenario(changed)) == changed
    if scenario.sources and changed != scenario:
        assert source_of(changed, path) == BY_HAND


@given(scenarios(), st.data())
def test_replacing_a_value_by_itself_changes_nothing(scenario, data):
    values = {"start": scenario.start, "calendar": scenario.calendar}
    for name, held in scenario.sides.items():
        for group in ("weapons", "layers", "targets", "plans", "tempos", "retaliations"):
            for key, part in getattr(held, group).items():
                for field in schema(type(part)):
                    values[f"sides.{name}.{group}.{key}.{field}"] = getattr(part, field)
    path = data.draw(st.sampled_from(sorted(values)))
    assert scenario.replace({path: values[path]}) == scenario


def test_numbers_of_numpy_are_taken_as_pythons_own():
    layer = Layer(kill_prob={"drone": np.float32(0.5)}, channels=np.int64(4))
    assert layer == Layer(kill_prob={"drone": 0.5}, channels=4)
    assert type(layer.channels) is int
    assert type(layer.kill_prob["drone"]) is float
    looks = Layer(kill_prob={}, doctrine="shoot_look_shoot", look_shots=[np.int64(1), np.int32(2)])
    assert looks.look_shots == (1, 2)
    rule = Rule("gradual", calm=np.int64(2))
    assert repr(rule) == "Rule('gradual', calm=2)"
    with pytest.raises(ScenarioError, match="channels"):
        Layer(kill_prob={}, channels=np.bool_(True))
