"""What each action costs in a given process: constants, widths and technology put together."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from imssa.cost.constants import Constants, load_constants
from imssa.cost.ranges import Number, Range
from imssa.cost.technology import Technology

CONVERTER_BITS: Final = 8
"""Width that the constants of converters are for."""

WIDTHS: Final = (8, 16, 32)
"""Widths that the constants of arithmetic are for."""

ACCUMULATOR_BITS: Final = 32


@dataclass(frozen=True)
class Prices:
    """Energies in joules, times in seconds, areas in square metres, each a range.

    Attributes:
        constants: For 45 nm.
        technology: The process of converters and digital side.
    """

    constants: Constants = field(default_factory=load_constants)
    technology: Technology = field(default_factory=Technology)

    def adc(self, bits: int) -> Range:
        """One conversion of a width: the constant times growth^(bits - 8)."""
        growth, exponent = self.constants.adc_growth, bits - CONVERTER_BITS
        steps = Range.spanned(
            [growth.low**exponent, growth.high**exponent], growth.typical**exponent
        )
        return self.constants.adc_conversion.range * steps * self.technology.converters

    def adc_seconds(self, bits: int) -> Range:
        """Time of one conversion, linear in bits."""
        return self.constants.adc_time.range * (bits / CONVERTER_BITS)

    def driver(self, bits: int, cells: int) -> Range:
        """One word line with so many cells driven in one pass; a single digit is a pulse alone."""
        c = self.constants
        circuit = c.driver_pulse.range
        if bits > 1:
            circuit += c.dac_step.range * 2**bits
        line = c.line_capacitance.range * cells * c.line_swing.range * c.line_swing.range
        return circuit * self.technology.converters + line

    @cached_property
    def amplifier(self) -> Range:
        """One pair sampled or amplified in one pass."""
        return self.constants.amplifier.range * self.technology.converters

    def addition(self, bits: Number) -> Range:
        """One addition of a width."""
        return self._by_width("add", bits)

    def multiplication(self, bits: Number) -> Range:
        """One multiplication; of unlike operands the geometric mean of their widths counts."""
        return self._by_width("multiply", bits)

    def shift(self, bits: Number) -> Range:
        """One rounding shift of a width."""
        return self._by_width("shift", bits)

    def multiply_accumulate(self, bits: Number) -> Range:
        """A multiplication added to a sum of 32 bits."""
        return self.multiplication(bits) + self.addition(ACCUMULATOR_BITS)

    @cached_property
    def register_byte(self) -> Range:
        """A byte read from or written to registers."""
        return self.constants.register_byte.range * self.technology.gates

    @cached_property
    def memory_byte(self) -> Range:
        """A byte of weights read from SRAM."""
        return self.constants.memory_byte.range * self.technology.gates

    def _by_width(self, kind: str, bits: Number) -> Range:
        """Through the constants at 8, 16 and 32 bits by power laws, which go on below and above."""
        ranges = [getattr(self.constants, f"{kind}_{width}").range for width in WIDTHS]
        values = [
            _power_law(bits, [getattr(one, bound) for one in ranges])
            for bound in ("low", "typical", "high")
        ]
        return Range(*np.maximum.accumulate(values).tolist()) * self.technology.gates


def _power_law(bits: Number, values: list[float]) -> float:
    """Piecewise linear in the logarithms of width and value."""
    first = 0 if bits <= WIDTHS[1] else 1
    slope = np.log(values[first + 1] / values[first]) / np.log(WIDTHS[first + 1] / WIDTHS[first])
    return float(values[first] * (bits / WIDTHS[first]) ** slope)
