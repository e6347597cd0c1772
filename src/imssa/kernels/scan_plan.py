"""How a scan is laid out in lanes, which floats hold its codes exactly, and its tables.

Work is cut into items: ``features`` neighbouring kernels (a cache line of the input) times
``sequences`` sequences. An item's lanes run over sequences, kernels, modes in that order; the cut
depends on the shapes alone, so results do not depend on threads.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imssa.kernels.codes import GUARD
from imssa.kernels.scan_types import DIRECT, LEAKY, Scales, Weights, largest_code_of
from imssa.kernels.vectors import LONG_BYTES

FEATURES: Final = 32
ITEM_LANES: Final = 512
ITEMS: Final = 8
"""Neighbouring kernels of an item, most of its lanes, and least items where there is work for them."""
BLOCK: Final = 128
"""Least steps between checkpoints: what a block keeps then fits the first cache."""
DEFAULT_BUDGET_BYTES: Final = 256 * 2**20

_FLOAT32_SUM = 2**24
_FLOAT32_HALVES = 2**23
"""Below 2^24 float32 holds all integers, below 2^23 all halves as well."""


class Layout(NamedTuple):
    """The cut of a scan into items, tiles, slots and lanes; sizes of one item."""

    group: int
    features: int
    sequences: int
    width: int
    tile: int
    feature_blocks: int
    batch_blocks: int
    block: int
    blocks: int

    @property
    def items(self) -> int:
        """Number of items."""
        return self.feature_blocks * self.batch_blocks


def is_dense(draws: int, passes: int) -> bool:
    """Whether kernels are run one at a time with all weights of their blocks (`scan_dense`)."""
    return draws > 0 or passes > 1


def dense_blocks(
    shape: tuple[int, ...], states: int, passes: int, budget_bytes: int
) -> tuple[int, int, int]:
    """What a dense scan keeps: steps between checkpoints and their number, by the rule of `layout`.

    The third number is that of the items, kernels times sequences, whose codes of all states' lines
    are kept as well: all, or none where they need more than the budget or, being those of several
    passes, more than two bytes.
    """
    batch, length, features = shape
    room = np.dtype(np.int16).itemsize * states * features * batch * length
    items = features * batch if room <= budget_bytes and passes == 1 else 0
    each, block = np.dtype(np.int32).itemsize * states * features * batch, BLOCK
    while block < length and each * -(-length // block) > budget_bytes:
        block *= 2
    return min(block, max(1, length)), max(1, -(-length // block)), items


def checkpoint_shape(
    shape: tuple[int, ...], modes: int, budget_bytes: int
) -> tuple[int, int, int, int, int]:
    """What a scan on a GPU keeps, by the same rule: batch, blocks, re and im, features, modes."""
    _, blocks, _ = dense_blocks(shape, 2 * modes, 1, budget_bytes)
    return shape[0], blocks, 2, shape[2], modes


class Tables(NamedTuple):
    """Constants of all kernels in the float type of the scan."""

    rows: NDArray[Any]
    """(feature blocks, CONSTANTS x width), see :mod:`imssa.kernels.scan_step`."""
    direct: NDArray[np.float64]
    """D of each kernel."""
    per_step: NDArray[np.float64]
    """One over the ADC step of each kernel's output line, rounded to the float type."""
    output_step: NDArray[np.float64]
    """That step."""


def layout(shape: tuple[int, ...], modes: int, budget_bytes: int = DEFAULT_BUDGET_BYTES) -> Layout:
    """Chooses the cut and the spacing of the checkpoints.

    Args:
        shape: Batch, length, features.
        modes: Modes of a kernel.
        budget_bytes: Checkpoints take at most this much; registers are kept every 128 steps, or
            every 256, 512 ... where that needs more.
    """
    batch, length, features = shape
    group = 1 << (modes - 1).bit_length()
    together = min(FEATURES, features)
    while together > 8 and batch * -(-features // together) < ITEMS:
        together //= 2
    rows = -(-ITEMS // -(-features // together))  # blocks of sequences that give enough items
    sequences = min(max(ITEM_LANES // (together * group), 1), max(batch // rows, 1))
    tile = max(LONG_BYTES // np.dtype(np.float32).itemsize, group)
    width = -(-together * sequences * group // tile) * tile
    feature_blocks, batch_blocks = -(-features // together), -(-batch // sequences)
    block, each = BLOCK, 2 * width * feature_blocks * batch_blocks * np.dtype(np.int32).itemsize
    while block < length and each * -(-length // block) > budget_bytes:
        block *= 2
    blocks = max(1, -(-length // block))
    block = min(block, max(1, length))
    return Layout(
        group, together, sequences, width, tile, feature_blocks, batch_blocks, block, blocks
    )


def float_type(weights: Weights, scales: Scales) -> type:
    """float32 where it holds every code, sum and quotient of this scan exactly, else float64.

    In float64 they always are: registers have at most 31 bits, products of an ADC code and a
    multiplier 30, sums fewer than 53, and a product with 1 / step differs from the quotient by less
    than the distance 1 / (2L) of any quotient from a half that it does not meet (see
    :func:`imssa.kernels.codes.convert`).
    """
    A, B, C, D = (np.abs(w) for w in weights)
    largest = max(
        float((A.sum(-1) + B).max(initial=0)),
        float((C.sum((-1, -2)) + D).max(initial=0)),
    )
    update = largest_code_of(scales) * int(scales.multiplier.max(initial=0))
    exact = (
        largest * scales.dac_max < _FLOAT32_SUM
        and scales.register_max < _FLOAT32_HALVES
        and update < _FLOAT32_HALVES
        and bool(np.all(np.abs(scales.shift) < 100))
        and rounds_alike(np.unique(scales.adc), scales.adc_max)
    )
    return np.float32 if exact else np.float64


def half(adc_max: int, dtype: type) -> float:
    """What is added to |acc| / step before it is rounded down: a half, and more than its error.

    In float64 it is that of :func:`imssa.kernels.codes.convert`.
    """
    return 0.5 + (adc_max * 2.0**-22 if dtype is np.float32 else GUARD)


def rounds_alike(steps: NDArray[np.float64], adc_max: int) -> bool:
    """Whether a float32 product with 1 / step converts every integer sum as exact division does.

    Both grow with the sum, so it is enough that they agree on both sides of each place where the
    code changes: at the least integer from (code - 1/2) step on and at the one before.
    """
    codes = np.arange(1, adc_max + 1)
    inverse = (1.0 / steps).astype(np.float32)[:, None]
    first = np.ceil((codes - 0.5) * steps[:, None])
    added = np.float32(half(adc_max, np.float32))
    above = np.floor(first.astype(np.float32) * inverse + added)
    below = np.floor((first - 1).astype(np.float32) * inverse + added)
    small = first < _FLOAT32_SUM
    return bool(np.all((above >= codes) & (below < codes) | ~small))


class Update(NamedTuple):
    """How each mode's registers are renewed, (features, modes): DESIGN section 5, "Update"."""

    gain: NDArray[np.float64]
    """m 2^-t."""
    half: NDArray[np.float64]
    """What is added before that product is rounded down: nothing where it is an integer."""
    leak: NDArray[np.float64]
    """Share of a register that leaks; all of it is ``direct``."""
    leak_half: NDArray[np.float64]
    """What is added before that is rounded down."""
    kept: NDArray[np.float64]
    """What is left, 1 - leak."""


def update_of(scales: Scales) -> Update:
    """The update of a scan's realization."""
    gain = np.ldexp(scales.multiplier.astype(np.float64), -scales.shift)
    leak = np.full_like(gain, float(scales.realization == DIRECT))
    leak_half = np.full_like(gain, 0.5 * (scales.realization == LEAKY))
    if scales.realization == LEAKY:
        leak = np.ldexp(1.0, -scales.k)
    return Update(gain, np.where(scales.shift > 0, 0.5, 0.0), leak, leak_half, 1.0 - leak)


def constants(weights: Weights, scales: Scales) -> NDArray[np.float64]:
    """Constants of each mode, (CONSTANTS, features, modes), see :mod:`imssa.kernels.scan_step`."""
    A, B, C, _ = weights
    gain, half, decay, leak_half, kept = update_of(scales)
    real, imaginary = scales.adc[:, 0:-1:2], scales.adc[:, 1:-1:2]
    rows = [A[..., 0, 0], A[..., 0, 1], A[..., 1, 0], A[..., 1, 1], B[..., 0], B[..., 1]]
    rows += [C[..., 0], C[..., 1], gain, decay, 1.0 / real, 1.0 / imaginary]
    rows += [half, leak_half, gain / real, gain / imaginary, kept]
    return np.stack(rows)


def tables(weights: Weights, scales: Scales, cut: Layout, dtype: type) -> Tables:
    """Constants in lanes."""
    per_step = (1.0 / scales.adc[:, -1]).astype(dtype).astype(np.float64)
    lanes: NDArray[Any] = in_lanes(constants(weights, scales), cut).astype(dtype)
    return Tables(lanes, weights.D, per_step, np.ascontiguousarray(scales.adc[:, -1]))


def in_lanes(rows: NDArray[np.float64], cut: Layout) -> NDArray[np.float64]:
    """Rows (rows, features, modes) as (feature blocks, rows x width), padded with zeros."""
    count, features, modes = rows.shape
    padded = np.zeros((count, cut.feature_blocks * cut.features, cut.group))
    padded[:, :features, :modes] = rows
    blocks = padded.reshape(count, cut.feature_blocks, 1, cut.features, cut.group).swapaxes(0, 1)
    shape = (cut.feature_blocks, count, cut.sequences, cut.features, cut.group)
    blocks = np.broadcast_to(blocks, shape)
    out = np.zeros((cut.feature_blocks, count, cut.width))
    lanes = cut.features * cut.sequences * cut.group
    out[:, :, :lanes] = blocks.reshape(cut.feature_blocks, count, lanes)
    return out.reshape(cut.feature_blocks, -1)


def from_lanes(
    sums: NDArray[np.float64], cut: Layout, features: int, modes: int
) -> NDArray[np.float64]:
    """Adds up (items, rows x width) over sequences, in order: (rows, features, modes)."""
    lanes = cut.features * cut.sequences * cut.group
    count = sums.shape[1] // cut.width
    per_item = sums.reshape(cut.feature_blocks, cut.batch_blocks, count, cut.width)
    shape = (cut.feature_blocks, cut.batch_blocks, count, cut.sequences, cut.features, cut.group)
    total = per_item[..., :lanes].reshape(shape).sum((1, 3)).swapaxes(0, 1)
    return np.ascontiguousarray(total.reshape(count, -1, cut.group)[:, :features, :modes])
