"""An array with its wires and drives as a SPICE netlist, for circuit simulators to judge."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from imssa.circuit.arrays import Floats
from imssa.circuit.header import header
from imssa.circuit.segments import checked_conductance, checked_values, wire_segments
from imssa.circuit.wires import Wires
from imssa.errors import ShapeError

OPTIONS: Final = ".options reltol=1e-9 abstol=1e-18 vntol=1e-15 gmin=1e-18"
"""The circuit is linear: these only keep a simulator's helpers below what is compared."""

LINES_A_SAVE: Final = 16


class _Circuit(NamedTuple):
    """Resistors between nodes: word-line ends, bit-line ends, word-line nodes, bit-line nodes."""

    element: list[str]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    ohm: Floats


def netlist(
    conductance_siemens: NDArray[Any],
    wires: Wires,
    drive_volt: NDArray[Any],
    *,
    driven: NDArray[Any] | None = None,
    read: NDArray[Any] | None = None,
    about: Sequence[str] = (),
) -> str:
    """The text of a netlist that ngspice solves for the currents i(vs0), i(vs1), ... of bit lines.

    Nodes are named by position: ``d3`` the driver of word line 3, ``s5`` the amplifier of bit line
    5, ``w3_5`` and ``b3_5`` the word- and bit-line side of device ``rg3_5``. Ideal wires join
    nodes, open wires and devices that do not conduct are left out, and so is what is connected to
    no driver and no amplifier (a simulator could not solve it, and it carries nothing). A comment
    at the head says all this, the wires, the lines driven and their voltages. The text has no date
    and no name but those in ``about``: equal arrays give equal bytes.

    Args:
        conductance_siemens: Devices, (word_lines, bit_lines).
        wires: The wires.
        drive_volt: Word-line voltages, (word_lines,).
        driven: Word lines that this phase drives, as in ``transfer_matrix``.
        read: Bit lines that this phase reads, as in ``transfer_matrix``.
        about: Paragraphs for the comment: what array this is, of which chip.

    Returns:
        Lines of ASCII text, each ended.

    Raises:
        ShapeError: As in ``transfer_matrix``; more than one array or drive.

    Example:
        >>> from imssa.circuit.wires import Wires
        >>> text = netlist(np.array([[1e-4]]), Wires(bit_line_resistance_ohm=2.0), np.array([0.2]))
        >>> [line for line in text.splitlines() if line[0] in "rv"]
        ['rg0_0 d0 b0_0 10000.0', 'rc1_0 b0_0 s0 2.0', 'vd0 d0 0 0.2', 'vs0 s0 0 0']
    """
    conductance = checked_conductance(conductance_siemens)
    drive = checked_values("drive", drive_volt, conductance.shape[-2:-1])
    if conductance.ndim != 2 or drive.ndim != 1:
        raise ShapeError(
            given=f"conductances of shape {conductance.shape}, drive of shape {drive.shape}",
            rule="a netlist describes one array (word_lines, bit_lines) with one drive",
            remedy="Write one netlist for each array and drive",
        )
    word_lines, bit_lines = conductance.shape
    segments = wire_segments(wires, (word_lines, bit_lines), driven, read)
    circuit = _joined(_circuit(conductance, *segments), word_lines + bit_lines)
    lines = [
        *header((word_lines, bit_lines), wires, drive, (driven, read), about),
        *_resistors(circuit, word_lines, bit_lines),
        *(f"vd{i} d{i} 0 {float(drive[i])!r}" for i in range(word_lines)),
        *(f"vs{j} s{j} 0 0" for j in range(bit_lines)),
        OPTIONS,
        *_saves(bit_lines),
        ".op",
        ".end",
    ]
    return "\n".join(lines) + "\n"


def _circuit(conductance: Floats, row_ohm: Floats, column_ohm: Floats) -> _Circuit:
    """All elements, open ones too."""
    word_lines, bit_lines = conductance.shape
    first_node = word_lines + bit_lines
    word = first_node + np.arange(conductance.size).reshape(conductance.shape)
    bit = word + conductance.size
    driver = np.arange(word_lines)[:, None]
    sense = word_lines + np.arange(bit_lines)[None, :]
    along_row = np.concatenate([driver, word, driver], axis=1)
    along_column = np.concatenate([sense, bit, sense], axis=0)
    with np.errstate(divide="ignore", over="ignore"):
        device_ohm = 1.0 / conductance
    parts = (
        (_names("rg", conductance.shape), word, bit, device_ohm),
        (_names("rr", row_ohm.shape), along_row[:, :-1], along_row[:, 1:], row_ohm),
        (_names("rc", column_ohm.shape), along_column[:-1], along_column[1:], column_ohm),
    )
    element = [name for names, *_ in parts for name in names]
    first, second, ohm = (
        np.concatenate([np.ravel(part[field]) for part in parts]) for field in (1, 2, 3)
    )
    return _Circuit(element, first, second, ohm)


def _names(prefix: str, shape: tuple[int, ...]) -> list[str]:
    return [f"{prefix}{i}_{j}" for i in range(shape[0]) for j in range(shape[1])]


def _joined(circuit: _Circuit, terminals: int) -> _Circuit:
    """Nodes joined by ideal wires, without open elements and without floating parts."""
    nodes = int(max(circuit.first.max(), circuit.second.max())) + 1
    ideal = circuit.ohm == 0.0
    _, group = _groups(circuit, ideal, nodes)
    name_of = np.full(nodes, nodes)
    np.minimum.at(name_of, group, np.arange(nodes))
    first, second = name_of[group[circuit.first]], name_of[group[circuit.second]]
    real = np.isfinite(circuit.ohm) & ~ideal & (first != second)
    count, part = _groups(circuit, real | ideal, nodes)
    grounded = np.zeros(count, np.bool_)
    grounded[part[:terminals]] = True
    kept = real & grounded[part[circuit.first]]
    element = [name for name, keep in zip(circuit.element, kept, strict=True) if keep]
    return _Circuit(element, first[kept], second[kept], circuit.ohm[kept])


def _groups(
    circuit: _Circuit, edges: NDArray[np.bool_], nodes: int
) -> tuple[int, NDArray[np.intp]]:
    ones = np.ones(int(edges.sum()))
    graph = coo_array((ones, (circuit.first[edges], circuit.second[edges])), shape=(nodes, nodes))
    count, labels = connected_components(graph, directed=False)
    return int(count), np.asarray(labels, np.intp)


def _resistors(circuit: _Circuit, word_lines: int, bit_lines: int) -> Iterator[str]:
    names = [f"d{i}" for i in range(word_lines)] + [f"s{j}" for j in range(bit_lines)]
    for side in "wb":
        names += [f"{side}{i}_{j}" for i in range(word_lines) for j in range(bit_lines)]
    for element, first, second, ohm in zip(*circuit, strict=True):
        yield f"{element} {names[first]} {names[second]} {float(ohm)!r}"


def _saves(bit_lines: int) -> Iterator[str]:
    """In short lines: simulators cut long ones."""
    for start in range(0, bit_lines, LINES_A_SAVE):
        stop = min(start + LINES_A_SAVE, bit_lines)
        yield ".save " + " ".join(f"i(vs{j})" for j in range(start, stop))
