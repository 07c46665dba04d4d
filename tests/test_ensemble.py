"""A scenario fought many times: the same wars as one by one, whoever fights them."""

import contextlib
import gc
import math
import shutil

import numpy as np
import pytest

import escalate as esc
from escalate.engines import compiled
from escalate.engines._tally import BY_CATEGORY, BY_LAYER, BY_SIDE, BY_TARGET, DAILY
from escalate.ensemble import OUTCOMES, SERIES, ReplicationError
from escalate.errors import EscalateError, ResultError
from escalate.rules import CATEGORIES, TARGET_CATEGORIES
from tests.small_wars import answering, ordered, side, war

NAMES = ("january-2025", "two-equal-sides")
MISSPELT = r"unknown outcome 'kiled': did you mean 'killed'\?"
# A damaged file stays open until Python tidies up.
OPEN = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def wars():
    """Give six wars of each scenario, with every outcome, and the same wars one by one."""
    found = {}
    for name in NAMES:
        scenario = esc.load_scenario(name)
        many = esc.simulate_many(scenario, replications=6, rng=3, outcomes=OUTCOMES)
        found[name] = many, list(esc.replicate(scenario, replications=6, rng=3))
    return found


@pytest.fixture(params=NAMES)
def pair(request, wars):
    return wars[request.param]


@pytest.fixture(scope="module")
def january():
    return esc.simulate_many(esc.load_scenario("january-2025"), replications=70, rng=1)


def same(first, second):
    assert first.data.keys() == second.data.keys()
    for name, values in first.data.items():
        assert values.dtype == second.data[name].dtype
        np.testing.assert_array_equal(values, second.data[name], name)


def by_category(run, name):
    """Give an outcome by side and weapon category, from the tables of a run."""
    out = np.zeros((2, len(CATEGORIES)))
    sides = list(run.scenario.sides)
    if name == "stock":
        for row in run.weapons.itertuples():
            out[sides.index(row.side), CATEGORIES.index(row.category)] += row.stock
        return out
    made = run.strikes["side"]
    kind = "intercepted" if name == "lost" else name
    for row in run.events[run.events["kind"] == kind].itertuples():
        attacker = sides.index(made[row.strike])
        defence = run.scenario.sides[sides[1 - attacker]].layers
        if name == "lost" and not defence[row.layer].electronic:
            continue
        category = run.scenario.sides[sides[attacker]].weapons[row.weapon].category
        out[attacker, CATEGORIES.index(category)] += row.count
    return out


def by_target(run, name):
    out = np.zeros((2, len(TARGET_CATEGORIES)))
    sides = list(run.scenario.sides)
    kind, column = {"hits": ("leaked", "count"), "damage_sites": ("damage", "value")}[name]
    for row in run.events[run.events["kind"] == kind].itertuples():
        defender = 1 - sides.index(run.strikes["side"][row.strike])
        category = run.scenario.sides[sides[defender]].targets[row.target].category
        out[defender, TARGET_CATEGORIES.index(category)] += getattr(row, column)
    return out


def by_layer(run, name):
    kind = {"stopped": "intercepted", "shots": "shots", "passed_unengaged": "unengaged"}[name]
    rows = run.rows(kind)
    return np.bincount(rows["layer"], weights=rows["count"], minlength=len(run.layers))


def by_day(run, name):
    kind, _, _ = name.partition("_per_day")
    kind = {"strikes": "strike"}.get(kind, kind)
    suffered = kind in ("killed", "injured", "damage", "unengaged")
    days = math.ceil(run.scenario.horizon_hours / 24.0)
    out = np.zeros((days, 2))
    rows = run.rows(kind)
    for i, strike in enumerate(rows["strike"]):
        attacker = run.tables["strikes"]["side"][strike]
        amount = {"damage": rows["value"], "strike": np.ones(len(rows["side"]))}
        day = min(int(rows["time_hours"][i] // 24.0), days - 1)
        out[day, 1 - attacker if suffered else attacker] += amount.get(kind, rows["count"])[i]
    return out


def by_side(run, name):
    sides = list(run.scenario.sides)
    events = run.events
    if name == "false_alarms":
        return [((events["kind"] == "false_alarm") & (events["side"] == s)).sum() for s in sides]
    if name == "rung":
        moves = [events[(events["kind"] == "rung") & (events["side"] == s)]["count"] for s in sides]
        return [move.iloc[-1] if len(move) else 0 for move in moves]
    return [run.summary()[s][name] for s in sides]


FAMILIES = {by_side: BY_SIDE, by_category: BY_CATEGORY, by_target: BY_TARGET, by_layer: BY_LAYER,
            by_day: DAILY}  # fmt: skip


@pytest.mark.parametrize(
    ("work_out", "name"), [(how, name) for how, names in FAMILIES.items() for name in names]
)
def test_every_outcome_is_that_of_the_wars_fought_one_by_one(pair, work_out, name):
    many, runs = pair
    assert many.data[name].shape[0] == len(runs)
    for k, run in enumerate(runs):
        rtol = 1e-6 if name == "damage_per_day" else 1e-12
        np.testing.assert_allclose(many.data[name][k], work_out(run, name), rtol, err_msg=str(k))


def test_every_outcome_has_been_checked():
    assert [name for names in FAMILIES.values() for name in names] == list(OUTCOMES)


def test_outcomes_by_category_and_target_add_up_to_the_summary(pair):
    many, runs = pair
    for k, run in enumerate(runs):
        for i, totals in enumerate(run.summary().values()):
            for name in (*BY_CATEGORY[:-1], "damage_sites"):
                assert many.data[name][k, i].sum() == pytest.approx(totals[name])


def test_daily_series_add_up_to_the_totals(pair):
    many, _ = pair
    for name in DAILY:
        kind = name.removesuffix("_per_day")
        total = many.data[name].sum(axis=1)
        if kind == "unengaged":
            assert total.sum() == many.data["passed_unengaged"].sum()
            continue
        wanted = many.data["damage_sites" if kind == "damage" else kind]
        wanted = wanted.sum(axis=-1) if wanted.ndim == 3 else wanted
        np.testing.assert_allclose(total, wanted, rtol=1e-5)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_number_of_workers_changes_nothing(january, workers):
    same(esc.simulate_many(january.scenario, replications=70, rng=1, workers=workers), january)


def test_fewer_replications_are_the_first_of_many(january):
    few = esc.simulate_many(january.scenario, replications=33, rng=1)
    for name, values in few.data.items():
        np.testing.assert_array_equal(values, january.data[name][:33])


def test_the_same_seed_gives_the_same_and_another_gives_another(january):
    same(esc.simulate_many(january.scenario, replications=70, rng=january.seed), january)
    other = esc.simulate_many(january.scenario, replications=70, rng=2)
    assert (other.data["killed"] != january.data["killed"]).any()
    assert len(np.unique(january.data["launched"].sum(axis=(1, 2)))) > 30


def test_only_what_is_asked_for_is_stored(january):
    assert set(january.data) == set(OUTCOMES) - set(DAILY)
    names = ["killed", "launched_per_day", "killed"]
    few = esc.simulate_many(january.scenario, replications=5, rng=1, outcomes=iter(names))
    assert list(few.data) == ["killed", "launched_per_day"]
    np.testing.assert_array_equal(few.data["killed"], january.data["killed"][:5])
    assert set(few.dataset.coords) == {"replication", "side", "day"}


def test_unknown_outcomes_are_refused_with_the_closest(january):
    with pytest.raises(EscalateError, match=MISSPELT):
        esc.simulate_many(january.scenario, replications=2, outcomes=["kiled"])
    for ask in (january.bands, lambda name: january.to_dataframe([name])):
        with pytest.raises(EscalateError, match=MISSPELT):
            ask("kiled")
        with pytest.raises(EscalateError, match="unknown outcome 'killed_per_day'"):
            ask("killed_per_day")  # not stored


@pytest.mark.parametrize("replications", [0, -1, 2.5, True])
def test_at_least_one_replication_is_asked_for(january, replications):
    with pytest.raises(
        EscalateError, match="`replications` must be a whole number, 1 or more, but got"
    ):
        esc.simulate_many(january.scenario, replications=replications)


def test_the_dataset_has_names_units_and_where_it_came_from(pair):
    many, _ = pair
    dataset = many.dataset
    assert {name: dataset[name].dims for name in dataset.data_vars} == OUTCOMES
    assert list(dataset["side"].to_numpy()) == list(many.scenario.sides)
    assert list(dataset["category"].to_numpy()) == list(CATEGORIES)
    layers = [f"{s}.{layer}" for s, part in many.scenario.sides.items() for layer in part.layers]
    assert list(dataset["layer"].to_numpy()) == layers
    assert all(dataset[name].attrs["units"] for name in dataset.data_vars)
    assert dataset["killed"].attrs["units"] == "people"
    assert dataset.attrs["scenario"] == many.scenario.name
    assert dataset.attrs["seed_entropy"] == "3"


def test_a_replay_is_the_replication_fully_traced(pair):
    many, runs = pair
    assert many.replay(4) == runs[4]
    for number in (-1, 6):
        with pytest.raises(EscalateError, match=r"`0 <= replication < 6` must hold"):
            many.replay(number)


def test_the_summary_has_a_row_a_replication(pair):
    many, _ = pair
    frame = many.summary()
    assert frame.index.name == "replication"
    assert set(frame["entropy"]) == {"3"}
    assert set(frame["spawn_key"]) == {"[]"}
    first, second = many.scenario.sides
    assert frame[f"killed.{second}"].tolist() == many.data["killed"][:, 1].tolist()
    assert frame[f"launched.{first}.cruise"].tolist() == (
        many.data["launched"][:, 0, CATEGORIES.index("cruise")].tolist()
    )
    assert len(frame.columns) == 2 + sum(
        values[0].size for name, values in many.data.items() if name not in DAILY
    )


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_describe_gives_the_numbers_of_numpy(pair, level):
    many, _ = pair
    frame = many.describe(level)
    sides = list(many.scenario.sides)
    for name in ("killed", "cost_usd", "response_delay_hours"):
        for i, part in enumerate(sides):
            values = many.data[name][:, i]
            values = values[~np.isnan(values)]
            row = frame.loc[f"{name}.{part}"]
            assert row["replications"] == len(values)
            if len(values) < 2:
                continue
            sd = values.std(ddof=1)
            ends = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
            wanted = [values.mean(), sd / math.sqrt(len(values)), sd, *ends]
            found = row[["mean", "mean_se", "sd", "low", "high"]].astype(float)
            np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("level", [0.0, 1.0, -1, 90])
def test_a_level_is_a_part(january, level):
    with pytest.raises(EscalateError, match="`0 < level < 1` must hold"):
        january.describe(level)


@pytest.mark.parametrize("name", ["killed", "launched", "damage_per_day"])
def test_bands_are_quantiles_over_the_replications(pair, name):
    many, _ = pair
    values = many.data[name].astype(float)
    bands = many.bands(name, [0.1, 0.5])
    assert bands["levels"].tolist() == [0.1, 0.5]
    assert bands["quantiles"].shape == (2, *values.shape[1:])
    np.testing.assert_allclose(bands["quantiles"][1], np.median(values, axis=0), rtol=1e-5)
    np.testing.assert_allclose(bands["mean"], values.mean(axis=0), rtol=1e-5)
    error = values.std(axis=0, ddof=1) / math.sqrt(len(values))
    np.testing.assert_allclose(bands["mean_se"], error, rtol=1e-5)


def test_the_table_is_tidy(pair):
    many, _ = pair
    frame = many.to_dataframe()
    assert list(frame.columns[:2]) == ["replication", "outcome"]
    assert frame.columns[-1] == "value"
    assert set(frame["outcome"]) == set(OUTCOMES) - set(DAILY)
    assert len(frame) == sum(v.size for name, v in many.data.items() if name not in DAILY)
    part = list(many.scenario.sides)[1]
    row = frame.query(f"replication == 3 and outcome == 'leaked' and side == {part!r}")
    row = row[row["category"] == "drone"]
    assert row["value"].tolist() == [many.data["leaked"][3, 1, CATEGORIES.index("drone")]]
    series = many.to_dataframe(["killed_per_day"])
    assert list(series.columns) == ["replication", "outcome", "day", "side", "value"]
    assert series["value"].sum() == many.data["killed"].sum()


def test_progress_is_told_until_all_is_done(january):
    told = []
    esc.simulate_many(
        january.scenario, replications=70, rng=1, progress=lambda *done: told.append(done)
    )
    done = [number for number, _ in told]
    assert {total for _, total in told} == {70}
    assert done == sorted(set(done))
    assert done[-1] == 70


def test_a_bar_is_drawn_on_standard_error(january, capsys):
    esc.simulate_many(january.scenario, replications=3, rng=1, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "3/3" in err


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_the_size_of_chunks_changes_nothing(january, monkeypatch, chunk):
    monkeypatch.setattr(esc.ensemble, "_CHUNK", chunk)
    same(esc.simulate_many(january.scenario, replications=70, rng=1, workers=2), january)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_names_its_replication(january, monkeypatch, workers):
    fight = compiled.Field.fight

    def failing(self, key, *rest):
        if key == january.seed.run_key(41):
            raise ZeroDivisionError("division by zero")
        return fight(self, key, *rest)

    monkeypatch.setattr(compiled.Field, "fight", failing)
    with pytest.raises(ReplicationError, match="replication 41 failed: division by zero") as failed:
        esc.simulate_many(january.scenario, replications=70, rng=1, workers=workers)
    assert "replication=41)" in str(failed.value)
    assert isinstance(failed.value.__cause__, ZeroDivisionError)


def test_an_interrupt_comes_through(january):
    def interrupt(done, replications):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        esc.simulate_many(january.scenario, replications=70, rng=1, progress=interrupt)


def test_processes_of_ones_own_are_not_for_the_compiled_engine(january):
    def process(war):
        yield war.wait(1.0)

    with pytest.raises(EscalateError, match="run in the 'simpy' engine only"):
        esc.simulate(january.scenario, rng=1, engine="compiled", processes=[process])


# Files


def test_a_saved_ensemble_is_loaded_whole(pair, tmp_path):
    many, runs = pair
    path = tmp_path / "many.nc"
    assert many.save(path) == path
    loaded = esc.load_ensemble(path)
    same(loaded, many)
    assert loaded.scenario == many.scenario
    assert (loaded.seed, loaded.replications) == (many.seed, many.replications)
    assert loaded.versions == many.versions
    assert loaded.replay(2) == runs[2]
    assert loaded.describe().sort_index().equals(many.describe().sort_index())
    assert [found.name for found in tmp_path.iterdir()] == ["many.nc"]


def test_a_large_seed_and_an_existing_file(january, tmp_path):
    path = tmp_path / "many.nc"
    january.save(path)
    seed = np.random.SeedSequence(2**127 + 1, spawn_key=(3, 4))
    small = esc.simulate_many(january.scenario, replications=2, rng=seed)
    small.save(path)
    loaded = esc.load_ensemble(path)
    same(loaded, small)
    assert loaded.seed == small.seed


@OPEN
def test_a_war_without_layers_is_saved_and_loaded(tmp_path):
    many = esc.simulate_many(war(side(), side(), ordered(1.0)), replications=3, rng=1)
    loaded = None
    many.save(tmp_path / "many.nc")
    with contextlib.suppress(ResultError):
        loaded = esc.load_ensemble(tmp_path / "many.nc")
    gc.collect()
    assert loaded is not None
    same(loaded, many)


@OPEN
@pytest.mark.parametrize("damage", ["missing", "foreign", "half", "other"])
def test_what_is_no_saved_ensemble_is_refused(january, tmp_path, damage):
    import xarray as xr

    path = tmp_path / "many.nc"
    if damage == "foreign":
        path.write_text("mine")
    elif damage == "half":
        january.save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif damage == "other":
        xr.Dataset({"x": ("a", [1.0, 2.0])}).to_netcdf(path, engine="scipy")
    with pytest.raises(ResultError, match="is no saved ensemble, or a damaged one") as refused:
        esc.load_ensemble(path)
    assert str(path) in str(refused.value)
    del refused
    gc.collect()


def patient(see, params, memory, u):
    return esc.answer(see.standard)


def test_a_rule_of_ones_own_is_fought_but_not_saved(tmp_path):
    own = side(retaliations=answering(esc.Rule(patient)))
    scenario = war(side(), own, ordered(1.0), ordered(30.0))
    many = esc.simulate_many(scenario, replications=3, rng=1, outcomes=["answers"])
    runs = esc.replicate(scenario, replications=3, rng=1)
    assert many.data["answers"].tolist() == [by_side(run, "answers") for run in runs]
    with pytest.raises(esc.ScenarioError, match=r"sides\.B\.retaliations\.answer\.rule"):
        many.save(tmp_path / "many.nc")
    assert not list(tmp_path.iterdir())


def test_a_save_that_fails_leaves_nothing(january, tmp_path):
    (tmp_path / "many.nc").mkdir()
    with pytest.raises(OSError):
        january.save(tmp_path / "many.nc")
    assert [path.name for path in tmp_path.iterdir()] == ["many.nc"]


def test_outcomes_may_be_streamed_to_the_disk(january, tmp_path):
    names = [*january.data, *SERIES]
    kept = esc.simulate_many(january.scenario, replications=70, rng=1, outcomes=names)
    folder = tmp_path / "new" / "wars"
    for workers in (1, 2, 4):
        streamed = esc.simulate_many(
            january.scenario, replications=70, rng=1, outcomes=names, store=folder, workers=workers
        )
        for ensemble in (streamed, esc.load_ensemble(folder)):
            assert list(ensemble.data) == names
            assert ensemble.seed == kept.seed
            assert ensemble.scenario == kept.scenario
            for name, values in kept.data.items():
                assert ensemble.data[name].dtype == values.dtype
                np.testing.assert_array_equal(ensemble.data[name], values)
        assert streamed.replay(69) == kept.replay(69)
        assert streamed.bands("killed")["mean"].shape == (2,)
        assert sorted(path.name for path in folder.parent.iterdir()) == ["wars"]
        assert esc.load_ensemble(streamed.save(tmp_path / "copy.nc")).replications == 70
        shutil.rmtree(folder)


def test_what_is_there_already_is_kept(january, tmp_path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(esc.ResultError, match="something already.*mine"):
        esc.simulate_many(january.scenario, replications=1, rng=1, store=tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_stream_that_breaks_off_leaves_nothing(january, tmp_path):
    def interrupt(done, of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="stopped after .* of 700 replications"):
        esc.simulate_many(
            january.scenario, replications=700, rng=1, progress=interrupt, store=tmp_path / "wars"
        )
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_store_is_refused(january, tmp_path):
    folder = tmp_path / "wars"
    esc.simulate_many(january.scenario, replications=40, rng=1, store=folder, outcomes="killed")
    whole = (folder / "killed.npy").read_bytes()
    (folder / "killed.npy").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(esc.ResultError, match="no saved ensemble, or a damaged one"):
        esc.load_ensemble(folder)
    (folder / "killed.npy").unlink()
    with pytest.raises(esc.ResultError, match="no saved ensemble, or a damaged one"):
        esc.load_ensemble(folder)
