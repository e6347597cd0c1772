"""Short vectors of floats inside compiled loops: one value of many lanes, kept in registers.

numba's own loops become vector code only where the compiler can prove much about them. Here a value
*is* a vector: ``load`` takes neighbours of a flat array, ``+ - *`` act on each lane, and the
machine's widest instructions are chosen when the function is compiled. Lanes have the type of the
array, float32 or float64. A vector fills two of the widest registers (512 bits), one of ``load_long``
four: loops that wait for their own last result gain by the longer, loops of many values by the
shorter. Products may be fused with a sum that follows (``contract``), so they serve where sums are
exact or where the last bit does not matter; ``scaled`` and ``plus`` never fuse.
"""

import operator
from typing import Any, Final

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.extending import intrinsic, overload, register_model

BYTES: Final = 128
"""Size of a vector."""
LONG_BYTES: Final = 256
"""Size of a long vector."""

_INNER: Final[dict[str, Any]] = {
    "nogil": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
inner = numba.njit(**_INNER)
"""Compiles a function that compiled functions alone call: a third less to compile."""

_FUSED = ("contract",)


def _operation(rule: Any) -> Any:
    """An intrinsic, for a type checker a function of anything."""
    return intrinsic(rule)


class Vector(types.Type):
    """The type of a vector of floats."""

    def __init__(self, dtype: Any, lanes: int) -> None:
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"Vector({dtype}, {lanes})")


def _vector(array: Any, size_bytes: int) -> Vector:
    return Vector(array.dtype, size_bytes // _bytes(array.dtype))


def _llvm(vector: Any) -> Any:
    scalar = ir.FloatType() if vector.dtype == types.float32 else ir.DoubleType()
    return ir.VectorType(scalar, vector.lanes)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _llvm(fe_type))  # type: ignore[no-untyped-call]


def _place(context: Any, builder: Any, array_type: Any, vector: Any, arguments: Any) -> Any:
    """Pointer to the vector that starts at an element of a contiguous array of one axis."""
    data = context.make_array(array_type)(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), _llvm(vector).as_pointer())


def _bytes(dtype: Any) -> int:
    return int(dtype.bitwidth // 8)


def _loading(size_bytes: int) -> Any:
    def rule(_typing: Any, array: Any, index: Any) -> Any:  # noqa: ARG001
        vector = _vector(array, size_bytes)

        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            place = _place(context, builder, array, vector, arguments)
            return builder.load(place, align=_bytes(array.dtype))

        return vector(array, types.intp), generate

    return _operation(rule)


load = _loading(BYTES)
load_long = _loading(LONG_BYTES)


@_operation
def store(_typing: Any, array: Any, index: Any, value: Any) -> Any:  # noqa: ARG001
    """Puts a vector's lanes at ``array[index:]``."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        target = _place(context, builder, array, value, arguments)
        builder.store(arguments[2], target, align=_bytes(array.dtype))
        return context.get_dummy_value()

    return types.none(array, types.intp, value), generate


@_operation
def add_to(_typing: Any, array: Any, index: Any, value: Any) -> Any:  # noqa: ARG001
    """Adds a vector's lanes to those of a float64 array at ``array[index:]``."""
    sums = Vector(types.float64, value.lanes)

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        target = _place(context, builder, array, sums, arguments)
        added = arguments[2]
        if value.dtype != types.float64:
            added = builder.fpext(added, _llvm(sums))
        total = builder.fadd(builder.load(target, align=8), added)
        builder.store(total, target, align=8)
        return context.get_dummy_value()

    return types.none(array, types.intp, value), generate


@_operation
def splat(_typing: Any, number: Any, like: Any) -> Any:  # noqa: ARG001
    """The same number on each lane of a vector like another."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        scalar, vector = arguments[0], _llvm(like)
        if like.dtype == types.float32:
            scalar = builder.fptrunc(scalar, ir.FloatType())
        unknown = ir.Constant(vector, ir.Undefined)
        first = builder.insert_element(unknown, scalar, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), like.lanes), [0] * like.lanes)
        return builder.shuffle_vector(first, unknown, zeros)

    return like(types.float64, like), generate


def _binary(emit: Any) -> Any:
    """An operation on two vectors of one type."""

    def rule(_typing: Any, a: Any, b: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return emit(builder, *arguments)

        return a(a, b), generate

    return _operation(rule)


_add = _binary(lambda builder, a, b: builder.fadd(a, b, flags=_FUSED))
_subtract = _binary(lambda builder, a, b: builder.fsub(a, b, flags=_FUSED))
_multiply = _binary(lambda builder, a, b: builder.fmul(a, b, flags=_FUSED))
plus = _binary(lambda builder, a, b: builder.fadd(a, b))
scaled = _binary(lambda builder, a, b: builder.fmul(a, b))
smaller = _binary(lambda builder, a, b: builder.select(builder.fcmp_ordered("<", a, b), a, b))


def _arithmetic(symbol: Any, rule: Any) -> None:
    def apply(a: Any, b: Any) -> Any:
        return rule(a, b)

    @overload(symbol)
    def _chosen(a: Any, b: Any) -> Any:
        return apply if isinstance(a, Vector) and isinstance(b, Vector) else None


_arithmetic(operator.add, _add)
_arithmetic(operator.sub, _subtract)
_arithmetic(operator.mul, _multiply)


def _llvm_call(builder: Any, name: str, *arguments: Any) -> Any:
    """Calls an LLVM intrinsic on vectors of one type."""
    vector = arguments[0].type
    bits = 32 if vector.element == ir.FloatType() else 64
    kind = ir.FunctionType(vector, [vector] * len(arguments))
    name = f"llvm.{name}.v{vector.count}f{bits}"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def _unary(name: str) -> Any:
    """An LLVM intrinsic on one vector."""

    def rule(_typing: Any, a: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return _llvm_call(builder, name, *arguments)

        return a(a), generate

    return _operation(rule)


size = _unary("fabs")
floor = _unary("floor")
with_sign = _binary(lambda builder, a, b: _llvm_call(builder, "copysign", a, b))


@_operation
def where_below(_typing: Any, a: Any, limit: Any, value: Any) -> Any:
    """``value`` on the lanes where a < limit, zero elsewhere."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        a_, limit_, value_ = arguments
        zero = ir.Constant(value_.type, None)
        return builder.select(builder.fcmp_ordered("<", a_, limit_), value_, zero)

    return value(a, limit, value), generate


def _shuffle(chosen: Any) -> Any:
    """Picks lanes of two vectors by number; those of the second follow the first's."""

    def emit(builder: Any, a: Any, b: Any) -> Any:
        lanes = a.type.count
        mask = ir.VectorType(ir.IntType(32), lanes)
        return builder.shuffle_vector(
            a, b, ir.Constant(mask, [chosen(i, lanes) for i in range(lanes)])
        )

    return _binary(emit)


_even = _shuffle(lambda i, _lanes: 2 * i)
_odd = _shuffle(lambda i, _lanes: 2 * i + 1)
_first_twice = _shuffle(lambda i, _lanes: i // 2)
_last_twice = _shuffle(lambda i, lanes: (lanes + i) // 2)


@inner
def pair_sums(values: Any, count: int, group: int) -> int:
    """Replaces each group of a flat array by its sum, in place; gives the number of sums.

    Args:
        values: Contiguous, with room for ``count`` rounded up to two vectors.
        count: How many hold.
        group: Neighbours that are added up, a power of two.
    """
    lanes = BYTES // values.itemsize
    while group > 1:
        for i in range((count + 2 * lanes - 1) // (2 * lanes)):
            a, b = load(values, 2 * lanes * i), load(values, 2 * lanes * i + lanes)
            store(values, lanes * i, _even(a, b) + _odd(a, b))
        count, group = count // 2, group // 2
    return count


@inner
def spread(values: Any, count: int, group: int) -> None:
    """Repeats each of ``count`` numbers ``group`` times (a power of two), in place.

    ``values`` has room for the result rounded up to two vectors.
    """
    lanes = BYTES // values.itemsize
    while group > 1:
        for i in range((count + lanes - 1) // lanes - 1, -1, -1):
            a = load(values, lanes * i)
            store(values, 2 * lanes * i + lanes, _last_twice(a, a))
            store(values, 2 * lanes * i, _first_twice(a, a))
        count, group = count * 2, group // 2
