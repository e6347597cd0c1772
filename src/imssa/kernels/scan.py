"""The quantized recurrence of many kernels over whole sequences, forward and backward, compiled.

One kernel has ``modes`` complex modes, state order (re, im) a mode, so ``states = 2 modes``; its
lines are the states followed by the input. Arithmetic is the contract of DESIGN section 5. The
backward pass uses straight-through gradients: the gradient of a rounded and clipped value is that of
the unrounded one, and zero where the code stands at an end of its range.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
from jaxtyping import Float64, Int16, Int32, Int64

from imssa.kernels.codes import convert, drive, leak, round_shift, saturate
from imssa.kernels.parallel import for_ranges
from imssa.kernels.random import philox, to_normal

DIRECT, INCREMENTAL, LEAKY = 0, 1, 2
REALIZATIONS = {"direct": DIRECT, "incremental": INCREMENTAL, "leaky": LEAKY}


class Weights(NamedTuple):
    """Integer weights of the kernels, held as float64."""

    A: Float64[np.ndarray, "features modes 2 2"]
    B: Float64[np.ndarray, "features modes 2"]
    C: Float64[np.ndarray, "features modes 2"]
    D: Float64[np.ndarray, " features"]


class Scales(NamedTuple):
    """Conversion and update scales, widths and the realization."""

    adc: Float64[np.ndarray, "features lines"]
    multiplier: Int64[np.ndarray, "features modes"]
    shift: Int64[np.ndarray, "features modes"]
    k: Int64[np.ndarray, "features modes"]
    drive_shift: int
    dac_max: int
    adc_max: int
    register_max: int
    realization: int
    current: bool


class Noise(NamedTuple):
    """Analog errors in codes: sequence b sees draw b modulo the number of draws; none: no noise.

    ``deviation`` is added to the weights (rows are read lines, columns driven lines); ``variance``
    is that of each weight at each read.
    """

    deviation: Float64[np.ndarray, "draws features lines lines"]
    variance: Float64[np.ndarray, "draws features lines lines"]
    key0: int
    key1: int


class Record(NamedTuple):
    """What a scan leaves: registers before each step and after the last, and ADC codes."""

    state: Int32[np.ndarray, "features batch steps_and_one states"]
    adc: Int16[np.ndarray, "features batch length lines"]


class Gradients(NamedTuple):
    """Gradients of the inputs of a scan; ``gain`` is that of m 2^-t, ``k`` that of a real k."""

    u: Float64[np.ndarray, "features batch length"]
    A: Float64[np.ndarray, "features modes 2 2"]
    B: Float64[np.ndarray, "features modes 2"]
    C: Float64[np.ndarray, "features modes 2"]
    D: Float64[np.ndarray, " features"]
    gain: Float64[np.ndarray, "features modes"]
    k: Float64[np.ndarray, "features modes"]


def no_noise() -> Noise:
    """Exact devices."""
    return Noise(np.zeros((0, 0, 0, 0)), np.zeros((0, 0, 0, 0)), 0, 0)


@numba.njit(nogil=True, inline="always")
def _accumulate(  # the MVM of one kernel: lines first .. last-1 of the result
    h: int, w: Weights, drives: Any, acc: Any, states: bool, output: bool
) -> None:
    modes = w.A.shape[1]
    last = 2 * modes
    u = drives[last]
    if states:
        for n in range(modes):
            x, y = drives[2 * n], drives[2 * n + 1]
            acc[2 * n] = w.A[h, n, 0, 0] * x + w.A[h, n, 0, 1] * y + w.B[h, n, 0] * u
            acc[2 * n + 1] = w.A[h, n, 1, 0] * x + w.A[h, n, 1, 1] * y + w.B[h, n, 1] * u
    if output:
        total = w.D[h] * u
        for n in range(modes):
            total += w.C[h, n, 0] * drives[2 * n] + w.C[h, n, 1] * drives[2 * n + 1]
        acc[last] = total


@numba.njit(nogil=True, inline="always")
def _disturb(
    h: int, draw: int, noise: Noise, drives: Any, acc: Any, lines: Any, address: Any
) -> None:
    step, sample, event = address
    count = len(drives)
    for j in range(lines[0], lines[1]):
        variance = 0.0
        for i in range(count):
            acc[j] += noise.deviation[draw, h, j, i] * drives[i]
            variance += noise.variance[draw, h, j, i] * drives[i] * drives[i]
        if variance > 0.0:
            word = philox(j, step, sample, 2 * h + event, noise.key0, noise.key1)[0]
            acc[j] += np.sqrt(variance) * np.float64(to_normal(word))


@numba.njit(nogil=True, inline="always")
def _drive_states(register: Any, s: Scales, drives: Any) -> None:
    for i in range(len(register)):
        drives[i] = drive(np.int64(register[i]), s.drive_shift, s.dac_max)


@numba.njit(cache=True, nogil=True)
def _forward(
    first: int, end: int, u: Any, lengths: Any, w: Weights, s: Scales, noise: Noise, out: Record
) -> None:
    states = 2 * w.A.shape[1]
    drives, acc = np.zeros(states + 1), np.zeros(states + 1)
    draws = noise.deviation.shape[0]
    for h in range(first, end):
        for b in range(u.shape[1]):
            draw = b % max(draws, 1)
            for k in range(lengths[b]):
                register = out.state[h, b, k]
                _drive_states(register, s, drives)
                drives[states] = u[h, b, k]
                _accumulate(h, w, drives, acc, True, not s.current)
                if draws:
                    lines = (0, states if s.current else states + 1)
                    _disturb(h, draw, noise, drives, acc, lines, (k, b, 0))
                adc, after = out.adc[h, b, k], out.state[h, b, k + 1]
                for i in range(states):
                    adc[i] = convert(acc[i], 1.0 / s.adc[h, i], s.adc_max)
                    after[i] = _updated(register[i], np.int64(adc[i]), h, i // 2, s)
                if s.current:
                    _drive_states(after, s, drives)
                    _accumulate(h, w, drives, acc, False, True)
                    if draws:
                        _disturb(h, draw, noise, drives, acc, (states, states + 1), (k, b, 1))
                adc[states] = convert(acc[states], 1.0 / s.adc[h, states], s.adc_max)


@numba.njit(nogil=True, inline="always")
def _updated(register: Any, adc: Any, h: int, n: int, s: Scales) -> Any:
    update = round_shift(adc * s.multiplier[h, n], s.shift[h, n])
    update = saturate(update, s.register_max)
    if s.realization == DIRECT:
        return update
    if s.realization == LEAKY:
        register = register - leak(np.int64(register), s.k[h, n])
    return saturate(register + update, s.register_max)


@numba.njit(nogil=True, inline="always")
def _line_back(
    h: int, j: int, g: float, w: Weights, drives: Any, back: Any, out: Gradients
) -> None:
    """Gradient g of the accumulated line j goes to its weights and to what drove it."""
    last = 2 * w.A.shape[1]
    if j == last:
        for n in range(w.A.shape[1]):
            for c in range(2):
                out.C[h, n, c] += g * drives[2 * n + c]
                back[2 * n + c] += g * w.C[h, n, c]
        out.D[h] += g * drives[last]
        back[last] += g * w.D[h]
        return
    n, row = j // 2, j % 2
    for c in range(2):
        out.A[h, n, row, c] += g * drives[2 * n + c]
        back[2 * n + c] += g * w.A[h, n, row, c]
    out.B[h, n, row] += g * drives[last]
    back[last] += g * w.B[h, n, row]


@numba.njit(nogil=True, inline="always")
def _to_registers(back: Any, drives: Any, s: Scales, adjoint: Any) -> None:
    for i in range(len(adjoint)):
        if abs(drives[i]) < s.dac_max:
            adjoint[i] += back[i] * 2.0**-s.drive_shift


@numba.njit(nogil=True, inline="always")
def _line_gradients(
    h: int,
    lines: Any,
    draw: int,
    g: Any,
    w: Weights,
    noise: Noise,
    drives: Any,
    back: Any,
    out: Any,
) -> None:
    back[:] = 0.0
    for j in range(lines[0], lines[1]):
        if g[j] == 0.0:
            continue
        _line_back(h, j, g[j], w, drives, back, out)
        if draw >= 0:
            for i in range(len(back)):
                back[i] += g[j] * noise.deviation[draw, h, j, i]


@numba.njit(nogil=True, inline="always")
def _update_back(
    h: int, adjoint: Any, before: Any, after: Any, adc: Any, s: Scales, out: Any
) -> Any:
    """Gradient of the state after a step becomes that of ADC codes (returned) and of the state."""
    to_adc = np.zeros(len(adjoint) + 1)
    for i in range(len(adjoint)):
        n = i // 2
        lam = adjoint[i] if abs(after[i]) < s.register_max else 0.0
        gain = s.multiplier[h, n] * 2.0 ** -s.shift[h, n]
        update = round_shift(np.int64(adc[i]) * s.multiplier[h, n], s.shift[h, n])
        if abs(update) < s.register_max:
            out.gain[h, n] += lam * adc[i]
            if abs(adc[i]) < s.adc_max:
                to_adc[i] = lam * gain / s.adc[h, i]
        if s.realization == DIRECT:
            lam = 0.0
        elif s.realization == LEAKY:
            decay = 2.0 ** -s.k[h, n]
            out.k[h, n] += lam * before[i] * decay * np.log(2.0)
            lam *= 1.0 - decay
        adjoint[i] = lam
    return to_adc


@numba.njit(cache=True, nogil=True)
def _backward(
    first: int,
    end: int,
    g_y: Any,
    u: Any,
    lengths: Any,
    w: Weights,
    s: Scales,
    noise: Noise,
    record: Record,
    out: Gradients,
) -> None:
    states = 2 * w.A.shape[1]
    drives, back, adjoint = np.zeros(states + 1), np.zeros(states + 1), np.zeros(states)
    output_only = np.zeros(states + 1)
    draws = noise.deviation.shape[0]
    for h in range(first, end):
        for b in range(u.shape[1]):
            draw = b % draws if draws else -1
            adjoint[:] = 0.0
            for k in range(lengths[b] - 1, -1, -1):
                before, after = record.state[h, b, k], record.state[h, b, k + 1]
                adc = record.adc[h, b, k]
                drives[states] = u[h, b, k]
                inside = abs(adc[states]) < s.adc_max
                output = g_y[h, b, k] / s.adc[h, states] if inside else 0.0
                if s.current:
                    _drive_states(after, s, drives)
                    output_only[states] = output
                    lines = (states, states + 1)
                    _line_gradients(h, lines, draw, output_only, w, noise, drives, back, out)
                    _to_registers(back, drives, s, adjoint)
                    out.u[h, b, k] += back[states]
                g = _update_back(h, adjoint, before, after, adc, s, out)
                if not s.current:
                    g[states] = output
                _drive_states(before, s, drives)
                _line_gradients(h, (0, states + 1), draw, g, w, noise, drives, back, out)
                _to_registers(back, drives, s, adjoint)
                out.u[h, b, k] += back[states]


def scan_forward(
    u: Int32[np.ndarray, "features batch length"],
    lengths: Int64[np.ndarray, " batch"],
    weights: Weights,
    scales: Scales,
    noise: Noise,
) -> Record:
    """Runs the recurrence over whole sequences; steps beyond a sequence's length stay zero."""
    features, batch, length = u.shape
    lines = 2 * weights.A.shape[1] + 1
    record = Record(
        np.zeros((features, batch, length + 1, lines - 1), np.int32),
        np.zeros((features, batch, length, lines), np.int16),
    )
    for_ranges(
        features,
        lambda first, end: _forward(first, end, u, lengths, weights, scales, noise, record),
    )
    return record


def scan_backward(
    g_y: Float64[np.ndarray, "features batch length"],
    u: Int32[np.ndarray, "features batch length"],
    lengths: Int64[np.ndarray, " batch"],
    weights: Weights,
    scales: Scales,
    noise: Noise,
    record: Record,
) -> Gradients:
    """Straight-through gradients of a scan for the gradient ``g_y`` of its output ADC codes."""
    features, modes = scales.k.shape
    A, B, C, D = (np.zeros_like(w) for w in weights)
    gain, k = np.zeros((features, modes)), np.zeros((features, modes))
    gradients = Gradients(np.zeros(u.shape), A, B, C, D, gain, k)
    for_ranges(
        features,
        lambda first, end: _backward(
            first, end, g_y, u, lengths, weights, scales, noise, record, gradients
        ),
    )
    return gradients
