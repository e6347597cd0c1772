"""Use of converters: the same codes as the integer network has on an ideal chip."""

from dataclasses import replace

import numpy as np

from imssa.evaluation import converter_use
from imssa.kernels.codes import code_max, driven
from imssa.kernels.random import Key
from tests.evaluation.samples import make_network, make_program


def test_codes_are_those_of_the_network() -> None:
    network, program = make_network(), make_program()
    draw = np.random.default_rng(2)
    inputs, lengths = draw.integers(-127, 128, (3, 20, 5)), np.array([20, 7, 13])
    found = converter_use(replace(program, chip=program.chip.only()), Key.root(0), inputs, lengths)
    run = network.run(inputs, lengths)
    heard = np.arange(20) < lengths[:, None]
    uses = {use.register: use for use in found}
    assert [(use.converter, use.register) for use in found] == [
        ("DAC", "state.0"),
        ("DAC", "stream.0"),
        ("ADC", "adc.0"),
        ("ADC", "readout.0"),
    ]
    guard = np.array(network.widths.guard_bits)
    codes = {
        "adc.0": run["adc.0"][heard],
        "state.0": driven(run["state.0"][heard], guard, 8),
        "stream.0": run["stream.0"][heard],
    }
    for name, wanted in codes.items():
        use = uses[name]
        assert use.conversions == wanted.size
        assert use.zero == (wanted == 0).mean()
        assert use.at_the_end == (np.abs(wanted) >= code_max(8)).mean()
        np.testing.assert_allclose(use.shares.sum(), 1.0)
    assert uses["adc.0"].words == "state sums, layer 0"
