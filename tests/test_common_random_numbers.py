"""What a change leaves as it was, to the last bit: other decisions' draws, and the past.

Two wars with the same seed share the luck of everything that they share, so that their
difference is the change's doing.
"""

import dataclasses
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import escalate as esc
from escalate import events
from escalate.rules import RULES
from escalate.simulation import ENGINES
from tests.small_wars import answering, clock, drone, ordered, side, war
from tests.strategies import calendars, scenarios

KINDS = list(events.KINDS)
BELIEFS = ("assessed", "missed", "decided", "threat")
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def luck(run, who="B"):
    """Give the log of the strikes that the calendar or a tempo of one side makes.

    What the other side believes and decides of them is left out: that is its own.
    """
    number = run.names["side"].index(who)
    strikes = run.tables["strikes"]
    own = (strikes["side"] == number) & (strikes["provoked_by"] < 0)
    rank = np.cumsum(own) - 1
    log = run.tables["log"]
    rows = log["strike"] >= 0
    rows[rows] = own[log["strike"][rows]]
    rows &= ~np.isin(log["kind"], [KINDS.index(k) for k in BELIEFS])
    found = {c: log[c][rows].tolist() for c in log if c not in ("strike", "time_hours")}
    return found, rank[log["strike"][rows]].tolist(), log["time_hours"][rows].tolist()


def gambler(**changes):
    """Give a side that leaves everything it can to chance."""
    parts = {
        "weapons": {
            "drone": drone(reliability_prob=0.7, damage_share=0.3, stock=10**6),
            "missile": esc.Weapon(category="cruise", stock=10**6, reliability_prob=0.9),
        },
        "regions": {"border": esc.Region(depth_km=80.0, third_party="Ruritania", stray_prob=0.2)},
        "layers": {
            "jammers": esc.Layer(kill_prob={"drone": 0.3}, channels=2, cycle_hours=0.02,
                                 cycle="exponential", electronic=True),
            "guns": esc.Layer(kill_prob={"drone": 0.5, "cruise": 0.5}, channels=3,
                              cycle_hours=0.01, common_mode_concentration=3.0, up_prob=0.8,
                              track_prob=0.9),
        },
        "targets": {
            "town": esc.Target(category="urban", region="border", sites=3, killed_per_hit=1.0,
                               injured_per_hit=3.0),
            "grid": esc.Target(category="energy", region="border", sites=2),
        },
        "plans": {"raid": esc.Plan(targets={"town": 2.0, "grid": 1.0}, size=9.0,
                                   size_dispersion=2.0, waves=2, duration_hours=0.3)},
        "severity_dispersion": 2.0,
        "assessment": esc.Assessment(noise_sd_log=0.4, miss_prob=0.2, delay_hours=1.0,
                                     delay="exponential"),
    }  # fmt: skip
    return side(**{**parts, **changes})


QUIET = gambler()
BUSY = {
    **{
        f"rule {name}": {"retaliations": answering(rule, hours=5.0, delay="exponential")}
        for name, rule in (
            ("always", esc.Rule("always")),
            ("generous", esc.Rule("generous")),
            ("random", esc.Rule("random")),
            ("both", esc.Rule("any_of", "generous", "random")),
        )
    },
    "several answers": {"retaliations": answering("tit_for_tat", answers_mean=1.5)},
    "a review": {"retaliations": answering("random", review_hours=7.0)},
    "two rules": {"retaliations": {**answering("random"), "b": answering("generous")["answer"]}},
    "a tempo": {"tempos": {"raids": esc.Tempo(plan="raid", rate_per_day=3.0)}},
    "two tempos": {
        "tempos": {n: esc.Tempo(plan="raid", rate_per_day=1.0) for n in ("one", "two")}
    },
    "another plan": {
        "plans": {**QUIET.plans, "hunt": esc.Plan(targets={"town": 1.0})},
        "tempos": {"hunts": esc.Tempo(plan="hunt", rate_per_day=2.0)},
    },
    "false alarms": {
        "assessment": esc.Assessment(false_alarms_per_day=3.0, noise_sd_log=0.5),
        "retaliations": answering("proportional"),
    },
    "another weapon": {
        "weapons": {"balloon": esc.Weapon(category="decoy", stock=9), **QUIET.weapons}
    },
    "a voice": {"claimants": {"ministry": esc.Claimant(noise_sd_log=1.0, silence_prob=0.5)}},
}  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("change", BUSY)
def test_what_one_side_does_leaves_the_others_luck_as_it_was(engine, change):
    """B's raids by order and by tempo fare the same whatever A does, and so do A's orders."""
    raids = {"tempos": {"raids": esc.Tempo(plan="raid", rate_per_day=1.0)}}
    for quiet, busy in (
        (war(QUIET, gambler(**raids)), war(gambler(**BUSY[change]), gambler(**raids))),
        (war(gambler(**raids), QUIET), war(gambler(**raids), gambler(**BUSY[change]))),
    ):
        who = "B" if quiet.sides["B"].tempos else "A"
        calendar = tuple(ordered(hour, who, plan="raid") for hour in (10.0, 40.0, 200.0))
        before, after = (
            esc.simulate(dataclasses.replace(w, calendar=calendar), rng=4, engine=engine)
            for w in (quiet, busy)
        )
        numbered = ("weapon", "layer", "target", "region")  # another thing moves the numbers
        (old, old_ranks, old_times), (new, new_ranks, new_times) = (
            luck(before, who),
            luck(after, who),
        )
        assert len(old_times) > 100
        assert (old_ranks, old_times) == (new_ranks, new_times)
        for column in old:
            if change != "another weapon" or column not in numbered:
                assert old[column] == new[column], column


@pytest.mark.parametrize("what", ["layers", "weapons", "regions", "targets", "plans"])
def test_something_more_of_ones_own_leaves_ones_own_luck_as_it_was(what):
    """A's raids fare as before, though all of B's things now have other numbers."""
    plans = {
        "raid": dataclasses.replace(QUIET.plans["raid"], weapons={"drone": 1.0, "missile": 0.1})
    }
    more = {
        "layers": esc.Layer(kill_prob={"drone": 0.5}),
        "weapons": drone(),
        "regions": esc.Region(),
        "targets": esc.Target(category="urban", region="border"),
        "plans": esc.Plan(targets={"grid": 1.0}),
    }[what]
    old = gambler(plans=plans)
    new = dataclasses.replace(old, **{what: {"more": more, **getattr(old, what)}})
    calendar = [ordered(float(hour)) for hour in range(0, 240, 24)]
    logs = [luck(esc.simulate(war(first, QUIET, *calendar), rng=8), "A") for first in (old, new)]
    for log, *_ in logs:
        for column in ("weapon", "layer", "target", "region"):
            del log[column]
    assert len(logs[0][2]) > 100
    assert logs[0] == logs[1]


def test_every_rule_leaves_the_others_orders_as_they_were():
    calendar = [ordered(float(hour), "B") for hour in range(0, 240, 24)]
    logs = []
    for name, entry in RULES.items():
        rule = esc.Rule(name, *["generous"] * entry.rules[0])
        scenario = war(gambler(retaliations=answering(rule, hours=2.0)), gambler(), *calendar)
        logs.append(luck(esc.simulate(scenario, rng=7, engine="compiled")))
    assert len(logs[0][2]) > 100
    assert all(log == logs[0] for log in logs)


def test_an_entry_put_first_moves_no_draw_of_the_others():
    calendar = [ordered(float(hour)) for hour in range(0, 240, 24)]
    truce = esc.Truce(at=clock(100.0), until=clock(150.0), compliance_prob=0.5)
    first = esc.Truce(at=clock(50.0), until=clock(60.0), compliance_prob=0.0)
    old = esc.simulate(war(QUIET, QUIET, *calendar, truce), rng=5)
    new = esc.simulate(war(QUIET, QUIET, first, ordered(230.0, "B"), *calendar, truce), rng=5)
    assert luck(old, "A") == luck(new, "A")
    assert old.rows("held")["time_hours"].tolist() == new.rows("held")["time_hours"].tolist()


def test_users_orders_do_not_depend_on_who_else_waits():
    def commander(state):
        while True:
            yield state.wait(30.0)
            state.order_strike("B", "raid")

    def watcher(state):
        while True:
            yield state.wait(7.0)
            state.order_strike("A", "raid")

    alone = esc.simulate(war(QUIET, QUIET), rng=6, processes=[commander])
    both = esc.simulate(war(QUIET, QUIET), rng=6, processes=[watcher, commander])
    assert len(luck(alone)[2]) > 50
    assert luck(alone) == luck(both)


@settings(suppress_health_check=SLOW, max_examples=settings().max_examples)
@given(data=st.data(), seed=st.integers(0, 2**64))
def test_nothing_before_a_change_changes(data, seed):
    """An entry of the calendar, wherever it stands in it, is felt from its date on only."""
    scenario = data.draw(scenarios())
    hours = int(scenario.horizon_hours)
    added = data.draw(calendars(dict(scenario.sides), scenario.start, hours).filter(bool))[0]
    place = data.draw(st.integers(0, len(scenario.calendar)))
    calendar = (*scenario.calendar[:place], added, *scenario.calendar[place:])
    changed = dataclasses.replace(scenario, calendar=calendar, sources={})
    at = added.at
    if isinstance(added, esc.Deadline):
        at -= timedelta(days=added.lead_days)
    day = scenario.hours(at)
    old, new = (esc.simulate(s, rng=seed, engine="compiled").tables for s in (scenario, changed))
    before = [tables["log"]["time_hours"] < day for tables in (old, new)]
    for column in old["log"]:
        past = [
            tables["log"][column][rows] for tables, rows in zip((old, new), before, strict=True)
        ]
        assert np.array_equal(*past), column


@settings(suppress_health_check=SLOW, max_examples=max(settings().max_examples // 4, 1))
@given(scenario=scenarios(), seed=st.integers(0, 2**64), share=st.floats(0.0, 1.0))
def test_nothing_before_a_process_acts_changes(scenario, seed, share):
    hours = share * scenario.horizon_hours
    names = list(scenario.sides)

    def meddler(state):
        yield state.wait(hours)
        state.truce(5.0, compliance_prob=0.5)
        state.permit(names[0], targets=())
        for plan in scenario.sides[names[1]].plans:
            state.order_strike(names[1], plan)

    old, new = (
        esc.simulate(scenario, rng=seed, processes=processes).tables["log"]
        for processes in ([], [meddler])
    )
    before = [log["time_hours"] < hours for log in (old, new)]
    for column in old:
        assert np.array_equal(old[column][before[0]], new[column][before[1]]), column
