"""A war as it stood at an hour: to look at, to go on with, or to let go on differently."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from escalate.engines._arrays import arrays_of, tables_of
from escalate.engines._fork import Fork, Stages, forks, packed
from escalate.engines._pack import GROWING, World
from escalate.errors import EscalateError
from escalate.randomness import Seed
from escalate.results import Run
from escalate.rules import plain
from escalate.scenario import Scenario
from escalate.simulation import collected, go_on

__all__ = ["Snapshot", "changed", "check_hours", "replayed", "snapshot"]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The whole state of a war at an hour, in plain arrays."""

    scenario: Scenario
    """What is at war."""
    seed: Seed
    """What `rng` came to."""
    replication: int
    """Which of the wars of that seed."""
    hours: float
    """When; what is due then has not happened yet. [h]"""
    past: tuple[tuple[float, Scenario], ...]
    """Scenarios that held before, each until its hour. [h]"""
    arrays: Any
    """The state as named tuple of structured arrays, a field a column: strikes, groups of weapons
    in the air, stocks, damage, memories, and in `queue` what is due. Changing them changes how
    the war goes on."""

    @property
    def tables(self) -> Mapping[str, np.ndarray[Any, Any]]:
        """The arrays by name, cut to the rows in use."""
        found: dict[str, np.ndarray[Any, Any]] = {}
        for name, values in self.arrays._asdict().items():
            if name in GROWING:
                found[name] = values[: self.arrays.used[name][0]]
            elif isinstance(values, np.ndarray):
                found[name] = values
        return found

    def resume(self, *, engine: str = "simpy") -> Run:
        """Fight the war on to its end.

        Parameters
        ----------
        engine : str, optional
            Which engine, whichever fought up to here.

        Returns
        -------
        Run
            To the last bit the run that was never stopped.
        """
        world = self._worlds(self._stages)[-1]
        world = go_on(tables_of(world, self.arrays), engine)
        return collected(world, self.seed, self.replication, self.past)

    def fork(self, changes: Mapping[str, Any] | Scenario, *, engine: str = "simpy") -> Run:
        """Fight the war on with other rules or parameters, and with the same randomness.

        Parameters
        ----------
        changes : mapping or Scenario
            As for `Scenario.replace`, or the scenario to go on with. A starting stock, magazine
            or number of channels that is changed comes as that many more or fewer now. A wait
            that has begun, such as a tempo's, goes on at its new pace. With another `end` the
            war is fought again up to here, without what was changed in `arrays` by hand.
        engine : str, optional
            Which engine.

        Returns
        -------
        Run
            With this snapshot's scenario as its past.

        Raises
        ------
        EscalateError
            Changes that would rewrite the past, or other weapons, layers, targets, regions or
            plans.
        ScenarioError
            Changes that give no scenario.
        """
        new = changed(self.scenario, changes)
        stages = (*self.past, (self.hours, self.scenario), (math.inf, new))
        worlds = self._worlds(stages)
        fork = Fork(worlds[-2], worlds[-1], self.hours)
        if new.horizon_hours == self.scenario.horizon_hours:
            arrays = self.arrays
        else:  # what is due after the old end was never written down
            arrays = arrays_of(_fought(stages[:-1], worlds[:-1], engine, self.hours), {})
        world = go_on(tables_of(worlds[-1], fork(arrays)), engine)
        return collected(world, self.seed, self.replication, stages[:-1])

    @property
    def _stages(self) -> Stages:
        return (*self.past, (math.inf, self.scenario))

    def _worlds(self, stages: Stages) -> list[World]:
        return packed(stages, self.seed.run_key(self.replication))


def changed(scenario: Scenario, changes: Mapping[str, Any] | Scenario) -> Scenario:
    """Give the scenario to go on with.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    changes : mapping or Scenario
        As for `Scenario.replace`, or the scenario itself.
    """
    if isinstance(changes, Scenario):
        return changes
    if not isinstance(changes, Mapping):
        raise EscalateError(
            f"`changes` must be a mapping of path to value, or a Scenario, but got {changes!r}"
        )
    return scenario.replace(changes)


def check_hours(hours: object, past: Stages, scenario: Scenario) -> None:
    """Refuse an hour at which a war cannot be stopped: outside it, or before its last fork.

    Parameters
    ----------
    hours : float
        When. [h]
    past : Stages
        Scenarios that held before.
    scenario : Scenario
        What is at war since.
    """
    least, most = past[-1][0] if past else 0.0, scenario.horizon_hours
    number = isinstance(hours, (int, float)) and not isinstance(hours, bool)
    if not number or not least <= hours <= most:  # type: ignore[operator]
        raise EscalateError(f"`{least} <= hours <= {most}` must hold, but got {hours!r}")


def snapshot(
    scenario: Scenario,
    rng: object,
    replication: int,
    hours: float,
    *,
    past: Stages = (),
    engine: str = "simpy",
) -> Snapshot:
    """Fight a war up to an hour.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    rng, replication
        As for `simulate`.
    hours : float
        Stop before what is due then. [h]
    past : tuple, optional
        Scenarios that held before, each until its hour. [h]
    engine : str, optional
        Which engine.

    Returns
    -------
    Snapshot

    Raises
    ------
    EscalateError
        An hour outside the war, or before its last fork.
    """
    hours = plain(hours)
    check_hours(hours, past, scenario)
    seed = Seed.of(rng)
    stages = (*past, (math.inf, scenario))
    worlds = packed(stages, seed.run_key(replication))
    arrays = arrays_of(_fought(stages, worlds, engine, float(hours)), {})
    return Snapshot(scenario, seed, replication, float(hours), past, arrays)


def replayed(stages: Stages, rng: object, replication: int, *, engine: str = "simpy") -> Run:
    """Fight one war that goes through several scenarios, fully traced.

    Parameters
    ----------
    stages : Stages
        What is at war and until when, the last one to the end. [h]
    rng, replication
        As for `simulate`.
    engine : str, optional
        Which engine.

    Returns
    -------
    Run
    """
    seed = Seed.of(rng)
    worlds = packed(stages, seed.run_key(replication))
    return collected(_fought(stages, worlds, engine), seed, replication, stages[:-1])


def _fought(stages: Stages, worlds: list[World], engine: str, hours: float = math.inf) -> World:
    """Fight through all stages up to an hour of the last."""
    stops = [*(at for at, _ in stages[:-1]), hours]
    links = forks(stages, worlds)
    world = go_on(worlds[0], engine, stops[0])
    for fork, new, stop in zip(links, worlds[1:], stops[1:], strict=True):
        world = go_on(tables_of(new, fork(arrays_of(world, {}))), engine, stop)
    return world
