"""The tables of a run as structured arrays, for compiled code.

Each table of a `World` becomes one array with a field a column, under the same name. Fields
have the same types for every scenario, or the compiled code would have to be made anew for
each.
"""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Mapping
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from escalate.engines._pack import GROWING, World, columns_of

__all__ = [
    "PLAIN",
    "SCALARS",
    "TABLES",
    "USED",
    "Arrays",
    "arrays_of",
    "dtype_of",
    "fresh",
    "roomy",
    "seen",
    "tables_of",
]

SCALARS: dict[str, Any] = {"key0": np.int64, "key1": np.int64, "horizon": np.float64}
"""Fields that are one number."""

PLAIN: dict[str, Any] = {
    "looks": np.int64, "channels": np.float64, "mix": np.float64, "first_alike": np.int64,
    "params": np.float64, "memory": np.float64, "counts": np.int64,
}  # fmt: skip
"""Fields that are one column."""

_OTHER = ("scenario", "names", "functions", "policies", "used")
TABLES = tuple(f.name for f in fields(World) if f.name not in (*SCALARS, *PLAIN, *_OTHER))
"""Fields with columns."""

Arrays = namedtuple("Arrays", (*SCALARS, *PLAIN, *TABLES, "used", "functions", "policies"))  # type: ignore[misc]
"""A `World` as arrays."""

USED = np.dtype([(name, np.int64) for name in (*GROWING, "far")])
"""How many rows of each table are used; of those of the queue, how many are far."""


@functools.cache
def dtype_of(table: str) -> np.dtype[Any]:
    """Give the type of a table's rows.

    Parameters
    ----------
    table : str
        One of `TABLES`.
    """
    return np.dtype(
        [
            (column, np.float64 if isinstance(value, float) else np.int64)
            for column, value in columns_of(table).items()
        ]
    )


def arrays_of(world: World, room: Mapping[str, int]) -> Any:
    """Put the tables of a world into arrays.

    Parameters
    ----------
    world : World
        A world.
    room : mapping of str to int
        Rows that each growing table is given beyond those it uses.

    Returns
    -------
    Arrays
    """
    values: dict[str, Any] = {name: getattr(world, name) for name in SCALARS}
    for name, kind in PLAIN.items():
        values[name] = np.array(getattr(world, name), dtype=kind)
    for name in TABLES:
        table = getattr(world, name)
        rows = world.used[name] if name in GROWING else len(next(iter(table.values())))
        array = np.zeros(rows, dtype_of(name))
        for column in array.dtype.names or ():
            array[column] = table[column][:rows]
        values[name] = np.concatenate([array, fresh(name, room[name])]) if name in room else array
    values["used"] = np.array([(*(world.used[name] for name in GROWING), 0)], USED)
    values |= {"functions": world.functions, "policies": world.policies}
    return Arrays(**values)


def fresh(name: str, rows: int) -> np.ndarray[Any, Any]:
    """Give an empty growing table with room for so many rows."""
    return np.full(rows, np.array(tuple(GROWING[name].values()), dtype_of(name)))


def roomy(arrays: Any, room: Mapping[str, int], used: Any = None) -> Any:
    """Give a copy of arrays with room in their growing tables.

    Parameters
    ----------
    arrays : Arrays
        Arrays of a war that has not begun.
    room : mapping of str to int
        As for `arrays_of`.
    used : Arrays, optional
        Arrays that are not needed any more, whose growing tables are taken over where they are
        large enough: to ask the system for fresh memory takes as long as to lay out a war.

    Returns
    -------
    Arrays
    """
    copies: dict[str, Any] = {}
    for name, values in arrays._asdict().items():
        if name in room:
            table = getattr(used, name) if used is not None else ()
            if len(values) or len(table) < room[name]:
                table = np.concatenate([values, fresh(name, room[name])])
            copies[name] = table
        elif isinstance(values, np.ndarray):
            copies[name] = values.copy()
    return arrays._replace(**copies)


def seen(arrays: Any) -> Any:
    """Give arrays as a step run by the interpreter reads and changes them.

    Parameters
    ----------
    arrays : Arrays
        Arrays.
    """
    return SimpleNamespace(**arrays._asdict() | {"used": arrays.used[0]})


def tables_of(world: World, arrays: Any) -> World:
    """Put arrays back into the tables of a world, to be looked at as any other.

    Parameters
    ----------
    world : World
        Where the names come from.
    arrays : Arrays
        Arrays, after a run.
    """
    values: dict[str, Any] = {name: getattr(arrays, name) for name in SCALARS}
    values |= {name: getattr(arrays, name).tolist() for name in PLAIN if name != "memory"}
    used = {name: int(arrays.used[name][0]) for name in GROWING}
    for name in TABLES:
        array = getattr(arrays, name)[: used.get(name)]
        values[name] = {column: array[column].tolist() for column in array.dtype.names}
    return replace(world, **values, memory=arrays.memory.copy(), used=used)
