"""Devices that ignore programming, and lines that carry no current."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from imssa.hardware.law import Bools, DeviceLaw, Draws, Floats, Surroundings

STUCK_HIGH: Final = 1
SOUND: Final = 0
STUCK_LOW: Final = -1
OPEN: Final = -2
"""A device that conducts nothing, for instance on a dead line."""


class StuckDevices(DeviceLaw):
    """Devices that ignore programming: shares stuck at the window's top and at its bottom.

    Attributes:
        high_rate: Share of devices stuck high.
        low_rate: Share of devices stuck low, at the bottom of the window.
        high_spread_siemens: Devices stuck high conduct g_max + |N(0, this)|.
    """

    high_rate: float = Field(ge=0, le=1)
    low_rate: float = Field(ge=0, le=1)
    high_spread_siemens: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _rates_leave_room(self) -> "StuckDevices":
        if self.high_rate + self.low_rate > 1.0 + 1e-12:
            msg = (
                f"high_rate and low_rate of stuck devices are {self.high_rate:g} and "
                f"{self.low_rate:g}; they must add up to at most 1"
            )
            raise ValueError(msg)
        return self

    def drawn(self, uniforms: Floats) -> NDArray[np.int8]:
        """Defects, one uniform number a device: +1 stuck high, -1 stuck low, 0 sound."""
        high = uniforms < self.high_rate
        low = uniforms >= 1.0 - self.low_rate
        return high.astype(np.int8) - low.astype(np.int8)

    def misfits(self, chip: Surroundings) -> Iterator[tuple[str, str]]:
        """Fits every chip."""
        del chip
        yield from ()


class DeadLines(DeviceLaw):
    """Whole word or bit lines that carry no current: their devices conduct nothing.

    Attributes:
        word_line_rate: Share of word lines that are dead on a chip instance.
        bit_line_rate: Share of bit lines.
        word_lines: Lines that are dead on every instance, each as [array, line].
        bit_lines: The same for bit lines.
    """

    word_line_rate: float = Field(default=0.0, ge=0, le=1)
    bit_line_rate: float = Field(default=0.0, ge=0, le=1)
    word_lines: tuple[tuple[int, int], ...] = ()
    bit_lines: tuple[tuple[int, int], ...] = ()

    def drawn(self, draws: Draws, array: int | None) -> Bools:
        """Devices on dead lines, (chips, word lines, bit lines).

        Args:
            draws: Random numbers of the array's cells.
            array: Number of the array on the chip; None: none, so that no named line is on it.
        """
        words, bits = draws.shape
        rows = draws.child("word lines").over(words).uniforms() < self.word_line_rate
        columns = draws.child("bit lines").over(bits).uniforms() < self.bit_line_rate
        rows[:, [line for number, line in self.word_lines if number == array]] = True
        columns[:, [line for number, line in self.bit_lines if number == array]] = True
        return np.asarray(rows[:, :, None] | columns[:, None, :])

    def misfits(self, chip: Surroundings) -> Iterator[tuple[str, str]]:
        """Fits every window."""
        del chip
        yield from ()

    def outside(self, arrays: int, word_lines: int, bit_lines: int) -> Iterator[tuple[str, str]]:
        """Named lines that a chip lacks, as keys and rules."""
        for key, named, count in (
            ("word_lines", self.word_lines, word_lines),
            ("bit_lines", self.bit_lines, bit_lines),
        ):
            for array, line in named:
                if not (0 <= array < arrays and 0 <= line < count):
                    rule = (
                        f"[{array}, {line}] is not on this chip: arrays are 0 to {arrays - 1}, "
                        f"{key.replace('_', ' ')} 0 to {count - 1}"
                    )
                    yield key, rule
