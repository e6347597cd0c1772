"""The quantized recurrence of many kernels over whole sequences, forward and backward, compiled.

Arithmetic is the contract of DESIGN section 5. The backward pass uses straight-through gradients:
the gradient of a rounded and clipped value is that of the unrounded one, and zero where the code
stands at an end of its range. A conversion in several passes has the gradient of the whole sum: it
ends where all passes clip, not where one does. Registers are kept before each block of steps only, and
the backward pass runs a block again; where the devices deviate, ADC codes are kept too if there is
memory for them.

Exact devices read in one pass run in lanes (:mod:`imssa.kernels.scan_forward`): weights, widths and
scales decide whether in float32 or float64 (:mod:`imssa.kernels.scan_plan`); codes are the same,
gradients have the precision of that type. All others run in float64, one kernel at a time
(:mod:`imssa.kernels.scan_dense`).
"""

from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Float64, Int16, Int32, Int64

from imssa.errors import ShapeError
from imssa.kernels import scan_plan
from imssa.kernels.parallel import for_ranges
from imssa.kernels.scan_backward import backward
from imssa.kernels.scan_dense import dense_forward, room_for
from imssa.kernels.scan_dense_backward import dense_backward
from imssa.kernels.scan_dense_tables import dense_gradients, dense_of
from imssa.kernels.scan_forward import forward
from imssa.kernels.scan_plan import DEFAULT_BUDGET_BYTES, Layout, Tables
from imssa.kernels.scan_step import B0, C0, DECAY, GAIN, GRADIENTS, Limits
from imssa.kernels.scan_types import (
    DIRECT,
    INCREMENTAL,
    LEAKY,
    REALIZATIONS,
    Gradients,
    Noise,
    Record,
    Scales,
    Weights,
    largest_code_of,
    no_noise,
)

__all__ = [
    "DEFAULT_BUDGET_BYTES",
    "DIRECT",
    "INCREMENTAL",
    "LEAKY",
    "REALIZATIONS",
    "Gradients",
    "Noise",
    "Record",
    "Scales",
    "Scanned",
    "Weights",
    "no_noise",
    "scan_backward",
    "scan_forward",
    "scan_record",
]


PIECES: Final = 4
"""Ranges of items that a thread takes, one after the other."""


class Scanned(NamedTuple):
    """ADC codes of the outputs, zero beyond a sequence's end, and what the backward pass runs from.

    That are registers before each block and, of a dense scan whose memory budget allows it, the ADC
    codes of the states' lines: then no product and no noise is computed again.
    """

    y: Float64[np.ndarray, "batch length features"]
    checkpoints: Int32[np.ndarray, "items blocks lanes"]
    codes: Int16[np.ndarray, "items length states"]


class _Prepared(NamedTuple):
    tables: Tables
    limits: Limits
    cut: Layout
    current: int


def limits_of(scales: Scales, dtype: type) -> Limits:
    """Numbers that all kernels share."""
    return Limits(
        2.0**-scales.drive_shift,
        float(scales.dac_max),
        float(scales.adc_max),
        float(largest_code_of(scales)),
        float(scales.register_max),
        scan_plan.half(scales.adc_max, dtype),
    )


def _prepare(
    shape: tuple[int, ...],
    weights: Weights,
    scales: Scales,
    budget_bytes: int,
    dtype: type | None,
) -> _Prepared:
    dtype = dtype or scan_plan.float_type(weights, scales)
    cut = scan_plan.layout(shape, weights.A.shape[1], budget_bytes)
    lanes = scan_plan.tables(weights, scales, cut, dtype)
    return _Prepared(lanes, limits_of(scales, dtype), cut, int(scales.current))


def _is_dense(scales: Scales, noise: Noise) -> bool:
    return scan_plan.is_dense(len(noise.deviation), len(scales.passes))


def scan_forward(
    u: Float64[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
    weights: Weights,
    scales: Scales,
    noise: Noise,
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
    dtype: type | None = None,
) -> Scanned:
    """Runs the recurrence over whole sequences.

    Args:
        u: DAC codes of the inputs.
        lengths: True lengths.
        weights: Integer weights.
        scales: Integer scales and widths.
        noise: Analog errors.
        budget_bytes: Most that the checkpoints may take, and again most that kept codes may; one
            checkpoint, the registers before the first step, is kept in any case.
        dtype: float32 or float64, where it is not to be chosen; a dense scan is in float64.
    """
    return _forward(u, lengths, weights, scales, noise, budget_bytes, dtype, None)


def _forward(
    u: Any,
    lengths: Any,
    weights: Weights,
    scales: Scales,
    noise: Noise,
    budget_bytes: int,
    dtype: type | None,
    record: Record | None,
) -> Scanned:
    if _is_dense(scales, noise):
        return _dense_forward(u, lengths, weights, scales, noise, budget_bytes, record)
    p, modes = _prepare(u.shape, weights, scales, budget_bytes, dtype), weights.A.shape[1]
    checkpoints = np.empty((p.cut.items, p.cut.blocks, 2 * p.cut.width), np.int32)
    scanned = Scanned(np.empty(u.shape), checkpoints, np.empty((0, 0, 0), np.int16))
    given = (u, lengths, *p, scanned.y, checkpoints, record, modes)
    for_ranges(p.cut.items, lambda first, end: forward(first, end, *given), pieces=PIECES)
    return scanned


def _dense_forward(
    u: Any,
    lengths: Any,
    weights: Weights,
    scales: Scales,
    noise: Noise,
    budget_bytes: int,
    record: Record | None,
) -> Scanned:
    batch, length, features = u.shape
    states = 2 * weights.A.shape[1]
    passes = len(scales.passes)
    block, blocks, items = scan_plan.dense_blocks(u.shape, states, passes, budget_bytes)
    dense, limits = dense_of(weights, scales, noise), limits_of(scales, np.float64)
    kept = np.empty((features * batch, blocks, states), np.int32)
    codes = np.empty((items, length if items else 0, states if items else 0), np.int16)
    scanned, width = Scanned(np.empty(u.shape), kept, codes), dense.table.shape[2]
    for_ranges(
        features,
        lambda first, end: dense_forward(
            first,
            end,
            u,
            lengths,
            dense,
            limits,
            block,
            room_for(states + 1, width, min(block, length)),
            *scanned,
            record,
        ),
    )
    return scanned


def scan_record(
    u: Float64[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
    weights: Weights,
    scales: Scales,
    noise: Noise,
) -> Record:
    """Every code of a scan, for tests and for looking inside; steps beyond a length stay zero."""
    features, modes = scales.k.shape
    record = Record(
        np.zeros((features, u.shape[0], u.shape[1] + 1, 2 * modes), np.int32),
        np.zeros((features, u.shape[0], u.shape[1], 2 * modes + 1), np.int32),
    )
    budget = DEFAULT_BUDGET_BYTES
    scanned = _forward(u, lengths, weights, scales, noise, budget, None, record)
    record.adc[..., -1] = scanned.y.transpose(2, 0, 1)
    return record


def scan_backward(
    g_y: Float64[np.ndarray, "batch length features"],
    scanned: Scanned,
    u: Float64[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
    weights: Weights,
    scales: Scales,
    noise: Noise,
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
    dtype: type | None = None,
) -> Gradients:
    """Straight-through gradients of a scan for the gradient ``g_y`` of its output ADC codes.

    Gradients that leave the range of float32, as unstable poles make them, are found in float64. All
    arguments but ``g_y`` and ``scanned`` are those of the forward scan.

    Raises:
        ShapeError: Checkpoints that another budget has set.
    """
    if _is_dense(scales, noise):
        return _dense_backward(g_y, scanned, u, lengths, weights, scales, noise, budget_bytes)
    p = _prepare(u.shape, weights, scales, budget_bytes, dtype)
    _require_blocks(scanned, p.cut.blocks)
    found = _lane_gradients(p, g_y, scanned, u, lengths)
    if p.tables.rows.dtype == np.float32 and not found.finite:
        p = _prepare(u.shape, weights, scales, budget_bytes, np.float64)
        found = _lane_gradients(p, g_y, scanned, u, lengths)
    return _gradients(found, p.cut, scales)


def _require_blocks(scanned: Scanned, blocks: int) -> None:
    given = scanned.checkpoints.shape[1]
    if given != blocks:
        raise ShapeError(
            given=f"a scan with {given} checkpoints a sequence",
            rule=f"its budget_bytes asks for {blocks}",
            remedy="Give scan_backward the budget_bytes that scan_forward was given.",
        )


def _dense_backward(
    g_y: Any,
    scanned: Scanned,
    u: Any,
    lengths: Any,
    weights: Weights,
    scales: Scales,
    noise: Noise,
    budget_bytes: int,
) -> Gradients:
    _, length, features = u.shape
    lines = 2 * weights.A.shape[1] + 1
    passes = len(scales.passes)
    block, blocks, _ = scan_plan.dense_blocks(u.shape, lines - 1, passes, budget_bytes)
    _require_blocks(scanned, blocks)
    dense, limits = dense_of(weights, scales, noise), limits_of(scales, np.float64)
    width = dense.table.shape[2]
    g_u, sums = np.empty(u.shape), np.zeros((features, 4 * lines - 3))
    rows = np.zeros((features, 2, width))
    for_ranges(
        features,
        lambda first, end: dense_backward(
            first,
            end,
            g_y,
            scanned.y,
            u,
            lengths,
            dense,
            limits,
            block,
            room_for(lines, width, min(block, length)),
            scanned.checkpoints,
            scanned.codes,
            g_u,
            sums,
            rows,
        ),
    )
    return Gradients(g_u, *dense_gradients(sums, rows, scales))


class _LaneGradients(NamedTuple):
    u: Any
    sums: Any
    """(items, rows x width)"""
    direct: Any
    """(items, slots)"""

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.sums).all())


def _lane_gradients(
    p: _Prepared, g_y: Any, scanned: Scanned, u: Any, lengths: Any
) -> _LaneGradients:
    found = _LaneGradients(
        np.empty(u.shape),
        np.zeros((p.cut.items, GRADIENTS * p.cut.width)),
        np.zeros((p.cut.items, p.cut.width // p.cut.group)),
    )
    given: tuple[Any, ...] = (g_y, scanned.y, u, lengths, *p, scanned.checkpoints, *found)
    for_ranges(p.cut.items, lambda first, end: backward(first, end, *given), pieces=PIECES)
    return found


def _gradients(found: _LaneGradients, cut: Layout, scales: Scales) -> Gradients:
    features, modes = scales.k.shape
    rows = scan_plan.from_lanes(found.sums, cut, features, modes)
    k = np.zeros_like(rows[DECAY])
    if scales.realization == LEAKY:
        k = rows[DECAY] * np.ldexp(np.log(2.0), -scales.k)
    A = np.ascontiguousarray(rows[:4].transpose(1, 2, 0).reshape(features, modes, 2, 2))
    B, C = (np.ascontiguousarray(rows[i : i + 2].transpose(1, 2, 0)) for i in (B0, C0))
    D = scan_plan.from_lanes(np.repeat(found.direct, cut.group, 1), cut, features, 1)[0, :, 0]
    return Gradients(found.u, A, B, C, D, rows[GAIN], k)
