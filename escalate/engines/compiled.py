"""The fast engine: pack, run the compiled loop, unpack."""

from __future__ import annotations

from typing import Any

import numpy as np

from escalate.engines._arrays import QUEUE, arrays_of, grown, referred, tables_of
from escalate.engines._kernel import DONE, fight
from escalate.engines._pack import GROWING, World, pack, room_of
from escalate.randomness import RunKey
from escalate.scenario import Scenario

__all__ = ["Field", "run"]

_CHUNK = 1024


class Field:
    """A place where one thread fights wars of a scenario, one after the other.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.world = pack(scenario, RunKey(0, 0))
        self._room = room_of(self.world)
        self._needed = np.array([self._room[n] for n in (*GROWING, "queue")], dtype=np.int64)
        self._pristine = arrays_of(self.world, dict.fromkeys(GROWING, 1))
        self.arrays = arrays_of(self.world, {n: self._room[n] + _CHUNK for n in GROWING})
        self._queue = np.zeros(self._room["queue"] + _CHUNK, QUEUE)
        # References do not keep what they refer to alive; the attributes above do.
        self._pristine_ref = referred(self._pristine)
        self._ref = referred(self.arrays)
        arsenal, targets = len(self.arrays.weapons), len(self.arrays.targets)
        self._scratch = (
            np.zeros(arsenal, dtype=np.int64),
            np.zeros(arsenal, dtype=np.int64),
            np.zeros(targets),
            np.zeros(targets, dtype=np.int64),
        )

    def fight(self, key: RunKey) -> Any:
        """Fight one war and give a reference to its tables, which the next one overwrites.

        Parameters
        ----------
        key : RunKey
            Its randomness.

        Returns
        -------
        Ref
        """
        while True:
            status = fight(
                self._pristine_ref, self._ref, key.word0, key.word1,
                self._queue, self._needed, *self._scratch,
            )  # fmt: skip
            if status == DONE:
                return self._ref
            # Too small a field: make it larger and fight the same war again from the start.
            self._enlarge()

    def _enlarge(self) -> None:
        """Double every table that might not take what one more step adds."""
        rows = {
            name: len(getattr(self.arrays, name)) + self._room[name]
            for name in GROWING
            if self.arrays.used[name] + self._room[name] > len(getattr(self.arrays, name))
        }
        if self.arrays.used["queue"] + self._room["queue"] > len(self._queue):
            more = np.zeros(len(self._queue) + self._room["queue"], QUEUE)
            self._queue = np.concatenate([self._queue, more])
        self.arrays = grown(self.arrays, rows)
        self._ref = referred(self.arrays)


def run(scenario: Scenario, key: RunKey) -> World:
    """Fight one war; the tables at the end are those of the SimPy engine, to the last bit.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    key : RunKey
        Its randomness.

    Returns
    -------
    World
    """
    field = Field(scenario)
    field.fight(key)
    return tables_of(field.world, field.arrays)
