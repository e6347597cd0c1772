"""Voltages and currents everywhere in an array, for maps of the IR drop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from imssa.circuit.arrays import Floats
from imssa.circuit.back import voltages
from imssa.circuit.currents import line_currents
from imssa.circuit.segments import (
    Segments,
    checked_conductance,
    checked_values,
    segments_of_instances,
)
from imssa.circuit.transfer import in_threads
from imssa.circuit.wires import Wires
from imssa.errors import ShapeError


@dataclass(frozen=True, eq=False)
class NodeVoltages:
    """The operating point of arrays; leading axes are instances or drives.

    Attributes:
        word_line_volt: Nodes of word lines, (..., word_lines, bit_lines).
        bit_line_volt: Nodes of bit lines, (..., word_lines, bit_lines).
        device_ampere: From word line to bit line through each device, (..., word_lines, bit_lines).
        word_line_ampere: Through each segment of the word lines away from the first end,
            (..., word_lines, bit_lines + 1); 0 where there is none.
        bit_line_ampere: Through each segment of the bit lines towards the last end,
            (..., word_lines + 1, bit_lines); 0 where there is none.
    """

    word_line_volt: Float64[np.ndarray, "*batch word_lines bit_lines"]
    bit_line_volt: Float64[np.ndarray, "*batch word_lines bit_lines"]
    device_ampere: Float64[np.ndarray, "*batch word_lines bit_lines"]
    word_line_ampere: Float64[np.ndarray, "*batch word_lines bit_lines+1"]
    bit_line_ampere: Float64[np.ndarray, "*batch word_lines+1 bit_lines"]

    @property
    def output_ampere(self) -> Floats:
        """What is read from each bit line, both ends together, (..., bit_lines)."""
        output: Floats = self.bit_line_ampere[..., -1, :] - self.bit_line_ampere[..., 0, :]
        return output

    @property
    def input_ampere(self) -> Floats:
        """What the drivers give to each word line, both ends together, (..., word_lines)."""
        given: Floats = self.word_line_ampere[..., 0] - self.word_line_ampere[..., -1]
        return given


def node_voltages(
    conductance_siemens: NDArray[Any],
    wires: Wires | Sequence[Wires],
    drive_volt: NDArray[Any],
    *,
    driven: NDArray[Any] | None = None,
    read: NDArray[Any] | None = None,
    workers: int = 1,
) -> NodeVoltages:
    """Voltage of each node and current of each device and segment.

    Args:
        conductance_siemens: Devices, (..., word_lines, bit_lines); leading axes are instances.
        wires: One for all instances, or one for each in order.
        drive_volt: Word-line voltages, (..., word_lines): one drive for each instance (or one for
            all); for a single array without leading axes any number of drives.
        driven: Word lines that this phase drives, as in ``transfer_matrix``.
        read: Bit lines that this phase reads, as in ``transfer_matrix``.
        workers: Threads that share the instances.

    Returns:
        Everything, with the leading axes of the instances (of the drives for a single array).

    Raises:
        ShapeError: As in ``transfer_matrix``, or a drive that does not fit.

    Example:
        >>> from imssa.circuit.wires import Wires
        >>> wires = Wires(word_line_resistance_ohm=1e4)
        >>> point = node_voltages(np.array([[1e-4]]), wires, np.array([0.2]))
        >>> [round(float(value), 9) for value in (point.word_line_volt[0, 0], point.output_ampere[0])]
        [0.1, 1e-05]
    """
    conductance = checked_conductance(conductance_siemens)
    batch, (word_lines, bit_lines) = conductance.shape[:-2], conductance.shape[-2:]
    drive = checked_values("drive", drive_volt, (word_lines,))
    outer = batch or drive.shape[:-1]
    cases = _one_each(drive, batch) if batch else drive.reshape(1, -1, word_lines)
    arrays = conductance.reshape(-1, word_lines, bit_lines)
    segments = segments_of_instances(wires, conductance.shape, driven, read)
    points = in_threads(
        lambda item: _operating_point(*item),
        list(zip(arrays, segments, cases, strict=True)),
        workers,
    )
    joined = [np.concatenate(parts) for parts in zip(*points, strict=True)]
    return NodeVoltages(*(part.reshape(*outer, *part.shape[1:]) for part in joined))


def _one_each(drive: Floats, batch: tuple[int, ...]) -> Floats:
    """One drive for each instance, (instances, 1, word_lines)."""
    word_lines = drive.shape[-1]
    if drive.shape[:-1] not in {(), batch}:
        raise ShapeError(
            given=f"drive of shape {drive.shape} for instances of shape {batch}",
            rule="several instances take one drive for all, or one drive each",
            remedy=f"Hand in a drive of shape ({word_lines},) or {(*batch, word_lines)}",
        )
    return np.broadcast_to(drive, (*batch, word_lines)).reshape(-1, 1, word_lines)


def _operating_point(
    conductance: Floats, segments: Segments, drive: Floats
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """The fields of ``NodeVoltages`` for one array and some drives, (cases, ...)."""
    word, bit = voltages(conductance, *segments, np.ascontiguousarray(drive.T))
    device = conductance[..., None] * (word - bit)
    row = line_currents(segments.row_ohm, np.negative(device))
    column = line_currents(segments.column_ohm.T.copy(), device.swapaxes(0, 1).copy())
    return (
        np.moveaxis(word, -1, 0),
        np.moveaxis(bit, -1, 0),
        np.moveaxis(device, -1, 0),
        np.transpose(row, (2, 0, 1)),
        np.transpose(column, (2, 1, 0)),
    )
