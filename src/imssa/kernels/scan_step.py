"""One block of steps of the quantized recurrence on a tile of lanes, forward and backward.

A lane is one mode of one kernel with one sequence; re and im are separate rows. A slot is one kernel
with one sequence: ``group`` neighbouring lanes (its modes, padded to a power of two with weights of
zero). A tile is one vector of lanes, or one slot where that is longer. Integer codes travel as
floats: exact, see :mod:`imssa.kernels.scan_plan`. Each array is flat, row after row.
"""

from typing import Any, Final, NamedTuple

from imssa.kernels.vectors import (
    add_to,
    floor,
    inner,
    load,
    load_long,
    plus,
    scaled,
    size,
    smaller,
    splat,
    store,
    where_below,
    with_sign,
)

A00, A01, A10, A11, B0, B1, C0, C1, GAIN, DECAY = range(10)
"""Rows of constants that have a gradient; DECAY is 2^-k, its gradient that of a real k."""
STEP0, STEP1, UPDATE_HALF, LEAK_HALF, TO_ADC0, TO_ADC1, KEPT = range(10, 17)
"""One over the ADC steps of a pass, what is added before rounding, gain over ADC step, 1 - decay."""
CONSTANTS: Final = 17
GRADIENTS: Final = 10


class Limits(NamedTuple):
    """Numbers that all kernels share, as floats."""

    drive_scale: float
    dac_max: float
    adc_max: float
    """Largest code of a pass."""
    conversion_max: float
    """Largest code of a whole conversion."""
    register_max: float
    half: float


class Kept(NamedTuple):
    """What a block's steps leave: drives, ADC codes of the states' lines, registers before each."""

    drive0: Any
    drive1: Any
    adc0: Any
    adc1: Any
    state0: Any
    state1: Any


@inner
def nearest(x: Any, scale: Any, half: Any) -> Any:
    """floor(|x| scale + half) with the sign of x, for an exact product."""
    return with_sign(floor(size(x) * scale + half), x)


@inner
def nearest_up_to(x: Any, scale: Any, half: Any, largest: Any) -> Any:
    """The same, clipped."""
    return with_sign(smaller(floor(size(x) * scale + half), largest), x)


@inner
def clipped(x: Any, largest: Any) -> Any:
    """X inside -largest .. largest."""
    return with_sign(smaller(size(x), largest), x)


@inner
def converted(accumulated: Any, inverse: Any, half: Any, largest: Any) -> Any:
    """ADC codes by a product with 1 / step; the plan has proven them equal to those of a division."""
    magnitude = floor(plus(scaled(size(accumulated), inverse), half))
    return with_sign(smaller(magnitude, largest), accumulated)


@inner
def driven(state: Any, limits: Limits) -> Any:
    """DAC codes of registers."""
    scale, half = splat(limits.drive_scale, state), splat(0.5, state)
    return nearest_up_to(state, scale, half, splat(limits.dac_max, state))


@inner
def updated(state: Any, adc: Any, rows: Any, width: int, at: int, limits: Limits) -> Any:
    """Registers after a step."""
    top = splat(limits.register_max, state)
    decay, leak_half = load_long(rows, DECAY * width + at), load_long(rows, LEAK_HALF * width + at)
    gain, half = load_long(rows, GAIN * width + at), load_long(rows, UPDATE_HALF * width + at)
    kept = state - nearest(state, decay, leak_half)
    return clipped(kept + nearest_up_to(adc, gain, half, top), top)


@inner
def run_vector(
    steps: int,
    u: Any,
    rows: Any,
    limits: Limits,
    place: Any,
    state: Any,
    read: Any,
    kept: Any,
) -> None:
    """Runs one vector of lanes over a block.

    Args:
        steps: Steps in the block.
        u: Input codes, each repeated over its slot's lanes, (steps, tile).
        rows: Constants, (CONSTANTS, width).
        limits: Shared numbers.
        place: Width of the item, lane in the item, width of the tile, lane in the tile.
        state: Registers, (2, width); renewed.
        read: Takes C on the drives of each step and of the one that follows, (steps + 1, tile).
        kept: What to keep, (steps + 1, tile) each; or None.
    """
    width, at, tile, lane = place
    a00, a01 = load_long(rows, A00 * width + at), load_long(rows, A01 * width + at)
    a10, a11 = load_long(rows, A10 * width + at), load_long(rows, A11 * width + at)
    b0, b1 = load_long(rows, B0 * width + at), load_long(rows, B1 * width + at)
    c0, c1 = load_long(rows, C0 * width + at), load_long(rows, C1 * width + at)
    step0, step1 = load_long(rows, STEP0 * width + at), load_long(rows, STEP1 * width + at)
    half, adc_max = splat(limits.half, a00), splat(limits.adc_max, a00)
    x, y = load_long(state, at), load_long(state, width + at)
    for t in range(steps):
        i = t * tile + lane
        d, e, v = driven(x, limits), driven(y, limits), load_long(u, i)
        store(read, i, c0 * d + c1 * e)
        a, b = a00 * d + a01 * e + b0 * v, a10 * d + a11 * e + b1 * v
        a, b = converted(a, step0, half, adc_max), converted(b, step1, half, adc_max)
        if kept is not None:
            store(kept.drive0, i, d)
            store(kept.drive1, i, e)
            store(kept.adc0, i, a)
            store(kept.adc1, i, b)
            store(kept.state0, i, x)
            store(kept.state1, i, y)
        x = updated(x, a, rows, width, at, limits)
        y = updated(y, b, rows, width, at, limits)
    i = steps * tile + lane
    store(read, i, c0 * driven(x, limits) + c1 * driven(y, limits))
    if kept is not None:
        store(kept.state0, i, x)
        store(kept.state1, i, y)
    store(state, at, x)
    store(state, width + at, y)


@inner
def inside(values: Any, limit: float, passed: Any) -> Any:
    """What passes where codes stand inside their range, zero at its ends."""
    return where_below(size(values), splat(limit, values), passed)


@inner
def to_codes(g: Any, adc: Any, rows: Any, width: int, at: int, limits: Limits) -> Any:
    """The gradient of registers as it passes to the update: zero where the update clips."""
    gain, half = load(rows, GAIN * width + at), load(rows, UPDATE_HALF * width + at)
    return where_below(size(adc) * gain + half, splat(limits.register_max, adc), g)


@inner
def back_vector(
    steps: int,
    g_y: Any,
    u: Any,
    rows: Any,
    limits: Limits,
    place: Any,
    kept: Kept,
    adjoint: Any,
    g_u: Any,
    sums: Any,
) -> None:
    """Runs one vector of lanes backward over a block.

    Args:
        steps: Steps in the block.
        g_y: Gradient of C on the drives of each step, repeated over lanes, (steps, tile).
        u: Input codes, repeated over lanes, (steps, tile).
        rows: Constants, (CONSTANTS, width).
        limits: Shared numbers.
        place: Width of the item, lane in the item, width of the tile, lane in the tile.
        kept: What the block's steps left.
        adjoint: Gradient of the registers after the block, (2, width); becomes that before it.
        g_u: Takes B on the gradient of accumulated lines, (steps, tile).
        sums: Gradients of the constants of each lane, float64, (GRADIENTS, width); added to.
    """
    width, at, tile, lane = place
    a00, a01 = load(rows, A00 * width + at), load(rows, A01 * width + at)
    a10, a11 = load(rows, A10 * width + at), load(rows, A11 * width + at)
    b0, b1 = load(rows, B0 * width + at), load(rows, B1 * width + at)
    c0, c1 = load(rows, C0 * width + at), load(rows, C1 * width + at)
    to0, to1 = load(rows, TO_ADC0 * width + at), load(rows, TO_ADC1 * width + at)
    keep, scale = load(rows, KEPT * width + at), splat(limits.drive_scale, a00)
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = s8 = s9 = splat(0.0, a00)
    x, y = load(adjoint, at), load(adjoint, width + at)
    after0 = load(kept.state0, steps * tile + lane)
    after1 = load(kept.state1, steps * tile + lane)
    for t in range(steps - 1, -1, -1):
        i = t * tile + lane
        x, y = inside(after0, limits.register_max, x), inside(after1, limits.register_max, y)
        after0, after1 = load(kept.state0, i), load(kept.state1, i)
        a, b = load(kept.adc0, i), load(kept.adc1, i)
        g = to_codes(x, a, rows, width, at, limits)
        h = to_codes(y, b, rows, width, at, limits)
        s8 = s8 + g * a + h * b
        s9 = s9 + x * after0 + y * after1
        g, h = g * to0, h * to1
        g, h = inside(a, limits.adc_max, g), inside(b, limits.adc_max, h)
        d, e = load(kept.drive0, i), load(kept.drive1, i)
        v, o = load(u, i), load(g_y, i)
        s0, s1, s2, s3 = s0 + g * d, s1 + g * e, s2 + h * d, s3 + h * e
        s4, s5, s6, s7 = s4 + g * v, s5 + h * v, s6 + o * d, s7 + o * e
        store(g_u, i, g * b0 + h * b1)
        back0, back1 = g * a00 + h * a10 + o * c0, g * a01 + h * a11 + o * c1
        x = x * keep + inside(d, limits.dac_max, back0 * scale)
        y = y * keep + inside(e, limits.dac_max, back1 * scale)
    store(adjoint, at, x)
    store(adjoint, width + at, y)
    _add_pair(sums, A00, width, at, s0, s1)
    _add_pair(sums, A10, width, at, s2, s3)
    _add_pair(sums, B0, width, at, s4, s5)
    _add_pair(sums, C0, width, at, s6, s7)
    _add_pair(sums, GAIN, width, at, s8, s9)


@inner
def _add_pair(sums: Any, row: int, width: int, at: int, one: Any, other: Any) -> None:
    """Adds to a row of sums and to the next."""
    add_to(sums, row * width + at, one)
    add_to(sums, (row + 1) * width + at, other)


@inner
def last_read_back(
    g_y: Any,
    rows: Any,
    limits: Limits,
    place: Any,
    state: Any,
    adjoint: Any,
    sums: Any,
) -> None:
    """Gradient of a read of the registers after the last step, which no later step drives."""
    width, at, _tile, lane = place
    x, y, o = load(state, at), load(state, width + at), load(g_y, lane)
    d, e = driven(x, limits), driven(y, limits)
    scale = splat(limits.drive_scale, x)
    back0, back1 = o * load(rows, C0 * width + at), o * load(rows, C1 * width + at)
    store(adjoint, at, inside(d, limits.dac_max, back0 * scale))
    store(adjoint, width + at, inside(e, limits.dac_max, back1 * scale))
    _add_pair(sums, C0, width, at, o * d, o * e)
