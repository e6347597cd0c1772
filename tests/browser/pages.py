"""A page of everything, and Debian's browser to open it with."""

import dataclasses
from functools import cache
from pathlib import Path

import numpy as np

from imssa.evaluation import chip_pictures, converter_use, held_poles, impulse_responses
from imssa.evaluation.held import code_blocks, responses
from imssa.evaluation.page import Material, page
from imssa.kernels.random import Key
from imssa.mapping.impulse import layer_dynamics
from tests.evaluation.samples import (
    make_network,
    make_pictures,
    make_poles,
    make_program,
    make_sample,
)

BROWSERS = (Path("/usr/bin/chromium"), Path("/usr/bin/chromium-headless-shell"))
EPOCHS = [
    {
        "epoch": n,
        "train_loss": 1 / n,
        "validation_loss": 2 / n,
        "validation_accuracy": 1 - 1 / (2 * n),
        "gradient_norm": 1.0 + n % 3,
    }
    for n in range(1, 12)
]


def browser() -> Path | None:
    """The browser's program, if there is one."""
    return next((path for path in BROWSERS if path.exists()), None)


@cache
def whole_page() -> str:
    """A page with every section that a run can have."""
    program, network, key = make_program(), make_network(), Key.root(0)
    draw = np.random.default_rng(1)
    inputs, lengths = draw.integers(-127, 128, (2, 9, 5)), np.array([9, 6])
    dynamics = layer_dynamics(network.layers[0], network.widths, 30)
    software = responses(code_blocks(network.layers[0]), dynamics, 30)
    pictures = dataclasses.replace(
        chip_pictures(program, key),
        traces=make_pictures().traces,
        poles=dataclasses.replace(make_poles(), chip_poles=held_poles(program, key, network)),
        responses=impulse_responses(software, program, key, network),
        converters=converter_use(program, key, inputs, lengths),
    )
    costs = {"energy a step, pJ": {"ADC": {"low": 1.0, "typical": 2.0, "high": 4.0}}}
    hashes = {"program": "ab" * 32}
    report = make_sample()
    return page(Material(report, pictures, {"leaky": EPOCHS}, program, costs, hashes=hashes))
