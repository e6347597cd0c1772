"""Recalibration: only digital operations change, and registers come nearer to the network's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imssa.crossbar import SimulatedChip, write_program
from imssa.data import SequenceDataset
from imssa.deployment import Calibration, Parts, Recalibrated, deploy, recalibrate
from imssa.deployment.fits import ALL_PARTS, Fit
from imssa.errors import DataError
from imssa.hardware import ChipDescription
from imssa.hardware.readout import Readout
from imssa.hardware.statistical import GaussianProgramming
from imssa.hardware.wires import WireSettings
from imssa.kernels.random import Key
from imssa.mapping import TailoredCompiler, compile_network
from imssa.program import Program, load_program, save_program
from imssa.program.operations import MatMul, Requantize
from imssa.quantization.config import Realization
from imssa.quantization.network import QuantizedNetwork
from tests.crossbar import contract
from tests.deployment.labs import Laboratory
from tests.program.samples import same
from tests.reference.networks import ON_ARRAYS, Sketch, chip_with, random_inputs, random_network

SKETCH = Sketch(kernels=6, layers=2)


def calibration_of(network: QuantizedNetwork, seed: int = 1) -> Calibration:
    inputs, lengths = random_inputs(network, seed, 24, 20)
    lengths = np.maximum(lengths, 10)
    return Calibration(inputs, lengths, network.run(inputs, lengths)["answer"][:, 0])


def faulty(**changes: object) -> ChipDescription:
    return chip_with().only().model_copy(update=changes)


def recalibrated(
    chip: ChipDescription, network: QuantizedNetwork, parts: Parts = ALL_PARTS
) -> tuple[Recalibrated, SimulatedChip]:
    program, device = compile_network(network, chip, {}), SimulatedChip(chip, contract.KEY, 1)
    write_program(program, device)
    calibration = calibration_of(network)
    return recalibrate(program, network, calibration.on(device), calibration, parts), device


@pytest.mark.parametrize("realization", ["direct", "incremental", "leaky"])
def test_an_ideal_chip_stays_the_network_code_for_code(realization: Realization) -> None:
    network = random_network(5, replace(SKETCH, realization=realization))
    found, _ = recalibrated(faulty(), network)
    assert all(error.before == error.after == 0 for error in found.registers)
    inputs, lengths = random_inputs(network, 8, 6, 15)
    steps, final = contract.of_executor(found.program, faulty(), inputs, lengths)
    expected = network.run(inputs, lengths)
    contract.assert_equal(contract.at_each_step(expected), steps)
    assert np.array_equal(final["answer"], expected["answer"])
    assert np.array_equal(final["mean"], expected["mean"])


@pytest.mark.parametrize(
    "errors",
    [
        {"readout": Readout(gain_spread=0.15, offset_steps=1.0)},
        {"programming": GaussianProgramming(sigma_siemens=8e-6)},
    ],
)
def test_registers_come_nearer_on_recordings_that_were_not_used(errors: dict[str, object]) -> None:
    network, chip = random_network(5, SKETCH), faulty(**errors)
    found, device = recalibrated(chip, network)
    other = calibration_of(network, seed=77)
    wanted = network.run(other.inputs, other.lengths)
    names = ("kernel.0", "mixing.0", "kernel.1", "mixing.1")
    left = []
    for program in (compile_network(network, chip, {}), found.program):
        steps = other.on(device)(program, names).steps
        left.append([np.square(steps[n] - wanted[n])[other.real].mean() for n in names])
    assert np.all(np.array(left[1]) < np.array(left[0]))
    assert np.sum(left[1]) < 0.5 * np.sum(left[0])
    told = {error.register: (error.before, error.after) for error in found.registers}
    assert all(told[name][1] < told[name][0] for name in (*names, "mean"))


def test_what_wires_take_is_not_made_up_for_twice() -> None:
    """Targets for wires hold shares of the weights, and the multipliers already make up for these."""
    wires = WireSettings(word_line_resistance_ohm=4.0, bit_line_resistance_ohm=4.0)
    chip, network = faulty(wires=wires), random_network(5, SKETCH)
    device = SimulatedChip(chip, contract.KEY, 1)
    tailored = deploy(TailoredCompiler(network, chip), device, {}, largest_error=9.0)
    assert min(share.min() for share in tailored.shares) < 0.9
    calibration = calibration_of(network)
    program = tailored.program
    wanted = network.run(calibration.inputs, calibration.lengths)
    fit = Fit(network, wanted, calibration.on(device), calibration, ALL_PARTS)
    seen: list[np.ndarray] = []

    def keep(_: Program, __: Requantize, tried: list[np.ndarray], ___: int) -> Program:
        seen.extend(tried)
        return program

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "_best_update", keep)
        fit.updates(program, 0)
    for factors in seen:
        assert np.abs(factors[np.isfinite(factors)] - 1).max() < 0.05


def test_only_digital_operations_change() -> None:
    network, chip = random_network(5, SKETCH), faulty(readout=Readout(gain_spread=0.1))
    old = compile_network(network, chip, {})
    found, _ = recalibrated(chip, network)
    changed = [
        (type(a), a.target)
        for a, b in zip(
            (*old.step, *old.end), (*found.program.step, *found.program.end), strict=True
        )
        if not same(a, b) and isinstance(a, Requantize | MatMul)
    ]
    names = [f"{name}.{n}" for n in (0, 1) for name in ("update", "kernel", "mixed", "mixing")]
    assert {target for _, target in changed} == {*names, "logits"}
    assert same(found.program.phases, old.phases)
    assert same(found.program.arrays, old.arrays)
    decoder = next(o for o in found.program.end if isinstance(o, MatMul))
    assert np.abs(decoder.weights).max() <= 127


def test_parts_that_are_not_asked_for_stay() -> None:
    network, chip = random_network(5, SKETCH), faulty(readout=Readout(gain_spread=0.1))
    parts = Parts(updates=False, mixing=False, decoder=False)
    found, _ = recalibrated(chip, network, parts)
    old = compile_network(network, chip, {})
    pairs = zip((*old.step, *old.end), (*found.program.step, *found.program.end), strict=True)
    changed = [a.target for a, b in pairs if not same(a, b) and isinstance(a, Requantize)]
    assert changed == ["kernel.0", "kernel.1"]
    nothing = Parts(updates=False, outputs=False, mixing=False, decoder=False)
    assert same(recalibrated(chip, network, nothing)[0].program, old)


def test_it_needs_the_chip_interface_alone_and_writes_nothing(tmp_path: Path) -> None:
    network = random_network(5, Sketch())
    chip = faulty(programming=GaussianProgramming(sigma_siemens=8e-6))
    found, device = recalibrated(chip, network)
    laboratory, calibration = Laboratory(device), calibration_of(network)
    program = compile_network(network, chip, {})
    again = recalibrate(program, network, calibration.on(laboratory), calibration)
    assert laboratory.diary == []
    assert same(again.program, found.program)
    assert again.registers == found.registers
    save_program(found.program, tmp_path / "program.safetensors")
    assert same(load_program(tmp_path / "program.safetensors").step, found.program.step)


def test_calibration_recordings_are_drawn_from_every_class() -> None:
    network = random_network(5, Sketch())
    labels = np.arange(30) % 3
    data = SequenceDataset(
        features=np.random.default_rng(0).normal(size=(30, 12, 4)).astype(np.float32),
        lengths=np.full(30, 12),
        labels=labels,
        names=tuple(map(str, range(30))),
        groups=("one",) * 30,
        takes=np.arange(30),
        class_names=("a", "b", "c"),
    )
    drawn = Calibration.drawn(network, data, 4, Key.root(1))
    assert np.bincount(drawn.labels).tolist() == [4, 4, 4]
    assert len(np.unique(drawn.inputs.reshape(12, -1), axis=0)) == 12
    with pytest.raises(DataError, match="11 recordings of each class"):
        Calibration.drawn(network, data, 11, Key.root(1))


def test_maps_on_arrays_are_left_and_kernels_still_come_nearer() -> None:
    law = GaussianProgramming(sigma_siemens=8e-6)
    chip = chip_with(count=12).only().model_copy(update={"programming": law})
    network = random_network(5, replace(SKETCH, parts=ON_ARRAYS), chip)
    found, _ = recalibrated(chip, network)
    assert "mean" not in {error.register for error in found.registers}
    by_name = {error.register: error for error in found.registers}
    assert by_name["kernel.0"].after < by_name["kernel.0"].before
