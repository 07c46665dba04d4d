"""Variants against a base: the numbers of theory, of a dumb oracle, and the shared past."""

import dataclasses
import io
import math
import statistics
from contextlib import redirect_stderr
from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

import escalate as esc
from escalate.engines import compiled
from escalate.ensemble import extended
from escalate.errors import EscalateError, ScenarioError
from escalate.pairing import Pairing, compare
from escalate.precision import Precision
from escalate.theory.experiments import paired_variance_binomial, paired_variance_exponential
from tests.small_wars import answering, clock, drone, ordered, side, war
from tests.test_ensemble import same

VOWS = {f"sides.RU.retaliations.{vow}.rule": "never" for vow in ("vow", "vow_hypersonic")}


@pytest.fixture(scope="module")
def winter():
    return esc.load_scenario("winter-2023-24")


@pytest.fixture(scope="module")
def unanswered(winter):
    """Give the winter exchange with and without what was vowed, and with one thing more."""
    return compare(
        winter, VOWS, {"sides.UA.layers.medium_range.kill_prob.cruise": 0.8},
        names=["no vow", "more stopped"], replications=300, rng=1,
        outcomes=["killed", "response_delay_hours", "killed_per_day"],
    )  # fmt: skip


def raid(prob, drones=50):
    """Give one raid on a belt that engages every weapon once."""
    belt = esc.Layer(kill_prob={"drone": prob}, channels=100, window_hours={"drone": 1.0})
    defender = side(regions={"border": esc.Region(depth_km=50.0)}, layers={"belt": belt})
    return war(side(), defender, ordered(1.0, drone=drones), hours=24.0)


@pytest.fixture(scope="module")
def raids():
    """Give the raid of case E01, twenty thousand times with each belt."""
    return compare(raid(0.7), raid(0.8), replications=20_000, rng=1, outcomes=["intercepted"])


def test_shared_luck_reduces_the_variance_of_counts_as_case_e01_says(raids):
    row = raids.differences("intercepted.A.drone").iloc[0]
    expected = paired_variance_binomial(50, 0.7, 0.8)
    assert float(expected.reduction) == pytest.approx(4.111111111)
    base, variant = (
        e.data["intercepted"][:, 0, 0] for e in (raids.base, raids.variants["variant"])
    )
    # Of 20,000 the standard error of a variance is about 1%: five of them.
    assert np.var(variant - base) == pytest.approx(float(expected.common), rel=0.05)
    assert row["variance_reduction"] == pytest.approx(float(expected.reduction), rel=0.05)
    assert row["mean_base"] == pytest.approx(35.0, abs=5 * math.sqrt(10.5 / 20_000))
    assert row["difference"] == pytest.approx(5.0, abs=5 * math.sqrt(4.5 / 20_000))
    ratio = (row["unpaired_half_width"] / row["half_width"]) ** 2
    assert ratio == pytest.approx(row["variance_reduction"], rel=1e-3)


def test_shared_luck_reduces_the_variance_of_times_as_case_e01_says():
    """B answers one strike after an exponential time of mean 2 or 3 hours."""
    both = [
        war(side(), side(retaliations=answering("always", hours=hours, delay="exponential")),
            ordered(1.0, drone=1), hours=240.0)
        for hours in (2.0, 3.0)
    ]  # fmt: skip
    pairing = compare(*both, replications=20_000, rng=2, outcomes=["response_delay_hours"])
    row = pairing.differences("response_delay_hours.B").iloc[0]
    expected = paired_variance_exponential(2.0, 3.0)
    # The fourth moment of an exponential gives a variance a standard error of 2%.
    assert (row["half_width"] / 1.96) ** 2 * 20_000 == pytest.approx(
        float(expected.common), rel=0.1
    )
    assert row["variance_reduction"] == pytest.approx(float(expected.reduction), rel=0.1)
    assert row["difference"] == pytest.approx(1.0, abs=5 / math.sqrt(20_000))


def test_paired_intervals_hold_the_difference_as_often_as_they_say(raids):
    """Two hundred experiments of a hundred pairs each, whose true difference is 5."""
    held = 0
    for begin in range(0, 20_000, 100):
        few = [
            dataclasses.replace(wars, replications=100,
                                data={k: v[begin : begin + 100] for k, v in wars.data.items()})
            for wars in (raids.base, raids.variants["variant"])
        ]  # fmt: skip
        row = Pairing.of(*few).differences("intercepted.A.drone").iloc[0]
        held += row["low"] <= 5.0 <= row["high"]
    # Outside of 176 to 200 in fewer than one case in ten thousand at 0.95.
    assert stats.binom.cdf(175, 200, 0.95) + stats.binom.sf(199, 200, 0.95) < 1e-4
    assert 176 <= held <= 199


def test_the_table_is_that_of_wars_fought_one_by_one(winter):
    """Against plain Python over runs of the other engine, and scipy's t tests."""
    number, changed = 12, winter.replace(VOWS)
    table = compare(winter, changed, replications=number, rng=4).table.set_index("outcome")
    runs = [list(esc.replicate(s, replications=number, rng=4)) for s in (winter, changed)]
    for who in ("RU", "UA"):
        for outcome in ("killed", "injured", "strikes", "cost_usd", "damage_sites"):
            old, new = ([run.summary()[who][outcome] for run in many] for many in runs)
            apart = [y - x for x, y in zip(old, new, strict=True)]
            if outcome == "damage_sites":
                rows = table.filter(like=f"damage_sites.{who}", axis="index")
                assert rows["difference"].sum() == pytest.approx(statistics.mean(apart))
                continue
            row = table.loc[f"{outcome}.{who}"]
            assert row["mean_base"] == pytest.approx(statistics.mean(old))
            assert row["mean_variant"] == pytest.approx(statistics.mean(new))
            assert row["difference"] == pytest.approx(statistics.mean(apart))
            assert row["replications"] == number
            if len(set(apart)) == 1:
                assert row["low"] == row["high"] == row["difference"]
                continue
            ends = stats.ttest_rel(new, old).confidence_interval()
            assert (row["low"], row["high"]) == pytest.approx((ends.low, ends.high))
            own = stats.ttest_ind(new, old, equal_var=False).confidence_interval()
            assert row["unpaired_half_width"] == pytest.approx((own.high - own.low) / 2.0)
            reduction = (statistics.variance(old) + statistics.variance(new)) / statistics.variance(
                apart
            )
            assert row["variance_reduction"] == pytest.approx(reduction)


def test_the_variance_of_the_stated_example_falls_to_less_than_a_third(unanswered):
    row = unanswered.differences("killed.UA", variants="no vow").iloc[0]
    # benchmarks/pairing.py finds about 12.
    assert row["variance_reduction"] > 3.0
    assert row["low"] < row["high"] < 0.0


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_change_nothing(winter, workers):
    asked = Precision("killed.UA", half_width=1.5, least=40, most=400)
    pairing, other = (
        compare(winter, VOWS, replications=asked, rng=3, outcomes=["killed"], workers=w)
        for w in (workers, None)
    )
    assert pairing.table.equals(other.table)
    assert 40 < pairing.replications == other.replications < 400


def test_a_precision_is_kept_at_the_first_look_at_which_it_is(winter):
    asked = Precision("killed.UA", half_width=1.0, least=40, most=2000)
    variants = VOWS, {"sides.UA.layers.medium_range.kill_prob.cruise": 0.8}
    pairing = compare(winter, *variants, replications=asked, rng=3)
    assert pairing.missed == {}
    whole = compare(winter, *variants, replications=2000, rng=3, outcomes=["killed"])
    changes = [
        (e.data["killed"] - whole.base.data["killed"])[:, 1] for e in whole.variants.values()
    ]
    first = next(n for n in asked.looks() if all(asked.reached(c[:n]) for c in changes))
    assert pairing.replications == first
    widths = pairing.differences("killed.UA")["half_width"]
    assert (widths <= 1.0).all()
    assert pairing.level == 0.95
    # The wars are those that would have been fought at once.
    same(pairing.base, esc.simulate_many(winter, replications=first, rng=3))


def test_what_is_not_precise_enough_is_said_with_how_many_more_it_takes(winter):
    asked = Precision("killed.UA", half_width=0.8, least=40, most=100, level=0.9)
    pairing = compare(
        winter, VOWS, {"title": "another"}, names=["no vow", "nothing"], replications=asked, rng=3
    )
    assert pairing.replications == 100
    assert pairing.level == 0.9
    change = (pairing.variants["no vow"].data["killed"] - pairing.base.data["killed"])[:, 1]
    more = asked.needed(change) - 100
    assert pairing.missed == {"no vow": more, "nothing": math.inf}
    assert 10 < more < 1000
    said = str(pairing).splitlines()
    assert said[0].startswith("no vow: killed.UA ")
    assert "(90% interval" in said[0]
    assert said[0].endswith(f"NOT as narrow as asked, for which about {more:,.0f} more pairs "
                            "are needed")  # fmt: skip
    assert said[1].startswith("nothing: killed.UA the same in all of 100 pairs; NOT as narrow")
    # So many are about enough.
    further = compare(winter, VOWS, replications=int(100 + 1.3 * more), rng=3, outcomes=["killed"])
    assert further.differences("killed.UA")["half_width"].iloc[0] * 1.645 / 1.96 < 0.8


def test_no_war_is_fought_twice(winter, monkeypatch):
    fought = []
    fight = compiled.Course.fight

    def counted(self, key, sums, war):
        fought.append((self.world.scenario.sides["UA"].alert_hours, key))
        return fight(self, key, sums, war)

    monkeypatch.setattr(compiled.Course, "fight", counted)
    asked = Precision("killed.UA", half_width=1e-3, least=10, most=60)
    seen = []
    compare(winter, {"sides.UA.alert_hours": 9.0}, replications=asked, rng=3, outcomes="killed",
            progress=lambda done, wars: seen.append((done, wars)))  # fmt: skip
    assert len(fought) == len(set(fought)) == 120
    assert seen[-1] == (120, 120)
    assert all(done <= wars for done, wars in seen)


def test_more_of_the_same_wars_are_those_fought_at_once(winter):
    for wars in (
        esc.simulate_many(winter, replications=40, rng=5, outcomes=esc.ensemble.OUTCOMES),
        esc.simulate_many(winter, replications=40, rng=5).fork(48.0, VOWS),
    ):
        more = extended(wars, 75, workers=2)
        at_once = esc.simulate_many(winter, replications=75, rng=5, outcomes=list(wars.data))
        same(more, at_once.fork(48.0, VOWS) if wars.past else at_once)
        assert more.replications == 75
        assert more.replay(74).seed == wars.seed
    assert extended(wars, 40) is wars
    with pytest.raises(EscalateError, match=r"`replications >= 40` must hold, but got 39"):
        extended(wars, 39)


def test_pairs_without_a_value_are_left_out_and_counted(winter):
    never = {f"sides.UA.retaliations.{n}.rule": "never" for n in winter.sides["UA"].retaliations}
    some = {"sides.UA.retaliations.drones.rule": "never"}
    pairing = compare(winter, never, some, replications=60, rng=1)
    row = pairing.differences("response_delay_hours.UA").iloc[0]
    assert row["replications"] == 0
    assert math.isnan(row["difference"])
    assert pairing.sentences("response_delay_hours.UA")[0].endswith(
        "cannot be compared: 0 pairs with a value in both"
    )
    row = pairing.differences("response_delay_hours.RU").iloc[1]
    old, new = (
        e.data["response_delay_hours"][:, 0]
        for e in (pairing.base, list(pairing.variants.values())[1])
    )
    both = np.isfinite(old) & np.isfinite(new)
    assert 0 < both.sum() == row["replications"] < 60
    assert row["mean_base"] == pytest.approx(old[both].mean())
    assert row["difference"] == pytest.approx((new - old)[both].mean())


def test_intervals_that_hold_at_once_are_wider_by_bonferroni(unanswered):
    one = unanswered.differences(["killed"])
    all_four = unanswered.differences(["killed"], simultaneous=True)
    assert len(one) == 4
    factor = stats.t.ppf(1 - 0.025 / 4, 299) / stats.t.ppf(0.975, 299)
    np.testing.assert_allclose(all_four["half_width"], factor * one["half_width"])
    np.testing.assert_array_equal(all_four["difference"], one["difference"])


def test_days_are_compared_one_by_one_or_added_up(unanswered):
    days = unanswered.difference_over_time("killed_per_day", variants="no vow")
    assert len(days) == 2 * 7
    old, new = (
        e.data["killed_per_day"][:, :, 1].astype(float)
        for e in (unanswered.base, unanswered.variants["no vow"])
    )
    own = days[days["side"] == "UA"]
    np.testing.assert_allclose(own["difference"], (new - old).mean(axis=0))
    last = stats.ttest_rel(new[:, 6], old[:, 6]).confidence_interval()
    assert tuple(own.iloc[6][["low", "high"]]) == pytest.approx((last.low, last.high))
    # Nothing differs before the vow of the third day is due.
    assert (own[["difference", "low", "high"]].iloc[:3] == 0.0).all(axis=None)
    total = unanswered.difference_over_time("killed_per_day", variants="no vow", cumulative=True)
    killed = unanswered.differences("killed.UA", variants="no vow").iloc[0]
    end = total[total["side"] == "UA"].iloc[-1]
    for name in ("difference", "low", "high"):
        assert end[name] == pytest.approx(killed[name])


def bits(run, rows):
    """Give the first rows of a log as bytes."""
    return {column: values[:rows].tobytes() for column, values in run.tables["log"].items()}


def shared(pairing, k, variant):
    """Give how many rows of two logs are the same, by the readable engine; and the next hour."""
    first, second = (wars.replay(k) for wars in (pairing.base, pairing.variants[variant]))
    rows = 0
    pairs = zip(first.events.itertuples(index=False), second.events.itertuples(index=False),
                strict=False)  # fmt: skip
    for old, new in pairs:
        if any(x != y and not (x != x and y != y) for x, y in zip(old, new, strict=True)):
            break
        rows += 1
    hours = [r.tables["log"]["time_hours"][rows] for r in (first, second)
             if rows < len(r.events)]  # fmt: skip
    assert bits(first, rows) == bits(second, rows)
    return min(hours) if hours else math.nan


def test_logs_are_the_same_to_the_bit_until_they_diverge(unanswered):
    for name in unanswered.variants:
        hours = unanswered.divergence(name, 5)
        for k, hour in hours.items():
            np.testing.assert_equal(hour, shared(unanswered, k, name))


def test_nothing_differs_before_a_change_begins(winter):
    """A truce from a date on, a fork at an hour: the past is the same in every war."""
    at = winter.start + timedelta(hours=50.0)
    truce = esc.Truce(at=at, until=at + timedelta(hours=20.0))
    later = dataclasses.replace(winter, calendar=(*winter.calendar, truce), sources={})
    hours = compare(winter, later, replications=30, rng=1, outcomes=["killed"]).divergence(
        replications=30
    )
    assert (hours == 50.0).all()  # the truce itself is a row of the log
    wars = esc.simulate_many(winter, replications=20, rng=1, outcomes=["killed"])
    hours = Pairing.of(wars, wars.fork(48.0, VOWS)).divergence()
    assert hours.name == "from hour 48 on"
    assert (hours.dropna() >= 48.0).all()
    assert hours.notna().any()


def test_wars_that_are_the_same_never_diverge(winter):
    pairing = compare(winter, {"title": "the same by another name"}, replications=20, rng=1)
    assert pairing.divergence().isna().all()
    assert pairing.missed == {}
    table = pairing.table
    assert (table["difference"].fillna(0.0) == 0.0).all()
    assert set(table["variance_reduction"].dropna()) <= {1.0, math.inf}
    assert str(pairing) == (
        "title=the same by another name: killed.RU the same in all of 20 pairs\n"
        "title=the same by another name: killed.UA the same in all of 20 pairs"
    )


def test_things_are_told_apart_by_name_not_by_number():
    """Another weapon, put first, moves the numbers of all others and changes nothing."""
    old = war(side(), side(), ordered(1.0, drone=3))
    weapons = {"balloon": esc.Weapon(category="decoy"), "drone": drone()}
    new = war(side(weapons=weapons), side(), ordered(1.0, drone=3))
    assert compare(old, new, replications=3, rng=1).divergence(replications=3).isna().all()
    more = war(side(), side(), ordered(1.0, drone=3), ordered(200.0, drone=3))
    hours = compare(old, more, replications=3, rng=1).divergence(replications=3)
    assert hours.tolist() == [200.0] * 3


def test_variants_are_named_by_what_they_change(winter):
    pairing = compare(
        winter, VOWS, {"sides.UA.alert_hours": 2.0}, winter.replace(VOWS), winter,
        {"end": clock(0.0).replace(year=2024, day=5), "sides.RU.alert_hours": 1,
         "sides.UA.layers": winter.sides["UA"].layers},
        replications=1, rng=1,
    )  # fmt: skip
    assert list(pairing.variants) == [
        "vow.rule=never, vow_hypersonic.rule=never", "UA.alert_hours=2.0", "variant", "variant (2)",
        "end changed, RU.alert_hours=1 and 1 more",
    ]  # fmt: skip


def test_only_what_both_have_is_compared(winter):
    layers = dict(winter.sides["UA"].layers)
    del layers["electronic_warfare"]
    ua = dataclasses.replace(winter.sides["UA"], layers=layers)
    fewer = dataclasses.replace(winter, sides={**winter.sides, "UA": ua}, sources={},
                                end=winter.end + timedelta(days=2))  # fmt: skip
    pairing = compare(winter, fewer, replications=10, rng=1,
                      outcomes=["shots", "killed_per_day"])  # fmt: skip
    assert "shots.UA.electronic_warfare" not in set(pairing.table["outcome"])
    assert "shots.UA.medium_range" in set(pairing.table["outcome"])
    assert pairing.difference_over_time("killed_per_day")["day"].max() == 6


def test_the_outcome_of_a_precision_is_stored_whatever_else_is(winter):
    asked = Precision("injured.UA", relative=0.5, most=50)
    pairing = compare(winter, VOWS, names="one", replications=asked, rng=1, outcomes="killed")
    assert list(pairing.base.data) == ["killed", "injured"]
    assert list(pairing.variants) == ["one"]


def test_a_bar_counts_all_wars(winter):
    with redirect_stderr(io.StringIO()) as said:
        compare(winter, VOWS, replications=20, rng=1, outcomes="killed", progress=True)
    assert "40/40" in said.getvalue()


def test_a_sentence_says_what_was_found():
    def sentence(values, name="killed", level=0.95):
        """Give the sentence of a variant of these values, against a base of 100, 102, 100, ..."""
        wars = esc.simulate_many(war(side(), side()), replications=len(values), rng=1,
                                 outcomes=[name])  # fmt: skip
        base = np.tile([100.0, 102.0], len(values))[: len(values)]
        old, new = (
            dataclasses.replace(wars, data={name: np.stack([v, v], axis=1)})
            for v in (base, base + np.array(values))
        )
        return Pairing.of(old, new, names=["v"], level=level).sentences(f"{name}.A")[0]

    assert sentence([-5.0, -3.0] * 50) == (
        "v: killed.A 4.00 fewer (95% interval 3.80 to 4.20), 100 pairs; "
        "unpaired would need 5 times as many"
    )
    assert "killed.A 0.00 (90% interval 0.17 fewer to 0.17 more)" in sentence(
        [-1, 1] * 50, level=0.9
    )
    assert "cost_usd.A 2,000,000 higher (95% interval 2,000,000 to 2,000,000), 9" in sentence(
        [2e6] * 9, "cost_usd"
    )
    assert "killed.A 0.2500 more (95% interval 0.2500 to 0.2500)" in sentence([0.25] * 9)
    assert "1,500,000 higher (95% interval 1,400,000 to 1,600,000)" in sentence(
        [1e6, 2e6] * 50, "cost_usd"
    )
    assert sentence([1.0]).endswith("cannot be compared: 1 pair with a value in both")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: compare("winter", {}), "`scenario` must be a Scenario, but got str"),
        (lambda w: compare(w, replications=1), "at least one variant must be given"),
        (lambda w: compare(w, 3), "`changes` must be a mapping of path to value"),
        (lambda w: compare(w, {}, replications=0), "or a Precision, but got 0"),
        (lambda w: compare(w, {}, replications=True), "or a Precision, but got True"),
        (lambda w: compare(w, {}, replications=2.0), "or a Precision, but got 2.0"),
        (lambda w: compare(w, {}, replications=1, level=95), "`0 < level < 1` must hold"),
        (lambda w: compare(w, {}, replications=1, outcomes="kiled"), "did you mean 'killed'"),
        (lambda w: compare(w, {}, {}, names=["a", "a"]), "`names` must be 2 different names"),
        (lambda w: compare(w, {}, names=["a", "b"]), "`names` must be 1 different names"),
        (lambda w: compare(w, {}, replications=Precision("kiled.UA", relative=0.1)),
         "unknown outcome 'kiled.UA': did you mean 'killed'"),
        (lambda w: compare(w, {}, replications=Precision("killed_per_day.UA", relative=0.1)),
         "unknown outcome 'killed_per_day.UA'"),
        (lambda w: compare(w, {}, replications=Precision("killed.UK", relative=0.1)),
         "unknown outcome 'killed.UK': did you mean 'killed.UA'"),
        (lambda w: compare(w, {}, replications=Precision("killed", relative=0.1)),
         "`outcome` must be one column, but got 'killed'"),
        (lambda w: compare(w, war(side(), side()), replications=1), "between the same sides"),
        (lambda w: Pairing.of(*(esc.simulate_many(w, replications=1, rng=r) for r in (1, 2))),
         "paired only with the same seed"),
        (lambda w: Pairing.of(*(esc.simulate_many(w, replications=r, rng=1) for r in (1, 2))),
         "paired only with the same replications, but got 1 and 2 at variant"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(winter, call, message):
    with pytest.raises(EscalateError) as error:
        call(winter)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.differences("kiled"), "unknown outcome 'kiled': did you mean 'killed'"),
        (lambda p: p.differences("killed.UK"), "did you mean 'killed.UA'"),
        (lambda p: p.differences(variants="vow"), "unknown variant 'vow': did you mean 'no vow'"),
        (lambda p: p.sentences("killed_per_day"), "unknown outcome 'killed_per_day'"),
        (lambda p: p.difference_over_time("killed"), "unknown daily outcome 'killed'"),
        (lambda p: p.difference_over_time("injured_per_day"), "outcomes=['injured_per_day']"),
        (lambda p: p.divergence(), "`variant` must be one of ['no vow', 'more stopped']"),
        (lambda p: p.divergence("no vow", 301), "`1 <= replications <= 300` must hold"),
        (lambda p: p.divergence("no vow", 2.0), "`1 <= replications <= 300` must hold"),
    ],
)
def test_what_a_pairing_does_not_hold_is_refused(unanswered, call, message):
    with pytest.raises(EscalateError) as error:
        call(unanswered)
    assert message in str(error.value)


def test_changes_that_give_no_scenario_are_refused(winter):
    with pytest.raises(ScenarioError, match="sides.UA.layer"):
        compare(winter, {"sides.UA.layer.long_range.channels": 8})
