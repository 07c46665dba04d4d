"""The fast engine: pack, run the compiled loop, unpack."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from escalate.engines._arrays import arrays_of, fresh, roomy, tables_of
from escalate.engines._fork import STATE, Stages, forks, packed
from escalate.engines._kernel import DONE, ROOM, fight
from escalate.engines._pack import GROWING, World, room_of
from escalate.engines._tally import BY_CATEGORY, BY_LAYER, BY_SIDE, BY_TARGET, DAILY, tally
from escalate.engines._views import View
from escalate.events import KINDS
from escalate.randomness import RunKey
from escalate.rules import CATEGORIES, TARGET_CATEGORIES

__all__ = ["Course", "Field", "Sums", "go_on"]

_CHUNK = 1024
_CHANGING = (*STATE, "channels", "memory")
"""Tables with columns that change in a war, beside those that grow."""


class Sums:
    """Outcomes of so many wars, to be filled in by `Field.fight`.

    Parameters
    ----------
    wars : int
        How many.
    world : World
        Tables of the scenario, or of one with the same things.
    days : int, optional
        Days of daily outcomes.
    daily : sequence of str, optional
        Which daily outcomes are wanted.
    """

    def __init__(self, wars: int, world: World, days: int = 0, daily: tuple[str, ...] = ()) -> None:
        weapons, layers, targets = (
            len(table["side"]) for table in (world.weapons, world.layers, world.targets)
        )
        self.side = np.zeros((wars, 2, len(BY_SIDE)))
        self.category = np.zeros((wars, 2, len(CATEGORIES), len(BY_CATEGORY)))
        self.target_category = np.zeros((wars, 2, len(TARGET_CATEGORIES), len(BY_TARGET)))
        self.layer = np.zeros((wars, layers, len(BY_LAYER)))
        self.day = np.zeros((wars, days if daily else 0, 2, len(daily)), np.float32)
        self._counts = np.zeros((len(KINDS) + 1, weapons + layers + targets + 3))
        self._values = np.zeros((len(KINDS), targets + 1))
        self._column = np.array([daily.index(n) if n in daily else -1 for n in DAILY])

    def clear(self) -> None:
        """Begin to add up another war."""
        self._counts[:] = 0.0
        self._values[:] = 0.0

    def of_log(self, war: int) -> tuple[Any, ...]:
        """Give what the log of a war is added to."""
        return self._counts, self._values, self.day[war], self._column

    def at_end(self, war: int) -> tuple[Any, ...]:
        """Give what is made of it at the end."""
        return (
            self._counts, self._values, self.side[war], self.category[war],
            self.target_category[war], self.layer[war],
        )  # fmt: skip


_NO_SUMS = (
    np.zeros((0, 0)), np.zeros((0, 0)), np.zeros((0, 0, 0), np.float32), np.zeros(0, np.int64)
)  # fmt: skip


class Field:
    """A place where one thread fights wars of a scenario, one after the other.

    Parameters
    ----------
    world : World
        What a war begins with.
    spare : Arrays, optional
        What another `rest` gave, whose memory is taken over.
    """

    def __init__(self, world: World, spare: Any = None) -> None:
        self.world = world
        self._room = room_of(world)
        self._needed = np.array([self._room[name] for name in GROWING], dtype=np.int64)
        self._pristine = arrays_of(world, {})
        self.wake(spare)
        arsenal, targets = len(world.weapons["side"]), len(world.targets["side"])
        self._scratch = (
            np.zeros(arsenal, dtype=np.int64),
            np.zeros(arsenal, dtype=np.int64),
            np.zeros(targets),
            np.zeros(targets, dtype=np.int64),
        )

    def rest(self) -> Any:
        """Give the memory away that wars are fought in, until `wake`.

        Returns
        -------
        Arrays
            For another's use.
        """
        self._reset()
        spare = self._view.arrays
        del self._view, self._states
        return spare

    def wake(self, spare: Any = None) -> None:
        """Be ready to fight again.

        Parameters
        ----------
        spare : Arrays, optional
            What `rest` gave, of this or another.
        """
        self._occupy(roomy(self._pristine, {n: r + _CHUNK for n, r in self._room.items()}, spare))

    def fight(
        self, key: RunKey, sums: Sums | None = None, war: int = 0, until: float = math.inf
    ) -> Any:
        """Fight one war from its beginning.

        Parameters
        ----------
        key : RunKey
            Its randomness.
        sums : Sums, optional
            Where its outcomes are put, as those of number `war`; its log is not kept then.
        war : int, optional
            Which of the wars of `sums`.
        until : float, optional
            Stop before what is due then. [h]

        Returns
        -------
        Arrays
            Its tables, which the next war overwrites.
        """
        self._reset()
        self._view.set_key(key.word0, key.word1)
        if sums is not None:
            sums.clear()
        return self._go_on(True, sums, war, until)

    def go_on(
        self, arrays: Any, sums: Sums | None = None, war: int = 0, until: float = math.inf
    ) -> Any:
        """Fight a war on that was stopped; parameters and result are those of `fight`.

        Parameters
        ----------
        arrays : Arrays
            Its tables, which are overwritten.
        sums, war, until : optional
            As for `fight`.

        Returns
        -------
        Arrays
        """
        self._view = View(arrays)
        self._enlarge()
        return self._go_on(False, sums, war, until)

    def _go_on(self, begin: bool, sums: Sums | None, war: int, until: float) -> Any:
        kept = _NO_SUMS if sums is None else sums.of_log(war)
        while True:
            status = fight(self._view, begin, until, self._needed, *self._scratch, *kept)
            if status != ROOM:
                break
            begin = False
            self._enlarge()
        if status == DONE and sums is not None:
            tally(self._view, *sums.at_end(war))
        return self._view.arrays

    def _occupy(self, arrays: Any) -> None:
        """Take arrays into use, and find what has to be set back before a war."""
        self._view = View(arrays)
        self._states = [
            (getattr(arrays, name).view(np.uint8), getattr(self._pristine, name).view(np.uint8))
            for name in (*_CHANGING, "used")
        ]

    def _reset(self) -> None:
        """Set the tables back to how they were packed."""
        arrays = self._view.arrays
        made = int(arrays.used["strikes"][0])
        # As numbers, because NumPy copies rows of named columns one column at a time.
        strikes, row = (table.view(np.int64).reshape(len(table), -1)
                        for table in (arrays.strikes, fresh("strikes", 1)))  # fmt: skip
        strikes[:made] = row
        for own, pristine in self._states:
            own[:] = pristine

    def _enlarge(self) -> None:
        """Make every table larger that might not take what one more step adds."""
        arrays = self._view.arrays
        for name in GROWING:
            table = getattr(arrays, name)
            if arrays.used[name][0] + self._room[name] > len(table):
                more = fresh(name, len(table) + self._room[name])
                arrays = arrays._replace(**{name: np.concatenate([table, more])})
        self._occupy(arrays)


class Course:
    """Where one thread fights wars that go through several scenarios, one after the other.

    Parameters
    ----------
    stages : Stages
        What is at war, and until when.
    spare : list of Arrays, optional
        What another `rest` gave, whose memory is taken over.
    """

    def __init__(self, stages: Stages, spare: Sequence[Any] = ()) -> None:
        worlds = packed(stages, RunKey(0, 0))
        self.world = worlds[-1]
        self._fields = [
            Field(world, one) for world, one in zip_longest(worlds, spare[: len(worlds)])
        ]
        self._forks = forks(stages, worlds)

    def rest(self) -> list[Any]:
        """Give the memory away that wars are fought in, until `wake`; as `Field.rest`."""
        return [field.rest() for field in self._fields]

    def wake(self, spare: Sequence[Any] = ()) -> None:
        """Be ready to fight again.

        Parameters
        ----------
        spare : list of Arrays, optional
            What `rest` gave, of this or another.
        """
        for field, one in zip_longest(self._fields, spare[: len(self._fields)]):
            field.wake(one)

    def fight(self, key: RunKey, sums: Sums, war: int) -> None:
        """Fight one war and put down its outcomes.

        Parameters
        ----------
        key : RunKey
            Its randomness.
        sums : Sums
            Where its outcomes are put, as those of number `war`.
        war : int
            Which of the wars of `sums`.
        """
        stops = [*(fork.at for fork in self._forks), math.inf]
        arrays = self._fields[0].fight(key, sums, war, stops[0])
        for fork, field, stop in zip(self._forks, self._fields[1:], stops[1:], strict=True):
            arrays = field.go_on(fork(arrays), sums, war, stop)


def go_on(world: World, until: float = math.inf) -> World:
    """Fight a war on from its beginning, or from where it was stopped.

    Parameters
    ----------
    world : World
        Its tables.
    until : float, optional
        Stop before what is due then, at the horizon at the latest. [h]

    Returns
    -------
    World
        The tables that the SimPy engine gives, to the last bit.
    """
    field = Field(world)
    if world.used["queue"] > 0:
        arrays = field.go_on(arrays_of(world, {}), until=until)
    else:
        arrays = field.fight(RunKey(world.key0, world.key1), until=until)
    return tables_of(world, arrays)
