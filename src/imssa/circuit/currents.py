"""Currents along lines by Kirchhoff's law, without differences of nearly equal voltages (compiled)."""

import numpy as np

from imssa.circuit.arrays import Floats
from imssa.circuit.compiled import compiled


@compiled
def _first_flow(ohm: Floats, injected: Floats, start: int, stop: int, flow: Floats) -> None:
    """Current through segment ``start`` of an unbroken piece that ends with segment ``stop``.

    Where both ends are real they have the same voltage, and each injected current divides by the
    resistance to either side (evenly by segments where the whole piece is ideal).
    """
    if np.isinf(ohm[start]):
        flow[:] = 0.0
        return
    total = ohm[start : stop + 1].sum()
    ideal = total == 0.0
    if ideal:
        total = stop + 1.0 - start
    behind = total
    for node in range(start, stop):
        behind -= 1.0 if ideal else ohm[node]
        share = behind / total if np.isfinite(total) else 1.0
        flow -= share * injected[node]


@compiled
def line_currents(ohm: Floats, injected: Floats) -> Floats:
    """Current through each segment of lines, counted away from segment 0.

    Args:
        ohm: Segments, (lines, nodes + 1), infinite where open.
        injected: Current into each node from outside the line, (lines, nodes, cases), in ampere.

    Returns:
        Currents in ampere, (lines, nodes + 1, cases).
    """
    lines, nodes, cases = injected.shape
    flow = np.zeros((lines, nodes + 1, cases))
    for line in range(lines):
        start = 0
        while start < nodes:
            stop = start + 1
            while stop < nodes and np.isfinite(ohm[line, stop]):
                stop += 1
            _first_flow(ohm[line], injected[line], start, stop, flow[line, start])
            for node in range(start, stop):
                flow[line, node + 1] = flow[line, node] + injected[line, node]
            if np.isinf(ohm[line, stop]):
                flow[line, stop] = 0.0
            start = stop
    return flow
