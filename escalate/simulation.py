"""The one door: a scenario goes in, a run comes out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.engines import simpy as simpy_engine
from escalate.engines._pack import World, pack
from escalate.errors import EscalateError, closest
from escalate.randomness import Seed
from escalate.results import Run, versions
from escalate.scenario import Scenario

if TYPE_CHECKING:
    from escalate.engines.simpy import Process

__all__ = ["ENGINES", "check_engine", "collected", "go_on", "replicate", "simulate"]

ENGINES = ("simpy", "compiled")
"""Engines by name."""

_COLUMNS: dict[str, tuple[str, ...]] = {
    "weapons": ("side", "category", "initial", "made", "delivered", "launched", "stock"),
    "layers": (
        "side", "initial", "resupplied", "delivered", "spent", "destroyed", "magazine",
        "electronic",
    ),
    "targets": ("side", "category", "region", "sites", "damage"),
    "regions": ("side", "depth_km", "third_party", "alert_hours", "dark_hours"),
}  # fmt: skip
_FLOATS = {
    "time_hours", "value", "decided_hours", "first_launch_hours", "last_impact_hours", "damage",
    "severity", "cost_usd", "shot_cost_usd", "depth_km", "alert_hours", "dark_hours",
}  # fmt: skip


def simulate(
    scenario: Scenario,
    *,
    rng: object = None,
    replication: int = 0,
    engine: str = "simpy",
    processes: Iterable[Process] = (),
) -> Run:
    """Fight one war, fully traced.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    rng : int, SeedSequence, Generator, BitGenerator or None, optional
        Randomness as in SPEC 7. The run records what it came to as `Run.seed`, which may be
        given here to have the same run again.
    replication : int, optional
        Which of the wars of that seed.
    engine : str, optional
        One of `ENGINES`.
    processes : iterable of callable, optional
        Processes of your own: generator functions of the war under way, see
        `escalate.engines.simpy.War`. The SimPy engine only.

    Returns
    -------
    Run

    Raises
    ------
    EscalateError
        Unknown engine, or a rule or policy of your own that gives what cannot be used.

    Examples
    --------
    >>> import escalate as esc
    >>> run = esc.simulate(esc.load_scenario("two-equal-sides"), rng=1)
    >>> run == esc.simulate(run.scenario, rng=run.seed)
    True
    """
    if not isinstance(scenario, Scenario):
        raise EscalateError(
            f"`scenario` must be a Scenario, such as load_scenario(...) gives, but got "
            f"{type(scenario).__name__}"
        )
    check_engine(engine)
    whole = isinstance(replication, (int, np.integer)) and not isinstance(replication, bool)
    if not whole or not 0 <= replication < 1 << 62:
        raise EscalateError(
            f"a whole number with `0 <= replication < 2**62` must be given, but got {replication!r}"
        )
    own = tuple(processes)
    if own and engine != "simpy":
        raise EscalateError("processes of your own run in the 'simpy' engine only")
    seed = Seed.of(rng)
    world = pack(scenario, seed.run_key(int(replication)))
    run = collected(go_on(world, engine, processes=own), seed, int(replication))
    return replace(run, processes=tuple(getattr(p, "__name__", "process") for p in own))


def go_on(
    world: World, engine: str, until: float = math.inf, processes: Iterable[Process] = ()
) -> World:
    """Fight a war on with an engine, from its beginning or from where it was stopped.

    Parameters
    ----------
    world : World
        Its tables.
    engine : str
        One of `ENGINES`.
    until : float, optional
        Stop before what is due then. [h]
    processes : iterable of callable, optional
        Processes of the user's own.

    Returns
    -------
    World
    """
    check_engine(engine)
    if engine == "simpy":
        return simpy_engine.go_on(world, until, processes)
    from escalate.engines import compiled

    return compiled.go_on(world, until)


def check_engine(engine: str) -> None:
    """Refuse an unknown engine.

    Parameters
    ----------
    engine : str
        One of `ENGINES`.
    """
    if engine not in ENGINES:
        raise EscalateError(f"unknown engine {engine!r}: {closest(engine, ENGINES)}")


def replicate(
    scenario: Scenario,
    *,
    replications: int,
    rng: object = None,
    engine: str = "simpy",
) -> Iterator[Run]:
    """Fight a war again and again, one run at a time.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    replications : int
        How often.
    rng : optional
        As for `simulate`; replication k is ``simulate(..., rng=rng, replication=k)``.
    engine : str, optional
        One of `ENGINES`.

    Yields
    ------
    Run
        In the order of the replications.
    """
    if replications != int(replications) or replications < 0:
        raise EscalateError(f"`replications >= 0` must hold, but got {replications!r}")
    seed = Seed.of(rng)
    for replication in range(int(replications)):
        yield simulate(scenario, rng=seed, replication=replication, engine=engine)


def collected(
    world: World, seed: Seed, replication: int, past: tuple[tuple[float, Scenario], ...] = ()
) -> Run:
    """Cut the tables of a war to what was used and put them into arrays.

    Parameters
    ----------
    world : World
        A war fought to its end.
    seed : Seed
        What its key was made from.
    replication : int
        And which war of that seed.
    past : tuple, optional
        Scenarios that held before, and until when. [h]

    Returns
    -------
    Run
    """
    tables: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
    for name in ("log", "strikes"):
        used = world.used[name]
        tables[name] = {c: _array(c, v[:used]) for c, v in getattr(world, name).items()}
    for name, columns in _COLUMNS.items():
        table = getattr(world, name)
        tables[name] = {
            # Each thing's own number first, so that its row says its name.
            name.removesuffix("s"): np.arange(len(table["side"])),
            **{c: _array(c, table.get(c, [])) for c in columns},
        }
    return Run(
        scenario=world.scenario,
        seed=seed,
        replication=replication,
        tables=tables,
        names=world.names,
        past=past,
        versions=versions(),
    )


def _array(column: str, values: list[Any]) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=np.float64 if column in _FLOATS else np.int64)
