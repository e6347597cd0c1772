"""Many arrays and numbers as one vector of integers, for compiled functions called at each time step.

Handing an array to a compiled function takes some tenths of a microsecond and a small allocation; a
program has some twenty, and its time step takes about one microsecond in all. So a stream hands over
one vector of addresses and numbers, made once. Whoever made it keeps every array alive, in its place.
"""

from typing import Any

import numpy as np
from jaxtyping import Int64
from numba import types
from numba.extending import intrinsic


def packed(*groups: tuple[Any, ...]) -> Int64[np.ndarray, " words"]:
    """Members of tuples in order: arrays as their addresses, numbers as they are.

    Args:
        groups: Arrays in C order, and integers of at most 63 bits.

    Example:
        >>> numbers = np.zeros(3)
        >>> packed((True, 7), (numbers,)).tolist() == [1, 7, numbers.ctypes.data]
        True
    """
    return np.array([_word(member) for group in groups for member in group], np.int64)


def _word(member: Any) -> int:
    if not isinstance(member, np.ndarray):
        return int(member)
    if not member.flags.c_contiguous:
        msg = "a plain pointer needs an array in C order"
        raise ValueError(msg)
    return int(member.ctypes.data)


def _located(_typing: Any, _address: Any, like: Any) -> Any:
    """Pointer to numbers of the type of ``like`` at an address."""
    pointer = types.CPointer(types.unliteral(like))

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(signature.return_type))

    return pointer(types.int64, like), build


located: Any = intrinsic(_located)
