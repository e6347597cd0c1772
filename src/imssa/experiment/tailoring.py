"""Chip instances that are known: each one scanned, compiled for, written, trimmed, recalibrated."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Int64

from imssa.crossbar import ProgrammedChips, SimulatedChip
from imssa.crossbar.arrays import ProgrammedArray
from imssa.data import SequenceDataset
from imssa.deployment import Calibration, deploy, recalibrate, trim
from imssa.experiment.recipe import Recipe
from imssa.experiment.stages import EFFECTS
from imssa.hardware import ChipDescription
from imssa.kernels.random import Key
from imssa.mapping import Tailored, TailoredCompiler
from imssa.mapping.layout import Layout
from imssa.quantization.network import QuantizedNetwork, Record
from imssa.training import Progress

PER_CLASS: Final = 32
"""Most training recordings of a class on which a chip is recalibrated."""

CALIBRATION_FRAMES: Final = 120_000
"""Most frames of these together, padding included, but one of each class in any case: registers of every
step are kept in memory."""


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
        self._wanted: tuple[Calibration | None, Record] = None, {}

    def compiled(self, number: int) -> TailoredChip:
        """A chip scanned, compiled for and written."""
        device = SimulatedChip(self.chip, self.key, number)
        tailored = deploy(self._compiler, device, {}, largest_error=np.inf)
        return TailoredChip(tailored, device, device.arrays)

    def trimmed(self, chip: TailoredChip) -> TailoredChip:
        """The chip with cells written again until its kernels answer as they should.

        Args:
            chip: As `compiled` gave it; its device is another afterwards.
        """
        tailored = trim(self._compiler, chip.tailored, chip.device).tailored
        return TailoredChip(tailored, chip.device, chip.device.arrays)

    def recalibrated(self, chip: TailoredChip, calibration: Calibration) -> TailoredChip:
        """The chip with digital operations fitted to it.

        Args:
            chip: As `trimmed` gave it.
            calibration: Recordings that the fit is made on.
        """
        run = calibration.on(chip.device)
        if self._wanted[0] is not calibration:
            codes = self.network.run(calibration.inputs, calibration.lengths)
            self._wanted = calibration, codes
        program, wanted = chip.tailored.program, self._wanted[1]
        fitted = recalibrate(program, self.network, run, calibration, wanted=wanted).program
        return replace(chip, tailored=replace(chip.tailored, program=fitted))

    def calibration(self, training: SequenceDataset) -> Calibration:
        """Training recordings to recalibrate on: as many as memory holds, up to `PER_CLASS`."""
        classes = np.bincount(training.labels, minlength=len(training.class_names))
        most = CALIBRATION_FRAMES // (len(classes) * training.features.shape[1])
        per_class = min(PER_CLASS, int(classes.min()), max(most, 1))
        return Calibration.drawn(self.network, training, per_class, self.key)


def tailored_answers(
    network: QuantizedNetwork,
    recipe: Recipe,
    key: Key,
    parts: tuple[SequenceDataset, SequenceDataset],
    progress: Progress,
) -> dict[str, Int64[np.ndarray, "chips items"]]:
    """Answers of a recipe's chip instances once their defects and deviations are known.

    Args:
        network: The integer network.
        recipe: Its chip and layout, and how many chips are asked.
        key: Of the chip instances.
        parts: Training part, to recalibrate on, and what is asked.
        progress: Told after each chip.

    Returns:
        ``compiled_for_map`` where the chip has defects, ``trimmed`` and ``recalibrated`` where it has
        any error, the latter where every class has training recordings.
    """
    training, asked = parts
    instances = recipe.evaluation.chip_instances
    some = min(recipe.evaluation.recalibrated, instances) * _has(recipe.chip, "all")
    complete = len(set(training.labels.tolist())) == len(training.class_names)
    wanted = {
        "compiled_for_map": instances * _has(recipe.chip, "stuck_devices"),
        "trimmed": some,
        "recalibrated": some * complete,
    }
    if not any(wanted.values()):
        return {}
    chips = TailoredChips(network, recipe.chip, recipe.layout, key)
    calibration = chips.calibration(training) if wanted["recalibrated"] else None
    inputs = network.input_codes(asked.features)
    found: dict[str, list[Int64[np.ndarray, " items"]]] = {stage: [] for stage in wanted}
    for number in range(max(wanted.values())):
        chip = chips.compiled(number)
        if number < wanted["compiled_for_map"]:
            found["compiled_for_map"].append(chip.answers(inputs, asked.lengths))
        if number < wanted["trimmed"]:
            chip = chips.trimmed(chip)
            found["trimmed"].append(chip.answers(inputs, asked.lengths))
        if calibration is not None and number < wanted["recalibrated"]:
            fitted = chips.recalibrated(chip, calibration)
            found["recalibrated"].append(fitted.answers(inputs, asked.lengths))
        progress(
            number + 1, max(wanted.values()), "each chip compiled for, trimmed and recalibrated"
        )
    return {stage: np.array(answers) for stage, answers in found.items() if answers}


def _has(chip: ChipDescription, stage: str) -> bool:
    """Whether a chip has any of a stage's effects."""
    return any(getattr(chip, name) is not None for name in EFFECTS[stage])
