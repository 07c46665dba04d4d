"""How compiled code sees the arrays of a world: as bare addresses.

A step reads ``w.weapons["stock"][k]`` and needs nothing of what a numba array carries: an
owner whose references are counted at every touch, an index that may be negative, a type of
its own in every signature. Here a world is one pointer to a row of addresses, a table an
address and a length, a column the same with an offset, an element one load or one store.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import NumbaError
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer,
    infer_getattr,
    infer_global,
    signature,
)
from numba.extending import NativeValue, lower_builtin, models, register_model, typeof_impl, unbox

from escalate.engines._arrays import PLAIN, SCALARS, TABLES, USED, Arrays, dtype_of, seen
from escalate.errors import EscalateError
from escalate.rules import Answer, Situation

__all__ = ["View"]

_FLOATS = types.float64[::1]
_RULE = types.NamedUniTuple(types.float64, 3, Answer)(
    types.NamedTuple(
        [types.int64 if n.endswith("_categories") else types.float64 for n in Situation._fields],
        Situation,
    ),
    _FLOATS,
    _FLOATS,
    types.float64,
)
"""What a user's own rule is compiled as."""
_POLICY = types.void(
    types.int64, types.int64[::1], _FLOATS, types.float64[:], types.int64[:], types.int64[::1]
)
"""What a user's own allocation policy is compiled as."""
_USED_NAMES: tuple[str, ...] = USED.names  # type: ignore[assignment]
_OWN = {"functions": _RULE, "policies": _POLICY}


class View:
    """Arrays as compiled code reads and changes them; they live as long as it does.

    Parameters
    ----------
    arrays : Arrays
        What is seen.
    """

    def __init__(self, arrays: Any) -> None:
        self.arrays = arrays
        self._kept: list[Any] = []
        self._row = np.zeros(2 * len(Arrays._fields), dtype=np.int64)
        names: tuple[str, ...] = Arrays._fields
        for i, name in enumerate(names):
            value = getattr(arrays, name)
            if name in SCALARS:
                self._row[2 * i] = np.array(value, dtype=SCALARS[name]).view(np.int64)
                continue
            if name in _OWN:
                compiled = [_compiled(function, name) for function in value]
                value = np.array([address for address, _ in compiled], dtype=np.int64)
                self._kept.append((compiled, value))
            if not value.flags.c_contiguous:
                raise EscalateError(f"table {name!r} must lie in one piece")  # pragma: no cover
            self._row[2 * i] = value.ctypes.data
            self._row[2 * i + 1] = len(value)
        self.address = self._row.ctypes.data

    def set_key(self, key0: int, key1: int) -> None:
        """Set the key of the run."""
        self._row[0] = key0
        self._row[2] = key1
        self.arrays = self.arrays._replace(key0=key0, key1=key1)

    def __getattr__(self, name: str) -> Any:
        # For the interpreter, with compilation switched off.
        return getattr(seen(self.arrays), name)


class _World(types.Type):  # type: ignore[misc]
    """Pointer to a row of addresses."""


class _Used(types.Type):  # type: ignore[misc]
    """Pointer to the numbers of used rows."""


class _Table(types.Type):  # type: ignore[misc]
    """Address of the first row, and how many there are."""

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(f"Table({table})")


class _Column(types.Type):  # type: ignore[misc]
    """Address of the first element, and how many there are, so many bytes apart."""

    def __init__(self, dtype: Any, stride: int) -> None:
        self.dtype = dtype
        self.stride = stride
        super().__init__(f"Column({dtype}, {stride})")


class _Functions(types.Type):  # type: ignore[misc]
    """Address of the addresses of compiled functions of one signature."""

    def __init__(self, name: str) -> None:
        self.functions = name
        super().__init__(f"Functions({name})")


_WORLD, _USED = _World("World"), _Used("Used")


@register_model(_World)
@register_model(_Used)
class _PointerModel(models.OpaqueModel):  # type: ignore[misc]
    pass


@register_model(_Table)
@register_model(_Column)
@register_model(_Functions)
class _StretchModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, [("data", types.voidptr), ("rows", types.int64)])


@typeof_impl.register(View)
def _typeof(value: Any, context: Any) -> Any:
    return _WORLD


@unbox(_World)
def _unbox(kind: Any, value: Any, c: Any) -> Any:
    address = c.pyapi.object_getattr_string(value, "address")
    pointer = c.pyapi.long_as_voidptr(address)
    c.pyapi.decref(address)
    return NativeValue(pointer)


@functools.cache
def _fields() -> dict[str, Any]:
    """Give the type of every field of a world."""
    known = {name: numba.from_dtype(np.dtype(kind)) for name, kind in SCALARS.items()}
    known |= {n: _Column(numba.from_dtype(np.dtype(kind)), 8) for n, kind in PLAIN.items()}
    known |= {name: _Table(name) for name in TABLES}
    known |= {name: _Functions(name) for name in _OWN}
    return known | {"used": _USED}


def _column(table: str, name: str) -> Any:
    dtype = dtype_of(table)
    return _Column(numba.from_dtype(dtype[name]), dtype.itemsize)


# What things are called and what they give.


@infer_getattr
class _WorldFields(AttributeTemplate):  # type: ignore[misc]
    key = _World

    def generic_resolve(self, kind: Any, name: str) -> Any:
        return _fields().get(name)


@infer
class _Named(AbstractTemplate):  # type: ignore[misc]
    key = "static_getitem"

    def generic(self, args: Any, kws: Any) -> Any:
        what, name = args
        if isinstance(what, _Table) and isinstance(name, str):
            return signature(_column(what.table, name), *args)
        if isinstance(what, _Used):
            return signature(types.int64, *args)
        return None


@infer
class _SetNamed(AbstractTemplate):  # type: ignore[misc]
    key = "static_setitem"

    def generic(self, args: Any, kws: Any) -> Any:
        what, name, _ = args
        if isinstance(what, _Used):
            return signature(types.void, what, types.literal(name), types.int64)
        return None


@infer_global(operator.getitem)
class _Item(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        what, place = args
        if isinstance(what, _Column) and isinstance(place, types.Integer):
            return signature(what.dtype, what, types.int64)
        if isinstance(what, _Column) and isinstance(place, types.SliceType):
            layout = "C" if what.stride == 8 else "A"
            return signature(types.Array(what.dtype, 1, layout), what, place)
        if isinstance(what, _Functions) and isinstance(place, types.Integer):
            return signature(types.FunctionType(_OWN[what.functions]), what, types.int64)
        return None


@infer_global(operator.setitem)
class _SetItem(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        what, place, _ = args
        if isinstance(what, _Column) and isinstance(place, types.Integer):
            return signature(types.void, what, types.int64, what.dtype)
        return None


@infer_global(len)
class _Length(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], (_Table, _Column)):
            return signature(types.intp, *args)
        return None


# How they are found in memory.


def _word(builder: Any, row: Any, number: int, kind: Any, fixed: bool = True) -> Any:
    """Load a word of a row; one that is `fixed` need not be loaded again after a store."""
    words = builder.bitcast(row, ir.IntType(64).as_pointer())
    place = builder.gep(words, [ir.IntType(64)(number)], inbounds=True)
    word = builder.load(builder.bitcast(place, kind.as_pointer()))
    if fixed:
        word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return word


def _element(context: Any, builder: Any, column: Any, value: Any, place: Any) -> Any:
    """Give the address of an element of a column."""
    data = builder.extract_value(value, 0)
    offset = builder.mul(place, ir.IntType(64)(column.stride), flags=["nsw"])
    element = builder.gep(data, [offset], inbounds=True)
    return builder.bitcast(element, context.get_value_type(column.dtype).as_pointer())


@lower_getattr_generic(_World)
def _load_field(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
    field = _fields()[name]
    at = 2 * Arrays._fields.index(name)
    if name in SCALARS:
        return _word(builder, value, at, context.get_value_type(field))
    pointer = _word(builder, value, at, ir.IntType(8).as_pointer())
    if field is _USED:
        return pointer
    stretch = cgutils.create_struct_proxy(field)(context, builder)
    stretch.data = pointer
    stretch.rows = _word(builder, value, at + 1, ir.IntType(64))
    return stretch._getvalue()


@lower_builtin("static_getitem", _Table, types.StringLiteral)
def _load_column(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    table, name = args
    dtype = dtype_of(sig.args[0].table)
    offset = ir.IntType(64)(dtype.fields[name][1])  # type: ignore[index]
    column = cgutils.create_struct_proxy(sig.return_type)(context, builder)
    column.data = builder.gep(builder.extract_value(table, 0), [offset], inbounds=True)
    column.rows = builder.extract_value(table, 1)
    return column._getvalue()


@lower_builtin("static_getitem", _Used, types.StringLiteral)
def _load_used(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _word(builder, args[0], _USED_NAMES.index(args[1]), ir.IntType(64), False)


@lower_builtin("static_setitem", _Used, types.StringLiteral, types.Any)
def _store_used(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    used, _, number = args
    words = builder.bitcast(used, ir.IntType(64).as_pointer())
    at = _USED_NAMES.index(sig.args[1].literal_value)
    builder.store(number, builder.gep(words, [ir.IntType(64)(at)], inbounds=True))
    return context.get_dummy_value()


@lower_builtin(operator.getitem, _Column, types.int64)
def _load_element(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.load(_element(context, builder, sig.args[0], *args))


@lower_builtin(operator.setitem, _Column, types.int64, types.Any)
def _store_element(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    builder.store(args[2], _element(context, builder, sig.args[0], args[0], args[1]))
    return context.get_dummy_value()


@lower_builtin(operator.getitem, _Column, types.SliceType)
def _load_slice(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Give a stretch of a column as an array without an owner; it is not checked."""
    column, kind = sig.args[0], sig.return_type
    piece = context.make_helper(builder, sig.args[1], args[1])
    rows = builder.extract_value(args[0], 1)
    open_end = builder.icmp_signed(">", piece.stop, rows)
    stop = builder.select(open_end, rows, piece.stop)
    length = builder.sub(stop, piece.start)
    array = context.make_array(kind)(context, builder)
    context.populate_array(
        array,
        data=builder.bitcast(
            _element(context, builder, column, args[0], piece.start), array.data.type
        ),
        shape=[length],
        strides=[ir.IntType(64)(column.stride)],
        itemsize=ir.IntType(64)(8),
        meminfo=None,
    )
    return array._getvalue()


@lower_builtin(len, _Table)
@lower_builtin(len, _Column)
def _load_length(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.extract_value(args[0], 1)


@lower_builtin(operator.getitem, _Functions, types.int64)
def _load_function(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    data = builder.extract_value(args[0], 0)
    pointers = builder.bitcast(data, ir.IntType(8).as_pointer().as_pointer())
    function = cgutils.create_struct_proxy(sig.return_type)(context, builder)
    null = cgutils.get_null_value(ir.IntType(8).as_pointer())
    function.c_addr = null
    function.py_addr = null
    function.jit_addr = builder.load(builder.gep(pointers, [args[1]], inbounds=True))
    return function._getvalue()


# A user's own functions.


@functools.lru_cache(maxsize=256)
def _compiled(function: Callable[..., Any], kind: str) -> tuple[int, Any]:
    """Give the address of a compiled function, and what keeps it there."""
    checked = _checked_rule if kind == "functions" else _checked_policy
    what = "rule" if kind == "functions" else "policy"
    name = f"{what} {getattr(function, '__name__', '')!r}"
    try:
        compiled = numba.njit(_OWN[kind])(checked(function, name))
    except NumbaError as error:
        raise EscalateError(
            f"{name} cannot be compiled, so that only engine='simpy' can use it: {error}"
        ) from error
    result = compiled.get_compile_result(_OWN[kind])
    return result.library.get_pointer_to_function(result.fndesc.llvm_func_name), compiled


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
