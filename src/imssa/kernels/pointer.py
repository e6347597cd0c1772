"""Plain pointers to arrays and bits of numbers, for compiled loops.

Counting the references of arrays takes longer than short loops do, hence the pointers. Whoever calls
the outermost compiled function keeps every array alive, and arrays are contiguous.
"""

from typing import Any, Final

from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

BLOCK: Final = 64
"""Columns whose sums fit into vector registers together."""


def _pointer(_typing: Any, array: Any) -> Any:
    """Pointer to the first element of a contiguous array."""
    if array.layout != "C":
        msg = f"a plain pointer needs an array in C order, not {array.layout}"
        raise TypingError(msg)

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, values[0]).data

    return types.CPointer(array.dtype)(array), build


def _moved(_typing: Any, pointer: Any, _places: Any) -> Any:
    """Pointer to an element further on."""

    def build(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.gep(values[0], [values[1]])

    return pointer(pointer, types.uint64), build


def _local_block(_typing: Any, like: Any) -> Any:
    """``BLOCK`` elements on the stack, of the type that a pointer points to.

    The compiler knows that nothing else points there, and keeps them in registers.
    """

    def build(context: Any, builder: Any, _signature: Any, _values: Any) -> Any:
        count = context.get_constant(types.intp, BLOCK)
        return cgutils.alloca_once(builder, context.get_data_type(like.dtype), size=count)

    return like(like), build


def _as_float(_typing: Any, _word: Any) -> Any:
    """The float32 whose bits are those of a uint32."""

    def build(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.bitcast(values[0], context.get_value_type(types.float32))

    return types.float32(types.uint32), build


pointer: Any = intrinsic(_pointer)
as_float: Any = intrinsic(_as_float)
local_block: Any = intrinsic(_local_block)
moved: Any = intrinsic(_moved)
