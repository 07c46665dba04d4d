"""The compiled loop: an event queue in a flat table. It states no law; it only schedules.

Every event is a row of the queue; each kind is followed here by the same steps as in the
SimPy process of its name, at the same times, so that the two engines agree to the last bit.
"""

from __future__ import annotations

import math
from typing import Any

from escalate._compile import LAWS, inlined, kernel
from escalate.engines import _steps as steps
from escalate.engines._tally import add_up
from escalate.engines.simpy import (
    ALARM,
    ASSESS,
    CALENDAR,
    CALM,
    CHECK,
    END,
    ENTER,
    GRID,
    IMPACT,
    ORDER,
    REVIEW,
    TEMPO,
    WAVE,
)
from escalate.laws.flight import wave_offset_hours
from escalate.laws.interception import engage

__all__ = ["DONE", "PAUSED", "ROOM", "fight"]

# What nearly every event goes through, and is called at one place.
_OFTEN = (engage, steps.next_layer, steps.layer_entry)
for _law in LAWS:
    inlined(_law, force=_law in _OFTEN)

_NEAR = 32
"""How many events lie in order. Most wars never have more due at a time; the others keep the rest,
which is all later, as a heap in the rows before them."""
DONE, PAUSED, ROOM = range(3)
"""Why `fight` came back: nothing is left; the rest is later; or a table is full."""


@inlined
def _before(queue: Any, i: int, time: float, order: int, number: int) -> bool:
    """Tell whether event i of the queue comes before another."""
    if queue["time"][i] != time:
        return queue["time"][i] < time  # type: ignore[no-any-return]
    if queue["order"][i] != order:
        return queue["order"][i] < order  # type: ignore[no-any-return]
    return queue["number"][i] < number  # type: ignore[no-any-return]


@inlined
def _move(queue: Any, i: int, j: int) -> None:
    """Put event i of the queue in place j."""
    queue["time"][j] = queue["time"][i]
    queue["order"][j] = queue["order"][i]
    queue["number"][j] = queue["number"][i]
    queue["n"][j] = queue["n"][i]
    queue["at"][j] = queue["at"][i]


@inlined
def _raise(queue: Any, i: int, time: float, order: int, number: int, n: int, held: float) -> None:
    """Put an event where place i of the queue is free, or above as far as it comes before."""
    while i > 0:
        parent = (i - 1) >> 1
        if _before(queue, parent, time, order, number):
            break
        _move(queue, parent, i)
        i = parent
    queue["time"][i] = time
    queue["order"][i] = order
    queue["number"][i] = number
    queue["n"][i] = n
    queue["at"][i] = held


@inlined
def _due(
    w: Any, now: float, at: float, kind: int, side: int, number: int, n: int, held: float
) -> None:
    """Put an event into the queue; nothing but weapons in the air comes after the horizon."""
    if at > w.horizon and kind != ENTER and kind != IMPACT:
        return
    queue = w.queue
    far = w.used["far"]
    i = w.used["queue"]
    w.used["queue"] = i + 1
    time = max(at, now)
    order = kind * 2 + side
    while i > far and _before(queue, i - 1, time, order, number):
        _move(queue, i - 1, i)
        i = i - 1
    queue["time"][i] = time
    queue["order"][i] = order
    queue["number"][i] = number
    queue["n"][i] = n
    queue["at"][i] = held
    if (i == far and far > 0) or w.used["queue"] - far > _NEAR:
        w.used["far"] = far + 1
        _raise(queue, far, queue["time"][far], queue["order"][far], queue["number"][far],
               queue["n"][far], queue["at"][far])  # fmt: skip


@inlined
def _sink(queue: Any, rows: int, time: float, order: int, number: int, n: int, held: float) -> None:
    """Put an event into the first place, which is free, or below as far as others come before."""
    i = 0
    child = 1
    while child < rows:
        if child + 1 < rows and _before(
            queue, child + 1, queue["time"][child], queue["order"][child], queue["number"][child]
        ):
            child = child + 1
        if not _before(queue, child, time, order, number):
            break
        _move(queue, child, i)
        i = child
        child = 2 * i + 1
    queue["time"][i] = time
    queue["order"][i] = order
    queue["number"][i] = number
    queue["n"][i] = n
    queue["at"][i] = held


@inlined
def _come_near(w: Any, events: int) -> None:
    """Bring the first so many of the far events near: the heap gives up the place beside them."""
    queue = w.queue
    for _ in range(events):
        last = w.used["far"] - 1
        w.used["far"] = last
        time, order, number = queue["time"][last], queue["order"][last], queue["number"][last]
        n, held = queue["n"][last], queue["at"][last]
        _move(queue, 0, last)
        _sink(queue, last, time, order, number, n, held)


@inlined
def _start_orders(w: Any, now: float, first: int, orders: int) -> None:
    for order in range(first, first + orders):
        _due(w, now, w.orders["at_hours"][order], ORDER, w.orders["side"][order], order,
             0, 0.0)  # fmt: skip


@inlined
def _start_calm(w: Any, now: float, side: int) -> None:
    sides = w.sides
    if sides["rung"][side] > 0 and sides["descend_hours"][side] < math.inf:
        version = sides["calm_version"][side]
        _due(w, now, now + sides["descend_hours"][side], CALM, side, version, 0, 0.0)


@inlined
def _start_power(w: Any, now: float, side: int) -> None:
    change = steps.grid(w, now, side)
    if change < math.inf:
        version = w.sides["grid_version"][side]
        _due(w, now, now + change, GRID, side, version, 0, 0.0)


@inlined
def _start_alarm(w: Any, now: float, side: int) -> None:
    at = steps.next_false_alarm(w, now, side)
    if at < math.inf:
        _due(w, now, at, ALARM, side, side, 0, 0.0)


@inlined
def _start_routine(w: Any, now: float, tempo: int, after: float) -> None:
    at = steps.next_tempo(w, after, tempo)
    _due(w, now, at, TEMPO, w.tempos["side"][tempo], tempo, 0, at)


@inlined(force=True)
def _start_part(w: Any, now: float, group: int, layer: int) -> None:
    """Send a group on to its next layer after `layer`, or to its target."""
    side = w.strikes["side"][w.groups["strike"][group]]
    following = steps.next_layer(w, group, layer)
    if following >= 0:
        at = steps.layer_entry(w, group, following)
        number = (steps.layer_rank(w, group, following) << 48) + group
        _due(w, now, at, ENTER, side, number, following, 0.0)
    else:
        _due(w, now, w.groups["impact_hours"][group], IMPACT, side, group, 0, 0.0)


@inlined
def _part_over(w: Any, now: float, strike: int) -> None:
    if steps.part_over(w, now, strike) and w.strikes["launched"][strike] > 0:
        victim = 1 - w.strikes["side"][strike]
        at = now + steps.assessment_delay(w, strike)
        _due(w, now, at, ASSESS, victim, strike, 0, 0.0)


@inlined
def _provoked(w: Any, now: float, side: int, spare: Any) -> None:
    for q in range(len(w.retaliations)):
        if w.retaliations["side"][q] == side and w.retaliations["review_hours"][q] == 0.0:
            first, orders = steps.consult(w, now, q, spare)
            _start_orders(w, now, first, orders)
    _start_calm(w, now, side)


@inlined
def _start_entry(w: Any, now: float, entry: int) -> None:
    """Put the calendar's next entry into the queue, which all of it would make long."""
    while entry < len(w.calendar) and w.calendar["kind"][entry] == steps.DEADLINE_ENTRY:
        entry = entry + 1
    if entry < len(w.calendar):
        side = max(w.calendar["side"][entry], 0)
        _due(w, now, w.calendar["at_hours"][entry], CALENDAR, side, entry, 0, 0.0)


@inlined
def _begin(w: Any) -> None:
    """Put into the queue what a war begins with."""
    for side in range(2):
        _start_calm(w, 0.0, side)
        _start_alarm(w, 0.0, side)
    _start_entry(w, 0.0, 0)
    for tempo in range(len(w.tempos)):
        if w.tempos["massed"][tempo] != 0:
            every = w.tempos["check_hours"][tempo]
            _due(w, 0.0, every, CHECK, w.tempos["side"][tempo], tempo, 0, every)
        else:
            _start_routine(w, 0.0, tempo, 0.0)
    for q in range(len(w.retaliations)):
        if w.retaliations["review_hours"][q] > 0.0:
            _due(w, 0.0, 0.0, REVIEW, w.retaliations["side"][q], q, 0, 0.0)
    _due(w, 0.0, w.horizon, END, 0, 0, 0, 0.0)


# One kernel and no more, because each would be optimised with all the steps in it.
@kernel
def fight(
    w: Any,
    begin: bool,
    until: float,
    room: Any,
    spare: Any,
    counts: Any,
    weights: Any,
    aimed: Any,
    counted: Any,
    valued: Any,
    daily: Any,
    column: Any,
) -> int:
    """Take events in order up to a time, or until a table is full; say which.

    What is due at `until` is left. `room` holds what one step may add to each growing table;
    the next four are scratch space, the rest as in `add_up`: a log that is full is added up and
    begun anew, so that it never grows; with a `counted` of no rows it is kept.
    """
    used = w.used
    adding = len(counted) > 0
    if begin:
        _begin(w)
    while used["queue"] > 0:
        queue = w.queue
        if used["queue"] == used["far"]:
            _come_near(w, min(used["far"], _NEAR // 2))
        due = used["queue"] - 1
        now = queue["time"][due]
        if now >= until:
            _come_near(w, used["far"])
            if adding:
                add_up(w, counted, valued, daily, column)
                used["log"] = 0
            return PAUSED
        if used["log"] + room[4] > len(w.log):
            if not adding:
                return ROOM
            add_up(w, counted, valued, daily, column)
            used["log"] = 0
        kind = queue["order"][due] >> 1
        if used["queue"] + room[5] > len(queue) or (
            kind != ENTER
            and kind != IMPACT
            and (
                used["strikes"] + room[0] > len(w.strikes)
                or used["loads"] + room[1] > len(w.loads)
                or used["groups"] + room[2] > len(w.groups)
                or used["orders"] + room[3] > len(w.orders)
            )
        ):
            return ROOM
        side = queue["order"][due] & 1
        number = queue["number"][due]
        n = queue["n"][due]
        held = queue["at"][due]
        used["queue"] = due
        if kind == ENTER:
            group = number & ((1 << 48) - 1)
            if steps.engage_group(w, now, group, n) > 0:
                _start_part(w, now, group, n)
            else:
                _part_over(w, now, w.groups["strike"][group])
        elif kind == IMPACT:
            strike = w.groups["strike"][number]
            lights = steps.impact(w, now, number)
            _part_over(w, now, strike)
            if lights:
                w.sides["grid_version"][1 - side] += 1
                _start_power(w, now, 1 - side)
        elif kind == WAVE:
            waves = w.strikes["waves"][number]
            first, groups = steps.launch_wave(w, now, number, n, weights, aimed)
            for group in range(first, first + groups):
                _start_part(w, now, group, -1)
            _part_over(w, now, number)
            if n + 1 < waves:
                plan = w.strikes["plan"][number]
                offset = wave_offset_hours(n + 1, waves, w.plans["duration_hours"][plan])
                _due(w, now, held + offset, WAVE, side, number, n + 1, held)
        elif kind == ORDER:
            strike = steps.open_strike(w, now, number, spare, counts)
            if strike >= 0:
                _due(w, now, now, WAVE, side, strike, 0, now)
        elif kind == ASSESS:
            if steps.assess(w, now, number):
                _provoked(w, now, side, spare)
        elif kind == TEMPO:
            order = steps.tempo_order(w, now, number)
            _start_orders(w, now, order, 1)
            _start_routine(w, now, number, held)
        elif kind == REVIEW:
            first, orders = steps.consult(w, now, number, spare)
            _start_orders(w, now, first, orders)
            at = (n + 1) * w.retaliations["review_hours"][number]
            _due(w, now, at, REVIEW, side, number, n + 1, 0.0)
        elif kind == CHECK:
            first, orders = steps.mass_orders(w, now, number)
            _start_orders(w, now, first, orders)
            at = held
            if orders > 0:
                at = w.orders["at_hours"][first]
            at = at + w.tempos["check_hours"][number]
            _due(w, now, at, CHECK, side, number, 0, at)
        elif kind == GRID:
            if w.sides["grid_version"][side] == number:
                _start_power(w, now, side)
        elif kind == CALM:
            if w.sides["calm_version"][side] == number and steps.climb_down(w, now, side):
                at = now + w.sides["descend_hours"][side]
                _due(w, now, at, CALM, side, number, 0, 0.0)
        elif kind == ALARM:
            steps.false_alarm(w, now, side)
            _start_alarm(w, now, side)
            _provoked(w, now, side, spare)
        elif kind == END:
            steps.settle(w, now)
        elif kind == CALENDAR:
            if n == 0:
                _start_entry(w, now, number + 1)
            order = steps.calendar_entry(w, now, number, n)
            if order >= 0:
                _start_orders(w, now, order, 1)
            if w.calendar["kind"][number] == steps.TRUCE_ENTRY:
                if n == 0:
                    until_hours = w.calendar["until_hours"][number]
                    _due(w, now, until_hours, CALENDAR, side, number, 1, 0.0)
            elif w.calendar["every_hours"][number] < math.inf:
                at = w.calendar["at_hours"][number] + (n + 1) * w.calendar["every_hours"][number]
                _due(w, now, at, CALENDAR, side, number, n + 1, 0.0)
    steps.finish(w)
    if adding:
        add_up(w, counted, valued, daily, column)
        used["log"] = 0
    return DONE
