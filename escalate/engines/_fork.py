"""How a war that was stopped goes on under another scenario.

What has happened is kept: stocks, damage, memories, weapons in the air, decisions already
taken. What is yet to be drawn or decided follows the new scenario from the hour of the fork
on, with the randomness of the war.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from escalate.engines import _steps as steps
from escalate.engines._arrays import arrays_of, fresh, seen
from escalate.engines._pack import EVENT, GROWING, World, in_turn, pack, room_of
from escalate.engines.simpy import (
    ALARM,
    CALENDAR,
    CALM,
    CHECK,
    END,
    ENTER,
    GRID,
    IMPACT,
    REVIEW,
    TEMPO,
)
from escalate.errors import EscalateError
from escalate.laws.damage import remaining
from escalate.laws.stockpile import tempo_hazard
from escalate.randomness import RunKey
from escalate.rules import MEMORY, USER
from escalate.scenario import Scenario

__all__ = ["STATE", "Fork", "Stages", "forks", "packed"]

Stages = tuple[tuple[float, Scenario], ...]
"""The scenarios of a war and until when each holds; the last one to the end. [h]"""

STATE: dict[str, tuple[str, ...]] = {
    "sides": (
        "weapon_mask", "target_mask", "depth_km", "rung", "calm_version", "grid_version",
        "strikes", "suffered", "last_suffered_hours", "killed_total", "restricted",
        "false_alarms", "alarm_hours",
    ),
    "weapons": (
        "stock", "progress", "settled_hours", "earmark_progress", "earmarked", "committed",
        "launched", "made", "delivered",
    ),
    "regions": (
        "alert_until", "alert_hours", "dark", "dark_ever", "dark_since", "dark_hours",
    ),
    "targets": ("damage", "at_hours", "since_hours"),
    "sites": ("damage", "at_hours"),
    "layers": (
        "channels", "magazine", "progress", "settled_hours", "spent", "resupplied", "delivered",
        "destroyed",
    ),
    "tempos": ("count", "next_hours"),
    "retaliations": (
        "asked", "struck", "struck_before", "own_strikes", "launched", "hits", "killed",
        "injured", "damage", "weapon_mask", "target_mask", "quiet_hours", "provoked_by",
    ),
}  # fmt: skip
"""Columns that a war changes. All others of these tables are parameters."""

_ADDED = {("weapons", "stock"), ("layers", "channels"), ("layers", "magazine")}
"""Of a changed beginning, these take over the difference; any other takes the new value."""


def packed(stages: Stages, key: RunKey) -> list[World]:
    """Lay the scenarios of a war out as tables, all with the last one's horizon.

    Parameters
    ----------
    stages : Stages
        What is at war, one after the other.
    key : RunKey
        The run's key.

    Returns
    -------
    list of World
    """
    horizon = stages[-1][1].horizon_hours
    return [replace(pack(scenario, key), horizon=horizon) for _, scenario in stages]


def forks(stages: Stages, worlds: list[World]) -> list[Fork]:
    """Give what leads from each of a war's scenarios to the next.

    Parameters
    ----------
    stages : Stages
        What is at war.
    worlds : list of World
        What `packed` made of it; fresh, as an engine may change those it is given.

    Returns
    -------
    list of Fork
    """
    return [
        Fork(old, new, at) for old, new, (at, _) in zip(worlds, worlds[1:], stages, strict=False)
    ]


class Fork:
    """What turns the tables of a war into those with which it goes on.

    Parameters
    ----------
    old, new : World
        Fresh from `packed`.
    at : float
        When. [h]

    Raises
    ------
    EscalateError
        The new scenario has other weapons, layers, regions, targets or plans, another start,
        something new in the past, or ends before the fork.
    """

    def __init__(self, old: World, new: World, at: float) -> None:
        self.at = at
        self._old_world, self._new_world = old, new
        self._old, self._new = arrays_of(old, {}), arrays_of(new, {})
        self._room = room_of(new)
        self._check()
        self._tempos = self._matched("tempo")
        self._answers = self._matched("retaliation")
        self._entries = self._matched_entries()
        self._made_differently = [
            side
            for side in range(2)
            if self._differ("sides", side, ("production_at_risk",))
            or self._any_differ("weapons", side)
            or self._any_differ("targets", side)
        ]
        self._dark_differently = [
            side
            for side in range(2)
            if self._differ("sides", side, ("restriction",))
            or self._any_differ("regions", side)
            or self._any_differ("targets", side)
        ]

    def __call__(self, arrays: Any) -> Any:
        """Give the tables under the new scenario.

        Parameters
        ----------
        arrays : Arrays
            Tables of a war stopped at the fork's hour, under the old scenario. What is made and
            repaired up to then is booked in them where its pace changes.

        Returns
        -------
        Arrays
            New ones, with room for one step.
        """
        own = {name: getattr(arrays, name).copy() for name in (*STATE, "used")}
        log = np.concatenate([arrays.log, fresh("log", self._room["log"])])
        arrays = arrays._replace(**own, log=log)
        self._book(arrays)
        values = {
            name: np.concatenate([getattr(arrays, name), fresh(name, self._room[name])])
            for name in GROWING
        }
        values |= {name: self._state(name, getattr(arrays, name)) for name in STATE}
        values["channels"] = self._channels(arrays.channels)
        values["memory"] = self._memory(arrays.memory)
        for name in ("strikes", "orders"):
            column = values[name]["retaliation"]
            known = np.append(self._answers_onward(), -1)
            column[:] = known[column]
        values["used"] = arrays.used.copy()
        forked = self._new._replace(**values, key0=arrays.key0, key1=arrays.key1)
        rows = sorted(self._queue(arrays, forked), reverse=True)
        for i, name in enumerate(EVENT):
            forked.queue[name][: len(rows)] = [row[i] for row in rows]
        forked.used["queue"] = len(rows)
        return forked

    # What can be carried over.

    def _check(self) -> None:
        old, new, at = self._old_world, self._new_world, self.at
        if old.scenario.start != new.scenario.start:
            raise EscalateError(
                f"a fork keeps `start`, but it is {old.scenario.start} and {new.scenario.start}"
            )
        for kind in ("side", "weapon", "layer", "region", "target", "plan"):
            if self._names(old, kind) != self._names(new, kind):
                other = set(self._names(old, kind)) ^ set(self._names(new, kind))
                raise EscalateError(
                    f"a fork keeps the {kind}s of a war and their order, but got others: "
                    f"{', '.join(sorted(other)) or 'another order'}"
                )
        for t, (before, after) in enumerate(
            zip(old.targets["sites"], new.targets["sites"], strict=True)
        ):
            if before != after:
                raise EscalateError(
                    f"a fork keeps the sites of a target, but those of "
                    f"{self._names(old, 'target')[t]} are {before} and {after}"
                )
        if not 0.0 <= at <= new.horizon:
            raise EscalateError(
                f"a fork must lie in the war, from 0 to {new.horizon} h, but is at {at!r} h"
            )

    @staticmethod
    def _names(world: World, kind: str) -> list[str]:
        if kind == "side":
            return list(world.names["side"])
        sides = world.names["side"]
        owners = getattr(world, f"{kind}s")["side"]
        return [f"{sides[i]}.{name}" for i, name in zip(owners, world.names[kind], strict=True)]

    def _matched(self, kind: str) -> list[int]:
        """Give for each of the new scenario's which of the old one's it is, -1 for none."""
        known = {name: i for i, name in enumerate(self._names(self._old_world, kind))}
        return [known.get(name, -1) for name in self._names(self._new_world, kind)]

    def _answers_onward(self) -> np.ndarray[Any, Any]:
        onward = np.full(len(self._old.retaliations), -1)
        for new, old in enumerate(self._answers):
            if old >= 0:
                onward[old] = new
        return onward

    def _matched_entries(self) -> dict[int, int]:
        """Give the new number of an old calendar entry that is in the new calendar too."""
        worlds = (self._old_world, self._new_world)
        entries = [in_turn(world.scenario) for world in worlds]
        known = {stream: i for i, stream in enumerate(self._old_world.calendar["stream"])}
        calendar = self._new_world.calendar
        found: dict[int, int] = {}
        for i, stream in enumerate(calendar["stream"]):
            k = known.get(stream, -1)
            if k >= 0:
                found[k] = i
            over = calendar["every_hours"][i] == calendar["until_hours"][i] == math.inf
            if (
                calendar["kind"][i] != steps.DEADLINE_ENTRY
                and calendar["at_hours"][i] < self.at
                and (k < 0 or (over and entries[0][k] != entries[1][i]))
            ):
                date = self._new_world.scenario.date
                raise EscalateError(
                    "a fork changes nothing in the past, but a calendar entry at "
                    f"{date(calendar['at_hours'][i])} is new or another, and the fork is at "
                    f"{date(self.at)}"
                )
        return found

    def _differ(self, table: str, row: int, columns: Sequence[str] = ()) -> bool:
        """Tell whether parameters of a row change; all of them if none is named."""
        old, new = getattr(self._old, table), getattr(self._new, table)
        names = columns or [n for n in old.dtype.names if n not in STATE[table]]
        return any(old[n][row] != new[n][row] for n in names)

    def _any_differ(self, table: str, side: int) -> bool:
        rows = np.flatnonzero(getattr(self._old, table)["side"] == side)
        return any(self._differ(table, int(row)) for row in rows)

    # What is kept.

    def _book(self, arrays: Any) -> None:
        """Book what was made and repaired until now at a pace that changes now."""
        w = seen(arrays)
        for side in self._made_differently:
            steps.settle_weapons(w, self.at, side)
        for layer in range(len(arrays.layers)):
            if self._differ("layers", layer):
                steps.settle_layer(w, self.at, layer)
        for t in range(len(arrays.targets)):
            if self._differ("targets", t, ("repair_hours",)):
                repair = float(arrays.targets["repair_hours"][t])
                first = int(arrays.targets["site_first"][t])
                target = arrays.targets[t : t + 1]
                sites = arrays.sites[first : first + int(target["sites"][0])]
                for table, column in ((target, "at_hours"), (sites, "since_hours")):
                    since = self.at - float(target[column][0])
                    table["damage"] *= remaining(1.0, since, repair)
                    target[column] = self.at

    def _state(self, table: str, held: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Give a table with the new parameters and the state that it held."""
        before = getattr(self._old, table)
        new: np.ndarray[Any, Any] = getattr(self._new, table).copy()
        which: list[int] = list(range(len(new)))
        if table in ("tempos", "retaliations"):
            which = self._tempos if table == "tempos" else self._answers
        for i, k in enumerate(which):
            if k < 0:
                continue
            for column in STATE[table]:
                was, begins = before[column][k], new[column][i]
                value = held[column][k]
                if was == begins:
                    new[column][i] = value
                elif (table, column) in _ADDED and min(was, begins) >= 0:
                    new[column][i] = self._sum(table, column, k, value, begins - was)
        if table == "sides":
            top = np.maximum(new["rungs"] - 1, 0)
            new["rung"] = np.minimum(new["rung"], top)
        if table == "weapons":
            free = new["earmark_share"] == 0.0
            new["earmarked"][free] = 0
            new["earmark_progress"][free] = 0.0
        return new

    def _sum(self, table: str, column: str, row: int, value: int, more: int) -> int:
        if value + more < 0:
            name = self._names(self._old_world, table.removesuffix("s"))[row]
            raise EscalateError(
                f"a fork cannot take {-more} from the {column} of {name}: at {self.at} h it is "
                f"{value}"
            )
        return int(value + more)

    def _channels(self, free_at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Keep each layer's channels busy as long as they are."""
        new: np.ndarray[Any, Any] = self._new.channels.copy()
        ends = [
            [*arrays.layers["channel_first"][1:], len(arrays.channels)]
            for arrays in (self._old, self._new)
        ]
        for layer in range(len(self._new.layers)):
            first = self._old.layers["channel_first"][layer]
            own = self._new.layers["channel_first"][layer]
            number = min(ends[0][layer] - first, ends[1][layer] - own)
            new[own : own + number] = free_at[first : first + number]
        return new

    def _memory(self, held: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Keep the memory of rules that are as they were but for parameters."""
        new: np.ndarray[Any, Any] = self._new.memory.copy()
        for q, k in enumerate(self._answers):
            if k >= 0 and self._parts(self._old_world, k) == self._parts(self._new_world, q):
                first, own = (
                    MEMORY * world.retaliations["first"][row]
                    for world, row in ((self._old_world, k), (self._new_world, q))
                )
                number = MEMORY * len(self._parts(self._new_world, q))
                new[own : own + number] = held[first : first + number]
        return new

    @staticmethod
    def _parts(world: World, q: int) -> list[Any]:
        """Give what a rule is made of, its parameters aside."""
        answers = world.retaliations
        codes = world.nodes["code"][answers["first"][q] : answers["last"][q] + 1]
        return [code if code < USER else world.functions[code - USER] for code in codes]

    # What is still to come.

    def _queue(self, arrays: Any, forked: Any) -> Iterator[tuple[float, int, int, int, float]]:
        """Give the events that are due from now on, under the new scenario."""
        at, new = self.at, seen(forked)
        rows = arrays.queue[list(EVENT)][: arrays.used["queue"][0]].tolist()
        horizon = new.horizon
        calm, power = set(), set()
        for row in rows:
            when, order, number, n, held = row
            kind, side = order >> 1, order & 1
            if kind in (TEMPO, CHECK, ALARM, REVIEW, END) or (kind == CALENDAR and n == 0):
                continue  # below, from what it is about
            if kind == CALENDAR:
                number = self._entries.get(number, -1)
                if number < 0:
                    continue
                when, n = self._repeat(number, n)
            elif kind == CALM:
                if number != arrays.sides["calm_version"][side]:
                    continue
                calm.add(side)
                before, after = (a.sides["descend_hours"][side] for a in (self._old, self._new))
                if before != after:
                    when = max(when - before + after, at)
            elif kind == GRID:
                if number != arrays.sides["grid_version"][side] or (side in self._dark_differently):
                    continue
                power.add(side)
            if when <= horizon or kind in (ENTER, IMPACT):
                yield (when, order, number, n, held)
        for side in range(2):
            descend = forked.sides["descend_hours"][side]
            if side not in calm and forked.sides["rung"][side] > 0 and at + descend <= horizon:
                version = int(forked.sides["calm_version"][side])
                yield (at + descend, CALM * 2 + side, version, 0, 0.0)
            if side in self._dark_differently:
                forked.sides["grid_version"][side] += 1
                yield (at, GRID * 2 + side, int(forked.sides["grid_version"][side]), 0, 0.0)
            when = self._alarm(new, side)
            if when <= horizon:
                yield (when, ALARM * 2 + side, side, 0, 0.0)
        yield (horizon, END * 2, 0, 0, 0.0)
        calendar = forked.calendar
        for entry in range(len(calendar)):
            when, side = float(calendar["at_hours"][entry]), max(int(calendar["side"][entry]), 0)
            if calendar["kind"][entry] != steps.DEADLINE_ENTRY and at <= when:
                if when <= horizon:
                    yield (when, CALENDAR * 2 + side, entry, 0, 0.0)
                break
        for tempo, k in enumerate(self._tempos):
            side = int(forked.tempos["side"][tempo])
            if forked.tempos["massed"][tempo]:
                when = self._check_due(rows, tempo, k)
                if when <= horizon:
                    yield (when, CHECK * 2 + side, tempo, 0, when)
            else:
                when = self._tempo_due(new, tempo, k)
                forked.tempos["next_hours"][tempo] = when
                if when <= horizon:
                    yield (when, TEMPO * 2 + side, tempo, 0, when)
        for q in range(len(forked.retaliations)):
            every = float(forked.retaliations["review_hours"][q])
            if every > 0.0:
                turn = math.ceil(at / every)
                turn += int(turn * every < at)  # where the division rounds
                turn -= int((turn - 1) * every >= at)
                if turn * every <= horizon:
                    side = int(forked.retaliations["side"][q])
                    yield (turn * every, REVIEW * 2 + side, q, turn, 0.0)

    def _repeat(self, entry: int, repeat: int) -> tuple[float, int]:
        """Give when a calendar entry that has begun is due next, and for which time."""
        calendar = self._new.calendar
        if calendar["kind"][entry] == steps.TRUCE_ENTRY:
            return max(float(calendar["until_hours"][entry]), self.at), repeat
        first, every = (float(calendar[n][entry]) for n in ("at_hours", "every_hours"))
        while first + repeat * every < self.at:
            repeat += 1
        while repeat > 1 and first + (repeat - 1) * every >= self.at:
            repeat -= 1
        return first + repeat * every, repeat

    def _alarm(self, new: Any, side: int) -> float:
        """Give when a side's next false alarm is due: what is left of its wait, at the new rate."""
        before, after = (
            float(a.sides["false_alarms_per_hour"][side]) for a in (self._old, self._new)
        )
        due = float(new.sides["alarm_hours"][side])
        if before == after:
            return due
        if after <= 0.0:
            due = math.inf
        elif before <= 0.0:
            return float(steps.next_false_alarm(new, self.at, side))
        else:
            due = self.at + (due - self.at) * before / after
        new.sides["alarm_hours"][side] = due
        return due

    def _tempo_due(self, new: Any, tempo: int, k: int) -> float:
        """Give when a routine tempo strikes next: what is left of its hazard, at the new rate."""
        if k < 0 or self._old.tempos["massed"][k] or self._old.tempos["rate_per_hour"][k] <= 0.0:
            return float(steps.next_tempo(new, self.at, tempo))
        due = float(new.tempos["next_hours"][tempo])
        side = int(new.tempos["side"][tempo])
        own = [
            sorted(row[1:] for row in arrays.deadlines.tolist() if row[0] == side)
            for arrays in (self._old, self._new)
        ]
        if own[0] == own[1] and (
            self._old.tempos["rate_per_hour"][k] == self._new.tempos["rate_per_hour"][tempo]
        ):
            return due
        deadlines = self._old.deadlines
        left = tempo_hazard(
            self.at, due, float(self._old.tempos["rate_per_hour"][k]), side,
            deadlines["side"].tolist(), deadlines["at_hours"].tolist(),
            deadlines["lead_hours"].tolist(), deadlines["factor"].tolist(),
        )  # fmt: skip
        return float(steps.tempo_after(new, self.at, tempo, left))

    def _check_due(self, rows: list[Any], tempo: int, k: int) -> float:
        """Give when a massed tempo looks next whether enough is set aside."""
        every = float(self._new.tempos["check_hours"][tempo])
        if k < 0 or not self._old.tempos["massed"][k]:
            return self.at + every
        pending = [row[0] for row in rows if row[1] >> 1 == CHECK and row[2] == k]
        due = pending[0] if pending else math.inf
        if self._old.tempos["check_hours"][k] == every:
            return due
        return min(due, self.at + every)
