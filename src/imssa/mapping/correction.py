"""Digital correction of single cells: what a pair cannot hold is computed beside the array.

The missing part of a weight times the DAC code of its word line, in ADC codes of its pair, is added to
what was read. That takes a multiplication and an addition a cell and step, so it is for the few cells
that cost most.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from imssa.kernels.codes import MULTIPLIER_BITS, snap_gain
from imssa.program.operations import Add, Gather, MatMul, Operation, Register, Requantize
from imssa.quantization.network import IntegerLayer, QuantizedNetwork

FRACTION_BITS: Final = 8
"""Fractional bits of a missing weight."""

SUM_BITS: Final = 32


@dataclass(frozen=True)
class Correction:
    """One cell whose weight is made up for.

    Attributes:
        layer: The kernel's layer.
        feature: Its feature.
        row: A state, or (last) the input.
        column: A state, or (last) the output.
        missing: What the pair lacks of the weight, in codes.
    """

    layer: int
    feature: int
    row: int
    column: int
    missing: float


@dataclass(frozen=True)
class _Group:
    """Cells that are driven from one register and read into one."""

    number: int
    layer: IntegerLayer
    source: str
    target: str
    cells: tuple[Correction, ...]

    @property
    def name(self) -> str:
        return f"missing_{self.source}_{self.target}.{self.number}"

    @property
    def states(self) -> int:
        """States of a kernel."""
        return 2 * int(self.layer.k.shape[1])

    @property
    def size(self) -> int:
        """Elements of the register that is corrected."""
        return len(self.layer.D) * (self.states if self.target == "adc" else 1)

    def elements(self) -> Iterator[tuple[int, int]]:
        """Element of the source and of the target of each cell."""
        for cell in self.cells:
            first = cell.feature * self.states
            driven = first + cell.row if self.source == "state" else cell.feature
            yield driven, first + cell.column if self.target == "adc" else cell.feature

    def registers(self, network: QuantizedNetwork, adc_bits: int) -> list[Register]:
        widths, count = network.widths, len(self.cells)
        bits = widths.register_bits if self.source == "state" else widths.dac_bits
        return [
            Register(f"{self.name}.element", count, bits),
            Register(f"{self.name}.drive", count, widths.dac_bits),
            Register(f"{self.name}.sum", self.size, SUM_BITS),
            Register(f"{self.name}.code", self.size, adc_bits),
        ]

    def operations(self, network: QuantizedNetwork) -> list[Operation]:
        n, count, one = self.number, len(self.cells), np.ones(len(self.cells), np.int64)
        driven, read = np.array(list(self.elements()), np.int64).T.copy()
        weights = np.zeros((self.size, count), np.int64)
        missing = np.rint([cell.missing * 2**FRACTION_BITS for cell in self.cells])
        weights[read, np.arange(count)] = missing
        steps = self.layer.adc_step
        step = steps[:, :-1].ravel() if self.target == "adc" else steps[:, -1]
        scale = snap_gain(2.0**-FRACTION_BITS / step, MULTIPLIER_BITS)
        guard = network.widths.guard_bits if self.source == "state" else 0
        return [
            Gather(f"{self.source}.{n}", f"{self.name}.element", driven, one),
            Requantize(f"{self.name}.element", f"{self.name}.drive", one, guard * one),
            MatMul(
                f"{self.name}.drive", f"{self.name}.sum", weights, np.zeros(self.size, np.int64)
            ),
            Requantize(f"{self.name}.sum", f"{self.name}.code", *scale),
            Add(f"{self.target}.{n}", f"{self.name}.code", f"{self.target}.{n}"),
        ]


def correction_registers(
    network: QuantizedNetwork, corrections: tuple[Correction, ...], adc_bits: int
) -> list[Register]:
    """Registers that corrections need; ``adc_bits`` wide are codes of a whole conversion."""
    return [
        register
        for n in range(len(network.layers))
        for group in _groups(network, n, corrections, ("adc", "readout"))
        for register in group.registers(network, adc_bits)
    ]


def correction_operations(
    network: QuantizedNetwork,
    number: int,
    corrections: tuple[Correction, ...],
    targets: Iterable[str],
) -> list[Operation]:
    """What follows the phases that read into ``targets`` (``adc``, ``readout``) of a layer."""
    groups = _groups(network, number, corrections, targets)
    return [operation for group in groups for operation in group.operations(network)]


def _groups(
    network: QuantizedNetwork,
    number: int,
    corrections: tuple[Correction, ...],
    targets: Iterable[str],
) -> Iterator[_Group]:
    layer = network.layers[number]
    last = 2 * layer.k.shape[1]
    for target in targets:
        for source in ("state", "stream"):
            cells = tuple(
                cell
                for cell in corrections
                if cell.layer == number
                and (cell.column == last) == (target == "readout")
                and (cell.row == last) == (source == "stream")
            )
            if cells:
                yield _Group(number, layer, source, target, cells)
