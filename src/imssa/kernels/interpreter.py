"""The compiled interpreter of programs: one sequence on one chip at a time, no Python a step.

Registers are one file of 32-bit elements; whatever may be wider on the way is computed in 64 bits.
"""

from typing import Any, Final, NamedTuple

import numba
import numpy as np

from imssa.kernels.codes import leak, requantize, saturate
from imssa.kernels.phase import Chip, analog_pointers, room_pointers, run_phase
from imssa.kernels.pointer import moved, pointer

OPERATIONS: Final = (
    "Clear",
    "Gather",
    "Phase",
    "Requantize",
    "Leak",
    "Add",
    "MatMul",
    "Table",
    "Accumulate",
    "MeanByLength",
    "ArgMax",
)
"""Names of the operations; a row of a tape starts with the number of one."""

_CLEAR, _GATHER, _PHASE, _REQUANTIZE = (np.uint64(n) for n in range(4))
_LEAK, _ADD, _MATMUL, _TABLE = (np.uint64(n) for n in range(4, 8))
_ACCUMULATE, _MEAN, _ARGMAX = (np.uint64(n) for n in range(8, 11))
_U1, _U2, _U3, _U4, _COLUMNS = (np.uint64(n) for n in (1, 2, 3, 4, 8))


class Code(NamedTuple):
    """A program for the interpreter: rows of operations of each section, and their parameters.

    Attributes:
        pool: Parameters.
        start: Rows that run once.
        start_count: Their number.
        step: Rows that run each time step.
        step_count: Their number.
        end: Rows that run at the end.
        end_count: Their number.
        size: Elements of all registers.
    """

    pool: Any
    start: Any
    start_count: Any
    step: Any
    step_count: Any
    end: Any
    end_count: Any
    size: Any


@numba.njit(inline="always")
def tape_pointers(tape: Any) -> Any:
    """The same as plain pointers."""
    return Code(
        pointer(tape.pool),
        pointer(tape.start),
        tape.start_count,
        pointer(tape.step),
        tape.step_count,
        pointer(tape.end),
        tape.end_count,
        tape.size,
    )


@numba.njit(nogil=True, forceinline=True)
def _scale(row: Any, pool: Any, file: Any, length: Any) -> None:
    """Requantize, leak and mean: each element with parameters of its own."""
    kind, a, target, count, m = row[0], row[1], row[3], row[4], row[5]
    largest, t = np.int64(row[6]), row[5] + row[4]
    if kind == _REQUANTIZE:
        for i in range(count):
            file[target + i] = requantize(file[a + i], pool[m + i], pool[t + i], largest)
    elif kind == _LEAK:
        for i in range(count):
            file[target + i] = file[a + i] - leak(file[a + i], pool[m + i])
    else:
        multiplier, shift = pool[m + length], pool[m + row[7] + length]
        for i in range(count):
            file[target + i] = requantize(file[a + i], multiplier, shift, largest)


@numba.njit(nogil=True, forceinline=True)
def _move(row: Any, pool: Any, file: Any) -> None:
    """Clear, gather, add, accumulate and table."""
    kind, a, b, target, count, place = row[0], row[1], row[2], row[3], row[4], row[5]
    largest = np.int64(row[6])
    if kind == _ADD:
        for i in range(count):
            file[target + i] = saturate(file[a + i] + file[b + i], largest)
    elif kind == _ACCUMULATE:
        for i in range(count):
            file[target + i] = saturate(file[target + i] + file[a + i], largest)
    elif kind == _TABLE:
        middle = np.int64(place + row[7])
        for i in range(count):
            file[target + i] = pool[np.uint64(middle + file[a + i])]
    elif kind == _GATHER:
        for i in range(count):
            file[target + i] = pool[place + count + i] * file[a + np.uint64(pool[place + i])]
    else:
        for i in range(count):
            file[target + i] = 0


@numba.njit(nogil=True, forceinline=True)
def _matmul(row: Any, pool: Any, file: Any) -> None:
    a, target, count, place, inputs = row[1], row[3], row[4], row[5], row[7]
    largest, first = np.int64(row[6]), place + count
    for i in range(count):
        total = pool[place + i]
        for j in range(inputs):
            total += pool[first + j] * file[a + j]
        first += inputs
        file[target + i] = saturate(total, largest)


@numba.njit(nogil=True, forceinline=True)
def _argmax(row: Any, file: Any) -> None:
    a = row[1]
    best: Any = np.uint64(0)
    for j in range(row[7]):
        if file[a + j] > file[a + best]:
            best = j
    file[row[3]] = best


@numba.njit(nogil=True, forceinline=True)
def _row(rows: Any, number: Any) -> Any:
    p = _COLUMNS * number
    q = p + _U4
    first = (rows[p], rows[p + _U1], rows[p + _U2], rows[p + _U3])
    return (*first, rows[q], rows[q + _U1], rows[q + _U2], rows[q + _U3])


@numba.njit(nogil=True, forceinline=True)
def _digital(row: Any, pool: Any, file: Any, length: Any) -> None:
    """Any operation but a phase."""
    kind = row[0]
    if kind == _MATMUL:
        _matmul(row, pool, file)
    elif kind == _ARGMAX:
        _argmax(row, file)
    elif kind in (_REQUANTIZE, _LEAK, _MEAN):
        _scale(row, pool, file, length)
    else:
        _move(row, pool, file)


@numba.njit(nogil=True, forceinline=True)
def operate_digital(rows: Any, count: Any, pool: Any, length: Any, file: Any) -> None:
    """Rows of operations in order, no phase among them: a start or an end section."""
    for n in range(count):
        _digital(_row(rows, n), pool, file, length)


@numba.njit(nogil=True, forceinline=True)
def operate(
    rows: Any, count: Any, pool: Any, chip: Any, analog: Any, address: Any, length: Any, room: Any
) -> None:
    """Rows of operations in order."""
    for n in range(count):
        row = _row(rows, n)
        if row[0] == _PHASE:
            run_phase(row, pool, chip, analog, address, room)
        else:
            _digital(row, pool, room.file, length)


@numba.njit(nogil=True, forceinline=True)
def _run_item(
    tape: Any, chip: Any, analog: Any, given: Any, names: Any, begin: Any, room: Any, kept: Any
) -> None:
    """One sequence on one chip; ``names`` are its length and the numbers of sequence and chip."""
    length, sample, number = names
    fed, features = given
    records, elements, recorded = kept
    file, size = room.file, tape.size
    for e in range(size):
        file[e] = 0
    for step in range(-1, length + 1):
        rows, count = tape.step, tape.step_count
        at = max(step, 0)
        if step < 0:
            rows, count = tape.start, tape.start_count
        elif step == length:
            rows, count, at = tape.end, tape.end_count, 0
        else:
            for e in range(features):
                file[begin + e] = fed[np.uint64(step) * features + e]
        address = (at, sample, number)
        operate(rows, count, tape.pool, chip, analog, address, np.uint64(length), room)
        if 0 <= step < length:
            for e in range(elements):
                records[np.uint64(step) * elements + e] = file[recorded[e]]


@numba.njit(cache=True, nogil=True)
def run_items(
    first: int,
    end: int,
    tape: Any,
    chips: Any,
    analog: Any,
    inputs: Any,
    places: Any,
    room: Any,
    out: Any,
) -> None:
    """Runs items ``first`` .. ``end``; item i is chip i // batch and sequence i % batch.

    Args:
        first: First item.
        end: One beyond the last.
        tape: The program.
        chips: Weights, variances and readout (chips, ...), two key words, chip numbers.
        analog: What all phases share.
        inputs: Codes (batch, length, features), lengths and numbers of the sequences.
        places: First element of the input register; elements to record.
        room: Working arrays, one set for each thread.
        out: Register file at the end, (chips, batch, size), and recorded elements, (chips, batch,
            length, elements).
    """
    codes, lengths, samples = inputs
    weights, variances, readout, key0, key1, numbers = chips
    begin, recorded = places
    final, kept = out
    batch, longest, features = codes.shape
    elements, size = len(recorded), final.shape[2]
    mine, shared, own = room_pointers(room), analog_pointers(analog), tape_pointers(tape)
    for item in range(first, end):
        c, b = item // batch, item % batch
        chip = Chip(
            moved(pointer(weights), np.uint64(c * weights.shape[1])),
            moved(pointer(variances), np.uint64(c * variances.shape[1])),
            moved(pointer(readout), np.uint64(c * 3 * readout.shape[2])),
            key0,
            key1,
        )
        fed = moved(pointer(codes), np.uint64(b * longest * features))
        records = moved(pointer(kept), np.uint64(item * longest * elements))
        names = (lengths[b], samples[b], numbers[c])
        record = (records, np.uint64(elements), pointer(recorded))
        given = (fed, np.uint64(features))
        _run_item(own, chip, shared, given, names, np.uint64(begin), mine, record)
        for e in range(size):
            final[c, b, e] = mine.file[e]
