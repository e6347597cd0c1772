"""The closed list of what a program may do: one record an operation, its equation in the docstring.

Registers are vectors of signed integers; elementwise operations act on whole registers. Rounding is
that of :mod:`imssa.kernels.codes` throughout. Any chip driver can be written from these records.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Int64

Vector = Int64[np.ndarray, " _"]
Lines = Int64[np.ndarray, " lines"]
Pairs = Int64[np.ndarray, " pairs"]
Matrix = Int64[np.ndarray, "outputs inputs"]


@dataclass(frozen=True)
class Register:
    """A vector of ``size`` signed integers of ``bits`` bits, range -(2^(bits-1)-1) .. 2^(bits-1)-1."""

    name: str
    size: int
    bits: int


@dataclass(frozen=True)
class Clear:
    """target = 0."""

    target: str


@dataclass(frozen=True)
class Gather:
    """target[i] = sign[i] source[index[i]]."""

    source: str
    target: str
    index: Vector
    sign: Vector


@dataclass(frozen=True)
class Phase:
    """One analog matrix-vector multiply (MVM): drive word lines, read bit-line pairs.

    d_i = clip(R(sign_i r_i, f_i)) on word line i, where r_i is element ``drive_index[i]`` of
    register ``drive[i]`` and f_i its fractional bits; all other lines are at 0 V.
    a_p = clip(round(acc_p 2^h_p / L_p)), acc_p = sum_i W_pi d_i, is written with its sign to element
    ``read_index[p]`` of register ``read[p]``.
    """

    array: int
    drive: tuple[str, ...]
    word_lines: Lines
    drive_register: Lines
    drive_index: Lines
    drive_sign: Lines
    drive_shift: Lines
    read: tuple[str, ...]
    pairs: Pairs
    read_register: Pairs
    read_index: Pairs
    read_sign: Pairs
    full_scale: Pairs
    full_scale_shift: Pairs


@dataclass(frozen=True)
class Requantize:
    """target = clip(round(source m 2^-t)); a negative t shifts left."""

    source: str
    target: str
    multiplier: Vector
    shift: Vector


@dataclass(frozen=True)
class Leak:
    """target = source - sign(source) ((abs(source) + 2^(k-1)) >> k), k >= 1."""

    source: str
    target: str
    k: Vector


@dataclass(frozen=True)
class Add:
    """target = clip(source + other)."""

    source: str
    other: str
    target: str


@dataclass(frozen=True)
class MatMul:
    """target = clip(weights source + bias), in exact integers."""

    source: str
    target: str
    weights: Matrix
    bias: Vector


@dataclass(frozen=True)
class Table:
    """target = values[source + (len(values) - 1) / 2]."""

    source: str
    target: str
    values: Vector


@dataclass(frozen=True)
class Accumulate:
    """target = clip(target + source)."""

    source: str
    target: str


@dataclass(frozen=True)
class MeanByLength:
    """target = clip(round(source m[length] 2^-t[length]))."""

    source: str
    target: str
    multiplier: Vector
    shift: Vector


@dataclass(frozen=True)
class ArgMax:
    """target = index of the largest element of source; ties go to the lowest index."""

    source: str
    target: str


Operation = (
    Clear
    | Gather
    | Phase
    | Requantize
    | Leak
    | Add
    | MatMul
    | Table
    | Accumulate
    | MeanByLength
    | ArgMax
)

BY_NAME: Final[dict[str, Any]] = {
    kind.__name__: kind
    for kind in (
        Clear,
        Gather,
        Phase,
        Requantize,
        Leak,
        Add,
        MatMul,
        Table,
        Accumulate,
        MeanByLength,
        ArgMax,
    )
}
