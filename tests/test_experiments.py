"""Sweeps: the same rows whoever fights them, in one go or after interruptions."""

import math
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import escalate as esc
from escalate import designs
from escalate.ensemble import OUTCOMES
from tests.folders import contents
from tests.small_wars import answering, side, war

CHANNELS = "sides.B.layers.belt.channels"
GAIN = "sides.B.retaliations.answer.rule.gain"


def base(**changes):
    """Give a war that lasts ten days, with a raid a day that is answered."""
    belt = esc.Layer(
        kill_prob={"drone": 0.5}, channels=2, cycle_hours=0.2, window_hours={"drone": 0.5}
    )
    raid = esc.Plan(targets={"town": 1.0}, size=10.0, size_dispersion=2.0)
    town = esc.Target(category="urban", region="border", killed_per_hit=0.5)
    first = side(
        plans={"raid": raid}, tempos={"daily": esc.Tempo(plan="raid", rate_per_day=1.0)},
        layers={"belt": belt}, targets={"town": town},
    )  # fmt: skip
    second = side(
        plans={"raid": raid}, layers={"belt": belt}, targets={"town": town},
        retaliations=answering("proportional", gain=0.5, hours=6.0),
    )  # fmt: skip
    return war(first, second, **changes)


def design():
    return designs.grid(
        esc.lever(CHANNELS, choices=[1, 2, 4]), esc.uncertainty(GAIN, 0.0, 1.0, levels=2)
    )


def same(one, other):
    """Say whether two sweeps are the same to the last bit."""
    pd.testing.assert_frame_equal(one.to_dataframe(), other.to_dataframe(), check_exact=True)
    assert one.dataset.identical(other.dataset)


@pytest.fixture(scope="module")
def whole():
    outcomes = ["killed", "leaked", "reproduction_number", "killed_per_day", "shots"]
    return esc.sweep(base(), design(), replications=20, rng=5, outcomes=outcomes, workers=1)


def again(**how):
    outcomes = ["killed", "leaked", "reproduction_number", "killed_per_day", "shots"]
    how = {"replications": 20, "outcomes": outcomes, **how}
    return esc.sweep(base(), design(), rng=5, **how)


# ------------------------------------------------------------------------------ what comes out
def test_every_point_is_an_ensemble_of_its_scenario(whole):
    for point in range(6):
        ensemble = esc.simulate_many(
            design().scenario(base(), point), replications=20, rng=5, outcomes=list(whole.dataset)
        )
        for name in whole.dataset:
            ours = whole.dataset[name].sel(point=point).transpose(*OUTCOMES[name]).values
            assert np.array_equal(ours, ensemble.data[name], equal_nan=True)


def test_the_dataset_is_labelled(whole):
    data = whole.dataset
    assert data["channels"].attrs == {"role": "lever", "path": CHANNELS}
    assert data["gain"].values.tolist() == [0.0, 1.0] * 3
    assert data["killed"].attrs["units"] == "people"
    assert data["killed_per_day"].dims == ("point", "replication", "day", "side")
    assert data.attrs["seed_entropy"] == "5"
    assert (data["error"].values == "").all()


def test_the_tidy_frame_has_a_row_a_war_with_its_seed(whole):
    frame = whole.to_dataframe()
    assert len(frame) == 6 * 20
    assert frame.columns[:6].tolist() == [
        "point", "replication", "entropy", "spawn_key", "channels", "gain"
    ]  # fmt: skip
    assert set(frame["entropy"]) == {"5"} and set(frame["spawn_key"]) == {"[]"}
    row = frame.iloc[57]
    killed = whole.dataset["killed"].sel(point=row["point"], replication=row["replication"])
    assert row["killed.A"] == killed.sel(side="A")
    assert not any(name.startswith("killed_per_day") for name in frame)


@pytest.mark.parametrize("common", [True, False])
def test_a_row_is_replayed_exactly(common):
    table = again(common=common, replications=3)
    for row in table.to_dataframe().iloc[::5].itertuples():
        run = table.replay(row.point, row.replication)
        assert run.summary()["A"]["killed"] == table.dataset["killed"].sel(
            point=row.point, replication=row.replication, side="A"
        )
        assert str(run.seed.entropy) == row.entropy
        assert str(list(run.seed.spawn_key)) == row.spawn_key


def test_luck_is_common_to_all_points_unless_told_otherwise():
    gain = esc.uncertainty("sides.A.alert_hours", choices=[1.0, 2.0])  # makes no difference
    shared, own = (
        esc.sweep(base(), designs.grid(gain), replications=20, rng=1, outcomes="killed", common=c)
        for c in (True, False)
    )
    first, second = shared.dataset["killed"].values
    assert np.array_equal(first, second)
    first, second = own.dataset["killed"].values
    assert not np.array_equal(first, second)


def test_the_table_holds_means_and_students_intervals(whole):
    table = whole.table("killed.B", level=0.9)
    for point in range(6):
        values = whole.dataset["killed"].sel(point=point, side="B").values
        low, high = stats.t.interval(0.9, 19, values.mean(), stats.sem(values))
        ours = table.loc[point, ["killed.B", "killed.B.low", "killed.B.high"]].tolist()
        assert ours == pytest.approx([values.mean(), low, high])
    assert table["replications"].tolist() == [20] * 6


def test_replications_without_a_value_are_left_out():
    def if_any(ensemble):
        killed = ensemble.data["killed"][:, 1]
        return np.where(killed > 25.0, killed, np.nan)

    table = esc.sweep(base(), design(), replications=20, rng=5, outcomes={"if_any": if_any})
    values = table.dataset["if_any"].values
    assert 0 < np.isnan(values).sum() < values.size
    assert table.mean("if_any") == pytest.approx(np.nanmean(values, axis=1))
    assert table.table("if_any")["if_any"].tolist() == pytest.approx(np.nanmean(values, axis=1))


def test_the_mean_of_a_series_is_a_series(whole):
    ours = whole.mean("killed_per_day.B")
    data = whole.dataset["killed_per_day"].sel(side="B").mean("replication")
    assert ours == pytest.approx(data.values, rel=1e-6)


def test_differences_are_paired_if_luck_is_common(whole):
    values = whole.dataset["killed"].sel(side="B").values
    assert np.array_equal(whole.values("killed.B"), values)
    assert whole.unit("killed.B") == "people" and whole.unit("killed_per_day.A") == "people"
    found = whole.difference("killed.B", to=1, level=0.9)
    paired = stats.ttest_rel(values[4], values[1]).confidence_interval(0.9)
    row = found.loc[4]
    assert [row["low"], row["high"]] == pytest.approx([paired.low, paired.high])
    assert row["difference"] == pytest.approx((values[4] - values[1]).mean())
    assert row["pairs"] == 20 and (found.loc[1, ["difference", "low", "high"]] == 0.0).all()
    own = again(common=False).difference("killed.B", to=1, level=0.9)
    assert (own["high"] - own["low"])[4] > (row["high"] - row["low"])
    for ask in (lambda: whole.difference("killed_per_day.A"), lambda: whole.table("shots_per")):
        with pytest.raises(esc.EscalateError):
            ask()
    with pytest.raises(esc.EscalateError, match="one number a point, but 'killed_per_day.A' is"):
        whole.table("killed_per_day.A")
    with pytest.raises(esc.EscalateError, match="`0 <= to < 6` must hold, but got 6"):
        whole.difference("killed.B", to=6)


def test_a_grid_is_laid_out_by_its_parameters(whole):
    grid = whole.grid("killed.A")
    assert grid.dims == ("channels", "gain")
    assert grid.values.ravel() == pytest.approx(whole.mean("killed.A"))
    with pytest.raises(esc.EscalateError, match="'killed_per_day.A' is a series"):
        whole.grid("killed_per_day.A")
    twice = designs.table({"channels": [1, 1]}, esc.lever(CHANNELS))
    table = esc.sweep(base(), twice, replications=1, rng=1)
    with pytest.raises(esc.EscalateError, match="each combination once"):
        table.grid("killed.A")


def test_an_outcome_of_ones_own():
    def worst_side(ensemble):
        return ensemble.data["killed"].max(axis=1)

    def gain_twice(ensemble):
        return np.full(ensemble.replications, 2.0 * ensemble.scenario.value(GAIN))

    table = esc.sweep(
        base(), design(), replications=5, rng=5,
        outcomes={"killed": None, "worst_side": worst_side, "gain_twice": gain_twice},
    )  # fmt: skip
    assert table.columns == ["killed.A", "killed.B", "worst_side", "gain_twice"]
    assert np.array_equal(table.dataset["worst_side"], table.dataset["killed"].max("side"))
    assert table.mean("gain_twice").tolist() == [0.0, 2.0] * 3


def test_it_says_what_was_done(whole):
    said = str(whole)
    assert "grid design of 6 points over channels, gain; 120 wars" in said
    assert "took" in said and "ms a war" in said
    assert whole.timing["seconds"].gt(0.0).all() and whole.missing == 0


# ------------------------------------------------------------------------------ what goes wrong
def test_a_point_that_fails_is_a_row_with_its_error():
    some = designs.grid(
        esc.lever("sides.A.layers.belt.magazine", choices=[5, 50]),
        esc.uncertainty("sides.A.layers.belt.magazine_capacity", choices=[10, 100]),
    )
    table = esc.sweep(base(), some, replications=4, rng=1)
    frame = table.to_dataframe()
    failed = frame[frame["point"] == 2]
    assert len(failed) == 4 and failed["killed.A"].isna().all()
    assert failed["error"].str.contains("`magazine <= magazine_capacity` must hold").all()
    assert (frame[frame["point"] != 2]["error"] == "").all()
    assert "1 points failed, the first of them point 2: `magazine" in str(table)
    assert table.table().loc[2, "error"].startswith("`magazine")
    assert math.isnan(table.mean("killed.A")[2])


def test_a_war_that_fails_leaves_the_others_alone():
    def moody(see, params, memory, u):
        if u < 0.02:
            raise RuntimeError("had enough")
        return esc.answer(3.0)

    scenario = base().replace({"sides.B.retaliations.answer.rule": esc.Rule(moody)})
    some = designs.grid(esc.lever(CHANNELS, choices=[1, 2]))
    table = esc.sweep(scenario, some, replications=30, rng=1)
    frame = table.to_dataframe()
    failed = frame["error"] != ""
    assert 0 < failed.sum() < 60
    assert frame["error"][failed].str.contains("had enough").all()
    assert frame["killed.A"].isna().equals(failed)
    row = frame[failed].iloc[0]
    with pytest.raises(RuntimeError, match="had enough"):
        table.replay(row["point"], row["replication"])


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (lambda ensemble: 1.0, "must give an array of shape (1,)"),
        (lambda ensemble: ensemble.data["launched"][:, 0, 0], "KeyError: 'launched'"),
    ],
)
def test_an_own_outcome_that_fails_everywhere_is_told_at_once(outcome, message):
    with pytest.raises(esc.EscalateError, match=re.escape(message)):
        esc.sweep(base(), design(), replications=2, rng=1, outcomes={"mine": outcome})


def test_an_own_outcome_that_fails_somewhere_is_a_row_with_its_error():
    def picky(ensemble):
        if ensemble.scenario.value(CHANNELS) == 4:
            raise KeyError("four")
        return ensemble.data["killed"][:, 0]

    table = esc.sweep(base(), design(), replications=2, rng=1, outcomes={"mine": picky})
    assert table.table()["error"].tolist() == [""] * 4 + ["outcome 'mine': KeyError: 'four'"] * 2


def test_an_own_outcome_gets_the_wars_that_it_is_about(monkeypatch):
    from escalate.experiments import _Work

    monkeypatch.setattr(_Work, "rounds", lambda self: [3, 5])

    def again(ensemble):
        runs = [ensemble.replay(k).summary() for k in range(ensemble.replications)]
        return np.array([run["A"]["killed"] for run in runs])

    table = esc.sweep(
        base(), design(), replications=5, rng=1, outcomes={"killed": None, "again": again}
    )
    assert np.array_equal(table.values("again"), table.values("killed.A"))


def test_points_of_other_lengths_cannot_share_series():
    ends = [base().end, base().date(48.0)]
    some = designs.grid(esc.lever("end", choices=ends))
    table = esc.sweep(base(), some, replications=2, rng=1, outcomes=["killed_per_day", "killed"])
    assert "outcomes by day need the same days in the same order" in table.table().loc[1, "error"]
    table = esc.sweep(base(), some, replications=2, rng=1, outcomes="killed")
    assert (table.to_dataframe()["error"] == "").all()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"replications": 0}, "`replications` must be a whole number, 1 or more, but got 0"),
        ({"outcomes": "kiled"}, "unknown outcome 'kiled': did you mean 'killed'?"),
        ({"outcomes": {"killed": len}}, "must be a function under a new name without dots"),
        ({"outcomes": {"mine": 3}}, "must be a function under a new name without dots"),
        ({"workers": 0}, "`workers`"),
        ({"part": (3, 2)}, "`part` must be (k, n) with `1 <= k <= n`, but got (3, 2)"),
        ({"executor": 3}, "`executor` must be an executor as of concurrent.futures"),
        (
            {"replications": esc.Precision("killed.C", half_width=1.0)},
            "unknown outcome 'killed.C': did you mean 'killed.",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_before_the_first_war(how, message):
    with pytest.raises(esc.EscalateError, match=re.escape(message)):
        esc.sweep(base(), design(), **{"replications": 2, "rng": 1, **how})


def test_a_misspelt_path_is_refused_before_the_first_war(tmp_path):
    wrong = designs.grid(esc.lever("sides.B.layers.belt.chanels", choices=[1]))
    with pytest.raises(esc.ScenarioError, match="did you mean 'channels'"):
        esc.sweep(base(), wrong, replications=2, rng=1, store=tmp_path / "store")
    assert not (tmp_path / "store").exists()
    with pytest.raises(esc.EscalateError, match="`design` must be a Design"):
        esc.sweep(base(), {"channels": [1]}, replications=2)
    with pytest.raises(esc.EscalateError, match="`scenario` must be a Scenario"):
        esc.sweep("winter-2023-24", design(), replications=2)


def test_asking_for_what_is_not_there(whole):
    for ask, message in (
        (lambda: whole.mean("kiled.A"), "unknown outcome 'kiled.A': did you mean 'killed.A'?"),
        (lambda: whole.table(level=1.0), "`0 < level < 1` must hold, but got 1.0"),
        (lambda: whole.replay(6, 0), "`0 <= point < 6` must hold, but got 6"),
    ):
        with pytest.raises(esc.EscalateError, match=re.escape(message)):
            ask()


# ------------------------------------------------------------------------------ who fights
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_threads_make_no_difference(whole, workers):
    same(whole, again(workers=workers))


def test_layouts_that_are_kept_make_no_difference(whole, monkeypatch):
    from escalate.experiments import _Work

    monkeypatch.setattr(_Work, "rounds", lambda self: [3, 4, 11, 20])
    same(whole, again())
    monkeypatch.setattr("escalate.experiments._KEPT", 0)
    same(whole, again())


def test_an_executor_of_ones_own_makes_no_difference_and_stays_open(whole):
    with ThreadPoolExecutor(2) as pool:
        same(whole, again(executor=pool))
        assert pool.submit(int).result() == 0


@pytest.mark.slow
def test_processes_make_no_difference(whole):
    context = multiprocessing.get_context("spawn")
    for workers in (1, 2, 4):
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            same(whole, again(executor=pool))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of a cluster that loses a worker, as it should
def test_a_dask_cluster_makes_no_difference_and_may_lose_a_worker():
    distributed = pytest.importorskip("distributed")
    some = designs.latin_hypercube(
        esc.lever(CHANNELS, 1, 8, whole=True), esc.uncertainty(GAIN, 0.0, 1.0), points=40, rng=1
    )
    serial = esc.sweep(base(), some, replications=200, rng=5, workers=1)
    killed = []

    def kill(done, total):
        """Kill a worker once a quarter is done."""
        if not killed and done > total / 4:
            killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        same(
            serial, esc.sweep(base(), some, replications=200, rng=5, executor=client, progress=kill)
        )
    assert killed


class Broken(Executor):
    """An executor whose workers die."""

    def submit(self, job, *args):
        future = Future()
        future.set_exception(BrokenProcessPool("a process ended abruptly"))
        return future


def test_an_executor_that_breaks_is_told_about(tmp_path):
    with pytest.raises(esc.EscalateError, match="a worker of the executor died.*same call goes on"):
        again(executor=Broken(), store=tmp_path / "store")


# ------------------------------------------------------------------------------ stores
def test_a_store_gives_what_memory_gives(whole, tmp_path):
    stored = again(store=tmp_path / "store")
    same(whole, stored)
    loaded = esc.load_sweep(tmp_path / "store")
    same(whole, loaded)
    assert loaded.scenario == base().replace({}) and loaded.design == design()
    assert loaded.replay(3, 7) == whole.replay(3, 7)
    assert loaded.missing == 0


def test_an_interrupted_sweep_goes_on(whole, tmp_path, monkeypatch):
    monkeypatch.setattr("escalate.experiments._THREAD_SECONDS", 1e-3)

    def interrupt(done, total):
        if done > total / 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="of 120 wars; what was done is in"):
        again(store=tmp_path / "store", progress=interrupt)
    partial = esc.load_sweep(tmp_path / "store")
    assert 0 < partial.missing < 120 and "wars are missing" in str(partial)
    told = []
    same(whole, again(store=tmp_path / "store", progress=lambda done, total: told.append(done)))
    assert told[0] > 120 - partial.missing and told[-1] == 120
    told.clear()
    same(whole, again(store=tmp_path / "store", progress=lambda done, total: told.append(done)))
    assert not told  # nothing was left to do


def test_without_a_store_an_interruption_keeps_nothing():
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="of 120 wars; nothing is kept"):
        again(progress=interrupt)


def test_a_stopped_sweep_is_balanced():
    """Stopped at any time, no point is a block ahead of another, bar what was under way."""
    from escalate.experiments import _Work

    work = _Work(design(), 100, setup=0.001, war=0.001, aim=0.05)
    assert work.block == 33 and work.rounds() == [34, 67, 100]
    done = np.zeros(6, int)
    for begin, end in zip([0, 34, 67], work.rounds(), strict=True):
        for piece in work.pieces(range(6), begin, end):
            for point, _, first, number in piece:
                assert first == done[point]
                done[point] += number
            assert done.max() - done.min() <= 34
    assert (done == 100).all()


def test_parts_come_together_in_a_store(whole, tmp_path):
    halves = [again(store=tmp_path / "store", part=(k, 2)) for k in (1, 2)]
    assert halves[0].to_dataframe()["point"].nunique() == 6  # it reads what both have stored
    same(whole, esc.load_sweep(tmp_path / "store"))


def test_another_sweep_is_refused_and_nothing_changed(tmp_path):
    again(store=tmp_path / "store")
    stored = contents(tmp_path / "store")
    for how, message in (
        ({"replications": 21}, "replications was 20 and is 21 now"),
        ({"common": False}, "common was True and is False now"),
    ):
        with pytest.raises(esc.EscalateError, match=re.escape(message)):
            again(store=tmp_path / "store", **how)
    other = base().replace({"sides.A.alert_hours": 3.0})
    with pytest.raises(esc.EscalateError, match=r"scenario: .*\+alert_hours = 3"):
        esc.sweep(other, design(), replications=20, rng=5, store=tmp_path / "store")
    assert contents(tmp_path / "store") == stored


def test_what_no_file_can_keep_is_refused_before_the_first_war(tmp_path):
    def own(see, params, memory, u):
        return esc.answer(1.0)

    scenario = base().replace({"sides.B.retaliations.answer.rule": esc.Rule(own)})
    some = designs.grid(esc.lever(CHANNELS, choices=[1]))
    with pytest.raises(esc.EscalateError, match="own"):
        esc.sweep(scenario, some, replications=2, rng=1, store=tmp_path / "store")
    assert not (tmp_path / "store").exists()


SCRIPT = """
import escalate as esc
from tests.test_experiments import again
again(replications=400, store={folder!r})
"""


@pytest.mark.slow
def test_a_killed_sweep_goes_on(tmp_path):
    folder = tmp_path / "store"
    uninterrupted = again(replications=400)
    kills = 0
    for _ in range(20):
        script = SCRIPT.format(folder=str(folder))
        process = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[1])
        try:
            while process.poll() is None:
                rows = (
                    sum(f.stat().st_size for f in folder.glob("rows-*")) if folder.exists() else 0
                )
                if kills < 2 and rows > kills * 50_000:
                    process.kill()
                    kills += 1
                time.sleep(0.01)
        finally:
            process.kill()
        if process.wait() == 0:
            break
    assert kills == 2
    same(uninterrupted, esc.load_sweep(folder))


# ------------------------------------------------------------------------------ precision
def test_replications_are_added_until_the_interval_is_narrow(tmp_path):
    asked = esc.Precision("killed.B", half_width=3.6, least=50, most=100)
    found = [
        again(replications=asked, workers=1),
        again(replications=asked, workers=2),
        again(replications=asked, store=tmp_path / "store"),
    ]
    same(found[0], found[1])
    same(found[0], found[2])
    frame = found[0].to_dataframe()
    numbers = set()
    for point, own in frame.groupby("point"):
        values = own["killed.B"].to_numpy()
        enough = [n for n in asked.looks() if n <= len(values) and asked.reached(values[:n])]
        assert enough == [len(values)] if point not in found[0].unmet.index else not enough
        numbers.add(len(values))
    assert len(numbers) > 1 and len(found[0].unmet) > 0
    assert (found[0].unmet["replications"] == 100).all()
    assert f"{len(found[0].unmet)} points are less sure than was asked for" in str(found[0])
    assert found[0].dataset["killed"].isnull().any()  # where fewer were enough
    assert esc.load_sweep(tmp_path / "store").precision == asked


def test_a_precision_that_was_interrupted_is_not_finished(tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    asked = esc.Precision("killed.B", half_width=0.1, least=20, most=300)
    with pytest.raises(KeyboardInterrupt):
        again(replications=asked, store=tmp_path / "store", progress=interrupt)
    partial = esc.load_sweep(tmp_path / "store")
    assert partial.missing > 0 and "not finished" in str(partial)
    whole = again(replications=asked, store=tmp_path / "store")
    assert whole.missing == 0 and (whole.timing["replications"] == 300).all()


# ------------------------------------------------------------------------------ what was found once
def test_sides_or_layers_in_another_order_fail_their_point():
    sides = base().sides
    swapped = {"sides": {name: sides[name] for name in "BA"}}
    scenario = base().replace({"calendar": ()})
    some = designs.grid(esc.lever("order", choices={"as is": {}, "swapped": swapped}))
    table = esc.sweep(scenario, some, replications=2, rng=1)
    assert "need the same sides in the same order" in table.table()["error"][1]


def test_the_same_outcomes_in_another_order_are_refused(tmp_path):
    some = {"replications": 2, "rng": 1, "store": tmp_path / "store"}
    esc.sweep(base(), design(), outcomes=["killed", "strikes"], **some)
    with pytest.raises(esc.EscalateError, match="outcomes were killed, strikes and are strikes"):
        esc.sweep(base(), design(), outcomes=["strikes", "killed"], **some)


def test_an_outcome_that_does_something_else_now_is_refused(tmp_path):
    def make(number):
        if number == 1:

            def score(ensemble):
                return np.ones(ensemble.replications)
        else:

            def score(ensemble):
                return np.full(ensemble.replications, 7.0)

        return {"score": score}

    some = {"replications": 2, "rng": 1, "store": tmp_path / "store"}
    esc.sweep(base(), design(), outcomes=make(1), **some)
    esc.sweep(base(), design(), outcomes=make(1), **some)
    with pytest.raises(esc.EscalateError, match=r"outcomes.score.code was '\w+' and is"):
        esc.sweep(base(), design(), outcomes=make(2), **some)


def test_names_that_stand_for_something_else_are_refused_or_lengthened():
    from escalate.designs import TAKEN
    from escalate.experiments import _ROWS

    assert {*OUTCOMES, *_ROWS, *(dim for dims in OUTCOMES.values() for dim in dims)} <= TAKEN
    for name in ("point", "error", "low.A"):
        with pytest.raises(esc.EscalateError, match="stands for something else in tables"):
            esc.lever(CHANNELS, choices=[1], name=name)
    stock = designs.grid(esc.lever("sides.A.weapons.drone.stock", choices=[10, 20]))
    assert stock.names == ("drone.stock",)
    assert (
        "drone.stock" in esc.sweep(base(), stock, replications=1, rng=1, outcomes="stock").dataset
    )
    killed = designs.grid(esc.lever(CHANNELS, choices=[1], name="killed.A"))
    with pytest.raises(esc.EscalateError, match="'killed.A' is both an outcome and a parameter"):
        esc.sweep(base(), killed, replications=1, outcomes="killed")
    with pytest.raises(esc.EscalateError, match="'channels' is both an outcome and a parameter"):
        esc.sweep(base(), design(), replications=1, outcomes={"channels": len})
    with pytest.raises(esc.EscalateError, match="under a new name without dots"):
        esc.sweep(base(), design(), replications=1, outcomes={"point": len})


def test_a_part_without_points_is_nothing_to_do(tmp_path):
    part = again(part=(9, 9), store=tmp_path / "store")
    assert part.missing == 120 and "not finished" in str(part)
    assert len(part.to_dataframe()) == 0 and part.dataset.sizes["replication"] == 0


def test_without_a_seed_that_of_the_store_is_taken(whole, tmp_path):
    some = {"outcomes": list(whole.record["outcomes"]), "store": tmp_path / "store"}
    first = esc.sweep(base(), design(), replications=20, part=(1, 2), **some)
    rest = esc.sweep(base(), design(), replications=20, **some)
    assert rest.seed == first.seed and rest.missing == 0


def test_numbers_of_numpy_can_be_stored(tmp_path):
    some = designs.grid(
        esc.lever(CHANNELS, np.int64(1), np.int64(4), whole=True, levels=np.int64(2)),
        esc.lever("more", choices={"x": {GAIN: np.float64(0.5)}, "y": {}}),
    )
    asked = esc.Precision("killed.B", half_width=np.float32(5), least=np.int64(5), most=10)
    esc.sweep(base(), some, replications=asked, rng=1, store=tmp_path / "store")
    assert esc.load_sweep(tmp_path / "store").design == some


def test_what_cannot_be_sent_to_processes_is_told():
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool,
        pytest.raises(esc.EscalateError, match="the executor failed: .*nothing is kept"),
    ):
        again(executor=pool, outcomes={"x": lambda ensemble: np.ones(ensemble.replications)})
