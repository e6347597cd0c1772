"""One word line as a ladder: segments in series, devices as rungs (compiled).

A ladder of N nodes has N + 1 segments; segment 0 lies between the near end and node 0, segment N
between node N - 1 and the far end. A resistance of 0 is an ideal wire, infinity an open one (or an
end that is not there). Both ends are held at the same drive voltage. Nothing here subtracts nearly
equal numbers: off-diagonal entries and row sums are sums of products of positive numbers, and
diagonals are sums of those (as in the algorithm of Grassmann, Taksar and Heyman for M-matrices), so
zero, tiny and infinite resistances need no special equations.
"""

import numpy as np

from imssa.circuit.arrays import Floats
from imssa.circuit.compiled import compiled


@compiled
def in_series(conductance: float, resistance: float) -> float:
    """Conductance seen through a resistance in series: 1 / (1/conductance + resistance)."""
    if resistance == 0.0:
        return conductance
    if np.isinf(resistance):
        return 0.0
    if np.isinf(conductance):
        return 1.0 / resistance
    return conductance / (1.0 + resistance * conductance)


@compiled
def divided(conductance: float, resistance: float) -> float:
    """Part of a voltage left behind a resistance that is loaded with a conductance to ground."""
    if resistance == 0.0:
        return 1.0
    if np.isinf(resistance):
        return 0.0
    return 1.0 / (1.0 + resistance * conductance)


@compiled
def look_outward(conductance: Floats, resistance: Floats, left: Floats, right: Floats) -> None:
    """Conductances to ground seen from each node along the wire, drivers and rungs grounded.

    Args:
        conductance: Rungs to ground, (N,), in siemens.
        resistance: Segments, (N + 1,), in ohm.
        left: Result, (N,): through the segment before the node.
        right: Result, (N,): through the segment after the node.
    """
    nodes = len(conductance)
    left[0] = in_series(np.inf, resistance[0])
    for j in range(1, nodes):
        before = left[j - 1] + conductance[j - 1]
        left[j] = in_series(before, resistance[j])
    right[nodes - 1] = in_series(np.inf, resistance[nodes])
    for j in range(nodes - 2, -1, -1):
        right[j] = in_series(right[j + 1] + conductance[j + 1], resistance[j + 1])


@compiled
def drive_share(
    conductance: Floats,
    resistance: Floats,
    left: Floats,
    right: Floats,
    source: Floats,
) -> None:
    """Current through each grounded rung for one volt at the ends, (N,), into ``source``."""
    nodes = len(conductance)
    voltage = 1.0
    for j in range(nodes):
        voltage *= divided(conductance[j] + right[j], resistance[j])
        source[j] = voltage * conductance[j]
    held_by_left = resistance[nodes] == 0.0 and np.isinf(left[nodes - 1])
    voltage = 0.0 if held_by_left else 1.0
    for j in range(nodes - 1, -1, -1):
        voltage *= divided(conductance[j] + left[j], resistance[j + 1])
        source[j] += voltage * conductance[j]


@compiled
def ladder_admittance(
    conductance: Floats, resistance: Floats, admittance: Floats, source: Floats
) -> None:
    """What a word line with its devices is to the bit-line nodes: I = source V - admittance b.

    Args:
        conductance: Devices of the line, (N,), in siemens.
        resistance: Segments of the line, (N + 1,), in ohm.
        admittance: Result, (N, N), upper triangle, in siemens.
        source: Result, (N,), in siemens.
    """
    nodes = len(conductance)
    left = np.empty(nodes)
    right = np.empty(nodes)
    look_outward(conductance, resistance, left, right)
    drive_share(conductance, resistance, left, right, source)
    passed = np.empty(nodes)
    for j in range(nodes):
        passed[j] = divided(conductance[j] + right[j], resistance[j])
        admittance[j, j] = source[j]
    for j in range(nodes - 1):
        total = left[j] + right[j] + conductance[j]
        injected = conductance[j] / total if total > 0.0 else 0.0
        row_sum = 0.0
        for k in range(j + 1, nodes):
            injected *= passed[k]
            mutual = injected * conductance[k]
            admittance[j, k] = -mutual
            admittance[k, k] += mutual
            row_sum += mutual
        admittance[j, j] += row_sum


@compiled
def ladder_voltages(
    conductance: Floats,
    resistance: Floats,
    drive: Floats,
    far_side: Floats,
    voltage: Floats,
) -> None:
    """Node voltages of a word line whose rungs end at known voltages.

    Args:
        conductance: Devices of the line, (N,), in siemens.
        resistance: Segments of the line, (N + 1,), in ohm.
        drive: Voltage at the ends for each case, (cases,), in volt.
        far_side: Voltages at the other side of the rungs, (N, cases), in volt.
        voltage: Result, (N, cases), in volt; 0 where a node is connected to nothing.
    """
    nodes = len(conductance)
    left = np.empty(nodes)
    right = np.empty(nodes)
    look_outward(conductance, resistance, left, right)
    _flow_forward(conductance, resistance, left, drive, far_side, voltage)
    _settle_backward(conductance, resistance, left, drive, voltage)


@compiled
def _flow_forward(
    conductance: Floats,
    resistance: Floats,
    left: Floats,
    drive: Floats,
    far_side: Floats,
    flow: Floats,
) -> None:
    """Current into each node from its rung and all that lies before it, with the rest grounded."""
    nodes, cases = flow.shape
    for j in range(nodes):
        held = j == 0 or np.isinf(left[j - 1])
        before = left[j - 1] + conductance[j - 1] if j > 0 else 0.0
        from_ends = in_series(np.inf, resistance[j]) if held else 0.0
        carried = 0.0 if held else divided(before, resistance[j])
        if np.isinf(from_ends):
            from_ends = 0.0
        for case in range(cases):
            flow[j, case] = from_ends * drive[case] + conductance[j] * far_side[j, case]
            if j > 0:
                flow[j, case] += carried * flow[j - 1, case]


@compiled
def _settle_backward(
    conductance: Floats,
    resistance: Floats,
    left: Floats,
    drive: Floats,
    voltage: Floats,
) -> None:
    """Voltages from the far end back, in place of the currents."""
    nodes, cases = voltage.shape
    for j in range(nodes - 1, -1, -1):
        total = left[j] + conductance[j]
        segment = resistance[j + 1]
        if np.isinf(left[j]):
            voltage[j] = drive
            continue
        behind = drive if j == nodes - 1 else voltage[j + 1]
        if np.isinf(segment):
            own, passed = (1.0 / total if total > 0.0 else 0.0), 0.0
        else:
            passed = 1.0 / (1.0 + segment * total)
            own = segment * passed
        for case in range(cases):
            voltage[j, case] = passed * behind[case] + own * voltage[j, case]
