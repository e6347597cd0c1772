"""The compiled interpreter of programs: one sequence on one chip at a time, no Python a step.

Registers are one file of int64 elements. Weights are float32 when all their sums are exact in it
(:mod:`imssa.hardware.pairs` rounds them so), else float64; variances are summed in float32, line
after line. So the codes equal those of the step-by-step executor, noise on or off.
"""

from typing import Any, Final

import numba
import numpy as np
from numba.extending import intrinsic

from imssa.kernels.codes import convert, drive, leak, requantize, saturate
from imssa.kernels.random import GROUP, read_words, to_normal

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
_U1, _U2, _U3 = np.uint64(1), np.uint64(2), np.uint64(3)


def _without_count(_typing: Any, array: Any) -> Any:
    """The same array without its reference count.

    Counting references takes longer than the loops here; the caller of ``run_items`` keeps every
    array alive.
    """

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, values[0])
        for name in ("meminfo", "parent"):
            setattr(view, name, getattr(view, name).type(None))
        return view._getvalue()

    return array(array), build


_bare: Any = intrinsic(_without_count)

# All places and counts are unsigned: an index that may be negative keeps the compiler from
# vectorizing, and slices cost more than these short loops.


@numba.njit(nogil=True)
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


@numba.njit(nogil=True)
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


@numba.njit(nogil=True)
def _matmul(row: Any, pool: Any, file: Any) -> None:
    a, target, count, place, inputs = row[1], row[3], row[4], row[5], row[7]
    largest, first = np.int64(row[6]), place + count
    for i in range(count):
        total = pool[place + i]
        for j in range(inputs):
            total += pool[first + j] * file[a + j]
        first += inputs
        file[target + i] = saturate(total, largest)


@numba.njit(nogil=True)
def _argmax(row: Any, file: Any) -> None:
    a = row[1]
    best: Any = np.uint64(0)
    for j in range(row[7]):
        if file[a + j] > file[a + best]:
            best = j
    file[row[3]] = best


@numba.njit(nogil=True, fastmath={"contract"})
def _product(w: Any, place: Any, lines: Any, pairs: Any, x: Any, acc: Any) -> None:
    """acc_j = sum_i w_ij x_i, exact in any order; w stands row by row from ``place`` on."""
    for j in range(pairs):
        acc[j] = 0
    i: Any = np.uint64(0)
    p0 = place
    while i + np.uint64(8) <= lines:
        x0, x1, x2, x3 = x[i], x[i + _U1], x[i + _U2], x[i + _U3]
        k = i + np.uint64(4)
        x4, x5, x6, x7 = x[k], x[k + _U1], x[k + _U2], x[k + _U3]
        p1, p2, p3 = p0 + pairs, p0 + _U2 * pairs, p0 + _U3 * pairs
        p4 = p3 + pairs
        p5, p6, p7 = p4 + pairs, p4 + _U2 * pairs, p4 + _U3 * pairs
        for j in range(pairs):
            low = w[p0 + j] * x0 + w[p1 + j] * x1 + w[p2 + j] * x2 + w[p3 + j] * x3
            high = w[p4 + j] * x4 + w[p5 + j] * x5 + w[p6 + j] * x6 + w[p7 + j] * x7
            acc[j] += low + high
        i, p0 = i + np.uint64(8), p7 + pairs
    while i < lines:
        x0 = x[i]
        for j in range(pairs):
            acc[j] += w[p0 + j] * x0
        i, p0 = i + _U1, p0 + pairs


@numba.njit(nogil=True)
def _spread(v: Any, place: Any, rows: Any, lines: Any, pairs: Any, x: Any, acc: Any) -> None:
    """acc_j = sum_i v_ij x_i^2 in float32, line after line; one row of v serves all lines."""
    if rows == _U1:
        total = np.float32(0)
        for line in range(lines):
            total += x[line] * x[line]
        for j in range(pairs):
            acc[j] = v[place + j] * total
        return
    for j in range(pairs):
        acc[j] = 0
    i: Any = np.uint64(0)
    p0 = place
    while i + np.uint64(4) <= lines:
        x0, x1, x2, x3 = x[i], x[i + _U1], x[i + _U2], x[i + _U3]
        x0, x1, x2, x3 = x0 * x0, x1 * x1, x2 * x2, x3 * x3
        p1, p2, p3 = p0 + pairs, p0 + _U2 * pairs, p0 + _U3 * pairs
        for j in range(pairs):
            some = (acc[j] + v[p0 + j] * x0) + v[p1 + j] * x1
            acc[j] = (some + v[p2 + j] * x2) + v[p3 + j] * x3
        i, p0 = i + np.uint64(4), p3 + pairs
    while i < lines:
        x0 = x[i] * x[i]
        for j in range(pairs):
            acc[j] += v[p0 + j] * x0
        i, p0 = i + _U1, p0 + pairs


@numba.njit(nogil=True)
def _to_noise(pool: Any, at: Any, pairs: Any, more: Any, words: Any, noise: Any, out: Any) -> None:
    """Variances of the sums become draws of their read noise; pairs stand in the pool at ``at``."""
    k0, k1, address = noise
    low, high, run = pool[more + _U1], pool[more + _U2], pool[more + _U3]
    first = low // GROUP
    read_words(k0, k1, address, first, high // GROUP + 1 - first, words)
    base = np.uint64(low - GROUP * first)
    if run:
        for j in range(pairs):
            out[j] = np.sqrt(out[j]) * to_normal(words[base + j])
    else:
        for j in range(pairs):
            place = base + np.uint64(pool[at + j] - low)
            out[j] = np.sqrt(out[j]) * to_normal(words[place])


@numba.njit(nogil=True)
def _drive(
    pool: Any,
    place: Any,
    lines: Any,
    run: int,
    largest: int,
    file: Any,
    x: Any,
    plain: Any,
    codes: Any,
) -> None:
    """DAC codes of a phase's lines, in both kinds of float."""
    sign, shift = place + lines, place + lines + lines
    if run:
        first = np.uint64(pool[place])
        for i in range(lines):
            codes[i] = file[first + i]
    else:
        for i in range(lines):
            codes[i] = pool[sign + i] * file[np.uint64(pool[place + i])]
    for i in range(lines):
        code = drive(codes[i], pool[shift + i], largest)
        x[i], plain[i] = code, code


@numba.njit(nogil=True)
def _convert(
    acc: Any, noise: Any, scale: Any, first: Any, pairs: Any, largest: int, codes: Any
) -> None:
    for j in range(pairs):
        noisy = np.float64(acc[j]) + np.float64(noise[j])
        codes[j] = convert(noisy, scale[first + j], largest)


@numba.njit(nogil=True)
def _phase(
    row: Any,
    pool: Any,
    scale: Any,
    w: Any,
    v: Any,
    noise: Any,
    largest: Any,
    file: Any,
    x: Any,
    plain: Any,
    acc: Any,
    spread: Any,
    words: Any,
    codes: Any,
) -> None:
    """One MVM; its row has lines, pairs, places in pool, weights, variances, and rows of these."""
    lines, pairs, place, rows = row[1], row[2], row[3], row[6]
    at = place + _U3 * lines
    more = at + _U3 * pairs
    _drive(pool, place, lines, pool[more + np.uint64(4)], largest[0], file, x, plain, codes)
    _product(w, row[4], lines, pairs, x, acc)
    if rows > 0:
        _spread(v, row[5], rows, lines, pairs, plain, spread)
        _to_noise(pool, at, pairs, more, words, noise, spread)
    _convert(acc, spread, scale, np.uint64(pool[more]), pairs, largest[1], codes)
    target = at + pairs
    if pool[more + np.uint64(5)]:
        first = np.uint64(pool[target])
        for j in range(pairs):
            file[first + j] = codes[j]
    else:
        sign = target + pairs
        for j in range(pairs):
            file[np.uint64(pool[target + j])] = pool[sign + j] * codes[j]


@numba.njit(nogil=True)
def _operate(
    rows: Any,
    pool: Any,
    scale: Any,
    w: Any,
    v: Any,
    numbers: Any,
    address: Any,
    file: Any,
    x: Any,
    plain: Any,
    acc: Any,
    spread: Any,
    words: Any,
    codes: Any,
) -> None:
    """Rows of operations in order; ``numbers`` are key words, chip, largest DAC and ADC codes."""
    k0, k1, number, largest = numbers
    step, sample, length = address
    for n in range(rows.shape[0]):
        kind = rows[n, 0]
        first = (kind, rows[n, 1], rows[n, 2], rows[n, 3])
        row = (*first, rows[n, 4], rows[n, 5], rows[n, 6], rows[n, 7])
        if kind == _PHASE:
            noise = (k0, k1, (row[7], step, sample, number))
            _phase(
                row, pool, scale, w, v, noise, largest, file, x, plain, acc, spread, words, codes
            )
        elif kind == _MATMUL:
            _matmul(row, pool, file)
        elif kind == _ARGMAX:
            _argmax(row, file)
        elif kind in (_REQUANTIZE, _LEAK, _MEAN):
            _scale(row, pool, file, length)
        else:
            _move(row, pool, file)


def working_room(lines: int, pairs: int, kind: Any) -> tuple[Any, ...]:
    """Arrays that one thread needs: inputs twice, sums, noise, random words, codes.

    Args:
        lines: Most driven lines of a phase.
        pairs: One beyond the largest pair that is read.
        kind: Type of the weights.
    """
    words = np.zeros((pairs // GROUP + 2) * GROUP, np.uint32)
    inputs, plain = np.zeros(lines, kind), np.zeros(lines, np.float32)
    sums, noise = np.zeros(pairs, kind), np.zeros(pairs, np.float32)
    return inputs, plain, sums, noise, words, np.zeros(max(lines, pairs), np.int64)


@numba.njit(cache=True, nogil=True)
def run_items(
    first: int,
    end: int,
    tape: Any,
    sections: Any,
    chips: Any,
    inputs: Any,
    places: Any,
    room: Any,
    final: Any,
    kept: Any,
) -> None:
    """Runs items ``first`` .. ``end``; item i is chip i // batch and sequence i % batch.

    Args:
        first: First item.
        end: One beyond the last.
        tape: Pool of parameters, ADC steps, and the largest DAC and ADC codes.
        sections: Rows of start, step and end.
        chips: Weights and variances (chips, all phases), key words, chip numbers.
        inputs: Codes (batch, length, features), lengths and numbers of the sequences.
        places: First element of the input register; elements to record.
        room: What `working_room` gives, one for each thread.
        final: Register file at the end, (chips, batch, size).
        kept: Recorded elements, (chips, batch, length, elements).
    """
    fed, lengths, samples = _bare(inputs[0]), _bare(inputs[1]), _bare(inputs[2])
    pool, scale, largest = _bare(tape[0]), _bare(tape[1]), tape[2]
    begin_rows, step_rows, end_rows = _bare(sections[0]), _bare(sections[1]), _bare(sections[2])
    weights, variances, numbers = _bare(chips[0]), _bare(chips[1]), _bare(chips[4])
    k0, k1, begin, recorded = chips[2], chips[3], places[0], _bare(places[1])
    inputs_and_sums = (_bare(room[0]), _bare(room[1]), _bare(room[2]))
    mine = (*inputs_and_sums, _bare(room[3]), _bare(room[4]), _bare(room[5]))
    registers, records = _bare(final), _bare(kept)
    batch, _, features = fed.shape
    for item in range(first, end):
        c, b = item // batch, item % batch
        w, v, file, given = weights[c], variances[c], registers[c, b], fed[b]
        own, length, sample = (k0, k1, numbers[c], largest), np.uint64(lengths[b]), samples[b]
        _operate(begin_rows, pool, scale, w, v, own, (0, sample, length), file, *mine)
        for step in range(lengths[b]):
            for e in range(features):
                file[begin + e] = given[step, e]
            _operate(step_rows, pool, scale, w, v, own, (step, sample, length), file, *mine)
            for e in range(len(recorded)):
                records[c, b, step, e] = file[recorded[e]]
        _operate(end_rows, pool, scale, w, v, own, (0, sample, length), file, *mine)
