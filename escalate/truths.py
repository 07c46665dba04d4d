"""What many wars give for reported figures, read where the compiled engine fights them.

A value is that of `escalate.metrics.figure_value` for the same replication, to the bit, at a
small part of its cost: the tables of a war are never turned into those of a `Run`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np

from escalate.engines._arrays import PLAIN, TABLES, arrays_of
from escalate.engines._gauge import BLACKOUT, DELAY, DISTINCT, DURATION, gauge
from escalate.engines._pack import GROWING, World, pack
from escalate.engines.compiled import Field
from escalate.errors import EscalateError
from escalate.events import KINDS
from escalate.figures import Figure
from escalate.metrics import _categories, _regions_of, check_figures
from escalate.randomness import RunKey, Seed
from escalate.scenario import Scenario

__all__ = ["Gauge", "figure_values"]

Array = np.ndarray[Any, Any]

_KINDS = {kind: number for number, kind in enumerate(KINDS)}
_SPECIAL = {"duration": DURATION, "response_delay": DELAY, "blackout_regions": BLACKOUT}
_CHUNK = 16


def figure_values(
    scenario: Scenario,
    figures: Iterable[Figure],
    *,
    replications: int,
    rng: object = None,
    workers: int | None = None,
) -> Array:
    """Give what each of many wars says to each of some reported figures.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    figures : iterable of Figure
        What was reported.
    replications : int
        How many wars, at least 1.
    rng : int, SeedSequence, Generator, BitGenerator or None, optional
        Randomness as in SPEC 7; the wars are those of `simulate_many`.
    workers : int, optional
        Threads; as many as there are processors if not given. The result does not depend on
        it.

    Returns
    -------
    ndarray of float64, shape (replications, figures)
        In the units of the figures; NaN where a war has nothing to compare.

    Raises
    ------
    EscalateError
        Fewer than one replication.
    ScenarioError
        A figure of a side, place or quantity that the scenario does not know.

    Examples
    --------
    >>> import escalate as esc
    >>> scenario = esc.load_scenario("february-2023")
    >>> figures = esc.comparison.figures_of(scenario)
    >>> values = figure_values(scenario, figures, replications=100, rng=1)
    >>> values.shape
    (100, 4)
    >>> run = esc.simulate(scenario, rng=1, replication=7)
    >>> bool((values[7] == [esc.metrics.figure_value(run, f) for f in figures]).all())
    True
    """
    chosen = tuple(figures)
    seed = Seed.of(rng)
    if not isinstance(replications, (int, np.integer)) or replications < 1:
        raise EscalateError(
            f"`replications` must be a whole number, 1 or more, but got {replications!r}"
        )
    threads = workers or os.cpu_count() or 1
    gauge = Gauge(scenario, chosen)
    starts = range(0, int(replications), _CHUNK)
    idle: list[Ground] = []

    def part(start: int) -> Array:
        ground = idle.pop() if idle else Ground(gauge)
        keys = [seed.run_key(k) for k in range(start, min(start + _CHUNK, int(replications)))]
        values = ground.values(keys)
        idle.append(ground)
        return values

    if threads == 1:
        return np.concatenate([part(start) for start in starts])
    with ThreadPoolExecutor(min(threads, len(starts))) as pool:
        return np.concatenate(list(pool.map(part, starts)))


class Gauge:
    """Where in a war's tables the figures are found; the same for scenarios of like parts.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    figures : iterable of Figure
        What was reported.

    Raises
    ------
    ScenarioError
        A figure of a side, place or quantity that the scenario does not know.
    """

    def __init__(self, scenario: Scenario, figures: Iterable[Figure]) -> None:
        self.scenario = scenario
        self.figures = tuple(figures)
        check_figures(scenario, self.figures)
        self.world = pack(scenario, RunKey(0, 0))
        # As much of a run as says where to look, so that this is stated in one place only.
        self._stub: Any = SimpleNamespace(
            scenario=scenario,
            names=self.world.names,
            tables={"regions": {"side": np.array(self.world.regions["side"])}},
        )
        self._places: list[Array] = []
        by_kind: list[list[tuple[list[int], tuple[float, float]]]] = [[] for _ in KINDS]
        special: list[tuple[list[int], tuple[float, float]]] = []
        self.costs: list[tuple[int, int, float, float]] = []
        self.shares: list[int] = []
        for number, figure in enumerate(self.figures):
            both = figure.attacker == "both"
            sides = range(2) if both else [self.world.names["side"].index(figure.attacker)]
            for side in sides:
                self._add(number, figure, side, by_kind, special)
        counts = [len(entries) for entries in by_kind]
        self.first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.entries, self.windows = _table([entry for kind in by_kind for entry in kind])
        self.special, self.special_windows = _table(special)
        self.regions = np.zeros((max(len(self._places), 1), self.world_regions), np.uint8)
        for row, held in zip(self.regions, self._places, strict=False):
            row[held] = 1

    @property
    def world_regions(self) -> int:
        """How many regions there are."""
        return len(self.world.regions["side"])

    def _add(self, number: int, figure: Figure, side: int, by_kind: Any, special: Any) -> None:
        """Put down what is added up for a figure of what a side did."""
        scenario, quantity = self.scenario, figure.quantity
        window = (
            scenario.hours(datetime.combine(figure.date_start, time())),
            scenario.hours(datetime.combine(figure.date_end + timedelta(days=1), time())),
        )
        categories = sum(1 << int(c) for c in _categories(figure))
        if quantity == "cost":
            self.costs.append((number, side, *window))
            return
        if quantity == "spillover":
            third = self.world.names["third_party"]
            neighbours = np.array(self.world.regions["third_party"])
            held: Array | None = np.flatnonzero(
                neighbours == third.index(figure.place)
                if figure.place in third
                else neighbours >= 0
            )
        else:
            held = _regions_of(self._stub, figure, 1 - side)
        row = -1
        if held is not None:
            row = len(self._places)
            self._places.append(held.astype(np.int64))
        if quantity in _SPECIAL:
            special.append(([number, side, _SPECIAL[quantity], categories, row], window))
            return
        sent = ("launched",) if held is None else ("intercepted", "leaked")
        if quantity in ("launched", "strikes"):
            kinds: tuple[tuple[str, int], ...] = tuple((kind, 0) for kind in sent)
        elif quantity == "intercepted_fraction":
            kinds = (("intercepted", 0), *((kind, 1) for kind in sent))
            self.shares.append(number)
        elif quantity == "hits":
            kinds = (("leaked" if figure.unit == "weapons" else "damage", 0),)
        elif quantity == "regions_hit":
            kinds = (("leaked", DISTINCT),)
        elif quantity == "spillover":
            kinds = (("strayed", 0),)
        else:
            kinds = ((quantity, 0),)
        for kind, slot in kinds:
            by_kind[_KINDS[kind]].append(([number, side, slot, categories, row], window))

    def fits(self, world: World) -> bool:
        """Tell whether the figures are found in another world at the same places."""
        return world.names == self.world.names and all(
            world.regions[column] == self.world.regions[column]
            for column in ("side", "third_party")
        )


class Ground(Field):
    """A place where one thread fights wars of like scenarios, and reads the figures off them.

    Parameters
    ----------
    gauge : Gauge
        Where the figures are found.
    world : World, optional
        What a war begins with; the gauge's own scenario if not given.
    """

    def __init__(self, gauge: Gauge, world: World | None = None) -> None:
        super().__init__(gauge.world if world is None else world)
        self._gauge = gauge
        self._mark = np.zeros((len(gauge.entries) + 1, gauge.world_regions), np.uint8)

    def lay(self, world: World) -> bool:
        """Lay another scenario out in the same place; tell whether it fits there.

        Parameters
        ----------
        world : World
            Its tables.

        Returns
        -------
        bool
            False, and nothing is done, if it has other parts.
        """
        if not self._gauge.fits(world) or world.functions or world.policies:
            return False
        fresh = arrays_of(world, {})
        names = (*PLAIN, *(name for name in TABLES if name not in GROWING))
        if (
            any(len(getattr(fresh, name)) != len(getattr(self._pristine, name)) for name in names)
            or fresh.horizon != self._pristine.horizon
        ):
            return False
        self._reset()
        for name in names:
            getattr(self._pristine, name)[:] = getattr(fresh, name)
            getattr(self._view.arrays, name)[:] = getattr(fresh, name)
        self.world = world
        return True

    def values(self, keys: Sequence[RunKey]) -> Array:
        """Fight wars and give what each says to each figure.

        Parameters
        ----------
        keys : sequence of RunKey
            Their randomness.

        Returns
        -------
        ndarray of float64, shape (wars, figures)
        """
        g = self._gauge
        sums = np.zeros((len(keys), len(g.figures), 2))
        for k, key in enumerate(keys):
            arrays = self.fight(key)
            gauge(
                self._view, g.first, g.entries, g.windows, g.special, g.special_windows,
                g.regions, self._mark, sums[k],
            )  # fmt: skip
            if g.costs:
                strikes = arrays.strikes[: arrays.used["strikes"][0]]
                began, side = strikes["first_launch_hours"], strikes["side"]
                for number, attacker, begin, end in g.costs:
                    chosen = (side == attacker) & (began >= begin) & (began < end)
                    sums[k, number, 0] += strikes["cost_usd"][chosen].sum()
        values: Array = sums[:, :, 0]
        for number in g.shares:
            sent = sums[:, number, 1]
            values[:, number] = np.where(
                sent > 0.0, values[:, number] / np.where(sent > 0.0, sent, 1.0), math.nan
            )
        return np.ascontiguousarray(values)


def _table(entries: list[tuple[list[int], tuple[float, float]]]) -> tuple[Array, Array]:
    """Give entries and their windows as arrays."""
    numbers = np.array([entry for entry, _ in entries], dtype=np.int64).reshape(-1, 5)
    return numbers, np.array([window for _, window in entries], dtype=float).reshape(-1, 2)
