"""Many arrays and numbers as one vector of integers, for compiled functions called at each time step.

Handing an array to a compiled function takes some tenths of a microsecond and a small allocation; a
program has some twenty, and its time step takes about one microsecond in all. So a stream hands over
one vector of addresses and numbers, made once. Whoever made it keeps every array alive, in its place.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int64
from numba import types
from numba.extending import intrinsic


def packed(groups: tuple[Any, ...], kinds: Mapping[str, Any]) -> Int64[np.ndarray, " words"]:
    """Members of named tuples in order: arrays as their addresses, numbers as they are.

    Args:
        groups: Named tuples of arrays in C order and integers of at most 63 bits.
        kinds: Type of the elements of each array by its name: what compiled code will read there.

    Raises:
        TypeError: An array of another type or order.
    """
    members = (pair for group in groups for pair in zip(group._fields, group, strict=True))
    return np.array([_word(name, member, kinds) for name, member in members], np.int64)


def _word(name: str, member: Any, kinds: Mapping[str, Any]) -> int:
    if not isinstance(member, np.ndarray):
        return int(member)
    kind = np.dtype(kinds[name])
    if not member.flags.c_contiguous or member.dtype != kind:
        msg = f"{name} is {member.dtype} of strides {member.strides}; {kind} in C order is read"
        raise TypeError(msg)
    return int(member.ctypes.data)


def _located(_typing: Any, _address: Any, like: Any) -> Any:
    """Pointer to numbers of the type of ``like`` at an address."""
    pointer = types.CPointer(types.unliteral(like))

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(signature.return_type))

    return pointer(types.int64, like), build


located: Any = intrinsic(_located)
