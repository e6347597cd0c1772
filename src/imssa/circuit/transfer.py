"""The transfer matrix Y: all that wires do to an array, solved once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from imssa.circuit.arrays import Floats
from imssa.circuit.segments import Segments, checked_conductance, segments_of_instances
from imssa.circuit.sweep import transfer
from imssa.circuit.wires import Wires
from imssa.errors import ShapeError

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def transfer_matrix(
    conductance_siemens: NDArray[Any],
    wires: Wires | Sequence[Wires],
    *,
    driven: NDArray[Any] | None = None,
    read: NDArray[Any] | None = None,
    workers: int = 1,
) -> Float64[np.ndarray, "*batch word_lines bit_lines"]:
    """Y of each array: bit-line currents in ampere are ``voltages @ Y``, exactly.

    Devices and wires are linear, so Kirchhoff's equations (two nodes a cell) are solved once, for
    one volt on each word line in turn. See ``imssa.circuit.sweep`` for the method; the work is about
    ``word_lines * bit_lines * (m^2 + m * longer)`` with m the shorter side. A node that is connected
    to nothing has 0 V and carries nothing.

    Args:
        conductance_siemens: Devices, (..., word_lines, bit_lines); leading axes are instances.
        wires: One for all instances, or one for each in order.
        driven: Word lines that this phase drives, (word_lines,) of bool; all if None. Matters where
            undriven lines float: their rows of Y are zero.
        read: Bit lines that this phase reads, (bit_lines,) of bool; all if None. Matters where
            unread lines float: their columns of Y are zero.
        workers: Threads that share the instances; the result does not depend on it.

    Returns:
        Y in siemens, (..., word_lines, bit_lines), float64.

    Raises:
        ShapeError: Conductances that are negative, not finite or of the wrong shape; masks or open
            segments that do not fit the array.

    Example:
        >>> from imssa.circuit.wires import Wires
        >>> ideal = transfer_matrix(np.array([[1e-4, 2e-4]]), Wires())
        >>> np.round(ideal * 1e6, 6).tolist()
        [[100.0, 200.0]]
    """
    conductance = checked_conductance(conductance_siemens)
    batch, shape = conductance.shape[:-2], conductance.shape[-2:]
    segments = segments_of_instances(wires, conductance.shape, driven, read)
    instances = list(zip(conductance.reshape(-1, *shape), segments, strict=True))
    solved = in_threads(lambda item: solve_transfer(*item), instances, workers)
    return np.array(solved, dtype=np.float64).reshape(*batch, *shape)


def solve_transfer(conductance: Floats, segments: Segments) -> Floats:
    """Y of one array, (word_lines, bit_lines), swept along the cheaper side.

    By reciprocity the current at the end of bit line j for 1 V on word line i is the one at word
    line i for 1 V on bit line j, so the array may be turned: word lines are then swept from their
    far end to their driver.
    """
    row_ohm, column_ohm = segments
    word_lines, bit_lines = conductance.shape
    bit_lines_have_top = bool(np.isfinite(column_ohm[0]).any())
    word_lines_have_far_end = bool(np.isfinite(row_ohm[:, -1]).any())
    as_it_is = word_lines * bit_lines**3 * (2.5 if bit_lines_have_top else 1.0)
    turned = bit_lines * word_lines**3 * (2.5 if word_lines_have_far_end else 1.0)
    if as_it_is <= turned:
        return transfer(conductance, row_ohm, column_ohm, bit_lines_have_top)
    turned_row = np.ascontiguousarray(column_ohm.T[::-1])
    turned_column = np.ascontiguousarray(row_ohm.T[::-1])
    turned_conductance = np.ascontiguousarray(conductance.T[::-1])
    result = transfer(turned_conductance, turned_row, turned_column, word_lines_have_far_end)
    return result[::-1].T


def in_threads(
    function: Callable[[_Item], _Result], items: Sequence[_Item], workers: int
) -> list[_Result]:
    """Function of each item, in order, shared by threads (compiled code runs without the GIL).

    Raises:
        ShapeError: Fewer than one worker.
    """
    if workers < 1:
        raise ShapeError(
            given=f"workers = {workers}",
            rule="work needs at least one thread",
            remedy="Set workers = 1, or the number of free cores",
        )
    if workers == 1 or len(items) == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))
