"""Chip instances whose defects are known: each one scanned, compiled for, written, recalibrated."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64

from imssa.crossbar import ProgrammedChips, SimulatedChip
from imssa.crossbar.arrays import ProgrammedArray
from imssa.data import SequenceDataset
from imssa.deployment import Calibration, deploy, recalibrate, trim
from imssa.hardware import ChipDescription
from imssa.kernels.random import Key
from imssa.mapping import Tailored, TailoredCompiler
from imssa.mapping.layout import Layout
from imssa.quantization.network import QuantizedNetwork


@dataclass(frozen=True, eq=False)
class TailoredChip:
    """A chip instance with a program of its own written on it.

    Attributes:
        tailored: The program, and what the chip's defects still cost.
        device: The chip.
        arrays: What its arrays hold under that program.
    """

    tailored: Tailored
    device: SimulatedChip
    arrays: tuple[ProgrammedArray, ...]

    def answers(
        self,
        inputs: Int64[np.ndarray, "items length features"],
        lengths: Int64[np.ndarray, " items"],
    ) -> Int64[np.ndarray, " items"]:
        """The class of each recording.

        Args:
            inputs: Input codes.
            lengths: True lengths.
        """
        device, one = self.device, np.array([self.device.instance])
        program = self.tailored.program
        chips = ProgrammedChips(program, device.description, device.key, one, self.arrays)
        return np.asarray(chips.run(inputs, lengths).answers[0])


class TailoredChips:
    """The chip instances that `waterfall_answers` has, no longer compiled for blindly.

    Nothing is refused: a chip with more defects than can be served answers worse.

    Args:
        network: The integer network.
        chip: Its description, with all errors that are on.
        layout: How kernels share arrays.
        key: Of the chip instances.
    """

    def __init__(
        self, network: QuantizedNetwork, chip: ChipDescription, layout: Layout, key: Key
    ) -> None:
        self.network, self.chip, self.key = network, chip, key
        self._compiler = TailoredCompiler(network, chip, layout)

    def compiled(self, number: int) -> TailoredChip:
        """A chip scanned, compiled for and written."""
        device = SimulatedChip(self.chip, self.key, number)
        tailored = deploy(self._compiler, device, {}, largest_error=np.inf)
        return TailoredChip(tailored, device, device.arrays)

    def recalibrated(self, chip: TailoredChip, calibration: Calibration) -> TailoredChip:
        """The chip with modes that do not decay trimmed, and digital operations fitted to it.

        Args:
            chip: As `compiled` gave it; arrays of it may be written again.
            calibration: Recordings that the fit is made on.
        """
        tailored = trim(self._compiler, chip.tailored, chip.device).tailored
        run = calibration.on(chip.device)
        fitted = recalibrate(tailored.program, self.network, run, calibration).program
        return TailoredChip(replace(tailored, program=fitted), chip.device, chip.device.arrays)

    def answers(self, number: int, part: SequenceDataset) -> Int64[np.ndarray, " items"]:
        """What a compiled chip answers."""
        return self.compiled(number).answers(self.network.input_codes(part.features), part.lengths)
