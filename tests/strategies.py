"""Random scenarios that are valid, with every mechanism on and off and small enough to run.

Supply is bounded (at most 100 rounds of a weapon over the whole war, and deliveries of at
most 20), so that however fiercely the sides answer each other, a war has a few hundred strikes.
"""

import dataclasses
import math
from datetime import datetime, timedelta

from hypothesis import strategies as st

from escalate.rules import CATEGORIES, MEASURES, RULES, TARGET_CATEGORIES, Rule
from escalate.scenario import (
    CLAIMED_QUANTITIES,
    POLICIES,
    Assessment,
    Claimant,
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
)
from escalate.scenario_file import unsourced

NAMES = ("a", "b", "long_range", "x-1", "7", "the south", "Größe", 'so "called"')
SUPPLY = 20
"""Rounds that production, or resupply, adds to a stock over the whole war, on average."""
STRIKES = 20
"""Routine strikes of a tempo over the whole war, on average."""
REVIEWS = 30


def numbers(low, high):
    """Draw from a range, and rather often its ends."""
    return st.sampled_from((low, high)) | st.floats(low, high, allow_subnormal=False)


shares = numbers(0.0, 1.0)
weapon_categories = st.sampled_from(CATEGORIES)
target_categories = st.sampled_from(TARGET_CATEGORIES)
delays = st.sampled_from(("fixed", "exponential"))


@st.composite
def some(draw, names, low=0, high=4):
    """Draw a tuple of names; its size evenly, where a list would rarely be long."""
    left = list(names)
    size = draw(st.sampled_from(range(min(low, len(left)), min(high, len(left)) + 1)))
    return tuple(left.pop(draw(st.integers(0, len(left) - 1))) for _ in range(size))


@st.composite
def table(draw, keys, values, low=0, high=3):
    """Draw a mapping from some of the keys, in any order."""
    return {key: draw(values) for key in draw(some(keys, low, high))}


def fields(required, /, **optional):
    """Draw the arguments of a dataclass, leaving some at their default."""
    return st.fixed_dictionaries(required, optional=optional)


def parameter(key, default):
    """Draw a parameter of a rule."""
    if isinstance(default, str):
        return st.sampled_from(MEASURES)
    if isinstance(default, tuple):
        known = CATEGORIES if default == ("weapon",) else TARGET_CATEGORIES
        return some(known) | st.sampled_from(known)
    if key.endswith(("prob", "_share")):
        return shares
    low, high = {
        "quiet_hours": (0.5, 200.0), "window_hours": (0.0, 200.0), "hours": (0.0, 48.0),
        "at_hours": (0.0, 200.0), "factor": (0.5, 2.0), "gain": (0.0, 1.5), "calm": (0.0, 3.0),
        "top": (0.0, 5.0),
    }.get(key, (0.0, 40.0))  # fmt: skip
    drawn = numbers(low, high) | st.integers(math.ceil(low), math.floor(high))
    return drawn | st.just(math.inf) if default == math.inf else drawn


def _rules_named(name, held):
    entry = RULES[name]
    params = fields({}, **{k: parameter(k, default) for k, default in entry.params.items()})
    if entry.rules[1] == 0:
        return params.map(lambda given: Rule(name, **given))
    low, high = entry.rules
    inner = st.lists(held, min_size=low, max_size=min(high, 3))
    return st.tuples(inner, params).map(lambda drawn: Rule(name, *drawn[0], **drawn[1]))


def rules():
    """Draw a rule of the catalogue, or a combination of some."""
    plain = [name for name, entry in RULES.items() if entry.rules[1] == 0]
    combining = [name for name in RULES if name not in plain]
    return st.recursive(
        st.sampled_from(plain).flatmap(lambda name: _rules_named(name, None)),
        lambda held: st.sampled_from(combining).flatmap(lambda name: _rules_named(name, held)),
        max_leaves=4,
    )


def weapons(hours):
    supply = numbers(0.0, SUPPLY * 24.0 / hours)
    return fields(
        {
            "category": weapon_categories,
            "stock": st.sampled_from((0, 1, 20, 60)) | st.integers(5, 60),
        },
        production_per_day=supply,
        resupply_per_day=supply,
        reserve=st.integers(0, 10),
        reliability_prob=shares,
        range_km=st.sampled_from((math.inf, 1.0, 2000.0)) | st.floats(300.0, 2000.0),
        speed_km_per_hour=numbers(50.0, 6000.0),
        damage_share=shares,
        lethality=numbers(0.0, 3.0),
        vulnerability_share=shares,
        unit_cost_usd=numbers(0.0, 2e6),
        launchers=st.none() | st.integers(0, 20),
    ).map(lambda given: Weapon(**given))


regions = fields(
    {"depth_km": st.sampled_from((0.0, 500.0, 2000.0)) | st.floats(0.0, 800.0)},
    third_party=st.sampled_from(("", "Ruritania")),
    stray_prob=shares,
    blackout_share=shares,
    restricted_share=shares,
).map(lambda given: Region(**given))


@st.composite
def layers(draw, hours, regions):
    given = draw(
        fields(
            {
                "kill_prob": table(CATEGORIES, shares, high=6),
                "doctrine": st.sampled_from(("barrage", "shoot_look_shoot")),
            },
            channels=st.integers(0, 5),
            cycle_hours=numbers(0.0, 0.5),
            cycle=st.sampled_from(("fixed", "exponential")),
            window_hours=table(CATEGORIES, numbers(0.0, 1.0), high=6),
            engagement=st.sampled_from(("begun", "completed")),
            look_shots=st.lists(st.integers(1, 3), max_size=3).map(tuple),
            shots=st.integers(1, 3),
            magazine=st.none() | st.integers(0, 60),
            magazine_capacity=st.none() | st.integers(0, 60),
            resupply_per_day=numbers(0.0, SUPPLY * 24.0 / hours),
            priorities=some(CATEGORIES),
            hold_below=st.integers(0, 20),
            common_mode_concentration=st.none() | numbers(0.5, 50.0),
            electronic=st.booleans(),
            up_prob=shares,
            track_prob=shares,
            regions=some(regions),
            shot_cost_usd=numbers(0.0, 4e6),
        )
    )
    if given["doctrine"] != "shoot_look_shoot":
        given.pop("look_shots", None)
    if given.get("electronic"):
        given.pop("magazine", None)
    if not given.get("priorities"):
        given.pop("hold_below", None)
    if given.get("magazine") is not None and given.get("magazine_capacity") is not None:
        given["magazine_capacity"] = max(given["magazine"], given["magazine_capacity"])
    return Layer(**given)


@st.composite
def targets(draw, regions, layers):
    given = draw(
        fields(
            {"category": target_categories, "region": st.sampled_from(tuple(regions))},
            sites=st.integers(1, 5),
            killed_per_hit=numbers(0.0, 5.0),
            injured_per_hit=numbers(0.0, 10.0),
            layer=st.sampled_from(("", *layers)),
        )
    )
    if given["category"] != "air_defence":
        given.pop("layer", None)
    return Target(**given)


@st.composite
def grounds(draw, hours, armed, struck):
    """Draw what a side has and what can be struck of it."""
    land = draw(table(NAMES, regions, struck))
    belts = draw(table(NAMES, layers(hours, land)))
    return {
        "weapons": draw(table(NAMES, weapons(hours), armed)),
        "layers": belts,
        "regions": land,
        "targets": draw(table(NAMES, targets(land, belts), struck)) if land else {},
    }


@st.composite
def plans(draw, own, other, armed):
    """Draw plans whose targets the weapons reach; none where there are none."""
    found = {}
    for name in draw(some(NAMES, armed, 3)):
        used = draw(table(own["weapons"], numbers(0.0, 2.0)))
        if not sum(used.values()):
            used = {}
        farthest = max((own["weapons"][w].range_km for w in used or own["weapons"]), default=0.0)
        near = [
            target
            for target, held in other["targets"].items()
            if other["regions"][held.region].depth_km <= farthest
        ]
        if not near:
            continue
        aims = draw(table(near, numbers(0.0, 2.0), low=1))
        if not sum(aims.values()):
            aims[next(iter(aims))] = 1.0
        extra = draw(
            fields(
                {},
                size=st.integers(1, 20) | numbers(0.0, 20.0),
                size_dispersion=st.none() | numbers(0.2, 10.0),
                policy=st.sampled_from(POLICIES),
                waves=st.integers(1, 4),
                duration_hours=numbers(0.0, 6.0),
            )
        )
        found[name] = Plan(targets=aims, weapons=used, **extra)
    return found


@st.composite
def tempos(draw, own, plans, hours, armed):
    found, massed = {}, set()
    for name in draw(some(NAMES, armed, 2)) if plans else ():
        plan = draw(st.sampled_from(tuple(plans)))
        used = set(plans[plan].weapons or own["weapons"])
        if not used & massed and draw(st.booleans()):
            massed |= used
            given = draw(
                fields(
                    {"mass_size": st.integers(1, 40)},
                    set_aside_share=shares,
                    check_hours=numbers(hours / REVIEWS, hours / 2),
                    probe_lead_hours=numbers(0.0, 24.0),
                    probe_plan=st.sampled_from(("", *plans)),
                )
            )
            if given.get("probe_plan"):
                given["probes"] = draw(st.integers(0, 2))
            found[name] = Tempo(plan=plan, kind="massed", **given)
        else:
            rate = (
                draw(st.sampled_from((0.0, 0.5, 1.0)) | st.floats(0.1, 1.0))
                * STRIKES
                * 24.0
                / hours
            )
            found[name] = Tempo(plan=plan, rate_per_day=rate)
    return found


def retaliations(plans, hours):
    if not plans:
        return st.just({})
    one = fields(
        {"rule": rules(), "plan": st.sampled_from(tuple(plans))},
        delay_hours=numbers(0.0, 48.0),
        delay=delays,
        answers_mean=st.none() | numbers(0.0, 1.5),
        review_hours=st.just(0.0) | numbers(hours / REVIEWS, hours),
        slip_prob=shares,
    )
    return table(NAMES, one.map(lambda given: Retaliation(**given)), high=2)


@st.composite
def ladders(draw):
    rung = fields(
        {},
        weapons=some(CATEGORIES, 3, 6),
        targets=some(TARGET_CATEGORIES, 3, 6),
        size_factor=numbers(0.0, 3.0),
    )
    rungs = draw(table(NAMES, rung.map(lambda given: Rung(**given)), low=1))
    given = draw(
        fields(
            {},
            start=st.sampled_from(("", *rungs)),
            climb_measure=st.sampled_from(MEASURES),
            climb_at=st.none() | numbers(0.0, 20.0),
            climb_targets=some(TARGET_CATEGORIES),
            descend_after_hours=st.none() | numbers(1.0, 200.0),
        )
    )
    return Ladder(rungs=rungs, **given)


def assessments(hours):
    return fields(
        {},
        delay_hours=numbers(0.0, 24.0),
        delay=delays,
        noise_sd_log=numbers(0.0, 1.0),
        exaggeration=numbers(0.2, 2.0),
        miss_prob=shares,
        false_alarms_per_day=numbers(0.0, 5 * 24.0 / hours),
        false_alarm_size=numbers(0.0, 10.0),
    ).map(lambda given: Assessment(**given))


claimants = table(
    NAMES,
    fields(
        {},
        speaks_as=st.sampled_from(("defender", "attacker", "press")),
        quantities=some(CLAIMED_QUANTITIES),
        bias=table(CLAIMED_QUANTITIES, numbers(0.0, 3.0)),
        noise_sd_log=numbers(0.0, 1.0),
        rounding=st.integers(1, 10),
        relation=st.sampled_from(("exactly", "about", "at_least", "more_than", "dozens")),
        delay_hours=numbers(0.0, 48.0),
        first_share=shares,
        revisions=st.integers(0, 3),
        revision_hours=numbers(0.0, 48.0),
        silence_prob=shares,
    ).map(lambda given: Claimant(**given)),
    high=1,
)


def traits(hours):
    """Draw the rest of a side."""
    return fields(
        {},
        ladder=st.none() | ladders(),
        assessment=assessments(hours),
        claimants=claimants,
        permitted_weapons=st.just(CATEGORIES[::-1]) | some(CATEGORIES, 0, 6),
        permitted_targets=st.just(TARGET_CATEGORIES[::-1]) | some(TARGET_CATEGORIES, 0, 6),
        permitted_depth_km=st.none() | numbers(0.0, 1500.0),
        repair_days=table(TARGET_CATEGORIES, numbers(0.1, 100.0)),
        severity_dispersion=st.none() | numbers(0.2, 10.0),
        production_at_risk_share=shares,
        launchers_at_risk_share=shares,
        channels_at_risk_share=shares,
        restriction_share=st.none() | shares,
        alert_hours=numbers(0.0, 6.0),
    )


@st.composite
def calendars(draw, sides, start, hours):
    moments = st.integers(0, hours * 60).map(lambda minutes: start + timedelta(minutes=minutes))

    def delivery(name, side):
        filled = [layer for layer, held in side.layers.items() if held.magazine is not None]
        counts = st.integers(0, 20)
        return fields(
            {"side": st.just(name), "at": moments},
            weapons=table(side.weapons, counts),
            magazines=table(filled, counts),
            channels=table(side.layers, st.integers(0, 2)),
            every_days=st.none() | numbers(hours / 24 / 10, hours / 24),
        ).map(lambda given: Delivery(**given))

    def permission(name):
        return fields(
            {"side": st.just(name), "at": moments},
            allow_weapons=some(CATEGORIES),
            forbid_weapons=some(CATEGORIES),
            allow_targets=some(TARGET_CATEGORIES),
            forbid_targets=some(TARGET_CATEGORIES),
            depth_km=st.none() | numbers(0.0, 1500.0),
        ).map(lambda given: Permission(**given))

    def deadline(name):
        return st.builds(
            Deadline,
            side=st.just(name),
            at=moments,
            lead_days=numbers(0.1, 10.0),
            factor=numbers(1.0, 3.0),
        )

    def ordered(name, side):
        return fields(
            {"side": st.just(name), "at": moments, "plan": st.sampled_from(tuple(side.plans))},
            counts=table(side.weapons, st.integers(0, 20)),
        ).map(lambda given: OrderedStrike(**given))

    def truce(at):
        ends = st.integers(1, 200).map(lambda n: at + timedelta(hours=n))
        return st.builds(Truce, at=st.just(at), until=ends, compliance_prob=shares)

    kinds = [moments.flatmap(truce)]
    for name, side in sides.items():
        kinds += [delivery(name, side), permission(name), deadline(name)]
        kinds += [ordered(name, side)] if side.plans else []
    return tuple(draw(st.lists(st.one_of(kinds), max_size=4)))


@st.composite
def sources(draw, scenario):
    """Draw sources for some of the numbers, and some of the tables around them."""
    owned = draw(some(unsourced(scenario)))
    around = [path.rpartition(".")[0] for path in unsourced(scenario)]
    tables = ["", "sides", *(path for path in around if not path.endswith("]"))]
    texts = st.sampled_from(("F22; assumption: half", 'the "Times",\n2 May')) | st.text(
        st.characters(codec="utf-8"), max_size=8
    )
    return {path: draw(texts) for path in {*owned, *draw(some(tables))}}


@st.composite
def scenarios(draw):
    """Draw a valid scenario."""
    hours = draw(st.sampled_from((1, 7, 24, 72, 240, 720)))
    first, last = datetime(2022, 2, 24), datetime(2026, 12, 31)
    start = draw(st.just(first) | st.datetimes(first, last))
    names = draw(st.permutations(NAMES[:6]))[:2]
    # Both fight in most; the simplest, where a failure shrinks to, is that neither does.
    armed = draw(st.sampled_from(((0, 0), (1, 0), *[(1, 1)] * 10)))
    ground = {
        name: draw(grounds(hours, own, other))
        for name, own, other in zip(names, armed, armed[::-1], strict=True)
    }
    sides = {}
    for name, other, fights in zip(names, names[::-1], armed, strict=True):
        own = ground[name]
        made = draw(plans(own, ground[other], fights))
        acts = {
            "plans": made,
            "tempos": draw(tempos(own, made, hours, fights and draw(st.sampled_from((0, 1, 1))))),
            "retaliations": draw(retaliations(made, hours)),
        }
        sides[name] = Side(**own, **acts, **draw(traits(hours)))
    places = tuple(region for side in sides.values() for region in side.regions)
    extra = draw(
        fields(
            {"calendar": calendars(sides, start, hours)},
            claimants=claimants,
            figures=some(("F1", "F22", "F300")),
            places=table(("Kyiv", "the front"), some(places)),
            name=st.sampled_from(("", "winter")),
            title=st.text(st.characters(codec="utf-8"), max_size=8),
        )
    )
    end = start + timedelta(hours=hours)
    scenario = Scenario(sides=sides, start=start, end=end, **extra)
    return dataclasses.replace(scenario, sources=draw(sources(scenario)))
