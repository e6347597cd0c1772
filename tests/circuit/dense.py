"""Reference: all nodal equations of an array in one dense system, obvious and slow.

Unknowns are the voltage of every node and the current of every wire segment, so ideal wires (zero
ohm) and open ones (no current) are written down as they are. Parts that are connected to nothing
leave the system singular; the solution of least norm is the one with 0 V there.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def dense_transfer(conductance: Floats, row_ohm: Floats, column_ohm: Floats) -> Floats:
    """Currents out of both ends of each bit line for 1 V on each word line, (M, N), in siemens.

    Row segments are (M, N + 1), column segments (M + 1, N). Solved in kilo-ohm and milli-siemens.
    """
    rows, columns = conductance.shape
    cells = rows * columns
    word = np.arange(cells).reshape(rows, columns)
    bit = word + cells
    ground, first_drive = 2 * cells, 2 * cells + 1
    nodes = first_drive + rows
    segments = _segments(word, bit, row_ohm, column_ohm)
    size = nodes + len(segments)
    system = np.zeros((size, size))
    right = np.zeros((size, rows))
    for cell in range(cells):
        a, b, g = cell, cell + cells, conductance.flat[cell] * 1e3
        system[a, [a, b]] += g, -g
        system[b, [a, b]] += -g, g
    for number, (a, b, ohm) in enumerate(segments):
        current = nodes + number
        system[a, current] += 1.0
        system[b, current] -= 1.0
        if np.isinf(ohm):
            system[current, current] = 1.0
        else:
            system[current, [a, b, current]] += 1.0, -1.0, -ohm * 1e-3
    system[ground:nodes] = 0.0
    system[np.arange(ground, nodes), np.arange(ground, nodes)] = 1.0
    right[np.arange(first_drive, nodes), np.arange(rows)] = 1.0
    solution = np.linalg.lstsq(system, right, rcond=1e-15)[0]
    result = np.zeros((rows, columns))
    for number, (a, b, _) in enumerate(segments):
        if b == ground:
            result[:, (a - cells) % columns] += solution[nodes + number]
        elif a == ground:
            result[:, (b - cells) % columns] -= solution[nodes + number]
    return result * 1e-3


def _segments(
    word: NDArray[np.int64], bit: NDArray[np.int64], row_ohm: Floats, column_ohm: Floats
) -> list[tuple[int, int, float]]:
    """From node, to node, resistance; nodes are cells' two sides, then ground, then drivers."""
    ground, found = 2 * word.size, []
    for i, line in enumerate(word):
        path = [ground + 1 + i, *line, ground + 1 + i]
        found += list(zip(path[:-1], path[1:], row_ohm[i], strict=True))
    for j, line in enumerate(bit.T):
        path = [ground, *line, ground]
        found += list(zip(path[:-1], path[1:], column_ohm[:, j], strict=True))
    return found
