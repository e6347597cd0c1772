"""The comment at the head of a netlist: all that a reader needs to understand the file alone."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imssa.circuit.arrays import Floats
from imssa.circuit.segments import checked_lines
from imssa.circuit.wires import OpenSegment, Wires

COLUMNS: Final = 110
NAMES: Final = [
    "Nodes (lines are counted from 0): d3 driver of word line 3, s5 amplifier of bit line 5, w3_5 and\nb3_5 word-line and bit-line side of the device where they cross. Nodes that ideal wires join have\none name, the first in the order d, s, w, b.",
    "Elements: rg3_5 device on word line 3 and bit line 5; rr3_5 word line 3 from its cell 4 (0: from\nits driver) to its cell 5; rc3_5 bit line 5 from its cell 2 to its cell 3 (one past the last cell:\nto its amplifier); vd3 voltage of word line 3; vs5 amplifier of bit line 5, at 0 V. Resistances in\nohm, voltages in volt.",
    "What is open, does not conduct, or hangs on nothing is left out.",
    "Result: the operating point; i(vs5), in ampere, is what bit line 5 gives.",
]


def header(
    shape: tuple[int, int],
    wires: Wires,
    drive: Floats,
    lines: tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None],
    about: Sequence[str],
) -> Iterator[str]:
    """Lines of comment: the array, what the caller says of it, wires, drives, names.

    Args:
        shape: Word lines and bit lines.
        wires: The wires.
        drive: Word-line voltages in volt.
        lines: Masks of the word lines driven and the bit lines read; None: all.
        about: What the caller adds, a paragraph each; what is not ASCII becomes "?".
    """
    word_lines, bit_lines = shape
    driven, read = (
        checked_lines("driven", lines[0], word_lines),
        checked_lines("read", lines[1], bit_lines),
    )
    yield f"* imssa array of {word_lines} word lines and {bit_lines} bit lines"
    for words in (*about, *_wires(wires), *_lines(wires, drive, driven, read), *NAMES):
        plain = "".join(c if " " <= c <= "~" else "?" for c in " ".join(words.split()))
        wrapped = textwrap.wrap(plain, COLUMNS, subsequent_indent="  ", break_on_hyphens=False)
        yield from (f"* {line}" for line in wrapped)


def _wires(wires: Wires) -> Iterator[str]:
    yield (
        f"Wires: {wires.word_line_resistance_ohm:g} ohm a segment of word line, "
        f"{wires.bit_line_resistance_ohm:g} ohm a segment of bit line, driver "
        f"{wires.driver_resistance_ohm:g} ohm, amplifier {wires.sense_resistance_ohm:g} ohm (both "
        f"are part of the segment they stand at); word lines are driven from "
        f"{wires.word_line_ends} {_plural(wires.word_line_ends)}, bit lines read at "
        f"{wires.bit_line_ends} {_plural(wires.bit_line_ends)}."
    )
    broken = (("word", wires.open_word_lines), ("bit", wires.open_bit_lines))
    for kind, segments in broken:
        if segments:
            yield f"Broken {kind} lines: {_broken(segments)}."


def _plural(ends: str) -> str:
    return "end" if ends == "one" else "ends"


def _broken(segments: Sequence[OpenSegment]) -> str:
    return ", ".join(f"line {line} at segment {segment}" for line, segment in segments)


def _lines(
    wires: Wires, drive: Floats, driven: NDArray[np.bool_], read: NDArray[np.bool_]
) -> Iterator[str]:
    others = _others(driven, wires.undriven)
    yield f"Driven word lines: {_ranges(driven)}; {_voltages(drive[driven])}.{others}"
    yield f"Read bit lines: {_ranges(read)}, at 0 V.{_others(read, wires.unread)}"


def _others(used: NDArray[np.bool_], kind: str) -> str:
    if used.all():
        return ""
    return f" Others: {'at 0 V' if kind == 'grounded' else 'floating'}."


def _voltages(volts: Floats) -> str:
    if not volts.size:
        return "no voltages"
    low, high = float(volts.min()), float(volts.max())
    return f"all at {low:g} V" if low == high else f"voltages from {low:g} to {high:g} V"


def _ranges(mask: NDArray[np.bool_]) -> str:
    """Numbers of the lines marked, runs in short.

    Example:
        >>> _ranges(np.array([True, True, True, False, True]))
        '0-2, 4 (4 of 5)'
    """
    marked = np.flatnonzero(mask)
    if not marked.size:
        return f"none of {len(mask)}"
    runs = np.split(marked, np.flatnonzero(np.diff(marked) > 1) + 1)
    words = [f"{r[0]}-{r[-1]}" if len(r) > 1 else f"{r[0]}" for r in runs]
    return f"{', '.join(words)} ({len(marked)} of {len(mask)})"
