"""Power that devices take while an array is read: V^2 G of every device that carries current."""

import numpy as np
from jaxtyping import Float64

from imssa.cost.ranges import Range
from imssa.hardware.description import ChipDescription
from imssa.hardware.pairs import pair_targets
from imssa.program.operations import Phase
from imssa.program.program import ArrayContents, Program

Conductances = Float64[np.ndarray, "word_lines bit_lines"]


def expected_conductances(program: Program) -> tuple[Conductances, ...]:
    """Mean conductance of every device of each array over chip instances.

    Written devices stand at their targets, cells never written at the mean of the off state
    (exp(mu + sigma^2 / 2) of a log-normal law), and both are stuck high or low at the chip's rates.
    """
    return tuple(_expected(program.chip, contents) for contents in program.arrays)


def _expected(chip: ChipDescription, contents: ArrayContents) -> Conductances:
    targets = contents.targets_siemens
    if targets is None:
        targets = pair_targets(
            contents.codes, contents.siemens_per_step, chip.g_min_siemens, contents.common_mode
        )
    off = chip.g_min_siemens
    if chip.off_state is not None:
        law = chip.off_state
        off = 1e-6 * float(np.exp(law.log_median + law.log_sigma**2 / 2))
    sound = np.where(np.repeat(contents.written, 2, axis=1), targets, off)
    if chip.stuck is None:
        return np.asarray(sound)
    high, low = chip.stuck.high_rate, chip.stuck.low_rate
    top = chip.g_max_siemens + chip.stuck.high_spread_siemens * float(np.sqrt(2 / np.pi))
    return np.asarray((1 - high - low) * sound + high * top + low * chip.g_min_siemens)


def device_watt(
    phase: Phase,
    chip: ChipDescription,
    conductances: Conductances,
    squares: Float64[np.ndarray, "3 lines"],
) -> Range:
    """Mean power of the devices of a phase, summed over the passes of its conversion.

    P = sum_i V_i^2 sum_j G_ij over driven word lines i. Bit lines j that are not read take current
    as well where they are held at 0 V. The low value lets selectors cut them off in any case, the high
    one in no case; between them stands what the chip description says of unread lines. Resistance
    of wires, which lessens currents, is left out.

    Args:
        phase: The MVM.
        chip: Largest voltage, and what unread lines do.
        conductances: Of the phase's array.
        squares: (V_i / V_max)^2 of its lines summed over passes, as low, typical and high.
    """
    rows = conductances[phase.word_lines]
    columns = np.concatenate([2 * phase.pairs, 2 * phase.pairs + 1])
    read = rows[:, np.sort(columns)].sum(axis=1)
    every = read + np.delete(rows, columns, axis=1).sum(axis=1)  # never below, by rounding either
    floats = chip.wires is not None and chip.wires.unread == "floating"
    volt = chip.read_voltage_volt**2
    return Range(
        float(volt * (squares[0] @ read)),
        float(volt * (squares[1] @ (read if floats else every))),
        float(volt * (squares[2] @ every)),
    )
