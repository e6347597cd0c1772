"""The compiled interpreter of programs: many sequences side by side in lanes, no Python a step.

Registers are a file of int64, one row an element, one column a lane (a sequence). Sums of products
are exact in float64 whatever their order (:mod:`imssa.hardware.pairs`), so the codes equal those of
the step-by-step executor, noise on or off.
"""

from typing import Any

import numba
import numpy as np

from imssa.crossbar.tape import CODES
from imssa.kernels.codes import convert, drive, leak, requantize, saturate
from imssa.kernels.random import read_normal
from imssa.program import operations as ops

LANES = 16

_CLEAR, _GATHER, _PHASE = CODES[ops.Clear], CODES[ops.Gather], CODES[ops.Phase]
_REQUANTIZE, _LEAK, _ADD = CODES[ops.Requantize], CODES[ops.Leak], CODES[ops.Add]
_MATMUL, _TABLE, _ACCUMULATE = CODES[ops.MatMul], CODES[ops.Table], CODES[ops.Accumulate]
_MEAN, _ARGMAX = CODES[ops.MeanByLength], CODES[ops.ArgMax]


@numba.njit(nogil=True)
def _elementwise(row: Any, pool: Any, file: Any, lengths: Any) -> None:
    """All operations whose result i depends on element i (or a fixed other element) alone."""
    kind, a, b, target, count, place, largest, extra = row
    for i in range(count):
        out = file[target + i]
        x, y = file[a + i], file[b + i]
        for lane in range(LANES):
            if kind == _REQUANTIZE:
                m, t = pool[place + i], pool[place + count + i]
                out[lane] = requantize(x[lane], m, t, largest)
            elif kind == _LEAK:
                out[lane] = x[lane] - leak(x[lane], pool[place + i])
            elif kind == _ADD:
                out[lane] = saturate(x[lane] + y[lane], largest)
            elif kind == _TABLE:
                out[lane] = pool[place + extra + x[lane]]
            elif kind == _ACCUMULATE:
                out[lane] = saturate(out[lane] + x[lane], largest)
            elif kind == _MEAN:
                n = lengths[lane]
                out[lane] = requantize(x[lane], pool[place + n], pool[place + extra + n], largest)
            elif kind == _GATHER:
                out[lane] = pool[place + count + i] * file[a + pool[place + i], lane]
            else:
                out[lane] = 0


@numba.njit(nogil=True)
def _matmul(row: Any, pool: Any, file: Any) -> None:
    a, target, count, place, largest, inputs = row[1], row[3], row[4], row[5], row[6], row[7]
    total = np.zeros(LANES, np.int64)
    for i in range(count):
        total[:] = pool[place + i]
        for j in range(inputs):
            weight = pool[place + count + i * inputs + j]
            if weight != 0:
                for lane in range(LANES):
                    total[lane] += weight * file[a + j, lane]
        for lane in range(LANES):
            file[target + i, lane] = saturate(total[lane], largest)


@numba.njit(nogil=True)
def _argmax(row: Any, file: Any) -> None:
    a, target, inputs = row[1], row[3], row[7]
    for lane in range(LANES):
        best = 0
        for j in range(1, inputs):
            if file[a + j, lane] > file[a + best, lane]:
                best = j
        file[target, lane] = best


@numba.njit(nogil=True)
def _phase(phase: Any, weights: Any, variance: Any, noise: Any, widths: Any, file: Any) -> None:
    """One MVM of all lanes; ``noise`` is (key words, chip, event, step, samples)."""
    lines, pairs = len(phase.word_lines), len(phase.pairs)
    inputs = np.empty((lines, LANES))
    for i in range(lines):
        source, sign, shift = phase.source[i], phase.drive_sign[i], phase.drive_shift[i]
        for lane in range(LANES):
            inputs[i, lane] = drive(sign * file[source, lane], shift, widths[0])
    acc, spread = np.zeros(LANES), np.zeros(LANES)
    k0, k1, chip, event, step, samples = noise
    for j in range(pairs):
        acc[:] = 0.0
        spread[:] = 0.0
        for i in range(lines):
            w, v = weights[j, i], variance[j, i]
            for lane in range(LANES):
                acc[lane] += w * inputs[i, lane]
            if v > 0.0:
                for lane in range(LANES):
                    spread[lane] += v * (inputs[i, lane] * inputs[i, lane])
        for lane in range(LANES):
            if spread[lane] > 0.0:
                z = read_normal(k0, k1, chip, event, step, samples[lane], phase.pairs[j])
                acc[lane] += np.sqrt(spread[lane]) * z
            code = convert(acc[lane], phase.scale[j], widths[1])
            file[phase.target[j], lane] = phase.read_sign[j] * code


@numba.njit(nogil=True)
def _operate(rows: Any, tape: Any, chip: Any, address: Any, widths: Any, file: Any) -> None:
    pool, phases = tape
    all_weights, all_variances, k0, k1, chip_number = chip
    step, samples, lengths = address
    for number in range(len(rows)):
        row = rows[number]
        if row[0] == _PHASE:
            event = row[7]
            noise = (k0, k1, chip_number, event, step, samples)
            w, v = all_weights[event], all_variances[event]
            _phase(phases[event], w, v, noise, widths, file)
        elif row[0] == _MATMUL:
            _matmul(row, pool, file)
        elif row[0] == _ARGMAX:
            _argmax(row, file)
        else:
            _elementwise(row, pool, file, lengths)


@numba.njit(cache=True, nogil=True)
def run_blocks(
    first: int,
    end: int,
    blocks: int,
    tape: Any,
    sections: Any,
    chips: Any,
    inputs: Any,
    places: Any,
    widths: Any,
    final: Any,
    kept: Any,
) -> None:
    """Runs items ``first`` .. ``end``; item i is chip i // blocks and block i % blocks of lanes.

    Args:
        first: First item.
        end: One beyond the last.
        blocks: Blocks of lanes a chip.
        tape: Pool and phases.
        sections: Rows of start, step and end.
        chips: Weights and variances (phases, then chips, pairs, lines), key words, chip numbers.
        inputs: Codes (blocks, length, features, lanes), lengths (blocks, lanes), samples.
        places: First element of the input register; elements to record.
        widths: Largest DAC and ADC codes.
        final: Register file at the end, (chips, blocks, size, lanes).
        kept: Recorded elements, (chips, blocks, length, elements, lanes).
    """
    codes, lengths, samples = inputs
    weights, variances, k0, k1, numbers = chips
    file = np.zeros(final.shape[2:], np.int64)
    done = np.zeros_like(file)
    for item in range(first, end):
        c, b = item // blocks, item % blocks
        chip = (
            [w[c] for w in weights],
            [v[c] for v in variances],
            k0,
            k1,
            numbers[c],
        )
        file[:] = 0
        _operate(sections[0], tape, chip, (0, samples[b], lengths[b]), widths, file)
        for step in range(lengths[b].max()):
            file[places[0] : places[0] + codes.shape[2]] = codes[b, step]
            _operate(sections[1], tape, chip, (step, samples[b], lengths[b]), widths, file)
            for lane in range(LANES):
                if step < lengths[b, lane]:
                    for e in range(len(places[1])):
                        kept[c, b, step, e, lane] = file[places[1][e], lane]
                if step == lengths[b, lane] - 1:
                    done[:, lane] = file[:, lane]
        file[:] = done
        _operate(sections[2], tape, chip, (0, samples[b], lengths[b]), widths, file)
        final[c, b] = file
