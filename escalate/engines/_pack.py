"""A scenario as flat tables: everything that a run reads and changes, by number.

A table is a mapping from column to a flat sequence; things are numbered in the order of the
scenario, both sides in one numbering. Parameters and state stand side by side, so that the
tables are the whole state of a run and can be copied, saved and compared.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from escalate.randomness import RunKey, decision
from escalate.rules import CATEGORIES, MEASURES, MEMORY, TARGET_CATEGORIES, Rule, program
from escalate.scenario import (
    POLICIES,
    Deadline,
    Delivery,
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
    numbering,
)

__all__ = ["EVENT", "GROWING", "Table", "World", "columns_of", "in_turn", "pack", "room_of"]

Table = dict[str, list[Any]]

GROWING: dict[str, dict[str, Any]] = {
    "strikes": {
        "side": 0, "cause": 0, "provoked_by": -1, "key": 0, "plan": 0, "retaliation": -1,
        "decided_hours": 0.0, "first_launch_hours": math.inf, "last_impact_hours": -math.inf,
        "waves": 0, "pending": 0, "fired": 0, "wanted": 0, "allotted": 0, "launched": 0,
        "dud": 0, "strayed": 0, "intercepted": 0, "lost": 0, "unengaged": 0, "leaked": 0,
        "shots": 0, "killed": 0, "injured": 0, "damage": 0.0, "severity": 1.0,
        "weapon_mask": 0, "target_mask": 0, "cost_usd": 0.0, "shot_cost_usd": 0.0,
    },
    "loads": {"count": 0},
    "groups": {
        "strike": 0, "wave": 0, "weapon": 0, "target": 0, "count": 0,
        "depart_hours": 0.0, "impact_hours": 0.0, "drawn": 0,
    },
    "orders": {
        "at_hours": 0.0, "side": 0, "cause": 0, "plan": 0, "size": 0.0, "provoked_by": -1,
        "key": 0, "retaliation": -1, "entry": -1, "earmarked": 0,
    },
    "log": {
        "time_hours": 0.0, "kind": 0, "side": 0, "strike": -1, "wave": -1, "weapon": -1,
        "layer": -1, "target": -1, "region": -1, "count": 0, "value": 0.0,
    },
    "queue": {"order": 0, "time": 0.0, "number": 0, "at": 0.0, "n": 0},
}  # fmt: skip
"""Tables that grow during a run: columns with the value that a new row starts from.

An event in the queue says when it is due, its kind and side as one number, what it is about,
and two numbers of its own. Whole numbers and others alternate: of two neighbours alike a compiler
makes one move, which has to wait until both have been stored.
"""

EVENT = ("time", "order", "number", "n", "at")
"""The columns of the queue by what decides which of two events comes first."""


@dataclass
class World:
    """The tables of one run, and the names behind the numbers."""

    scenario: Scenario
    key0: int
    key1: int
    horizon: float
    sides: Table
    weapons: Table
    regions: Table
    targets: Table
    sites: Table
    layers: Table
    kill: Table
    paths: Table
    looks: list[int]
    channels: list[float]
    plans: Table
    mix: list[float]
    first_alike: list[int]
    aims: Table
    tempos: Table
    retaliations: Table
    rungs: Table
    nodes: Table
    params: list[float]
    memory: np.ndarray[Any, np.dtype[np.float64]]
    functions: list[Any]
    policies: list[Any]
    calendar: Table
    deliveries: Table
    deadlines: Table
    truces: Table
    counts: list[int]
    strikes: Table
    loads: Table
    groups: Table
    orders: Table
    log: Table
    queue: Table
    used: dict[str, int]
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)


def _empty(*columns: str) -> Table:
    return {name: [] for name in columns}


def _add(table: Table, **row: Any) -> int:
    """Append a row; the first one sets the columns."""
    if not table:
        table.update({name: [] for name in row})
    for name, value in row.items():
        table[name].append(value)
    return len(next(iter(table.values()))) - 1


def _mask(names: Sequence[str], known: Sequence[str]) -> int:
    return sum(1 << known.index(name) for name in set(names))


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else float(value)


def _by_category(values: Mapping[str, float], otherwise: float) -> list[float]:
    return [values.get(category, otherwise) for category in CATEGORIES]


def pack(scenario: Scenario, key: RunKey) -> World:
    """Lay a scenario out as flat tables.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    key : RunKey
        The run's key.

    Returns
    -------
    World
    """
    side_names = tuple(scenario.sides)
    members = list(scenario.sides.values())
    number = numbering(scenario)

    sides: Table = {}
    weapons: Table = {}
    regions: Table = {}
    targets: Table = {}
    # The damage of a site is what it would have been at its target's `since_hours`.
    sites: Table = _empty("damage", "at_hours")
    layers: Table = {}
    kill: Table = _empty("prob", "window", "rank")
    covers: list[bool] = []
    looks: list[int] = []
    channels: list[float] = []
    plans: Table = {}
    mix: list[float] = []
    aims: Table = _empty("target", "weight")
    tempos: Table = {}
    retaliations: Table = {}
    rungs: Table = {}
    nodes: Table = {}
    params: list[float] = []
    functions: list[Any] = []
    policies: list[Any] = []
    third_parties: list[str] = []

    spare_channels = dict.fromkeys(number["layer"], 0)
    for entry in scenario.calendar:
        if isinstance(entry, Delivery):
            times = 1
            if entry.every_days is not None and entry.channels:
                at, every = scenario.hours(entry.at), 24.0 * entry.every_days
                while at + times * every <= scenario.horizon_hours:
                    times += 1
            for layer_name, count in entry.channels.items():
                spare_channels[side_names.index(entry.side), layer_name] += times * count

    for i, side in enumerate(members):
        ladder = side.ladder
        rung_names = tuple(ladder.rungs) if ladder else ()
        rungs_first = len(rungs.get("factor", ()))
        for rung in ladder.rungs.values() if ladder else ():
            _add(
                rungs,
                weapon_mask=_mask(rung.weapons, CATEGORIES),
                target_mask=_mask(rung.targets, TARGET_CATEGORIES),
                factor=rung.size_factor,
            )
        _add(
            sides,
            assess_delay_hours=side.assessment.delay_hours,
            assess_exponential=int(side.assessment.delay == "exponential"),
            noise_sd_log=side.assessment.noise_sd_log,
            exaggeration=side.assessment.exaggeration,
            miss_prob=side.assessment.miss_prob,
            false_alarms_per_hour=side.assessment.false_alarms_per_day / 24.0,
            false_alarm_size=side.assessment.false_alarm_size,
            severity_dispersion=_or(side.severity_dispersion, 0.0),
            production_at_risk=side.production_at_risk_share,
            launchers_at_risk=side.launchers_at_risk_share,
            channels_at_risk=side.channels_at_risk_share,
            restriction=_or(side.restriction_share, math.inf),
            alert_hours=side.alert_hours,
            weapon_mask=_mask(side.permitted_weapons, CATEGORIES),
            target_mask=_mask(side.permitted_targets, TARGET_CATEGORIES),
            depth_km=_or(side.permitted_depth_km, math.inf),
            weapon_first=len(weapons["side"]) if weapons else 0,
            weapons=len(side.weapons),
            rungs_first=rungs_first,
            rungs=len(rung_names),
            climb_measure=MEASURES.index(ladder.climb_measure) if ladder else 0,
            climb_at=_or(ladder.climb_at if ladder else None, math.inf),
            climb_targets=_mask(ladder.climb_targets if ladder else (), TARGET_CATEGORIES),
            descend_hours=_or(ladder.descend_after_hours if ladder else None, math.inf),
            rung=rung_names.index(ladder.start) if ladder and ladder.start else 0,
            calm_version=0,
            grid_version=0,
            strikes=0,
            suffered=0,
            last_suffered_hours=-math.inf,
            killed_total=0.0,
            restricted=0,
            false_alarms=0,
            alarm_hours=math.inf,
        )
        earmark = {
            weapon: tempo.set_aside_share
            for tempo in side.tempos.values()
            if tempo.kind == "massed"
            for weapon in side.weapons
            if not side.plans[tempo.plan].weapons or side.plans[tempo.plan].weapons.get(weapon)
        }
        for name, weapon in side.weapons.items():
            _add(
                weapons,
                side=i,
                stream=decision(f"weapon {side_names[i]}.{name}"),
                category=CATEGORIES.index(weapon.category),
                stock=weapon.stock,
                initial=weapon.stock,
                reserve=weapon.reserve,
                reliability=weapon.reliability_prob,
                range_km=weapon.range_km,
                speed=weapon.speed_km_per_hour,
                damage=weapon.damage_share,
                lethality=weapon.lethality,
                vulnerability=weapon.vulnerability_share,
                cost_usd=weapon.unit_cost_usd,
                launchers=-1 if weapon.launchers is None else weapon.launchers,
                per_hour=weapon.production_per_day / 24.0,
                resupply_per_hour=weapon.resupply_per_day / 24.0,
                progress=0.0,
                settled_hours=0.0,
                earmark_share=earmark.get(name, 0.0),
                earmark_progress=0.0,
                earmarked=0,
                committed=0,
                launched=0,
                made=0,
                delivered=0,
            )
        for name, region in side.regions.items():
            if region.third_party and region.third_party not in third_parties:
                third_parties.append(region.third_party)
            energy = [
                t for t in side.targets.values() if t.category == "energy" and t.region == name
            ]
            _add(
                regions,
                side=i,
                depth_km=region.depth_km,
                third_party=third_parties.index(region.third_party) if region.third_party else -1,
                stray_prob=region.stray_prob if region.third_party else 0.0,
                blackout=region.blackout_share,
                restricted=region.restricted_share,
                energy_sites=sum(t.sites for t in energy),
                alert_until=0.0,
                alert_hours=0.0,
                dark=0,
                dark_ever=0,
                dark_since=0.0,
                dark_hours=0.0,
            )
        for name, layer in side.layers.items():
            shots = layer.look_shots
            if not shots:
                barrage = layer.doctrine == "barrage"
                shots = (layer.shots,) if barrage else (1,) * layer.shots
            room = layer.channels + spare_channels[i, name]
            _add(
                layers,
                side=i,
                stream=decision(f"layer {side_names[i]}.{name}"),
                look_first=len(looks),
                looks=len(shots),
                channel_first=len(channels),
                channels=layer.channels,
                cycle_hours=layer.cycle_hours,
                exponential=int(layer.cycle == "exponential"),
                completed=int(layer.engagement == "completed"),
                magazine=-1 if layer.magazine is None else layer.magazine,
                initial=-1 if layer.magazine is None else layer.magazine,
                capacity=-1 if layer.magazine_capacity is None else layer.magazine_capacity,
                resupply_per_hour=layer.resupply_per_day / 24.0,
                progress=0.0,
                settled_hours=0.0,
                hold_below=layer.hold_below,
                concentration=_or(layer.common_mode_concentration, 0.0),
                electronic=int(layer.electronic),
                up=layer.up_prob,
                track=layer.track_prob,
                shot_cost_usd=layer.shot_cost_usd,
                spent=0,
                resupplied=0,
                delivered=0,
                destroyed=0,
                common_strike=-1,
                common_wave=0,
                common_mean=0.0,
                common_prob=0.0,
            )
            looks.extend(shots)
            channels.extend([0.0] * room)
            kill["prob"].extend(_by_category(layer.kill_prob, 0.0))
            kill["window"].extend(_by_category(layer.window_hours, 0.0))
            ranked = len(layer.priorities)
            kill["rank"].extend(
                layer.priorities.index(c) if c in layer.priorities else ranked for c in CATEGORIES
            )
            covers.extend(
                j == i and (not layer.regions or r in layer.regions) for j, r in number["region"]
            )
        for target in side.targets.values():
            _add(
                targets,
                side=i,
                category=TARGET_CATEGORIES.index(target.category),
                region=number["region"][i, target.region],
                site_first=len(sites["damage"]),
                sites=target.sites,
                killed_per_hit=target.killed_per_hit,
                injured_per_hit=target.injured_per_hit,
                layer=number["layer"][i, target.layer] if target.layer else -1,
                repair_hours=24.0 * side.repair_days.get(target.category, math.inf),
                damage=0.0,
                at_hours=0.0,
                since_hours=0.0,
                next_alike=-1,
            )
            for per_site in sites.values():
                per_site.extend([0.0] * target.sites)
        for plan in side.plans.values():
            if callable(plan.policy):
                policies.append(plan.policy)
                code = len(POLICIES) + len(policies) - 1
            else:
                code = POLICIES.index(plan.policy)
            _add(
                plans,
                side=i,
                size=plan.size,
                dispersion=_or(plan.size_dispersion, 0.0),
                policy=code,
                waves=plan.waves,
                duration_hours=plan.duration_hours,
                aim_first=len(aims["target"]),
                aims=sum(
                    plan.targets.get(name, 0.0) > 0.0 for j, name in number["target"] if j != i
                ),
            )
            mix.extend(
                (plan.weapons.get(name, 0.0) if plan.weapons else 1.0) if j == i else 0.0
                for j, name in number["weapon"]
            )
            for t, (j, name) in enumerate(number["target"]):
                if j != i and plan.targets.get(name, 0.0) > 0.0:
                    _add(aims, target=t, weight=plan.targets[name])
        for name, tempo in side.tempos.items():
            _add(
                tempos,
                side=i,
                stream=decision(f"tempo {side_names[i]}.{name}"),
                massed=int(tempo.kind == "massed"),
                plan=number["plan"][i, tempo.plan],
                rate_per_hour=tempo.rate_per_day / 24.0,
                mass_size=tempo.mass_size,
                check_hours=tempo.check_hours,
                probes=tempo.probes,
                probe_plan=number["plan"][i, tempo.probe_plan] if tempo.probe_plan else -1,
                probe_lead_hours=tempo.probe_lead_hours,
                count=0,
                next_hours=math.inf,
            )
        for name, retaliation in side.retaliations.items():
            first = len(nodes.get("code", ()))
            table, own_params, own_functions = program(
                retaliation.rule, first, len(params), len(functions)
            )
            for column, values in table.items():
                nodes.setdefault(column, []).extend(values)
            params.extend(own_params)
            functions.extend(own_functions)
            _add(
                retaliations,
                side=i,
                stream=decision(f"retaliation {side_names[i]}.{name}"),
                plan=number["plan"][i, retaliation.plan],
                delay_hours=retaliation.delay_hours,
                exponential=int(retaliation.delay == "exponential"),
                answers_mean=_or(retaliation.answers_mean, -1.0),
                review_hours=retaliation.review_hours,
                slip_prob=retaliation.slip_prob,
                first=first,
                last=len(nodes["code"]) - 1,
                asked=0,
                struck=0,
                struck_before=0,
                own_strikes=0,
                launched=0.0,
                hits=0.0,
                killed=0.0,
                injured=0.0,
                damage=0.0,
                weapon_mask=0,
                target_mask=0,
                quiet_hours=math.inf,
                provoked_by=-1,
            )

    calendar: Table = _empty(
        "kind", "stream", "at_hours", "side", "plan", "count_first", "every_hours", "until_hours",
        "allow_weapons", "forbid_weapons", "allow_targets", "forbid_targets", "depth_km",
    )  # fmt: skip
    deliveries: Table = _empty("entry", "what", "thing", "count")
    deadlines: Table = _empty("side", "at_hours", "lead_hours", "factor")
    truces: Table = _empty("stream", "from_hours", "until_hours", "compliance_prob")
    alike: dict[str, int] = {}
    counts: list[int] = []
    for entry in in_turn(scenario):
        at = scenario.hours(entry.at)
        i = side_names.index(entry.side) if hasattr(entry, "side") else -1
        # An entry has no name; what it is stands for one, so that another moves no draw of it.
        word = f"{type(entry).__name__} {at!r} {i} {getattr(entry, 'plan', '')}"
        alike[word] = alike.get(word, -1) + 1
        stream = decision(f"calendar {word} {alike[word]}")
        row: dict[str, Any] = {
            "kind": -1, "stream": stream, "at_hours": at, "side": i, "plan": -1, "count_first": -1,
            "every_hours": math.inf, "until_hours": math.inf, "allow_weapons": 0,
            "forbid_weapons": 0, "allow_targets": 0, "forbid_targets": 0, "depth_km": -1.0,
        }  # fmt: skip
        if isinstance(entry, Deadline):
            _add(
                deadlines,
                side=i,
                at_hours=at,
                lead_hours=24.0 * entry.lead_days,
                factor=entry.factor,
            )
            row["kind"] = 3
        elif isinstance(entry, Truce):
            until = scenario.hours(entry.until)
            _add(
                truces,
                stream=stream,
                from_hours=at,
                until_hours=until,
                compliance_prob=entry.compliance_prob,
            )
            row |= {"kind": 2, "until_hours": until}
        elif isinstance(entry, Delivery):
            row |= {"kind": 0}
            if entry.every_days is not None:
                row["every_hours"] = 24.0 * entry.every_days
            here = len(calendar["kind"])
            for what, (kind, held) in enumerate(
                (("weapon", entry.weapons), ("layer", entry.magazines), ("layer", entry.channels))
            ):
                for name, count in held.items():
                    _add(
                        deliveries, entry=here, what=what, thing=number[kind][i, name], count=count
                    )
        elif isinstance(entry, Permission):
            row |= {
                "kind": 1,
                "allow_weapons": _mask(entry.allow_weapons, CATEGORIES),
                "forbid_weapons": _mask(entry.forbid_weapons, CATEGORIES),
                "allow_targets": _mask(entry.allow_targets, TARGET_CATEGORIES),
                "forbid_targets": _mask(entry.forbid_targets, TARGET_CATEGORIES),
                "depth_km": _or(entry.depth_km, -1.0),
            }
        elif isinstance(entry, OrderedStrike):
            row |= {"kind": 4, "plan": number["plan"][i, entry.plan]}
            if entry.counts:
                row["count_first"] = len(counts)
                counts.extend(
                    entry.counts.get(name, 0) if j == i else 0 for j, name in number["weapon"]
                )
        _add(calendar, **row)

    # The targets of one side and category are a chain, so that none has to look for them.
    first_alike = [-1] * (2 * len(TARGET_CATEGORIES))
    for t, (side_number, category) in reversed(
        list(enumerate(zip(targets.get("side", ()), targets.get("category", ()), strict=True)))
    ):
        chain = side_number * len(TARGET_CATEGORIES) + category
        targets["next_alike"][t] = first_alike[chain]
        first_alike[chain] = t
    growing: dict[str, Table] = {
        name: {column: [] for column in columns} for name, columns in GROWING.items()
    }
    for name, table in (
        ("weapons", weapons), ("regions", regions), ("targets", targets), ("layers", layers),
        ("plans", plans), ("tempos", tempos), ("retaliations", retaliations), ("rungs", rungs),
        ("nodes", nodes),
    ):  # fmt: skip
        if not table:  # empty, but with its columns
            table.update({column: [] for column in columns_of(name)})
    return World(
        scenario=scenario, key0=key.word0, key1=key.word1, horizon=scenario.horizon_hours,
        sides=sides, weapons=weapons, regions=regions,
        targets=targets, sites=sites, layers=layers,
        kill=kill,
        paths=_paths(
            tuple(prob > 0.0 for prob in kill["prob"]), tuple(kill["window"]), tuple(covers),
            len(number["region"]),
        ),
        looks=looks, channels=channels,
        plans=plans, mix=mix, first_alike=first_alike, aims=aims,
        tempos=tempos, retaliations=retaliations,
        rungs=rungs, nodes=nodes, params=params,
        memory=np.zeros(MEMORY * len(nodes["code"])), functions=functions,
        policies=policies, calendar=calendar, deliveries=deliveries, deadlines=deadlines,
        truces=truces, counts=counts,
        used=dict.fromkeys(GROWING, 0), **growing,
        names={
            "side": side_names,
            "third_party": tuple(third_parties),
            **{kind: tuple(name for _, name in pairs) for kind, pairs in number.items()},
        },
    )  # fmt: skip


def in_turn(scenario: Scenario) -> list[Any]:
    """Give the calendar as it falls due, which is the order of its rows.

    Parameters
    ----------
    scenario : Scenario
        Whose calendar.
    """
    names = list(scenario.sides)
    return sorted(
        scenario.calendar,
        key=lambda entry: (entry.at, names.index(entry.side) if hasattr(entry, "side") else 0),
    )


@functools.lru_cache(maxsize=64)
def _paths(
    stops: tuple[bool, ...], windows: tuple[float, ...], covers: tuple[bool, ...], regions: int
) -> Table:
    """Say for each layer, region and category which layer comes next and how long all take.

    Rows are (layer + 1, region, category), the first for a weapon that has met no layer yet.
    Scenarios that differ elsewhere share a table, which nothing changes.
    """
    paths = _empty("next", "ahead_hours")
    kinds = len(CATEGORIES)
    layers = len(stops) // kinds
    for layer in range(-1, layers):
        for region in range(regions):
            belts = [b for b in range(layer + 1, layers) if covers[b * regions + region]]
            for category in range(kinds):
                further = [b for b in belts if stops[b * kinds + category]]
                hours = [windows[b * kinds + category] for b in further]
                _add(paths, next=further[0] if further else -1, ahead_hours=sum(hours, 0.0))
    return paths


@functools.cache
def columns_of(table: str) -> dict[str, Any]:
    """Give the columns of a table, each with a value of its type.

    Parameters
    ----------
    table : str
        A table of `World`.

    Returns
    -------
    dict
        Read off a scenario in which no table is empty, so that they are said only once.
    """
    if table in GROWING:
        return GROWING[table]
    return {column: values[0] for column, values in getattr(_smallest(), table).items()}


@functools.cache
def _smallest() -> World:
    """Pack a scenario that has one of everything."""
    start = datetime(2000, 1, 1)
    side = Side(
        weapons={"w": Weapon(category="drone")},
        layers={"l": Layer(kill_prob={"drone": 0.5})},
        regions={"r": Region()},
        targets={"t": Target(category="urban", region="r")},
        plans={"p": Plan(targets={"t": 1.0})},
        tempos={"t": Tempo(plan="p")},
        retaliations={"r": Retaliation(rule=Rule("never"), plan="p")},
        ladder=Ladder(rungs={"r": Rung()}),
    )
    scenario = Scenario(
        sides={"A": side, "B": side},
        start=start,
        end=start + timedelta(days=1),
        calendar=(
            Deadline(at=start, side="A", lead_days=1.0, factor=2.0),
            Truce(at=start, until=start + timedelta(hours=1)),
            Delivery(at=start, side="A", weapons={"w": 1}),
            OrderedStrike(at=start, side="A", plan="p", counts={"w": 1}),
        ),
    )
    return pack(scenario, RunKey(0, 0))


def room_of(world: World) -> dict[str, int]:
    """Give the most rows that one step may add to each growing table.

    Parameters
    ----------
    world : World
        The tables of a run.

    Returns
    -------
    dict of str to int
        By table.
    """
    arsenal, targets = len(world.weapons["side"]), len(world.targets["side"])
    means = world.retaliations["answers_mean"] or [0.0]
    most = max(*means, 1.0)
    # The number of answers has no bound; one this large comes once in 1e30.
    answers = 64 + int(most + 12.0 * math.sqrt(most))
    orders = len(means) * answers + max(world.tempos["probes"] or [0])
    regions, layers = len(world.regions["side"]), len(world.layers["side"])
    # A war begins with what the calendar, tempos and reviews hold all at once.
    first = len(world.calendar["kind"]) + len(world.tempos["side"]) + len(means)
    return {
        "strikes": 1,
        "loads": arsenal,
        "groups": arsenal * targets,
        "orders": orders,
        "log": 16 + 4 * arsenal * (targets + 2) + 2 * (regions + layers) + 2 * len(means),
        "queue": 16 + first + arsenal * targets + orders,
    }
