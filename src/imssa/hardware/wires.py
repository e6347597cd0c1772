"""Wires of an array, as a chip description gives them; :mod:`imssa.circuit` solves them."""

from typing import Literal

from pydantic import Field

from imssa.hardware.law import Law


class WireSettings(Law):
    """Resistances of lines, drivers and amplifiers; lines that a phase does not use are at 0 V.

    Attributes:
        word_line_resistance_ohm: Of each segment of a word line; 0 is an ideal wire.
        bit_line_resistance_ohm: Of each segment of a bit line; 0 is an ideal wire.
        driver_resistance_ohm: Of each driver.
        sense_resistance_ohm: Of each amplifier's input.
        word_line_ends: Word lines are driven from one end or both.
        bit_line_ends: Bit lines are read at one end or both.
    """

    word_line_resistance_ohm: float = Field(default=0.0, ge=0)
    bit_line_resistance_ohm: float = Field(default=0.0, ge=0)
    driver_resistance_ohm: float = Field(default=0.0, ge=0)
    sense_resistance_ohm: float = Field(default=0.0, ge=0)
    word_line_ends: Literal["one", "both"] = "one"
    bit_line_ends: Literal["one", "both"] = "one"
