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
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.engines._tally import BY_CATEGORY, BY_LAYER, BY_SIDE, BY_TARGET, DAILY
from escalate.errors import EscalateError, Problem, ResultError, closest
from escalate.randomness import Seed
from escalate.results import Run, versions
from escalate.rules import CATEGORIES, TARGET_CATEGORIES
from escalate.scenario import Scenario
from escalate.scenario_file import read_scenario, write_scenario
from escalate.simulation import simulate

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["OUTCOMES", "SERIES", "Ensemble", "ReplicationError", "load_ensemble", "simulate_many"]

_UNITS = {
    "cost_usd": "USD", "defence_cost_usd": "USD", "blackout_hours": "region-hours",
    "alert_hours": "region-hours", "response_delay_hours": "hours", "killed": "people",
    "injured": "people", "damage_sites": "sites", "reproduction_number": "1",
    "killed_per_day": "people", "injured_per_day": "people", "damage_per_day": "sites",
    "blackout_regions": "regions", "strikes": "strikes", "answers": "strikes",
    "strikes_per_day": "strikes", "false_alarms": "alarms", "rung": "1", "shots": "shots",
}  # fmt: skip

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
_CHUNK = 32


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
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the library and of what it computed with."""

    @cached_property
    def dataset(self) -> xr.Dataset:
        """The outcomes as an xarray Dataset, with units and provenance in the attributes."""
        import xarray as xr

        variables = {
            name: (OUTCOMES[name], values, {"units": _UNITS.get(name, "weapons")})
            for name, values in self.data.items()
        }
        used = {dim for dims, _, _ in variables.values() for dim in dims} | {"replication"}
        coords = {name: v for name, v in self._coordinates().items() if name in used}
        return xr.Dataset(variables, coords, self._provenance())

    def _coordinates(self) -> dict[str, Any]:
        layers = [
            f"{side}.{layer}"
            for side, member in self.scenario.sides.items()
            for layer in member.layers
        ]
        return {
            "replication": np.arange(self.replications),
            "side": list(self.scenario.sides),
            "category": list(CATEGORIES),
            "target_category": list(TARGET_CATEGORIES),
            "layer": layers if layers else np.array([], dtype="U1"),
            "day": np.arange(_days(self.scenario)),
        }

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
        return simulate(self.scenario, rng=self.seed, replication=int(replication))

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
        text = write_scenario(self.scenario)
        # netCDF 3 takes an empty dimension for one without limit, so a war without layers has
        # its empty outcomes left out; the names of all are kept, in their order.
        empty = [name for name, values in self.data.items() if values.size == 0]
        dataset = self.dataset.drop_vars(empty).assign_attrs(
            scenario_toml=text, outcomes=json.dumps(list(self.data))
        )
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
        What `Ensemble.save` wrote.

    Returns
    -------
    Ensemble

    Raises
    ------
    ResultError
        No saved ensemble there, or one that is damaged.
    """
    import xarray as xr

    try:
        with xr.open_dataset(io.BytesIO(Path(path).read_bytes()), engine="scipy") as opened:
            dataset = opened.load()
        attributes = dataset.attrs
        seed = Seed(
            int(attributes["seed_entropy"]), tuple(json.loads(attributes["seed_spawn_key"]))
        )
        scenario = read_scenario(attributes["scenario_toml"], str(path))
        replications = dataset.sizes["replication"]
        data = {
            name: dataset[name].to_numpy() if name in dataset else np.zeros((replications, 0))
            for name in json.loads(attributes["outcomes"])
        }
        return Ensemble(scenario, seed, replications, data, json.loads(attributes["versions"]))
    except ResultError:
        raise
    except Exception as error:
        problem = Problem(str(path), f"is no saved ensemble, or a damaged one: {error};")
        raise ResultError([problem]) from error


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

    Returns
    -------
    Ensemble

    Raises
    ------
    EscalateError
        Unknown outcome, or fewer than one replication.
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
    from escalate.engines._pack import pack
    from escalate.engines.compiled import Field, Sums

    if not isinstance(scenario, Scenario):
        raise EscalateError(
            f"`scenario` must be a Scenario, such as load_scenario(...) gives, but got "
            f"{type(scenario).__name__}"
        )
    for name, value in (("replications", replications), ("workers", workers or 1)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
            raise EscalateError(f"`{name}` must be a whole number, 1 or more, but got {value!r}")
    if isinstance(outcomes, str):
        outcomes = (outcomes,)
    chosen = tuple(_DEFAULT if outcomes is None else dict.fromkeys(outcomes))
    _check_outcomes(chosen, OUTCOMES)
    seed = Seed.of(rng)
    threads = min(workers or os.cpu_count() or 1, math.ceil(replications / _CHUNK))
    layers = sum(len(side.layers) for side in scenario.sides.values())
    daily = [name for name in DAILY if name in chosen]
    shapes: dict[str, tuple[int, ...]] = {
        "side": (2,), "category": (2, len(CATEGORIES)),
        "target_category": (2, len(TARGET_CATEGORIES)), "layer": (layers,),
    }  # fmt: skip
    data: dict[str, np.ndarray[Any, Any]] = {}
    for name in chosen:
        if name in DAILY:
            kind: Any = np.float32 if name == "damage_per_day" else np.int32
            data[name] = np.zeros((replications, _days(scenario), 2), kind)
        else:
            data[name] = np.zeros((replications, *shapes[OUTCOMES[name][-1]]))
    stop = threading.Event()
    idle: list[Field] = []

    def chunk(first: int) -> int:
        """Fight one stretch of replications and put their outcomes into place."""
        battlefield = idle.pop() if idle else Field(pack(scenario, seed.run_key(0)))
        number = min(_CHUNK, replications - first)
        sums = Sums(number, layers, _days(scenario), tuple(daily))
        try:
            for k in range(number):
                if stop.is_set():
                    return 0
                try:
                    battlefield.fight(seed.run_key(first + k), sums, k)
                except Exception as error:
                    raise ReplicationError(
                        f"replication {first + k} failed: {error}; to see it again, call "
                        f"simulate(scenario, rng={seed!r}, replication={first + k})"
                    ) from error
        finally:
            idle.append(battlefield)
        for table, names in (
            (sums.side, BY_SIDE), (sums.category, BY_CATEGORY),
            (sums.target_category, BY_TARGET), (sums.layer, BY_LAYER), (sums.day, daily),
        ):  # fmt: skip
            for i, name in enumerate(names):
                if name in data:
                    data[name][first : first + number] = table[..., i]
        return number

    _in_threads(chunk, range(0, replications, _CHUNK), threads, replications, progress, stop)
    return Ensemble(scenario, seed, replications, data, versions())


def _in_threads(
    chunk: Callable[[int], int],
    firsts: Iterable[int],
    threads: int,
    replications: int,
    progress: bool | Callable[[int, int], None] | None,
    stop: threading.Event,
) -> None:
    """Work through chunks in threads; the compiled loop lets the interpreter go meanwhile."""
    bar = None
    if progress is True:
        from tqdm import tqdm

        bar = tqdm(total=replications, unit="war")
    done = 0
    pool = ThreadPoolExecutor(threads)
    try:
        for future in as_completed([pool.submit(chunk, first) for first in firsts]):
            number = future.result()
            done += number
            if bar is not None:
                bar.update(number)
            elif callable(progress):
                progress(done, replications)
    except BaseException:
        # Ctrl-C, or a replication that failed: those under way end with their war.
        stop.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        if bar is not None:
            bar.close()
