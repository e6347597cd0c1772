"""The quantized recurrence in Triton: its arithmetic, and the kernel that runs it forward.

A program instance runs one sequence through ``KERNELS`` neighbouring kernels; its vectors are
(KERNELS, MODES), modes padded to a power of two with weights of zero. It holds the arithmetic of
:mod:`imssa.kernels.scan_step` on other vectors: integer codes travel as floats, rounded by
floor(|x| scale + half) with the sign of x; products and sums must not be fused, since
:func:`imssa.kernels.scan_plan.rounds_alike` has proven the conversion for single operations.

Arguments that both kernels take:

========================= ==========================================================================
``u, y, g_y, g_u``        input and output codes and their gradients, (batch, length, features);
                          steps beyond a sequence's length are left alone
``lengths``               true lengths, (batch)
``rows``                  constants in the float type of the scan, (CONSTANTS, features, modes)
``outputs``               D and 1 / step of the output lines in that type, (2, features)
``limits``                :class:`imssa.kernels.scan_step.Limits` in that type
``checkpoints``           registers before each block, int32, (batch, blocks, 2, features, modes)
``BLOCK``                 steps between checkpoints
``CURRENT``               whether the output reads the registers after the step, or before it
``KERNELS, MODES``        kernels of an instance, and their modes, padded
========================= ==========================================================================

Inside, ``w`` and ``m`` are the loaded constants and limits; (s, r) registers, (d, e) their drives,
(a, c) ADC codes, (x, z) gradients of registers, each pair being real and imaginary parts.

This file needs Triton when it is imported, so import it inside functions.
"""

from typing import Final

import triton
import triton.language as tl

from imssa.kernels.scan_step import (
    A00,
    B0,
    C0,
    DECAY,
    GAIN,
    KEPT,
    LEAK_HALF,
    STEP0,
    TO_ADC0,
    UPDATE_HALF,
    Limits,
)

W_A: Final = tl.constexpr(A00)
W_B: Final = tl.constexpr(B0)
W_C: Final = tl.constexpr(C0)
W_GAIN: Final = tl.constexpr(GAIN)
W_DECAY: Final = tl.constexpr(DECAY)
W_STEP: Final = tl.constexpr(STEP0)
W_UPDATE_HALF: Final = tl.constexpr(UPDATE_HALF)
W_LEAK_HALF: Final = tl.constexpr(LEAK_HALF)
W_TO_ADC: Final = tl.constexpr(TO_ADC0)
W_KEPT: Final = tl.constexpr(KEPT)
M_DRIVE_SCALE: Final = tl.constexpr(Limits._fields.index("drive_scale"))
M_DAC_MAX: Final = tl.constexpr(Limits._fields.index("dac_max"))
M_ADC_MAX: Final = tl.constexpr(Limits._fields.index("adc_max"))
M_REGISTER_MAX: Final = tl.constexpr(Limits._fields.index("register_max"))
M_HALF: Final = tl.constexpr(Limits._fields.index("half"))


@triton.jit
def signed(magnitude: tl.tensor, x: tl.tensor) -> tl.tensor:
    """The magnitude with the sign of x."""
    return tl.where(x < 0, -magnitude, magnitude)


@triton.jit
def nearest_up_to(x: tl.tensor, scale: tl.tensor, half: tl.tensor, largest: tl.tensor) -> tl.tensor:
    """floor(|x| scale + half) with the sign of x, clipped."""
    return signed(tl.minimum(tl.floor(tl.abs(x) * scale + half), largest), x)


@triton.jit
def inside(values: tl.tensor, largest: tl.tensor, passed: tl.tensor) -> tl.tensor:
    """What passes where codes stand inside their range, zero at its ends."""
    return tl.where(tl.abs(values) < largest, passed, 0.0)


@triton.jit
def driven(state: tl.tensor, m: tl.tuple) -> tl.tensor:
    """DAC codes of registers."""
    return nearest_up_to(state, m[M_DRIVE_SCALE], 0.5, m[M_DAC_MAX])


@triton.jit
def converted(d: tl.tensor, e: tl.tensor, v: tl.tensor, w: tl.tuple, m: tl.tuple) -> tl.tuple:
    """ADC codes of the states' lines for drives d, e and inputs v."""
    a = w[W_A] * d + w[W_A + 1] * e + w[W_B] * v
    b = w[W_A + 2] * d + w[W_A + 3] * e + w[W_B + 1] * v
    a = nearest_up_to(a, w[W_STEP], m[M_HALF], m[M_ADC_MAX])
    b = nearest_up_to(b, w[W_STEP + 1], m[M_HALF], m[M_ADC_MAX])
    return a, b


@triton.jit
def updated(state: tl.tensor, adc: tl.tensor, w: tl.tuple, m: tl.tuple) -> tl.tensor:
    """Registers after a step."""
    leak = signed(tl.floor(tl.abs(state) * w[W_DECAY] + w[W_LEAK_HALF]), state)
    change = nearest_up_to(adc, w[W_GAIN], w[W_UPDATE_HALF], m[M_REGISTER_MAX])
    total = state - leak + change
    return signed(tl.minimum(tl.abs(total), m[M_REGISTER_MAX]), total)


@triton.jit
def _row(
    rows: tl.tensor, number: tl.constexpr, size: tl.tensor, at: tl.tensor, lane: tl.tensor
) -> tl.tensor:
    """One row of constants; zero in lanes that are no mode."""
    return tl.load(rows + number * size + at, mask=lane, other=0.0)


@triton.jit
def constants(rows: tl.tensor, size: tl.tensor, at: tl.tensor, lane: tl.tensor) -> tl.tuple:
    """All rows of constants, in the order of `scan_step`."""
    return (
        _row(rows, 0, size, at, lane),
        _row(rows, 1, size, at, lane),
        _row(rows, 2, size, at, lane),
        _row(rows, 3, size, at, lane),
        _row(rows, 4, size, at, lane),
        _row(rows, 5, size, at, lane),
        _row(rows, 6, size, at, lane),
        _row(rows, 7, size, at, lane),
        _row(rows, 8, size, at, lane),
        _row(rows, 9, size, at, lane),
        _row(rows, 10, size, at, lane),
        _row(rows, 11, size, at, lane),
        _row(rows, 12, size, at, lane),
        _row(rows, 13, size, at, lane),
        _row(rows, 14, size, at, lane),
        _row(rows, 15, size, at, lane),
        _row(rows, 16, size, at, lane),
    )


@triton.jit
def shared(limits: tl.tensor) -> tl.tuple:
    """Numbers that all kernels share."""
    return (
        tl.load(limits),
        tl.load(limits + 1),
        tl.load(limits + 2),
        tl.load(limits + 3),
        tl.load(limits + 4),
        tl.load(limits + 5),
    )


@triton.jit
def place(
    features: tl.tensor, modes: tl.tensor, KERNELS: tl.constexpr, MODES: tl.constexpr
) -> tl.tuple:
    """Sequence, kernels and which are real, modes' place in (features, modes) and which are real."""
    groups = tl.cdiv(features, KERNELS)
    b = (tl.program_id(0) // groups).to(tl.int64)
    h = tl.program_id(0) % groups * KERNELS + tl.arange(0, KERNELS)
    n = tl.arange(0, MODES)
    real = h < features
    return b, h, real, h[:, None] * modes + n[None, :], real[:, None] & (n < modes)[None, :]


@triton.jit
def forward_kernel(
    u: tl.tensor,
    lengths: tl.tensor,
    rows: tl.tensor,
    outputs: tl.tensor,
    limits: tl.tensor,
    y: tl.tensor,
    checkpoints: tl.tensor,
    length: tl.tensor,
    features: tl.tensor,
    modes: tl.tensor,
    blocks: tl.tensor,
    BLOCK: tl.constexpr,
    CURRENT: tl.constexpr,
    KERNELS: tl.constexpr,
    MODES: tl.constexpr,
) -> None:
    """Puts output codes, and the registers before each block into the checkpoints."""
    b, h, real, at, lane = place(features, modes, KERNELS, MODES)
    size = features * modes
    w, m = constants(rows, size, at, lane), shared(limits)
    direct = tl.load(outputs + h, mask=real, other=0.0)
    per_step = tl.load(outputs + features + h, mask=real, other=0.0)
    end = tl.load(lengths + b).to(tl.int32)
    s, r = w[W_A] * 0.0, w[W_A] * 0.0  # registers
    for block in range(tl.cdiv(end, BLOCK)):
        kept = checkpoints + (b * blocks + block) * 2 * size + at
        tl.store(kept, s.to(tl.int32), mask=lane)
        tl.store(kept + size, r.to(tl.int32), mask=lane)
        for t in range(block * BLOCK, tl.minimum(block * BLOCK + BLOCK, end)):
            here = (b * length + t) * features + h
            v = tl.load(u + here, mask=real, other=0.0).to(s.dtype)
            d, e = driven(s, m), driven(r, m)
            a, c = converted(d, e, v[:, None], w, m)
            s, r = updated(s, a, w, m), updated(r, c, w, m)
            if CURRENT:
                d, e = driven(s, m), driven(r, m)
            read = tl.sum(w[W_C] * d + w[W_C + 1] * e, 1) + direct * v
            code = nearest_up_to(read, per_step, m[M_HALF], m[M_ADC_MAX])
            tl.store(y + here, (code + 0.0).to(tl.float64), mask=real)
