"""The fast engine: pack, run the compiled loop, unpack."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from escalate.engines._arrays import QUEUE, arrays_of, grown, referred, tables_of
from escalate.engines._kernel import DONE, ROOM, begin, end, fight, replicate
from escalate.engines._pack import GROWING, World, pack, room_of
from escalate.randomness import RunKey
from escalate.scenario import Scenario

__all__ = ["Field", "run"]

_CHUNK = 1024


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
    world = pack(scenario, key)
    room = room_of(world)
    arrays = arrays_of(world, {name: room[name] + _CHUNK for name in GROWING})
    queue = np.zeros(room["queue"] + _CHUNK, QUEUE)
    begin(referred(arrays), queue)
    arrays, _ = _fight(arrays, queue, room, math.inf)
    end(referred(arrays))
    return tables_of(world, arrays)


def _fight(
    arrays: Any, queue: np.ndarray[Any, Any], room: dict[str, int], until: float
) -> tuple[Any, np.ndarray[Any, Any]]:
    """Run the loop, giving it more room as it asks for it."""
    needed = np.array([room[name] for name in (*GROWING, "queue")], dtype=np.int64)
    arsenal, targets = len(arrays.weapons), len(arrays.targets)
    scratch = (
        np.zeros(arsenal, dtype=np.int64),
        np.zeros(arsenal, dtype=np.int64),
        np.zeros(targets),
        np.zeros(targets, dtype=np.int64),
    )
    while fight(referred(arrays), queue, needed, *scratch, until) == ROOM:
        arrays, queue = _with_room(arrays, queue, room)
    return arrays, queue


def _with_room(
    arrays: Any, queue: np.ndarray[Any, Any], room: dict[str, int]
) -> tuple[Any, np.ndarray[Any, Any]]:
    """Double every table that might not take what one more step adds."""
    rows = {
        name: len(getattr(arrays, name)) + room[name]
        for name in GROWING
        if arrays.used[name] + room[name] > len(getattr(arrays, name))
    }
    if arrays.used["queue"] + room["queue"] > len(queue):
        queue = np.concatenate([queue, np.zeros(len(queue) + room["queue"], QUEUE)])
    return grown(arrays, rows), queue


class Field:
    """A place where one thread fights replications of a scenario, one after the other.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    """

    def __init__(self, scenario: Scenario) -> None:
        world = pack(scenario, RunKey(0, 0))
        self._room = room_of(world)
        rows = {name: self._room[name] + _CHUNK for name in GROWING}
        self._pristine = arrays_of(world, dict.fromkeys(GROWING, 1))
        self._arrays = arrays_of(world, rows)
        self._pristine_ref = referred(self._pristine)
        self._ref = referred(self._arrays)
        self._queue = np.zeros(self._room["queue"] + _CHUNK, QUEUE)
        self._needed = np.array([self._room[n] for n in (*GROWING, "queue")], dtype=np.int64)
        arsenal, targets = len(self._arrays.weapons), len(self._arrays.targets)
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
            status = replicate(
                self._pristine_ref, self._ref, key.word0, key.word1,
                self._queue, self._needed, *self._scratch,
            )  # fmt: skip
            if status == DONE:
                return self._ref
            # Too small a field: make it larger and fight the same war again from the start.
            self._arrays, self._queue = _with_room(self._arrays, self._queue, self._room)
            self._ref = referred(self._arrays)
