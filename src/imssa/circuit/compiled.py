"""Compiling one function with numba, without losing its type."""

import inspect
from collections.abc import Callable
from typing import TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """The function compiled by numba at its first call, kept on disk, running without the GIL.

    Products and sums may be fused (one rounding less); nothing is reordered, so results do not
    depend on how work is split. Type checkers that wrap functions on import are stepped around:
    numba compiles the function as written.

    Args:
        function: Plain loops over NumPy arrays and numbers.

    Returns:
        The compiled function, with the same signature.
    """
    compile_ = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
    return cast("_Function", compile_(inspect.unwrap(function)))
