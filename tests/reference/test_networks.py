"""The random networks must be worth testing with: lively codes, answers that differ."""

import numpy as np
import pytest

from imssa.quantization.config import Realization
from tests.reference.networks import Sketch, random_inputs, random_network


@pytest.mark.parametrize("realization", ["direct", "incremental", "leaky"])
@pytest.mark.parametrize("output", ["delayed", "current"])
def test_random_networks_are_lively(realization: Realization, output: str) -> None:
    network = random_network(1, Sketch(realization=realization, output=output, layers=2))
    inputs, lengths = random_inputs(network, 2, 40, 30)
    codes = network.run(inputs, lengths)
    for name, values in codes.items():
        if name != "answer":
            assert len(np.unique(values)) > 10, name
            alive = values.reshape(-1, values.shape[-1]).any(
                axis=0
            )  # ternary: some weights are zero
            assert alive.mean() > 0.5, name
    assert len(np.unique(codes["answer"])) > 1
    assert len(np.unique(np.abs(codes["state.0"]).max(axis=(0, 1)))) > 6
