"""Wires of an array, as a chip description gives them; :mod:`imssa.circuit` solves them."""

from typing import Literal

from pydantic import Field

from imssa.hardware.law import Law


class WireSettings(Law):
    """Resistances of lines, drivers and amplifiers, and what lines do that a phase does not use.

    Attributes:
        word_line_resistance_ohm: Of each segment of a word line; 0 is an ideal wire.
        bit_line_resistance_ohm: Of each segment of a bit line; 0 is an ideal wire.
        driver_resistance_ohm: Of each driver.
        sense_resistance_ohm: Of each amplifier's input.
        word_line_ends: Word lines are driven from one end or both.
        bit_line_ends: Bit lines are read at one end or both.
        undriven: Word lines that a phase does not drive are at 0 V, or cut off.
        unread: Bit lines that a phase does not read are at 0 V, or cut off. Where both kinds are cut
            off, read noise of several driven lines is an approximation (README of `imssa.circuit`).
    """

    word_line_resistance_ohm: float = Field(default=0.0, ge=0)
    bit_line_resistance_ohm: float = Field(default=0.0, ge=0)
    driver_resistance_ohm: float = Field(default=0.0, ge=0)
    sense_resistance_ohm: float = Field(default=0.0, ge=0)
    word_line_ends: Literal["one", "both"] = "one"
    bit_line_ends: Literal["one", "both"] = "one"
    undriven: Literal["grounded", "floating"] = "grounded"
    unread: Literal["grounded", "floating"] = "grounded"

    @property
    def by_phase(self) -> bool:
        """Whether currents depend on which lines a phase uses, beyond their voltages."""
        return "floating" in {self.undriven, self.unread}
