"""The whole array, word line by word line (compiled): block elimination without subtraction.

After the first i word lines the part of the array above is known by what the bit lines of line i see
of it: currents I = F V - K b that flow down into nodes at voltages b, K symmetric (N, N). A bit-line
segment r in series with line j changes that by one symmetric elimination step,

    K' = K - K_j r / (1 + r K_jj) K_j^T,    F' = F - K_j r / (1 + r K_jj) F_j,

(Sherman and Morrison), and the next word line adds its own ladder admittance to K and its source to
F. With r = 0 the step vanishes, with r infinite (an open segment) it becomes plain elimination of
node j, so ideal and broken lines need no equations of their own. Where bit lines are read at the
first word line too, rows for the currents out of that end ride along below K and F: currents out of
the top O b + Q V, kept as [O | -Q].

Four elimination steps are gathered before the rest of the matrix is touched (rank-4 updates), which
the compiler turns into fused vector instructions.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from imssa.circuit.arrays import Floats
from imssa.circuit.compiled import compiled
from imssa.circuit.ladder import in_series, ladder_admittance

STEPS: Final = 4
"""Elimination steps gathered into one update."""


@compiled
def _gather(state: Floats, first: int, lines: int, width: int, pivots: Floats) -> None:
    """Rows first .. first + STEPS of [K | F], whole, from the upper triangle of K."""
    for k in range(first):
        for step in range(STEPS):
            pivots[step, k] = state[k, first + step]
    for step in range(STEPS):
        for k in range(first, first + step):
            pivots[step, k] = state[k, first + step]
        for k in range(first + step, lines + width):
            pivots[step, k] = state[first + step, k]


@compiled
def _eliminate(
    pivots: Floats, factors: Floats, rows: Floats, first: int, resistance: Floats
) -> None:
    """The gathered steps among themselves.

    Args:
        pivots: In: rows of [K | F], (STEPS, columns). Out: each row as it stood at its own step.
        factors: Result, (2, STEPS): r / (1 + r K_jj), and 1 / (1 + r K_jj).
        rows: Result, (STEPS, columns): the rows after all steps.
        first: Bit line of the first row.
        resistance: Segments of all bit lines at this height, (N,), in ohm.
    """
    rows[:] = pivots
    for step in range(STEPS):
        r = resistance[first + step]
        own = rows[step, first + step]
        if np.isinf(r):
            factors[0, step] = 1.0 / own if own > 0.0 else 0.0
            factors[1, step] = 0.0
        else:
            factors[0, step] = r / (1.0 + r * own)
            factors[1, step] = 1.0 / (1.0 + r * own)
        for other in range(STEPS):
            part = rows[other, first + step] * factors[0, step]
            if other != step:
                _subtract(rows[other], part, rows[step])
        for column in range(rows.shape[1]):
            pivots[step, column] = rows[step, column]
            rows[step, column] *= factors[1, step]


@compiled
def _subtract(row: Floats, part: float, other: Floats) -> None:
    """Row minus a part of another."""
    for column in range(row.shape[0]):
        row[column] -= part * other[column]


@compiled
def _update(state: Floats, pivots: Floats, factors: Floats, lines: int, width: int) -> None:
    """One rank-4 update of all rows of [K | F], two at a time, upper triangle (and one beside)."""
    p0, p1, p2, p3 = pivots[0], pivots[1], pivots[2], pivots[3]
    f0, f1, f2, f3 = factors[0, 0], factors[0, 1], factors[0, 2], factors[0, 3]
    for k in range(0, lines, 2):
        c0, c1, c2, c3 = p0[k] * f0, p1[k] * f1, p2[k] * f2, p3[k] * f3
        d0, d1, d2, d3 = p0[k + 1] * f0, p1[k + 1] * f1, p2[k + 1] * f2, p3[k + 1] * f3
        row = state[k]
        next_row = state[k + 1]
        for column in range(k, lines + width):
            v0, v1, v2, v3 = p0[column], p1[column], p2[column], p3[column]
            row[column] -= c0 * v0 + c1 * v1 + c2 * v2 + c3 * v3
            next_row[column] -= d0 * v0 + d1 * v1 + d2 * v2 + d3 * v3


@compiled
def _update_top(top: Floats, pivots: Floats, factors: Floats, first: int, columns: int) -> None:
    """The rows of currents out of the first word line's end, for the same steps."""
    for row in top:
        for step in range(STEPS):
            value = row[first + step]
            _subtract(row[:columns], value * factors[0, step], pivots[step])
            row[first + step] = value * factors[1, step]


@compiled
def series_step(state: Floats, top: Floats, resistance: Floats, width: int, kept: Floats) -> None:
    """Put one segment in series with every bit line.

    Args:
        state: [K | F], (N, N + columns of F), N a multiple of STEPS, K as upper triangle; changed.
        top: [O | -Q], (N or 0, as many columns); changed.
        resistance: Segments, (N,), in ohm.
        width: Columns of F in use.
        kept: Each row as it stood at its own step, (N or 0, columns), for the way back.
    """
    lines = state.shape[0]
    pivots = np.empty((STEPS, lines + width))
    rows = np.empty((STEPS, lines + width))
    factors = np.empty((2, STEPS))
    for first in range(0, lines, STEPS):
        if not resistance[first : first + STEPS].any() and not kept.size:
            continue
        _gather(state, first, lines, width, pivots)
        _eliminate(pivots, factors, rows, first, resistance)
        _update(state, pivots, factors, lines, width)
        _update_top(top, pivots, factors, first, lines + width)
        for step in range(STEPS):
            for column in range(first + step, lines + width):
                state[first + step, column] = rows[step, column]
            if kept.size:
                kept[first + step, : lines + width] = pivots[step]


@compiled
def release(state: Floats, top: Floats, resistance: Floats, held: NDArray[np.bool_]) -> None:
    """Put the first segments below ends, or below nodes held at 0 V: no node above to eliminate.

    Args:
        state: [K | F]; row and column of each line held are 0 on entry; changed.
        top: [O | -Q]; changed.
        resistance: Segments, (N,), in ohm; set to 0 where this function has dealt with them.
        held: Lines held at 0 V above the segment, (N,); changed to those still held below it.
    """
    for j in range(state.shape[0]):
        if held[j]:
            held[j] = resistance[j] == 0.0
            if not held[j]:
                state[j, j] = in_series(np.inf, resistance[j])
                if top.size:
                    top[j, j] = state[j, j]
            resistance[j] = 0.0


@compiled
def add_word_line(
    state: Floats,
    top: Floats,
    admittance: Floats,
    source: Floats,
    drive: Floats,
    held: NDArray[np.bool_],
) -> None:
    """Connect one word line to the bit-line nodes.

    Args:
        state: [K | F], (padded N, padded N + columns); changed.
        top: [O | -Q]; changed.
        admittance: Of the line's ladder, (N, N), upper triangle, in siemens.
        source: Of the line's ladder, (N,), in siemens.
        drive: Voltage of the line in each column of F, in volt.
        held: Bit lines held at 0 V at this height, (padded N,): their current goes out of the top.
    """
    nodes = source.shape[0]
    lines = state.shape[0]
    for j in range(nodes):
        if not held[j]:
            state[j, lines : lines + drive.shape[0]] += source[j] * drive
        elif top.size:
            top[j, lines : lines + drive.shape[0]] -= source[j] * drive
        for k in range(j, nodes):
            if not held[j] and not held[k]:
                state[j, k] += admittance[j, k]
            elif top.size and not held[k]:
                top[j, k] -= admittance[j, k]
            elif top.size and not held[j]:
                top[k, j] -= admittance[j, k]


@compiled
def transfer(conductance: Floats, row_ohm: Floats, column_ohm: Floats, top_read: bool) -> Floats:
    """Currents out of the bit lines for one volt on each word line in turn.

    Args:
        conductance: Devices, (M, N), in siemens.
        row_ohm: Word-line segments, (M, N + 1), in ohm, infinite where open.
        column_ohm: Bit-line segments, (M + 1, N), in ohm, infinite where open.
        top_read: Whether any bit line has an end at the first word line.

    Returns:
        Y, (M, N), in siemens: what flows out of both ends of bit line j for 1 V on word line i.
    """
    rows, nodes = conductance.shape
    lines = -(-nodes // STEPS) * STEPS
    state = np.zeros((lines, lines + rows))
    top = np.zeros((lines if top_read else 0, lines + rows))
    held = np.ones(lines, np.bool_)
    segment = np.zeros(lines)
    admittance = np.empty((nodes, nodes))
    source = np.empty(nodes)
    drive = np.zeros(rows)
    nothing = np.empty((0, 0))
    for i in range(rows + 1):
        segment[:nodes] = column_ohm[i]
        release(state, top, segment, held)
        series_step(state, top, segment, i, nothing)
        if i < rows:
            ladder_admittance(conductance[i], row_ohm[i], admittance, source)
            drive[i] = 1.0
            add_word_line(state, top, admittance, source, drive[: i + 1], held)
            drive[i] = 0.0
    out = state[:nodes, lines:].T.copy()
    if top_read:
        out -= top[:nodes, lines:].T
    return out
