"""What one event does to the state, stated once for every engine.

A step reads and changes the tables of a `World`, calls laws and rules, leaves rows in the
log, and says what there is to schedule; it schedules nothing itself. Every draw is taken
from the stream of the strike, or of the side's decision, that it is about.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence

from escalate._compile import law
from escalate.engines._pack import World
from escalate.events import KINDS
from escalate.laws.allocation import allocate, spread, wanted_size
from escalate.laws.assessment import believed, delay_hours
from escalate.laws.damage import casualties_mean, hours_above, remaining, struck
from escalate.laws.flight import (
    alert_added_hours,
    entry_hours,
    flight_hours,
    wave_count,
    window_left_hours,
)
from escalate.laws.interception import common_kill_prob, engage, may_engage
from escalate.laws.stockpile import (
    damage_hours,
    launch_limit,
    made,
    next_tempo_hours,
    part_left,
    whole_rounds,
)
from escalate.randomness import (
    bernoullis,
    decision,
    derive,
    gamma,
    normal,
    poisson,
    uniform,
    uniforms,
)
from escalate.rules import Situation, decide, measured, next_rung

(
    STRIKE, UNMET, HELD, THREAT, LAUNCHED, DUD, STRAYED, SHOTS, UNENGAGED, INTERCEPTED, LEAKED,
    DAMAGE, KILLED, INJURED, MAGAZINE_LOST, BLACKOUT, RESTRICTION, ASSESSED, MISSED, FALSE_ALARM,
    DECIDED, RUNG, PRODUCED, DELIVERED, RESUPPLIED, PERMISSION, TRUCE,
) = range(len(KINDS))  # fmt: skip

ROUTINE, MASSED, PROBE, ORDERED, ANSWER = range(5)
DELIVERY_ENTRY, PERMISSION_ENTRY, TRUCE_ENTRY, DEADLINE_ENTRY, ORDERED_ENTRY = range(5)
ENERGY, INDUSTRY, MILITARY, TRANSPORT, AIR_DEFENCE, URBAN = range(6)
CATEGORIES = 6

# The named decisions. A stream is one of these joined with the key of what is decided on.
D_TRUCE = decision("truce kept")
D_SIZE = decision("strike size")
D_DUD = decision("dud")
D_AIM = decision("aim")
D_STRAY = decision("stray")
D_KILL = decision("interception")
D_CYCLE = decision("cycle time")
D_TRACK = decision("tracking")
D_COMMON = decision("common-mode kill probability")
D_SITE = decision("site hit")
D_STORE = decision("interceptors in store")
D_SEVERITY = decision("severity")
D_KILLED = decision("killed")
D_INJURED = decision("injured")
D_MISS = decision("strike missed")
D_BELIEF = decision("belief")
D_ASSESS = decision("assessment delay")
D_RULE = decision("rule")
D_SLIP = decision("slip")
D_ANSWERS = decision("number of answers")
D_DELAY = decision("answer delay")
D_ORDER = decision("order")
D_REVIEW = decision("review")
D_ALARM = decision("false alarm")
D_ALARM_TIME = decision("false alarm time")
D_TEMPO = decision("tempo")
D_TEMPO_TIME = decision("tempo time")
D_PROBE = decision("probe")
D_ENTRY = decision("calendar")

# A damage that repair brings down to its level within a few millionths of a second counts as
# there: a wait that rounding loses in the clock would never end.
_AT_ONCE_HOURS = 1e-9


@law
def record(
    w: World,
    time: float,
    kind: int,
    side: int,
    strike: int,
    wave: int,
    weapon: int,
    layer: int,
    target: int,
    region: int,
    count: int,
    value: float,
) -> None:
    """Leave a row in the log."""
    log = w.log
    row = w.used["log"]
    w.used["log"] = row + 1
    log["time_hours"][row] = time
    log["kind"][row] = kind
    log["side"][row] = side
    log["strike"][row] = strike
    log["wave"][row] = wave
    log["weapon"][row] = weapon
    log["layer"][row] = layer
    log["target"][row] = target
    log["region"][row] = region
    log["count"][row] = count
    log["value"][row] = value


@law
def side_damage(w: World, now: float, side: int, category: int, layer: int) -> float:
    """Mean damage of a side's sites of one category; of those that house `layer` if given."""
    targets = w.targets
    damage = 0.0
    sites = 0
    t = w.first_alike[side * CATEGORIES + category]
    while t >= 0:
        if layer < 0 or targets["layer"][t] < 0 or targets["layer"][t] == layer:
            sites = sites + targets["sites"][t]
            damage = damage + remaining(
                targets["damage"][t], now - targets["at_hours"][t], targets["repair_hours"][t]
            )
        t = targets["next_alike"][t]
    if sites == 0:
        return 0.0
    return damage / sites


@law
def settle_weapons(w: World, now: float, side: int) -> None:
    """Bring a side's stocks up to date: rounds made and supplied since the last time."""
    weapons = w.weapons
    targets = w.targets
    clock = min(now, w.horizon)
    lost = -1.0
    first = w.sides["weapon_first"][side]
    for k in range(first, first + w.sides["weapons"][side]):
        if weapons["settled_hours"][k] >= clock:
            continue
        since = weapons["settled_hours"][k]
        weapons["settled_hours"][k] = clock
        own = weapons["per_hour"][k]
        supplied = weapons["resupply_per_hour"][k]
        if own == 0.0 and supplied == 0.0:
            continue
        if lost < 0.0:
            # All weapons of a side are settled together, so the integral is shared.
            lost = 0.0
            sites = 0
            t = w.first_alike[side * CATEGORIES + INDUSTRY]
            while t >= 0:
                sites = sites + targets["sites"][t]
                repair = targets["repair_hours"][t]
                left = remaining(targets["damage"][t], since - targets["at_hours"][t], repair)
                lost = lost + damage_hours(left, clock - since, repair)
                t = targets["next_alike"][t]
            if sites > 0:
                lost = lost / sites
        progress = weapons["progress"][k] + made(
            own, supplied, clock - since, w.sides["production_at_risk"][side], lost
        )
        rounds = whole_rounds(progress)
        weapons["progress"][k] = progress - rounds
        if rounds > 0:
            weapons["stock"][k] += rounds
            weapons["made"][k] += rounds
            _set_aside(w, k, rounds)
            record(w, clock, PRODUCED, side, -1, -1, k, -1, -1, -1, rounds, 0.0)


@law
def _set_aside(w: World, weapon: int, rounds: int) -> None:
    """Put a share of new rounds aside for a massed strike."""
    weapons = w.weapons
    share = weapons["earmark_share"][weapon]
    if share > 0.0:
        progress = weapons["earmark_progress"][weapon] + share * rounds
        aside = whole_rounds(progress)
        weapons["earmark_progress"][weapon] = progress - aside
        weapons["earmarked"][weapon] += aside


@law
def settle_layer(w: World, now: float, layer: int) -> None:
    """Bring a layer's magazine up to date: resupply since the last time."""
    layers = w.layers
    clock = min(now, w.horizon)
    since = layers["settled_hours"][layer]
    if since >= clock:
        return
    layers["settled_hours"][layer] = clock
    per_hour = layers["resupply_per_hour"][layer]
    magazine = layers["magazine"][layer]
    if per_hour == 0.0 or magazine < 0:
        return
    progress = layers["progress"][layer] + per_hour * (clock - since)
    rounds = whole_rounds(progress)
    layers["progress"][layer] = progress - rounds
    capacity = layers["capacity"][layer]
    if capacity >= 0:
        # What a full magazine cannot take is not delivered.
        rounds = min(rounds, max(capacity - magazine, 0))
    if rounds > 0:
        layers["magazine"][layer] = magazine + rounds
        layers["resupplied"][layer] += rounds
        side = layers["side"][layer]
        record(w, clock, RESUPPLIED, side, -1, -1, -1, layer, -1, -1, rounds, 0.0)


@law
def rung_masks(w: World, side: int) -> tuple[int, int, float]:
    """Give the weapon and target categories that a side may use now, and its rung's factor."""
    sides = w.sides
    weapon_mask = sides["weapon_mask"][side]
    target_mask = sides["target_mask"][side]
    factor = 1.0
    if sides["rungs"][side] > 0:
        rung = sides["rungs_first"][side] + sides["rung"][side]
        weapon_mask = weapon_mask & w.rungs["weapon_mask"][rung]
        target_mask = target_mask & w.rungs["target_mask"][rung]
        factor = w.rungs["factor"][rung]
    return weapon_mask, target_mask, factor


@law
def aim_weight(w: World, aim: int, weapon: int, target_mask: int, depth_km: float) -> float:
    """Give the weight of an aim for a weapon: 0 if out of reach or not permitted."""
    target = w.aims["target"][aim]
    if (target_mask >> w.targets["category"][target]) & 1 == 0:
        return 0.0
    depth = w.regions["depth_km"][w.targets["region"][target]]
    if depth > depth_km or depth > w.weapons["range_km"][weapon]:
        return 0.0
    return w.aims["weight"][aim]


@law
def spare_weapons(
    w: World, now: float, plan: int, earmarked: int, named: int, out: MutableSequence[int]
) -> int:
    """Fill `out` with what a plan may launch of each weapon now; return the total.

    `named` is the first of the counts by weapon that an order gives, which need not be of
    the plan's own weapons; -1 if it gives none.
    """
    weapons = w.weapons
    side = w.plans["side"][plan]
    weapon_mask, target_mask, _ = rung_masks(w, side)
    depth_km = w.sides["depth_km"][side]
    at_risk = w.sides["launchers_at_risk"][side]
    military = side_damage(w, now, side, MILITARY, -1) if at_risk > 0.0 else 0.0
    total = 0
    for k in range(len(weapons["side"])):
        out[k] = 0
        if named >= 0:
            if w.counts[named + k] == 0:
                continue
        elif w.mix[plan * len(weapons["side"]) + k] <= 0.0:
            continue
        if (weapon_mask >> weapons["category"][k]) & 1 == 0:
            continue
        spare = weapons["stock"][k] - weapons["reserve"][k] - weapons["committed"][k]
        if earmarked != 0:
            spare = min(spare, weapons["earmarked"][k])
        else:
            spare = spare - weapons["earmarked"][k]
        limit = launch_limit(weapons["launchers"][k], w.plans["waves"][plan], at_risk, military)
        if limit >= 0:
            spare = min(spare, limit)
        if spare <= 0:
            continue
        first_aim = w.plans["aim_first"][plan]
        for aim in range(first_aim, first_aim + w.plans["aims"][plan]):
            if aim_weight(w, aim, k, target_mask, depth_km) > 0.0:
                out[k] = spare
                total = total + spare
                break
    return total


@law
def truce_holds(w: World, now: float, key: int) -> bool:
    """Tell whether a truce holds back a strike that is due now."""
    truces = w.truces
    for z in range(len(truces["from_hours"])):
        if truces["from_hours"][z] <= now < truces["until_hours"][z]:
            u = uniform(w.key0, w.key1, key ^ D_TRUCE ^ truces["stream"][z], 0)
            if u < truces["compliance_prob"][z]:
                return True
    return False


@law
def open_strike(
    w: World, now: float, order: int, spare: MutableSequence[int], counts: MutableSequence[int]
) -> int:
    """Turn an order into a strike; return its id, or -1 if there is none.

    `spare` and `counts` are scratch space, one number a weapon.
    """
    orders = w.orders
    plans = w.plans
    weapons = w.weapons
    side = orders["side"][order]
    plan = orders["plan"][order]
    key = orders["key"][order]
    provoked_by = orders["provoked_by"][order]
    first = orders["entry"][order]
    arsenal = len(weapons["side"])
    settle_weapons(w, now, side)
    total = spare_weapons(w, now, plan, orders["earmarked"][order], first, spare)
    if first >= 0:  # the calendar says how many of each
        wanted = 0
        for k in range(arsenal):
            wanted = wanted + w.counts[first + k]
    elif orders["earmarked"][order] != 0:
        wanted = max(total, 1)
    else:
        wanted = wanted_size(
            w.key0, w.key1, key ^ D_SIZE, orders["size"][order], plans["dispersion"][plan]
        )
    if wanted == 0:
        return -1
    if truce_holds(w, now, key):
        record(w, now, HELD, side, -1, -1, -1, -1, -1, -1, 0, float(wanted))
        return -1
    for k in range(arsenal):
        counts[k] = 0
    if first >= 0:
        for k in range(arsenal):
            counts[k] = min(w.counts[first + k], spare[k])
    else:
        at = plan * arsenal
        code = plans["policy"][plan]
        size = min(wanted, total)
        if code < 4:
            allocate(code, size, spare, w.mix[at : at + arsenal], weapons["cost_usd"],
                     weapons["category"], counts)  # fmt: skip
        else:
            w.policies[code - 4](size, spare, w.mix[at : at + arsenal], weapons["cost_usd"][:],
                                 weapons["category"][:], counts)  # fmt: skip
    allotted = 0
    for k in range(arsenal):
        allotted = allotted + counts[k]
    if allotted == 0:
        record(w, now, UNMET, side, -1, -1, -1, -1, -1, -1, 0, float(wanted))
        return -1
    strike = w.used["strikes"]
    w.used["strikes"] = strike + 1
    w.used["loads"] = (strike + 1) * arsenal
    for k in range(arsenal):
        w.loads["count"][strike * arsenal + k] = counts[k]
        weapons["committed"][k] += counts[k]
        if orders["earmarked"][order] != 0:
            weapons["earmarked"][k] -= counts[k]
    strikes = w.strikes
    strikes["side"][strike] = side
    strikes["cause"][strike] = orders["cause"][order]
    strikes["provoked_by"][strike] = provoked_by
    strikes["key"][strike] = key
    strikes["plan"][strike] = plan
    strikes["retaliation"][strike] = orders["retaliation"][order]
    strikes["decided_hours"][strike] = now
    strikes["waves"][strike] = plans["waves"][plan]
    strikes["pending"][strike] = plans["waves"][plan]
    strikes["wanted"][strike] = wanted
    strikes["allotted"][strike] = allotted
    dispersion = w.sides["severity_dispersion"][1 - side]
    if dispersion > 0.0:
        strikes["severity"][strike] = (
            gamma(w.key0, w.key1, key ^ D_SEVERITY, dispersion) / dispersion
        )
    w.sides["strikes"][side] += 1
    record(w, now, STRIKE, side, strike, -1, -1, -1, -1, -1, allotted, float(wanted))
    return strike


@law
def launch_wave(
    w: World,
    now: float,
    strike: int,
    wave: int,
    weights: MutableSequence[float],
    counts: MutableSequence[int],
) -> tuple[int, int]:
    """Launch one wave; return the first of the new groups and how many there are.

    A group is the weapons of one kind in one wave that fly to one target. `weights` and
    `counts` are scratch space, one number a target.
    """
    strikes = w.strikes
    weapons = w.weapons
    targets = w.targets
    regions = w.regions
    groups = w.groups
    side = strikes["side"][strike]
    plan = strikes["plan"][strike]
    key = strikes["key"][strike]
    arsenal = len(weapons["side"])
    first_weapon = w.sides["weapon_first"][side]
    first_aim = w.plans["aim_first"][plan]
    aims = w.plans["aims"][plan]
    waves = strikes["waves"][strike]
    first_group = w.used["groups"]
    group = first_group
    weapon_mask, target_mask, _ = rung_masks(w, side)
    depth_km = w.sides["depth_km"][side]
    for k in range(first_weapon, first_weapon + w.sides["weapons"][side]):
        load = w.loads["count"][strike * arsenal + k]
        if load == 0:
            continue
        count = wave_count(load, wave, waves)
        if count == 0:
            continue
        weapons["committed"][k] -= count
        if (weapon_mask >> weapons["category"][k]) & 1 == 0:
            continue  # permission withdrawn since the strike was decided
        reachable = 0.0
        for j in range(aims):
            weights[j] = aim_weight(w, first_aim + j, k, target_mask, depth_km)
            reachable = reachable + weights[j]
        if reachable <= 0.0:  # the same for its targets
            continue
        weapons["stock"][k] -= count
        weapons["launched"][k] += count
        if strikes["launched"][strike] == 0:
            strikes["first_launch_hours"][strike] = now
        strikes["last_impact_hours"][strike] = max(strikes["last_impact_hours"][strike], now)
        strikes["launched"][strike] += count
        strikes["cost_usd"][strike] += count * weapons["cost_usd"][k]
        strikes["weapon_mask"][strike] |= 1 << weapons["category"][k]
        serial = strikes["fired"][strike]
        strikes["fired"][strike] = serial + count
        record(w, now, LAUNCHED, side, strike, wave, k, -1, -1, -1, count, 0.0)
        duds = bernoullis(
            w.key0, w.key1, key ^ D_DUD, serial, count, 1.0 - weapons["reliability"][k]
        )
        if duds > 0:
            strikes["dud"][strike] += duds
            record(w, now, DUD, side, strike, wave, k, -1, -1, -1, duds, 0.0)
        if duds == count:
            continue
        u = uniform(w.key0, w.key1, key ^ D_AIM ^ weapons["stream"][k], wave)
        spread(count - duds, weights[:aims], u, counts)
        drawn = serial
        for j in range(aims):
            n = counts[j]
            if n == 0:
                continue
            t = w.aims["target"][first_aim + j]
            region = targets["region"][t]
            impact = now + flight_hours(regions["depth_km"][region], weapons["speed"][k])
            groups["strike"][group] = strike
            groups["wave"][group] = wave
            groups["weapon"][group] = k
            groups["target"][group] = t
            groups["count"][group] = n
            groups["depart_hours"][group] = now
            groups["impact_hours"][group] = impact
            groups["drawn"][group] = drawn
            stray = regions["stray_prob"][region]
            if stray > 0.0:
                strayed = bernoullis(w.key0, w.key1, key ^ D_STRAY, drawn, n, stray)
                if strayed > 0:
                    strikes["strayed"][strike] += strayed
                    record(w, now, STRAYED, side, strike, wave, k, -1, t, region, strayed, 0.0)
            until = impact + w.sides["alert_hours"][1 - side]
            regions["alert_hours"][region] += alert_added_hours(
                regions["alert_until"][region], min(now, w.horizon), min(until, w.horizon)
            )
            regions["alert_until"][region] = max(regions["alert_until"][region], until)
            drawn = drawn + n
            group = group + 1
    w.used["groups"] = group
    strikes["pending"][strike] += group - first_group
    return first_group, group - first_group


@law
def _path(w: World, group: int, layer: int) -> int:
    """Give the row of `paths` for a group that has met `layer`; -1 for none yet."""
    region = w.targets["region"][w.groups["target"][group]]
    category = w.weapons["category"][w.groups["weapon"][group]]
    return ((layer + 1) * len(w.regions["side"]) + region) * CATEGORIES + category


@law
def next_layer(w: World, group: int, layer: int) -> int:
    """Give the next layer after `layer` that can engage a group; -1 if none is left."""
    if w.weapons["vulnerability"][w.groups["weapon"][group]] <= 0.0:
        return -1
    flight = w.groups["impact_hours"][group] - w.groups["depart_hours"][group] + 1e-9
    belt = w.paths["next"][_path(w, group, layer)]
    # What is launched inside a layer further in does not come through this one.
    while belt >= 0 and w.paths["ahead_hours"][_path(w, group, belt)] > flight:
        belt = w.paths["next"][_path(w, group, belt)]
    return belt


@law
def windows_beyond(w: World, group: int, layer: int) -> float:
    """Give the sum of the windows of the layers that a group meets after `layer`."""
    return w.paths["ahead_hours"][_path(w, group, layer)]


@law
def layer_entry(w: World, group: int, layer: int) -> float:
    """Give the time at which a group enters a layer."""
    category = w.weapons["category"][w.groups["weapon"][group]]
    ahead = w.kill["window"][layer * CATEGORIES + category] + windows_beyond(w, group, layer)
    return entry_hours(w.groups["depart_hours"][group], w.groups["impact_hours"][group], ahead)


@law
def layer_rank(w: World, group: int, layer: int) -> int:
    """Give the urgency of a group for a layer, 0 the most urgent."""
    category = w.weapons["category"][w.groups["weapon"][group]]
    return w.kill["rank"][layer * CATEGORIES + category]


@law
def engage_group(w: World, now: float, group: int, layer: int) -> int:
    """Send a group through a layer; return how many weapons are left."""
    layers = w.layers
    strikes = w.strikes
    strike = w.groups["strike"][group]
    weapon = w.groups["weapon"][group]
    wave = w.groups["wave"][group]
    target = w.groups["target"][group]
    region = w.targets["region"][target]
    count = w.groups["count"][group]
    defender = layers["side"][layer]
    key = strikes["key"][strike]
    at = layer * CATEGORIES + w.weapons["category"][weapon]
    settle_layer(w, now, layer)
    magazine = layers["magazine"][layer]
    hold_below = layers["hold_below"][layer]
    if not may_engage(w.kill["rank"][at], magazine, hold_below):
        strikes["unengaged"][strike] += count
        record(w, now, UNENGAGED, defender, strike, wave, weapon, layer, target, region, count, 0.0)
        return count
    channels = layers["channels"][layer]
    if w.sides["channels_at_risk"][defender] > 0.0:
        damage = side_damage(w, now, defender, AIR_DEFENCE, layer)
        channels = part_left(channels, w.sides["channels_at_risk"][defender], damage)
    allowed = magazine
    if magazine >= 0 and w.kill["rank"][at] > 0:
        allowed = magazine - max(hold_below - 1, 0)  # no further down within one group either
    prob = w.kill["prob"][at] * w.weapons["vulnerability"][weapon]
    stream = key ^ layers["stream"][layer]
    if layers["concentration"][layer] > 0.0 or layers["up"][layer] < 1.0:
        # Groups of one wave mostly come one after the other, and share what is drawn.
        if (
            layers["common_strike"][layer] != strike
            or layers["common_wave"][layer] != wave
            or layers["common_mean"][layer] != prob
        ):
            layers["common_strike"][layer] = strike
            layers["common_wave"][layer] = wave
            layers["common_mean"][layer] = prob
            common = derive(w.key0, w.key1, stream ^ D_COMMON, wave)
            layers["common_prob"][layer] = common_kill_prob(
                w.key0, w.key1, common, prob, layers["concentration"][layer], layers["up"][layer]
            )
        prob = layers["common_prob"][layer]
    window = window_left_hours(
        w.kill["window"][at],
        w.groups["depart_hours"][group],
        w.groups["impact_hours"][group],
        windows_beyond(w, group, layer),
    )
    looks = layers["looks"][layer]
    stopped, spent, unengaged = engage(
        w.key0, w.key1, stream ^ D_KILL, stream ^ D_CYCLE, stream ^ D_TRACK,
        w.groups["drawn"][group] * looks,
        w.channels, layers["channel_first"][layer], channels,
        w.looks, layers["look_first"][layer], looks,
        now, count, prob, layers["track"][layer], window,
        layers["cycle_hours"][layer], layers["exponential"][layer],
        layers["completed"][layer], allowed,
    )  # fmt: skip
    if magazine >= 0:
        layers["magazine"][layer] = magazine - spent
    layers["spent"][layer] += spent
    strikes["shots"][strike] += spent
    strikes["shot_cost_usd"][strike] += spent * layers["shot_cost_usd"][layer]
    if spent > 0:
        record(w, now, SHOTS, defender, strike, wave, weapon, layer, target, region, spent, 0.0)
    if unengaged > 0:
        strikes["unengaged"][strike] += unengaged
        record(w, now, UNENGAGED, defender, strike, wave, weapon, layer, target, region,
               unengaged, 0.0)  # fmt: skip
    if stopped > 0:
        strikes["last_impact_hours"][strike] = max(strikes["last_impact_hours"][strike], now)
        strikes["intercepted"][strike] += stopped
        if layers["electronic"][layer] != 0:
            strikes["lost"][strike] += stopped
        record(w, now, INTERCEPTED, defender, strike, wave, weapon, layer, target, region,
               stopped, 0.0)  # fmt: skip
        w.groups["count"][group] = count - stopped
        if stopped == count:
            _forget_groups(w)
    return count - stopped


@law
def _forget_groups(w: World) -> None:
    """Take the last rows of groups back as far as nothing is left of them.

    So the table stays as short as what is in the air, and in the processor's cache. A new group
    still has a higher number than any that is in the air.
    """
    last = w.used["groups"]
    while last > 0 and w.groups["count"][last - 1] == 0:
        last = last - 1
    w.used["groups"] = last


@law
def impact(w: World, now: float, group: int) -> bool:
    """Let what is left of a group hit its target; return whether the grid may have changed."""
    strikes = w.strikes
    targets = w.targets
    sites = w.sites
    strike = w.groups["strike"][group]
    weapon = w.groups["weapon"][group]
    wave = w.groups["wave"][group]
    target = w.groups["target"][group]
    hits = w.groups["count"][group]
    region = targets["region"][target]
    attacker = strikes["side"][strike]
    defender = 1 - attacker
    category = targets["category"][target]
    key = strikes["key"][strike]
    first = w.groups["drawn"][group]
    strikes["last_impact_hours"][strike] = max(strikes["last_impact_hours"][strike], now)
    strikes["leaked"][strike] += hits
    strikes["target_mask"][strike] |= 1 << category
    record(w, now, LEAKED, attacker, strike, wave, weapon, -1, target, region, hits, 0.0)
    if category == INDUSTRY:  # what was made until now was made undamaged by this
        settle_weapons(w, now, defender)
    share = w.weapons["damage"][weapon]
    if share > 0.0:
        repair = targets["repair_hours"][target]
        before = remaining(targets["damage"][target], now - targets["at_hours"][target], repair)
        # What is left of damage done at `since`, at which the damage of all sites is reckoned:
        # one exponential for all of them. Before it is too small a number, they are all moved on.
        left = remaining(1.0, now - targets["since_hours"][target], repair)
        if left < 1e-30:
            first_site = targets["site_first"][target]
            for site in range(first_site, first_site + targets["sites"][target]):
                sites["damage"][site] = sites["damage"][site] * left
            targets["since_hours"][target] = now
            left = 1.0
        added = 0.0
        different = 0
        even = odd = 0.0
        for draw in range(first, first + hits):
            if draw == first or draw & 1 == 0:
                even, odd = uniforms(w.key0, w.key1, key ^ D_SITE, draw >> 1)
            u = odd if draw & 1 else even
            site = targets["site_first"][target] + int(u * targets["sites"][target])
            if sites["at_hours"][site] < now or sites["damage"][site] == 0.0:
                different = different + 1
            old = min(sites["damage"][site] * left, 1.0)
            new = struck(old, share)
            sites["damage"][site] = new / left
            sites["at_hours"][site] = now
            added = added + (new - old)
        targets["damage"][target] = min(before + added, float(targets["sites"][target]))
        targets["at_hours"][target] = now
        strikes["damage"][strike] += added
        record(w, now, DAMAGE, defender, strike, wave, weapon, -1, target, region, different, added)
        if category == AIR_DEFENCE:
            lose_magazines(w, now, strike, target, added, first)
    severity = strikes["severity"][strike]
    lethality = w.weapons["lethality"][weapon]
    mean = casualties_mean(hits, targets["killed_per_hit"][target], lethality, severity)
    if mean > 0.0:
        killed = poisson(w.key0, w.key1, key ^ D_KILLED, first, mean)
        if killed > 0:
            strikes["killed"][strike] += killed
            record(w, now, KILLED, defender, strike, wave, weapon, -1, target, region, killed, 0.0)
    mean = casualties_mean(hits, targets["injured_per_hit"][target], lethality, severity)
    if mean > 0.0:
        injured = poisson(w.key0, w.key1, key ^ D_INJURED, first, mean)
        if injured > 0:
            strikes["injured"][strike] += injured
            record(w, now, INJURED, defender, strike, wave, weapon, -1, target, region,
                   injured, 0.0)  # fmt: skip
    w.groups["count"][group] = 0
    _forget_groups(w)
    return category == ENERGY


@law
def lose_magazines(
    w: World, now: float, strike: int, target: int, added: float, first: int
) -> None:
    """Destroy the part of the interceptors in store that stood at the sites just damaged."""
    layers = w.layers
    housed = w.targets["layer"][target]
    defender = w.targets["side"][target]
    share = added / w.targets["sites"][target]
    for belt in range(len(layers["side"])):
        if layers["side"][belt] != defender or (housed >= 0 and housed != belt):
            continue
        settle_layer(w, now, belt)
        magazine = layers["magazine"][belt]
        if magazine > 0:
            # In whole ones by a draw: rounded down, many small losses would be none.
            stream = w.strikes["key"][strike] ^ D_STORE ^ layers["stream"][belt]
            lost = min(int(magazine * share + uniform(w.key0, w.key1, stream, first)), magazine)
            if lost > 0:
                layers["magazine"][belt] = magazine - lost
                layers["destroyed"][belt] += lost
                record(w, now, MAGAZINE_LOST, defender, strike, -1, -1, belt, target,
                       w.targets["region"][target], lost, 0.0)  # fmt: skip


@law
def part_over(w: World, now: float, strike: int) -> bool:
    """Note that a wave or a group is over; return whether the whole strike is."""
    strikes = w.strikes
    strikes["pending"][strike] -= 1
    return strikes["pending"][strike] == 0


@law
def grid(w: World, now: float, side: int) -> float:
    """Switch restrictions and regional blackouts; return when repair changes them next.

    Regions go dark when the damage to their energy sites passes their level, a lower one
    while preventive restrictions are in force.
    """
    sides = w.sides
    regions = w.regions
    targets = w.targets
    clock = min(now, w.horizon)
    total = 0.0
    all_sites = 0
    repair = math.inf
    first = w.first_alike[side * CATEGORIES + ENERGY]
    t = first
    while t >= 0:
        repair = targets["repair_hours"][t]
        all_sites = all_sites + targets["sites"][t]
        total = total + remaining(targets["damage"][t], now - targets["at_hours"][t], repair)
        t = targets["next_alike"][t]
    if all_sites == 0:
        return math.inf
    level = sides["restriction"][side]
    above = hours_above(total / all_sites, level, repair)
    at_once = _AT_ONCE_HOURS + 1e-12 * now
    restricted = 1 if above > at_once else 0
    change = above if restricted != 0 else math.inf
    if restricted != sides["restricted"][side]:
        sides["restricted"][side] = restricted
        record(w, now, RESTRICTION, side, -1, -1, -1, -1, -1, -1, restricted, 0.0)
    for r in range(len(regions["side"])):
        if regions["side"][r] != side or regions["energy_sites"][r] == 0:
            continue
        damage = 0.0
        t = first
        while t >= 0:
            if targets["region"][t] == r:
                damage = damage + remaining(
                    targets["damage"][t], now - targets["at_hours"][t], repair
                )
            t = targets["next_alike"][t]
        damage = damage / regions["energy_sites"][r]
        level = regions["blackout"][r]
        if restricted != 0:
            level = min(level, regions["restricted"][r])
        above = hours_above(damage, level, repair)
        dark = 1 if above > at_once else 0
        if dark != 0:
            change = min(change, above)
        if dark != regions["dark"][r]:
            regions["dark"][r] = dark
            hours = 0.0
            if dark != 0:
                regions["dark_since"][r] = clock
                regions["dark_ever"][r] = 1
            else:
                hours = clock - regions["dark_since"][r]
                regions["dark_hours"][r] += hours
            record(w, now, BLACKOUT, side, -1, -1, -1, -1, -1, r, dark, hours)
    # Not so soon that the clock, to its last bit, would stand still.
    return max(change, 1e-12 * now)


@law
def assessment_delay(w: World, strike: int) -> float:
    """Give the time from a strike's end to the victim's belief about it."""
    victim = 1 - w.strikes["side"][strike]
    u = uniform(w.key0, w.key1, w.strikes["key"][strike] ^ D_ASSESS, 0)
    return delay_hours(
        w.sides["assess_delay_hours"][victim], w.sides["assess_exponential"][victim], u
    )


@law
def assess(w: World, now: float, strike: int) -> bool:
    """Let the victim form its belief about a strike; return whether it noticed."""
    strikes = w.strikes
    sides = w.sides
    victim = 1 - strikes["side"][strike]
    key = strikes["key"][strike]
    if uniform(w.key0, w.key1, key ^ D_MISS, 0) < sides["miss_prob"][victim]:
        record(w, now, MISSED, victim, strike, -1, -1, -1, -1, -1, 0, 0.0)
        return False
    sd = sides["noise_sd_log"][victim]
    factor = sides["exaggeration"][victim]
    z0 = z1 = z2 = z3 = z4 = 0.0
    if sd > 0.0:
        stream = key ^ D_BELIEF
        z0 = normal(uniform(w.key0, w.key1, stream, 0))
        z1 = normal(uniform(w.key0, w.key1, stream, 1))
        z2 = normal(uniform(w.key0, w.key1, stream, 2))
        z3 = normal(uniform(w.key0, w.key1, stream, 3))
        z4 = normal(uniform(w.key0, w.key1, stream, 4))
    launched = believed(float(strikes["launched"][strike]), factor, sd, z0)
    killed = believed(float(strikes["killed"][strike]), factor, sd, z2)
    take_in(
        w, now, victim, strike, launched,
        believed(float(strikes["leaked"][strike]), factor, sd, z1),
        killed,
        believed(float(strikes["injured"][strike]), factor, sd, z3),
        believed(strikes["damage"][strike], factor, sd, z4),
        strikes["weapon_mask"][strike], strikes["target_mask"][strike],
    )  # fmt: skip
    record(w, now, ASSESSED, victim, strike, -1, -1, -1, -1, -1, int(launched + 0.5), killed)
    return True


@law
def false_alarm(w: World, now: float, side: int) -> None:
    """Let a side believe in a strike that never was."""
    size = w.sides["false_alarm_size"][side]
    w.sides["false_alarms"][side] += 1
    record(w, now, FALSE_ALARM, side, -1, -1, -1, -1, -1, -1, 0, size)
    take_in(w, now, side, -1, size, size, 0.0, 0.0, 0.0, 0, 0)


@law
def next_false_alarm(w: World, now: float, side: int) -> float:
    """Draw and write down when a side's next false alarm is due."""
    rate = w.sides["false_alarms_per_hour"][side]
    at = math.inf
    if rate > 0.0:
        u = uniform(w.key0, w.key1, D_ALARM_TIME + side, w.sides["false_alarms"][side])
        at = now - math.log(u) / rate
    w.sides["alarm_hours"][side] = at
    return at


@law
def take_in(
    w: World,
    now: float,
    side: int,
    strike: int,
    launched: float,
    hits: float,
    killed: float,
    injured: float,
    damage: float,
    weapon_mask: int,
    target_mask: int,
) -> None:
    """Enter a believed strike into a side's memory, for each of its rules, and climb."""
    sides = w.sides
    quiet = now - sides["last_suffered_hours"][side]
    sides["last_suffered_hours"][side] = now
    sides["suffered"][side] += 1
    sides["killed_total"][side] += killed
    answers = w.retaliations
    for q in range(len(answers["side"])):
        if answers["side"][q] != side:
            continue
        answers["struck"][q] = 1
        answers["launched"][q] += launched
        answers["hits"][q] += hits
        answers["killed"][q] += killed
        answers["injured"][q] += injured
        answers["damage"][q] += damage
        answers["weapon_mask"][q] |= weapon_mask
        answers["target_mask"][q] |= target_mask
        answers["quiet_hours"][q] = quiet
        answers["provoked_by"][q] = strike
    if sides["rungs"][side] > 0:
        sides["calm_version"][side] += 1
        see = _seen(now, launched, hits, killed, injured, damage)
        rung = next_rung(
            sides["rung"][side],
            sides["rungs"][side] - 1,
            measured(see, float(sides["climb_measure"][side])),
            sides["climb_at"][side],
            sides["climb_targets"][side] & target_mask,
        )
        set_rung(w, now, side, rung)


@law
def _seen(
    now: float, launched: float, hits: float, killed: float, injured: float, damage: float
) -> Situation:
    """Give a situation that holds no more than the size of a provocation."""
    return Situation(
        now, 1.0, 0.0, 0.0, 0.0, launched, hits, killed, injured, damage, 0, 0,
        math.inf, 0.0, 0.0, 0.0, 0.0, 0.0,
    )  # fmt: skip


@law
def set_rung(w: World, now: float, side: int, rung: int) -> None:
    """Move a side to a rung of its ladder."""
    if rung != w.sides["rung"][side]:
        w.sides["rung"][side] = rung
        record(w, now, RUNG, side, -1, -1, -1, -1, -1, -1, rung, 0.0)


@law
def climb_down(w: World, now: float, side: int) -> bool:
    """Take a side one rung down after quiet; return whether there is one more to go."""
    set_rung(w, now, side, max(w.sides["rung"][side] - 1, 0))
    return w.sides["rung"][side] > 0


@law
def consult(w: World, now: float, q: int, spare: MutableSequence[int]) -> tuple[int, int]:
    """Ask one rule; return the first of the orders it leads to and how many there are.

    `spare` is scratch space, one number a weapon.
    """
    answers = w.retaliations
    sides = w.sides
    weapons = w.weapons
    nodes = w.nodes
    side = answers["side"][q]
    plan = answers["plan"][q]
    provoked_by = answers["provoked_by"][q]
    asked = answers["asked"][q]
    # The decision's key: child of the strike that provoked it, else of the asking itself.
    if provoked_by >= 0:
        parent = w.strikes["key"][provoked_by]
    else:
        parent = derive(w.key0, w.key1, D_REVIEW ^ answers["stream"][q], asked)
    key = derive(w.key0, w.key1, parent ^ D_RULE ^ answers["stream"][q], 0)
    first, last = answers["first"][q], answers["last"][q]
    for node in range(first, last + 1):
        nodes["draw"][node] = uniform(w.key0, w.key1, key ^ D_RULE, node - first)
    settle_weapons(w, now, side)
    available = spare_weapons(w, now, plan, 0, -1, spare)
    initial = 0
    for k in range(len(weapons["side"])):
        if w.mix[plan * len(weapons["side"]) + k] > 0.0:
            initial = initial + weapons["initial"][k]
    _, _, factor = rung_masks(w, side)
    standard = w.plans["size"][plan] * factor
    see = Situation(
        now,
        float(answers["struck"][q]),
        float(answers["struck_before"][q]),
        1.0 if sides["strikes"][side] > answers["own_strikes"][q] else 0.0,
        float(asked),
        answers["launched"][q],
        answers["hits"][q],
        answers["killed"][q],
        answers["injured"][q],
        answers["damage"][q],
        answers["weapon_mask"][q],
        answers["target_mask"][q],
        answers["quiet_hours"][q],
        standard,
        float(available),
        available / initial if initial > 0 else 0.0,
        float(sides["rung"][side]),
        sides["killed_total"][side],
    )
    given = decide(nodes, w.params, w.memory, w.functions, first, last, see)
    size = given.size
    if math.isnan(size):  # an infinite gain on nothing
        size = 0.0
    slip = answers["slip_prob"][q]
    if slip > 0.0 and uniform(w.key0, w.key1, key ^ D_SLIP, 0) < slip:
        size = standard if size <= 0.0 else 0.0  # below 0 is a threat not meant
    answers["struck_before"][q] = answers["struck"][q]
    answers["struck"][q] = 0
    answers["asked"][q] = asked + 1
    answers["own_strikes"][q] = sides["strikes"][side]
    answers["launched"][q] = 0.0
    answers["hits"][q] = 0.0
    answers["killed"][q] = 0.0
    answers["injured"][q] = 0.0
    answers["damage"][q] = 0.0
    answers["weapon_mask"][q] = 0
    answers["target_mask"][q] = 0
    answers["provoked_by"][q] = -1
    begin = w.used["orders"]
    number = 0
    if size > 0.0:
        number = 1
        if answers["answers_mean"][q] >= 0.0:
            number = poisson(w.key0, w.key1, key ^ D_ANSWERS, 0, answers["answers_mean"][q])
    if given.announced > 0.0 and size != 0.0:
        record(w, now, THREAT, side, provoked_by, -1, -1, -1, -1, -1, 1, abs(size))
    record(w, now, DECIDED, side, provoked_by, -1, -1, -1, -1, -1, number, max(size, 0.0))
    for i in range(number):
        wait = delay_hours(
            answers["delay_hours"][q],
            answers["exponential"][q],
            uniform(w.key0, w.key1, key ^ D_DELAY, i),
        )
        add_order(
            w, now + (wait + given.delay_hours), side, ANSWER, plan, size, provoked_by,
            derive(w.key0, w.key1, key ^ D_ORDER, i), q, -1, 0,
        )  # fmt: skip
    return begin, number


@law
def add_order(
    w: World,
    at: float,
    side: int,
    cause: int,
    plan: int,
    size: float,
    provoked_by: int,
    key: int,
    retaliation: int,
    entry: int,
    earmarked: int,
) -> int:
    """Write an order down and return its number."""
    orders = w.orders
    order = w.used["orders"]
    w.used["orders"] = order + 1
    orders["at_hours"][order] = at
    orders["side"][order] = side
    orders["cause"][order] = cause
    orders["plan"][order] = plan
    orders["size"][order] = size
    orders["provoked_by"][order] = provoked_by
    orders["key"][order] = key
    orders["retaliation"][order] = retaliation
    orders["entry"][order] = entry
    orders["earmarked"][order] = earmarked
    return order


@law
def next_tempo(w: World, now: float, tempo: int) -> float:
    """Draw and write down when a routine tempo strikes next after `now`."""
    tempos = w.tempos
    u = uniform(w.key0, w.key1, D_TEMPO_TIME ^ tempos["stream"][tempo], tempos["count"][tempo])
    at = tempo_after(w, now, tempo, -math.log(u))
    tempos["next_hours"][tempo] = at
    return at


@law
def tempo_after(w: World, now: float, tempo: int, hazard: float) -> float:
    """Give when a routine tempo has run through so much hazard after `now`."""
    return next_tempo_hours(
        now, hazard, w.tempos["rate_per_hour"][tempo], w.tempos["side"][tempo],
        w.deadlines["side"], w.deadlines["at_hours"], w.deadlines["lead_hours"],
        w.deadlines["factor"],
    )  # fmt: skip


@law
def tempo_order(w: World, now: float, tempo: int) -> int:
    """Order the next strike of a routine tempo, now."""
    tempos = w.tempos
    count = tempos["count"][tempo]
    tempos["count"][tempo] = count + 1
    plan = tempos["plan"][tempo]
    key = derive(w.key0, w.key1, D_TEMPO ^ tempos["stream"][tempo], count)
    return add_order(
        w, now, tempos["side"][tempo], ROUTINE, plan, w.plans["size"][plan], -1, key, -1, -1, 0
    )


@law
def mass_orders(w: World, now: float, tempo: int) -> tuple[int, int]:
    """Order a massed strike and its probes if enough is set aside; return first and number.

    The massed strike comes first of the orders.
    """
    tempos = w.tempos
    weapons = w.weapons
    side = tempos["side"][tempo]
    plan = tempos["plan"][tempo]
    settle_weapons(w, now, side)
    aside = 0
    for k in range(len(weapons["side"])):
        if w.mix[plan * len(weapons["side"]) + k] > 0.0 and weapons["side"][k] == side:
            aside = aside + weapons["earmarked"][k]
    begin = w.used["orders"]
    if aside < tempos["mass_size"][tempo]:
        return begin, 0
    count = tempos["count"][tempo]
    tempos["count"][tempo] = count + 1
    key = derive(w.key0, w.key1, D_TEMPO ^ tempos["stream"][tempo], count)
    probes = tempos["probes"][tempo]
    lead = tempos["probe_lead_hours"][tempo] if probes > 0 else 0.0
    add_order(w, now + lead, side, MASSED, plan, float(aside), -1, key, -1, -1, 1)
    for i in range(probes):
        probe = tempos["probe_plan"][tempo]
        add_order(
            w, now + lead * i / probes, side, PROBE, probe, w.plans["size"][probe], -1,
            derive(w.key0, w.key1, key ^ D_PROBE, i), -1, -1, 0,
        )  # fmt: skip
    return begin, 1 + probes


@law
def calendar_entry(w: World, now: float, entry: int, repeat: int) -> int:
    """Carry out a calendar entry; return the order it gives, or -1."""
    calendar = w.calendar
    kind = calendar["kind"][entry]
    side = calendar["side"][entry]
    if kind == DELIVERY_ENTRY:
        for d in range(len(w.deliveries["entry"])):
            if w.deliveries["entry"][d] == entry:
                deliver(
                    w, now, w.deliveries["what"][d], w.deliveries["thing"][d],
                    w.deliveries["count"][d],
                )  # fmt: skip
    elif kind == PERMISSION_ENTRY:
        sides = w.sides
        weapon_mask = sides["weapon_mask"][side] | calendar["allow_weapons"][entry]
        target_mask = sides["target_mask"][side] | calendar["allow_targets"][entry]
        sides["weapon_mask"][side] = weapon_mask & ~calendar["forbid_weapons"][entry]
        sides["target_mask"][side] = target_mask & ~calendar["forbid_targets"][entry]
        if calendar["depth_km"][entry] >= 0.0:
            sides["depth_km"][side] = calendar["depth_km"][entry]
        record(w, now, PERMISSION, side, -1, -1, -1, -1, -1, -1, 0, 0.0)
    elif kind == TRUCE_ENTRY:
        record(w, now, TRUCE, -1, -1, -1, -1, -1, -1, -1, 1 - repeat, 0.0)
    elif kind == ORDERED_ENTRY:
        plan = calendar["plan"][entry]
        key = derive(w.key0, w.key1, D_ENTRY ^ calendar["stream"][entry], 0)
        return add_order(
            w, now, side, ORDERED, plan, w.plans["size"][plan], -1, key, -1,
            calendar["count_first"][entry], 0,
        )  # fmt: skip
    return -1


@law
def deliver(w: World, now: float, what: int, thing: int, count: int) -> None:
    """Hand over rounds (0), interceptors (1) or channels (2)."""
    if what == 0:
        side = w.weapons["side"][thing]
        w.weapons["stock"][thing] += count
        w.weapons["delivered"][thing] += count
        _set_aside(w, thing, count)
        record(w, now, DELIVERED, side, -1, -1, thing, -1, -1, -1, count, 0.0)
        return
    side = w.layers["side"][thing]
    if what == 1:
        settle_layer(w, now, thing)
        w.layers["magazine"][thing] += count
        w.layers["delivered"][thing] += count
    else:
        w.layers["channels"][thing] += count
    record(w, now, DELIVERED, side, -1, -1, -1, thing, -1, -1, count, float(what))


@law
def settle(w: World, now: float) -> None:
    """Bring all stocks up to date, at the horizon and before what lands after it."""
    for side in range(2):
        settle_weapons(w, now, side)
    for layer in range(len(w.layers["side"])):
        settle_layer(w, now, layer)


@law
def finish(w: World) -> None:
    """Bring damage and the hours without power up to the horizon."""
    targets = w.targets
    for t in range(len(targets["side"])):
        elapsed = w.horizon - targets["at_hours"][t]
        if elapsed > 0.0:
            targets["damage"][t] = remaining(
                targets["damage"][t], elapsed, targets["repair_hours"][t]
            )
            targets["at_hours"][t] = w.horizon
    regions = w.regions
    for r in range(len(regions["side"])):
        if regions["dark"][r] != 0:
            regions["dark_hours"][r] += max(w.horizon - regions["dark_since"][r], 0.0)
            regions["dark_since"][r] = w.horizon
