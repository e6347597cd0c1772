"""One phase of the fused simulation, compiled: drivers, array, amplifiers, ADCs, for one sequence.

Weights are float32 when all their sums are exact in it (:mod:`imssa.hardware.pairs` rounds them so),
else float64; variances are summed in float32 in a given order. So the codes equal those of the
step-by-step executor, noise on or off.

All places and counts are unsigned: an index that may be negative keeps the compiler from vectorizing.
Reference counts and calls with many arrays cost more than these short loops, hence the plain pointers
and the forced inlining.
"""

from typing import Any, NamedTuple

import numba
import numpy as np

from imssa.kernels.codes import convert, saturate
from imssa.kernels.passes import digit
from imssa.kernels.pointer import pointer
from imssa.kernels.products import LANES, common_variance, padded, product
from imssa.kernels.random import GROUP, read_words, to_normal

_U1, _U2, _U3, _U4, _LANES = (np.uint64(n) for n in (1, 2, 3, 4, LANES))


class Room(NamedTuple):
    """Arrays that one thread needs.

    Attributes:
        x: Digits on the driven lines, in the weights' type.
        squares: Their squares.
        digits: The same as integers.
        acc: Sums of the read columns, in the weights' type.
        noise: Their variances, then their noise.
        words: Random words of the read lines.
        drives: DAC codes.
        readings: What the ADCs are given.
        codes: Codes of the pairs.
        file: All registers.
    """

    x: Any
    squares: Any
    digits: Any
    acc: Any
    noise: Any
    words: Any
    drives: Any
    readings: Any
    codes: Any
    file: Any


class Analog(NamedTuple):
    """What all phases share of drivers, amplifiers and ADCs; P: pairs of all phases.

    Attributes:
        dac_max: Largest DAC code.
        adc_max: Largest ADC code of a pass.
        pass_count: Number of passes.
        passes: Bit, sign and weight of each pass.
        bit_lines: Whether amplifiers saturate, so that each bit line is a column; else each pair.
        inverse: 2^h / L, (P,).
        adc_noise: Whether conversions are noisy.
        adc_sigma: Noise of a conversion in codes of the sum, (P,).
        limit: Largest current of an amplifier in codes of the sum, (P,).
        first_adc: Line number that addresses the ADC noise of pair 0.
        readout: Pairs of ``Chip.readout``: P, or 0 where amplifiers and ADCs are ideal.
    """

    dac_max: Any
    adc_max: Any
    pass_count: Any
    passes: Any
    bit_lines: Any
    inverse: Any
    adc_noise: Any
    adc_sigma: Any
    limit: Any
    first_adc: Any
    readout: Any


class Chip(NamedTuple):
    """What one chip instance holds, for all phases.

    Attributes:
        weights: Of each phase, lines times columns.
        variances: Of each phase, rows times columns.
        readout: Gains of even and odd lines, and offset in codes of the sum, (3, P).
        key0: Random key of its reads.
        key1: The same, its upper word.
    """

    weights: Any
    variances: Any
    readout: Any
    key0: Any
    key1: Any


def room_for(lines: int, pairs: int, widest: int, size: int, kind: Any) -> Room:
    """Arrays for one thread.

    Args:
        lines: Most driven lines of a phase.
        pairs: Most read pairs of a phase.
        widest: One beyond the largest line that addresses noise.
        size: Elements of all registers.
        kind: Type of the weights.
    """
    columns = padded(2 * pairs)
    return Room(
        np.zeros(lines, kind),
        np.zeros(lines, np.float32),
        np.zeros(lines, np.int32),
        np.zeros(columns, kind),
        np.zeros(columns, np.float32),
        np.zeros((widest // GROUP + 2) * GROUP, np.uint32),
        np.zeros(lines, np.int32),
        np.zeros(pairs, np.float64),
        np.zeros(pairs, np.int32),
        np.zeros(size, np.int32),
    )


@numba.njit(inline="always")
def room_pointers(room: Any) -> Any:
    """The same as plain pointers."""
    return Room(
        pointer(room.x),
        pointer(room.squares),
        pointer(room.digits),
        pointer(room.acc),
        pointer(room.noise),
        pointer(room.words),
        pointer(room.drives),
        pointer(room.readings),
        pointer(room.codes),
        pointer(room.file),
    )


@numba.njit(inline="always")
def analog_pointers(analog: Any) -> Any:
    """The same as plain pointers."""
    return Analog(
        analog.dac_max,
        analog.adc_max,
        analog.pass_count,
        pointer(analog.passes),
        analog.bit_lines,
        pointer(analog.inverse),
        analog.adc_noise,
        pointer(analog.adc_sigma),
        pointer(analog.limit),
        analog.first_adc,
        analog.readout,
    )


@numba.njit(nogil=True, forceinline=True)
def _words(chip: Any, address: Any, low: Any, high: Any, words: Any) -> Any:
    """Draws words of the lines ``low`` .. ``high``; gives the place of the first."""
    first = low // GROUP
    read_words(chip.key0, chip.key1, address, first, high // GROUP + 1 - first, words)
    return low - GROUP * first


@numba.njit(nogil=True, forceinline=True)
def _to_noise(
    pool: Any, at: Any, pairs: Any, more: Any, chip: Any, address: Any, words: Any, out: Any
) -> None:
    """Variances of the pairs' sums become draws of their noise; pairs stand in the pool at ``at``."""
    low, high = pool[more + _U1], pool[more + _U2]
    base = np.uint64(_words(chip, address, low, high, words))
    if pool[more + _U3]:
        for j in range(pairs):
            out[j] = np.sqrt(out[j]) * to_normal(words[base + j])
    else:
        for j in range(pairs):
            place = base + np.uint64(pool[at + j] - low)
            out[j] = np.sqrt(out[j]) * to_normal(words[place])


@numba.njit(nogil=True, forceinline=True)
def _to_line_noise(
    pool: Any, at: Any, pairs: Any, more: Any, chip: Any, address: Any, words: Any, out: Any
) -> None:
    """The same for the bit lines 2p and 2p + 1 of each pair p."""
    low, high = 2 * pool[more + _U1], 2 * pool[more + _U2] + 1
    base = np.uint64(_words(chip, address, low, high, words))
    for j in range(pairs):
        place = base + np.uint64(2 * pool[at + j] - low)
        out[_U2 * j] = np.sqrt(out[_U2 * j]) * to_normal(words[place])
        out[_U2 * j + _U1] = np.sqrt(out[_U2 * j + _U1]) * to_normal(words[place + _U1])


@numba.njit(nogil=True, forceinline=True)
def _drive(pool: Any, place: Any, lines: Any, run: Any, largest: Any, file: Any, out: Any) -> None:
    """DAC codes of a phase's lines, by the rule of ``codes.drive`` in 32 bits."""
    sign, shift = place + lines, place + lines + lines
    if run:
        first = np.uint64(pool[place])
        for i in range(lines):
            out[i] = file[first + i]
    else:
        for i in range(lines):
            out[i] = np.int32(pool[sign + i]) * file[np.uint64(pool[place + i])]
    top = np.uint32(largest)
    for i in range(lines):
        f = np.uint32(pool[shift + i])
        half = (np.uint32(1) << f) >> np.uint32(1)
        magnitude = min((np.uint32(abs(out[i])) + half) >> f, top)
        out[i] = np.int32(magnitude) if out[i] >= 0 else -np.int32(magnitude)


@numba.njit(nogil=True, forceinline=True)
def _amplify(j0: Any, pairs: Any, chip: Any, analog: Any, noisy: Any, room: Any) -> None:
    """Readings of pairs from the saturating currents of their bit lines."""
    acc, noise, readings = room.acc, room.noise, room.readings
    for j in range(pairs):
        plus, minus = np.float64(acc[_U2 * j]), np.float64(acc[_U2 * j + _U1])
        if noisy:
            plus += np.float64(noise[_U2 * j])
            minus += np.float64(noise[_U2 * j + _U1])
        limit = analog.limit[j0 + j]
        plus, minus = saturate(plus, limit), saturate(minus, limit)
        of_plus, of_minus = chip.readout[j0 + j], chip.readout[analog.readout + j0 + j]
        readings[j] = of_plus * plus - of_minus * minus


@numba.njit(nogil=True, forceinline=True)
def _adc_noise(
    pool: Any,
    at: Any,
    j0: Any,
    pairs: Any,
    more: Any,
    analog: Any,
    chip: Any,
    address: Any,
    room: Any,
) -> None:
    """Noise of the ADCs behind saturating amplifiers: a draw of its own for each pair."""
    low, high = analog.first_adc + pool[more + _U1], analog.first_adc + pool[more + _U2]
    base = _words(chip, address, low, high, room.words) - low + analog.first_adc
    for j in range(pairs):
        word = room.words[np.uint64(base + pool[at + j])]
        room.readings[j] += np.float64(analog.adc_sigma[j0 + j] * to_normal(word))


@numba.njit(nogil=True, forceinline=True)
def _read_pairs(
    j0: Any, at: Any, pairs: Any, more: Any, analog: Any, noisy: Any, address: Any, own: Any
) -> None:
    """Readings of pairs: their sums and the noise of devices and ADC; ``own`` are pool, chip, room."""
    pool, chip, room = own
    readings, noise, acc = room.readings, room.noise, room.acc
    if not noisy and not analog.adc_noise:
        for j in range(pairs):
            readings[j] = acc[j]
        return
    if analog.adc_noise:
        for j in range(pairs):
            sigma = analog.adc_sigma[j0 + j]
            noise[j] = (noise[j] if noisy else np.float32(0)) + sigma * sigma
    _to_noise(pool, at, pairs, more, chip, address, room.words, noise)
    for j in range(pairs):
        readings[j] = np.float64(acc[j]) + np.float64(noise[j])


@numba.njit(nogil=True, forceinline=True)
def _read(row: Any, pool: Any, chip: Any, analog: Any, address: Any, room: Any) -> None:
    """Readings of one pass, in codes of the sum, before conversion."""
    lines, pairs, rows = row[1], row[2], row[6]
    at = row[3] + _U3 * lines
    more = at + _U3 * pairs
    j0 = np.uint64(pool[more])
    readings, noise, noisy = room.readings, room.noise, rows > 0
    columns = pairs + pairs if analog.bit_lines else pairs
    width = (columns + _LANES - _U1) & ~(_LANES - _U1)
    product(chip.weights, row[4], lines, width, room.x, room.acc)
    if rows == _U1:
        common_variance(chip.variances, row[5], lines, width, room.digits, noise)
    elif noisy:
        product(chip.variances, row[5], lines, width, room.squares, noise)
    if analog.bit_lines:
        if noisy:
            _to_line_noise(pool, at, pairs, more, chip, address, room.words, noise)
        _amplify(j0, pairs, chip, analog, noisy, room)
        if analog.adc_noise:
            _adc_noise(pool, at, j0, pairs, more, analog, chip, address, room)
    else:
        _read_pairs(j0, at, pairs, more, analog, noisy, address, (pool, chip, room))
    if analog.readout > 0:
        offset = analog.readout + analog.readout + j0
        for j in range(pairs):
            readings[j] += chip.readout[offset + j]


@numba.njit(nogil=True, forceinline=True)
def run_phase(row: Any, pool: Any, chip: Any, analog: Any, address: Any, room: Any) -> None:
    """One MVM; its row has lines, pairs, places in pool, weights, variances, rows of these, event.

    Args:
        row: The tape's row of the phase.
        pool: Parameters.
        chip: What the chip instance holds.
        analog: What all phases share.
        address: Step, sequence and chip of the read noise.
        room: Working arrays; registers stand in its file.
    """
    lines, pairs, place = row[1], row[2], row[3]
    at = place + _U3 * lines
    more = at + _U3 * pairs
    j0, target = np.uint64(pool[more]), at + pairs
    x, squares, digits = room.x, room.squares, room.digits
    drives, codes = room.drives, room.codes
    file, readings = room.file, room.readings
    _drive(pool, place, lines, pool[more + _U4], analog.dac_max, file, drives)
    count = analog.pass_count
    for n in range(count):
        bit, sign = analog.passes[3 * n], analog.passes[3 * n + 1]
        for i in range(lines):
            d = drives[i] if count == 1 else digit(drives[i], bit, sign)
            digits[i], x[i] = d, d
            squares[i] = np.float32(d) * np.float32(d)
        event = np.int64(row[7]) * count + n
        _read(row, pool, chip, analog, (event, address[0], address[1], address[2]), room)
        weight = np.int32(analog.passes[3 * n + 2])
        for j in range(pairs):
            code = convert(readings[j], analog.inverse[j0 + j], analog.adc_max)
            codes[j] = weight * code + (codes[j] if n else np.int32(0))
    if pool[more + np.uint64(5)]:
        first = np.uint64(pool[target])
        for j in range(pairs):
            file[first + j] = codes[j]
    else:
        sign_at = target + pairs
        for j in range(pairs):
            file[np.uint64(pool[target + j])] = np.int32(pool[sign_at + j]) * codes[j]
