"""One short story for every mechanism that the model names, worked out by hand.

The scenarios are as small as can be, so that chance decides nothing unless the story is
about chance; where it is, four standard errors are allowed (see `naive`).
"""

import itertools
import math

import numba
import numpy as np
import pytest
from scipy import stats

import escalate as esc
from escalate.rules import play
from escalate.simulation import ENGINES
from tests.naive import assert_mean, assert_share, assert_variance, hours_covered
from tests.small_wars import answering, clock, count, drone, ordered, side, story, war


@pytest.fixture(params=ENGINES)
def fight(request):
    """Fight a war once with one of the engines."""
    return lambda scenario, seed=1: esc.simulate(scenario, rng=seed, engine=request.param)


def fates(run, strike=0):
    """Give launched, unengaged, shots, intercepted, leaked of a strike."""
    row = run.strikes.loc[strike]
    return tuple(int(row[c]) for c in ("launched", "unengaged", "shots", "intercepted", "leaked"))


def raid(**changes):
    return {"raid": esc.Plan(**{"targets": {"town": 1.0}, **changes})}


def weapon(category, **changes):
    return esc.Weapon(**{"category": category, "stock": 1000, **changes})


# How a strike is carried out.


def test_a_strike_of_eighteen_hours_leaves_in_waves(fight):
    attacker = side(
        weapons={"drone": drone(speed_km_per_hour=100.0)},
        plans=raid(size=10.0, waves=4, duration_hours=18.0),
    )
    defender = side(regions={"border": esc.Region(depth_km=50.0)})
    run = fight(war(attacker, defender, ordered(24.0)))
    assert story(run, "launched") == [
        (24.0, "launched", 2), (30.0, "launched", 3), (36.0, "launched", 2), (42.0, "launched", 3),
    ]  # fmt: skip
    assert story(run, "leaked") == [(at + 0.5, "leaked", n) for at, _, n in story(run, "launched")]
    assert story(run, "assessed") == [(42.5, "assessed", 10)]  # once it is over
    assert len(run.strikes) == 1


def test_probes_go_ahead_of_a_massed_strike_which_uses_what_was_set_aside(fight):
    """A drone an hour is set aside; at 30 of them two probes go, and 12 hours later all."""
    attacker = side(
        weapons={
            "drone": drone(stock=5, production_per_day=24.0),
            "scout": weapon("decoy", stock=100),
        },
        plans={
            "mass": esc.Plan(targets={"town": 1.0}, weapons={"drone": 1.0}),
            "probe": esc.Plan(targets={"town": 1.0}, weapons={"scout": 1.0}, size=3.0),
        },
        tempos={
            "nights": esc.Tempo(
                plan="mass", kind="massed", mass_size=30, check_hours=6.0,
                probes=2, probe_plan="probe", probe_lead_hours=12.0,
            )
        },
    )  # fmt: skip
    grab = ordered(20.0, plan="mass", drone=100)  # finds no more than was there at the start
    run = fight(war(attacker, side(), grab, hours=72.0))
    strikes = run.strikes[["decided_hours", "cause", "allotted"]].values.tolist()
    assert strikes[:4] == [
        [20.0, "ordered", 5], [30.0, "probe", 3], [36.0, "probe", 3], [42.0, "massed", 42],
    ]  # fmt: skip
    assert strikes[4:] == [[72.0, "probe", 3]]  # 30 more by then
    assert run.strikes["wanted"].tolist() == [100, 3, 3, 42, 3]


def test_only_the_share_that_is_set_aside_is_massed(fight):
    attacker = side(
        weapons={"drone": drone(stock=0, production_per_day=24.0)},
        tempos={
            "nights": esc.Tempo(
                plan="raid", kind="massed", mass_size=10, check_hours=10.0, set_aside_share=0.25
            )
        },
    )
    run = fight(war(attacker, side(), ordered(39.0, drone=100), hours=45.0))
    assert run.strikes[["decided_hours", "allotted"]].values.tolist() == [[39.0, 30], [40.0, 10]]


def test_an_order_takes_what_there_is_and_the_shortfall_is_recorded(fight):
    attacker = side(weapons={"drone": drone(stock=7, reserve=2), "missile": weapon("cruise")})
    run = fight(war(attacker, side(), ordered(1.0, drone=10, missile=4), ordered(2.0, drone=1)))
    assert story(run, "strike", "launched", "unmet") == [
        (1.0, "strike", 9), (1.0, "launched", 5), (1.0, "launched", 4), (2.0, "unmet", 0),
    ]  # fmt: skip
    assert run.rows("strike")["value"].tolist() == [14.0]
    assert run.rows("unmet")["value"].tolist() == [1.0]
    assert run.strikes.loc[0, ["wanted", "allotted"]].tolist() == [14, 9]


def test_duds_are_counted_and_fly_nowhere(fight):
    run = fight(war(side(weapons={"drone": drone(reliability_prob=0.0)}), side(), ordered(1.0)))
    assert story(run) == [
        (1.0, "strike", 1), (1.0, "launched", 1), (1.0, "dud", 1), (1.0, "assessed", 1),
    ]  # fmt: skip


def test_range_decides_what_is_struck(fight):
    attacker = side(
        weapons={
            "short": drone(range_km=100.0),
            "long": weapon("cruise", range_km=1000.0),
            "shorter": drone(range_km=40.0),
        },
        plans=raid(targets={"town": 1.0, "works": 1.0}),
    )
    defender = side(
        regions={"border": esc.Region(depth_km=50.0), "deep": esc.Region(depth_km=400.0)},
        targets={
            "town": esc.Target(category="urban", region="border"),
            "works": esc.Target(category="industry", region="deep"),
        },
    )
    run = fight(war(attacker, defender, ordered(1.0, short=6, long=6, shorter=6)))
    leaked = run.events.query("kind == 'leaked'")[["weapon", "region", "count"]]
    assert sorted(leaked.values.tolist()) == [
        ["long", "border", 3], ["long", "deep", 3], ["short", "border", 6],
    ]  # fmt: skip
    assert run.strikes["allotted"].tolist() == [12]
    assert run.strikes["wanted"].tolist() == [18]


@pytest.mark.parametrize(
    ("policy", "counts"),
    [
        ("proportional", [4, 4, 2]),
        ("cheapest_first", [0, 8, 2]),
        ("drones_and_decoys_first", [8, 1, 1]),
        ("equal_share", [4, 3, 3]),
    ],
)
def test_policies_make_counts_of_a_size(fight, policy, counts):
    attacker = side(
        weapons={
            "drone": drone(stock=8, unit_cost_usd=3.0),
            "missile": weapon("cruise", stock=8, unit_cost_usd=1.0),
            "rocket": weapon("ballistic", stock=4, unit_cost_usd=2.0),
        },
        plans=raid(size=10.0, policy=policy),
    )
    run = fight(war(attacker, side(), ordered(1.0)))
    assert run.tables["weapons"]["launched"][:3].tolist() == counts


def test_a_strike_launches_no_more_than_its_launchers_let_go(fight):
    attacker = side(weapons={"drone": drone(launchers=3)}, plans=raid(size=50.0, waves=2))
    run = fight(war(attacker, side(), ordered(1.0), ordered(2.0, drone=50)))
    assert run.strikes["allotted"].tolist() == [6, 6]
    assert run.rows("launched")["count"].tolist() == [3, 3, 3, 3]


# How it is met.


def belt(**changes):
    given = {"kill_prob": {"drone": 1.0, "decoy": 1.0, "cruise": 1.0, "ballistic": 1.0}}
    return {"belt": esc.Layer(**{**given, **changes})}


def slow_raid(layers, n):
    """Let drones fly for five hours towards a defence."""
    defender = side(layers=layers, regions={"border": esc.Region(depth_km=500.0)})
    attacker = side(weapons={"drone": drone(speed_km_per_hour=100.0)})
    return war(attacker, defender, ordered(1.0, drone=n))


MIXED = {"decoy": weapon("decoy"), "missile": weapon("cruise"), "rocket": weapon("ballistic")}


@pytest.mark.parametrize("limit", [{"channels": 2}, {"channels": 9, "magazine": 2}])
def test_decoys_use_up_channels_and_shots(fight, limit):
    defender = side(layers=belt(cycle_hours=1.0, **limit))
    run = fight(war(side(weapons=MIXED), defender, ordered(1.0, decoy=2, missile=3)))
    stopped = run.events.query("kind == 'intercepted'")[["weapon", "count"]].values.tolist()
    assert stopped == [["decoy", 2]]
    assert fates(run) == (5, 3, 2, 2, 3)


@pytest.mark.parametrize("limit", [{"channels": 2}, {"channels": 9, "magazine": 2}])
def test_priorities_decide_among_what_arrives_together(fight, limit):
    defender = side(layers=belt(cycle_hours=1.0, priorities=("cruise",), **limit))
    run = fight(war(side(weapons=MIXED), defender, ordered(1.0, decoy=2, missile=3)))
    stopped = run.events.query("kind == 'intercepted'")[["weapon", "count"]].values.tolist()
    assert stopped == [["missile", 2]]


def test_when_shots_run_short_they_are_held_for_the_first_priority(fight):
    defender = side(
        layers=belt(channels=99, magazine=6, hold_below=4, priorities=("ballistic", "cruise"))
    )
    first, second = ordered(1.0, decoy=5), ordered(2.0, missile=1, rocket=2)
    run = fight(war(side(weapons=MIXED), defender, first, second))
    assert fates(run, 0) == (5, 2, 3, 3, 2)  # with 3 left the next are let through
    assert fates(run, 1) == (3, 1, 2, 2, 1)  # but not the rockets
    assert run.layers["magazine"].tolist() == [1]


def test_a_barrage_spends_all_its_shots_and_looking_saves_them(fight):
    for tracked, barrage, looking, doubling in ((1.0, 3, 1, 1), (0.0, 3, 3, 3)):
        spent = []
        for doctrine in (
            {"doctrine": "barrage", "shots": 3},
            {"doctrine": "shoot_look_shoot", "shots": 3},
            {"doctrine": "shoot_look_shoot", "look_shots": (1, 2)},
        ):
            layers = belt(channels=4, magazine=100, track_prob=tracked, **doctrine)
            run = fight(war(side(), side(layers=layers), ordered(1.0, drone=4)))
            spent.append(count(run, "shots") / 4)
            assert count(run, "intercepted") == 4 * tracked
        assert spent == [barrage, looking, doubling]


def test_looks_keep_a_channel_as_long_as_they_take(fight):
    """One channel, a cycle of an hour: three looks in a window of two and a half hours."""
    for doctrine, engaged in (("barrage", 3), ("shoot_look_shoot", 1)):
        layers = belt(
            doctrine=doctrine, shots=3, cycle_hours=1.0, window_hours={"drone": 2.5}, track_prob=0.0
        )
        assert count(fight(slow_raid(layers, 5)), "unengaged") == 5 - engaged


def test_a_flight_shorter_than_the_window_cuts_the_window(fight):
    """The drones are under way for half an hour, the ones behind the first cannot wait."""
    layers = belt(cycle_hours=1.0, window_hours={"drone": 2.5})
    defender = side(layers=layers, regions={"border": esc.Region(depth_km=50.0)})
    attacker = side(weapons={"drone": drone(speed_km_per_hour=100.0)})
    run = fight(war(attacker, defender, ordered(1.0, drone=3)))
    assert story(run, "unengaged", "intercepted", "leaked") == [
        (1.0, "unengaged", 2), (1.0, "intercepted", 1), (1.5, "leaked", 2),
    ]  # fmt: skip


def test_a_weapon_that_nothing_can_stop_costs_no_shots(fight):
    attacker = side(weapons={"drone": drone(vulnerability_share=0.0)})
    run = fight(war(attacker, side(layers=belt(magazine=9)), ordered(1.0, drone=5)))
    assert fates(run) == (5, 0, 0, 0, 5)
    assert run.layers["magazine"].tolist() == [9]


def test_a_weapon_that_is_hard_to_stop_is_stopped_in_part(fight):
    attacker = side(weapons={"drone": drone(vulnerability_share=0.25)})
    run = fight(war(attacker, side(layers=belt(channels=9999)), ordered(1.0, drone=900)))
    assert fates(run)[:3] == (900, 0, 900)
    assert_share(np.repeat([1, 0], fates(run)[3:]), 0.25)


def test_electronic_warfare_has_no_magazine_and_its_stops_are_told_apart(fight):
    layers = {
        "jammers": esc.Layer(kill_prob={"drone": 1.0}, channels=3, cycle_hours=1.0,
                             electronic=True, shot_cost_usd=0.0),
        "guns": esc.Layer(kill_prob={"drone": 1.0}, channels=2, cycle_hours=1.0, magazine=9,
                          shot_cost_usd=10.0),
    }  # fmt: skip
    run = fight(war(side(), side(layers=layers), ordered(1.0, drone=7)))
    assert run.strikes.loc[0, ["intercepted", "lost", "leaked"]].tolist() == [5, 3, 2]
    assert run.layers["magazine"].tolist() == [-1, 7]
    assert run.strikes["shot_cost_usd"].tolist() == [20.0]


def test_layers_engage_one_after_the_other_where_they_cover(fight):
    attacker = side(plans=raid(targets={"town": 1.0, "works": 1.0}))
    defender = side(
        regions={"border": esc.Region(), "deep": esc.Region(depth_km=400.0)},
        targets={
            "town": esc.Target(category="urban", region="border"),
            "works": esc.Target(category="industry", region="deep"),
        },
        layers={
            "outer": esc.Layer(kill_prob={"drone": 1.0}, channels=2, regions=("deep",)),
            "inner": esc.Layer(kill_prob={"drone": 1.0}, channels=3, cycle_hours=1.0),
        },
    )
    run = fight(war(attacker, defender, ordered(1.0, drone=12)))
    met = run.events.query("kind == 'intercepted'")[["layer", "region", "count"]].values.tolist()
    assert met == [["inner", "border", 3], ["outer", "deep", 6]]


def test_fixed_cycles_are_exact_and_exponential_ones_scatter(fight):
    """One channel, cycles of an hour, a window of an hour and a half, three at once."""

    def engaged(cycle, engagement, seed=1):
        layers = belt(
            cycle_hours=1.0, cycle=cycle, engagement=engagement, window_hours={"drone": 1.5}
        )
        return count(fight(slow_raid(layers, 3), seed), "shots")

    assert {engaged("fixed", "begun", seed) for seed in range(5)} == {2}
    assert {engaged("fixed", "completed", seed) for seed in range(5)} == {1}
    assert {engaged("exponential", "begun", seed) for seed in range(40)} == {1, 2, 3}
    assert {engaged("exponential", "completed", seed) for seed in range(40)} >= {1, 2, 3}


def test_a_layer_that_is_down_is_down_for_a_whole_raid(fight):
    defender = side(layers=belt(channels=99, up_prob=0.5))
    strikes = [ordered(hour, drone=10) for hour in range(100)]
    run = fight(war(side(), defender, *strikes))
    stopped = run.strikes["intercepted"].to_numpy()
    assert set(stopped) == {0, 10}
    assert_share(stopped == 10, 0.5)


def test_common_mode_scatters_raids_and_not_weapons(fight):
    """Beta(1/2, 1/2) raids of ten: each count's chance is that of the beta-binomial."""
    defender = side(
        layers={"belt": esc.Layer(kill_prob={"drone": 0.5}, channels=99,
                                  common_mode_concentration=1.0)}
    )  # fmt: skip
    strikes = [ordered(hour, drone=10) for hour in range(240)]
    stopped = (
        fight(war(side(weapons={"drone": drone(stock=9999)}), defender, *strikes))
        .strikes["intercepted"]
        .to_numpy()
    )
    none = math.prod((0.5 + i) / (1.0 + i) for i in range(10))
    assert_share(stopped == 0, none)
    assert_share(stopped == 10, none)


# What it does.


def test_total_destruction_of_industry_stops_production_but_not_supply(fight):
    defender = side(
        weapons={"drone": drone(stock=0, production_per_day=24.0, resupply_per_day=2.4)},
        targets={"works": esc.Target(category="industry", region="border")},
    )
    attacker = side(weapons={"drone": drone(damage_share=1.0)}, plans=raid(targets={"works": 1.0}))
    run = fight(war(attacker, defender, ordered(10.0), hours=20.0))
    assert run.tables["weapons"]["made"][1] == 10 + 2


def test_damage_to_military_sites_takes_launchers(fight):
    """One of two sites destroyed: half of ten launchers, or of the half at risk."""
    for at_risk, left in ((1.0, 5), (0.5, 8), (0.0, 10)):  # 7.5 rounds up
        defender = side(
            weapons={"drone": drone(launchers=10)},
            plans=raid(size=99.0),
            targets={
                "base": esc.Target(category="military", region="border"),
                "other": esc.Target(category="military", region="border"),
                "town": esc.Target(category="urban", region="border"),
            },
            launchers_at_risk_share=at_risk,
        )
        attacker = side(
            weapons={"drone": drone(damage_share=1.0)}, plans=raid(targets={"base": 1.0})
        )
        run = fight(war(attacker, defender, ordered(1.0), ordered(2.0, "B")))
        assert run.strikes["allotted"].tolist() == [1, left]


def test_damage_to_air_defence_takes_channels_and_interceptors(fight):
    defender = side(
        layers={
            "guns": esc.Layer(kill_prob={"cruise": 1.0}, channels=8, cycle_hours=1.0, magazine=42),
            "other": esc.Layer(kill_prob={"cruise": 1.0}, channels=8, cycle_hours=9.0, magazine=40),
        },
        targets={
            "battery": esc.Target(category="air_defence", region="border", layer="guns", sites=1),
            "town": esc.Target(category="urban", region="border"),
        },
        channels_at_risk_share=0.5,
        repair_days={"air_defence": 1.0},
    )
    attacker = side(
        weapons={"drone": drone(damage_share=0.5), "missile": weapon("cruise")},
        plans={**raid(), "blind": esc.Plan(targets={"battery": 1.0})},
    )
    blind = ordered(1.0, plan="blind", drone=1)
    run = fight(war(attacker, defender, blind, ordered(1.5, missile=20)))
    # Half the site is gone, and with it a quarter of the channels and half of what it stored.
    assert run.events.query("kind == 'magazine_lost'")[["layer", "count"]].values.tolist() == [
        ["guns", 21]
    ]
    shots = run.events.query("kind == 'shots'")[["layer", "count"]].values.tolist()
    assert shots == [["guns", 6], ["other", 8]]
    assert run.layers["magazine"].tolist() == [42 - 21 - 6, 40 - 8]
    assert run.layers["destroyed"].tolist() == [21, 0]


def test_alert_hours_are_the_hours_of_any_alert(fight):
    starts = (1, 3, 10, 11, 30, 46)
    attacker = side(weapons={"drone": drone(speed_km_per_hour=50.0)})
    defender = side(regions={"border": esc.Region(depth_km=100.0)}, alert_hours=3.0)
    run = fight(war(attacker, defender, *[ordered(at) for at in starts], hours=48.0))
    alerts = [(at, min(at + 5, 48)) for at in starts]
    assert run.regions["alert_hours"].tolist() == [0.0, pytest.approx(hours_covered(alerts))]


def test_a_quick_raid_does_not_end_the_alert_of_a_slow_one(fight):
    attacker = side(weapons={"drone": drone(speed_km_per_hour=10.0), "missile": weapon("cruise")})
    defender = side(regions={"border": esc.Region(depth_km=100.0)})
    strikes = [ordered(1.0, drone=1), ordered(2.0, missile=1), ordered(5.0, missile=1)]
    run = fight(war(attacker, defender, *strikes))
    assert run.regions["alert_hours"].tolist() == [0.0, pytest.approx(10.0)]


@pytest.mark.parametrize(("repair_days", "every_hours"), [(0.04, 30.0), (1.0, 30.0), (40.0, 9.0)])
def test_a_site_is_repaired_from_hit_to_hit(repair_days, every_hours, fight):
    # With the first, exp(-31) is left from hit to hit: no number from the first to the last.
    attacker = side(weapons={"drone": drone(damage_share=0.6)})
    defender = side(
        targets={"town": esc.Target(category="urban", region="border", sites=1)},
        repair_days={"urban": repair_days},
    )
    strikes = (ordered(every_hours * k, drone=1) for k in range(30))
    run = fight(war(attacker, defender, *strikes, hours=900.0))
    damage, added = 0.0, []
    for _ in range(30):
        damage *= math.exp(-every_hours / (24.0 * repair_days))
        added.append((1.0 - damage) * 0.6)
        damage += added[-1]
    np.testing.assert_allclose(run.rows("damage")["value"], added, rtol=1e-10)


def test_damage_adds_up_site_by_site(fight):
    """Hits on one site leave what they leave, and a row counts the sites that it hits."""
    for sites, counts in ((1, {1}), (3, {2, 3})):
        attacker = side(weapons={"drone": drone(damage_share=0.5)})
        defender = side(
            targets={"town": esc.Target(category="urban", region="border", sites=sites)}
        )
        run = fight(war(attacker, defender, ordered(1.0, drone=4), ordered(2.0, drone=4)))
        rows = run.rows("damage")
        assert set(rows["count"]) <= counts
        assert run.targets["damage"].tolist()[-1] == pytest.approx(rows["value"].sum())
        if sites == 1:
            assert rows["value"].tolist() == pytest.approx([1.0 - 0.5**4, 0.5**4 - 0.5**8])


def test_a_stray_is_counted_and_flies_on(fight):
    defender = side(
        regions={"border": esc.Region(third_party="Ruritania", stray_prob=1.0)},
    )
    run = fight(war(side(), defender, ordered(1.0, drone=5)))
    assert run.strikes.loc[0, ["strayed", "leaked"]].tolist() == [5, 5]
    assert run.regions["third_party"].tolist() == ["", "Ruritania"]


def test_hits_hurt_people_in_proportion(fight):
    defender = side(
        targets={"town": esc.Target(category="urban", region="border", killed_per_hit=0.02,
                                    injured_per_hit=0.5)}
    )  # fmt: skip
    attacker = side(weapons={"drone": drone(stock=10**5, lethality=2.0)})
    strikes = [ordered(hour / 100, drone=10) for hour in range(2000)]
    run = fight(war(attacker, defender, *strikes))
    for kind, per_hit in (("killed", 0.04), ("injured", 1.0)):
        mean = 20_000 * per_hit
        assert abs(count(run, kind) - mean) <= 4.0 * math.sqrt(mean)


def test_a_severe_strike_is_severe_for_all_it_hits(fight):
    """Killed are negative binomial around 5 with size 2, injured go with them."""
    town = esc.Target(category="urban", region="border", killed_per_hit=0.5, injured_per_hit=1.0)
    defender = side(targets={"town": town}, severity_dispersion=2.0)
    attacker = side(weapons={"drone": drone(stock=10**5)})
    strikes = [ordered(hour / 10, drone=10) for hour in range(2000)]
    run = fight(war(attacker, defender, *strikes))
    killed, injured = run.strikes["killed"].to_numpy(), run.strikes["injured"].to_numpy()
    _, variance, excess = stats.nbinom(2.0, 2.0 / 7.0).stats("mvk")
    assert variance == pytest.approx(5.0 + 5.0**2 / 2.0)
    assert_mean(killed, 5.0, variance)
    assert_variance(killed, 5.0, variance, (excess + 3.0) * variance**2)
    assert_mean((killed - 5.0) * (injured - 10.0), 5.0 * 10.0 / 2.0)


# What is believed.


def test_a_strike_that_is_missed_is_not_answered(fight):
    victim = side(retaliations=answering("always"), assessment=esc.Assessment(miss_prob=1.0))
    run = fight(war(side(), victim, ordered(1.0)))
    assert story(run, "missed", "assessed", "decided") == [(1.0, "missed", 0)]
    assert len(run.strikes) == 1


def test_false_alarms_are_answered_without_a_strike_behind_them(fight):
    victim = side(
        retaliations=answering("proportional", gain=2.0, hours=3.0),
        assessment=esc.Assessment(false_alarms_per_day=1.0, false_alarm_size=4.0),
    )
    run = fight(war(side(), victim))
    alarms = run.rows("false_alarm")["time_hours"]
    assert len(alarms) > 2
    before = alarms[alarms + 3.0 <= 240.0]
    assert run.strikes["decided_hours"].tolist() == pytest.approx((before + 3.0).tolist())
    assert (run.strikes["provoked_by"] == -1).all()
    assert (run.strikes["cause"] == "answer").all()
    assert (run.strikes["allotted"] == 8).all()


def test_false_alarms_come_at_random(fight):
    victim = side(assessment=esc.Assessment(false_alarms_per_day=24.0))
    gaps = np.diff(fight(war(side(), victim, hours=2000.0)).rows("false_alarm")["time_hours"])
    assert_mean(gaps, 1.0, 1.0)
    assert_share(gaps > 1.0, math.exp(-1.0))


def test_belief_comes_late_exaggerated_and_noisy(fight):
    def believed(**assessment):
        victim = side(
            retaliations=answering("proportional"), assessment=esc.Assessment(**assessment)
        )
        return fight(war(side(), victim, ordered(1.0, drone=40)))

    run = believed(delay_hours=5.0, exaggeration=1.5)
    assert story(run, "assessed") == [(6.0, "assessed", 60), (6.0, "assessed", 60)]
    assert run.strikes[["decided_hours", "allotted"]].values.tolist() == [[1.0, 40], [6.0, 60]]
    run = believed(noise_sd_log=0.5)
    first = run.rows("assessed")["count"][0]
    assert first != 40
    assert run.strikes["allotted"].tolist() == [40, first]


def test_noise_has_the_median_and_the_spread_it_should(fight):
    victim = side(assessment=esc.Assessment(noise_sd_log=0.5, exaggeration=2.0))
    strikes = [ordered(hour / 10, drone=1000) for hour in range(1000)]
    run = fight(war(side(weapons={"drone": drone(stock=10**7)}), victim, *strikes))
    logs = np.log(run.rows("assessed")["count"] / 2000.0)
    assert_share(logs <= 0.0, 0.5)
    assert_share(logs <= 0.5, 0.8413447460685429)


def test_a_red_line_is_drawn_in_kind(fight):
    victim = side(
        targets={
            "town": esc.Target(category="urban", region="border"),
            "grid": esc.Target(category="energy", region="border"),
        },
        retaliations=answering("red_line", targets="energy", weapons=("ballistic",)),
    )
    attacker = side(
        weapons={"drone": drone(), "rocket": weapon("ballistic")},
        plans={**raid(), "dark": esc.Plan(targets={"grid": 1.0})},
    )
    strikes = [
        ordered(1.0, drone=1), ordered(2.0, plan="dark", drone=1), ordered(3.0, rocket=1),
    ]  # fmt: skip
    run = fight(war(attacker, victim, *strikes))
    assert run.strikes.query("side == 'B'")["provoked_by"].tolist() == [1, 3]


# How it is answered.


def test_an_answer_is_threatened_first_and_given_later(fight):
    threat = esc.Rule("announced", "tit_for_tat", hours=24.0)
    victim = side(plans=raid(size=6.0), retaliations=answering(threat, hours=2.0))
    run = fight(war(side(), victim, ordered(1.0)))
    assert story(run, "threat", "decided", "launched") == [
        (1.0, "launched", 1), (1.0, "threat", 1), (1.0, "decided", 1), (27.0, "launched", 6),
    ]  # fmt: skip
    assert run.rows("threat")["value"].tolist() == [6.0]
    assert run.strikes["provoked_by"].tolist() == [-1, 0]


def test_a_threat_may_not_be_meant(fight):
    threat = esc.Rule("announced", "tit_for_tat", hours=24.0, resolve_prob=0.0)
    victim = side(plans=raid(size=6.0), retaliations=answering(threat))
    run = fight(war(side(), victim, ordered(1.0)))
    assert story(run, "threat", "decided", "launched") == [
        (1.0, "launched", 1), (1.0, "threat", 1), (1.0, "decided", 0),
    ]  # fmt: skip
    assert run.rows("threat")["value"].tolist() == [6.0]


def test_a_slip_turns_a_decision_round(fight):
    def answers(rule, **slip):
        victim = side(retaliations=answering(rule, **slip))
        return len(fight(war(side(), victim, ordered(1.0))).strikes) - 1

    bluff = esc.Rule("announced", "tit_for_tat", hours=24.0, resolve_prob=0.0)
    assert [answers("tit_for_tat"), answers("never"), answers(bluff)] == [1, 0, 0]
    for rule, struck in (("tit_for_tat", 0), ("never", 1), (bluff, 1)):
        assert answers(rule, slip_prob=1.0) == struck


LADDER = esc.Ladder(
    rungs={
        "low": esc.Rung(weapons=("drone",), targets=("urban",)),
        "middle": esc.Rung(weapons=("drone",), targets=("urban", "energy"), size_factor=2.0),
        "high": esc.Rung(size_factor=3.0),
    },
    climb_measure="launched",
    climb_at=10.0,
    climb_targets=("energy",),
    descend_after_hours=50.0,
)


def test_a_ladder_is_climbed_by_provocation_and_left_step_by_step_in_quiet(fight):
    attacker = side(plans={**raid(), "dark": esc.Plan(targets={"grid": 1.0})})
    victim = side(
        ladder=LADDER,
        targets={
            "town": esc.Target(category="urban", region="border"),
            "grid": esc.Target(category="energy", region="border"),
        },
    )
    strikes = [
        ordered(1.0, drone=9),  # too small
        ordered(2.0, drone=10),
        ordered(3.0, plan="dark", drone=1),  # small, but of a kind
        ordered(4.0, drone=99),  # there is no higher rung
        ordered(30.0, drone=1),  # the quiet is over
    ]
    run = fight(war(attacker, victim, *strikes))
    assert story(run, "rung") == [
        (2.0, "rung", 1), (3.0, "rung", 2), (80.0, "rung", 1), (130.0, "rung", 0),
    ]  # fmt: skip


def test_a_rung_permits_weapons_and_targets_and_sizes_answers(fight):
    attacker = side(
        targets={
            "town": esc.Target(category="urban", region="border"),
            "grid": esc.Target(category="energy", region="border"),
            "base": esc.Target(category="military", region="border"),
        }
    )
    victim = side(
        weapons={"drone": drone(), "rocket": weapon("ballistic")},
        plans=raid(targets={"town": 1.0, "grid": 1.0, "base": 1.0}, size=6.0),
        ladder=LADDER,
        retaliations=answering("tit_for_tat"),
    )
    strikes = [ordered(at, drone=n) for at, n in ((1.0, 1), (2.0, 10), (3.0, 10))]
    run = fight(war(attacker, victim, *strikes))
    answers = run.events.query("kind == 'leaked' and side == 'B'")
    by_strike = answers.groupby("strike")
    assert by_strike["count"].sum().tolist() == [6, 12, 18]
    assert [set(names) for names in by_strike["target"].unique()] == [
        {"town"}, {"town", "grid"}, {"town", "grid", "base"},
    ]  # fmt: skip
    assert [set(names) for names in by_strike["weapon"].unique()] == [
        {"drone"}, {"drone"}, {"drone", "rocket"},
    ]  # fmt: skip


DETERMINED = (
    "never", "always", "tit_for_tat", "suspicious_tit_for_tat", "tit_for_two_tats", "grim",
    "gradual", "contrite", "win_stay_lose_shift",
)  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second"), [*itertools.combinations_with_replacement(DETERMINED, 2)]
)
def test_reviewing_every_day_is_the_iterated_game(fight, first, second):
    rounds = 14
    sides = [side(retaliations=answering(rule, review_hours=24.0)) for rule in (first, second)]
    run = fight(war(*sides, hours=24.0 * rounds - 1.0))
    moves = [["C"] * rounds, ["C"] * rounds]
    for who, at in zip(*(run.tables["strikes"][c] for c in ("side", "decided_hours")), strict=True):
        assert at % 24.0 == 0.0
        moves[who][int(at) // 24] = "D"
    assert tuple("".join(own) for own in moves) == play(first, second, rounds)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # NumPy's, without the JIT
def test_an_infinite_gain_on_nothing_is_no_answer(fight):
    """Infinity times no hits is not a number."""
    victim = side(
        layers=belt(channels=99),
        retaliations=answering("proportional", gain=math.inf, measure="hits"),
    )
    run = fight(war(side(), victim, ordered(1.0, drone=9)))
    assert run.rows("decided")["value"].tolist() == [0.0]


def test_a_repair_of_a_moment_ends(fight):
    """The time left falls below what the clock can show."""
    victim = side(
        regions={"border": esc.Region(blackout_share=0.1)},
        targets={"grid": esc.Target(category="energy", region="border", sites=3)},
        repair_days={"energy": 1e-6},
    )
    attacker = side(weapons={"drone": drone(damage_share=0.3)}, plans=raid(targets={"grid": 1.0}))
    strikes = [ordered(10.0 * i + 0.1, drone=9) for i in range(100)]
    run = fight(war(attacker, victim, *strikes, hours=1000.0))
    assert run.rows("blackout")["count"].tolist() == [1, 0] * 100


def test_a_review_answers_the_strike_that_came_since_the_last_one(fight):
    victim = side(retaliations=answering("always", review_hours=24.0))
    run = fight(war(side(), victim, ordered(30.0), ordered(31.0), hours=80.0))
    assert run.strikes[["decided_hours", "provoked_by"]].values.tolist() == [
        [0.0, -1], [24.0, -1], [30.0, -1], [31.0, -1], [48.0, 3], [72.0, -1],
    ]  # fmt: skip


# What the calendar holds.


def test_deliveries_come_once_or_again_and_again(fight):
    receiver = side(
        weapons={"drone": drone(stock=0)},
        layers=belt(channels=1, cycle_hours=1.0, magazine=5, magazine_capacity=7),
    )
    once = esc.Delivery(at=clock(10.0), side="B", weapons={"drone": 4})
    weekly = esc.Delivery(
        at=clock(20.0), side="B", every_days=2.0, magazines={"belt": 3}, channels={"belt": 2}
    )
    run = fight(war(side(), receiver, once, weekly, ordered(70.0, drone=99), hours=120.0))
    rows = run.events.query("kind == 'delivered'")
    assert rows[["time_hours", "weapon", "layer", "count", "value"]].values.tolist() == [
        [10.0, "drone", "", 4, 0.0],
        *[
            [at, "", "belt", n, what]
            for at in (20.0, 68.0, 116.0)
            for n, what in ((3, 1.0), (2, 2.0))
        ],
    ]
    assert run.weapons["stock"].tolist()[1] == 4
    assert count(run, "shots") == 5  # channels: one, and two deliveries of two
    assert run.layers["magazine"].tolist() == [5 + 9 - 5]


def test_the_room_for_delivered_channels_is_never_short(fight):
    """0.1 days go 157 times into what is left of this horizon, but 158 times by sums."""
    hours, at = 790.0, 413.2
    assert 1 + math.floor((hours - at) / (24.0 * 0.1)) == 157
    receiver = side(layers={**belt(channels=1), "other": esc.Layer(kill_prob={"drone": 1.0})})
    many = esc.Delivery(at=clock(at), side="B", every_days=0.1, channels={"belt": 1})
    run = fight(war(side(), receiver, many, hours=hours))
    assert count(run, "delivered") == 158


def test_resupply_fills_a_magazine_to_its_capacity(fight):
    layers = belt(magazine=5, magazine_capacity=8, resupply_per_day=1.0, channels=99)
    run = fight(war(side(), side(layers=layers), ordered(100.0, drone=6), hours=168.0))
    assert story(run, "resupplied", "shots") == [
        (100.0, "resupplied", 3), (100.0, "shots", 6), (168.0, "resupplied", 3),
    ]  # fmt: skip


def test_a_truce_holds_strikes_back_as_far_as_it_is_kept(fight):
    def truce(compliance):
        entry = esc.Truce(at=clock(50.0), until=clock(150.0), compliance_prob=compliance)
        strikes = [ordered(float(hour)) for hour in range(200)]
        run = fight(war(side(), side(), entry, *strikes))
        assert story(run, "truce") == [(50.0, "truce", 1), (150.0, "truce", 0)]
        held = run.rows("held")["time_hours"]
        made = run.tables["strikes"]["decided_hours"]
        assert sorted([*held, *made]) == list(range(200))
        assert held.size == 0 or (held.min() >= 50.0 and held.max() < 150.0)
        return held

    assert truce(1.0).tolist() == list(range(50, 150))
    assert truce(0.0).size == 0
    kept = truce(0.7)
    assert abs(kept.size - 70.0) <= 4.0 * math.sqrt(100 * 0.7 * 0.3)


def test_permissions_change_what_may_be_used_and_struck(fight):
    attacker = side(
        weapons={"drone": drone(), "missile": weapon("cruise")},
        plans=raid(targets={"town": 1.0, "grid": 1.0, "far": 1.0}, size=12.0, policy="equal_share"),
        permitted_depth_km=100.0,
        permitted_weapons=("drone",),
    )
    defender = side(
        regions={"border": esc.Region(), "deep": esc.Region(depth_km=400.0)},
        targets={
            "town": esc.Target(category="urban", region="border"),
            "grid": esc.Target(category="energy", region="border"),
            "far": esc.Target(category="urban", region="deep"),
        },
    )

    def permission(hours, **changes):
        return esc.Permission(at=clock(hours), side="A", **changes)

    run = fight(
        war(
            attacker,
            defender,
            *[ordered(at) for at in (1.0, 3.0, 5.0, 7.0, 9.0)],
            permission(2.0, allow_weapons=("cruise",)),
            permission(4.0, forbid_targets=("energy",), forbid_weapons=("drone",)),
            permission(6.0, depth_km=500.0),
            permission(8.0, forbid_weapons=("cruise",)),
        )
    )
    used = run.events.query("kind == 'leaked'").groupby("strike")[["weapon", "target"]]
    assert [tuple(sorted(set(part[c])) for c in part) for _, part in used] == [
        (["drone"], ["grid", "town"]),
        (["drone", "missile"], ["grid", "town"]),
        (["missile"], ["town"]),
        (["missile"], ["far", "town"]),
    ]
    assert story(run, "unmet") == [(9.0, "unmet", 0)]


@pytest.mark.parametrize(
    "withdrawn",
    [{"forbid_weapons": ("drone",)}, {"forbid_targets": ("urban",)}, {"depth_km": 10.0}],
)
def test_a_permission_withdrawn_in_mid_strike_keeps_the_rest_at_home(fight, withdrawn):
    attacker = side(
        weapons={"drone": drone(stock=20)}, plans=raid(size=12.0, waves=3, duration_hours=10.0)
    )
    defender = side(regions={"border": esc.Region(depth_km=50.0)})
    end = esc.Permission(at=clock(7.0), side="A", **withdrawn)
    again = esc.Permission(
        at=clock(20.0), side="A", depth_km=99.0, allow_weapons=("drone",), allow_targets=("urban",)
    )
    run = fight(war(attacker, defender, ordered(1.0), end, again, ordered(30.0, drone=99)))
    assert run.rows("launched")["time_hours"].tolist() == [1.0, 6.0, 30.0, 35.0, 40.0]
    assert run.strikes[["allotted", "launched"]].values.tolist() == [[12, 8], [12, 12]]
    assert len(run.rows("assessed")["count"]) == 2


def test_an_order_is_bound_by_permissions_too(fight):
    attacker = side(
        weapons={"drone": drone(), "missile": weapon("cruise")}, permitted_weapons=("cruise",)
    )
    run = fight(war(attacker, side(), ordered(1.0, drone=5, missile=1), ordered(2.0, drone=5)))
    assert run.strikes[["wanted", "allotted"]].values.tolist() == [[6, 1]]
    assert story(run, "unmet") == [(2.0, "unmet", 0)]


# What a user adds.


def patient(see, params, memory, u):
    """Answer every third strike, with `params[0]` weapons and `params[1]` hours later."""
    memory[0] = memory[0] + see.struck
    if memory[0] < 3.0:
        return esc.answer(0.0)
    memory[0] = 0.0
    return esc.Answer(params[0], params[1], 0.0)


def test_a_rule_of_ones_own_is_a_plain_function(fight):
    victim = side(retaliations=answering(esc.Rule(patient, size=7.0, hours=2.0)))
    run = fight(war(side(), victim, *[ordered(float(hour)) for hour in range(7)]))
    answers = run.strikes.query("side == 'B'")
    assert answers[["decided_hours", "allotted", "provoked_by"]].values.tolist() == [
        [4.0, 7, 2], [7.0, 7, 6],
    ]  # fmt: skip


def test_a_rule_sees_what_its_side_believes_since_it_was_last_asked():
    seen = []

    def watch(see, params, memory, u):
        seen.append(see)
        return esc.answer(1.0 if len(seen) == 1 else 0.0)

    town = {"category": "urban", "region": "border", "killed_per_hit": 1.0, "injured_per_hit": 2.0}
    victim = side(
        weapons={"drone": drone(stock=10, reserve=2)},
        plans=raid(size=6.0),
        targets={
            "town": esc.Target(**town, sites=10**6),
            "grid": esc.Target(category="energy", region="border"),
        },
        ladder=esc.Ladder(rungs={"a": esc.Rung(), "b": esc.Rung(size_factor=2.0)}, start="b"),
        retaliations=answering(esc.Rule(watch), review_hours=24.0),
        assessment=esc.Assessment(exaggeration=2.0),
    )
    attacker = side(
        weapons={"drone": drone(damage_share=0.5), "rocket": weapon("ballistic")},
        plans={**raid(), "dark": esc.Plan(targets={"grid": 1.0})},
    )
    strikes = [
        ordered(1.0, drone=4), ordered(7.0, plan="dark", rocket=3), ordered(80.0, drone=1),
    ]  # fmt: skip
    run = esc.simulate(war(attacker, victim, *strikes, hours=100.0), rng=1)
    first, second, third, fourth, fifth = seen
    killed, injured = (2.0 * run.strikes[c].to_numpy() for c in ("killed", "injured"))
    assert first == (
        0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, math.inf, 12.0, 8.0, 0.8, 1.0, 0.0,
    )  # fmt: skip
    assert second == (
        24.0, 1.0, 0.0, 1.0, 1.0, 14.0, 14.0, killed[1], injured[1], 4.0, 0b101, 0b100001, 6.0,
        12.0, 7.0, 0.7, 1.0, killed[1],
    )  # fmt: skip
    assert third == (
        48.0, 0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, 6.0,
        12.0, 7.0, 0.7, 1.0, killed[1],
    )  # fmt: skip
    assert fourth[:3] == (72.0, 0.0, 0.0)
    assert fifth[:3] == (96.0, 1.0, 0.0)
    assert fifth.quiet_hours == 73.0
    assert fifth.killed_total == killed.sum()


def a_number(see, params, memory, u):
    return 3.0


def nothing(see, params, memory, u):
    memory[0] = 1.0


def less_than_nothing(see, params, memory, u):
    return esc.answer(-1.0)


def no_number(see, params, memory, u):
    return esc.answer(math.nan)


def no_end(see, params, memory, u):
    return esc.Answer(1.0, math.inf, 0.0)


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (a_number, r"must return an Answer, such as answer\(see.standard\), but got 3.0"),
        (nothing, "must return an Answer, .* but got None"),
        (less_than_nothing, "`0 <= size` .* but got Answer"),
        (no_number, "`0 <= size` .* but got Answer"),
        (no_end, "`0 <= delay_hours`, both finite, .* but got Answer"),
    ],
)
def test_a_rule_that_gives_no_answer_is_refused(rule, complaint):
    scenario = war(side(), side(retaliations=answering(esc.Rule(rule))), ordered(1.0))
    with pytest.raises(esc.EscalateError, match=f"rule '{rule.__name__}'.* {complaint}"):
        esc.simulate(scenario, rng=1)
    if numba.config.DISABLE_JIT:
        return
    unusable = f"rule '{rule.__name__}'(: `0 <= size` and | cannot be compiled)"
    with pytest.raises(esc.EscalateError, match=unusable):
        esc.simulate(scenario, rng=1, engine="compiled")


def forgetful(see, params, memory, u):
    return esc.answer(memory[8])


def test_a_rule_has_eight_numbers_of_memory(fight):
    with pytest.raises(IndexError):
        fight(war(side(), side(retaliations=answering(esc.Rule(forgetful))), ordered(1.0)))


def test_what_a_rule_raises_comes_through_as_it_is():
    class Odd(Exception):
        def __init__(self, one, two):
            super().__init__(f"{one} and {two}")

    def rule(see, params, memory, u):
        raise Odd("this", "that")

    def process(state):
        yield state.wait(1.0)
        esc.Rule("tit_for_tet")

    victim = side(retaliations=answering(esc.Rule(rule)))
    with pytest.raises(Odd, match="^this and that$"):
        esc.simulate(war(side(), victim, ordered(1.0)), rng=1)
    with pytest.raises(esc.ScenarioError, match="^unknown rule 'tit_for_tet': did you mean"):
        esc.simulate(war(side(), side()), rng=1, processes=[process])


def last_first(wanted, spare, weights, costs, categories, out):
    """Use the last of the weapons first."""
    left = wanted
    for k in range(len(spare) - 1, -1, -1):
        out[k] = min(left, spare[k])
        left = left - out[k]


def test_a_policy_of_ones_own_is_a_plain_function(fight):
    attacker = side(
        weapons={"drone": drone(stock=5), "missile": weapon("cruise", stock=3)},
        plans=raid(size=6.0, policy=last_first),
    )
    run = fight(war(attacker, side(), ordered(1.0)))
    assert run.tables["weapons"]["launched"].tolist() == [3, 3, 0]


def one_too_many(wanted, spare, weights, costs, categories, out):
    out[0] = spare[0] + 1


def one_too_few(wanted, spare, weights, costs, categories, out):
    out[0] = -1


def one_more_than_wanted(wanted, spare, weights, costs, categories, out):
    out[0] = wanted + 1


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        (one_too_many, "`0 <= out <= spare` must be given, but got 6 of 5 at weapon 0"),
        (one_too_few, "`0 <= out <= spare` must be given, but got -1 of 5 at weapon 0"),
        (one_more_than_wanted, r"`sum\(out\) <= wanted` must hold, but got 4 > 3"),
    ],
)
def test_a_policy_that_gives_what_is_not_there_is_refused(policy, complaint):
    attacker = side(weapons={"drone": drone(stock=5)}, plans=raid(size=3.0, policy=policy))
    scenario = war(attacker, side(), ordered(1.0))
    with pytest.raises(esc.EscalateError, match=f"policy '{policy.__name__}': .*{complaint}"):
        esc.simulate(scenario, rng=1)
    unusable = f"policy '{policy.__name__}': `0 <= out <= spare` and"
    with pytest.raises(esc.EscalateError, match=unusable):
        esc.simulate(scenario, rng=1, engine="compiled")


def down_to_none(wanted, spare, weights, costs, categories, out):
    """Allocate round by round, taking each from what is to spare."""
    for _ in range(wanted):
        if spare[0] > 0:
            spare[0] = spare[0] - 1
            out[0] = out[0] + 1


def test_a_policy_may_use_up_what_it_is_shown(fight):
    attacker = side(weapons={"drone": drone(stock=5)}, plans=raid(size=8.0, policy=down_to_none))
    assert fight(war(attacker, side(), ordered(1.0))).strikes["launched"].tolist() == [5]


def half(wanted, spare, weights, costs, categories, out):
    out[0] = 1.5


def test_a_policy_gives_whole_numbers():
    attacker = side(plans=raid(size=3.0, policy=half))
    with pytest.raises(esc.EscalateError, match="whole numbers .* but got 1.5 of 1000"):
        esc.simulate(war(attacker, side(), ordered(1.0)), rng=1)


def simulate(scenario, *processes):
    return esc.simulate(scenario, rng=1, processes=processes)


def test_a_mediator_obtains_a_truce():
    def mediator(state):
        while state.total("launched", "A") < 5:
            yield state.wait(1.0)
        assert state.now_hours == 5.0
        state.truce(hours=10.0)

    strikes = [ordered(hour + 0.5) for hour in range(20)]
    run = simulate(war(side(), side(), *strikes), mediator)
    assert story(run, "truce") == [(5.0, "truce", 1), (15.0, "truce", 0)]
    assert run.rows("held")["time_hours"].tolist() == [hour + 0.5 for hour in range(5, 15)]


def test_an_ally_delivers_and_the_process_may_never_end():
    told = []

    def ally(state):
        while True:
            yield state.wait(24.0)
            state.deliver("B", weapon="drone", count=10)
            state.deliver("B", layer="belt", count=1)
            told.append((state.now_hours, state.stock("B", "drone")))

    receiver = side(weapons={"drone": drone(stock=0)}, layers=belt(magazine=0))
    run = simulate(war(side(), receiver, hours=72.0), ally)
    assert told == [(24.0, 10), (48.0, 20), (72.0, 30)]
    assert run.weapons["delivered"].tolist() == [0, 30]
    assert run.layers["magazine"].tolist() == [3]


def test_a_process_orders_strikes_and_changes_permissions():
    def commander(state):
        yield state.wait(1.0)
        state.order_strike("A", "raid")
        state.order_strike("A", "raid", 5)
        yield state.wait(1.0)
        state.permit("A", weapons=("cruise",), targets=("urban",), depth_km=10)
        state.order_strike("A", "raid")
        state.permit("A", weapons=["drone"])
        assert state.scenario.sides["A"].plans["raid"].size == 1.0
        u = [state.uniform("mood", index) for index in range(3)]
        assert len({*u, state.uniform("weather", 0)}) == 4
        assert u == [state.uniform("mood", index) for index in range(3)]

    run = simulate(war(side(), side()), commander)
    assert story(run, "launched", "permission") == [
        (1.0, "launched", 1), (1.0, "launched", 5), (2.0, "permission", 0), (2.0, "permission", 0),
        (2.0, "launched", 1),
    ]  # fmt: skip
    assert (run.strikes["cause"] == "ordered").all()


@pytest.mark.parametrize(
    ("match", "action"),
    [
        ("unknown side 'a': .*Known: A, B", lambda w: w.order_strike("a", "raid")),
        ("unknown plan 'raids' of A: did you mean 'raid'", lambda w: w.order_strike("A", "raids")),
        ("unknown weapon 'drones' of A: did you mean 'drone'", lambda w: w.stock("A", "drones")),
        ("unknown kind 'kiled': did you mean 'killed'", lambda w: w.total("kiled", "A")),
        ("unknown side 'C'", lambda w: w.total("killed", "C")),
        ("unknown layer 'bell' of A: did you mean 'belt'",
         lambda w: w.deliver("A", layer="bell", count=1)),
        ("unknown layer 'belt' of B: Known: none", lambda w: w.deliver("B", layer="belt", count=1)),
        ("layer 'open' of A has no magazine", lambda w: w.deliver("A", layer="open", count=1)),
        ("a weapon or a layer", lambda w: w.deliver("A", count=1)),
        ("a weapon or a layer", lambda w: w.deliver("A", weapon="drone", layer="belt", count=1)),
        ("`count >= 0`", lambda w: w.deliver("A", weapon="drone", count=-1)),
        ("a whole `count", lambda w: w.deliver("A", weapon="drone", count=1.5)),
        ("category 'dron': did you mean 'drone'", lambda w: w.permit("A", weapons=["dron"])),
        ("category 'urba': did you mean 'urban'", lambda w: w.permit("A", targets=["urba"])),
        ("`hours > 0`", lambda w: w.truce(0.0)),
        ("compliance_prob", lambda w: w.truce(1.0, compliance_prob=1.5)),
        ("`hours >= 0`", lambda w: w.wait(-1.0)),
        ("`hours >= 0`", lambda w: w.wait(math.nan)),
        ("`0 <= size`", lambda w: w.order_strike("A", "raid", math.nan)),
        ("`0 <= size`", lambda w: w.order_strike("A", "raid", -2)),
    ],
)  # fmt: skip
def test_what_a_process_asks_is_checked(match, action):
    def process(state):
        yield state.wait(1.0)
        action(state)

    first = side(layers={**belt(magazine=3), "open": esc.Layer(kill_prob={"drone": 1.0})})
    with pytest.raises(esc.EscalateError, match=match):
        simulate(war(first, side()), process)


def test_a_process_must_be_a_generator_function_that_waits():
    def no_generator(state):
        state.wait(1.0)

    def no_wait(state):
        yield 24.0

    with pytest.raises(esc.EscalateError, match="'no_generator' must be a generator function"):
        simulate(war(side(), side()), no_generator)
    with pytest.raises(esc.EscalateError, match=r"'no_wait' must yield war.wait\(hours\).* 24.0"):
        simulate(war(side(), side()), no_wait)


def test_small_losses_of_interceptors_are_not_rounded_away(fight):
    battery = esc.Target(category="air_defence", region="border", layer="guns", sites=1000)
    defender = side(
        layers={"guns": esc.Layer(kill_prob={"cruise": 1.0}, channels=8, magazine=100)},
        targets={"battery": battery},
        plans={},
    )
    attacker = side(weapons={"drone": drone(damage_share=0.1)}, plans=raid(targets={"battery": 1}))
    strikes = [ordered(1.0 + k, drone=10) for k in range(100)]
    lost = [
        fight(war(attacker, defender, *strikes, hours=200.0), seed).layers["destroyed"].iloc[0]
        for seed in range(20)
    ]
    # Damage after k strikes is 1 - (1 - 0.1 / 1000)^(10 k); each takes its part of what is left,
    # as a whole interceptor with that chance.
    damage = 1.0 - (1.0 - 1e-4) ** (10.0 * np.arange(101))
    left = 100.0 * np.prod(1.0 - np.diff(damage))
    assert_mean(lost, 100.0 - left, 100.0 - left)


def test_an_answer_worth_less_than_a_weapon_comes_as_seldom_as_that(fight):
    victim = side(retaliations=answering("proportional", gain=0.3, measure="launched"))
    run = fight(war(side(), victim, *(ordered(1.0 + k, drone=1) for k in range(1000)), hours=1e4))
    answers = (run.tables["strikes"]["side"] == 1).sum()
    assert_share(np.arange(1000) < answers, 0.3)
    assert (run.rows("decided")["value"] == 0.3).all()
