"""A run's tables, what is said of it, and saving it."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import escalate as esc
from escalate import results
from escalate.claims import CLAIM_COLUMNS
from escalate.errors import ResultError
from escalate.events import CAUSES, COLUMNS, KINDS
from tests.folders import contents
from tests.small_wars import answering, ordered, side, war

TABLES = ("strikes", "events", "weapons", "layers", "targets", "regions")
FILES = {*(f"{name}.parquet" for name in TABLES), "run.json"}
TOWN = {"town": esc.Target(category="urban", region="border", killed_per_hit=3.0, sites=50)}


@pytest.fixture(scope="module")
def winter():
    return esc.simulate(esc.load_scenario("winter-2023-24"), rng=3, replication=2)


@pytest.fixture
def saved(winter, tmp_path):
    return winter.save(tmp_path / "run")


def patient(see, params, memory, u):
    return esc.answer(see.standard)


@pytest.mark.parametrize("name", esc.scenario_names())
def test_a_loaded_run_equals_the_saved_one(name, tmp_path):
    run = esc.simulate(esc.load_scenario(name), rng=np.random.SeedSequence(5, spawn_key=(1,)))
    assert run.save(tmp_path / "deep" / "run") == tmp_path / "deep" / "run"
    loaded = esc.load_run(str(tmp_path / "deep" / "run"))
    assert loaded == run
    assert loaded.summary().keys() == run.summary().keys()
    for table in (*TABLES, "claims"):
        pd.testing.assert_frame_equal(getattr(loaded, table), getattr(run, table))
    for table, columns in run.tables.items():
        for column, values in columns.items():
            assert loaded.tables[table][column].dtype == values.dtype, (table, column)
    again = esc.simulate(loaded.scenario, rng=loaded.seed, replication=loaded.replication)
    assert again == run


def test_a_war_in_which_nothing_happens_is_saved_and_loaded(tmp_path):
    run = esc.simulate(war(esc.Side(), esc.Side()), rng=1)
    assert esc.load_run(run.save(tmp_path / "run")) == run
    assert len(run.events) == len(run.strikes) == len(run.claims) == 0
    assert list(run.events.columns) == list(COLUMNS)
    assert list(run.claims.columns) == list(CLAIM_COLUMNS)
    assert run.claims["low"].dtype == run.claims["high"].dtype == float


def test_runs_differ_by_scenario_seed_replication_and_outcome(winter):
    assert winter != esc.simulate(winter.scenario, rng=3, replication=1)
    assert winter != esc.simulate(winter.scenario, rng=4, replication=2)
    assert winter != "a run"
    with pytest.raises(TypeError):
        hash(winter)


def test_saving_writes_plain_files_that_others_read(winter, saved):
    assert set(contents(saved)) == FILES
    events = pq.read_table(saved / "events.parquet").to_pandas()
    assert list(events.columns) == list(COLUMNS)
    assert (events["kind"] == winter.events["kind"].astype(str)).all()
    record = json.loads((saved / "run.json").read_text("utf-8"))
    assert record["seed"] == {"entropy": 3, "spawn_key": []}
    assert esc.read_scenario(record["scenario"]) == winter.scenario


def test_the_same_run_gives_the_same_bytes(winter, saved, tmp_path):
    again = esc.simulate(winter.scenario, rng=3, replication=2).save(tmp_path / "again")
    assert contents(again) == contents(saved)


def test_another_run_is_replaced_and_what_lies_beside_it_stays(winter, saved):
    (saved / "notes.txt").write_text("mine")
    other = esc.simulate(winter.scenario, rng=4)
    other.save(saved)
    assert esc.load_run(saved) == other
    assert set(contents(saved)) == {*FILES, "notes.txt"}
    assert [path.name for path in saved.parent.iterdir()] == ["run"]


def test_a_foreign_folder_or_file_is_refused_and_left_alone(winter, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ResultError, match="something else, which is not replaced"):
        winter.save(tmp_path)
    with pytest.raises(ResultError, match="a folder is needed, but there is a file"):
        winter.save(tmp_path / "notes.txt")
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {"notes.txt": "mine"}


@pytest.mark.parametrize("before", ["nothing", "a run"])
def test_a_save_that_fails_leaves_everything_as_it_was(winter, tmp_path, monkeypatch, before):
    folder = tmp_path / "run"
    other = esc.simulate(winter.scenario, rng=4)
    if before == "a run":
        other.save(folder)
    write = pq.write_table

    def full(table, path):
        if path.name == "layers.parquet":
            raise OSError("no space left")
        write(table, path)

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="no space left"):
        winter.save(folder)
    if before == "a run":
        assert esc.load_run(folder) == other
        assert [path.name for path in tmp_path.iterdir()] == ["run"]
    else:
        assert not list(tmp_path.iterdir())


def test_a_function_of_ones_own_cannot_be_saved_and_is_named(tmp_path):
    scenario = war(side(), side(retaliations=answering(esc.Rule(patient))), ordered(1.0))
    with pytest.raises(esc.ScenarioError, match=r"sides\.B\.retaliations\.answer\.rule"):
        esc.simulate(scenario, rng=1).save(tmp_path / "run")
    assert not list(tmp_path.iterdir())


def without(file):
    return lambda folder: (folder / file).unlink()


def halved(file):
    def damage(folder):
        path = folder / file
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return damage


def edited(change):
    def damage(folder):
        record = json.loads((folder / "run.json").read_text("utf-8"))
        (folder / "run.json").write_text(json.dumps(change(record)))

    return damage


def swapped(folder):
    shutil.copy(folder / "weapons.parquet", folder / "events.parquet")


def fewer_strikes(folder):
    pq.write_table(pq.read_table(folder / "strikes.parquet")[:2], folder / "strikes.parquet")


@pytest.mark.parametrize(
    "damage",
    [
        shutil.rmtree,
        *map(without, sorted(FILES)),
        *map(halved, sorted(FILES)),
        *(edited(lambda r, k=k: {n: v for n, v in r.items() if n != k})
          for k in ("seed", "replication", "versions", "names", "scenario")),
        edited(lambda r: [r]),
        edited(lambda r: r | {"names": []}),
        edited(lambda r: r | {"seed": {"entropy": "x", "spawn_key": []}}),
        edited(lambda r: r | {"scenario": "sides = ["}),
        edited(lambda r: r | {"scenario": r["scenario"].replace("kinzhal", "dagger")}),
        swapped,
        fewer_strikes,
    ],
)  # fmt: skip
def test_a_missing_or_damaged_run_is_refused_by_its_folder(saved, damage):
    damage(saved)
    with pytest.raises(ResultError, match="is no saved run, or a damaged one") as refused:
        esc.load_run(saved)
    assert str(saved) in str(refused.value)


def test_the_log_has_its_columns_and_their_types(winter):
    events = winter.events
    assert list(events.columns) == list(COLUMNS)
    kinds = {"time_hours": "float64", "value": "float64"}
    kinds |= dict.fromkeys(("strike", "provoked_by", "wave", "count"), "int64")
    for column in COLUMNS:
        assert events[column].dtype == kinds.get(column, "category"), column
    assert set(events["kind"]) <= set(KINDS)
    assert set(events["side"]) == {"RU", "UA"}
    links = winter.strikes["provoked_by"].to_dict() | {-1: -1}
    assert events["provoked_by"].tolist() == [links[s] for s in events["strike"]]


def test_names_stand_for_numbers_in_every_table(winter):
    for table in TABLES:
        frame = getattr(winter, table)
        columns = winter.tables[{"events": "log"}.get(table, table)]
        assert len(frame) == len(columns["side"])
        for column in frame.columns.intersection(list(winter.names)):
            names = winter.names[column]
            wanted = [names[n] if n >= 0 else "" for n in columns[column]]
            assert frame[column].tolist() == wanted, (table, column)
    assert set(winter.strikes["cause"]) <= set(CAUSES)
    assert winter.strikes.index.name == "strike"
    weapons = [w for part in winter.scenario.sides.values() for w in part.weapons]
    assert winter.weapons["weapon"].tolist() == weapons
    categories = [w.category for s in winter.scenario.sides.values() for w in s.weapons.values()]
    assert winter.weapons["category"].tolist() == categories


def test_rows_gives_the_log_of_one_kind(winter):
    rows = winter.rows("killed")
    frame = winter.events.query("kind == 'killed'")
    assert rows["count"].tolist() == frame["count"].tolist()
    assert rows.keys() == winter.tables["log"].keys()
    with pytest.raises(KeyError):
        winter.rows("nothing")


# Claims


def spoken(speakers, *calendar, hours=240.0, **changes):
    """Give the claims of B's speakers on drones that all get through; two die a hit or so."""
    victim = side(targets=TOWN, claimants=speakers)
    return esc.simulate(war(side(), victim, *calendar, hours=hours, **changes), rng=1)


@pytest.mark.parametrize("name", esc.scenario_names())
def test_claims_are_a_table_of_reported_figures(name, tmp_path):
    run = esc.simulate(esc.load_scenario(name), rng=1)
    assert list(run.claims.columns) == list(CLAIM_COLUMNS)
    assert run.claims["id"].is_unique
    path = tmp_path / "claims.csv"
    run.claims.to_csv(path, index=False)
    figures = esc.read_figures(path)
    assert [figure.id for figure in figures] == run.claims["id"].tolist()
    assert [figure.low for figure in figures] == [
        None if pd.isna(low) else low for low in run.claims["low"]
    ]
    assert [figure.claimed_on for figure in figures] == run.claims["claimed_on"].tolist()
    speakers = {n for s in run.scenario.sides.values() for n in s.claimants}
    assert {figure.claimant for figure in figures} <= speakers | set(run.scenario.claimants)


def test_unbiased_claims_are_the_truth():
    said = esc.Claimant(quantities=("launched", "hits", "intercepted", "killed", "injured"))
    run = spoken({"press office": said}, ordered(1.0, drone=9), ordered(30.0, drone=4))
    for strike, claims in run.claims.groupby(level=0):
        truth = run.strikes.loc[strike]
        assert dict(zip(claims["quantity"], claims["low"], strict=True)) == {
            "launched": truth["launched"], "hits": truth["leaked"], "intercepted": 0,
            "killed": truth["killed"], "injured": 0,
        }  # fmt: skip
    assert (run.claims["low"] == run.claims["high"]).all()
    assert set(run.claims["relation"]) == {"exactly"}
    assert set(run.claims["attacker"]) == {"A"}
    assert set(run.claims["place"]) == {"border"}


@pytest.mark.parametrize(
    ("bias", "rounding", "said"),
    [(1.0, 1, 23), (2.0, 1, 46), (2.0, 10, 50), (0.1, 1, 2), (1.0, 50, 0), (1.0, 46, 46),
     (0.0, 1, 0)],
)  # fmt: skip
def test_bias_multiplies_and_rounding_goes_to_the_nearest_multiple(bias, rounding, said):
    voice = esc.Claimant(quantities=("launched",), bias={"launched": bias}, rounding=rounding)
    assert spoken({"v": voice}, ordered(1.0, drone=23)).claims["low"].tolist() == [said]


@pytest.mark.parametrize(
    ("relation", "low", "high"),
    [("exactly", 23, 23), ("about", 23, 23), ("at_least", 23, np.nan), ("more_than", 22, np.nan),
     ("dozens", 23, 23)],
)  # fmt: skip
def test_a_claim_is_put_in_the_words_of_its_claimant(relation, low, high):
    voice = esc.Claimant(quantities=("launched", "injured"), relation=relation)
    claims = spoken({"v": voice}, ordered(1.0, drone=23)).claims
    np.testing.assert_array_equal(claims[["low", "high"]].to_numpy()[0], [low, high])
    assert claims["relation"].iloc[0] == ("about" if relation == "dozens" else relation)
    assert claims["low"].iloc[1] == 0  # nobody says "more than -1"


def test_dozens_are_24_to_99():
    voice = esc.Claimant(quantities=("launched",), relation="dozens")
    strikes = [ordered(1.0 + i, drone=n) for i, n in enumerate((23, 24, 99, 100))]
    claims = spoken({"v": voice}, *strikes).claims
    assert claims["relation"].tolist() == ["about", "dozens", "dozens", "about"]
    assert claims[["low", "high"]].to_numpy()[1:3].tolist() == [[24, 99], [24, 99]]


def test_each_voice_speaks_of_the_strikes_it_speaks_about():
    def voices(name):
        return {
            f"{name} {role}": esc.Claimant(speaks_as=role, quantities=("launched",))
            for role in ("attacker", "defender", "press")
        }

    sides = [side(claimants=voices(name)) for name in "AB"]
    observer = {"observer": esc.Claimant(speaks_as="press", quantities=("launched",))}
    scenario = war(*sides, ordered(1.0, "A"), ordered(50.0, "B"), claimants=observer)
    claims = esc.simulate(scenario, rng=1).claims
    both = {"A press", "B press", "observer"}
    assert set(claims.loc[0, "claimant"]) == {"A attacker", "B defender", *both}
    assert set(claims.loc[1, "claimant"]) == {"B attacker", "A defender", *both}


def test_the_silent_say_nothing_and_the_half_silent_half():
    strikes = [ordered(float(i), drone=1) for i in range(1, 201)]
    prob = {"silent": 1.0, "half": 0.5, "loud": 0.0}
    voices = {n: esc.Claimant(quantities=("launched", "killed"), silence_prob=p)
              for n, p in prob.items()}  # fmt: skip
    said = spoken(voices, *strikes).claims.groupby("claimant").size()
    assert "silent" not in said
    assert said["loud"] == 400
    assert said["half"] % 2 == 0  # all of a strike or nothing
    assert abs(said["half"] / 2 - 100) < 4 * np.sqrt(50)


@pytest.mark.parametrize("noise", [0.0, 0.8])
def test_revisions_never_fall_and_end_at_the_full_count(noise):
    voice = esc.Claimant(
        first_share=0.3, revisions=4, revision_hours=5.0, noise_sd_log=noise, delay_hours=2.0
    )
    strikes = [ordered(float(10 * i), drone=5 + i) for i in range(20)]
    run = spoken({"v": voice}, *strikes)
    for (strike, quantity), claims in run.claims.groupby(["strike", "quantity"]):
        values = claims["low"].tolist()
        assert values == sorted(values)
        if quantity in ("launched", "intercepted"):
            assert len(values) == 1
        elif noise == 0.0:
            truth = run.strikes.loc[strike, quantity]
            steps = [truth * (0.3 + 0.7 * i / 4) for i in range(5)]
            assert values == pytest.approx(steps, abs=0.5 + 1e-9)
            assert values[-1] == truth
    assert run.claims.groupby(["strike", "quantity"]).size().max() == 5


def test_shipped_revisions_never_fall():
    for k in range(5):
        run = esc.simulate(esc.load_scenario("winter-2023-24"), rng=1, replication=k)
        claims = run.claims.groupby(["strike", "claimant", "quantity"])["low"]
        assert claims.apply(lambda values: values.is_monotonic_increasing).all()


def test_what_would_be_said_after_the_horizon_is_not_said():
    voice = esc.Claimant(quantities=("killed",), delay_hours=5.0, revisions=3, revision_hours=20.0)
    strikes = (ordered(1.0, drone=5), ordered(30.0, drone=5), ordered(44.0, drone=5))
    assert spoken({"v": voice}, *strikes, hours=48.0).claims.index.tolist() == [0, 0, 0, 1]


def test_claims_change_nothing_and_do_not_depend_on_one_another():
    loud = esc.Claimant(noise_sd_log=0.5)
    strikes = (ordered(1.0, drone=30), ordered(9.0, drone=30))
    alone, both, none = (
        spoken(voices, *strikes) for voices in ({"a": loud}, {"b": loud, "a": loud}, {})
    )
    for run in (both, none):
        pd.testing.assert_frame_equal(run.events, alone.events)
    said = both.claims.query("claimant == 'a'")["low"].tolist()
    assert said == alone.claims["low"].tolist()
    assert both.claims.query("claimant == 'b'")["low"].tolist() != said
    assert not len(none.claims)


def test_versions_say_what_the_numbers_may_depend_on(winter):
    assert {"python", "numpy", "escalate", "simpy", "numba"} == set(winter.versions)
    assert results.versions()["numpy"] == np.__version__
