"""Numbers from a run, against a plain recount of its event log."""

import math
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import numpy as np
import pytest

import escalate as esc
from escalate import metrics
from escalate.figures import shipped_figures
from escalate.metrics import check_figures, figure_value
from tests.small_wars import answering, drone, ordered, side, war

MISSILES = {"cruise", "ballistic", "hypersonic"}
AIR = MISSILES | {"drone", "decoy"}
TOWN = {"town": esc.Target(category="urban", region="border", killed_per_hit=2.0, sites=50)}


def other(run, name):
    (found,) = (side for side in run.scenario.sides if side != name)
    return found


def recount(run):
    """Count the outcomes again, row by row of the log."""
    sides = run.scenario.sides
    out = {name: defaultdict(float) for name in sides}
    dark = {name: {} for name in sides}
    went_dark = {name: set() for name in sides}
    strikes = run.strikes.to_dict("index")
    words = {"launched", "dud", "intercepted", "leaked", "strayed"}
    for row in run.events.itertuples():
        made = strikes[row.strike]["side"] if row.strike >= 0 else None
        if row.kind == "strike":
            out[made]["strikes"] += 1
        elif row.kind in words:
            out[made][row.kind] += row.count
        elif row.kind in ("killed", "injured"):
            out[other(run, made)][row.kind] += row.count
        elif row.kind == "damage":
            out[other(run, made)]["damage_sites"] += row.value
        elif row.kind == "blackout" and row.count:
            went_dark[row.side].add(row.region)
            dark[row.side][row.region] = row.time_hours
        elif row.kind == "blackout":
            out[row.side]["blackout_hours"] += row.time_hours - dark[row.side].pop(row.region)
        if row.kind == "launched":
            out[made]["cost_usd"] += row.count * sides[made].weapons[row.weapon].unit_cost_usd
        if row.kind in ("shots", "intercepted"):
            layer = sides[other(run, made)].layers[row.layer]
            if row.kind == "shots":
                out[other(run, made)]["defence_cost_usd"] += row.count * layer.shot_cost_usd
            elif layer.electronic:
                out[made]["lost"] += row.count
    for name in sides:
        mine = [i for i, strike in strikes.items() if strike["side"] == name]
        answers = [i for i in strikes if strikes[i]["provoked_by"] in mine]
        delays = sorted(
            strikes[i]["first_launch_hours"]
            - strikes[strikes[i]["provoked_by"]]["first_launch_hours"]
            for i in mine
            if strikes[i]["provoked_by"] >= 0 and strikes[i]["first_launch_hours"] < math.inf
        )
        half = len(delays) // 2
        out[name] |= {
            "answers": sum(strikes[i]["cause"] == "answer" for i in mine),
            "blackout_regions": len(went_dark[name]),
            "blackout_hours": out[name]["blackout_hours"]
            + sum(run.scenario.horizon_hours - begin for begin in dark[name].values()),
            "alert_hours": run.regions.query(f"side == {name!r}")["alert_hours"].sum(),
            "response_delay_hours": (delays[half] + delays[-half - 1]) / 2 if delays else math.nan,
            "reproduction_number": len(answers) / len(mine) if mine else math.nan,
        }
    return out


@pytest.mark.parametrize("name", esc.scenario_names())
@pytest.mark.parametrize("replication", [0, 1])
def test_the_summary_is_a_recount_of_the_log(name, replication):
    run = esc.simulate(esc.load_scenario(name), rng=1, replication=replication)
    counted = recount(run)
    assert list(run.summary()) == list(run.scenario.sides)
    for part, outcomes in run.summary().items():
        assert tuple(outcomes) == tuple(metrics.OUTCOMES)
        for outcome, value in outcomes.items():
            wanted = pytest.approx(counted[part][outcome], rel=1e-9, nan_ok=True)
            assert value == wanted, (part, outcome)


def test_a_war_in_which_nothing_happens_has_zeros_and_no_rates():
    for outcomes in esc.simulate(war(side(), side()), rng=1).summary().values():
        none = {"response_delay_hours", "reproduction_number"}
        assert {o for o, value in outcomes.items() if math.isnan(value)} == none
        assert not any(value for o, value in outcomes.items() if o not in none)


# Causal links


@pytest.fixture(scope="module")
def chain():
    """A strikes twice; B answers each strike 10 h after it, A each answer 20 h after."""
    first = side(retaliations=answering("tit_for_tat", hours=20.0), targets=TOWN)
    second = side(retaliations=answering("tit_for_tat", hours=10.0), targets=TOWN)
    return esc.simulate(war(first, second, ordered(1.0), ordered(2.0), hours=47.5), rng=1)


def test_children_and_episodes_follow_the_links(chain):
    parents = chain.strikes["provoked_by"].tolist()
    assert metrics.children(chain).tolist() == [parents.count(i) for i in range(len(parents))]
    assert sum(metrics.episode_sizes(chain)) == len(parents)
    assert len(metrics.episode_sizes(chain)) == parents.count(-1) == 2
    sizes = []
    for root in (i for i, p in enumerate(parents) if p < 0):
        members = {root}
        for i, parent in enumerate(parents):
            if parent in members:
                members.add(i)
        sizes.append(len(members))
    assert metrics.episode_sizes(chain).tolist() == sizes


def test_the_reproduction_number_counts_answers_per_strike(chain):
    parents, sides = chain.strikes["provoked_by"], chain.strikes["side"]
    assert metrics.reproduction_number(chain) == (parents >= 0).sum() / len(parents)
    for name in "AB":
        mine = [i for i in range(len(parents)) if sides[i] == name]
        wanted = parents.isin(mine).sum() / len(mine)
        assert metrics.reproduction_number(chain, name) == wanted
    assert metrics.reproduction_number(chain, until_hours=2.0) == 1.0
    assert math.isnan(metrics.reproduction_number(chain, until_hours=0.5))


def test_response_delays_run_from_first_launch_to_first_launch(chain):
    first, parents = chain.strikes["first_launch_hours"], chain.strikes["provoked_by"]
    delays = [first[i] - first[p] for i, p in enumerate(parents) if p >= 0]
    assert metrics.response_delays(chain).tolist() == pytest.approx(delays)
    assert set(np.round(metrics.response_delays(chain, "B"))) == {10.0}
    assert set(np.round(metrics.response_delays(chain, "A"))) == {20.0}


@pytest.mark.parametrize("number", [metrics.reproduction_number, metrics.response_delays])
def test_an_unknown_side_is_named_with_those_that_there_are(chain, number):
    with pytest.raises(esc.ScenarioError, match=r"unknown side 'a': .*Known: A, B"):
        number(chain, "a")


# Reported figures


def value_by_hand(run, figure):
    """Work a figure out again from the tables, word by word."""
    if figure.attacker == "both":
        both = list(run.scenario.sides)
        return sum(one_way(run, figure, *pair) for pair in (both, both[::-1]))
    return one_way(run, figure, figure.attacker, other(run, figure.attacker))


def one_way(run, figure, attacker, defender):
    scenario, strikes = run.scenario, run.strikes
    begin = scenario.hours(datetime.combine(figure.date_start, time()))
    end = scenario.hours(datetime.combine(figure.date_end, time()) + timedelta(days=1))
    air = ("launched", "intercepted", "intercepted_fraction", "cost")
    everything = AIR if figure.quantity in air else AIR | {"artillery"}
    categories = {"missile": MISSILES}.get(figure.weapon_category, {figure.weapon_category})
    if figure.weapon_category in ("all", "unspecified"):
        categories = everything
    weapons = {n: w.category for n, w in scenario.sides[attacker].weapons.items()}
    regions = set(scenario.places.get(figure.place, (figure.place,)))
    everywhere = figure.place in ("countrywide", "both directions")
    beside = scenario.sides[defender].regions
    mine = set(strikes.index[strikes["side"] == attacker])
    events = run.events

    def counted(*kinds, where=None):
        where = where or (lambda region: everywhere or region in regions)
        return [
            row
            for row in events[events["kind"].isin(kinds)].itertuples()
            if row.strike in mine
            and begin <= row.time_hours < end
            and weapons[row.weapon] in categories
            and where(row.region)
        ]

    def total(*kinds, **how):
        return sum(row.count for row in counted(*kinds, **how))

    sent = total("launched") if everywhere else total("intercepted", "leaked")
    first = strikes["first_launch_hours"]
    begun = strikes[(strikes["side"] == attacker) & (begin <= first) & (first < end)]
    match figure.quantity:
        case "launched" | "strikes":
            return sent
        case "intercepted" | "killed" | "injured":
            return total(figure.quantity)
        case "intercepted_fraction":
            return total("intercepted") / sent if sent else math.nan
        case "hits":
            return total("leaked" if figure.unit == "weapons" else "damage")
        case "regions_hit":
            return len({row.region for row in counted("leaked")})
        case "spillover":
            return total(
                "strayed", where=lambda r: figure.place in ("countrywide", beside[r].third_party)
            )
        case "cost":
            return begun["cost_usd"].sum()
        case "duration":
            if begun.empty:
                return math.nan
            largest = begun.loc[begun["launched"].idxmax()]
            return largest["last_impact_hours"] - largest["first_launch_hours"]
        case "blackout_regions":
            lit, touched = {}, set()
            for row in events.query("kind == 'blackout'").itertuples():
                if row.side == defender and (everywhere or row.region in regions):
                    since = row.time_hours if row.count else lit.get(row.region, math.inf)
                    lit[row.region] = since if row.count else math.inf
                    if not row.count and since < end and row.time_hours >= begin:
                        touched.add(row.region)
            return len(touched | {region for region, since in lit.items() if since < end})
        case "response_delay":
            answers = []
            for number, strike in begun.iterrows():
                if strike["provoked_by"] < 0:
                    continue
                provoked = strikes.loc[strike["provoked_by"], "first_launch_hours"]
                rows = events[(events["strike"] == number) & (events["weapon"] != "")]
                if (
                    begin <= provoked < begin + 24.0
                    and {weapons[w] for w in rows["weapon"]} & categories
                    and (everywhere or set(rows["region"]) & regions)
                ):
                    launch = strike["first_launch_hours"]
                    answers.append((launch < end - 24.0, launch, launch - provoked))
            return min(answers)[2] if answers else math.nan


@pytest.mark.parametrize("name", ["february-2023", "january-2025", "winter-2023-24"])
@pytest.mark.parametrize("replication", range(3))
def test_what_a_run_says_to_a_figure_is_a_recount(name, replication):
    scenario = esc.load_scenario(name)
    run = esc.simulate(scenario, rng=1, replication=replication)
    for figure in shipped_figures():
        if figure.id in scenario.figures:
            wanted = pytest.approx(value_by_hand(run, figure), rel=1e-12, nan_ok=True)
            assert figure_value(run, figure) == wanted, figure.id


def reported(quantity="killed", unit="people", **changes):
    return esc.Figure(
        **{
            "id": "X1", "seed": "900", "date_start": date(2024, 1, 2), "date_end": date(2024, 1, 2),
            "attacker": "A", "defender": "B", "place": "countrywide", "quantity": quantity,
            "weapon_category": "all", "relation": "exactly", "low": 0.0, "high": 0.0,
            "unit": unit, "claimant": "press",
        }
        | changes
    )  # fmt: skip


@pytest.fixture(scope="module")
def raids():
    """A's drones and shells at two regions of B on 2, 3 and 4 January; all get through."""
    raider = side(
        weapons={
            "drone": drone(unit_cost_usd=10.0),
            "gun": esc.Weapon(category="artillery", stock=100, unit_cost_usd=1.0),
            "arrow": esc.Weapon(category="cruise", stock=100, unit_cost_usd=100.0),
        },
        plans={
            "raid": esc.Plan(targets={"town": 1.0}),
            "deep": esc.Plan(targets={"works": 1.0}),
        },
    )
    victim = side(
        regions={
            "border": esc.Region(depth_km=10.0),
            "deep": esc.Region(depth_km=20.0, third_party="Third", stray_prob=1.0),
        },
        targets={
            "town": esc.Target(category="urban", region="border", sites=500),
            "works": esc.Target(category="industry", region="deep", sites=500),
        },
    )
    return esc.simulate(
        war(
            raider, victim,
            ordered(24.0, drone=3), ordered(40.0, gun=5), ordered(50.0, plan="deep", arrow=7),
            ordered(72.0, drone=11), places={"everywhere": ["border", "deep"]},
        ),
        rng=1,
    )  # fmt: skip


def days(first, last):
    return {"date_start": date(2024, 1, first), "date_end": date(2024, 1, last)}


@pytest.mark.parametrize(
    ("value", "figure"),
    [
        (3, reported("launched", "weapons")),  # shells are not counted among them
        (5, reported("launched", "weapons", weapon_category="artillery")),
        (8, reported("strikes", "strikes")),
        (3, reported("launched", "weapons", weapon_category="drone")),
        (7, reported("launched", "weapons", weapon_category="missile", **days(2, 3))),
        (10, reported("launched", "weapons", **days(2, 3))),
        (21, reported("launched", "weapons", **days(1, 10))),
        (11, reported("launched", "weapons", **days(4, 4))),
        (0, reported("launched", "weapons", attacker="B", defender="A")),
        (3, reported("launched", "weapons", place="border", **days(2, 3))),
        (7, reported("launched", "weapons", place="deep", **days(2, 3))),
        (10, reported("launched", "weapons", place="everywhere", **days(2, 3))),
        (8, reported("hits", "weapons")),
        (0, reported("intercepted", "weapons")),
        (0.0, reported("intercepted_fraction", "fraction")),
        (math.nan, reported("intercepted_fraction", "fraction", attacker="B", defender="A")),
        (1, reported("regions_hit", "places")),
        (2, reported("regions_hit", "places", **days(2, 3))),
        (1, reported("regions_hit", "places", place="deep", **days(2, 3))),
        (7, reported("spillover", "objects", defender="third party", place="Third", **days(3, 3))),
        (0, reported("spillover", "objects", defender="third party", place="Third")),
        (35.0, reported("cost", "USD")),
        (735.0, reported("cost", "USD", **days(2, 3))),
        (math.nan, reported("duration", "hours", **days(5, 5))),
        (math.nan, reported("response_delay", "hours", attacker="B", defender="A")),
        (0, reported("blackout_regions", "regions")),
        (21, reported("launched", "weapons", attacker="both", defender="both",
                      place="both directions", **days(1, 10))),
    ],
)  # fmt: skip
def test_a_figure_counts_its_window_place_and_weapons(raids, value, figure):
    assert figure_value(raids, figure) == pytest.approx(value, nan_ok=True)


def test_a_quantity_that_no_run_has_is_refused_by_its_figure(raids):
    with pytest.raises(esc.ScenarioError, match=r"'prisoners' at figures\.X1\.quantity"):
        figure_value(raids, reported("prisoners"))


def test_figures_of_unknown_sides_or_places_are_refused_all_at_once(raids):
    good = reported(place="everywhere"), reported(defender="third party", place="Third")
    check_figures(raids.scenario, good)
    bad = (reported(id="X2", attacker="AA"), reported(id="X3", defender="C", place="bordr"))
    with pytest.raises(esc.ScenarioError) as refused:
        check_figures(raids.scenario, (*good, *bad))
    places = [problem.place for problem in refused.value.problems]
    assert places == ["figures.X2.attacker", "figures.X3.defender", "figures.X3.place"]
    assert "did you mean 'border'?" in str(refused.value)


@pytest.mark.parametrize(
    ("attacker", "first", "last", "hours"),
    [
        ("B", 1, 1, 10.0),
        ("B", 1, 2, 10.0),
        ("A", 1, 2, 20.0),
        ("A", 2, 2, math.nan),  # what it answers was the day before
        ("A", 1, 1, math.nan),  # the answer comes the day after
        ("B", 2, 3, 10.0),
    ],
)
def test_a_response_is_to_a_strike_on_the_first_day_of_the_window(
    chain, attacker, first, last, hours
):
    figure = reported(
        "response_delay", "hours", attacker=attacker, defender="AB".replace(attacker, ""),
        **days(first, last),
    )  # fmt: skip
    assert figure_value(chain, figure) == pytest.approx(hours, abs=0.5, nan_ok=True)


def test_an_answer_to_a_strike_later_in_the_window_is_no_response(chain):
    figure = reported("response_delay", "hours", attacker="B", defender="A")
    figure = replace(figure, date_start=date(2023, 12, 31), date_end=date(2024, 1, 1))
    assert math.isnan(figure_value(chain, figure))


def test_a_region_is_counted_dark_on_every_day_on_which_it_was_dark():
    raider = side(
        weapons={"drone": drone(damage_share=0.5)},
        plans={"raid": esc.Plan(targets={"grid": 1.0})},
    )
    victim = side(
        regions={"border": esc.Region(blackout_share=0.3)},
        targets={"grid": esc.Target(category="energy", region="border")},
        repair_days={"energy": 4.0},
    )
    # Dark from noon on the 2nd for 4 days times log(0.5 / 0.3), until the afternoon of the 4th.
    run = esc.simulate(war(raider, victim, ordered(36.0, drone=1)), rng=1)
    counts = [
        figure_value(run, reported("blackout_regions", "regions", **days(day, day)))
        for day in range(1, 7)
    ]
    assert counts == [0, 1, 1, 1, 0, 0]
    elsewhere = reported("blackout_regions", "regions", attacker="B", defender="A", **days(1, 9))
    assert figure_value(run, elsewhere) == 0
