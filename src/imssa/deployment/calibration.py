"""Labelled recordings to calibrate a chip on, and how programs are run on them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Int64

from imssa.crossbar.chip import Chip, SimulatedChip
from imssa.crossbar.executor import execute
from imssa.crossbar.fused import ProgrammedChips
from imssa.crossbar.trace import Trace
from imssa.data import SequenceDataset, true_frames
from imssa.errors import DataError
from imssa.kernels.random import Key
from imssa.program.program import Program
from imssa.quantization.network import QuantizedNetwork

Runner = Callable[[Program, tuple[str, ...]], Trace]
"""Runs a program on one written chip and certain recordings; keeps the named registers."""

FIRST_SAMPLE: Final = 2**31
"""Recordings to calibrate on have read noise of their own: those of a test are counted from 0."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Recordings to calibrate on; never those of a test.

    Attributes:
        inputs: Input codes.
        lengths: True lengths.
        labels: True classes; only reports look at them.
    """

    inputs: Int64[np.ndarray, "batch length features"]
    lengths: Int64[np.ndarray, " batch"]
    labels: Int64[np.ndarray, " batch"]

    @classmethod
    def drawn(
        cls, network: QuantizedNetwork, data: SequenceDataset, per_class: int, key: Key
    ) -> "Calibration":
        """As many recordings of each class.

        Args:
            network: Makes the input codes.
            data: Training recordings.
            per_class: Recordings of each class.
            key: Chooses them.

        Raises:
            DataError: A class has fewer recordings.
        """
        classes = [np.flatnonzero(data.labels == n) for n in range(len(data.class_names))]
        fewest = min(len(mine) for mine in classes)
        if not 1 <= per_class <= fewest:
            raise DataError(
                given=f"{per_class} recordings of each class to calibrate on",
                rule=f"each class has from 1 to {fewest}",
                remedy="Ask for that many, or give more training recordings.",
            )
        rng = key.child("calibration").numpy()
        chosen = np.sort(np.concatenate([rng.permutation(mine)[:per_class] for mine in classes]))
        inputs = network.input_codes(data.features[chosen])
        return cls(inputs, data.lengths[chosen], data.labels[chosen])

    @property
    def real(self) -> Bool[np.ndarray, "batch length"]:
        """Which steps are inside the recordings."""
        return true_frames(self.lengths, self.inputs.shape[1])

    @property
    def recordings(self) -> Int64[np.ndarray, " rows"]:
        """Number of the recording of each step that is inside one."""
        return np.asarray(np.nonzero(self.real)[0])

    def on(self, chip: Chip) -> Runner:
        """Runs these recordings on a written chip, step by step.

        What is simulated is run by the fused simulation, which gives the same codes.
        """
        if isinstance(chip, SimulatedChip):
            return self._simulated(chip)

        def run(program: Program, record: tuple[str, ...]) -> Trace:
            return execute(
                program, chip, self.inputs, self.lengths, record, first_sample=FIRST_SAMPLE
            )

        return run

    def _simulated(self, chip: SimulatedChip) -> Runner:
        instances = np.array([chip.instance])

        def run(program: Program, record: tuple[str, ...]) -> Trace:
            chips = ProgrammedChips(program, chip.description, chip.key, instances, chip.arrays)
            trace = chips.run(self.inputs, self.lengths, record, first_sample=FIRST_SAMPLE)
            final, steps = (
                {name: codes[0] for name, codes in part.items()}
                for part in (trace.final, trace.steps)
            )
            return replace(trace, answers=trace.answers[0], final=final, steps=steps)

        return run
