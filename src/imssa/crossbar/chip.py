"""The chip interface: what a program needs of a chip, and the simulated chip behind it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from imssa.crossbar.arrays import ProgrammedArray, program_array
from imssa.errors import ShapeError
from imssa.hardware.description import ChipDescription
from imssa.hardware.pairs import read_spread
from imssa.kernels.codes import converted
from imssa.kernels.random import Key, read_normals
from imssa.program.operations import Phase
from imssa.program.program import ArrayContents


@dataclass(frozen=True)
class ReadAddress:
    """Where in a run an MVM stands; read noise is a function of it.

    Attributes:
        event: Number of the phase within a time step.
        step: Time step.
        samples: Number of each sequence of the batch.
    """

    event: int
    step: int
    samples: Int64[np.ndarray, " batch"]


class Chip(ABC):
    """Anything that can be written, read back, and asked for one MVM."""

    @abstractmethod
    def write(self, array: int, contents: ArrayContents) -> None:
        """Writes an array."""

    @abstractmethod
    def read(self, array: int) -> Float64[np.ndarray, "word_lines bit_lines"]:
        """Conductances of an array in siemens."""

    @abstractmethod
    def mvm(
        self, phase: Phase, drive: Int64[np.ndarray, "batch lines"], address: ReadAddress
    ) -> Int64[np.ndarray, "batch pairs"]:
        """ADC codes of the phase's pairs for DAC codes on its word lines."""


class SimulatedChip(Chip):
    """One instance of a simulated chip.

    Args:
        description: Device laws and converters.
        key: Random key of the study; the instance's number is added to it.
        instance: Number of the chip instance.
    """

    def __init__(self, description: ChipDescription, key: Key, instance: int = 0) -> None:
        self.description, self.key, self.instance = description, key, instance
        self._arrays: dict[int, ProgrammedArray] = {}

    def write(self, array: int, contents: ArrayContents) -> None:
        """Writes an array with the errors of its devices.

        Raises:
            ShapeError: The chip has no such array, or one of another size.
        """
        shape = (self.description.arrays.word_lines, self.description.arrays.pairs)
        if not 0 <= array < self.description.arrays.count or contents.codes.shape != shape:
            raise ShapeError(
                given=f"array {array} of shape {contents.codes.shape}",
                rule=f"{self.description.name} has {self.description.arrays.count} of {shape} pairs",
                remedy="Compile the network for this chip.",
            )
        key, instances = self.key.child("array", array), np.array([self.instance])
        self._arrays[array] = program_array(contents, self.description, key, instances, array=array)

    def read(self, array: int) -> Float64[np.ndarray, "word_lines bit_lines"]:
        """Conductances of an array in siemens."""
        return np.asarray(self._written(array).devices.conductance_siemens[0])

    def mvm(
        self, phase: Phase, drive: Int64[np.ndarray, "batch lines"], address: ReadAddress
    ) -> Int64[np.ndarray, "batch pairs"]:
        """ADC codes of the phase's pairs for DAC codes on its word lines."""
        array = self._written(phase.array)
        weights = array.weights[0][np.ix_(phase.word_lines, phase.pairs)]
        acc = drive.astype(float) @ weights.astype(float)
        variance = array.variance[0][:, phase.pairs]
        if len(variance):
            rows = variance if len(variance) == 1 else variance[phase.word_lines]
            place = (self.instance, address.event, address.step, address.samples)
            normals = read_normals(self.key.child("read"), *place, phase.pairs)
            acc += read_spread(drive, rows) * normals
        scale = np.ldexp(phase.full_scale.astype(float), -phase.full_scale_shift)
        return converted(acc, scale, self.description.converters.adc_bits)

    def _written(self, array: int) -> ProgrammedArray:
        if array not in self._arrays:
            raise ShapeError(
                given=f"array {array}",
                rule="it was not written",
                remedy="Write every array of the program before running it.",
            )
        return self._arrays[array]
