"""The wires of an array: what its lines, drivers and amplifiers resist, and where they are broken."""

import math
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

from imssa.errors import RecipeError

Ends = Literal["one", "both"]
Idle = Literal["grounded", "floating"]

RESISTANCES: Final = (
    "word_line_resistance_ohm",
    "bit_line_resistance_ohm",
    "driver_resistance_ohm",
    "sense_resistance_ohm",
)


class OpenSegment(NamedTuple):
    """A broken piece of wire.

    Attributes:
        line: The word or bit line, from 0.
        segment: Which of its segments: number s ends at node s. Of a word line, 0 is between driver
            and first cell; of a bit line, the last (number ``word_lines``) is between the last cell
            and the amplifier. With two ends in use the other end has a segment as well.
    """

    line: int
    segment: int


@dataclass(frozen=True)
class Wires:
    """Wires, drivers and amplifiers of one kind of array.

    Word line i runs from its driver past the cells (i, 0), (i, 1), ...; bit line j runs past the
    cells (0, j), (1, j), ... to its amplifier, which holds its end at 0 V. There is one segment
    between neighbouring cells and one between a line's end and the cell nearest to it.

    Attributes:
        word_line_resistance_ohm: Resistance of each segment of a word line; 0 is an ideal wire.
        bit_line_resistance_ohm: Resistance of each segment of a bit line; 0 is an ideal wire.
        driver_resistance_ohm: Resistance of each driver, in series with the first segment.
        sense_resistance_ohm: Resistance of each amplifier's input, in series with the last segment.
        word_line_ends: "one": driven before the first cell; "both": behind the last cell too.
        bit_line_ends: "one": read behind the last cell; "both": before the first cell too (the two
            currents are added).
        undriven: What a word line does that a phase does not drive: "grounded" is driven with 0 V,
            and one Y serves all phases; "floating" is cut off, and each phase has its own Y.
        unread: What a bit line does that a phase does not read: "grounded" or "floating".
        open_word_lines: Broken segments of word lines.
        open_bit_lines: Broken segments of bit lines.

    Raises:
        RecipeError: With all that is wrong.

    Example:
        >>> Wires(word_line_resistance_ohm=1.0, bit_line_resistance_ohm=1.0).undriven
        'grounded'
    """

    word_line_resistance_ohm: float = 0.0
    bit_line_resistance_ohm: float = 0.0
    driver_resistance_ohm: float = 0.0
    sense_resistance_ohm: float = 0.0
    word_line_ends: Ends = "one"
    bit_line_ends: Ends = "one"
    undriven: Idle = "grounded"
    unread: Idle = "grounded"
    open_word_lines: tuple[OpenSegment, ...] = ()
    open_bit_lines: tuple[OpenSegment, ...] = ()

    def __post_init__(self) -> None:
        faults = _faults(self)
        if faults:
            raise RecipeError(
                given=f"wires with {'; '.join(faults)}",
                rule="a resistance is a number of ohms from 0 (an ideal wire), a choice is one of "
                "its words, a broken segment is a line and a segment counted from 0",
                remedy="Mend each of them; put broken wires into the lists of open segments, not "
                "into the resistance",
            )

    @property
    def one_matrix_serves_all_phases(self) -> bool:
        """Whether Y is the same whichever lines a phase drives and reads."""
        return self.undriven == "grounded" and self.unread == "grounded"


def _faults(wires: Wires) -> list[str]:
    found = []
    for name in RESISTANCES:
        value = getattr(wires, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            found.append(f"{name} = {value!r}, not a number")
        elif not (math.isfinite(value) and value >= 0):
            found.append(f"{name} = {value:g}")
    for name, words in (
        ("word_line_ends", get_args(Ends)),
        ("bit_line_ends", get_args(Ends)),
        ("undriven", get_args(Idle)),
        ("unread", get_args(Idle)),
    ):
        if getattr(wires, name) not in words:
            found.append(f"{name} = {getattr(wires, name)!r}, not {' or '.join(words)}")
    for name in ("open_word_lines", "open_bit_lines"):
        found += [f"{name} with {item!r}" for item in getattr(wires, name) if not _is_open(item)]
    return found


def _is_open(item: object) -> bool:
    return (
        isinstance(item, tuple)
        and len(item) == 2
        and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in item)
    )
