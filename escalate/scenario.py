"""What is at war: a scenario as frozen dataclasses, checked on construction.

Every field is followed by its meaning and unit. Names end in their unit (`_hours`,
`_per_day`, `_km`, `_usd`), chances in `_prob`, parts of a whole in `_share`; counts are
bare plurals. Things with a name (weapons, layers, regions, targets, plans, tempos, rungs)
are kept in mappings from the name; where order matters it is the order of the mapping.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from escalate.errors import Problem, ScenarioError, closest
from escalate.rules import CATEGORIES, MEASURES, RULES, TARGET_CATEGORIES, Rule, oversized, plain

__all__ = [
    "CALENDAR",
    "CLAIMED_QUANTITIES",
    "POLICIES",
    "Assessment",
    "Claimant",
    "Deadline",
    "Delivery",
    "Entry",
    "Ladder",
    "Layer",
    "OrderedStrike",
    "Permission",
    "Plan",
    "Region",
    "Retaliation",
    "Rung",
    "Scenario",
    "Side",
    "Target",
    "Tempo",
    "Truce",
    "Weapon",
]

POLICIES = ("proportional", "cheapest_first", "drones_and_decoys_first", "equal_share")
"""Allocation policies, in the order of their numbers."""

CLAIMED_QUANTITIES = (
    "launched", "intercepted", "hits", "killed", "injured", "blackout_regions",
)  # fmt: skip
"""What a claimant may speak about."""


BY_HAND = "changed by hand"
"""Source of what `Scenario.replace` has changed."""


class _Checked:
    """Checks every field of a dataclass by its type, its name's ending and its metadata."""

    _choices: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Known words of fields that hold words, or keys of mappings."""
    _positive: ClassVar[tuple[str, ...]] = ()
    """Numbers that must be above 0."""
    _unbounded: ClassVar[tuple[str, ...]] = ()
    """Numbers that may be infinite."""
    _free: ClassVar[tuple[str, ...]] = ()
    """Mappings whose keys need not fit into a path."""

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        for item in dataclasses.fields(self):  # type: ignore[arg-type]
            value = _frozen(getattr(self, item.name), str(item.type))
            object.__setattr__(self, item.name, value)
            problems.extend(self._check(item.name, str(item.type), value))
        if not problems:
            problems.extend(self._together())
        if problems:
            raise ScenarioError(problems)

    def __reduce__(self) -> tuple[Any, ...]:
        # A read-only mapping cannot be pickled or copied; it is made anew on construction.
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]
        return _built, (type(self), {name: _thawed(value) for name, value in values.items()})

    def _together(self) -> Iterator[Problem]:
        """Give what is wrong between fields that are each right."""
        return iter(())

    def _check(self, name: str, kind: str, value: Any) -> Iterator[Problem]:
        if value is None and "None" in kind:
            return
        if kind.startswith("Mapping[str, "):
            if not isinstance(value, Mapping):
                yield Problem(name, f"must be a table, but got {value!r}")
                return
            inner = _inner(kind)
            for key, part in value.items():
                place = f"{name}.{key}"
                if name in self._choices and key not in self._choices[name]:
                    known = closest(str(key), self._choices[name])
                    yield Problem(place, f"unknown key {key!r}: {known},")
                    continue
                if name not in self._free and (not isinstance(key, str) or not _NAME(key)):
                    message = f"must be a name other than `source`, without `.[]=`, but got {key!r}"
                    yield Problem(place, message)
                if inner in _SCALARS:
                    yield from self._scalar(place, name, inner, part)
                elif inner.startswith("tuple[str") and not _are_names(part):
                    yield Problem(place, f"must be a list of names, but got {part!r}")
                elif inner in globals() and not isinstance(part, globals()[inner]):
                    yield Problem(place, f"must be a {inner}, but got {part!r}")
        elif kind.startswith("tuple[str"):
            if not _are_names(value):
                yield Problem(name, f"must be a list of names, but got {value!r}")
                return
            for word in value:
                yield from self._word(name, word)
        elif kind == "tuple[int, ...]":
            if not isinstance(value, tuple):
                yield Problem(name, f"must be a list of whole numbers, but got {value!r}")
                return
            for i, part in enumerate(value):
                yield from self._scalar(f"{name}[{i}]", name, "int", part)
        elif kind in _SCALARS:
            yield from self._scalar(name, name, kind, value)

    def _word(self, name: str, word: str) -> Iterator[Problem]:
        if name in self._choices and word not in self._choices[name]:
            known = closest(word, self._choices[name])
            yield Problem(name, f"unknown {name} {word!r}: {known},")

    def _scalar(self, place: str, name: str, kind: str, value: Any) -> Iterator[Problem]:
        kind = kind.removesuffix(" | None")
        if kind == "str":
            if isinstance(value, str):
                yield from self._word(name, value)
            else:
                yield Problem(place, f"must be a word, but got {value!r}")
            return
        if kind == "bool":
            if not isinstance(value, bool):
                yield Problem(place, f"must be true or false, but got {value!r}")
            return
        if kind == "datetime":
            if not isinstance(value, datetime):
                yield Problem(place, f"must be a date, but got {value!r}")
            elif value.tzinfo is not None:
                yield Problem(
                    place, f"must be a local time without an offset, but got {value.isoformat()}"
                )
            return
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            unit = next((u for end, u in _UNITS.items() if name.endswith(end)), "")
            yield Problem(place, f"must be a number{unit}, but got {value!r}")
        elif large := oversized(value):
            yield Problem(place, large)
        elif math.isnan(value) or (math.isinf(value) and name not in self._unbounded):
            yield Problem(place, f"must be a finite number, but got {value!r}")
        elif kind == "int" and not isinstance(value, int):
            yield Problem(place, f"must be a whole number, but got {value!r}")
        elif name.endswith(("_prob", "_share")) and not 0 <= value <= 1:
            yield Problem(place, f"`0 <= {name} <= 1` must hold, but got {value!r}")
        elif name in self._positive and not value > 0:
            yield Problem(place, f"`{name} > 0` must hold, but got {value!r}")
        elif value < 0:
            yield Problem(place, f"`{name} >= 0` must hold, but got {value!r}")


_NAME = re.compile(r"(?!source\Z)[^.\[\]=]+").fullmatch
_SCALARS = tuple(
    f"{kind}{none}"
    for kind in ("int", "float", "str", "bool", "datetime")
    for none in ("", " | None")
)
_UNITS = {
    "_hours": " of hours", "_per_day": " per day", "_days": " of days", "_km": " of kilometres",
    "_usd": " of US dollars", "_km_per_hour": " of kilometres per hour",
}  # fmt: skip


def _inner(kind: str) -> str:
    return kind.removeprefix("Mapping[str, ").removesuffix("]")


def _are_names(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(name, str) for name in value)


def _built(cls: type, values: dict[str, Any]) -> Any:
    return cls(**values)


def _thawed(value: Any) -> Any:
    return {k: _thawed(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _frozen(value: Any, kind: str) -> Any:
    """Give a value that cannot be changed behind the checks' back; ints stand for floats."""
    if isinstance(value, Mapping):
        return types.MappingProxyType({k: _frozen(v, _inner(kind)) for k, v in value.items()})
    if kind.startswith("tuple") and isinstance(value, (list, tuple)):
        return tuple(map(plain, value))
    value = plain(value)
    if kind.startswith("float") and isinstance(value, int) and not isinstance(value, bool):
        return value if oversized(value) else float(value)
    if kind.startswith("datetime") and type(value) is date:  # a date means its midnight
        return datetime.combine(value, time())
    return value


@dataclass(frozen=True, kw_only=True)
class Weapon(_Checked):
    """A class of munition that a side owns."""

    category: str
    """One of `drone, cruise, ballistic, hypersonic, decoy, artillery`."""
    stock: int = 0
    """Rounds at the start. [weapons]"""
    production_per_day: float = 0.0
    """Own production, slowed by damage to industry. [weapons/day]"""
    resupply_per_day: float = 0.0
    """Supply from outside, which damage does not touch. [weapons/day]"""
    reserve: int = 0
    """Rounds that are never launched. [weapons]"""
    reliability_prob: float = 1.0
    """Chance that a launched round is no dud. [-]"""
    range_km: float = math.inf
    """Depth behind the border that it reaches. [km]"""
    speed_km_per_hour: float = 800.0
    """Speed over ground. [km/h]"""
    damage_share: float = 0.0
    """Part of an intact site that one hit destroys. [-]"""
    lethality: float = 1.0
    """Casualties per hit, as a multiple of the target's. [-]"""
    vulnerability_share: float = 1.0
    """Multiplies every layer's kill probability; 0 for a weapon that no layer can stop. [-]"""
    unit_cost_usd: float = 0.0
    """Cost of one round. [USD]"""
    launchers: int | None = None
    """Rounds that one wave can take while no military site is damaged; None for any. [weapons]"""

    _choices: ClassVar = {"category": CATEGORIES}
    _positive: ClassVar = ("speed_km_per_hour", "range_km")
    _unbounded: ClassVar = ("range_km",)


@dataclass(frozen=True, kw_only=True)
class Region(_Checked):
    """A part of a side's country, known only by its depth behind the border."""

    depth_km: float = 0.0
    """Distance that a weapon flies from the border. [km]"""
    third_party: str = ""
    """Neighbour whose airspace weapons bound for here may stray into; empty for none."""
    stray_prob: float = 0.0
    """Chance that a weapon bound for here does so. [-]"""
    blackout_share: float = 1.0
    """Damage to the region's energy sites at which the lights go out. [-]"""
    restricted_share: float = 1.0
    """The same while preventive restrictions are in force. [-]"""


@dataclass(frozen=True, kw_only=True)
class Target(_Checked):
    """A set of alike sites in one region."""

    category: str
    """One of `energy, industry, military, transport, air_defence, urban`."""
    region: str
    """Name of its region."""
    sites: int = 1
    """Sites in the set. [sites]"""
    killed_per_hit: float = 0.0
    """Mean number killed by one hit of lethality 1. [people]"""
    injured_per_hit: float = 0.0
    """Mean number injured by one hit of lethality 1. [people]"""
    layer: str = ""
    """For air defence: the layer that it houses; empty for every layer of the side."""

    _choices: ClassVar = {"category": TARGET_CATEGORIES}
    _positive: ClassVar = ("sites",)

    def _together(self) -> Iterator[Problem]:
        if self.layer and self.category != "air_defence":
            yield Problem(
                "layer", f"only an air_defence target houses a layer, but got {self.category!r}"
            )


@dataclass(frozen=True, kw_only=True)
class Layer(_Checked):
    """One belt of a side's defence; layers engage in the order of their mapping."""

    kill_prob: Mapping[str, float]
    """Chance that one shot stops a weapon, by category; a category not named is not engaged. [-]"""
    channels: int = 1
    """Weapons engaged at a time. [channels]"""
    cycle_hours: float = 0.0
    """Time that one look, or one barrage, keeps a channel busy; the mean if exponential. [h]"""
    cycle: str = "fixed"
    """`fixed` or `exponential`."""
    window_hours: Mapping[str, float] = field(default_factory=dict)
    """Time that a weapon can be engaged, by category; 0 where not named. [h]"""
    engagement: str = "begun"
    """Whether a look must have `begun`, or be `completed`, by the end of the window."""
    doctrine: str = "barrage"
    """`barrage` of `shots` at once, or `shoot_look_shoot` with up to `shots` looks."""
    shots: int = 1
    """Shots of a barrage, or most looks at one weapon, one shot each. [shots]"""
    look_shots: tuple[int, ...] = ()
    """For `shoot_look_shoot`: shots at each look where not one each; sets aside `shots`. [shots]"""
    up_prob: float = 1.0
    """Chance, once per raid, that the layer works at all against it. [-]"""
    track_prob: float = 1.0
    """Chance, once per weapon, that the layer tracks it at all. [-]"""
    magazine: int | None = None
    """Interceptors at the start; None without limit. [shots]"""
    magazine_capacity: int | None = None
    """Most that resupply fills the magazine to; None without limit. [shots]"""
    resupply_per_day: float = 0.0
    """Interceptors from outside. [shots/day]"""
    priorities: tuple[str, ...] = ()
    """Categories engaged first when weapons arrive together, first the most urgent."""
    hold_below: int = 0
    """With fewer interceptors than this only the first of `priorities` is engaged. [shots]"""
    common_mode_concentration: float | None = None
    """Beta concentration of the kill probability drawn per raid and layer; None for none. [-]"""
    electronic: bool = False
    """Electronic warfare: no interceptors are spent; its stops are told apart as `lost`."""
    regions: tuple[str, ...] = ()
    """Regions that it covers; empty for all."""
    shot_cost_usd: float = 0.0
    """Cost of one interceptor. [USD]"""

    _choices: ClassVar = {
        "kill_prob": CATEGORIES,
        "window_hours": CATEGORIES,
        "priorities": CATEGORIES,
        "cycle": ("fixed", "exponential"),
        "engagement": ("begun", "completed"),
        "doctrine": ("barrage", "shoot_look_shoot"),
    }
    _positive: ClassVar = ("shots", "look_shots", "common_mode_concentration")

    def _together(self) -> Iterator[Problem]:
        if self.electronic and self.magazine is not None:
            yield Problem(
                "magazine", f"an electronic layer has no magazine, but got {self.magazine}"
            )
        if self.hold_below and not self.priorities:
            yield Problem(
                "hold_below", f"needs `priorities` to hold for, but got {self.hold_below} and none"
            )
        if self.look_shots and self.doctrine != "shoot_look_shoot":
            yield Problem(
                "look_shots", f"only shoot_look_shoot has looks, but got {self.doctrine!r}"
            )
        if self.magazine_capacity is not None and (self.magazine or 0) > self.magazine_capacity:
            yield Problem(
                "magazine",
                f"`magazine <= magazine_capacity` must hold, but got {self.magazine} "
                f"> {self.magazine_capacity}",
            )


@dataclass(frozen=True, kw_only=True)
class Plan(_Checked):
    """How a strike is made up."""

    targets: Mapping[str, float]
    """Targets of the other side and their weights. [-]"""
    size: float = 1.0
    """Mean number of weapons wanted. [weapons]"""
    size_dispersion: float | None = None
    """Size parameter of a negative binomial around it; None for exactly `size`. [-]"""
    weapons: Mapping[str, float] = field(default_factory=dict)
    """Weapons that may be used and their weights; empty for the whole arsenal alike. [-]"""
    policy: str = "proportional"
    """One of `POLICIES`, or a function of the user's own, see the docs."""
    waves: int = 1
    """Waves that the strike leaves in. [waves]"""
    duration_hours: float = 0.0
    """Time from the first wave to the last. [h]"""

    _positive: ClassVar = ("size_dispersion", "waves")

    def _check(self, name: str, kind: str, value: Any) -> Iterator[Problem]:
        if name == "policy":
            if not callable(value) and value not in POLICIES:
                known = closest(str(value), POLICIES)
                yield Problem(name, f"unknown policy {value!r}: {known},")
            return
        yield from super()._check(name, kind, value)

    def _together(self) -> Iterator[Problem]:
        if not self.targets:
            yield Problem("targets", "must name a target, but got none")
        elif sum(self.targets.values()) <= 0:
            yield Problem("targets", "a weight above 0 must be given, but got none")
        if self.weapons and sum(self.weapons.values()) <= 0:
            yield Problem("weapons", "a weight above 0 must be given, but got none")


@dataclass(frozen=True, kw_only=True)
class Tempo(_Checked):
    """Strikes a side makes of its own accord."""

    plan: str
    """The plan that is carried out."""
    kind: str = "routine"
    """`routine` at a rate, or `massed`: accumulate, then strike."""
    rate_per_day: float = 0.0
    """Routine: strikes, as a Poisson process. [1/day]"""
    mass_size: int = 0
    """Massed: strike once this many weapons are set aside. [weapons]"""
    set_aside_share: float = 1.0
    """Massed: part of production and deliveries of the plan's weapons put aside for it. [-]"""
    check_hours: float = 6.0
    """Massed: how often the side looks whether it has enough. [h]"""
    probes: int = 0
    """Massed: probing strikes ahead of it. [strikes]"""
    probe_plan: str = ""
    """Massed: the plan of a probing strike."""
    probe_lead_hours: float = 0.0
    """Massed: time from the first probing strike to the massed one. [h]"""

    _choices: ClassVar = {"kind": ("routine", "massed")}
    _positive: ClassVar = ("check_hours",)

    def _together(self) -> Iterator[Problem]:
        if self.kind == "massed" and self.mass_size < 1:
            yield Problem("mass_size", f"`mass_size >= 1` must hold, but got {self.mass_size}")
        if self.kind == "massed" and self.rate_per_day > 0:
            yield Problem(
                "rate_per_day", f"a massed tempo has no rate, but got {self.rate_per_day!r}"
            )
        if self.kind == "routine" and (self.mass_size or self.probes):
            yield Problem("mass_size", "a routine tempo masses nothing and sends no probes")
        if self.probes and not self.probe_plan:
            yield Problem("probe_plan", f"must name a plan for the {self.probes} probes")


@dataclass(frozen=True, kw_only=True)
class Retaliation(_Checked):
    """How a side answers: a rule and what carries out its answer."""

    rule: Rule
    """The rule."""
    plan: str
    """The plan of an answer; the rule sets its size."""
    delay_hours: float = 0.0
    """From the decision to the first wave; the mean if exponential. [h]"""
    delay: str = "fixed"
    """`fixed` or `exponential`."""
    answers_mean: float | None = None
    """Give a Poisson number of answering strikes with this mean; None for one. [strikes]"""
    review_hours: float = 0.0
    """Ask the rule every so often; 0 to ask it after each assessed strike. [h]"""
    slip_prob: float = 0.0
    """Chance that a decision is carried out as its opposite. [-]"""

    _choices: ClassVar = {"delay": ("fixed", "exponential")}

    def _check(self, name: str, kind: str, value: Any) -> Iterator[Problem]:
        yield from super()._check(name, kind, value)
        if name == "rule" and not isinstance(value, Rule):
            yield Problem(name, f"must be a Rule, but got {value!r}")


@dataclass(frozen=True, kw_only=True)
class Rung(_Checked):
    """One level of the ladder and what it permits."""

    weapons: tuple[str, ...] = CATEGORIES
    """Weapon categories permitted."""
    targets: tuple[str, ...] = TARGET_CATEGORIES
    """Target categories permitted."""
    size_factor: float = 1.0
    """Multiplies the standard size of an answer. [-]"""

    _choices: ClassVar = {"weapons": CATEGORIES, "targets": TARGET_CATEGORIES}


@dataclass(frozen=True, kw_only=True)
class Ladder(_Checked):
    """Discrete escalation levels of a side, the lowest first."""

    rungs: Mapping[str, Rung]
    """The rungs by name."""
    start: str = ""
    """Rung at the start; empty for the lowest."""
    climb_measure: str = "killed"
    """What a provocation is measured by: one of `MEASURES`."""
    climb_at: float | None = None
    """Provocation that makes the side climb one rung; None for never."""
    climb_targets: tuple[str, ...] = ()
    """Target categories whose being struck makes it climb."""
    descend_after_hours: float | None = None
    """Quiet after which it climbs down one rung; None for never. [h]"""

    _choices: ClassVar = {"climb_measure": MEASURES, "climb_targets": TARGET_CATEGORIES}
    _positive: ClassVar = ("descend_after_hours",)

    def _together(self) -> Iterator[Problem]:
        if not self.rungs:
            yield Problem("rungs", "must have a rung, but got none")
        elif self.start and self.start not in self.rungs:
            yield Problem(
                "start", f"unknown rung {self.start!r}: {closest(self.start, self.rungs)},"
            )


@dataclass(frozen=True, kw_only=True)
class Assessment(_Checked):
    """How a side comes to believe what was done to it."""

    delay_hours: float = 0.0
    """From a strike's last impact to the belief; the mean if exponential. [h]"""
    delay: str = "fixed"
    """`fixed` or `exponential`."""
    noise_sd_log: float = 0.0
    """Standard deviation of the log of what is believed over what is true. [-]"""
    exaggeration: float = 1.0
    """Median of what is believed over what is true. [-]"""
    miss_prob: float = 0.0
    """Chance that a strike is not noticed, or not laid to the other side. [-]"""
    false_alarms_per_day: float = 0.0
    """Strikes believed in that never were, as a Poisson process. [1/day]"""
    false_alarm_size: float = 1.0
    """Weapons, all through, that a false alarm is believed to be. [weapons]"""

    _choices: ClassVar = {"delay": ("fixed", "exponential")}
    _positive: ClassVar = ("exaggeration",)


@dataclass(frozen=True, kw_only=True)
class Claimant(_Checked):
    """One voice that says what happened. Claims change nothing in the war."""

    speaks_as: str = "defender"
    """Of strikes its side suffers (`defender`), makes (`attacker`), or of all (`press`)."""
    quantities: tuple[str, ...] = ("launched", "intercepted", "killed", "injured")
    """What it speaks about."""
    bias: Mapping[str, float] = field(default_factory=dict)
    """What it says over what is true, by quantity; 1 where not named. [-]"""
    noise_sd_log: float = 0.0
    """Standard deviation of the log of that ratio. [-]"""
    rounding: int = 1
    """It rounds to multiples of this. [-]"""
    relation: str = "exactly"
    """Relation in which its numbers are given."""
    delay_hours: float = 0.0
    """From a strike's last impact to its first claim. [h]"""
    first_share: float = 1.0
    """Part of the casualties known at the first claim. [-]"""
    revisions: int = 0
    """Later claims that raise casualties to the full count in equal steps. [claims]"""
    revision_hours: float = 24.0
    """Time between them. [h]"""
    silence_prob: float = 0.0
    """Chance that it says nothing about a strike. [-]"""

    _choices: ClassVar = {
        "speaks_as": ("defender", "attacker", "press"),
        "quantities": CLAIMED_QUANTITIES,
        "bias": CLAIMED_QUANTITIES,
        "relation": ("exactly", "about", "at_least", "more_than", "dozens"),
    }
    _positive: ClassVar = ("rounding",)


@dataclass(frozen=True, kw_only=True)
class Side(_Checked):
    """One of the two belligerents."""

    weapons: Mapping[str, Weapon] = field(default_factory=dict)
    """The arsenal."""
    layers: Mapping[str, Layer] = field(default_factory=dict)
    """The defence, the outermost layer first."""
    regions: Mapping[str, Region] = field(default_factory=dict)
    """Where its targets are."""
    targets: Mapping[str, Target] = field(default_factory=dict)
    """What can be struck."""
    plans: Mapping[str, Plan] = field(default_factory=dict)
    """How its strikes are made up."""
    tempos: Mapping[str, Tempo] = field(default_factory=dict)
    """Strikes of its own accord."""
    retaliations: Mapping[str, Retaliation] = field(default_factory=dict)
    """Strikes in answer; each rule is asked by itself."""
    ladder: Ladder | None = None
    """Escalation levels; None where everything is permitted."""
    assessment: Assessment = field(default_factory=Assessment)
    """How it comes to believe."""
    claimants: Mapping[str, Claimant] = field(default_factory=dict)
    """Who speaks for it."""
    permitted_weapons: tuple[str, ...] = CATEGORIES
    """Weapon categories it may use at the start, whatever its rung."""
    permitted_targets: tuple[str, ...] = TARGET_CATEGORIES
    """Target categories it may strike at the start."""
    permitted_depth_km: float | None = None
    """Deepest region it may strike at the start; None for any. [km]"""
    repair_days: Mapping[str, float] = field(default_factory=dict)
    """Mean time to repair by target category; no repair where not named. [days]"""
    severity_dispersion: float | None = None
    """Gamma shape of the factor common to all casualties of a strike it suffers; None for 1. [-]"""
    production_at_risk_share: float = 1.0
    """Part of production lost when all industry is destroyed. [-]"""
    launchers_at_risk_share: float = 1.0
    """Part of launch capacity lost when all military sites are destroyed. [-]"""
    channels_at_risk_share: float = 1.0
    """Part of channels lost when all air-defence sites are destroyed. [-]"""
    restriction_share: float | None = None
    """Damage to its energy sites past which preventive restrictions hold; None for never. [-]"""
    alert_hours: float = 0.0
    """How long an air-raid alert lasts beyond the last impact. [h]"""

    _choices: ClassVar = {
        "permitted_weapons": CATEGORIES,
        "permitted_targets": TARGET_CATEGORIES,
        "repair_days": TARGET_CATEGORIES,
    }
    _positive: ClassVar = ("repair_days", "severity_dispersion")

    def _check(self, name: str, kind: str, value: Any) -> Iterator[Problem]:
        yield from super()._check(name, kind, value)
        if name == "ladder" and value is not None and not isinstance(value, Ladder):
            yield Problem(name, f"must be a Ladder, but got {value!r}")
        if name == "assessment" and not isinstance(value, Assessment):
            yield Problem(name, f"must be an Assessment, but got {value!r}")

    def _together(self) -> Iterator[Problem]:
        for name, target in self.targets.items():
            yield from _known(f"targets.{name}.region", "region", target.region, self.regions)
            if target.layer:
                yield from _known(f"targets.{name}.layer", "layer", target.layer, self.layers)
        for name, layer in self.layers.items():
            for region in layer.regions:
                yield from _known(f"layers.{name}.regions", "region", region, self.regions)
        for name, plan in self.plans.items():
            for weapon in plan.weapons:
                yield from _known(f"plans.{name}.weapons.{weapon}", "weapon", weapon, self.weapons)
        massed: dict[str, str] = {}
        for name, tempo in self.tempos.items():
            yield from _known(f"tempos.{name}.plan", "plan", tempo.plan, self.plans)
            if tempo.probe_plan:
                yield from _known(f"tempos.{name}.probe_plan", "plan", tempo.probe_plan, self.plans)
            if tempo.kind == "massed" and tempo.plan in self.plans:
                for weapon in self.plans[tempo.plan].weapons or self.weapons:
                    if weapon in massed:
                        yield Problem(
                            f"tempos.{name}.plan",
                            f"weapon {weapon!r} is already set aside by tempo "
                            f"{massed[weapon]!r}, and can be by one only,",
                        )
                    massed[weapon] = name
        for name, retaliation in self.retaliations.items():
            yield from _known(f"retaliations.{name}.plan", "plan", retaliation.plan, self.plans)


def _known(place: str, what: str, name: str, known: Mapping[str, Any]) -> Iterator[Problem]:
    if name not in known:
        yield Problem(place, f"unknown {what} {name!r}: {closest(name, known)},")


@dataclass(frozen=True, kw_only=True)
class Entry(_Checked):
    """Something that the calendar holds."""

    at: datetime
    """When. [local time]"""


@dataclass(frozen=True, kw_only=True)
class Delivery(Entry):
    """Aid: rounds, interceptors or channels that arrive at a date, once or again and again."""

    side: str
    """Who receives it."""
    weapons: Mapping[str, int] = field(default_factory=dict)
    """Rounds by weapon. [weapons]"""
    magazines: Mapping[str, int] = field(default_factory=dict)
    """Interceptors by layer. [shots]"""
    channels: Mapping[str, int] = field(default_factory=dict)
    """Channels by layer. [channels]"""
    every_days: float | None = None
    """Repeat so often until the end; None for once. [days]"""

    _positive: ClassVar = ("every_days",)


@dataclass(frozen=True, kw_only=True)
class Truce(Entry):
    """A time in which neither side strikes, as far as it is kept."""

    until: datetime
    """Its end. [local time]"""
    compliance_prob: float = 1.0
    """Chance that a strike due in it is held back. [-]"""

    def _together(self) -> Iterator[Problem]:
        if self.until <= self.at:
            yield Problem("until", f"`at < until` must hold, but got {self.until.isoformat()}")


@dataclass(frozen=True, kw_only=True)
class Deadline(Entry):
    """A date that raises a side's routine tempo as it nears."""

    side: str
    """Whose tempo."""
    lead_days: float
    """Time before the date at which the tempo starts to rise, in a straight line. [days]"""
    factor: float
    """Tempo just before the date over the tempo without it. [-]"""

    _positive: ClassVar = ("lead_days",)

    def _together(self) -> Iterator[Problem]:
        if self.factor < 1.0:
            yield Problem("factor", f"`factor >= 1` must hold, but got {self.factor!r}")


@dataclass(frozen=True, kw_only=True)
class Permission(Entry):
    """A change of what a side may use or strike, whatever its rung."""

    side: str
    """Whose permission."""
    allow_weapons: tuple[str, ...] = ()
    """Weapon categories allowed from now on."""
    forbid_weapons: tuple[str, ...] = ()
    """Weapon categories forbidden from now on."""
    allow_targets: tuple[str, ...] = ()
    """Target categories allowed from now on."""
    forbid_targets: tuple[str, ...] = ()
    """Target categories forbidden from now on."""
    depth_km: float | None = None
    """Deepest region from now on, infinite for any; None for no change. [km]"""

    _unbounded: ClassVar = ("depth_km",)
    _choices: ClassVar = {
        "allow_weapons": CATEGORIES, "forbid_weapons": CATEGORIES,
        "allow_targets": TARGET_CATEGORIES, "forbid_targets": TARGET_CATEGORIES,
    }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class OrderedStrike(Entry):
    """A strike that happens because the scenario says so."""

    side: str
    """Who strikes."""
    plan: str
    """The plan carried out."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Weapons wanted, by weapon; empty to let the plan decide. [weapons]"""


CALENDAR: dict[str, type[Entry]] = {
    "delivery": Delivery,
    "truce": Truce,
    "deadline": Deadline,
    "permission": Permission,
    "ordered_strike": OrderedStrike,
}
"""Kinds of calendar entry by the word they have in a scenario file."""


@dataclass(frozen=True, kw_only=True)
class Scenario(_Checked):
    """Two sides at war, and what the calendar holds for them."""

    sides: Mapping[str, Side]
    """The two belligerents by name."""
    start: datetime
    """Start of the clock. [local time]"""
    end: datetime
    """Horizon. [local time]"""
    calendar: tuple[Entry, ...] = ()
    """What happens at dates known beforehand."""
    claimants: Mapping[str, Claimant] = field(default_factory=dict)
    """Voices that belong to neither side."""
    figures: tuple[str, ...] = ()
    """Ids of the reported figures of this window."""
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Regions that a reported place stands for, where it is not the name of a region itself."""
    name: str = ""
    """Short name."""
    title: str = ""
    """One line on what it is."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where each number comes from, by its path."""

    _free: ClassVar = ("places", "sources")

    def _check(self, name: str, kind: str, value: Any) -> Iterator[Problem]:
        yield from super()._check(name, kind, value)
        if name == "calendar" and not isinstance(value, tuple):
            yield Problem(name, f"must be a list of entries, but got {value!r}")
        elif name == "calendar":
            for i, entry in enumerate(value):
                if not isinstance(entry, Entry):
                    yield Problem(f"calendar[{i}]", f"must be a calendar entry, but got {entry!r}")

    def _together(self) -> Iterator[Problem]:
        if self.end <= self.start:
            yield Problem("end", f"`start < end` must hold, but got {self.end.isoformat()}")
        if len(self.sides) != 2:
            yield Problem("sides", f"must be two sides, but got {len(self.sides)}")
            return
        names = tuple(self.sides)
        for side, other in (names, names[::-1]):
            yield from self._plans_reach(side, other)
        for i, entry in enumerate(self.calendar):
            yield from self._entry(f"calendar[{i}]", entry)
        regions = {r for side in self.sides.values() for r in side.regions}
        for place, held in self.places.items():
            for region in held:
                if region not in regions:
                    known = closest(region, regions)
                    yield Problem(f"places.{place}", f"unknown region {region!r}: {known},")

    def _plans_reach(self, side: str, other: str) -> Iterator[Problem]:
        attacker, defender = self.sides[side], self.sides[other]
        for name, plan in attacker.plans.items():
            place = f"sides.{side}.plans.{name}.targets"
            farthest = max(
                (attacker.weapons[w].range_km for w in plan.weapons or attacker.weapons),
                default=0.0,
            )
            for target in plan.targets:
                if target not in defender.targets:
                    known = closest(target, defender.targets)
                    yield Problem(f"{place}.{target}", f"unknown target {target!r}: {known},")
                    continue
                depth = defender.regions[defender.targets[target].region].depth_km
                if depth > farthest:
                    yield Problem(
                        f"{place}.{target}",
                        f"target {target!r} lies {depth:g} km deep and cannot be reached: the "
                        f"plan's weapons fly {farthest:g} km at most,",
                    )

    def _entry(self, place: str, entry: Entry) -> Iterator[Problem]:
        if not self.start <= entry.at <= self.end:
            yield Problem(
                f"{place}.at",
                f"`{self.start.isoformat()} <= at <= {self.end.isoformat()}` must hold, "
                f"but got {entry.at.isoformat()}",
            )
        name = getattr(entry, "side", None)
        if name is None:
            return
        if name not in self.sides:
            yield Problem(f"{place}.side", f"unknown side {name!r}: {closest(name, self.sides)},")
            return
        side = self.sides[name]
        if isinstance(entry, Delivery):
            for weapon in entry.weapons:
                yield from _known(f"{place}.weapons.{weapon}", "weapon", weapon, side.weapons)
            for layer in entry.magazines:
                yield from _known(f"{place}.magazines.{layer}", "layer", layer, side.layers)
                if layer in side.layers and side.layers[layer].magazine is None:
                    yield Problem(
                        f"{place}.magazines.{layer}", f"layer {layer!r} has no magazine to fill"
                    )
            for layer in entry.channels:
                yield from _known(f"{place}.channels.{layer}", "layer", layer, side.layers)
        if isinstance(entry, OrderedStrike):
            yield from _known(f"{place}.plan", "plan", entry.plan, side.plans)
            for weapon in entry.counts:
                yield from _known(f"{place}.counts.{weapon}", "weapon", weapon, side.weapons)

    @property
    def horizon_hours(self) -> float:
        """Length of the war that is simulated, in hours."""
        return self.hours(self.end)

    def hours(self, when: datetime) -> float:
        """Give the clock at a date.

        Parameters
        ----------
        when : datetime
            Local time.

        Returns
        -------
        float
            Hours since the start. [h]
        """
        return (when - self.start) / timedelta(hours=1)

    def date(self, hours: float) -> datetime:
        """Give the date at a time of the clock, the inverse of `hours`.

        Parameters
        ----------
        hours : float
            Hours since the start. [h]

        Returns
        -------
        datetime
            Local time.
        """
        return self.start + timedelta(hours=hours)

    def value(self, path: str) -> Any:
        """Give what stands at a path.

        Parameters
        ----------
        path : str
            As for `replace`.

        Returns
        -------
        object
            A number, a word, a rule or a whole part.

        Raises
        ------
        ScenarioError
            Nothing stands there.

        Examples
        --------
        >>> import escalate as esc
        >>> esc.load_scenario("two-equal-sides").value("sides.A.layers.point.channels")
        10
        """
        node, kind, place = self, "Scenario", ""
        for step in _steps(path):
            parts: dict[str | int, tuple[str, Any]] = _parts(node, kind)
            if isinstance(node, Rule):
                entry = RULES.get(node.name)
                params = {**(entry.params if entry else {}), **node.params}
                parts = {"name": ("str", node.function or node.name), "of": ("", node.of)}
                parts |= {name: ("", given) for name, given in params.items()}
            if step not in parts:
                message = _missing(node, kind, place, step, parts)
                raise ScenarioError([Problem(_joined(place, step), message)])
            kind, node = parts[step]
            place = _joined(place, step)
        return node

    def replace(self, changes: Mapping[str, Any]) -> Scenario:
        """Give a scenario with some values changed, by path.

        All changes are made at once, so only their outcome must be valid.

        Parameters
        ----------
        changes : mapping of str to object
            New values by path, such as
            ``{"sides.UA.layers.long_range.channels": 8}``. A path may also lead to a whole
            part, to a new weight, or to a new part of the right kind. A rule may be given by
            its name; one that is given another name keeps nothing of what it was.

        Returns
        -------
        Scenario
            A new scenario, checked like any other. Where the old one has sources, numbers
            that are no longer the same have the source "changed by hand".

        Raises
        ------
        ScenarioError
            Unknown path, two paths of which one leads into the other, or a value that does
            not fit; all of them at once.
        """
        problems: list[Problem] = []
        parsed: dict[_Steps, Any] = {}
        for path, value in changes.items():
            try:
                parsed[_steps(path)] = value
            except ScenarioError as error:
                problems += error.problems
        changed = _replaced(self, "Scenario", "", parsed, problems)
        if problems:
            raise ScenarioError(problems)
        assert isinstance(changed, Scenario)
        if not self.sources or changed.sources != self.sources:
            return changed
        sources = dict(self.sources)
        for path, by_hand in _differences(self, changed, ""):
            for sourced in self.sources:
                if f"{sourced}.".startswith((f"{path}.", f"{path}[")):
                    sources.pop(sourced, None)
            if by_hand:
                sources[path] = BY_HAND
        return dataclasses.replace(changed, sources=sources)


_Steps = tuple[str | int, ...]
_PATH = re.compile(r"[^.\[\]]+(\.[^.\[\]]+|\[(0|[1-9][0-9]{0,8})\])*").fullmatch


def _steps(path: str) -> _Steps:
    """Take a path apart."""
    if not isinstance(path, str) or not _PATH(path):
        message = "must be names with dots between them, and numbers in brackets, but got "
        raise ScenarioError([Problem(str(path), f"{message}{path!r}")])
    steps = re.findall(r"\[(\d+)\]|([^.\[\]]+)", path)
    return tuple(int(index) if index else name for index, name in steps)


def _joined(path: str, *steps: str | int) -> str:
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def _made(make: Callable[[], Any], old: Any, path: str, problems: list[Problem]) -> Any:
    """Make a part, noting its problems with their full paths."""
    try:
        return make()
    except ScenarioError as error:
        problems += [Problem(_joined(path, p.place), p.message) for p in error.problems]
        return old


def _replaced(
    node: Any, kind: str, path: str, changes: Mapping[_Steps, Any], problems: list[Problem]
) -> Any:
    """Make all changes to a value at once, noting those that fail and leaving them out.

    `kind` is the type of what holds the value, as written.
    """
    if () in changes:
        message = f"cannot be changed along with {path}, which it is part of,"
        problems += [Problem(_joined(path, *steps), message) for steps in changes if steps]
        if kind == "Rule" and isinstance(changes[()], str):
            return _made(lambda: Rule(changes[()]), node, path, problems)
        return changes[()]
    groups: dict[str | int, dict[_Steps, Any]] = {}
    for (step, *rest), value in changes.items():
        groups.setdefault(step, {})[tuple(rest)] = value
    if isinstance(node, Rule):
        return _replaced_rule(node, path, groups, problems)
    before = len(problems)
    parts = _parts(node, kind)
    new: dict[Any, Any] = {}
    for step, below in groups.items():
        if step in parts or _addable(node, kind, step, below):
            inner, old = parts.get(step, ("", None))
            new[step] = _replaced(old, inner, _joined(path, step), below, problems)
        else:
            message = _missing(node, kind, path, step, parts)
            problems += [Problem(_joined(path, step, *steps), message) for steps in below]
    if isinstance(node, Mapping):
        return {**node, **new}
    if isinstance(node, tuple):
        return tuple(new.get(i, old) for i, old in enumerate(node))
    if len(problems) == before:
        return _made(lambda: dataclasses.replace(node, **new), node, path, problems)
    # How things fit together can be judged only if each of them is as it should be.
    for step, value in new.items():
        inner = parts[step][0]
        wrong = node._check(step, inner, _frozen(value, inner))
        problems += [Problem(_joined(path, p.place), p.message) for p in wrong]
    return node


def _replaced_rule(
    rule: Rule,
    path: str,
    groups: Mapping[str | int, Mapping[_Steps, Any]],
    problems: list[Problem],
) -> Any:
    name: Any = rule.function or rule.name
    of, params = rule.of, dict(rule.params)
    if () in groups.get("name", {}):
        name, of, params = groups["name"][()], (), {}
    entry = RULES.get(name) if isinstance(name, str) else None
    known = {**(entry.params if entry else {}), **params}
    for step, below in groups.items():
        place = _joined(path, step)
        if step == "of":
            of = _replaced(of, "tuple[Rule, ...]", place, below, problems)
            if not isinstance(of, (list, tuple)):
                problems.append(Problem(place, f"must be a list of rules, but got {of!r}"))
                of = rule.of
        elif step == "name":
            _replaced(rule.name, "str", place, below, problems)
        elif isinstance(step, str) and step in known:
            params[step] = _replaced(known[step], "", place, below, problems)
        else:
            message = _missing(rule, "", path, step, [*known, "name", "of"])
            problems += [Problem(_joined(place, *steps), message) for steps in below]
    return _made(lambda: Rule(name, *of, **params), rule, path, problems)


def _parts(node: Any, kind: str) -> dict[str | int, tuple[str, Any]]:
    """Give what a value holds: its types, as written, and values."""
    if isinstance(node, Mapping):
        return {name: (_inner(kind), part) for name, part in node.items()}
    if isinstance(node, tuple):
        inner = kind.removeprefix("tuple[").removesuffix(", ...]")
        return {i: (inner, part) for i, part in enumerate(node)}
    if isinstance(node, _Checked):
        return {f.name: (str(f.type), getattr(node, f.name)) for f in dataclasses.fields(node)}  # type: ignore[arg-type]
    return {}


def _addable(node: Any, kind: str, step: str | int, below: Mapping[_Steps, Any]) -> bool:
    """Say whether a mapping takes something new: any number, but only a part that is whole."""
    if not isinstance(node, Mapping) or not isinstance(step, str) or () not in below:
        return False
    part = globals().get(_inner(kind))
    return part is None or isinstance(below[()], part)


def _missing(node: Any, kind: str, path: str, step: str | int, known: Iterable[str | int]) -> str:
    """Say why there is nothing at a step."""
    name, part = path.rpartition(".")[2], kind.removesuffix(" | None")
    if isinstance(node, tuple):
        if isinstance(step, int):
            return f"there is no {_joined(path, step)}"
        return f"`{name}` is a list: say which of it, as in {name}[0],"
    if isinstance(node, (Mapping, Rule, _Checked)):
        if isinstance(step, int):
            return f"`{name}` holds its parts by name, not by number,"
        return f"unknown key {step!r}: {closest(step, map(str, known))},"
    if node is None and part in globals():
        return f"`{name}` is None, with nothing below it: give a whole {part} instead,"
    return f"`{name}` holds {node!r}, with nothing below it,"


def _differences(old: Any, new: Any, path: str) -> Iterator[tuple[str, bool]]:
    """Give the paths where two values differ, and whether one can say there where it is from."""
    if old == new:
        return
    before, after = _sourced(old), _sourced(new)
    if before is None or after is None or _title(old) != _title(new):
        # None has no number, but may stand where there was one.
        yield path, _has_source(new) or (new is None and _sourced(old) is None and _has_source(old))
        return
    for steps in {**before, **after}:
        place = _joined(path, *steps)
        if steps in before and steps in after:
            yield from _differences(before[steps], after[steps], place)
        else:
            yield place, steps in after and _has_source(after[steps])


def _title(node: Any) -> Any:
    return (node.name, node.function) if isinstance(node, Rule) else type(node)


def _sourced(node: Any) -> dict[_Steps, Any] | None:
    """Give those parts of a value that may have sources of their own; None if it is but one."""
    if isinstance(node, Rule):
        held: dict[_Steps, Any] = {("of", i): inner for i, inner in enumerate(node.of)}
        return held | {(key,): value for key, value in node.params.items()}
    if isinstance(node, tuple) and not all(isinstance(part, Entry) for part in node):
        return None
    if isinstance(node, (Mapping, tuple, _Checked)):
        return {(step,): part for step, (_, part) in _parts(node, "").items()}
    return None


def _has_source(value: Any) -> bool:
    """Say whether a value is, or holds, numbers or dates, and not only words."""
    if isinstance(value, tuple):
        return any(map(_has_source, value))
    kinds = (int, float, datetime, Mapping, Rule, _Checked)
    return isinstance(value, kinds) and not isinstance(value, bool)


def numbering(scenario: Scenario) -> dict[str, dict[tuple[int, str], int]]:
    """Give a number to everything that has a name, both sides in one numbering.

    Parameters
    ----------
    scenario : Scenario
        What is at war.

    Returns
    -------
    dict
        ``weapon``, ``layer``, ``target``, ``region``, ``plan``, ``tempo`` and ``retaliation``,
        each from (number of the side, name) to number.
    """
    return {
        kind.removesuffix("s"): {
            pair: number
            for number, pair in enumerate(
                (i, name)
                for i, side in enumerate(scenario.sides.values())
                for name in getattr(side, kind)
            )
        }
        for kind in (
            "weapons", "layers", "targets", "regions", "plans", "tempos", "retaliations",
        )
    }  # fmt: skip


def schema(cls: type) -> dict[str, tuple[str, Any]]:
    """Give the fields of a part of a scenario: name to (type as written, default).

    Parameters
    ----------
    cls : type
        A dataclass of this module.

    Returns
    -------
    dict
        The default is `dataclasses.MISSING` where one must be given.
    """
    found: dict[str, tuple[str, Any]] = {}
    for item in dataclasses.fields(cls):
        default: Any = item.default
        if item.default_factory is not dataclasses.MISSING:
            default = item.default_factory()
        found[item.name] = (str(item.type), default)
    return found
