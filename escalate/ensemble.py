"""A scenario fought many times: the outcomes of all replications, and what they say together.

Replication k of an ensemble is ``simulate(scenario, rng=seed, replication=k)``: it does not
depend on how many there are, on the number of workers or on the order in which they are
fought, and `Ensemble.replay` gives it again as a fully traced run.
"""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.engines._fork import Stages
from escalate.engines._tally import BY_CATEGORY, BY_LAYER, BY_SIDE, BY_TARGET, DAILY
from escalate.errors import EscalateError, Problem, ResultError, closest
from escalate.randomness import Seed
from escalate.results import Run, versions
from escalate.rules import CATEGORIES, TARGET_CATEGORIES, plain
from escalate.scenario import Scenario
from escalate.scenario_file import read_scenario, write_scenario
from escalate.snapshot import changed, check_hours, replayed
from escalate.work import Progress, as_done

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from escalate.engines.compiled import Course

__all__ = [
    "OUTCOMES",
    "SERIES",
    "UNITS",
    "Ensemble",
    "ReplicationError",
    "coordinates_of",
    "extended",
    "fight_stretch",
    "load_ensemble",
    "simulate_many",
]

UNITS = {
    "cost_usd": "USD", "defence_cost_usd": "USD", "blackout_hours": "region-hours",
    "alert_hours": "region-hours", "response_delay_hours": "hours", "killed": "people",
    "injured": "people", "damage_sites": "sites", "reproduction_number": "1",
    "killed_per_day": "people", "injured_per_day": "people", "damage_per_day": "sites",
    "blackout_regions": "regions", "strikes": "strikes", "answers": "strikes",
    "strikes_per_day": "strikes", "false_alarms": "alarms", "rung": "1", "shots": "shots",
}  # fmt: skip
"""Units of outcomes that are not counted in weapons."""

OUTCOMES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(BY_SIDE, ("replication", "side")),
    **dict.fromkeys(BY_CATEGORY, ("replication", "side", "category")),
    **dict.fromkeys(BY_TARGET, ("replication", "side", "target_category")),
    **dict.fromkeys(BY_LAYER, ("replication", "layer")),
    **dict.fromkeys(DAILY, ("replication", "day", "side")),
}
"""Outcomes by name, and the dimensions of each."""

SERIES = DAILY
"""Outcomes that are daily series; they are stored only when asked for."""

_DEFAULT = (*BY_SIDE, *BY_CATEGORY, *BY_TARGET, *BY_LAYER)
_CHUNK = 32  # replications that a thread fights at a time, at most


class ReplicationError(EscalateError):
    """Something went wrong inside one replication; the message says how to see it again."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Outcomes of many replications of a scenario."""

    scenario: Scenario
    """What was at war."""
    seed: Seed
    """What `rng` came to."""
    replications: int
    """How many."""
    data: Mapping[str, np.ndarray[Any, Any]]
    """Outcome to array; dimensions in `OUTCOMES`."""
    past: Stages = ()
    """Scenarios that held before, each until its hour; none unless it was forked. [h]"""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the library and of what it computed with."""
    first: int = 0
    """Number of its first war among those of the seed; 0 unless a sweep hands out a stretch."""

    @cached_property
    def dataset(self) -> xr.Dataset:
        """The outcomes as an xarray Dataset, with units and provenance in the attributes."""
        import xarray as xr

        variables = {
            name: (OUTCOMES[name], values, {"units": UNITS.get(name, "weapons")})
            for name, values in self.data.items()
        }
        used = {dim for dims, _, _ in variables.values() for dim in dims} | {"replication"}
        coords = {name: v for name, v in self._coordinates().items() if name in used}
        return xr.Dataset(variables, coords, self._provenance())

    def _coordinates(self) -> dict[str, Any]:
        return {"replication": np.arange(self.replications), **coordinates_of(self.scenario)}

    def _provenance(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario.name,
            "seed_entropy": str(self.seed.entropy),
            "seed_spawn_key": json.dumps(list(self.seed.spawn_key)),
            "start": self.scenario.start.isoformat(),
            "versions": json.dumps(dict(self.versions)),
        }

    def summary(self) -> pd.DataFrame:
        """Give a row per replication: its seed key and every outcome that is no series.

        Returns
        -------
        DataFrame
            Index ``replication``; columns ``entropy``, ``spawn_key`` and ``outcome.side``,
            ``outcome.side.category`` and so on.
        """
        import pandas as pd

        columns: dict[str, Any] = {
            "entropy": str(self.seed.entropy),
            "spawn_key": json.dumps(list(self.seed.spawn_key)),
        }
        coordinates = self._coordinates()
        for name, values in self.data.items():
            if name in SERIES:
                continue
            labels = [coordinates[dim] for dim in OUTCOMES[name][1:]]
            for place in np.ndindex(values.shape[1:]):
                words = [str(known[i]) for known, i in zip(labels, place, strict=True)]
                columns[".".join([name, *words])] = values[(slice(None), *place)]
        index = pd.RangeIndex(self.replications, name="replication")
        return pd.DataFrame(columns, index=index)

    def to_dataframe(self, outcomes: Iterable[str] | None = None) -> pd.DataFrame:
        """Give a tidy table: a row per replication, outcome and place.

        Parameters
        ----------
        outcomes : iterable of str, optional
            Which; all that are no series if not given.

        Returns
        -------
        DataFrame
            Columns ``replication``, ``outcome``, the dimensions that occur, and ``value``.
        """
        import pandas as pd

        chosen = [n for n in self.data if n not in SERIES] if outcomes is None else list(outcomes)
        _check_outcomes(chosen, self.data)
        if not chosen:
            return pd.DataFrame(columns=["replication", "outcome", "value"])
        frames = [
            self.dataset[name].to_dataframe(name="value").reset_index().assign(outcome=name)
            for name in chosen
        ]
        frame = pd.concat(frames, ignore_index=True)
        first = ["replication", "outcome"]
        rest = [c for c in frame.columns if c not in (*first, "value")]
        return frame[[*first, *rest, "value"]]

    def describe(self, level: float = 0.9) -> pd.DataFrame:
        """Summarise every outcome that is no series over the replications.

        Parameters
        ----------
        level : float, optional
            Part of the replications that the central interval holds. [-]

        Returns
        -------
        DataFrame
            A row per outcome and place: mean, its Monte Carlo standard error, standard
            deviation, the interval's ends, and how many replications have a value.
        """
        import pandas as pd

        if not 0.0 < level < 1.0:
            raise EscalateError(f"`0 < level < 1` must hold, but got {level!r}")
        numbers = self.summary().drop(columns=["entropy", "spawn_key"]).astype(float)
        known = numbers.notna().sum()
        tail = (1.0 - level) / 2.0
        return pd.DataFrame(
            {
                "mean": numbers.mean(),
                "mean_se": numbers.std(ddof=1) / np.sqrt(known),
                "sd": numbers.std(ddof=1),
                "low": numbers.quantile(tail),
                "high": numbers.quantile(1.0 - tail),
                "replications": known,
            }
        )

    def bands(
        self, outcome: str, levels: Iterable[float] = (0.05, 0.25, 0.5, 0.75, 0.95)
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Give quantile bands of an outcome over the replications.

        Parameters
        ----------
        outcome : str
            An outcome of the ensemble.
        levels : iterable of float, optional
            Quantiles. [-]

        Returns
        -------
        dict
            ``levels``, ``quantiles`` of shape (levels, ...), ``mean`` and ``mean_se`` of shape
            (...), the other dimensions in their order; over the replications that have a value.
        """
        _check_outcomes([outcome], self.data)
        chosen = np.array(list(levels), dtype=float)
        if not np.all((chosen >= 0.0) & (chosen <= 1.0)):
            raise EscalateError(f"`0 <= levels <= 1` must hold, but got {chosen.tolist()}")
        values = self.data[outcome].astype(float)
        with warnings.catch_warnings():
            # A place without any value, or with one only, has no spread: NaN says so.
            warnings.simplefilter("ignore", RuntimeWarning)
            known = np.sum(~np.isnan(values), axis=0)
            return {
                "levels": chosen,
                "quantiles": np.nanquantile(values, chosen, axis=0),
                "mean": np.nanmean(values, axis=0),
                "mean_se": np.nanstd(values, axis=0, ddof=1) / np.sqrt(known),
            }

    def replay(self, replication: int) -> Run:
        """Fight one replication again, fully traced, with the SimPy engine.

        Parameters
        ----------
        replication : int
            Which.

        Returns
        -------
        Run
            Its totals are those of the ensemble.

        Raises
        ------
        EscalateError
            No such replication.
        """
        if replication != int(replication) or not 0 <= replication < self.replications:
            raise EscalateError(
                f"`0 <= replication < {self.replications}` must hold, but got {replication!r}"
            )
        stages = (*self.past, (math.inf, self.scenario))
        return replayed(stages, self.seed, self.first + int(replication))

    def fork(
        self,
        hours: float,
        changes: Mapping[str, Any] | Scenario,
        *,
        workers: int | None = None,
        progress: bool | Callable[[int, int], None] | None = None,
    ) -> Ensemble:
        """Fight the same wars, but with other rules or parameters from an hour on.

        Parameters
        ----------
        hours : float
            From when on. [h]
        changes : mapping or Scenario
            As for `Scenario.replace`, or the scenario to go on with.
        workers, progress : optional
            As for `simulate_many`.

        Returns
        -------
        Ensemble
            The same outcomes; replication k is ``self.replay(k).fork(hours, changes)``, so the
            two are paired.

        Raises
        ------
        EscalateError
            An hour outside the war, or a change that would rewrite the past.
        ScenarioError
            Changes that give no scenario.
        """
        hours = plain(hours)
        check_hours(hours, self.past, self.scenario)
        new = changed(self.scenario, changes)
        stages = (*self.past, (float(hours), self.scenario), (math.inf, new))
        return _fought(
            stages, self.replications, self.seed, workers, tuple(self.data), progress, None,
            self.first,
        )  # fmt: skip

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save the ensemble as one netCDF file, whole or not at all.

        Parameters
        ----------
        path : str or path
            Where to; an existing file is replaced.

        Returns
        -------
        Path

        Raises
        ------
        ScenarioError
            The scenario holds a function of the user's own, which no file can keep.
        """
        target = Path(path)
        record = _record(self) | {"outcomes": list(self.data)}
        # netCDF 3 takes an empty dimension for one without limit, so a war without layers has
        # its empty outcomes left out; the names of all are kept, in their order.
        empty = [name for name, values in self.data.items() if values.size == 0]
        dataset = self.dataset.drop_vars(empty).assign_attrs(record=json.dumps(record))
        dataset = dataset.drop_dims([d for d, size in dataset.sizes.items() if size == 0])
        for name in dataset.variables:  # netCDF 3 has no 64-bit integers
            if dataset[name].dtype == np.int64:
                dataset[name] = dataset[name].astype(np.int32)
        part = target.with_name(f".{target.name}.part")
        try:
            dataset.to_netcdf(part, engine="scipy", format="NETCDF3_64BIT")
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        return target


def load_ensemble(path: str | os.PathLike[str]) -> Ensemble:
    """Load a saved ensemble.

    Parameters
    ----------
    path : str or path
        What `Ensemble.save` wrote, or the `store` of `simulate_many`.

    Returns
    -------
    Ensemble

    Raises
    ------
    ResultError
        No saved ensemble there, or one that is damaged.
    """
    try:
        if Path(path).is_dir():
            record = json.loads((Path(path) / _RECORD).read_text(encoding="utf-8"))
            return _recorded(record, _mapped(Path(path), record["outcomes"]), str(path))
        import xarray as xr

        with xr.open_dataset(io.BytesIO(Path(path).read_bytes()), engine="scipy") as opened:
            dataset = opened.load()
        record = json.loads(dataset.attrs["record"])
        data = {
            name: dataset[name].to_numpy()
            if name in dataset
            else np.zeros((record["replications"], 0))
            for name in record["outcomes"]
        }
        return _recorded(record, data, str(path))
    except ResultError:
        raise
    except Exception as error:
        problem = Problem(str(path), f"is no saved ensemble, or a damaged one: {error};")
        raise ResultError([problem]) from error


def coordinates_of(scenario: Scenario) -> dict[str, Any]:
    """Give the labels along every dimension of `OUTCOMES` but the replications.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    """
    layers = [
        f"{side}.{layer}" for side, member in scenario.sides.items() for layer in member.layers
    ]
    return {
        "side": list(scenario.sides),
        "category": list(CATEGORIES),
        "target_category": list(TARGET_CATEGORIES),
        "layer": layers if layers else np.array([], dtype="U1"),
        "day": np.arange(_days(scenario)),
    }


def _days(scenario: Scenario) -> int:
    return max(math.ceil(scenario.horizon_hours / 24.0), 1)


def _check_outcomes(names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise EscalateError(f"unknown outcome {name!r}: {closest(name, known)}")


def simulate_many(
    scenario: Scenario,
    *,
    replications: int,
    rng: object = None,
    workers: int | None = None,
    outcomes: Iterable[str] | None = None,
    progress: bool | Callable[[int, int], None] | None = None,
    store: str | os.PathLike[str] | None = None,
) -> Ensemble:
    """Fight a war many times over, with the compiled engine.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    replications : int
        How often, at least 1.
    rng : int, SeedSequence, Generator, BitGenerator or None, optional
        Randomness as in SPEC 7.
    workers : int, optional
        Threads; as many as there are processors if not given. The result does not depend on
        it.
    outcomes : iterable of str, optional
        Which of `OUTCOMES` to store; all but the daily series if not given.
    progress : bool or callable, optional
        True for a bar on standard error, or a function called with (done, replications).
    store : str or path, optional
        A new folder that the outcomes are written to as they come, so that memory does not grow
        with the replications; `load_ensemble` reads it.

    Returns
    -------
    Ensemble

    Raises
    ------
    EscalateError
        Unknown outcome, or fewer than one replication.
    KeyboardInterrupt
        Ctrl-C; nothing is kept.
    ResultError
        There is something at `store`.
    ReplicationError
        Something went wrong inside a replication.

    Examples
    --------
    >>> import escalate as esc
    >>> scenario = esc.load_scenario("february-2023")
    >>> ensemble = esc.simulate_many(scenario, replications=100, rng=1)
    >>> ensemble.dataset["killed"].sizes["replication"]
    100
    """
    if not isinstance(scenario, Scenario):
        raise EscalateError(
            f"`scenario` must be a Scenario, such as load_scenario(...) gives, but got "
            f"{type(scenario).__name__}"
        )
    if isinstance(outcomes, str):
        outcomes = (outcomes,)
    chosen = tuple(_DEFAULT if outcomes is None else dict.fromkeys(outcomes))
    return _fought(
        ((math.inf, scenario),), replications, Seed.of(rng), workers, chosen, progress, store
    )


def extended(
    ensemble: Ensemble,
    replications: int,
    *,
    workers: int | None = None,
    progress: bool | Callable[[int, int], None] | None = None,
) -> Ensemble:
    """Fight more of the same wars.

    Parameters
    ----------
    ensemble : Ensemble
        Those that were fought already, which are not fought again.
    replications : int
        How many there are to be in all, at least as many as there are.
    workers, progress : optional
        As for `simulate_many`; progress counts the added ones.

    Returns
    -------
    Ensemble
        In memory, and the one that `simulate_many` gives for that many.

    Raises
    ------
    EscalateError
        Fewer replications than there are.

    Examples
    --------
    >>> import escalate as esc
    >>> few = esc.simulate_many(esc.load_scenario("february-2023"), replications=3, rng=1)
    >>> len(extended(few, 5).data["killed"])
    5
    """
    begin = ensemble.replications
    if replications < begin:
        raise EscalateError(f"`replications >= {begin}` must hold, but got {replications!r}")
    if replications == begin:
        return ensemble
    stages = (*ensemble.past, (math.inf, ensemble.scenario))
    more = _fought(
        stages, replications - begin, ensemble.seed, workers, tuple(ensemble.data), progress,
        None, ensemble.first + begin,
    )  # fmt: skip
    data = {name: np.concatenate([old, more.data[name]]) for name, old in ensemble.data.items()}
    return replace(ensemble, replications=int(replications), data=data)


def _fought(
    stages: Stages,
    replications: int,
    seed: Seed,
    workers: int | None,
    chosen: tuple[str, ...],
    progress: bool | Callable[[int, int], None] | None,
    store: str | os.PathLike[str] | None,
    begin: int = 0,
) -> Ensemble:
    """Fight wars that go through several scenarios, those from number `begin` on."""
    from escalate.engines.compiled import Course

    threads = os.cpu_count() or 1 if workers is None else workers
    for name, value in (("replications", replications), ("workers", threads)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
            raise EscalateError(f"`{name}` must be a whole number, 1 or more, but got {value!r}")
    _check_outcomes(chosen, OUTCOMES)
    scenario, replications = stages[-1][1], int(replications)
    # Another thread lays the scenario out once more, which a few short wars do not pay for.
    threads = min(threads, math.ceil(replications / 8))
    days, layers = _days(scenario), sum(len(side.layers) for side in scenario.sides.values())
    sizes = {
        "side": 2, "category": len(CATEGORIES), "target_category": len(TARGET_CATEGORIES),
        "layer": layers, "day": days,
    }  # fmt: skip
    shapes = {
        name: (replications, *(sizes[dimension] for dimension in OUTCOMES[name][1:]))
        for name in chosen
    }
    kinds: dict[str, Any] = {
        name: np.float64 if name not in DAILY
        else np.float32 if name == "damage_per_day" else np.int32
        for name in chosen
    }  # fmt: skip
    # Refuses what cannot be fought, before there is anything on the disk.
    idle = [Course(stages)]
    sink = InMemory(shapes, kinds) if store is None else OnDisk(Path(store), shapes, kinds)
    stop = threading.Event()

    def chunk(stretch: tuple[int, int]) -> int:
        """Fight one stretch of replications and put their outcomes into place."""
        first, number = stretch
        course = idle.pop() if idle else Course(stages)

        def failed(replication: int, error: Exception) -> None:
            again = "simulate(scenario, " if len(stages) == 1 else "replayed(stages, "
            raise ReplicationError(
                f"replication {replication} failed: {error}; to see it again, call "
                f"{again}rng={seed!r}, replication={replication})"
            ) from error

        found = fight_stretch(course, seed, begin + first, number, chosen, failed, stop)
        for name, rows in found.items():
            sink.put(name, first, rows)
        idle.append(course)
        return number

    with sink:
        _in_threads(chunk, threads, replications, progress, stop)
        ensemble = Ensemble(scenario, seed, replications, {}, stages[:-1], versions(), begin)
        data = sink.finish(ensemble)
    return replace(ensemble, data=data)


def fight_stretch(
    course: Course,
    seed: Seed,
    first: int,
    number: int,
    names: Iterable[str],
    failed: Callable[[int, Exception], None],
    stop: threading.Event | None = None,
) -> dict[str, np.ndarray[Any, Any]]:
    """Fight some replications, one after the other.

    Parameters
    ----------
    course : Course
        Where.
    seed : Seed
        Their randomness.
    first, number : int
        The first of them, and how many.
    names : iterable of str
        Which of `OUTCOMES` to give.
    failed : callable
        Called with a replication in which something went wrong, and what did.
    stop : threading.Event, optional
        Set if the rest need not be fought.

    Returns
    -------
    dict
        Outcome to array, a row a replication; nothing if stopped.
    """
    from escalate.engines.compiled import Sums

    chosen = tuple(names)
    daily = tuple(name for name in DAILY if name in chosen)
    sums = Sums(number, course.world, _days(course.world.scenario), daily)
    for k in range(number):
        if stop is not None and stop.is_set():
            return {}
        try:
            course.fight(seed.run_key(first + k), sums, k)
        except Exception as error:
            failed(first + k, error)
    tables = {
        name: table[..., i]
        for table, names_of in (
            (sums.side, BY_SIDE), (sums.category, BY_CATEGORY),
            (sums.target_category, BY_TARGET), (sums.layer, BY_LAYER), (sums.day, daily),
        )
        for i, name in enumerate(names_of)
    }  # fmt: skip
    return {name: tables[name] for name in chosen}


def _stretches(replications: int, threads: int) -> Iterator[tuple[int, int]]:
    """Give first and number of stretches, shorter to the end so that threads end together."""
    first = 0
    while first < replications:
        number = max(1, min(_CHUNK, (replications - first) // (4 * threads)))
        yield first, number
        first += number


def _in_threads(
    chunk: Callable[[tuple[int, int]], int],
    threads: int,
    replications: int,
    progress: bool | Callable[[int, int], None] | None,
    stop: threading.Event,
) -> None:
    """Work through chunks in threads; the compiled loop lets the interpreter go meanwhile."""
    done = 0
    with ThreadPoolExecutor(threads) as pool, Progress(progress, replications) as told:
        try:
            # Two chunks a thread are enough to keep it busy.
            for number in as_done(pool, chunk, _stretches(replications, threads), 2 * threads):
                done += number
                told(number)
        except KeyboardInterrupt:
            stop.set()
            raise KeyboardInterrupt(
                f"stopped after {done} of {replications} replications, of which nothing is kept"
            ) from None
        except BaseException:
            stop.set()  # those under way end with their war
            raise


class InMemory:
    """Takes outcomes into arrays.

    Parameters
    ----------
    shapes, kinds : mapping
        Of the array of each outcome.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], kinds: Mapping[str, Any]) -> None:
        self._data = {name: np.zeros(shape, kinds[name]) for name, shape in shapes.items()}

    def __enter__(self) -> InMemory:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def put(self, name: str, first: int, rows: np.ndarray[Any, Any]) -> None:
        """Put down an outcome of some replications."""
        self._data[name][first : first + len(rows)] = rows

    def finish(self, ensemble: Ensemble) -> dict[str, np.ndarray[Any, Any]]:
        """Give the arrays."""
        return self._data


class OnDisk:
    """Writes outcomes to a folder of NumPy files as they come; it appears whole or not at all.

    Parameters
    ----------
    folder : Path
        Where to; there must be nothing.
    shapes, kinds : mapping
        Of the array of each outcome.
    """

    def __init__(
        self, folder: Path, shapes: Mapping[str, tuple[int, ...]], kinds: Mapping[str, Any]
    ) -> None:
        if folder.exists():
            raise ResultError([Problem(str(folder), "there is something already, which is kept,")])
        self._folder, self._shapes, self._kinds = folder, shapes, kinds
        self._files: dict[str, tuple[int, int]] = {}

    def __enter__(self) -> OnDisk:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._part = Path(
            tempfile.mkdtemp(prefix=f".{self._folder.name}-", dir=self._folder.parent)
        )
        for name, shape in self._shapes.items():
            path = self._part / f"{name}.npy"
            header = {"descr": np.dtype(self._kinds[name]).str, "fortran_order": False,
                      "shape": shape}  # fmt: skip
            with path.open("wb") as file:
                np.lib.format.write_array_header_2_0(file, header)
                begin = file.tell()
                file.truncate(begin + math.prod(shape) * np.dtype(self._kinds[name]).itemsize)
            self._files[name] = os.open(path, os.O_WRONLY), begin
        return self

    def __exit__(self, *error: object) -> None:
        for file, _ in self._files.values():
            os.close(file)
        shutil.rmtree(self._part, ignore_errors=True)

    def put(self, name: str, first: int, rows: np.ndarray[Any, Any]) -> None:
        """Write an outcome of some replications, which many threads may do at once."""
        file, begin = self._files[name]
        block = np.ascontiguousarray(rows, self._kinds[name])
        size = block.nbytes // len(rows)
        os.pwrite(file, block.tobytes(), begin + first * size)

    def finish(self, ensemble: Ensemble) -> dict[str, np.ndarray[Any, Any]]:
        """Write what it is all about, and give the arrays as they lie on the disk."""
        record = _record(ensemble) | {"outcomes": list(self._shapes)}
        (self._part / _RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        self._part.chmod(0o755)
        os.rename(self._part, self._folder)
        return _mapped(self._folder, list(self._shapes))


_RECORD = "ensemble.json"


def _record(ensemble: Ensemble) -> dict[str, Any]:
    """Give all that makes an ensemble's numbers again."""
    return {
        "format": 1,
        "seed": {
            "entropy": str(ensemble.seed.entropy), "spawn_key": list(ensemble.seed.spawn_key),
        },
        "replications": ensemble.replications,
        "first": ensemble.first,
        "versions": dict(ensemble.versions),
        "scenario": write_scenario(ensemble.scenario),
        "past": [[hours, write_scenario(before)] for hours, before in ensemble.past],
    }  # fmt: skip


def _recorded(
    record: dict[str, Any], data: Mapping[str, np.ndarray[Any, Any]], file: str
) -> Ensemble:
    """Give the ensemble of a record."""
    if record["format"] != 1:
        raise ValueError(f"it has format {record['format']!r}, and this version reads 1")
    for name, values in data.items():
        if len(values) != record["replications"]:
            raise ValueError(f"{name} has {len(values)} replications")
    return Ensemble(
        read_scenario(record["scenario"], file),
        Seed(int(record["seed"]["entropy"]), tuple(record["seed"]["spawn_key"])),
        int(record["replications"]),
        data,
        tuple((float(hours), read_scenario(text, file)) for hours, text in record["past"]),
        record["versions"],
        record.get("first", 0),
    )


def _mapped(folder: Path, names: Iterable[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Give arrays that stay on the disk until they are looked at."""
    return {
        # An empty file cannot be mapped.
        name: np.load(path) if path.stat().st_size < 1024 else np.load(path, mmap_mode="r")
        for name in names
        for path in [folder / f"{name}.npy"]
    }
