"""Energy and time of one analog matrix-vector multiply (MVM), part by part."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from imssa.cost.prices import Prices
from imssa.cost.ranges import Parts, Range
from imssa.hardware.converters import Converters

ARRAYS: Final = "array reads"
SUPPLY: Final = "supply of reads"
DRIVERS: Final = "drivers"
AMPLIFIERS: Final = "amplifiers"
ADC: Final = "ADC"


@dataclass(frozen=True)
class Read:
    """One MVM as its cost sees it: any chip's, no program needed.

    Attributes:
        lines: Word lines driven.
        pairs: Conversions of one pass.
        passes: Reads and conversions that make up the MVM.
        drive_bits: Width of what one pass drives a line with; 1: a pulse or none.
        adc_bits: Width of a conversion.
        cells: Devices on a word line.
        watt: Power of the devices, summed over the passes.
        phase_seconds: Time of all passes where the chip's description knows it.
    """

    lines: int
    pairs: int
    passes: int
    drive_bits: int
    adc_bits: int
    cells: int
    watt: Range
    phase_seconds: float | None = None


def drive_bits(converters: Converters) -> int:
    """Width of what one pass drives a line with."""
    return 1 if converters.drive == "bit-serial" else converters.dac_bits


def read_seconds(read: Read, prices: Prices) -> Range:
    """Time that the devices of one pass carry current: no longer than the phase allows."""
    found = prices.constants.read_time.range
    if read.phase_seconds is None:
        return found
    longest = read.phase_seconds / read.passes
    return found.each(lambda seconds: min(seconds, longest))


def read_energy(read: Read, prices: Prices) -> Parts:
    """Energy of an MVM by part, in joules.

    Devices: their power for the time of a pass. Supply: what is burnt between the supply's voltage and
    the lines'. Drivers: each driven line in each pass. Amplifiers and converters: each pair in each pass.
    """
    devices = read.watt * read_seconds(read, prices)
    headroom = prices.constants.supply_headroom.range.each(lambda times: max(times - 1.0, 0.0))
    conversions = read.pairs * read.passes
    driven = prices.driver(read.drive_bits, read.cells) * (read.lines * read.passes)
    return {
        ARRAYS: devices,
        SUPPLY: devices * headroom,
        DRIVERS: driven,
        AMPLIFIERS: prices.amplifier * conversions,
        ADC: prices.adc(read.adc_bits) * conversions,
    }


def mvm_seconds(read: Read, in_series: int, prices: Prices) -> Range:
    """Time of an MVM: for each pass the read, then the conversions that share an ADC.

    Args:
        read: The MVM.
        in_series: Conversions of the busiest ADC in one pass.
        prices: Constants in a process.
    """
    if read.phase_seconds is not None:
        return Range.of(read.phase_seconds)
    one = prices.constants.read_time.range + prices.adc_seconds(read.adc_bits) * in_series
    return one * read.passes


def busiest(pairs: "np.ndarray[tuple[int], np.dtype[np.int64]]", pairs_per_adc: int) -> int:
    """Conversions of the busiest ADC where so many neighbouring pairs share one.

    Example:
        >>> busiest(np.array([0, 1, 2, 5]), 4), busiest(np.array([0, 1, 2, 5]), 1)
        (3, 1)
    """
    return int(np.bincount(pairs // pairs_per_adc).max(initial=0))
