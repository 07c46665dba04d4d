"""The tables of a run as structured arrays, for compiled code.

Each table of a `World` becomes one array with a field a column, under the same name, so that
a step reads ``w.weapons["stock"][k]`` in either form. Fields have the same types for every
scenario, or the compiled code would have to be made anew for each.
"""

from __future__ import annotations

import functools
import math
from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import NumbaError
from numba.experimental import structref
from numba.extending import intrinsic

from escalate._compile import kernel
from escalate.engines._pack import GROWING, World, columns_of
from escalate.errors import EscalateError
from escalate.rules import Answer, Situation

__all__ = ["QUEUE", "Arrays", "Ref", "arrays_of", "fresh", "grown", "referred", "tables_of"]

_SCALARS = ("key0", "key1", "horizon")
_PLAIN = ("looks", "channels", "mix", "aims", "params", "memory", "counts")
_OTHER = ("scenario", "names", "functions", "policies", "used")
_TABLES = tuple(f.name for f in fields(World) if f.name not in (*_SCALARS, *_PLAIN, *_OTHER))

_FIELDS = (*_SCALARS, *_PLAIN, *_TABLES, "used", "functions", "policies")
Arrays = namedtuple("Arrays", _FIELDS)  # type: ignore[misc]
"""A `World` as arrays, held by Python."""


@structref.register
class _RefType(types.StructRef):  # type: ignore[misc]
    """Type of a reference to arrays."""

    def preprocess_fields(self, fields: Any) -> Any:
        return tuple((name, types.unliteral(kind)) for name, kind in fields)


class Ref(structref.StructRefProxy):  # type: ignore[misc]
    """The same arrays as compiled code passes them about.

    One pointer: a tuple of 40 arrays would be taken apart, and every array's references
    counted, at each call of a step.
    """

    def __new__(cls, *arrays: Any) -> Any:
        """Refer to arrays, which the caller has to keep alive."""
        return structref.StructRefProxy.__new__(cls, *arrays)


structref.define_proxy(Ref, _RefType, list(Arrays._fields))


@intrinsic  # type: ignore[untyped-decorator]
def _lent(context: Any, array: Any) -> Any:
    """Give an array without its owner, so that nobody counts references to it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lent = context.make_array(signature.args[0])(context, builder, args[0])
        lent.meminfo = cgutils.get_null_value(lent.meminfo.type)
        return lent._getvalue()

    return array(array), generate


# Written out, because numba takes a star apart only where it is not cached.
@kernel
def _refer(
    key0: Any,
    key1: Any,
    horizon: Any,
    looks: Any,
    channels: Any,
    mix: Any,
    aims: Any,
    params: Any,
    memory: Any,
    counts: Any,
    sides: Any,
    weapons: Any,
    regions: Any,
    targets: Any,
    sites: Any,
    layers: Any,
    kill: Any,
    covers: Any,
    plans: Any,
    tempos: Any,
    retaliations: Any,
    rungs: Any,
    nodes: Any,
    calendar: Any,
    deliveries: Any,
    deadlines: Any,
    truces: Any,
    strikes: Any,
    loads: Any,
    groups: Any,
    orders: Any,
    log: Any,
    used: Any,
    functions: Any,
    policies: Any,
) -> Any:
    return Ref(
        key0,
        key1,
        horizon,
        _lent(looks),
        _lent(channels),
        _lent(mix),
        _lent(aims),
        _lent(params),
        _lent(memory),
        _lent(counts),
        _lent(sides),
        _lent(weapons),
        _lent(regions),
        _lent(targets),
        _lent(sites),
        _lent(layers),
        _lent(kill),
        _lent(covers),
        _lent(plans),
        _lent(tempos),
        _lent(retaliations),
        _lent(rungs),
        _lent(nodes),
        _lent(calendar),
        _lent(deliveries),
        _lent(deadlines),
        _lent(truces),
        _lent(strikes),
        _lent(loads),
        _lent(groups),
        _lent(orders),
        _lent(log),
        used,
        functions,
        policies,
    )


def referred(arrays: Any) -> Any:
    """Give a reference to arrays, to hand to a kernel.

    Parameters
    ----------
    arrays : Arrays
        Arrays; they must live as long as the reference.

    Returns
    -------
    Ref
    """
    if numba.config.DISABLE_JIT:
        return SimpleNamespace(**arrays._asdict())
    return _refer(*arrays)


QUEUE = np.dtype(
    [("time", np.float64), ("order", np.int64), ("number", np.int64), ("n", np.int64),
     ("at", np.float64)],
    align=True,
)  # fmt: skip
"""An event that is due: when, kind and side, what it is about, and two numbers it carries."""

_SITUATION = types.NamedTuple(
    [types.int64 if name.endswith("_categories") else types.float64 for name in Situation._fields],
    Situation,
)
_ANSWER = types.NamedUniTuple(types.float64, 3, Answer)
_FLOATS = types.float64[::1]
RULE = _ANSWER(_SITUATION, _FLOATS, _FLOATS, types.float64)
"""What a user's own rule is compiled as."""
POLICY = types.void(
    types.int64, types.int64[::1], _FLOATS, types.float64[:], types.int64[:], types.int64[::1]
)
"""What a user's own allocation policy is compiled as."""


@functools.cache
def _types() -> dict[str, np.dtype[Any]]:
    """Give the type of every table."""
    return {
        name: np.dtype(
            [
                (column, np.float64 if isinstance(value, float) else np.int64)
                for column, value in columns_of(name).items()
            ],
            align=True,
        )
        for name in _TABLES
    }


_PLAIN_TYPES = {"looks": np.int64, "counts": np.int64}
_USED = np.dtype([(name, np.int64) for name in (*GROWING, "queue")], align=True)


def arrays_of(world: World, room: Mapping[str, int]) -> Any:
    """Put the tables of a world into arrays.

    Parameters
    ----------
    world : World
        Fresh from `pack`.
    room : mapping of str to int
        Rows that each growing table is given.

    Returns
    -------
    Arrays
    """
    values: dict[str, Any] = {name: getattr(world, name) for name in _SCALARS}
    for name in _PLAIN:
        values[name] = np.array(getattr(world, name), dtype=_PLAIN_TYPES.get(name, np.float64))
    for name in _TABLES:
        if name in GROWING:
            values[name] = fresh(name, room[name])
            continue
        table = getattr(world, name)
        array = np.zeros(len(next(iter(table.values()))), _types()[name])
        for column in array.dtype.names or ():
            array[column] = table[column]
        values[name] = array
    values["used"] = np.zeros(1, _USED)[0]
    values["functions"] = _compiled_all(tuple(world.functions), RULE)
    values["policies"] = _compiled_all(tuple(world.policies), POLICY)
    return Arrays(**values)


def fresh(name: str, rows: int) -> np.ndarray[Any, Any]:
    """Give an empty growing table with room for so many rows."""
    array = np.zeros(rows, _types()[name])
    for column, value in GROWING[name].items():
        array[column] = value
    return array


def grown(arrays: Any, rows: Mapping[str, int]) -> Any:
    """Give arrays with more room, holding what they held.

    Parameters
    ----------
    arrays : Arrays
        Arrays.
    rows : mapping of str to int
        Rows to add, by growing table.
    """
    return arrays._replace(
        **{
            name: np.concatenate([getattr(arrays, name), fresh(name, n)])
            for name, n in rows.items()
        }
    )


def tables_of(world: World, arrays: Any) -> World:
    """Put arrays back into the tables of a world, to be looked at as any other.

    Parameters
    ----------
    world : World
        Where the names come from.
    arrays : Arrays
        Arrays, after a run.
    """
    values: dict[str, Any] = {
        name: getattr(arrays, name).tolist() for name in _PLAIN if name != "memory"
    }
    for name in _TABLES:
        array = getattr(arrays, name)
        values[name] = {column: array[column].tolist() for column in array.dtype.names}
    used = {name: int(arrays.used[name]) for name in GROWING}
    return replace(world, **values, memory=arrays.memory, used=used)


@functools.lru_cache(maxsize=64)
def _compiled_all(functions: tuple[Callable[..., Any], ...], signature: Any) -> Any:
    """Compile a user's own functions and put them into a list of one type."""
    held = numba.typed.List.empty_list(types.FunctionType(signature))
    for function in functions:
        checked = _checked_rule if signature is RULE else _checked_policy
        what, name = ("rule" if signature is RULE else "policy"), getattr(function, "__name__", "")
        try:
            held.append(numba.njit(signature)(checked(function, f"{what} {name!r}")))
        except NumbaError as error:
            raise EscalateError(
                f"{what} {name!r} cannot be compiled, so that only engine='simpy' can use it: "
                f"{error}"
            ) from error
    return held


def _checked_rule(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Refuse what a user's own rule gives if no engine can use it."""
    own = numba.njit(boundscheck=True)(function)
    complaint = (
        f"{name}: `0 <= size` and `0 <= delay_hours`, both finite, must hold; engine='simpy' "
        "shows what it gave"
    )

    def rule(see, params, memory, u):  # type: ignore[no-untyped-def]
        given = own(see, params, memory, u)
        if not (0.0 <= given.size < math.inf and 0.0 <= given.delay_hours < math.inf):
            raise EscalateError(complaint)
        return given

    return rule


def _checked_policy(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Refuse what a user's own allocation policy gives if it is not there to be launched."""
    own = numba.njit(boundscheck=True)(function)
    complaint = (
        f"{name}: `0 <= out <= spare` and `sum(out) <= wanted` must hold; engine='simpy' shows "
        "what it gave"
    )

    def policy(wanted, spare, weights, costs, categories, out):  # type: ignore[no-untyped-def]
        own(wanted, spare.copy(), weights, costs, categories, out)
        placed = 0
        for k in range(len(spare)):
            if not 0 <= out[k] <= spare[k]:
                raise EscalateError(complaint)
            placed += out[k]
        if placed > wanted:
            raise EscalateError(complaint)

    return policy
