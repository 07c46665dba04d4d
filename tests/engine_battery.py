"""What any engine must satisfy in any war: one battery, which an engine joins in one line.

Each check takes a run and looks at its log and tables alone; nothing here knows how an engine
works. `CHECKS` holds them all.
"""

import math
from collections import defaultdict

import numpy as np

from escalate.events import CAUSES, KINDS
from escalate.scenario import OrderedStrike, Permission, Truce, numbering

CHECKS = []
AFTER_THE_HORIZON = {
    "shots", "unengaged", "intercepted", "leaked", "damage", "killed", "injured",
    "magazine_lost", "blackout", "restriction",
}  # fmt: skip
"""What weapons that are in the air at the horizon may still do."""


def check(function):
    CHECKS.append(function)
    return function


def rows(run, *kinds):
    """Give the log's rows of some kinds in their order, as dicts."""
    log = run.tables["log"]
    numbers = [list(KINDS).index(kind) for kind in kinds or KINDS]
    chosen = np.flatnonzero(np.isin(log["kind"], numbers))
    names = list(KINDS)
    for i in chosen:
        row = {column: values[i].item() for column, values in log.items()}
        yield {**row, "kind": names[row["kind"]]}


def total(run, kind, column, length, what="count"):
    """Sum the log's rows of a kind by the thing that a column numbers."""
    found = run.rows(kind)
    held = found[column] >= 0
    return np.bincount(found[column][held], weights=found[what][held], minlength=length)


def things(run, kind):
    """Give (side, name, thing) of all weapons, layers, targets, ... in their numbering."""
    sides = list(run.scenario.sides.values())
    numbers = numbering(run.scenario)[kind]
    return [(i, name, getattr(sides[i], f"{kind}s")[name]) for i, name in numbers]


@check
def every_weapon_has_one_fate(run):
    fates = defaultdict(lambda: defaultdict(int))
    for row in rows(run, "launched", "dud", "intercepted", "leaked"):
        fates[row["strike"], row["weapon"]][row["kind"]] += row["count"]
    for fate in fates.values():
        assert fate["launched"] == fate["dud"] + fate["intercepted"] + fate["leaked"]
    strikes = run.tables["strikes"]
    ends = strikes["dud"] + strikes["intercepted"] + strikes["leaked"]
    assert np.array_equal(strikes["launched"], ends)
    assert (strikes["launched"] <= strikes["allotted"]).all()
    assert (strikes["allotted"] > 0).all()
    assert (strikes["allotted"] <= strikes["wanted"]).all()
    assert (strikes["lost"] <= strikes["intercepted"]).all()
    assert (strikes["strayed"] <= strikes["launched"] - strikes["dud"]).all()


@check
def stocks_balance_and_are_never_negative(run):
    table = run.tables["weapons"]
    ends = table["initial"] + table["made"] + table["delivered"] - table["launched"]
    assert np.array_equal(table["stock"], ends)
    stock = table["initial"].copy()
    for row in rows(run, "produced", "delivered", "launched"):
        k = row["weapon"]
        if k < 0:
            continue
        if row["kind"] == "launched":
            stock[k] -= row["count"]
            assert stock[k] >= things(run, "weapon")[k][2].reserve
        else:
            stock[k] += row["count"]
        assert stock[k] >= 0
    assert np.array_equal(stock, table["stock"])


@check
def magazines_balance_and_are_never_negative(run):
    table = run.tables["layers"]
    limited = table["initial"] >= 0
    ends = table["initial"] + table["resupplied"] + table["delivered"]
    ends = ends - table["spent"] - table["destroyed"]
    assert np.array_equal(table["magazine"][limited], ends[limited])
    assert (table["magazine"][~limited] == -1).all()
    magazine = table["initial"].copy()
    signs = {"resupplied": 1, "delivered": 1, "shots": -1, "magazine_lost": -1}
    for row in rows(run, *signs):
        layer = row["layer"]
        if layer < 0 or not limited[layer] or (row["kind"] == "delivered" and row["value"] == 2):
            continue
        magazine[layer] += signs[row["kind"]] * row["count"]
        assert magazine[layer] >= 0
        capacity = things(run, "layer")[layer][2].magazine_capacity
        if row["kind"] == "resupplied" and capacity is not None:
            assert magazine[layer] <= capacity
    assert np.array_equal(magazine[limited], table["magazine"][limited])


@check
def times_run_forward_and_end(run):
    times = run.tables["log"]["time_hours"]
    assert (np.diff(times) >= 0.0).all()
    assert (times >= 0.0).all()
    horizon = run.scenario.horizon_hours
    for row in rows(run, *(set(KINDS) - AFTER_THE_HORIZON)):
        assert row["time_hours"] <= horizon, row


@check
def parents_come_first(run):
    strikes = run.tables["strikes"]
    for number, parent in enumerate(strikes["provoked_by"]):
        answer = strikes["cause"][number] == CAUSES.index("answer")
        assert answer == (strikes["retaliation"][number] >= 0)
        if parent < 0:
            continue
        assert answer
        assert parent < number
        assert strikes["side"][parent] == 1 - strikes["side"][number]
        assert strikes["last_impact_hours"][parent] <= strikes["decided_hours"][number]
    assert (strikes["decided_hours"] <= strikes["first_launch_hours"]).all()


@check
def strikes_agree_with_the_log(run):
    strikes = run.tables["strikes"]
    n = len(strikes["side"])
    for kind in ("launched", "dud", "strayed", "unengaged", "intercepted", "leaked", "shots",
                 "killed", "injured"):  # fmt: skip
        assert np.array_equal(strikes[kind], total(run, kind, "strike", n)), kind
    assert np.array_equal(strikes["damage"], total(run, "damage", "strike", n, "value"))
    costs = np.array([weapon.unit_cost_usd for _, _, weapon in things(run, "weapon")])
    spent = np.array([layer.shot_cost_usd for _, _, layer in things(run, "layer")])
    for kind, column, price, thing in (
        ("launched", "cost_usd", costs, "weapon"),
        ("shots", "shot_cost_usd", spent, "layer"),
    ):
        found = run.rows(kind)
        paid = found["count"] * (price[found[thing]] if len(price) else 0.0)
        paid = np.bincount(found["strike"], weights=paid, minlength=n)
        assert np.allclose(strikes[column], paid, rtol=1e-12)
    decided = list(rows(run, "strike"))
    assert [row["strike"] for row in decided] == list(range(n))
    assert [row["count"] for row in decided] == strikes["allotted"].tolist()
    assert [row["value"] for row in decided] == strikes["wanted"].tolist()
    assert [row["time_hours"] for row in decided] == strikes["decided_hours"].tolist()
    first = np.full(n, math.inf)
    for row in rows(run, "launched"):
        first[row["strike"]] = min(first[row["strike"]], row["time_hours"])
    assert np.array_equal(first, strikes["first_launch_hours"])


@check
def things_agree_with_the_log(run):
    weapons, layers = run.tables["weapons"], run.tables["layers"]
    arsenal, belts = len(weapons["side"]), len(layers["side"])
    assert np.array_equal(weapons["made"], total(run, "produced", "weapon", arsenal))
    assert np.array_equal(weapons["delivered"], total(run, "delivered", "weapon", arsenal))
    assert np.array_equal(weapons["launched"], total(run, "launched", "weapon", arsenal))
    assert np.array_equal(layers["spent"], total(run, "shots", "layer", belts))
    assert np.array_equal(layers["resupplied"], total(run, "resupplied", "layer", belts))
    assert np.array_equal(layers["destroyed"], total(run, "magazine_lost", "layer", belts))
    delivered = np.zeros(belts)
    for row in rows(run, "delivered"):
        if row["layer"] >= 0 and row["value"] == 1:
            delivered[row["layer"]] += row["count"]
    assert np.array_equal(layers["delivered"], delivered)
    for row in rows(run):  # a row's things are its sides' own
        attacker = run.tables["strikes"]["side"][row["strike"]] if row["strike"] >= 0 else -1
        if row["weapon"] >= 0 and attacker >= 0:
            assert weapons["side"][row["weapon"]] == attacker
        for kind in ("layer", "target", "region"):
            if row[kind] >= 0 and attacker >= 0:
                assert run.tables[f"{kind}s"]["side"][row[kind]] == 1 - attacker


@check
def regions_agree_with_the_log(run):
    table = run.tables["regions"]
    horizon = run.scenario.horizon_hours
    since = {}
    dark = np.zeros(len(table["side"]))
    for row in rows(run, "blackout"):
        at = min(row["time_hours"], horizon)
        if row["count"]:
            assert row["region"] not in since
            since[row["region"]] = at
        else:
            dark[row["region"]] += at - since.pop(row["region"])
    for region, at in since.items():
        dark[region] += horizon - at
    assert np.allclose(table["dark_hours"], dark, rtol=0.0, atol=1e-9)
    for column in ("dark_hours", "alert_hours"):
        assert (table[column] >= 0.0).all()
        assert (table[column] <= horizon * (1.0 + 1e-12)).all()
    targets = run.tables["targets"]
    assert (targets["damage"] >= 0.0).all()
    assert (targets["damage"] <= targets["sites"]).all()


@check
def only_what_is_permitted_and_in_reach_is_launched(run):
    scenario = run.scenario
    sides = list(scenario.sides.values())
    plans, weapons = things(run, "plan"), things(run, "weapon")
    targets = things(run, "target")
    strikes = run.tables["strikes"]
    named = {}
    changes = [[], []]
    for entry in sorted(scenario.calendar, key=lambda e: e.at):  # stable: ties keep their order
        if isinstance(entry, Permission):
            changes[list(scenario.sides).index(entry.side)].append(entry)
    for entry in scenario.calendar:
        if isinstance(entry, OrderedStrike) and entry.counts:
            key = scenario.hours(entry.at), list(scenario.sides).index(entry.side), entry.plan
            named.setdefault(key, set()).update(w for w, count in entry.counts.items() if count)
    allowed = [set(side.permitted_weapons) for side in sides]
    on = [set(side.permitted_targets) for side in sides]
    depth = [
        math.inf if side.permitted_depth_km is None else side.permitted_depth_km for side in sides
    ]
    rungs = [list(side.ladder.rungs.values()) if side.ladder else [] for side in sides]
    rung = [
        list(side.ladder.rungs).index(side.ladder.start) if side.ladder and side.ladder.start else 0
        for side in sides
    ]
    launch = {}
    for row in rows(run):
        i, strike = row["side"], row["strike"]
        if row["kind"] == "permission":
            entry = changes[i].pop(0)
            allowed[i] = (allowed[i] | set(entry.allow_weapons)) - set(entry.forbid_weapons)
            on[i] = (on[i] | set(entry.allow_targets)) - set(entry.forbid_targets)
            depth[i] = depth[i] if entry.depth_km is None else entry.depth_km
        elif row["kind"] == "rung":
            rung[i] = row["count"]
        elif row["kind"] == "launched":
            _, name, weapon = weapons[row["weapon"]]
            now = rungs[i][rung[i]] if rungs[i] else None
            assert weapon.category in allowed[i]
            assert now is None or weapon.category in now.weapons
            if weapon.launchers is not None:
                assert row["count"] <= weapon.launchers
            plan = plans[strikes["plan"][strike]]
            key = strikes["decided_hours"][strike], i, plan[1]
            if not (strikes["cause"][strike] == CAUSES.index("ordered") and key in named):
                assert not plan[2].weapons or plan[2].weapons.get(name, 0.0) > 0.0
            elif strikes["cause"][strike] == CAUSES.index("ordered"):
                # Two entries may be alike but for their counts.
                own = not plan[2].weapons or plan[2].weapons.get(name, 0.0) > 0.0
                assert own or name in named[key]
            aims = on[i] if now is None else on[i] & set(now.targets)
            launch[strike, row["wave"]] = aims, depth[i]
        elif row["target"] >= 0 and row["wave"] >= 0:
            aims, deepest = launch[strike, row["wave"]]
            _, name, target = targets[row["target"]]
            attacker = strikes["side"][strike]
            region = sides[1 - attacker].regions[target.region]
            assert target.category in aims
            assert region.depth_km <= deepest
            assert region.depth_km <= weapons[row["weapon"]][2].range_km
            assert plans[strikes["plan"][strike]][2].targets[name] > 0.0
    assert changes == [[], []]


@check
def a_truce_that_is_kept_is_kept(run):
    kept = [
        (run.scenario.hours(entry.at), run.scenario.hours(entry.until))
        for entry in run.scenario.calendar
        if isinstance(entry, Truce) and entry.compliance_prob == 1.0
    ]
    for at in run.tables["strikes"]["decided_hours"]:
        assert not any(begin <= at < end for begin, end in kept)


@check
def beliefs_and_decisions_are_in_order(run):
    """A strike is assessed or missed once at most, after it ended, by the side it struck."""
    strikes = run.tables["strikes"]
    seen = set()
    for row in rows(run, "assessed", "missed"):
        strike = row["strike"]
        assert strike not in seen
        seen.add(strike)
        assert row["side"] == 1 - strikes["side"][strike]
        assert row["time_hours"] >= strikes["last_impact_hours"][strike]
        assert strikes["launched"][strike] > 0
    for parent in strikes["provoked_by"]:
        assert parent < 0 or parent in seen
