"""The readable engine: one war as SimPy processes, and room for processes of the user's own.

Each process tells one story from top to bottom and takes its steps from `_steps`. Events
due at the same time are taken in the order (kind, side, number).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator
from heapq import heappush
from typing import Any

import simpy

from escalate.engines import _steps as steps
from escalate.engines._pack import EVENT, GROWING, World, room_of
from escalate.errors import EscalateError, closest
from escalate.laws.flight import wave_offset_hours
from escalate.randomness import decision, uniform
from escalate.rules import CATEGORIES, TARGET_CATEGORIES, Answer
from escalate.scenario import Scenario

__all__ = ["Process", "War", "go_on"]

(
    CALENDAR, CALM, GRID, WAVE, ENTER, IMPACT, ASSESS, REVIEW, ALARM, CHECK, TEMPO, ORDER, USER,
    END,
) = range(14)  # fmt: skip

_CHUNK = 256

Story = Generator[simpy.Event, None, None]
Process = Callable[["War"], Iterable[Any]]
"""A process of the user's own: a generator function of the war that yields `war.wait(hours)`."""


class _Clock(simpy.Environment):
    """A clock that keeps the times it is given.

    SimPy schedules by delays, and now + (at - now) may miss `at` by a bit, so that the order
    of events due together would depend on when they were scheduled.
    """

    def schedule_at(self, event: simpy.Event, priority: int, at: float) -> None:
        """Schedule an event at a time."""
        heappush(self._queue, (at, priority, next(self._eid), event))  # type: ignore[misc]


class _Due(simpy.Event):
    """Something that is due: the columns of the queue behind its time."""

    about: tuple[int, int, int, float]


def _raise(process: simpy.Event) -> None:
    """Let out what a process raised, where SimPy would raise a copy made from its message."""
    if isinstance(process.value, BaseException):
        raise process.value


class War:
    """A war under way, as a process of the user's own sees and changes it.

    Parameters
    ----------
    world : World
        Its tables.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._env = _Clock()
        self._waits = 0
        self._orders: dict[int, int] = {}
        arsenal, targets = len(world.weapons["side"]), len(world.targets["side"])
        self._spare = [0] * arsenal
        self._counts = [0] * arsenal
        self._weights = [0.0] * targets
        self._aimed = [0] * targets
        room = room_of(world)
        self._room = {name: room[name] for name in GROWING}
        # A table is grown when a step might no longer fit.
        self._limits = {name: -room for name, room in self._room.items()}

    # What the processes of this module use.

    def start(self, story: Story) -> None:
        """Let a process begin now."""
        process = self._env.process(story)
        assert process.callbacks is not None
        process.callbacks.append(_raise)

    def due(
        self, at: float, kind: int, side: int, number: int, n: int = 0, held: float = 0.0
    ) -> simpy.Event:
        """Wait until `at`; nothing but weapons in the air comes after the horizon.

        The last two say what the story that waits would have to know to be taken up here.
        """
        event = _Due(self._env)
        event.about = (kind * 2 + side, number, n, held)
        if at > self.world.horizon and kind not in (ENTER, IMPACT):
            return event  # never
        event._ok = True
        event._value = None
        priority = 1 + ((kind * 2 + side) << 64) + number
        self._env.schedule_at(event, priority, max(at, self._env.now))
        return event

    def run_until(self, hours: float) -> None:
        """Go on to what is due then, and stop before it."""
        # What has no priority is the beginning of a story, at once.
        queue = self._env._queue
        while queue and (queue[0][0] < hours or queue[0][1] == 0):
            self._env.step()

    def set_back(self, hours: float) -> None:
        """Set the clock, before anything has happened."""
        self._env._now = hours

    def still_due(self) -> Iterator[tuple[float, _Due]]:
        """Give what is due and when."""
        for at, _, _, event in self._env._queue:
            if isinstance(event, _Due):
                yield at, event

    def step(self, step: Callable[..., Any], *args: Any) -> Any:
        """Take a step now, with room in the tables for what it may add."""
        used = self.world.used
        for name, limit in self._limits.items():
            if used[name] > limit:
                self._grow(name)
        return step(self.world, self._env.now, *args)

    def _grow(self, name: str) -> None:
        room = self._room[name]
        table: dict[str, list[Any]] = getattr(self.world, name)
        for column, value in GROWING[name].items():
            table[column].extend([value] * (room + _CHUNK))
        self._limits[name] += room + _CHUNK

    # What a process of the user's own uses.

    @property
    def now_hours(self) -> float:
        """Time since the scenario's start, in hours."""
        return float(self._env.now)

    @property
    def scenario(self) -> Scenario:
        """What is at war."""
        return self.world.scenario

    def wait(self, hours: float) -> simpy.Event:
        """Give what to yield in order to go on later; past the horizon that never comes.

        Parameters
        ----------
        hours : float
            How much later, not negative. [h]
        """
        if not hours >= 0.0:
            raise EscalateError(f"`hours >= 0` must hold in wait(), but got {hours!r}")
        self._waits += 1
        return self.due(self._env.now + hours, USER, 0, self._waits)

    def uniform(self, name: str, index: int) -> float:
        """Draw from a stream of the user's own, apart from all of the model's.

        Parameters
        ----------
        name : str
            The decision.
        index : int
            Which draw of it, from 0.

        Returns
        -------
        float
            Uniform on (0, 1). [-]
        """
        return float(uniform(self.world.key0, self.world.key1, decision(f"user: {name}"), index))

    def total(self, kind: str, side: str) -> int:
        """Give the sum of `count` over the log's rows of a kind and side so far.

        Parameters
        ----------
        kind : str
            One of `escalate.events.KINDS`, such as ``"killed"``.
        side : str
            Name of the side in the row: for ``"killed"`` the side that suffered it.

        Returns
        -------
        int
        """
        from escalate.events import KINDS

        kinds = list(KINDS)
        if kind not in kinds:
            raise EscalateError(f"unknown kind {kind!r}: {closest(kind, kinds)}")
        log, rows = self.world.log, self.world.used["log"]
        code, number = kinds.index(kind), self._side(side)
        return sum(
            log["count"][i]
            for i in range(rows)
            if log["kind"][i] == code and log["side"][i] == number
        )

    def stock(self, side: str, weapon: str) -> int:
        """Give a side's stock of a weapon now, in rounds."""
        k = self._thing("weapon", "weapons", side, weapon)
        self.step(steps.settle_weapons, self._side(side))
        return int(self.world.weapons["stock"][k])

    def order_strike(self, side: str, plan: str, size: float | None = None) -> None:
        """Let a side strike now, with the calendar's authority.

        Parameters
        ----------
        side, plan : str
            Who, and by which plan.
        size : float, optional
            Weapons wanted; the plan's own size if not given. [weapons]
        """
        p = self._thing("plan", "plans", side, plan)
        wanted = self.world.plans["size"][p] if size is None else float(size)
        if not 0.0 <= wanted < math.inf:
            raise EscalateError(
                f"`0 <= size`, finite, must hold in order_strike(), but got {size!r}"
            )
        number = self._orders[p] = self._orders.get(p, 0) + 1
        key = decision(f"user: order {side} {plan} {number}")

        def order(w: World, now: float) -> int:
            return int(
                steps.add_order(
                    w, now, self._side(side), steps.ORDERED, p, wanted, -1, key, -1, -1, 0
                )
            )

        self.start(strike(self, self.step(order)))

    def deliver(self, side: str, *, weapon: str = "", layer: str = "", count: int) -> None:
        """Give a side rounds of a weapon, or interceptors to a layer, now.

        Parameters
        ----------
        side : str
            Who receives it.
        weapon, layer : str
            One of the two.
        count : int
            How many, not negative. [weapons or shots]
        """
        if bool(weapon) == bool(layer) or not (count >= 0 and count == int(count)):
            raise EscalateError(
                "deliver() takes a weapon or a layer and a whole `count >= 0`, but got "
                f"weapon={weapon!r}, layer={layer!r}, count={count!r}"
            )
        count = int(count)
        if weapon:
            self.step(steps.deliver, 0, self._thing("weapon", "weapons", side, weapon), count)
        else:
            number = self._thing("layer", "layers", side, layer)
            if self.world.layers["magazine"][number] < 0:
                raise EscalateError(f"layer {layer!r} of {side} has no magazine to fill")
            self.step(steps.deliver, 1, number, count)

    def truce(self, hours: float, compliance_prob: float = 1.0) -> None:
        """Begin a truce now.

        Parameters
        ----------
        hours : float
            How long. [h]
        compliance_prob : float, optional
            Chance that a strike due in it is held back. [-]
        """
        if not (hours > 0.0 and 0.0 <= compliance_prob <= 1.0):
            raise EscalateError(
                "`hours > 0` and `0 <= compliance_prob <= 1` must hold in truce(), but got "
                f"{hours!r} and {compliance_prob!r}"
            )
        now = self._env.now
        truces = self.world.truces
        for column, value in zip(
            ("stream", "from_hours", "until_hours", "compliance_prob"),
            (decision(f"user: truce {len(truces['stream'])}"), now, now + hours, compliance_prob),
            strict=True,
        ):
            truces[column].append(value)
        self.step(steps.record, steps.TRUCE, -1, -1, -1, -1, -1, -1, -1, 1, 0.0)
        self.start(self._truce_over(hours))

    def permit(
        self,
        side: str,
        *,
        weapons: Iterable[str] | None = None,
        targets: Iterable[str] | None = None,
        depth_km: float | None = None,
    ) -> None:
        """Set what a side may use and strike from now on; what is not given stays.

        Parameters
        ----------
        side : str
            Whose permission.
        weapons, targets : iterable of str, optional
            Categories.
        depth_km : float, optional
            Deepest region. [km]
        """
        i = self._side(side)
        for column, given, known in (
            ("weapon_mask", weapons, CATEGORIES),
            ("target_mask", targets, TARGET_CATEGORIES),
        ):
            if given is None:
                continue
            mask = 0
            for name in given:
                if name not in known:
                    raise EscalateError(f"unknown category {name!r}: {closest(name, known)}")
                mask |= 1 << known.index(name)
            self.world.sides[column][i] = mask
        if depth_km is not None:
            self.world.sides["depth_km"][i] = float(depth_km)
        self.step(steps.record, steps.PERMISSION, i, -1, -1, -1, -1, -1, -1, 0, 0.0)

    def _truce_over(self, hours: float) -> Story:
        yield self.wait(hours)
        self.step(steps.record, steps.TRUCE, -1, -1, -1, -1, -1, -1, -1, 0, 0.0)

    def _side(self, name: str) -> int:
        names = self.world.names["side"]
        if name not in names:
            raise EscalateError(f"unknown side {name!r}: {closest(name, names)}")
        return names.index(name)

    def _thing(self, what: str, table: str, side: str, name: str) -> int:
        i = self._side(side)
        owners = getattr(self.world, table)["side"]
        own = {n: k for k, n in enumerate(self.world.names[what]) if owners[k] == i}
        if name not in own:
            raise EscalateError(f"unknown {what} {name!r} of {side}: {closest(name, own)}")
        return own[name]


# A story may also be taken up at what it waits for: `at`, `wave`, `layer` and so on say where.


def strike(war: War, order: int) -> Story:
    """Carry out an order."""
    w = war.world
    side = w.orders["side"][order]
    yield war.due(w.orders["at_hours"][order], ORDER, side, order)
    number = war.step(steps.open_strike, order, war._spare, war._counts)
    if number >= 0:
        yield from waves(war, number, 0, war._env.now)


def waves(war: War, number: int, wave: int, begun: float) -> Story:
    """Launch a strike wave after wave, each a flock of raids."""
    w = war.world
    side, all_waves = w.strikes["side"][number], w.strikes["waves"][number]
    hours = w.plans["duration_hours"][w.strikes["plan"][number]]
    for n in range(wave, all_waves):
        at = begun + wave_offset_hours(n, all_waves, hours)
        yield war.due(at, WAVE, side, number, n, begun)
        first, groups = war.step(steps.launch_wave, number, n, war._weights, war._aimed)
        for group in range(first, first + groups):
            war.start(raid(war, group, steps.next_layer(w, group, -1)))
        _part_over(war, number)


def raid(war: War, group: int, layer: int) -> Story:
    """Fly a group of alike weapons through the layers on their way to their target."""
    w = war.world
    number = w.groups["strike"][group]
    side = w.strikes["side"][number]
    left = w.groups["count"][group]
    while layer >= 0 and left > 0:
        at = steps.layer_entry(w, group, layer)
        place = (steps.layer_rank(w, group, layer) << 48) + group
        yield war.due(at, ENTER, side, place, layer)
        left = war.step(steps.engage_group, group, layer)
        layer = steps.next_layer(w, group, layer)
    if left > 0:
        yield war.due(w.groups["impact_hours"][group], IMPACT, side, group)
        if war.step(steps.impact, group):
            w.sides["grid_version"][1 - side] += 1
            war.start(power(war, 1 - side))
    _part_over(war, number)


def _part_over(war: War, number: int) -> None:
    if war.step(steps.part_over, number) and war.world.strikes["launched"][number] > 0:
        at = war._env.now + steps.assessment_delay(war.world, number)
        war.start(assessment(war, number, at))


def assessment(war: War, number: int, at: float) -> Story:
    """Let the victim learn of a strike that is over, and answer."""
    victim = 1 - war.world.strikes["side"][number]
    yield war.due(at, ASSESS, victim, number)
    if war.step(steps.assess, number):
        _provoked(war, victim)


def _provoked(war: War, side: int) -> None:
    """Ask the rules that answer at once, and start the clock of calm again."""
    w = war.world
    war.start(calm(war, side))
    for q, owner in enumerate(w.retaliations["side"]):
        if owner == side and w.retaliations["review_hours"][q] == 0.0:
            _ask(war, q)


def _ask(war: War, q: int) -> None:
    first, orders = war.step(steps.consult, q, war._spare)
    for order in range(first, first + orders):
        war.start(strike(war, order))


def review(war: War, q: int, turn: int = 0) -> Story:
    """Ask a rule again and again, struck or not."""
    answers = war.world.retaliations
    while True:
        at = turn * answers["review_hours"][q]
        yield war.due(at, REVIEW, answers["side"][q], q, turn)
        _ask(war, q)
        turn += 1


def calm(war: War, side: int, at: float = -1.0, version: int = -1) -> Story:
    """Climb down the ladder, a rung for every stretch of quiet, until provoked again."""
    sides = war.world.sides
    if at < 0.0:
        at = war._env.now + sides["descend_hours"][side]
        version = sides["calm_version"][side]
    more = sides["rung"][side] > 0 and at < math.inf
    while more:
        yield war.due(at, CALM, side, version)
        if sides["calm_version"][side] != version:
            return
        more = war.step(steps.climb_down, side)
        at = war._env.now + sides["descend_hours"][side]


def power(war: War, side: int, at: float = -1.0, version: int = -1) -> Story:
    """Switch the grid after damage, and again whenever repair lets it change."""
    sides = war.world.sides
    if at < 0.0:
        version = sides["grid_version"][side]
        at = war._env.now + war.step(steps.grid, side)
    while at < math.inf:
        yield war.due(at, GRID, side, version)
        if sides["grid_version"][side] != version:
            return
        at = war._env.now + war.step(steps.grid, side)


def routine(war: War, tempo: int, at: float = -1.0) -> Story:
    """Strike at a rate, faster as deadlines near."""
    w = war.world
    side = w.tempos["side"][tempo]
    if at < 0.0:
        at = steps.next_tempo(w, 0.0, tempo)
    while at < math.inf:
        yield war.due(at, TEMPO, side, tempo, 0, at)
        war.start(strike(war, war.step(steps.tempo_order, tempo)))
        at = steps.next_tempo(w, at, tempo)


def massed(war: War, tempo: int, at: float = -1.0) -> Story:
    """Set weapons aside, look whether they are enough, probe and strike in mass."""
    w = war.world
    side, every = w.tempos["side"][tempo], w.tempos["check_hours"][tempo]
    if at < 0.0:
        at = every
    while True:
        yield war.due(at, CHECK, side, tempo, 0, at)
        first, orders = war.step(steps.mass_orders, tempo)
        for order in range(first, first + orders):
            war.start(strike(war, order))
        if orders:
            at = w.orders["at_hours"][first]
        at += every


def calendar(war: War, entry: int) -> Story:
    """Go through the calendar, entry by entry."""
    table = war.world.calendar
    for number in range(entry, len(table["kind"])):
        if table["kind"][number] == steps.DEADLINE_ENTRY:
            continue
        side = max(table["side"][number], 0)
        yield war.due(table["at_hours"][number], CALENDAR, side, number)
        _carry_out(war, number, 0)
        war.start(repeats(war, number, 1))


def _carry_out(war: War, entry: int, repeat: int) -> None:
    order = war.step(steps.calendar_entry, entry, repeat)
    if order >= 0:
        war.start(strike(war, order))


def repeats(war: War, entry: int, repeat: int) -> Story:
    """Carry an entry out again, as often as it says; a truce has its end."""
    table = war.world.calendar
    while True:
        if table["kind"][entry] == steps.TRUCE_ENTRY:
            at = table["until_hours"][entry] if repeat == 1 else math.inf
        else:
            at = table["at_hours"][entry] + repeat * table["every_hours"][entry]
        if at == math.inf:
            return
        yield war.due(at, CALENDAR, max(table["side"][entry], 0), entry, repeat)
        _carry_out(war, entry, repeat)
        repeat += 1


def alarms(war: War, side: int, at: float = -1.0) -> Story:
    """Believe, now and then, in a strike that never was."""
    if at < 0.0:
        at = steps.next_false_alarm(war.world, 0.0, side)
    while at < math.inf:
        yield war.due(at, ALARM, side, side)
        war.step(steps.false_alarm, side)
        at = steps.next_false_alarm(war.world, war._env.now, side)
        _provoked(war, side)


def _own(process: Process, war: War) -> Story:
    """Run a process of the user's own after everything that starts with the war."""
    name = getattr(process, "__name__", "process")
    waits = process(war)
    if not isinstance(waits, Iterable):
        raise EscalateError(
            f"process {name!r} must be a generator function that yields war.wait(hours), but "
            f"gave {waits!r}"
        )
    for event in waits:
        if not isinstance(event, simpy.Event):
            raise EscalateError(
                f"process {name!r} must yield war.wait(hours), but yielded {event!r}"
            )
        yield event


def go_on(world: World, until: float = math.inf, processes: Iterable[Process] = ()) -> World:
    """Fight a war on from its beginning, or from where it was stopped.

    Parameters
    ----------
    world : World
        Its tables, changed in place.
    until : float, optional
        Stop before what is due then, at the horizon at the latest; without it the war goes
        on to its horizon, and weapons in the air to their end. [h]
    processes : iterable of callable, optional
        Processes of the user's own, generator functions of the `War`.

    Returns
    -------
    World
        The tables, with what is still to come in `queue`.
    """
    own = world.functions, world.policies
    world.functions = [_checked_rule(f) for f in world.functions]
    world.policies = [_checked_policy(f) for f in world.policies]
    war = War(world)
    if world.used["queue"] > 0:
        _take_up(war)
    else:
        _begin(war)
    for process in processes:
        war.start(_own(process, war))
    if until < math.inf:
        war.run_until(until)
        _write_queue(war)
    else:
        war._env.run()
        steps.finish(world)
    world.functions, world.policies = own
    return world


def _begin(war: War) -> None:
    """Start what a war begins with."""
    world = war.world
    for side in range(2):
        war.start(calm(war, side))
        war.start(alarms(war, side))
    war.start(calendar(war, 0))
    for tempo, masses in enumerate(world.tempos["massed"]):
        war.start(massed(war, tempo) if masses else routine(war, tempo))
    for q, hours in enumerate(world.retaliations["review_hours"]):
        if hours > 0.0:
            war.start(review(war, q))
    war.start(_end(war))


def _take_up(war: War) -> None:
    """Start the stories that wait for what is in the queue, where they wait for it."""
    queue, rows = war.world.queue, war.world.used["queue"]
    war.world.used["queue"] = 0
    war.set_back(min(queue["time"][:rows]))
    for row in zip(*(queue[column][:rows] for column in EVENT), strict=True):
        war.start(_waiting(war, *row))


def _waiting(war: War, at: float, order: int, number: int, n: int, held: float) -> Story:
    """Give the story that waits for an event of the queue."""
    kind, side = order >> 1, order & 1
    if kind == CALENDAR:
        return repeats(war, number, n) if n else calendar(war, number)
    if kind == ENTER:
        return raid(war, number & ((1 << 48) - 1), n)
    stories: dict[int, Callable[[], Story]] = {
        CALM: lambda: calm(war, side, at, number),
        GRID: lambda: power(war, side, at, number),
        WAVE: lambda: waves(war, number, n, held),
        IMPACT: lambda: raid(war, number, -1),
        ASSESS: lambda: assessment(war, number, at),
        REVIEW: lambda: review(war, number, n),
        ALARM: lambda: alarms(war, side, at),
        CHECK: lambda: massed(war, number, held),
        TEMPO: lambda: routine(war, number, held),
        ORDER: lambda: strike(war, number),
        END: lambda: _end(war),
    }
    return stories[kind]()


def _write_queue(war: War) -> None:
    """Put what is due into the table of that name, first things last."""
    world = war.world
    rows = sorted(((at, *event.about) for at, event in war.still_due()), reverse=True)
    for i, column in enumerate(EVENT):
        world.queue[column] = [row[i] for row in rows]
    world.used["queue"] = len(rows)


def _end(war: War) -> Story:
    """Settle all stocks at the horizon."""
    yield war.due(war.world.horizon, END, 0, 0)
    war.step(steps.settle)


def _checked_rule(function: Callable[..., Any]) -> Callable[..., Answer]:
    """Refuse what a user's own rule gives if no engine can use it."""
    name = getattr(function, "__name__", "rule")

    def rule(*args: Any) -> Answer:
        given = function(*args)
        if not isinstance(given, Answer):
            raise EscalateError(
                f"rule {name!r} must return an Answer, such as answer(see.standard), but got "
                f"{given!r}"
            )
        if not (0.0 <= given.size < math.inf and 0.0 <= given.delay_hours < math.inf):
            raise EscalateError(
                f"rule {name!r}: `0 <= size` and `0 <= delay_hours`, both finite, must hold, "
                f"but got {given!r}"
            )
        return given

    return rule


def _checked_policy(function: Callable[..., Any]) -> Callable[..., None]:
    """Refuse what a user's own allocation policy gives if it is not there to be launched."""
    name = getattr(function, "__name__", "policy")

    def policy(
        wanted: int, spare: list[int], weights: list[float], costs: list[float],
        categories: list[int], out: list[int],
    ) -> None:  # fmt: skip
        function(wanted, list(spare), weights, costs, categories, out)
        for k, count in enumerate(out):
            if count != int(count) or not 0 <= count <= spare[k]:
                raise EscalateError(
                    f"policy {name!r}: whole numbers with `0 <= out <= spare` must be given, but "
                    f"got {count!r} of {spare[k]} at weapon {k}"
                )
            out[k] = int(count)
        if sum(out) > wanted:
            raise EscalateError(
                f"policy {name!r}: `sum(out) <= wanted` must hold, but got {sum(out)} > {wanted}"
            )

    return policy
