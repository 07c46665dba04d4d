"""A war that was stopped goes on as if it had not been, or as if it had always been otherwise."""

import dataclasses
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import escalate as esc
from escalate.engines._arrays import arrays_of
from escalate.engines._fork import STATE
from escalate.engines._pack import pack
from escalate.rules import CATEGORIES
from escalate.simulation import ENGINES, go_on
from tests.small_wars import answering, clock, drone, ordered, side, war
from tests.strategies import scenarios
from tests.test_equality import assert_same

replace = dataclasses.replace
HARD = settings(max_examples=max(60, settings.default.max_examples // 2), deadline=None)


def moments(scenario):
    """Draw an hour of a war, and rather often its ends."""
    hours = scenario.horizon_hours
    return st.sampled_from((0.0, hours)) | st.floats(0.0, hours, allow_subnormal=False)


@HARD
@given(st.data(), scenarios(), st.integers(0, 2**32 - 1))
def test_a_war_goes_on_as_if_it_had_not_been_stopped(data, scenario, seed):
    through = esc.simulate(scenario, rng=seed)
    hours = data.draw(moments(scenario))
    first, second = data.draw(st.sampled_from([(a, b) for a in ENGINES for b in ENGINES]))
    snapshot = through.snapshot(hours, engine=first)
    assert_same(through, snapshot.resume(engine=second))
    assert snapshot.resume() == through
    unchanged = snapshot.fork({}, engine=second)
    assert_same(through, unchanged)
    assert unchanged.past == ((hours, scenario),)


@HARD
@given(st.data(), scenarios(), st.integers(0, 2**32 - 1))
def test_both_engines_take_the_same_snapshot(data, scenario, seed):
    run = esc.simulate(scenario, rng=seed)
    hours = data.draw(moments(scenario))
    tables = run.snapshot(hours).tables
    others = run.snapshot(hours, engine="compiled").tables
    assert tables.keys() == others.keys()
    for name, table in tables.items():
        assert table.tobytes() == others[name].tobytes(), name


@st.composite
def altered(draw, scenario, hours):
    """Draw a scenario that a war can go on under from an hour on."""

    def sometimes(make, otherwise, often=2):
        return make() if draw(st.integers(0, often)) == 0 else otherwise

    def one_side(name, it):
        plan = draw(st.sampled_from(sorted(it.plans))) if it.plans else None
        weapons = {
            k: replace(
                w,
                stock=w.stock + sometimes(lambda: 5, 0),
                production_per_day=sometimes(lambda: 0.5, w.production_per_day),
                reliability_prob=sometimes(lambda: 0.7, w.reliability_prob),
            )
            for k, w in it.weapons.items()
        }
        layers = {
            k: replace(
                x,
                channels=x.channels + sometimes(lambda: 2, 0),
                kill_prob=sometimes(lambda: dict.fromkeys(CATEGORIES, 0.6), x.kill_prob),
                resupply_per_day=sometimes(
                    lambda finite=x.magazine is not None: float(finite), x.resupply_per_day
                ),
            )
            for k, x in it.layers.items()
        }
        tempos = {
            k: replace(
                t,
                rate_per_day=sometimes(
                    lambda: draw(st.sampled_from((0.0, 0.02, 0.1))), t.rate_per_day
                )
                if t.kind == "routine"
                else t.rate_per_day,
                check_hours=sometimes(lambda: 9.0, t.check_hours),
            )
            for k, t in it.tempos.items()
            if draw(st.integers(0, 4))
        }
        if plan and draw(st.integers(0, 3)) == 0:
            tempos["new one"] = esc.Tempo(plan=plan, rate_per_day=0.05)
        answers = {
            k: replace(
                r,
                rule=sometimes(lambda: esc.Rule("tit_for_tat"), r.rule),
                review_hours=sometimes(lambda: draw(st.sampled_from((0.0, 36.0))), r.review_hours),
                slip_prob=sometimes(lambda: 0.1, r.slip_prob),
            )
            for k, r in it.retaliations.items()
            if draw(st.integers(0, 4))
        }
        if plan and draw(st.integers(0, 3)) == 0:
            answers["another"] = esc.Retaliation(rule=esc.Rule("grim"), plan=plan)
        assessment = replace(
            it.assessment,
            false_alarms_per_day=sometimes(
                lambda: draw(st.sampled_from((0.0, 0.05, 0.2))),
                it.assessment.false_alarms_per_day,
            ),
        )
        ladder = it.ladder and replace(
            it.ladder,
            descend_after_hours=sometimes(lambda: 30.0, it.ladder.descend_after_hours),
        )
        return replace(
            it, weapons=weapons, layers=layers, tempos=tempos, retaliations=answers,
            assessment=assessment, ladder=ladder,
            repair_days=sometimes(lambda: {"energy": 2.0, "industry": 5.0}, it.repair_days),
            restriction_share=sometimes(lambda: 0.05, it.restriction_share),
            alert_hours=sometimes(lambda: 1.0, it.alert_hours),
        )  # fmt: skip

    names = list(scenario.sides)
    calendar = [
        entry
        for entry in scenario.calendar
        if scenario.hours(entry.at) < hours or draw(st.integers(0, 2))
    ]
    end = scenario.end
    if draw(st.integers(0, 2)) == 0:
        least = scenario.start + timedelta(hours=max(hours, 1.0) + 1e-6)
        latest = max((entry.at for entry in calendar), default=least)
        end = max(least, latest, end + timedelta(hours=draw(st.sampled_from((-24.0, 24.0)))))
    later = scenario.start + timedelta(hours=min(hours + 1.0, scenario.horizon_hours))
    if later <= end and scenario.hours(later) >= hours and draw(st.integers(0, 1)):
        calendar.append(esc.Truce(at=later, until=later + timedelta(hours=9)))
        calendar.append(esc.Deadline(at=later, side=names[0], lead_days=1.0, factor=3.0))
    sides = {name: one_side(name, it) for name, it in scenario.sides.items()}
    try:
        return replace(scenario, sides=sides, calendar=tuple(calendar), end=end, sources={})
    except esc.ScenarioError:
        return scenario


@HARD
@given(st.data(), scenarios(), st.integers(0, 2**32 - 1))
def test_both_engines_go_on_differently_in_the_same_way(data, scenario, seed):
    run = esc.simulate(scenario, rng=seed)
    hours = data.draw(moments(scenario))
    changed = data.draw(altered(scenario, hours))
    forked = run.fork(hours, changed)
    assert_same(forked, run.fork(hours, changed, engine="compiled"))
    before = {name: column[run.tables["log"]["time_hours"] < hours]
              for name, column in run.tables["log"].items()}  # fmt: skip
    for name, column in forked.tables["log"].items():
        np.testing.assert_array_equal(column[: len(before[name])], before[name])
    assert (forked.tables["log"]["time_hours"][len(before["kind"]) :] >= hours).all()
    weapons = forked.tables["weapons"]
    np.testing.assert_array_equal(
        weapons["initial"] + weapons["made"] + weapons["delivered"] - weapons["launched"],
        weapons["stock"],
    )
    again = forked.snapshot(hours).resume()
    assert_same(forked, again)
    assert again == forked


@HARD
@given(st.data(), scenarios(), st.integers(0, 2**32 - 1))
def test_what_only_comes_later_might_as_well_have_been_there_from_the_start(data, scenario, seed):
    """The calendar from an hour on changes nothing before it, so a fork is the whole war."""
    hours = data.draw(moments(scenario))
    past = tuple(e for e in scenario.calendar if scenario.hours(e.at) < hours)
    names = {type(e) for e in scenario.calendar if scenario.hours(e.at) >= hours}
    if esc.Deadline in names:  # its lead may begin before
        past = (*past, *(e for e in scenario.calendar if type(e) is esc.Deadline and e not in past))
    without = replace(scenario, calendar=past)
    engine = data.draw(st.sampled_from(ENGINES))
    forked = esc.simulate(without, rng=seed).fork(hours, scenario, engine=engine)
    assert_same(esc.simulate(scenario, rng=seed), forked)


@settings(max_examples=100, deadline=None)
@given(scenarios(), st.integers(0, 2**32 - 1))
def test_what_a_war_changes_is_what_is_carried_over(scenario, seed):
    """No column outside `STATE` changes in a war but those of what is asked at once."""
    world = pack(scenario, esc.randomness.Seed.of(seed).run_key(0))
    before = arrays_of(world, {})
    after = arrays_of(go_on(world, "simpy"), {})
    for table, columns in STATE.items():
        remembered = {"common_strike", "common_wave", "common_mean", "common_prob"}  # a draw, kept
        for column in set(getattr(before, table).dtype.names) - set(columns) - remembered:
            np.testing.assert_array_equal(
                getattr(before, table)[column], getattr(after, table)[column], f"{table}.{column}"
            )
    for table in ("kill", "paths", "plans", "rungs", "calendar", "deliveries", "deadlines",
                  "truces", "aims", "looks", "mix", "params", "counts"):  # fmt: skip
        np.testing.assert_array_equal(getattr(before, table), getattr(after, table), table)


# What a change does, in wars worked out by hand.


def fought(first, second, *calendar, rng=1, **changes):
    return esc.simulate(war(first, second, *calendar, **changes), rng=rng)


def test_a_rule_changed_on_the_way_answers_from_then_on():
    run = fought(side(), side(retaliations=answering("never")), ordered(10, drone=3),
                 ordered(50, drone=4))  # fmt: skip
    forked = run.fork(24.0, {"sides.B.retaliations.answer.rule": "tit_for_tat"})
    assert run.strikes["side"].tolist() == ["A", "A"]
    assert forked.strikes["side"].tolist() == ["A", "A", "B"]
    assert forked.tables["strikes"]["decided_hours"].tolist() == [10.0, 50.0, 50.0]
    assert forked.scenario.sides["B"].retaliations["answer"].rule == esc.Rule("tit_for_tat")
    assert forked.past == ((24.0, run.scenario),)


def test_a_rule_keeps_its_memory_and_another_begins_anew():
    grim = answering("grim", review_hours=24.0)
    run = fought(side(), side(retaliations=grim), ordered(10, drone=3), hours=100.0)
    assert run.tables["strikes"]["decided_hours"].tolist() == [10.0, 24.0, 48.0, 72.0, 96.0]
    slower = run.fork(60.0, {"sides.B.retaliations.answer.review_hours": 30.0})
    assert slower.tables["strikes"]["decided_hours"].tolist() == [10.0, 24.0, 48.0, 60.0, 90.0]
    swapped = run.fork(60.0, {"sides.B.retaliations.answer.rule": "tit_for_tat"})
    assert swapped.tables["strikes"]["decided_hours"].tolist() == [10.0, 24.0, 48.0]


def test_a_wait_goes_on_at_its_new_pace():
    busy = side(tempos={"daily": esc.Tempo(plan="raid", rate_per_day=1.0)})
    run = fought(busy, side(), hours=2400.0)
    times = run.tables["strikes"]["decided_hours"]
    faster = run.fork(100.0, {"sides.A.tempos.daily.rate_per_day": 4.0})
    expected = np.where(times < 100.0, times, 100.0 + (times - 100.0) / 4.0)
    np.testing.assert_allclose(faster.tables["strikes"]["decided_hours"][: len(times)], expected)
    none = run.fork(100.0, {"sides.A.tempos.daily.rate_per_day": 0.0})
    np.testing.assert_array_equal(none.tables["strikes"]["decided_hours"], times[times < 100.0])
    # With no rate before, its first draw is still to come.
    idle = side(tempos={"daily": esc.Tempo(plan="raid", rate_per_day=0.0)})
    begun = fought(idle, side(), hours=2400.0).fork(
        100.0, {"sides.A.tempos.daily.rate_per_day": 1.0}
    )
    np.testing.assert_allclose(
        begun.tables["strikes"]["decided_hours"], times[times < 2300.0] + 100.0
    )


def test_a_deadline_that_is_brought_in_hastens_the_wait_that_has_begun():
    busy = side(tempos={"daily": esc.Tempo(plan="raid", rate_per_day=1.0)})
    run = fought(busy, side(), hours=2400.0)
    deadline = esc.Deadline(at=clock(1000.0), side="A", lead_days=10.0, factor=9.0)
    hours = 700.0  # before its lead, so that it might have been there from the start
    longer = replace(run.scenario, calendar=(deadline,))
    assert_same(esc.simulate(longer, rng=1), run.fork(hours, longer))
    # And in its lead what is left of the hazard is run through at the new rate.
    forked = run.fork(900.0, longer)
    times = run.tables["strikes"]["decided_hours"]
    due = times[times >= 900.0][0]
    rise = 8.0 / 240.0
    level = 1.0 + rise * 140.0
    waits = np.roots([rise / 2.0, level, -(due - 900.0)])
    assert forked.tables["strikes"]["decided_hours"][(times < 900.0).sum()] == pytest.approx(
        900.0 + max(waits), rel=1e-12
    )


def test_more_at_the_start_comes_as_more_now_and_what_is_gone_is_gone():
    run = fought(side(weapons={"drone": drone(stock=10)}), side(), ordered(10, drone=8),
                 ordered(50, drone=8))  # fmt: skip
    assert run.tables["strikes"]["launched"].tolist() == [8, 2]
    more = run.fork(24.0, {"sides.A.weapons.drone.stock": 13})
    assert more.tables["strikes"]["launched"].tolist() == [8, 5]
    assert more.weapons[["initial", "launched", "stock"]].values.tolist()[0] == [13, 13, 0]
    with pytest.raises(esc.EscalateError, match=r"cannot take 7 from the stock of A\.drone"):
        run.fork(24.0, {"sides.A.weapons.drone.stock": 3})


def test_production_before_the_fork_is_booked_at_its_old_pace():
    made = side(weapons={"drone": drone(stock=0, production_per_day=10.0)})
    run = fought(made, side(), hours=240.0)
    assert run.tables["weapons"]["made"].tolist() == [100, 0]
    forked = run.fork(96.0, {"sides.A.weapons.drone.production_per_day": 1.0})
    assert forked.tables["weapons"]["made"].tolist() == [40 + 6, 0]


def test_repair_and_blackouts_follow_the_new_parameters_from_the_fork_on():
    grid = side(
        targets={"grid": esc.Target(category="energy", region="border", sites=1)},
        plans={},
        regions={"border": esc.Region(blackout_share=0.5)},
        repair_days={"energy": 2.0},
    )
    first = side(
        weapons={"drone": drone(damage_share=1.0)},
        plans={"raid": esc.Plan(targets={"grid": 1.0})},
    )
    run = fought(first, grid, ordered(0, drone=1), hours=480.0)
    dark = run.tables["regions"]["dark_hours"][1]
    assert dark == pytest.approx(48.0 * np.log(2.0))
    forked = run.fork(24.0, {"sides.B.repair_days.energy": 4.0})
    # exp(-24/48) is left; from there to one half at half the pace
    rest = 96.0 * (np.log(2.0) - 0.5)
    assert forked.tables["regions"]["dark_hours"][1] == pytest.approx(24.0 + rest)
    brighter = run.fork(24.0, {"sides.B.regions.border.blackout_share": 0.7})
    assert brighter.tables["regions"]["dark_hours"][1] == 24.0


def test_calm_and_false_alarms_follow_the_new_parameters():
    ladder = esc.Ladder(
        rungs={"low": esc.Rung(), "high": esc.Rung()}, start="high", descend_after_hours=100.0
    )
    run = fought(side(ladder=ladder), side(), hours=240.0)
    assert run.rows("rung")["time_hours"].tolist() == [100.0]
    sooner = run.fork(30.0, {"sides.A.ladder.descend_after_hours": 40.0})
    assert sooner.rows("rung")["time_hours"].tolist() == [40.0]
    at_once = run.fork(50.0, {"sides.A.ladder.descend_after_hours": 40.0})
    assert at_once.rows("rung")["time_hours"].tolist() == [50.0]
    alarmed = side(assessment=esc.Assessment(false_alarms_per_day=1.0))
    run = fought(side(), alarmed, hours=2400.0)
    times = run.rows("false_alarm")["time_hours"]
    path = "sides.B.assessment.false_alarms_per_day"
    twice = run.fork(100.0, {path: 2.0}).rows("false_alarm")["time_hours"]
    expected = np.where(times < 100.0, times, 100.0 + (times - 100.0) / 2.0)
    np.testing.assert_allclose(twice[: len(times)], expected)
    never = run.fork(100.0, {path: 0.0}).rows("false_alarm")["time_hours"]
    np.testing.assert_array_equal(never, times[times < 100.0])


def test_a_war_may_go_on_longer_or_shorter():
    busy = side(tempos={"daily": esc.Tempo(plan="raid", rate_per_day=1.0)})
    run = fought(busy, side(), hours=240.0)
    for end in (120.0, 480.0):
        longer = run.scenario.replace({"end": clock(end)})
        assert_same(esc.simulate(longer, rng=1), run.fork(96.0, longer))


def test_a_fork_may_be_forked_saved_and_loaded(tmp_path):
    run = esc.simulate(esc.load_scenario("january-2025"), rng=3)
    first = run.fork(20.0, {"sides.UA.layers.medium_range.channels": 2})
    second = first.fork(60.0, {"sides.UA.layers.medium_range.channels": 9}, engine="compiled")
    assert [hours for hours, _ in second.past] == [20.0, 60.0]
    assert_same(second, second.snapshot(70.0, engine="compiled").resume())
    assert esc.load_run(second.save(tmp_path / "second")) == second
    assert second != first != run
    with pytest.raises(esc.EscalateError, match=r"`60\.0 <= hours"):
        second.snapshot(59.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: replace(s, start=clock(-1.0)), "keeps `start`"),
        (
            lambda s: replace(s, sides={"A": s.sides["A"], "C": s.sides["B"]}),
            r"keeps the sides.*B, C",
        ),
        (
            lambda s: s.replace({"sides.A.weapons.rocket": drone()}),
            r"keeps the weapons.*A\.rocket",
        ),
        (lambda s: s.replace({"sides.B.targets.town.sites": 2}), r"sites.*B\.town are 1 and 2"),
        (lambda s: replace(s, calendar=(ordered(3, drone=1),)), "nothing in the past.*03:00"),
        (lambda s: replace(s, calendar=(ordered(5, drone=2),)), "nothing in the past.*05:00"),
        (lambda s: replace(s, end=clock(9.0)), r"from 0 to 9\.0 h, but is at 24\.0 h"),
    ],
)  # fmt: skip
def test_a_fork_that_would_rewrite_the_past_is_refused(change, message):
    run = fought(side(), side(), ordered(5, drone=1))
    with pytest.raises(esc.EscalateError, match=message):
        run.fork(24.0, change(run.scenario))


@pytest.mark.parametrize("hours", [-1.0, 240.1, float("nan"), "noon", None, True])
def test_a_snapshot_outside_the_war_is_refused(hours):
    run = fought(side(), side())
    wars = esc.simulate_many(run.scenario, replications=1, rng=1)
    for stop in (run.snapshot, lambda at: wars.fork(at, {})):
        with pytest.raises(esc.EscalateError, match=r"`0\.0 <= hours <= 240\.0` must hold"):
            stop(hours)


def test_changes_that_are_none_are_refused():
    run = fought(side(), side())
    wars = esc.simulate_many(run.scenario, replications=1, rng=1)
    for war_or_wars in (run, wars):
        with pytest.raises(esc.EscalateError, match="`changes` must be a mapping.*got 3"):
            war_or_wars.fork(np.int64(24), 3)


def test_a_war_with_processes_of_ones_own_is_not_taken_up_without_them(tmp_path):
    def mediator(war):
        yield war.wait(5.0)
        war.truce(hours=100.0)

    run = esc.simulate(war(side(), side(), ordered(10, drone=1)), rng=1, processes=[mediator])
    assert run.processes == ("mediator",)
    loaded = esc.load_run(run.save(tmp_path / "run"))
    assert loaded == run
    for again in (run, loaded):
        with pytest.raises(esc.EscalateError, match="processes of your own.*mediator"):
            again.fork(24.0, {})


def test_a_snapshot_shows_what_is_in_the_air_and_what_is_due():
    run = fought(side(regions={"border": esc.Region(depth_km=100.0)}), side(
        regions={"border": esc.Region(depth_km=100.0)}), ordered(10, drone=3))  # fmt: skip
    tables = run.snapshot(10.1).tables
    assert tables["groups"]["count"].tolist() == [3]
    assert len(tables["queue"]) == 2  # the impact and the end
    assert tables["weapons"]["stock"].tolist() == [997, 1000]


# A whole ensemble.


@settings(max_examples=15, deadline=None)
@given(st.data(), scenarios(), st.integers(0, 2**32 - 1))
def test_a_forked_ensemble_is_its_forked_wars(data, scenario, seed):
    ensemble = esc.simulate_many(scenario, replications=3, rng=seed, outcomes=esc.ensemble.OUTCOMES)
    hours = data.draw(moments(scenario))
    changed = data.draw(altered(scenario, hours))
    forked = ensemble.fork(hours, changed)
    assert forked.past == ((hours, scenario),)
    assert list(forked.data) == list(ensemble.data)
    for k in range(3):
        run = ensemble.replay(k).fork(hours, changed)
        assert forked.replay(k) == run
        for i, name in enumerate(changed.sides):
            told = run.summary()[name]
            for outcome in ("strikes", "killed", "cost_usd", "launched", "blackout_hours"):
                value = forked.data[outcome][k, i].sum()
                assert value == pytest.approx(told[outcome], rel=1e-12, abs=1e-9), outcome
    same = ensemble.fork(hours, {})
    for outcome, values in ensemble.data.items():
        np.testing.assert_array_equal(same.data[outcome], values, outcome)


def test_a_fork_of_an_ensemble_is_paired_with_it_and_may_be_forked(tmp_path):
    ensemble = esc.simulate_many(
        esc.load_scenario("january-2025"), replications=70, rng=1, outcomes=("killed", "launched")
    )
    path = "sides.UA.retaliations.answer.rule"
    path = next(
        f"sides.{side}.retaliations.{name}.rule"
        for side, it in ensemble.scenario.sides.items()
        for name in it.retaliations
    )
    calm = ensemble.fork(48.0, {path: "never"}, workers=2)
    again = calm.fork(60.0, {"sides.UA.layers.medium_range.channels": 1}, workers=1)
    assert [hours for hours, _ in again.past] == [48.0, 60.0]
    saved = esc.load_ensemble(again.save(tmp_path / "again.nc"))
    assert saved.past == again.past
    assert saved.replay(3) == again.replay(3)
    with pytest.raises(esc.EscalateError, match=r"`60\.0 <= hours"):
        again.fork(50.0, {})
