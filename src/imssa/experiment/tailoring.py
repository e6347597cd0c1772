"""Answers of chips whose defects are known: each one scanned, and compiled for."""

import numpy as np
from jaxtyping import Int64

from imssa.crossbar import ProgrammedChips, SimulatedChip
from imssa.data import SequenceDataset
from imssa.deployment import deploy
from imssa.hardware import ChipDescription
from imssa.kernels.random import Key
from imssa.mapping import TailoredCompiler
from imssa.mapping.layout import Layout
from imssa.quantization.network import QuantizedNetwork
from imssa.training import Progress


def tailored_answers(
    network: QuantizedNetwork,
    placed: tuple[ChipDescription, Layout],
    key: Key,
    instances: int,
    part: SequenceDataset,
    progress: Progress,
) -> Int64[np.ndarray, "chips items"]:
    """Answers of the chip instances that `waterfall_answers` has, no longer compiled for blindly.

    Nothing is refused: a chip with more defects than can be served answers worse.

    Args:
        network: The integer network.
        placed: The chip with all its errors, and how kernels share its arrays.
        key: Of the chip instances.
        instances: How many.
        part: What they are asked.
        progress: Told after each chip.
    """
    chip, layout = placed
    compiler = TailoredCompiler(network, chip, layout)
    inputs, answers = network.input_codes(part.features), []
    for number in range(instances):
        device = SimulatedChip(chip, key, number)
        program = deploy(compiler, device, {}, largest_error=np.inf).program
        written = ProgrammedChips(program, chip, key, np.array([number]), device.arrays)
        answers.append(written.run(inputs, part.lengths).answers[0])
        progress(number + 1, instances, "compiled for its map")
    return np.array(answers)
