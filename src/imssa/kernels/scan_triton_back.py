"""The quantized recurrence in Triton, backward, with straight-through gradients.

Registers are run again from the checkpoint before each block. Names are those of
:mod:`imssa.kernels.scan_triton_steps`; so is the need for Triton when this file is imported.
"""

from typing import Final

import triton
import triton.language as tl

from imssa.kernels.scan_step import GRADIENTS
from imssa.kernels.scan_triton_steps import (
    M_ADC_MAX,
    M_DAC_MAX,
    M_DRIVE_SCALE,
    M_REGISTER_MAX,
    W_A,
    W_B,
    W_C,
    W_GAIN,
    W_KEPT,
    W_TO_ADC,
    W_UPDATE_HALF,
    constants,
    converted,
    driven,
    inside,
    place,
    shared,
    updated,
)

ROWS: Final = tl.constexpr(GRADIENTS)


@triton.jit
def _input(u: tl.tensor, real: tl.tensor, like: tl.tensor) -> tl.tensor:
    """Input codes of a step in the float type of the scan."""
    return tl.load(u, mask=real, other=0.0).to(like.dtype)


@triton.jit
def _saved(kept: tl.tensor, size: tl.tensor, lane: tl.tensor, like: tl.tensor) -> tl.tuple:
    """Registers of a checkpoint."""
    s, r = tl.load(kept, mask=lane, other=0), tl.load(kept + size, mask=lane, other=0)
    return s.to(like.dtype), r.to(like.dtype)


@triton.jit
def _run_again(
    u: tl.tensor,
    states: tl.tensor,
    s: tl.tensor,
    r: tl.tensor,
    steps: tl.tensor,
    stride: tl.tensor,
    real: tl.tensor,
    w: tl.tuple,
    m: tl.tuple,
    SIZE: tl.constexpr,
) -> tl.tuple:
    """Runs a block again, keeps the registers before each step; gives those after the last."""
    for i in range(steps):
        tl.store(states + i * 2 * SIZE, s)
        tl.store(states + (i * 2 + 1) * SIZE, r)
        v = _input(u + i * stride, real, s)[:, None]
        a, c = converted(driven(s, m), driven(r, m), v, w, m)
        s, r = updated(s, a, w, m), updated(r, c, w, m)
    return s, r


@triton.jit
def _output_gradient(
    g_y: tl.tensor, y: tl.tensor, real: tl.tensor, per_step: tl.tensor, m: tl.tuple
) -> tl.tensor:
    """Gradient of the accumulated output lines of a step; zero at clipping."""
    g = tl.load(g_y, mask=real, other=0.0).to(per_step.dtype)
    return inside(tl.load(y, mask=real, other=0.0), m[M_ADC_MAX], g * per_step)


@triton.jit
def _drive_back(
    x: tl.tensor, z: tl.tensor, d: tl.tensor, e: tl.tensor, g: tl.tensor, h: tl.tensor, m: tl.tuple
) -> tl.tuple:
    """Adds the gradients (g, h) of drives (d, e) to those of their registers."""
    x += inside(d, m[M_DAC_MAX], g * m[M_DRIVE_SCALE])
    z += inside(e, m[M_DAC_MAX], h * m[M_DRIVE_SCALE])
    return x, z


@triton.jit
def _to_lines(
    g: tl.tensor, adc: tl.tensor, to_adc: tl.tensor, w: tl.tuple, m: tl.tuple
) -> tl.tuple:
    """Gradient of registers as it reaches the update, and as it reaches the accumulated lines."""
    g = tl.where(tl.abs(adc) * w[W_GAIN] + w[W_UPDATE_HALF] < m[M_REGISTER_MAX], g, 0.0)
    return g, inside(adc, m[M_ADC_MAX], g * to_adc)


@triton.jit
def _step_back(
    x: tl.tensor,
    z: tl.tensor,
    s: tl.tensor,
    r: tl.tensor,
    d: tl.tensor,
    e: tl.tensor,
    v: tl.tensor,
    w: tl.tuple,
    m: tl.tuple,
) -> tl.tuple:
    """Gradients of registers before a step, of lines, and what the step adds to rows of constants."""
    a, c = converted(d, e, v, w, m)
    f, p = _to_lines(x, a, w[W_TO_ADC], w, m)
    g, q = _to_lines(z, c, w[W_TO_ADC + 1], w, m)
    added = (p * d, p * e, q * d, q * e, p * v, q * v, f * a + g * c, x * s + z * r)
    back0, back1 = p * w[W_A] + q * w[W_A + 2], p * w[W_A + 1] + q * w[W_A + 3]
    x, z = _drive_back(x * w[W_KEPT], z * w[W_KEPT], d, e, back0, back1, m)
    return x, z, p, q, added


@triton.jit
def _added(sums: tl.tuple, rows: tl.tuple, c0: tl.tensor, c1: tl.tensor) -> tl.tuple:
    """Sums over steps, in the order of the rows of constants."""
    return (
        sums[0] + rows[0],
        sums[1] + rows[1],
        sums[2] + rows[2],
        sums[3] + rows[3],
        sums[4] + rows[4],
        sums[5] + rows[5],
        sums[6] + c0,
        sums[7] + c1,
        sums[8] + rows[6],
        sums[9] + rows[7],
    )


@triton.jit
def _add_block(target: tl.tensor, sums: tl.tuple, size: tl.tensor, lane: tl.tensor) -> None:
    """Adds a block's sums to the gradients of the rows of constants."""
    for number in tl.static_range(ROWS):
        at = target + number * size
        total = tl.load(at, mask=lane, other=0.0) + sums[number].to(tl.float64)
        tl.store(at, total, mask=lane)


@triton.jit
def backward_kernel(
    g_y: tl.tensor,
    y: tl.tensor,
    checkpoints: tl.tensor,
    u: tl.tensor,
    lengths: tl.tensor,
    rows: tl.tensor,
    outputs: tl.tensor,
    limits: tl.tensor,
    states: tl.tensor,
    g_u: tl.tensor,
    sums: tl.tensor,
    g_direct: tl.tensor,
    length: tl.tensor,
    features: tl.tensor,
    modes: tl.tensor,
    blocks: tl.tensor,
    BLOCK: tl.constexpr,
    CURRENT: tl.constexpr,
    KERNELS: tl.constexpr,
    MODES: tl.constexpr,
) -> None:
    """Puts straight-through gradients of inputs and, a sequence each, those of constants and D.

    ``states`` is room for the registers of a block, (instances, BLOCK, 2, KERNELS MODES); ``sums``,
    float64, (batch, GRADIENTS, features, modes), is added to; ``g_direct`` is (batch, features).
    """
    b, h, real, at, lane = place(features, modes, KERNELS, MODES)
    size, SIZE = features * modes, KERNELS * MODES
    w, m = constants(rows, size, at, lane), shared(limits)
    direct = tl.load(outputs + h, mask=real, other=0.0)
    per_step = tl.load(outputs + features + h, mask=real, other=0.0)
    end = tl.load(lengths + b).to(tl.int32)
    inner = tl.arange(0, KERNELS)[:, None] * MODES + tl.arange(0, MODES)[None, :]
    states += tl.program_id(0).to(tl.int64) * (BLOCK * 2 * SIZE) + inner
    zero, total = w[W_A] * 0.0, tl.zeros((KERNELS,), tl.float64)
    x, z = zero, zero
    for back in range(tl.cdiv(end, BLOCK)):
        block = tl.cdiv(end, BLOCK) - 1 - back
        steps = tl.minimum(BLOCK, end - block * BLOCK)
        s, r = _saved(checkpoints + (b * blocks + block) * 2 * size + at, size, lane, zero)
        here = (b * length + block * BLOCK) * features + h
        s, r = _run_again(u + here, states, s, r, steps, features, real, w, m, SIZE)
        tl.debug_barrier()  # other threads of the instance may have stored what is loaded below
        d, e = driven(s, m), driven(r, m)
        of_rows = (zero, zero, zero, zero, zero, zero, zero, zero, zero, zero)
        for i in range(steps - 1, -1, -1):
            now = here + i * features
            v = _input(u + now, real, zero)
            out = _output_gradient(g_y + now, y + now, real, per_step, m)
            g0, g1 = out[:, None] * w[W_C], out[:, None] * w[W_C + 1]
            c0, c1 = out[:, None] * d, out[:, None] * e
            if CURRENT:
                x, z = _drive_back(x, z, d, e, g0, g1, m)
            x, z = inside(s, m[M_REGISTER_MAX], x), inside(r, m[M_REGISTER_MAX], z)
            s, r = tl.load(states + i * 2 * SIZE), tl.load(states + (i * 2 + 1) * SIZE)
            d, e = driven(s, m), driven(r, m)
            x, z, p, q, added = _step_back(x, z, s, r, d, e, v[:, None], w, m)
            if not CURRENT:
                c0, c1 = out[:, None] * d, out[:, None] * e
                x, z = _drive_back(x, z, d, e, g0, g1, m)
            of_rows = _added(of_rows, added, c0, c1)
            total += out.to(tl.float64) * v.to(tl.float64)
            given = tl.sum(p * w[W_B] + q * w[W_B + 1], 1) + out * direct
            tl.store(g_u + now, (given + 0.0).to(tl.float64), mask=real)
        tl.debug_barrier()  # the next block's registers take the same room
        _add_block(sums + b * ROWS * size + at, of_rows, size, lane)
    tl.store(g_direct + b * features + h, total, mask=real)
