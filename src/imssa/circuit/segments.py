"""Checked input: conductances, and the resistance of every single segment of an array's wires."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imssa.circuit.arrays import Floats
from imssa.circuit.wires import OpenSegment, Wires
from imssa.errors import ShapeError


class Segments(NamedTuple):
    """Resistances of all segments; infinite where a wire is open or has no such end.

    Attributes:
        row_ohm: Of word lines, (word_lines, bit_lines + 1): number s ends at cell s.
        column_ohm: Of bit lines, (word_lines + 1, bit_lines).
    """

    row_ohm: Floats
    column_ohm: Floats


def checked_conductance(conductance_siemens: NDArray[Any]) -> Floats:
    """Conductances as float64, (..., word_lines, bit_lines).

    Raises:
        ShapeError: Too few axes, an empty axis, or a value that is negative or not finite.
    """
    conductance = np.ascontiguousarray(conductance_siemens, dtype=np.float64)
    if conductance.ndim < 2 or 0 in conductance.shape:
        raise ShapeError(
            given=f"conductances of shape {conductance.shape}",
            rule="an array has the axes (..., word_lines, bit_lines), none of them empty",
            remedy="Hand in one conductance in siemens for each device",
        )
    _refuse("conductance", conductance, ~(np.isfinite(conductance) & (conductance >= 0)))
    return conductance


def checked_values(name: str, given: NDArray[Any], shape: tuple[int, ...]) -> Floats:
    """Finite float64 numbers whose last axes have a given shape.

    Raises:
        ShapeError: Another shape, or a value that is not finite.
    """
    values = np.ascontiguousarray(given, dtype=np.float64)
    if values.shape[values.ndim - len(shape) :] != shape:
        raise ShapeError(
            given=f"{name} of shape {values.shape}",
            rule=f"the last {len(shape)} axes must be {shape} for this array",
            remedy="Hand in one value for each line or device of the array",
        )
    _refuse(name, values, ~np.isfinite(values))
    return values


def checked_lines(name: str, given: NDArray[Any] | None, lines: int) -> NDArray[np.bool_]:
    """A mask of lines; all of them where none is given.

    Raises:
        ShapeError: Not (lines,) of True and False.
    """
    if given is None:
        return np.ones(lines, np.bool_)
    mask = np.asarray(given)
    if mask.shape != (lines,) or mask.dtype != np.bool_:
        raise ShapeError(
            given=f"{name} of shape {mask.shape} and type {mask.dtype}",
            rule=f"a phase marks each of the {lines} lines with True or False",
            remedy=f"Hand in {lines} booleans",
        )
    return mask


def wire_segments(
    wires: Wires,
    shape: tuple[int, int],
    driven: NDArray[Any] | None = None,
    read: NDArray[Any] | None = None,
) -> Segments:
    """The resistance of every segment of an array.

    Args:
        wires: The wires.
        shape: (word_lines, bit_lines).
        driven: Which word lines a phase drives, (word_lines,); matters where others float.
        read: Which bit lines a phase reads, (bit_lines,); matters where others float.

    Raises:
        ShapeError: A mask of another size, or an open segment that the array does not have.
    """
    word_lines, bit_lines = shape
    _refuse_missing(wires, shape)
    row_ohm = np.full((word_lines, bit_lines + 1), float(wires.word_line_resistance_ohm))
    column_ohm = np.full((bit_lines, word_lines + 1), float(wires.bit_line_resistance_ohm))
    row_ohm[:, 0] += wires.driver_resistance_ohm
    row_ohm[:, -1] = row_ohm[:, 0] if wires.word_line_ends == "both" else np.inf
    column_ohm[:, -1] += wires.sense_resistance_ohm
    column_ohm[:, 0] = column_ohm[:, -1] if wires.bit_line_ends == "both" else np.inf
    driven_lines = checked_lines("driven", driven, word_lines)
    read_lines = checked_lines("read", read, bit_lines)
    if wires.undriven == "floating":
        row_ohm[~driven_lines, 0] = row_ohm[~driven_lines, -1] = np.inf
    if wires.unread == "floating":
        column_ohm[~read_lines, 0] = column_ohm[~read_lines, -1] = np.inf
    for line, segment in wires.open_word_lines:
        row_ohm[line, segment] = np.inf
    for line, segment in wires.open_bit_lines:
        column_ohm[line, segment] = np.inf
    return Segments(row_ohm, np.ascontiguousarray(column_ohm.T))


def segments_of_instances(
    wires: Wires | Sequence[Wires],
    shape: tuple[int, ...],
    driven: NDArray[Any] | None = None,
    read: NDArray[Any] | None = None,
) -> list[Segments]:
    """The segments of each instance, whose wires are one for all, or one each in order.

    Args:
        wires: The wires.
        shape: Of the conductances, (..., word_lines, bit_lines).
        driven: As in ``wire_segments``.
        read: As in ``wire_segments``.

    Raises:
        ShapeError: Another number of wires than instances, or what ``wire_segments`` refuses.
    """
    instances = math.prod(shape[:-2])
    each = [wires] * instances if isinstance(wires, Wires) else list(wires)
    if len(each) != instances:
        raise ShapeError(
            given=f"{len(each)} wires for {instances} instances",
            rule="wires are one for all instances or one for each, in order",
            remedy="Hand in one Wires, or as many as there are instances",
        )
    known = {
        kind: wire_segments(kind, (shape[-2], shape[-1]), driven, read)
        for kind in dict.fromkeys(each)
    }
    return [known[kind] for kind in each]


def _refuse(name: str, values: Floats, bad: NDArray[np.bool_]) -> None:
    if not bad.any():
        return
    where = tuple(int(n) for n in np.argwhere(bad)[0])
    raise ShapeError(
        given=f"{name} with {int(bad.sum())} bad values, the first {values[where]:g} at {where}",
        rule=f"each {name} must be a finite number"
        + (" and at least 0 siemens" if name == "conductance" else ""),
        remedy="Mend these values; a device that does not conduct has 0",
    )


def _refuse_missing(wires: Wires, shape: tuple[int, int]) -> None:
    word_lines, bit_lines = shape
    word_segments = range(bit_lines + (wires.word_line_ends == "both"))
    bit_segments = range(int(wires.bit_line_ends == "one"), word_lines + 1)
    missing = _missing("word", wires.open_word_lines, word_lines, word_segments)
    missing += _missing("bit", wires.open_bit_lines, bit_lines, bit_segments)
    if missing:
        raise ShapeError(
            given=f"open segments at {'; '.join(missing)}",
            rule=f"an array of {word_lines} word lines and {bit_lines} bit lines has word-line "
            f"segments {word_segments.start} to {word_segments.stop - 1} and bit-line segments "
            f"{bit_segments.start} to {bit_segments.stop - 1}",
            remedy="Name lines and segments of the array, counted from 0",
        )


def _missing(kind: str, opened: tuple[OpenSegment, ...], lines: int, segments: range) -> list[str]:
    return [
        f"{kind} line {line}, segment {segment}"
        for line, segment in opened
        if line >= lines or segment not in segments
    ]
