"""Single cells corrected digitally."""

from typing import Any

import numpy as np
import pytest

from imssa.mapping import Measures, TailoredCompiler
from imssa.mapping.correction import Correction, correction_operations
from imssa.program.operations import Add
from imssa.program.rules import broken_rules
from imssa.quantization.config import WeightBits
from imssa.quantization.network import QuantizedNetwork
from tests.crossbar import contract
from tests.mapping.chips import map_of, stuck_chip
from tests.reference.networks import Sketch, random_inputs, random_network

BARE = Measures(arrange=False, repair=False)
ALONE: dict[str, Any] = {"count": 6, "size": (5, 10)}  # an array a kernel of two modes


def _kernel_error(network: QuantizedNetwork, chip: Any, measures: Measures) -> float:
    """Mean difference of the kernels' codes from the network's, in codes."""
    tailored = TailoredCompiler(network, chip).compile(map_of(chip, 1), {}, measures)
    assert broken_rules(tailored.program) == []
    inputs, lengths = random_inputs(network, 3, 4, 25)
    steps, final = contract.of_executor(tailored.program, chip, inputs, lengths, instance=1)
    fast = contract.of_simulation(tailored.program, chip, inputs, lengths, instances=(1,))
    contract.assert_same_run(contract.of_chip(fast, 0), (steps, final))
    wanted = contract.masked(network.run(inputs, lengths), lengths)
    return float(np.abs(steps["kernel.0"] - wanted["kernel.0"]).mean())


@pytest.mark.parametrize("output", ["delayed", "current"])
@pytest.mark.parametrize("realization", ["leaky", "direct", "incremental"])
def test_corrected_kernels_answer_like_the_network(output: str, realization: Any) -> None:
    chip = stuck_chip(0.25, **ALONE)
    bits = WeightBits(A=4, B=4, C=4, D=4)
    sketch = Sketch(kernels=6, bits=bits, output=output, realization=realization)
    network = random_network(4, sketch, chip)
    wrong = _kernel_error(network, chip, BARE)
    right = _kernel_error(network, chip, Measures(arrange=False, repair=False, correct=999))
    assert wrong > 4
    assert right < 1  # an ADC code is rounded twice, and clips before it is corrected


def test_what_is_corrected_is_not_lost() -> None:
    chip = stuck_chip(0.25, **ALONE)
    compiler = TailoredCompiler(random_network(4, Sketch(kernels=6), chip), chip)
    before = compiler.compile(map_of(chip, 1), {}, BARE).losses
    few = Measures(arrange=False, repair=False, correct=3)
    after = compiler.compile(map_of(chip, 1), {}, few).losses
    assert after.lost_weights == before.lost_weights - 3
    assert after.mean_square < before.mean_square
    rest = compiler.compile(map_of(chip, 1), {}, Measures(arrange=False, correct=999)).losses
    assert rest.lost_weights == 0


def test_corrections_of_all_four_kinds_of_cells() -> None:
    network = random_network(1, Sketch(kernels=2, modes=2))
    cells = tuple(
        Correction(0, 1, row, column, 1.0) for row, column in [(0, 1), (4, 2), (3, 4), (4, 4)]
    )
    operations = correction_operations(network, 0, cells, ("adc", "readout"))
    added = [o.source for o in operations if isinstance(o, Add)]
    assert added == ["adc.0", "adc.0", "readout.0", "readout.0"]
    assert len(operations) == 4 * 5
    assert correction_operations(network, 0, (), ("adc", "readout")) == []
