"""A scenario fought at every point of a design: sweeps.

What a sweep gives is a table with a row for each point and replication, and each row is the war
``simulate(design.scenario(scenario, point), rng=seed, replication=replication)``: it depends on
nothing else, so the same table comes out of any number of workers, of threads, processes or
machines, in one go or after interruptions.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate._compile import source_hash
from escalate.designs import AS_IT_IS, TAKEN, Design
from escalate.ensemble import OUTCOMES, SERIES, UNITS, Ensemble, coordinates_of, fight_stretch
from escalate.errors import EscalateError, closest
from escalate.precision import Precision, mean_and_half_width
from escalate.randomness import Seed
from escalate.results import Run, versions
from escalate.rules import plain
from escalate.scenario import Scenario
from escalate.scenario_file import read_scenario, write_scenario
from escalate.simulation import simulate
from escalate.store import FORMAT, RECORD, Memory, Store, open_store, read_record
from escalate.work import Progress, as_done

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["Outcome", "Sweep", "load_sweep", "sweep"]

Outcome = Callable[[Ensemble], Any]
"""A function of some replications of a point's scenario that gives a number for each."""

_DEFAULT = tuple(name for name, dims in OUTCOMES.items() if dims == ("replication", "side"))
_SETUP_SHARE = 0.03  # of the time, at most, may go into laying out scenarios
_THREAD_SECONDS, _REMOTE_SECONDS = 0.25, 1.0  # what a piece of work should take
_ROWS = {"point": "int32", "replication": "int64", "error": "string", "seconds": "float32"}


# ---------------------------------------------------------------------------- what comes out
@dataclass(frozen=True, eq=False)
class Sweep:
    """What came out of a design: outcomes by point and replication."""

    record: Mapping[str, Any]
    """What was fought with what, as plain data."""
    source: Memory | Store
    """Where the rows are."""
    took_seconds: float = 0.0
    """How long this session's part of it took; 0 if it was loaded. [s]"""

    @cached_property
    def scenario(self) -> Scenario:
        """What the points change."""
        given = self.record["scenario"]
        return given if isinstance(given, Scenario) else read_scenario(given)

    @cached_property
    def design(self) -> Design:
        """The points."""
        given = self.record["design"]
        return given if isinstance(given, Design) else Design.of(given)

    @property
    def seed(self) -> Seed:
        """What `rng` came to."""
        given = self.record["seed"]
        return Seed(int(given["entropy"]), tuple(given["spawn_key"]))

    @property
    def precision(self) -> Precision | None:
        """How sure it was to become, if that was asked for."""
        given = self.record["replications"]
        return Precision(**given) if isinstance(given, dict) else None

    @property
    def columns(self) -> list[str]:
        """Names of the outcomes that are no series, each with its place, such as ``killed.UA``."""
        return [
            column
            for name, about in self.record["outcomes"].items()
            if "day" not in about["dims"]
            for column, _ in _places(name, about["dims"], self.record["coordinates"])
        ]

    @cached_property
    def _rows(self) -> dict[str, Any]:
        """All rows, in the order of points and replications, each once."""
        import pyarrow as pa

        schema = _schema(self.record)
        # One that was spoilt in its names, or by another hand, is none of ours.
        batches = [one for one in self.source.batches() if one.schema.equals(schema)]
        table = pa.Table.from_batches(batches, schema)
        point, replication = (table[name].to_numpy() for name in ("point", "replication"))
        order = np.lexsort((replication, point))
        point, replication = point[order], replication[order]
        # Two who worked at once may have fought the same one, to the same end.
        first = np.ones(len(order), bool)  # of rows that tell of the same war
        first[1:] = (point[1:] != point[:-1]) | (replication[1:] != replication[:-1])
        table = table.take(order[first])
        rows: dict[str, Any] = {
            name: table[name].to_numpy() for name in ("point", "replication", "seconds")
        }
        rows["error"] = np.array(table["error"].to_pylist(), dtype=object)
        for name, about in self.record["outcomes"].items():
            for column, _ in _places(name, about["dims"], self.record["coordinates"]):
                values: Any = table[column].combine_chunks()
                if "day" in about["dims"]:
                    flat = values.flatten().to_numpy()
                    rows[column] = flat.reshape(len(values), schema.field(column).type.list_size)
                else:
                    rows[column] = values.to_numpy(zero_copy_only=False)
        return rows

    @cached_property
    def dataset(self) -> xr.Dataset:
        """The outcomes as an xarray Dataset, by point and replication, NaN where there is none."""
        import xarray as xr

        rows = self._rows
        points, most = len(self.design), int(rows["replication"].max(initial=-1)) + 1
        coords: dict[str, Any] = {
            "point": np.arange(points),
            "replication": np.arange(most),
            "error": ("point", self._errors()),
        }
        for parameter, values in zip(
            self.design.parameters, self.design.to_dataframe().items(), strict=True
        ):
            about = {"role": parameter.role, "path": parameter.path}
            coords[parameter.name] = ("point", values[1].to_numpy(), about)
        variables = {}
        for name, about in self.record["outcomes"].items():
            dims = about["dims"]
            sizes = [len(self.record["coordinates"][dim]) for dim in dims]
            kind = np.float32 if "day" in dims else np.float64
            block = np.full((points, most, *sizes), np.nan, kind)
            for column, place in _places(name, dims, self.record["coordinates"]):
                block[(rows["point"], rows["replication"], *place)] = rows[column]
            variables[name] = (("point", "replication", *dims), block, {"units": about["unit"]})
            coords |= {dim: list(self.record["coordinates"][dim]) for dim in dims}
        return xr.Dataset(variables, coords, self._provenance())

    def _errors(self) -> np.ndarray[Any, Any]:
        """Give the first thing that went wrong at each point; nothing if all is well."""
        rows = self._rows
        found = np.full(len(self.design), "", dtype=object)
        for i in np.flatnonzero(rows["error"] != "")[::-1]:
            found[rows["point"][i]] = rows["error"][i]
        return found.astype(str)

    def _provenance(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario.name,
            "design": self.design.kind,
            "seed_entropy": str(self.seed.entropy),
            "seed_spawn_key": json.dumps(list(self.seed.spawn_key)),
            "common_random_numbers": int(self.record["common"]),
            "versions": json.dumps(self.record["versions"]),
        }

    def to_dataframe(self) -> pd.DataFrame:
        """Give a tidy table: a row a point and replication.

        Returns
        -------
        DataFrame
            Columns ``point``, ``replication``, ``entropy`` and ``spawn_key`` (which make the war
            again, see `replay`), the parameters, the outcomes that are no series, and ``error``.
        """
        import pandas as pd

        rows = self._rows
        seeds = [
            _seed(self.seed, point, self.record["common"]) for point in range(len(self.design))
        ]
        columns: dict[str, Any] = {
            "point": rows["point"],
            "replication": rows["replication"],
            "entropy": str(self.seed.entropy),
            "spawn_key": np.array([json.dumps(list(s.spawn_key)) for s in seeds], dtype=object)[
                rows["point"]
            ],
        }
        for name, values in self.design.to_dataframe().items():
            columns[str(name)] = values.to_numpy()[rows["point"]]
        columns |= {column: rows[column] for column in self.columns}
        return pd.DataFrame(columns | {"error": rows["error"]})

    def table(
        self, outcomes: str | Iterable[str] | None = None, level: float = 0.95
    ) -> pd.DataFrame:
        """Give a table for a paper: a row a point, with means and their intervals.

        Parameters
        ----------
        outcomes : str or iterable of str, optional
            Which of `columns`; all if not given.
        level : float, optional
            Chance that an interval holds the mean that endless replications would give; for each
            mean by itself. [-]

        Returns
        -------
        DataFrame
            Index ``point``; the parameters, ``replications``; for each outcome its mean, and
            ``.low`` and ``.high`` of Student's interval; and ``error``. Replications without a
            value are left out.
        """
        from scipy import special

        if not 0.0 < level < 1.0:
            raise EscalateError(f"`0 < level < 1` must hold, but got {level!r}")
        chosen = (
            self.columns
            if outcomes is None
            else [outcomes]
            if isinstance(outcomes, str)
            else outcomes
        )
        frame = self.design.to_dataframe()
        rows = self._rows
        points = len(self.design)
        frame["replications"] = np.bincount(rows["point"], minlength=points)
        for column in chosen:
            values = self._values(column)
            if values.ndim > 1:
                raise EscalateError(f"a table has one number a point, but {column!r} is a series")
            known = ~np.isnan(values)
            at, value = rows["point"][known], values[known]
            number = np.bincount(at, minlength=points)
            with np.errstate(divide="ignore", invalid="ignore"):
                mean = np.bincount(at, value, points) / number
                var = np.bincount(at, (value - mean[at]) ** 2, points) / (number - 1)
                half = special.stdtrit(number - 1.0, (1.0 + level) / 2.0) * np.sqrt(var / number)
            frame[column] = mean
            frame[f"{column}.low"] = mean - half
            frame[f"{column}.high"] = mean + half
        frame["error"] = self._errors()
        return frame

    def mean(self, column: str) -> np.ndarray[Any, Any]:
        """Give the mean of an outcome at each point.

        Parameters
        ----------
        column : str
            One of `columns`, or of a series such as ``killed_per_day.UA``.

        Returns
        -------
        ndarray, shape (points,) or (points, days)
            Over the replications that have a value; NaN where none has.
        """
        values, at = self._values(column), self._rows["point"]
        flat = values.reshape(len(values), -1).astype(float)
        out = np.empty((len(self.design), flat.shape[1]))
        for i, numbers in enumerate(flat.T):
            known = ~np.isnan(numbers)
            with np.errstate(invalid="ignore"):
                out[:, i] = np.bincount(at[known], numbers[known], len(out)) / np.bincount(
                    at[known], minlength=len(out)
                )
        return out.reshape(len(out), *values.shape[1:])

    def values(self, column: str) -> np.ndarray[Any, Any]:
        """Give an outcome of every war.

        Parameters
        ----------
        column : str
            As for `mean`.

        Returns
        -------
        ndarray, shape (points, replications) or (points, replications, days)
            NaN where it has no value.
        """
        found, rows = self._values(column), self._rows
        size = len(self.design), int(rows["replication"].max(initial=-1)) + 1
        block = np.full((*size, *found.shape[1:]), np.nan)
        block[rows["point"], rows["replication"]] = found
        return block

    def difference(self, column: str, to: int = 0, level: float = 0.95) -> pd.DataFrame:
        """Give by how much the mean of an outcome differs at each point from that at one of them.

        Parameters
        ----------
        column : str
            One of `columns`.
        to : int, optional
            Number of the point to compare with; in a one-at-a-time design, 0 is the scenario.
        level : float, optional
            Chance that an interval holds the difference; for each by itself. [-]

        Returns
        -------
        DataFrame
            Index ``point``; the parameters, ``difference``, ``low``, ``high``, and ``pairs``,
            replications in which both have a value. With common random numbers the interval is
            that of paired differences, which is often much narrower than those of the means.
        """
        _check_number("to", to, len(self.design))
        values = self.values(column)
        if values.ndim > 2:
            raise EscalateError(f"a table has one number a point, but {column!r} is a series")
        frame = self.design.to_dataframe()
        found = []
        base, its = mean_and_half_width(values[to], level)
        for own in values:
            if self.record["common"]:
                change, half = mean_and_half_width(own - values[to], level)
            else:
                mean, own_half = mean_and_half_width(own, level)
                change, half = mean - base, math.hypot(own_half, its)
            pairs = int((~np.isnan(own - values[to])).sum())
            found.append((change, change - half, change + half, pairs))
        names = ["difference", "low", "high", "pairs"]
        frame[names] = found
        return frame.astype({"pairs": int})

    def unit(self, column: str) -> str:
        """Give the unit of an outcome; nothing for one of your own.

        Parameters
        ----------
        column : str
            As for `mean`.
        """
        self._values(column)
        name = column if column in self.record["outcomes"] else column.partition(".")[0]
        return str(self.record["outcomes"][name]["unit"])

    def _values(self, column: str) -> np.ndarray[Any, Any]:
        known = [name for name in self._rows if name not in _ROWS]
        if column not in known:
            raise EscalateError(f"unknown outcome {column!r}: {closest(str(column), known)}")
        return np.asarray(self._rows[column])

    def grid(self, column: str) -> xr.DataArray:
        """Give the mean of an outcome over the parameters of a grid, a dimension each.

        Parameters
        ----------
        column : str
            As for `mean`, but no series.

        Returns
        -------
        DataArray
            NaN at combinations that are no points.
        """
        import xarray as xr

        frame = self.design.to_dataframe()
        if frame.duplicated().any():
            raise EscalateError("a grid must have each combination once, but some come twice")
        axes = [
            [label for label in (*dict(one.choices), AS_IT_IS) if label in set(frame[one.name])]
            if one.choices
            else sorted(set(frame[one.name]), key=lambda v: (isinstance(v, str), v))
            for one in self.design.parameters
        ]
        values = np.full([len(axis) for axis in axes], np.nan)
        means = self.mean(column)
        if means.ndim > 1:
            raise EscalateError(f"a grid shows one number a point, but {column!r} is a series")
        for number, row in enumerate(frame.itertuples(index=False)):
            values[tuple(axis.index(v) for axis, v in zip(axes, row, strict=True))] = means[number]
        return xr.DataArray(values, dict(zip(frame.columns, axes, strict=True)), name=column)

    @property
    def missing(self) -> int:
        """How many replications are still to be fought; with a precision, until the next look."""
        rows, points = self._rows, len(self.design)
        number = np.bincount(rows["point"], minlength=points)
        if self.precision is None:
            return int(np.maximum(int(self.record["replications"]) - number, 0).sum())
        looks, values = self.precision.looks(), self._values(self.precision.outcome)
        left = 0
        for point, own in enumerate(number):
            seen = values[rows["point"] == point]
            if own not in looks or not (own == looks[-1] or _enough(self.precision, seen)):
                left += next(look for look in looks if look > own) - int(own)
        return left

    @cached_property
    def unmet(self) -> pd.DataFrame:
        """Points at which the precision asked for was not reached, and how far they came.

        Index ``point``; columns ``replications``, ``mean``, ``half_width``.
        """
        import pandas as pd

        found = []
        if self.precision is not None:
            values, at = self._values(self.precision.outcome), self._rows["point"]
            for point in range(len(self.design)):
                own = values[at == point]
                if not self.precision.reached(own):
                    mean = float(np.nanmean(own)) if np.any(~np.isnan(own)) else math.nan
                    found.append((point, len(own), mean, self.precision.half_width_of(own)))
        columns = ["point", "replications", "mean", "half_width"]
        return pd.DataFrame(found, columns=columns).set_index("point")

    @property
    def timing(self) -> pd.DataFrame:
        """How long the wars of each point took: ``seconds`` by point, without the laying out."""
        import pandas as pd

        rows, points = self._rows, len(self.design)
        seconds = np.bincount(rows["point"], rows["seconds"], points)
        number = np.bincount(rows["point"], minlength=points)
        return pd.DataFrame(
            {"replications": number, "seconds": seconds},
            index=pd.RangeIndex(points, name="point"),
        )

    def scenario_of(self, point: int) -> Scenario:
        """Give the scenario of a point.

        Parameters
        ----------
        point : int
            Number of the point.
        """
        _check_number("point", point, len(self.design))
        return self.design.scenario(self.scenario, int(point))

    def replay(self, point: int, replication: int) -> Run:
        """Fight the war of one row again, fully traced, with the SimPy engine.

        Parameters
        ----------
        point, replication : int
            As in the table.

        Returns
        -------
        Run
            Its totals are those of the row.
        """
        scenario = self.scenario_of(point)
        most = self.precision.most if self.precision else int(self.record["replications"])
        _check_number("replication", replication, most)
        seed = _seed(self.seed, int(point), self.record["common"])
        return simulate(scenario, rng=seed, replication=replication)

    def __str__(self) -> str:
        """Say in a few lines what was done."""
        timing = self.timing
        wars, seconds = int(timing["replications"].sum()), float(timing["seconds"].sum())
        lines = [
            f"{self.scenario.name or 'scenario'}: {self.design.kind} design of "
            f"{len(self.design):,} points over {', '.join(self.design.names)}; {wars:,} wars"
        ]
        if self.took_seconds and wars:
            lines.append(
                f"took {_duration(self.took_seconds)}; the wars alone {_duration(seconds)} of one "
                f"processor, {seconds / max(wars, 1) * 1e3:.2g} ms a war"
            )
        slowest = timing["seconds"] / timing["replications"].clip(lower=1)
        if len(slowest) > 1 and slowest.max() > 3.0 * slowest.median() > 0.0:
            lines.append(
                f"slowest: point {slowest.idxmax()} with {slowest.max() * 1e3:.2g} ms a war, "
                f"{slowest.max() / slowest.median():.0f} times the median"
            )
        errors = self._errors()
        failed = np.flatnonzero(errors != "")
        if len(failed):
            lines.append(
                f"{len(failed)} points failed, the first of them point {failed[0]}: "
                f"{errors[failed[0]]}"
            )
        if self.precision is not None and not self.missing:
            lines.append(f"{len(self.unmet)} points are less sure than was asked for")
        if self.missing:
            lines.append(f"not finished: {self.missing:,} wars are missing")
        return "\n".join(lines)


def _duration(seconds: float) -> str:
    if seconds < 60.0:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {seconds % 60:.0f} s"


def load_sweep(folder: str | os.PathLike[str]) -> Sweep:
    """Read what a sweep has stored, finished or not.

    Parameters
    ----------
    folder : str or path
        The `store` of `sweep`.

    Returns
    -------
    Sweep

    Raises
    ------
    ResultError
        No store there, or a damaged one.
    """
    record = read_record(Path(folder))
    return Sweep(record, Store(Path(folder), record))


def _seed(seed: Seed, point: int, common: bool) -> Seed:
    return seed if common else Seed(seed.entropy, (*seed.spawn_key, point))


def _places(
    name: str, dims: Sequence[str], coordinates: Mapping[str, Sequence[Any]]
) -> list[tuple[str, tuple[Any, ...]]]:
    """Give the columns of an outcome, and which place in its array each is."""
    kept = [dim for dim in dims if dim != "day"]
    labels = [coordinates[dim] for dim in kept]
    found = []
    for place in np.ndindex(*(len(known) for known in labels)):
        words = [str(known[i]) for known, i in zip(labels, place, strict=True)]
        at = dict(zip(kept, place, strict=True))
        index = tuple(at.get(dim, slice(None)) for dim in dims)
        found.append((".".join([name, *words]), index))
    return found


# ---------------------------------------------------------------------------- what is done
_SPARE = threading.local()  # in each thread the memory that the last wars were fought in
_KEPT = 256  # layouts that threads keep, so that the memory of a sweep has a bound
_AGAIN_SHARE = 0.2  # of what a layout takes, to take up one that was kept


@dataclass(frozen=True)
class _Rows:
    """What came of some pieces of work."""

    point: np.ndarray[Any, Any]
    replication: np.ndarray[Any, Any]
    error: list[str]
    seconds: np.ndarray[Any, Any]
    data: dict[str, np.ndarray[Any, Any]]
    setup_seconds: float
    """Spent on laying out the scenarios."""


@dataclass(frozen=True)
class _Job:
    """Fights stretches of replications of points, in whichever thread, process or machine."""

    base: Scenario
    names: tuple[str, ...]
    own: tuple[tuple[str, Outcome], ...]
    shapes: Mapping[str, tuple[int, ...]]
    seed: Seed
    common: bool
    stop: threading.Event | None = None
    kept: dict[int, Any] | None = None
    """Layouts by point, for threads that come back to them."""

    def __call__(self, piece: Sequence[tuple[int, Mapping[str, Any], int, int]]) -> _Rows:
        """Give the rows of stretches (point, changes, first replication, how many)."""
        points: list[int] = []
        replications: list[int] = []
        errors: list[str] = []
        seconds: list[float] = []
        data: dict[str, list[Any]] = {name: [] for name in self.shapes}
        setup = 0.0
        for point, changes, first, number in piece:
            wrong: dict[int, str] = {}
            begun = time.perf_counter()
            found: dict[str, Any] = {}
            ready = begun
            try:
                course = self._course(point, changes)
                ready = time.perf_counter()
                found = self._fight(course, point, first, number, wrong)
                _SPARE.arrays = course.rest()
                if self.kept is not None:
                    self.kept[point] = course
                if self.stop is not None and self.stop.is_set():
                    break
            except Exception as error:
                wrong = dict.fromkeys(range(first, first + number), _said(error))
            over = time.perf_counter()
            setup += ready - begun
            failed = [k - first for k in wrong]
            for name, shape in self.shapes.items():
                rows = found.get(name)
                if rows is None:
                    rows = np.full((number, *shape), np.nan)
                rows = rows.astype(np.float32 if name in SERIES else np.float64)
                rows[failed] = np.nan
                data[name].append(rows)
            points += [point] * number
            replications += range(first, first + number)
            errors += [wrong.get(k, "") for k in range(first, first + number)]
            seconds += [(over - ready) / number] * number
        return _Rows(
            np.array(points, np.int32), np.array(replications, np.int64), errors,
            np.array(seconds, np.float32),
            {name: np.concatenate(parts) for name, parts in data.items() if parts}, setup,
        )  # fmt: skip

    def _course(self, point: int, changes: Mapping[str, Any]) -> Any:
        """Give a place to fight the wars of a point; memory is handed from one to the next."""
        from escalate.engines.compiled import Course

        spare = getattr(_SPARE, "arrays", ())
        _SPARE.arrays = ()
        course = None if self.kept is None else self.kept.pop(point, None)
        if course is not None:
            course.wake(spare)
            return course
        scenario = self.base.replace(changes) if changes else self.base
        course = Course(((math.inf, scenario),), spare)
        for dim in {"side", *(dim for name in self.names for dim in OUTCOMES[name][1:])}:
            then, now = (list(coordinates_of(one)[dim]) for one in (self.base, scenario))
            if then != now:
                raise EscalateError(
                    f"outcomes by {dim} need the same {dim}s in the same order at all points, but "
                    f"this one has {_few(now)} and the scenario {_few(then)}"
                )
        return course

    def _fight(
        self, course: Any, point: int, first: int, number: int, wrong: dict[int, str]
    ) -> dict[str, Any]:
        seed = _seed(self.seed, point, self.common)
        wanted = dict.fromkeys((*self.names, *(_DEFAULT if self.own else ())))

        def failed(replication: int, error: Exception) -> None:
            wrong[replication] = _said(error)

        found: dict[str, Any] = fight_stretch(
            course, seed, first, number, wanted, failed, self.stop
        )
        if found and self.own:
            ensemble = Ensemble(
                course.world.scenario, seed, number, dict(found), versions=versions(), first=first
            )
            for name, outcome in self.own:
                try:
                    values = np.asarray(outcome(ensemble), dtype=float)
                except Exception as error:
                    raise EscalateError(f"outcome {name!r}: {_said(error)}") from error
                if values.shape != (number,):
                    raise EscalateError(
                        f"outcome {name!r}: it must give an array of shape ({number},), a number "
                        f"for each replication, but it has {values.shape}"
                    )
                found[name] = values
        return found


def _few(values: list[Any]) -> str:
    """Give some of many."""
    return f"{len(values)} of them" if len(values) > 8 else str(values)


def _said(error: Exception) -> str:
    """Give what went wrong in one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, EscalateError) else f"{type(error).__name__}: {text}"


class _Work:
    """What is still to be fought, in which order and in which pieces.

    Parameters
    ----------
    design : Design
        The points.
    most : int
        Replications of a point at most.
    setup, war : float
        What laying out a point, and a war, takes. [s]
    aim : float
        What a piece should take. [s]
    """

    def __init__(self, design: Design, most: int, setup: float, war: float, aim: float) -> None:
        self.design, self.aim = design, aim
        self.done = np.zeros((len(design), most), bool)
        self.setup, self.war = setup, war
        # Laying out is to take no more than its share.
        least = math.ceil(setup * (1.0 - _SETUP_SHARE) / (_SETUP_SHARE * war))
        self.block = min(max(least, 1), most)

    def rounds(self) -> list[int]:
        """Give how far each round takes every point, so that all come on alike."""
        most = self.done.shape[1]
        rounds = max(most // self.block, 1)
        return [math.ceil(most * (i + 1) / rounds) for i in range(rounds)]

    def pieces(self, points: Iterable[int], begin: int, end: int) -> Iterator[list[Any]]:
        """Give what is to be done of a round, so much at a time as takes `aim`."""
        piece: list[Any] = []
        cost = 0.0
        for point in points:
            changes = None
            for first, number in _gaps(self.done[point, begin:end], begin):
                while number > 0:
                    most = max(math.ceil(2.0 * self.aim / self.war), self.block)
                    # What is left over should be no scrap.
                    now = number if number < 2 * most else most
                    if changes is None:
                        changes = self.design.changes(point)
                    piece.append((int(point), changes, first, now))
                    cost += self.setup + now * self.war
                    first, number = first + now, number - now
                    if cost >= self.aim:
                        yield piece
                        piece, cost = [], 0.0
        if piece:
            yield piece

    def did(self, point: Any, replication: Any) -> None:
        """Take note of what was done."""
        self.widen(int(np.max(replication, initial=-1)) + 1)
        self.done[point, replication] = True

    def widen(self, replications: int) -> None:
        """Make room for more replications."""
        self.done = _wide(self.done, replications, False)

    def learn(self, rows: _Rows) -> None:
        """Take note of what was done and how long it took."""
        self.did(rows.point, rows.replication)
        if len(rows.seconds):
            self.war = max(0.9 * self.war + 0.1 * float(rows.seconds.mean()), 1e-7)


def _wide(array: np.ndarray[Any, Any], columns: int, blank: Any) -> np.ndarray[Any, Any]:
    """Give an array at least so many columns."""
    more = columns - array.shape[1]
    return np.pad(array, ((0, 0), (0, more)), constant_values=blank) if more > 0 else array


def _gaps(done: np.ndarray[Any, Any], begin: int) -> list[tuple[int, int]]:
    """Give the stretches (first, how many) that are not done."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], done, [True]]).astype(np.int8)))
    return [(begin + int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def sweep(
    scenario: Scenario,
    design: Design,
    *,
    replications: int | Precision,
    rng: object = None,
    outcomes: str | Iterable[str] | Mapping[str, Outcome | None] | None = None,
    store: str | os.PathLike[str] | None = None,
    executor: Executor | Any | None = None,
    workers: int | None = None,
    part: tuple[int, int] = (1, 1),
    common: bool = True,
    progress: bool | Callable[[int, int], None] | None = None,
) -> Sweep:
    """Fight a scenario at every point of a design.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    design : Design
        The points, see `escalate.designs`.
    replications : int or Precision
        Wars at each point; or until the interval of an outcome is as narrow as asked there.
    rng : int, SeedSequence, Generator or None, optional
        Randomness as in SPEC 7; that of the store if there is one already and none is given.
    outcomes : str, iterable of str, or mapping, optional
        Which of `escalate.ensemble.OUTCOMES` to keep; those by side if not given. In a mapping,
        None stands for one of these, and a function of an `Ensemble` that gives a number for each
        of its replications is an outcome of one's own; the ensemble has the point's scenario, the
        outcomes asked for and those by side, for some of the replications.
    store : str or path, optional
        A folder that the rows are written to as they come, and from which the same call takes an
        interrupted sweep up again; see `escalate.store`.
    executor : Executor or Client, optional
        Where the wars are fought: any of `concurrent.futures`, or a `distributed.Client`; threads
        of this process if not given.
    workers : int, optional
        Threads, or how many pieces the executor works on at once; found out if not given.
    part : tuple of int, optional
        ``(k, n)`` fights the k-th of n parts of the points, as one of n jobs that share a store.
    common : bool, optional
        Whether all points are fought with the same luck, so that they differ by their parameters
        alone.
    progress : bool or callable, optional
        True for a bar with the time left on standard error, or a function called with
        (done, total).

    Returns
    -------
    Sweep
        The same whoever fights it. A war that fails is a row with its error.

    Raises
    ------
    EscalateError
        An argument that cannot be used, or an executor that broke.
    ScenarioError
        A path that leads nowhere, or a choice that is possible at no point.
    ResultError
        There is something else at `store`.
    KeyboardInterrupt
        Ctrl-C; what was fought is kept in the store.

    Examples
    --------
    >>> import escalate as esc
    >>> war = esc.load_scenario("two-equal-sides")
    >>> channels = esc.lever("sides.A.layers.point.channels", choices=[4, 16])
    >>> table = esc.sweep(war, esc.designs.grid(channels), replications=50, rng=1)
    >>> table.dataset["killed"].sizes["point"], table.missing
    (2, 0)
    """
    begun = time.perf_counter()
    if not isinstance(scenario, Scenario):
        raise EscalateError(
            f"`scenario` must be a Scenario, such as load_scenario(...) gives, but got "
            f"{type(scenario).__name__}"
        )
    if not isinstance(design, Design):
        raise EscalateError(
            f"`design` must be a Design, such as grid(...) gives, but got {type(design).__name__}"
        )
    _check_whole("workers", 1 if workers is None else workers)
    if not isinstance(replications, Precision):
        _check_whole("replications", replications)
    if not (
        isinstance(part, (tuple, list)) and len(part) == 2
        and all(isinstance(x, (int, np.integer)) for x in part) and 1 <= part[0] <= part[1]
    ):  # fmt: skip
        raise EscalateError(f"`part` must be (k, n) with `1 <= k <= n`, but got {part!r}")
    names, own = _outcomes(outcomes, replications)
    heads = {*names, *(name for name, _ in own)}
    for name in design.names:
        if name.partition(".")[0] in heads:
            raise EscalateError(
                f"{name!r} is both an outcome and a parameter: give it another name"
            )
    design.check(scenario)
    if rng is None and store is not None and (Path(store) / RECORD).exists():
        rng = Sweep(read_record(Path(store)), Memory({})).seed
    seed = Seed.of(rng)
    record = _record(scenario, design, seed, replications, names, own, common)
    coordinates = record["coordinates"]
    shapes = {
        name: tuple(len(coordinates[dim]) for dim in about["dims"])
        for name, about in record["outcomes"].items()
    }
    if isinstance(replications, Precision):
        known = [
            column
            for name, about in record["outcomes"].items()
            if "day" not in about["dims"]
            for column, _ in _places(name, about["dims"], coordinates)
        ]
        if replications.outcome not in known:
            wrong = replications.outcome
            raise EscalateError(f"unknown outcome {wrong!r}: {closest(wrong, known)}")
    source: Memory | Store
    if store is None:
        source = Memory(record)
    else:
        kept = record | {"scenario": write_scenario(scenario), "design": design.record()}
        header = ["point", *design.names]
        points = ([i, *row] for i, row in enumerate(design.to_dataframe().itertuples(index=False)))
        source = open_store(Path(store), kept, [header, *points])
    # Keeping book of the sources of numbers takes half the time of changing one.
    bare = scenario if own else replace(scenario, sources={})
    job = _Job(bare, names, own, shapes, seed, common)
    _fight_all(job, design, replications, source, executor, workers, part, progress)
    return Sweep(record, source, time.perf_counter() - begun)


def _check_number(name: str, value: Any, end: int) -> None:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not 0 <= value < end:
        raise EscalateError(f"`0 <= {name} < {end}` must hold, but got {value!r}")


def _check_whole(name: str, value: object) -> None:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise EscalateError(f"`{name}` must be a whole number, 1 or more, but got {value!r}")


def _outcomes(
    outcomes: Any, replications: int | Precision
) -> tuple[tuple[str, ...], tuple[tuple[str, Outcome], ...]]:
    """Sort outcomes into the library's and the user's own."""
    if outcomes is None:
        outcomes = _DEFAULT
    elif isinstance(outcomes, str):
        outcomes = (outcomes,)
    if not isinstance(outcomes, Iterable):
        raise EscalateError(f"`outcomes` must be names of outcomes, but got {outcomes!r}")
    if isinstance(outcomes, Mapping):
        own = tuple((name, given) for name, given in outcomes.items() if given is not None)
        names = [name for name, given in outcomes.items() if given is None]
    else:
        own, names = (), list(outcomes)
    for name, given in own:
        if not callable(given) or not isinstance(name, str) or name in TAKEN or "." in name:
            raise EscalateError(
                f"an outcome of one's own must be a function under a new name without dots, but "
                f"got {given!r} as {name!r}"
            )
    own_names = [name for name, _ in own]
    if isinstance(replications, Precision):
        head = replications.outcome.partition(".")[0]
        if head not in own_names:
            names.append(head)
    for name in names:
        if name not in OUTCOMES:
            raise EscalateError(f"unknown outcome {name!r}: {closest(str(name), OUTCOMES)}")
    return tuple(dict.fromkeys(names)), own


def _record(
    scenario: Scenario,
    design: Design,
    seed: Seed,
    replications: int | Precision,
    names: Sequence[str],
    own: Sequence[tuple[str, Outcome]],
    common: bool,
) -> dict[str, Any]:
    """Give all that the rows depend on."""
    about = {
        name: {"dims": list(OUTCOMES[name][1:]), "unit": UNITS.get(name, "weapons")}
        for name in names
    }
    for name, outcome in own:
        said = f"{outcome.__module__}.{getattr(outcome, '__qualname__', type(outcome).__name__)}"
        about[name] = {"dims": [], "unit": "", "function": said, "code": _code_of(outcome)}
    used = {dim for one in about.values() for dim in one["dims"]}
    coordinates = {
        dim: [v.item() if isinstance(v, np.generic) else v for v in values]
        for dim, values in coordinates_of(scenario).items()
        if dim in used
    }
    return {
        "format": FORMAT,
        "scenario": scenario,
        "design": design,
        "seed": {"entropy": str(seed.entropy), "spawn_key": list(seed.spawn_key)},
        "common": bool(common),
        "replications": {name: plain(given) for name, given in asdict(replications).items()}
        if isinstance(replications, Precision)
        else int(replications),
        "outcomes": about,
        "coordinates": coordinates,
        "versions": {**versions(), "sources": source_hash()},
    }


def _code_of(outcome: Outcome) -> str:
    """Give digits that change with what a function does, though not with what it refers to."""

    def parts(code: Any) -> Iterator[Any]:
        yield from (code.co_code, code.co_names)
        for one in code.co_consts:
            yield from parts(one) if hasattr(one, "co_code") else (one,)

    code = getattr(outcome, "__code__", None)
    said = repr(list(parts(code))) if code is not None else type(outcome).__qualname__
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


def _fight_all(
    job: _Job,
    design: Design,
    replications: int | Precision,
    source: Memory | Store,
    executor: Any,
    workers: int | None,
    part: tuple[int, int],
    progress: bool | Callable[[int, int], None] | None,
) -> None:
    """Fight what is not in the source yet."""
    # In no order, so that a sweep stopped in its first round has points from everywhere.
    points = np.random.default_rng(0).permutation(len(design))[part[0] - 1 :: part[1]]
    precision = replications if isinstance(replications, Precision) else None
    if not len(points):
        return
    most = precision.least if precision else int(replications)  # type: ignore[arg-type]
    setup, war = _measured(job, design, points)
    aim = _THREAD_SECONDS if executor is None else _REMOTE_SECONDS
    keeping = executor is None and len(points) <= _KEPT
    work = _Work(design, most, setup * _AGAIN_SHARE if keeping else setup, war, aim)
    watched = _Watched(precision, source.record, len(design))
    schema = _schema(source.record)
    for batch in source.batches():
        if batch.schema.equals(schema):
            at = batch["point"].to_numpy(), batch["replication"].to_numpy()
            work.did(*at)
            watched.take(*at, batch)
    ends = list(precision.looks()) if precision else work.rounds()
    total = len(points) * (precision.most if precision else most)
    done = int(work.done[points].sum())
    stop = threading.Event()
    own = ThreadPoolExecutor(workers or os.cpu_count() or 1) if executor is None else None
    pool, at_once = _pool(own or executor, workers)
    if own is not None:
        job = replace(job, stop=stop, kept={} if keeping else None)
    try:
        with Progress(progress, total, done) as told:

            def fight(pieces: Iterator[list[Any]]) -> None:
                for rows in _told(as_done(pool, job, pieces, at_once), source):
                    if not len(rows.point):
                        continue
                    batch = _batch(rows, schema, source.record)
                    source.append(batch)
                    work.learn(rows)
                    watched.take(rows.point, rows.replication, batch)
                    told(len(rows.point))

            if precision is None:
                begins = [0, *ends[:-1]]
                fight(
                    piece
                    for begin, end in zip(begins, ends, strict=True)
                    for piece in work.pieces(points, begin, end)
                )
            else:
                active, begin = points, 0
                for end in ends:
                    work.widen(end)
                    fight(work.pieces(active, begin, end))
                    active = np.array([p for p in active if not watched.enough(p, end)], int)
                    begin = end
    except KeyboardInterrupt:
        stop.set()
        now = int(work.done[points].sum())
        message = f"stopped after {now:,} of {total:,} wars; {_whereabouts(source)}"
        raise KeyboardInterrupt(message) from None
    finally:
        stop.set()
        if own is not None:
            own.shutdown(cancel_futures=True)
        source.close()


def _told(results: Iterator[_Rows], source: Memory | Store) -> Iterator[_Rows]:
    """Say what became of an executor that fails; wars that fail are rows."""
    try:
        yield from results
    except BrokenExecutor as error:
        message = f"a worker of the executor died: {error}; {_whereabouts(source)}"
        raise EscalateError(message) from error
    except EscalateError:
        raise
    except Exception as error:
        message = f"the executor failed: {_said(error)}; {_whereabouts(source)}"
        raise EscalateError(message) from error


def _whereabouts(source: Memory | Store) -> str:
    """Say what becomes of what was done."""
    if isinstance(source, Memory):
        return "nothing is kept"
    return f"what was done is in {source.folder}, and the same call goes on from there"


def _pool(executor: Any, workers: int | None) -> tuple[Executor, int]:
    """Give where pieces are submitted, and how many of them at once."""
    if hasattr(executor, "get_executor"):  # a distributed.Client
        found = sum(executor.nthreads().values())
        executor = executor.get_executor(pure=False, retries=3)
    else:
        names = ("_max_workers", "num_workers")
        found = next((int(n) for name in names if (n := getattr(executor, name, None))), 0)
    if not hasattr(executor, "submit"):
        raise EscalateError(
            "`executor` must be an executor as of concurrent.futures, or a distributed.Client, "
            f"but got {type(executor).__name__}"
        )
    # Some in hand for each, so that none waits for the next.
    return executor, 3 * (workers or found or os.cpu_count() or 1)


def _measured(job: _Job, design: Design, points: Iterable[int]) -> tuple[float, float]:
    """Give how many seconds laying out a point, and a war, takes here."""
    setups, wars, told = [], [], []
    for point in islice(points, 4):
        changes = design.changes(int(point))
        job([(int(point), changes, 0, 1)])  # compiles, or loads what is compiled, the first time
        number = 1
        while True:
            rows = job([(int(point), changes, 0, number)])
            if rows.error[0] or float(rows.seconds.sum()) > 0.01 or number >= 64:
                break
            number *= 4
        told.append(rows.error[0])
        if not rows.error[0]:
            setups.append(rows.setup_seconds)
            wars.append(float(rows.seconds[0]))
        if sum(wars) > 1.0:
            break
    if not wars:
        if told and all(one.startswith("outcome ") for one in told):
            raise EscalateError(
                f"{told[0]}; the ensemble that it gets holds the outcomes by side, and those given "
                "as None"
            )
        return 0.003, 0.001
    return float(np.median(setups)), max(float(np.median(wars)), 1e-7)


class _Watched:
    """The values of the outcome whose interval is to become narrow.

    Parameters
    ----------
    precision : Precision or None
        What is asked for, if anything is.
    record : mapping
        What the rows are about.
    points : int
        How many.
    """

    def __init__(self, precision: Precision | None, record: Mapping[str, Any], points: int) -> None:
        self._precision = precision
        self._values = np.full((points, precision.least), np.nan) if precision else None

    def take(self, point: Any, replication: Any, batch: Any) -> None:
        """Take note of rows."""
        if self._precision is not None and self._values is not None:
            values = batch[self._precision.outcome].to_numpy(zero_copy_only=False)
            widest = int(np.max(replication, initial=-1)) + 1
            self._values = _wide(self._values, widest, np.nan)
            self._values[point, replication] = values

    def enough(self, point: int, number: int) -> bool:
        """Say whether the first so many replications of a point are enough, or hopeless."""
        assert self._precision is not None and self._values is not None
        return _enough(self._precision, self._values[point, :number])


def _enough(precision: Precision, values: np.ndarray[Any, Any]) -> bool:
    """Say whether values are enough, or there will never be any."""
    return bool(np.all(np.isnan(values))) or precision.reached(values)


def _schema(record: Mapping[str, Any]) -> Any:
    """Give the columns of the rows."""
    import pyarrow as pa

    fields = [pa.field(name, getattr(pa, kind)()) for name, kind in _ROWS.items()]
    coordinates = record["coordinates"]
    for name, about in record["outcomes"].items():
        kind = (
            pa.list_(pa.float32(), len(coordinates["day"]))
            if "day" in about["dims"]
            else pa.float64()
        )
        for column, _ in _places(name, about["dims"], coordinates):
            fields.append(pa.field(column, kind))
    return pa.schema(fields)


def _batch(rows: _Rows, schema: Any, record: Mapping[str, Any]) -> Any:
    """Give rows as they are kept."""
    import pyarrow as pa

    arrays = [pa.array(rows.point), pa.array(rows.replication),
              pa.array(rows.error, pa.string()), pa.array(rows.seconds)]  # fmt: skip
    for name, about in record["outcomes"].items():
        block = rows.data[name]
        for _, place in _places(name, about["dims"], record["coordinates"]):
            values = np.ascontiguousarray(block[(slice(None), *place)])
            if "day" in about["dims"]:
                flat = pa.array(values.ravel())
                arrays.append(pa.FixedSizeListArray.from_arrays(flat, values.shape[1]))
            else:
                arrays.append(pa.array(values))
    return pa.record_batch(arrays, schema=schema)
