"""From the swept array back to all node voltages (compiled)."""

import numpy as np
from numpy.typing import NDArray

from imssa.circuit.arrays import Floats
from imssa.circuit.compiled import compiled
from imssa.circuit.ladder import ladder_admittance, ladder_voltages
from imssa.circuit.sweep import STEPS, add_word_line, release, series_step


@compiled
def _sweep_and_keep(
    conductance: Floats,
    row_ohm: Floats,
    column_ohm: Floats,
    drive: Floats,
    kept: Floats,
    held_at: NDArray[np.bool_],
) -> None:
    """The sweep of ``imssa.circuit.sweep``, keeping each elimination row and each line held."""
    rows, nodes = conductance.shape
    lines = kept.shape[1]
    cases = drive.shape[1]
    state = np.zeros((lines, lines + cases))
    nothing = np.empty((0, 0))
    held = np.ones(lines, np.bool_)
    segment = np.zeros(lines)
    admittance = np.empty((nodes, nodes))
    source = np.empty(nodes)
    for i in range(rows + 1):
        segment[:nodes] = column_ohm[i]
        release(state, nothing, segment, held)
        series_step(state, nothing, segment, cases, kept[i])
        if i < rows:
            held_at[i] = held
            ladder_admittance(conductance[i], row_ohm[i], admittance, source)
            add_word_line(state, nothing, admittance, source, drive[i], held)


@compiled
def _before(
    pivots: Floats,
    resistance: Floats,
    held: NDArray[np.bool_],
    voltage: Floats,
) -> None:
    """Undo the eliminations of one height, last first: voltages above the segments from below.

    Args:
        pivots: [K | F] row of each bit line at its own step, (padded N, padded N + cases).
        resistance: The segments, (N,), in ohm.
        held: Lines held at 0 V above the segments, (padded N,).
        voltage: In: below the segments; out: above them, (N, cases), in volt.
    """
    nodes, cases = voltage.shape
    lines = pivots.shape[0]
    flow = np.empty(cases)
    for j in range(nodes - 1, -1, -1):
        if held[j]:
            voltage[j] = 0.0
            continue
        flow[:] = pivots[j, lines:]
        for k in range(nodes):
            mutual = 0.0 if k == j else pivots[j, k]
            for case in range(cases):
                flow[case] -= mutual * voltage[k, case]
        own = pivots[j, j]
        if np.isinf(resistance[j]):
            from_flow, from_below = (1.0 / own if own > 0.0 else 0.0), 0.0
        else:
            from_below = 1.0 / (1.0 + resistance[j] * own)
            from_flow = resistance[j] * from_below
        for case in range(cases):
            voltage[j, case] = from_below * voltage[j, case] + from_flow * flow[case]


@compiled
def voltages(
    conductance: Floats, row_ohm: Floats, column_ohm: Floats, drive: Floats
) -> tuple[Floats, Floats]:
    """All node voltages of one array for some drives.

    Args:
        conductance: Devices, (M, N), in siemens.
        row_ohm: Word-line segments, (M, N + 1), in ohm, infinite where open.
        column_ohm: Bit-line segments, (M + 1, N), in ohm, infinite where open.
        drive: Voltages at the ends of the word lines, (M, cases), in volt.

    Returns:
        Word-line and bit-line node voltages, (M, N, cases) each, in volt.
    """
    rows, nodes = conductance.shape
    cases = drive.shape[1]
    lines = -(-nodes // STEPS) * STEPS
    kept = np.zeros((rows + 1, lines, lines + cases))
    held_at = np.zeros((rows, lines), np.bool_)
    _sweep_and_keep(conductance, row_ohm, column_ohm, drive, kept, held_at)
    bit_line = np.empty((rows, nodes, cases))
    word_line = np.empty((rows, nodes, cases))
    below = np.zeros((nodes, cases))
    for i in range(rows - 1, -1, -1):
        _before(kept[i + 1], column_ohm[i + 1], held_at[i], below)
        bit_line[i] = below
        ladder_voltages(conductance[i], row_ohm[i], drive[i], bit_line[i], word_line[i])
    return word_line, bit_line
