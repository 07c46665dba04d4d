"""The compiled loop: an event queue over flat arrays. It states no law; it only schedules.

Every event is a row of the queue; each kind is followed here by the same steps as in the
SimPy process of its name, at the same times, so that the two engines agree to the last bit.
"""

from __future__ import annotations

import math
from typing import Any

from escalate._compile import LAWS, inlined, kernel
from escalate.engines import _steps as steps
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
from escalate.laws.stockpile import next_tempo_hours

__all__ = ["DONE", "ROOM", "fight"]

for _law in LAWS:
    inlined(_law)

DONE, ROOM = range(2)
"""Why `fight` came back: nothing is left; or a table is full."""


@inlined
def _before(queue: Any, i: int, j: int) -> bool:
    """Tell whether event i comes before event j."""
    if queue["time"][i] != queue["time"][j]:
        return queue["time"][i] < queue["time"][j]  # type: ignore[no-any-return]
    if queue["order"][i] != queue["order"][j]:
        return queue["order"][i] < queue["order"][j]  # type: ignore[no-any-return]
    return queue["number"][i] < queue["number"][j]  # type: ignore[no-any-return]


@inlined
def _swap(queue: Any, i: int, j: int) -> None:
    for_now = queue["time"][i]
    queue["time"][i] = queue["time"][j]
    queue["time"][j] = for_now
    for_now = queue["at"][i]
    queue["at"][i] = queue["at"][j]
    queue["at"][j] = for_now
    whole = queue["order"][i]
    queue["order"][i] = queue["order"][j]
    queue["order"][j] = whole
    whole = queue["number"][i]
    queue["number"][i] = queue["number"][j]
    queue["number"][j] = whole
    whole = queue["n"][i]
    queue["n"][i] = queue["n"][j]
    queue["n"][j] = whole


@inlined
def _due(
    w: Any,
    queue: Any,
    now: float,
    at: float,
    kind: int,
    side: int,
    number: int,
    n: int,
    held: float,
) -> None:
    """Put an event into the queue; nothing but weapons in the air comes after the horizon."""
    if at > w.horizon and kind != ENTER and kind != IMPACT:
        return
    i = w.used["queue"]
    w.used["queue"] = i + 1
    queue["time"][i] = max(at, now)
    queue["order"][i] = kind * 2 + side
    queue["number"][i] = number
    queue["n"][i] = n
    queue["at"][i] = held
    while i > 0:
        parent = (i - 1) >> 1
        if not _before(queue, i, parent):
            break
        _swap(queue, i, parent)
        i = parent


@inlined
def _pop(w: Any, queue: Any) -> None:
    """Take the first event out; it is left just behind the end of the queue."""
    last = w.used["queue"] - 1
    w.used["queue"] = last
    _swap(queue, 0, last)
    i = 0
    while True:
        child = 2 * i + 1
        if child >= last:
            return
        if child + 1 < last and _before(queue, child + 1, child):
            child = child + 1
        if not _before(queue, child, i):
            return
        _swap(queue, i, child)
        i = child


@inlined
def _start_orders(w: Any, queue: Any, now: float, first: int, orders: int) -> None:
    for order in range(first, first + orders):
        _due(w, queue, now, w.orders["at_hours"][order], ORDER, w.orders["side"][order], order,
             0, 0.0)  # fmt: skip


@inlined
def _start_calm(w: Any, queue: Any, now: float, side: int) -> None:
    sides = w.sides
    if sides["rung"][side] > 0 and sides["descend_hours"][side] < math.inf:
        version = sides["calm_version"][side]
        _due(w, queue, now, now + sides["descend_hours"][side], CALM, side, version, 0, 0.0)


@inlined
def _start_power(w: Any, queue: Any, now: float, side: int) -> None:
    change = steps.grid(w, now, side)
    if change < math.inf:
        version = w.sides["grid_version"][side]
        _due(w, queue, now, now + change, GRID, side, version, 0, 0.0)


@inlined
def _start_alarm(w: Any, queue: Any, now: float, side: int) -> None:
    wait = steps.false_alarm_wait(w, side)
    if wait < math.inf:
        _due(w, queue, now, now + wait, ALARM, side, side, 0, 0.0)


@inlined
def _start_routine(w: Any, queue: Any, now: float, tempo: int, at: float) -> None:
    side = w.tempos["side"][tempo]
    at = next_tempo_hours(
        at, steps.tempo_hazard(w, tempo), w.tempos["rate_per_hour"][tempo], side,
        w.deadlines["side"], w.deadlines["at_hours"], w.deadlines["lead_hours"],
        w.deadlines["factor"],
    )  # fmt: skip
    _due(w, queue, now, at, TEMPO, side, tempo, 0, at)


@inlined
def _start_part(w: Any, queue: Any, now: float, group: int, layer: int) -> None:
    """Send a group on to its next layer after `layer`, or to its target."""
    side = w.strikes["side"][w.groups["strike"][group]]
    following = steps.next_layer(w, group, layer)
    if following >= 0:
        at = steps.layer_entry(w, group, following)
        number = (steps.layer_rank(w, group, following) << 48) + group
        _due(w, queue, now, at, ENTER, side, number, following, 0.0)
    else:
        _due(w, queue, now, w.groups["impact_hours"][group], IMPACT, side, group, 0, 0.0)


@inlined
def _part_over(w: Any, queue: Any, now: float, strike: int) -> None:
    if steps.part_over(w, now, strike) and w.strikes["launched"][strike] > 0:
        victim = 1 - w.strikes["side"][strike]
        at = now + steps.assessment_delay(w, strike)
        _due(w, queue, now, at, ASSESS, victim, strike, 0, 0.0)


@inlined
def _provoked(w: Any, queue: Any, now: float, side: int, spare: Any) -> None:
    for q in range(len(w.retaliations)):
        if w.retaliations["side"][q] == side and w.retaliations["review_hours"][q] == 0.0:
            first, orders = steps.consult(w, now, q, spare)
            _start_orders(w, queue, now, first, orders)
    _start_calm(w, queue, now, side)


@inlined
def _begin(w: Any, queue: Any) -> None:
    """Put into the queue what a war begins with."""
    w.used["queue"] = 0
    for side in range(2):
        _start_calm(w, queue, 0.0, side)
        _start_alarm(w, queue, 0.0, side)
    for entry in range(len(w.calendar)):
        if w.calendar["kind"][entry] != steps.DEADLINE_ENTRY:
            side = max(w.calendar["side"][entry], 0)
            _due(w, queue, 0.0, w.calendar["at_hours"][entry], CALENDAR, side, entry, 0, 0.0)
    for tempo in range(len(w.tempos)):
        if w.tempos["massed"][tempo] != 0:
            every = w.tempos["check_hours"][tempo]
            _due(w, queue, 0.0, every, CHECK, w.tempos["side"][tempo], tempo, 0, every)
        else:
            _start_routine(w, queue, 0.0, tempo, 0.0)
    for q in range(len(w.retaliations)):
        if w.retaliations["review_hours"][q] > 0.0:
            _due(w, queue, 0.0, 0.0, REVIEW, w.retaliations["side"][q], q, 0, 0.0)
    _due(w, queue, 0.0, w.horizon, END, 0, 0, 0, 0.0)


@inlined
def _fight(w: Any, queue: Any, room: Any, spare: Any, counts: Any, weights: Any, aimed: Any) -> int:
    """Take events in order to the end, or until a table is full; say which.

    `room` holds what one step may add to strikes, loads, groups, orders, log and queue;
    the others are scratch space.
    """
    used = w.used
    while used["queue"] > 0:
        if (
            used["strikes"] + room[0] > len(w.strikes)
            or used["loads"] + room[1] > len(w.loads)
            or used["groups"] + room[2] > len(w.groups)
            or used["orders"] + room[3] > len(w.orders)
            or used["log"] + room[4] > len(w.log)
            or used["queue"] + room[5] > len(queue)
        ):
            return ROOM
        _pop(w, queue)
        top = used["queue"]
        now = queue["time"][top]
        kind = queue["order"][top] >> 1
        side = queue["order"][top] & 1
        number = queue["number"][top]
        n = queue["n"][top]
        held = queue["at"][top]
        if kind == ENTER:
            group = number & ((1 << 48) - 1)
            if steps.engage_group(w, now, group, n) > 0:
                _start_part(w, queue, now, group, n)
            else:
                _part_over(w, queue, now, w.groups["strike"][group])
        elif kind == IMPACT:
            strike = w.groups["strike"][number]
            lights = steps.impact(w, now, number)
            _part_over(w, queue, now, strike)
            if lights:
                w.sides["grid_version"][1 - side] += 1
                _start_power(w, queue, now, 1 - side)
        elif kind == WAVE:
            waves = w.strikes["waves"][number]
            first, groups = steps.launch_wave(w, now, number, n, weights, aimed)
            for group in range(first, first + groups):
                _start_part(w, queue, now, group, -1)
            _part_over(w, queue, now, number)
            if n + 1 < waves:
                plan = w.strikes["plan"][number]
                offset = wave_offset_hours(n + 1, waves, w.plans["duration_hours"][plan])
                _due(w, queue, now, held + offset, WAVE, side, number, n + 1, held)
        elif kind == ORDER:
            strike = steps.open_strike(w, now, number, spare, counts)
            if strike >= 0:
                _due(w, queue, now, now, WAVE, side, strike, 0, now)
        elif kind == ASSESS:
            if steps.assess(w, now, number):
                _provoked(w, queue, now, side, spare)
        elif kind == TEMPO:
            order = steps.tempo_order(w, now, number)
            _start_orders(w, queue, now, order, 1)
            _start_routine(w, queue, now, number, held)
        elif kind == REVIEW:
            first, orders = steps.consult(w, now, number, spare)
            _start_orders(w, queue, now, first, orders)
            at = (n + 1) * w.retaliations["review_hours"][number]
            _due(w, queue, now, at, REVIEW, side, number, n + 1, 0.0)
        elif kind == CHECK:
            first, orders = steps.mass_orders(w, now, number)
            _start_orders(w, queue, now, first, orders)
            at = held
            if orders > 0:
                at = w.orders["at_hours"][first]
            at = at + w.tempos["check_hours"][number]
            _due(w, queue, now, at, CHECK, side, number, 0, at)
        elif kind == GRID:
            if w.sides["grid_version"][side] == number:
                _start_power(w, queue, now, side)
        elif kind == CALM:
            if w.sides["calm_version"][side] == number and steps.climb_down(w, now, side):
                at = now + w.sides["descend_hours"][side]
                _due(w, queue, now, at, CALM, side, number, 0, 0.0)
        elif kind == ALARM:
            steps.false_alarm(w, now, side)
            _start_alarm(w, queue, now, side)
            _provoked(w, queue, now, side, spare)
        elif kind == END:
            steps.settle(w, now)
        elif kind == CALENDAR:
            order = steps.calendar_entry(w, now, number, n)
            if order >= 0:
                _start_orders(w, queue, now, order, 1)
            if w.calendar["kind"][number] == steps.TRUCE_ENTRY:
                if n == 0:
                    until_hours = w.calendar["until_hours"][number]
                    _due(w, queue, now, until_hours, CALENDAR, side, number, 1, 0.0)
            elif w.calendar["every_hours"][number] < math.inf:
                at = w.calendar["at_hours"][number] + (n + 1) * w.calendar["every_hours"][number]
                _due(w, queue, now, at, CALENDAR, side, number, n + 1, 0.0)
    return DONE


@inlined
def _reset(pristine: Any, w: Any) -> None:
    """Set the tables back to how they were packed."""
    for i in range(w.used["strikes"]):
        w.strikes[i] = pristine.strikes[0]
    for i in range(len(w.sides)):
        w.sides[i] = pristine.sides[i]
    for i in range(len(w.weapons)):
        w.weapons[i] = pristine.weapons[i]
    for i in range(len(w.regions)):
        w.regions[i] = pristine.regions[i]
    for i in range(len(w.targets)):
        w.targets[i] = pristine.targets[i]
    for i in range(len(w.sites)):
        w.sites[i] = pristine.sites[i]
    for i in range(len(w.layers)):
        w.layers[i] = pristine.layers[i]
    for i in range(len(w.tempos)):
        w.tempos[i] = pristine.tempos[i]
    for i in range(len(w.retaliations)):
        w.retaliations[i] = pristine.retaliations[i]
    w.channels[:] = pristine.channels
    w.memory[:] = pristine.memory
    w.used["strikes"] = 0
    w.used["loads"] = 0
    w.used["groups"] = 0
    w.used["orders"] = 0
    w.used["log"] = 0


# One kernel and no more, because each would be optimised with all the steps in it.
@kernel
def fight(
    pristine: Any,
    w: Any,
    key0: int,
    key1: int,
    queue: Any,
    room: Any,
    spare: Any,
    counts: Any,
    weights: Any,
    aimed: Any,
) -> int:
    """Fight the war of a key from its beginning; say whether it came to its end."""
    w.key0 = key0
    w.key1 = key1
    _reset(pristine, w)
    _begin(w, queue)
    status = _fight(w, queue, room, spare, counts, weights, aimed)
    if status == DONE:
        steps.finish(w)
    return status
