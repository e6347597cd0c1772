"""Where analog arrays pay: kernels with a diagonal A against dense maps, in numbers and words."""

import math
from typing import Final

from imssa.cost.analog import ARRAYS, SUPPLY, Read, read_energy
from imssa.cost.digital import INT8, array_weight_bits, is_kernel_phase, kernel_weights
from imssa.cost.prices import Prices
from imssa.cost.ranges import Parts, Range, added, total
from imssa.cost.report import BreakEven
from imssa.program.program import Program

CONTROL: Final = "clock and control"
MODES: Final = (1, 2, 4, 8, 16, 32)
LARGEST_MAP: Final = 1024


def with_control(parts: Parts, prices: Prices) -> Parts:
    """The same and clock and control: a share of all but the current through the devices."""
    own = total(value for name, value in parts.items() if name not in {ARRAYS, SUPPLY})
    return {**parts, CONTROL: own * prices.constants.control.range}


def digital_mac(prices: Prices, bits: int = INT8) -> Range:
    """A multiply-accumulate of a code of 8 bits, its weight from SRAM and its share of control."""
    one = {
        "product": prices.multiply_accumulate(math.sqrt(bits * INT8)),
        "weight": prices.memory_byte * (bits / 8),
    }
    return total(with_control(one, prices))


def break_even(program: Program, reads: tuple[Read, ...], prices: Prices) -> BreakEven:
    """Ratios and thresholds of this chip's converters, at this program's mean device power.

    Args:
        program: The program.
        reads: Its phases.
        prices: Constants in a process.
    """
    kernels = [
        read for read, phase in zip(reads, program.phases, strict=True) if is_kernel_phase(phase)
    ]
    weights, mac = kernel_weights(program), digital_mac(prices)
    spent = total(_energy(read, prices) for read in kernels)
    conversions = sum(read.pairs for read in kernels)
    bits = array_weight_bits(program)
    both = [digital_mac(prices, width) * weights for width in (INT8, bits)]
    ratio, packed = ((spent / one) for one in both) if weights and kernels else (None, None)
    some = kernels or list(reads)
    a_conversion = total(_energy(read, prices) for read in some) * (
        1 / max(1, sum(read.pairs for read in some))
    )
    return BreakEven(
        kernels_ratio=ratio,
        packed_ratio=packed,
        weight_bits=bits,
        macs_per_conversion=weights / conversions if conversions else 0.0,
        macs_needed=a_conversion / mac,
        by_modes=_by_modes(some, mac, prices),
        map_size=_map_size(some, mac, prices),
    )


def _energy(read: Read, prices: Prices) -> Range:
    return total(with_control(added(read_energy(read, prices)), prices))


def _by_modes(reads: list[Read], mac: Range, prices: Prices) -> dict[int, Range]:
    """A kernel alone: 2m + 1 lines and pairs, 8m + 1 weights."""
    return {
        modes: _energy(_sized(reads, 2 * modes + 1, reads[0].cells), prices)
        / (mac * (8 * modes + 1))
        for modes in (MODES if reads else ())
    }


def _map_size(
    reads: list[Read], mac: Range, prices: Prices
) -> tuple[int | None, int | None, int | None]:
    """Smallest n for which an n x n map takes less on an array of its size."""
    found: list[int | None] = [None, None, None]
    for size in range(1, LARGEST_MAP + 1) if reads else ():
        arrays, digital = _energy(_sized(reads, size, 2 * size), prices), mac * size**2
        less = (
            arrays.low < digital.high,
            arrays.typical < digital.typical,
            arrays.high < digital.low,
        )
        found = [
            size if first is None and now else first for first, now in zip(found, less, strict=True)
        ]
        if None not in found:
            break
    return found[0], found[1], found[2]


def _sized(reads: list[Read], lines: int, cells: int) -> Read:
    """An MVM of so many lines and pairs, its devices like those of some others on average."""
    like = reads[0]
    devices = sum(read.lines * read.cells for read in reads)
    watt = total(read.watt for read in reads) * (lines * cells / devices)
    return Read(
        lines=lines,
        pairs=lines,
        passes=like.passes,
        drive_bits=like.drive_bits,
        adc_bits=like.adc_bits,
        cells=cells,
        watt=watt,
        phase_seconds=like.phase_seconds,
    )
