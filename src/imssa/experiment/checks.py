"""What a sceptic wants to see: equal ways to compute a model agree, and codes are identical."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from pydantic import ValidationError

from imssa.crossbar import SimulatedChip, execute, simulate, write_program
from imssa.errors import DesignRuleError, FileFormatError
from imssa.experiment.kernels_alone import kernels_of
from imssa.experiment.own_map import require_own_map
from imssa.experiment.recipe import Recipe
from imssa.experiment.silence import restless_names, silence_after_burst, steps_to_rest
from imssa.experiment.stages import Comparison, compare_codes, compare_network_and_chip
from imssa.hardware import ChipDescription
from imssa.kernels.codes import code_max
from imssa.kernels.random import Key
from imssa.mapping import compile_network
from imssa.models import (
    S4D,
    RealStateSpace,
    S4DClassifier,
    fft_convolution,
    kernel,
    load_layers,
    load_model,
    real_form,
    scan,
)
from imssa.models.files import KIND as MODEL
from imssa.models.files import LAYERS
from imssa.program import Program, load_program
from imssa.program.files import kinds_in, read_arrays
from imssa.program.program import KIND as PROGRAM
from imssa.quantization.convert import KIND as QUANTIZED
from imssa.quantization.convert import load_network
from imssa.quantization.network import QuantizedNetwork
from imssa.quantization.restore import restore

LENGTH: Final = 300
BATCH: Final = 16
CHIPS: Final = 100
MOST_ARRAYS: Final = 4096
TOLERANCE: Final = {"float64": 1e-10, "float32": 1e-4}


@dataclass(frozen=True)
class Check:
    """One agreement that was looked at.

    Attributes:
        name: What was compared with what.
        figure: Largest relative difference, or number of differing codes.
        limit: Largest figure that passes.
        compared: How many numbers were compared.
    """

    name: str
    figure: float
    limit: float
    compared: int

    @property
    def passed(self) -> bool:
        """Whether the figure is within its limit."""
        return self.figure <= self.limit


@dataclass(frozen=True)
class Rest:
    """What a program's registers do in the silence after a burst.

    Attributes:
        name: Which program, on what.
        chips: How many chip instances were tried.
        registers: Registers of states on each.
        steps: Steps of silence that the slowest pole was given.
        largest: Largest magnitude left in any of them, in DAC steps.
        restless: Modes that kept more than two DAC steps, and on how many of the chips.
    """

    name: str
    chips: int
    registers: int
    steps: int
    largest: float
    restless: dict[str, int]


def rests_in(path: Path, chips: int = CHIPS) -> list[Rest]:
    """Long runs of a program file, or of all programs of a run: modes that never rest are named.

    On the ideal chip, and on chips with all errors of their devices (wires ideal, which takes a
    tenth of the time; IR drop only weakens what is fed back).

    Args:
        path: Any file, or a folder of a run.
        chips: Chip instances.
    """
    if not path.is_dir():
        return list(_rests_of(path, chips)) if PROGRAM in kinds_in(path) else []
    found: list[Rest] = []
    for place in (path, *sorted(path.glob("realizations/*/"))):
        file, prefix = place / "program.safetensors", "" if place == path else f"{place.name}: "
        rests = _rests_of(file, chips) if file.exists() else ()
        found += [replace(rest, name=prefix + rest.name) for rest in rests]
    return found


def _rests_of(path: Path, chips: int) -> Iterator[Rest]:
    program, key = load_program(path), Key.root(0)
    try:
        kernels = kernels_of(program)
    except DesignRuleError:
        return
    steps = steps_to_rest(kernels)
    noisy = program.chip.model_copy(update={"wires": None})
    for name, chip, count in (("ideal chip", program.chip.only(), 1), ("all errors", noisy, chips)):
        left = silence_after_burst(kernels, chip, np.arange(count), steps, key)
        largest = float(left.largest.max())
        yield Rest(name, count, left.largest.shape[1], steps, largest, restless_names(left))


def check_path(path: Path) -> list[Check]:
    """All checks of a file, or of the folder of a run.

    Raises:
        FileFormatError: Nothing that can be checked.
    """
    checks = list(_checks_in(path) if path.is_dir() else _checks_of(path))
    if not checks:
        raise FileFormatError(
            given=str(path),
            rule="it holds no model, quantized network or program",
            remedy="Name such a file, or the folder of a run.",
        )
    return checks


def _checks_in(root: Path) -> Iterator[Check]:
    """The files of a run, and for each realization that network and program belong together."""
    names = ("model.safetensors", "quantized.safetensors", "program.safetensors")
    for place in (root, *sorted(root.glob("realizations/*/"))):
        files = [place / name for name in names]
        prefix = "" if place == root else f"{place.name}: "
        found = [check for file in files if file.exists() for check in _checks_of(file)]
        if files[1].exists() and files[2].exists():
            compared = _chip_run(load_network(files[1]), load_program(files[2]))
            found.append(_codes("network file = program file on an ideal chip", compared))
        yield from (replace(check, name=prefix + check.name) for check in found)


def _checks_of(path: Path) -> Iterator[Check]:
    kinds = kinds_in(path)
    if MODEL in kinds:
        yield from check_model(load_model(path)[0])
    elif LAYERS in kinds:
        for name, layer in load_layers(path):
            yield from check_layer(layer, name)
    elif QUANTIZED in kinds:
        yield from check_network(load_network(path), trained_chip(path))
    elif PROGRAM in kinds:
        program = load_program(path)
        require_own_map(program)
        yield from check_program(program)


def check_model(model: S4DClassifier) -> Iterator[Check]:
    """Convolution, scan and step of each layer."""
    for number, block in enumerate(model.blocks):
        yield from check_layer(block.s4d, f"layer {number}")


def check_layer(layer: S4D, name: str) -> Iterator[Check]:
    """Convolution, scan and steps of one layer, in both precisions, relative to the largest output.

    The steps are those of the real form that an array stores, in plain NumPy.
    """
    for dtype in (torch.float64, torch.float32):
        kind = str(dtype).removeprefix("torch.")
        with torch.no_grad():
            discrete = layer.discrete(dtype)
            shape = (2, LENGTH, len(discrete.D))
            u = torch.randn(shape, generator=Key.root(0).torch(), dtype=dtype)
            scanned = scan(discrete, u, layer.output)
            response = kernel(discrete, LENGTH, layer.output)
            convolved = fft_convolution(u, response, discrete.D)
            stepped = torch.from_numpy(_stepped(real_form(discrete), u.numpy(), layer.output))
        for way, y in (("convolution", convolved), ("steps of the real form", stepped)):
            figure = float((y - scanned).abs().max() / scanned.abs().max())
            yield Check(f"{name}: {way} = scan, {kind}", figure, TOLERANCE[kind], y.numel())


def _stepped(real: RealStateSpace, u: Any, output: str) -> Any:
    """The recurrence as hardware runs it: s+ = A s + B u on two real states a mode."""
    A, B, C, D = (x.detach().numpy() for x in (real.A, real.B, real.C, real.D))
    state = np.zeros((len(u), *B.shape), u.dtype)
    y = np.empty_like(u)
    for k in range(u.shape[1]):
        before = state
        state = np.einsum("hij,bhj->bhi", A, state) + B * u[:, k, :, None]
        read = state if output == "current" else before
        y[:, k] = (C * read).sum(-1) + D * u[:, k]
    return y


def check_network(network: QuantizedNetwork, chip: ChipDescription) -> Iterator[Check]:
    """Codes of the training forward, of the network and of its program on an ideal chip."""
    inputs, lengths = _random_inputs(network.encoder.weights.shape[1], network)
    record: dict[str, Any] = {}
    features = torch.from_numpy(inputs * network.input_step)
    with torch.no_grad():
        restore(network, chip)(features, torch.from_numpy(lengths), record=record)
    run = network.run(inputs, lengths)
    compared = compare_codes(run.keys() - {"sum"}, record, run, lengths)
    yield _codes("training forward = network", compared)
    arrays = chip.arrays.model_copy(
        update={"count": MOST_ARRAYS}
    )  # whatever layout the chip is for
    program = compile_network(network, chip.model_copy(update={"arrays": arrays}), {})
    yield _codes("network = its program on an ideal chip", _chip_run(network, program))


def check_program(program: Program) -> Iterator[Check]:
    """Codes of the step-by-step executor and of the fused simulation, noise off and on."""
    features = program.register(program.input).size
    inputs, lengths = _random_inputs(features, program)
    names = tuple(r.name for r in program.registers)
    for words, chip in (("ideal chip", program.chip.only()), ("noisy chip", program.chip)):
        simulated = SimulatedChip(chip, Key.root(0), 1)
        write_program(program, simulated)
        slow = execute(program, simulated, inputs, lengths, names)
        fast = simulate(program, chip, Key.root(0), np.ones(1, int), inputs, lengths, names)
        found = {name: codes[0] for name, codes in fast.steps.items()}
        compared = compare_codes(names, found, slow.steps, lengths)
        yield _codes(f"executor = fused simulation, {words}", compared)


def _chip_run(network: QuantizedNetwork, program: Program) -> Comparison:
    return compare_network_and_chip(
        network, program, *_random_inputs(network.encoder.weights.shape[1], network)
    )


def _random_inputs(features: int, of: QuantizedNetwork | Program) -> tuple[Any, Any]:
    """Full-range input codes of ragged lengths."""
    bits = of.widths.dac_bits if isinstance(of, QuantizedNetwork) else of.chip.converters.dac_bits
    generator, largest = Key.root(0).child("check").numpy(), code_max(bits)
    longest = min(LENGTH, of.max_length)
    inputs = generator.integers(-largest, largest + 1, (BATCH, longest, features))
    lengths = generator.integers(1, longest + 1, BATCH)
    lengths[0] = longest
    return inputs, lengths


def _codes(name: str, compared: Comparison) -> Check:
    return Check(name, float(compared.mismatches), 0.0, compared.codes_compared)


def trained_chip(path: Path) -> ChipDescription:
    """The chip that a quantized network was trained for."""
    header, _, _ = read_arrays(path, QUANTIZED)
    try:
        chip: ChipDescription = Recipe.model_validate(header["provenance"]["recipe"]).chip
    except (KeyError, ValidationError) as error:
        raise FileFormatError(
            given=str(path),
            rule="it does not say for which chip it was trained",
            remedy="Name a chip, take its program instead, or save it with the recipe in its provenance.",
        ) from error
    return chip
