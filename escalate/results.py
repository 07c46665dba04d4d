"""What came out of a run: its log, its tables and what they were made from.

A run is saved as a folder of Parquet files and one JSON file. Parquet keeps the columns'
types and every bit of every number, is read by pandas, R, Julia and DuckDB alike, and is the
same bytes for the same run; JSON holds what a person wants to read first.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.claims import CLAIM_COLUMNS, claims
from escalate.errors import EscalateError, Problem, ResultError
from escalate.events import CAUSES, COLUMNS, KINDS
from escalate.randomness import RunKey, Seed
from escalate.rules import CATEGORIES, TARGET_CATEGORIES
from escalate.scenario import Scenario, numbering
from escalate.scenario_file import read_scenario, write_scenario

if TYPE_CHECKING:
    import pandas as pd

    from escalate.snapshot import Snapshot

__all__ = ["Run", "Tables", "check_folder", "load_run"]

Tables = Mapping[str, Mapping[str, np.ndarray[Any, Any]]]

_KIND_NUMBER = {kind: number for number, kind in enumerate(KINDS)}
_WORDS = {
    ("log", "kind"): tuple(KINDS),
    ("strikes", "cause"): CAUSES,
    ("weapons", "category"): CATEGORIES,
    ("targets", "category"): TARGET_CATEGORIES,
}
"""Columns whose numbers stand for words of the library's own."""


@dataclass(frozen=True, eq=False)
class Run:
    """One war, fought to its end.

    Columns that name a thing hold its number in `tables` and its name in the data frames
    that `events`, `strikes`, `weapons`, `layers` and `regions` give.
    """

    scenario: Scenario
    """What was at war."""
    seed: Seed
    """What `rng` came to; with `replication` it gives the same run again."""
    replication: int
    """Which of the wars of that seed."""
    tables: Tables
    """All columns as arrays: log, strikes, weapons, layers, regions."""
    names: Mapping[str, tuple[str, ...]]
    """What the numbers stand for."""
    past: tuple[tuple[float, Scenario], ...] = ()
    """Scenarios that held before, each until its hour; none unless the run was forked. [h]"""
    processes: tuple[str, ...] = ()
    """Names of processes of the user's own that took part, which no run can be made again from."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the library and of what it computed with."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Run):
            return NotImplemented
        return (
            self.scenario == other.scenario
            and self.seed == other.seed
            and self.replication == other.replication
            and self.past == other.past
            and self.processes == other.processes
            and dict(self.names) == dict(other.names)
            and dict(self.versions) == dict(other.versions)
            and self.tables.keys() == other.tables.keys()
            and all(
                table.keys() == other.tables[name].keys()
                and all(np.array_equal(table[c], other.tables[name][c]) for c in table)
                for name, table in self.tables.items()
            )
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def key(self) -> RunKey:
        """The run's key."""
        return self.seed.run_key(self.replication)

    @cached_property
    def events(self) -> pd.DataFrame:
        """The event log, a row per fact; columns in `escalate.events.COLUMNS`."""
        log = self.tables["log"]
        strikes = self.tables["strikes"]["provoked_by"]
        provoked_by = np.full(len(log["strike"]), -1)
        known = log["strike"] >= 0
        provoked_by[known] = strikes[log["strike"][known]]
        columns = {**log, "provoked_by": provoked_by}
        return self._frame("log", {name: columns[name] for name in COLUMNS})

    @cached_property
    def strikes(self) -> pd.DataFrame:
        """A row per strike, its number as the index."""
        frame = self._frame("strikes", self.tables["strikes"])
        frame.index.name = "strike"
        return frame

    @cached_property
    def weapons(self) -> pd.DataFrame:
        """A row per weapon: initial + made + delivered - launched = stock."""
        return self._frame("weapons", self.tables["weapons"])

    @cached_property
    def layers(self) -> pd.DataFrame:
        """A row per layer: initial + resupplied + delivered - spent - destroyed = magazine.

        A layer without a limit, or without interceptors, has -1 for both ends.
        """
        return self._frame("layers", self.tables["layers"])

    @cached_property
    def targets(self) -> pd.DataFrame:
        """A row per target: its sites and, in whole sites, its damage at the end."""
        return self._frame("targets", self.tables["targets"])

    @cached_property
    def regions(self) -> pd.DataFrame:
        """A row per region: hours under air-raid alert and hours without power."""
        return self._frame("regions", self.tables["regions"])

    @cached_property
    def claims(self) -> pd.DataFrame:
        """What was said of the strikes, in the columns of reported figures.

        The index is the strike. Written to CSV without the index it is a table that
        `escalate.read_figures` reads.
        """
        import pandas as pd

        table = self.tables["strikes"]
        rows = list(
            claims(
                self.scenario,
                self.key,
                [{c: table[c][i] for c in table} for i in range(len(table["side"]))],
                self._struck_regions,
                self._dark_regions,
            )
        )
        frame = pd.DataFrame(rows, columns=["strike", *CLAIM_COLUMNS])
        # A column without a single number would hold objects.
        return frame.astype({"strike": int, "low": float, "high": float}).set_index("strike")

    def summary(self) -> dict[str, dict[str, float]]:
        """Give what happened, by side.

        Returns
        -------
        dict
            Side to outcome to number; the outcomes are those of
            `escalate.metrics.OUTCOMES`.
        """
        from escalate.metrics import summary

        return summary(self)

    def rows(self, kind: str) -> dict[str, np.ndarray[Any, Any]]:
        """Give the log's rows of one kind, as arrays of numbers.

        Parameters
        ----------
        kind : str
            One of `escalate.events.KINDS`.
        """
        log = self.tables["log"]
        chosen = np.flatnonzero(log["kind"] == _KIND_NUMBER[kind])
        return {name: column[chosen] for name, column in log.items()}

    def snapshot(self, hours: float, *, engine: str = "simpy") -> Snapshot:
        """Give the war as it stood at an hour, to be gone on with.

        Parameters
        ----------
        hours : float
            When; what is due then has not happened yet. [h]
        engine : str, optional
            Which engine fights up to there.

        Returns
        -------
        Snapshot

        Raises
        ------
        EscalateError
            An hour outside the war, or a war with processes of the user's own.
        """
        from escalate.snapshot import snapshot

        if self.processes:
            raise EscalateError(
                "a war with processes of your own cannot be taken up again, as they hold a state "
                f"that no table shows: {', '.join(self.processes)}"
            )

        return snapshot(
            self.scenario, self.seed, self.replication, hours, past=self.past, engine=engine
        )

    def fork(
        self, hours: float, changes: Mapping[str, Any] | Scenario, *, engine: str = "simpy"
    ) -> Run:
        """Fight the same war, but with other rules or parameters from an hour on.

        Parameters
        ----------
        hours : float
            From when on. [h]
        changes : mapping or Scenario
            As for `Scenario.replace`, or the scenario to go on with.
        engine : str, optional
            Which engine fights.

        Returns
        -------
        Run
            Until `hours` event for event this one; then with the same randomness.

        Raises
        ------
        EscalateError
            An hour outside the war, a change that would rewrite the past, or a war with processes
            of the user's own.
        ScenarioError
            Changes that give no scenario.
        """
        return self.snapshot(hours, engine=engine).fork(changes, engine=engine)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Save the run; a new folder appears whole or not at all.

        Parameters
        ----------
        folder : str or path
            Where to. An existing run there is replaced; anything else is refused.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        ResultError
            The folder holds something that is no saved run.
        ScenarioError
            The scenario holds a function of the user's own, which no file can keep.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = Path(folder)
        text = write_scenario(self.scenario)
        check_folder(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            for file in _RUN_FILES[:-1]:
                name = file.partition(".")[0]
                frame = getattr(self, name)
                table = pa.Table.from_pandas(frame, preserve_index=name == "strikes")
                pq.write_table(table.replace_schema_metadata(None), made / file)
            record = {
                "format": 1,
                "seed": {"entropy": self.seed.entropy, "spawn_key": list(self.seed.spawn_key)},
                "replication": self.replication,
                "versions": dict(self.versions),
                "names": {k: list(v) for k, v in self.names.items()},
                "scenario": text,
                "processes": list(self.processes),
                "past": [[hours, write_scenario(before)] for hours, before in self.past],
            }
            (made / "run.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            made.chmod(0o755)
            if path.exists():
                for file in _RUN_FILES:  # each at once; what says that it is a run comes last
                    os.replace(made / file, path / file)
                made.rmdir()
            else:
                os.replace(made, path)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        return path

    def _frame(self, table: str, columns: Mapping[str, np.ndarray[Any, Any]]) -> pd.DataFrame:
        """Put names in the place of numbers."""
        import pandas as pd

        decoded: dict[str, Any] = {}
        for name, column in columns.items():
            known = _WORDS.get((table, name), self.names.get(name))
            if known is None:
                decoded[name] = column
            else:
                # Names may stand on both sides; -1 is none, the empty name.
                unique = sorted({*known, ""})
                place = {n: i for i, n in enumerate(unique)}
                codes = np.array([place[n] for n in known] + [place[""]])
                decoded[name] = pd.Categorical.from_codes(
                    codes[column],
                    categories=unique,  # type: ignore[call-overload]
                )
        return pd.DataFrame(decoded)

    def _struck_regions(self, strike: int) -> str:
        log = self.tables["log"]
        rows = (log["strike"] == strike) & (log["region"] >= 0)
        names = self.names["region"]
        return ", ".join(dict.fromkeys(names[r] for r in log["region"][rows])) or "unknown"

    def _dark_regions(self, side: int, hours: float) -> int:
        rows = self.rows("blackout")
        chosen = (rows["side"] == side) & (rows["time_hours"] <= hours)
        return int(np.where(rows["count"][chosen] > 0, 1, -1).sum())


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Refuse a folder that a run cannot be saved to without harm to what is there.

    Parameters
    ----------
    folder : str or path
        Where a run is to be saved.

    Raises
    ------
    ResultError
        A file, or a folder that holds something but no saved run.
    """
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise ResultError([Problem(str(path), "a folder is needed, but there is a file")])
    if path.is_dir() and not (path / "run.json").is_file() and any(path.iterdir()):
        raise ResultError([Problem(str(path), "there is something else, which is not replaced,")])


_RUN_FILES = (
    "strikes.parquet", "events.parquet", "weapons.parquet", "layers.parquet", "targets.parquet",
    "regions.parquet", "run.json",
)  # fmt: skip
_TABLE_OF = {"events": "log"}


def _decoded(
    table: str,
    names: Mapping[str, tuple[str, ...]],
    columns: dict[str, np.ndarray[Any, Any]],
    scenario: Scenario,
    attackers: np.ndarray[Any, Any] | None,
) -> dict[str, np.ndarray[Any, Any]]:
    """Put numbers in the place of names again.

    A name may stand on both sides: a weapon in the row of a strike is the attacker's, a
    layer, a target and a region are the defender's, and in any other row they are its side's.
    """
    numbers = numbering(scenario)
    sides = {name: i for i, name in enumerate(scenario.sides)}
    side = np.array([sides.get(name, -1) for name in columns["side"]], dtype=np.int64)
    attacker = side
    defender = side
    if attackers is not None:
        strike = columns["strike"]
        attacker = np.where(strike >= 0, attackers[strike] if len(attackers) else -1, side)
        defender = np.where(strike >= 0, 1 - attacker, side)
    decoded: dict[str, np.ndarray[Any, Any]] = {}
    for name, column in columns.items():
        if name == {"strikes": "strike", "log": "provoked_by"}.get(table):  # worked out
            continue
        if name == "side":
            decoded[name] = side
        elif (table, name) in _WORDS or name == "third_party":
            words = _WORDS.get((table, name), names.get(name, ()))
            place = {"": -1, **{word: i for i, word in enumerate(words)}}
            decoded[name] = np.array([place[word] for word in column], dtype=np.int64)
        elif name in numbers:
            owners = defender if name in ("layer", "target", "region") else attacker
            known = numbers[name]
            decoded[name] = np.array(
                [known[owner, n] if n else -1 for owner, n in zip(owners, column, strict=True)],
                dtype=np.int64,
            )
        else:
            decoded[name] = column
    return decoded


@functools.cache
def versions() -> dict[str, str]:
    """Give the versions that a run's numbers may depend on."""
    import platform

    found = {"python": platform.python_version(), "numpy": np.__version__}
    for name, package in (("escalate", "escalate-sim"), ("simpy", "simpy"), ("numba", "numba")):
        try:
            found[name] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def load_run(folder: str | os.PathLike[str]) -> Run:
    """Load a saved run.

    Parameters
    ----------
    folder : str or path
        What `Run.save` wrote.

    Returns
    -------
    Run
        Equal to the run that was saved.

    Raises
    ------
    ResultError
        No saved run there, or one that is damaged.
    """
    import pyarrow.parquet as pq

    path = Path(folder)
    try:
        record = json.loads((path / "run.json").read_text(encoding="utf-8"))
        if record["format"] != 1:
            raise ValueError(f"it has format {record['format']!r}, and this version reads 1")
        names = {k: tuple(v) for k, v in record["names"].items()}
        seed = Seed(int(record["seed"]["entropy"]), tuple(record["seed"]["spawn_key"]))
        scenario = read_scenario(record["scenario"], "run.json")
        past = tuple(
            (float(hours), read_scenario(text, "run.json")) for hours, text in record["past"]
        )
        tables: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
        for file in _RUN_FILES[:-1]:
            name = file.partition(".")[0]
            table = pq.read_table(path / file)
            tables[_TABLE_OF.get(name, name)] = _decoded(
                _TABLE_OF.get(name, name),
                names,
                {c: table.column(c).to_numpy(zero_copy_only=False) for c in table.column_names},
                scenario,
                tables["strikes"]["side"] if name == "events" else None,
            )
        return Run(
            scenario=scenario,
            seed=seed,
            replication=int(record["replication"]),
            tables=tables,
            names=names,
            past=past,
            processes=tuple(record["processes"]),
            versions=dict(record["versions"]),
        )
    except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise ResultError(
            [Problem(str(path), f"is no saved run, or a damaged one: {error};")]
        ) from error
