"""A small network, its program, a plausible report and plausible pictures."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imssa.evaluation import (
    Accuracies,
    ConductanceMap,
    Confusion,
    Contract,
    InstanceAccuracy,
    KernelTrace,
    Pictures,
    Poles,
    Provenance,
    RealizationReport,
    Report,
    Stage,
    accuracy,
    confusion_matrix,
    make_report,
    measure_resources,
    measure_size,
    paired_loss,
    waterfall,
)
from imssa.hardware import load_chip
from imssa.hardware.pairs import pair_targets
from imssa.kernels.codes import snap_gain
from imssa.mapping import compile_network
from imssa.models import ModelConfig
from imssa.program import Program
from imssa.quantization.network import IntegerLayer, IntegerLinear, QuantizedNetwork, Widths

Ints = NDArray[np.int64]
CONFIG = ModelConfig(n_features=5, n_classes=2, d_model=9, d_state=8)
ITEMS, CHIPS = 60, 50


def _linear(outputs: int, inputs: int, draw: np.random.Generator) -> IntegerLinear:
    multiplier, shift = snap_gain(draw.uniform(0.01, 2.0, outputs), 15)
    weights = draw.integers(-1, 2, (outputs, inputs))
    return IntegerLinear(weights, draw.integers(-99, 99, outputs), multiplier, shift)


def _layer(config: ModelConfig, draw: np.random.Generator) -> IntegerLayer:
    d, modes = config.d_model, config.d_state // 2
    turn = np.stack([np.full((d, modes), -1), draw.integers(-1, 2, (d, modes))])
    A = np.array([[turn[0], -turn[1]], [turn[1], turn[0]]]).transpose(2, 3, 0, 1)
    gains = snap_gain(draw.uniform(0.5, 2.0, d), 15)
    ones = np.ones((d, modes), np.int64)
    return IntegerLayer(
        A=np.ascontiguousarray(A),
        B=draw.integers(-1, 2, (d, modes, 2)),
        C=draw.integers(-1, 2, (d, modes, 2)),
        D=draw.integers(-1, 2, d),
        state_line_max=1,
        output_line_max=1,
        full_scale=np.full((d, 2 * modes + 1), 4),
        full_scale_shift=np.zeros((d, 2 * modes + 1), np.int64),
        multiplier=ones,
        shift=-4 * ones,
        k=5 * ones,
        output_multiplier=gains[0],
        output_shift=gains[1],
        activation="identity",
        activation_step=1.0,
        table=np.arange(-127, 128),
        mixing=_linear(d, d, draw),
        residual_multiplier=gains[0],
        residual_shift=gains[1],
    )


@cache
def make_network(
    realization: str = "leaky", output: str = "delayed", config: ModelConfig = CONFIG
) -> QuantizedNetwork:
    draw = np.random.default_rng(7)
    return QuantizedNetwork(
        encoder=_linear(config.d_model, config.n_features, draw),
        layers=tuple(_layer(config, draw) for _ in range(config.n_layers)),
        decoder=_linear(config.n_classes, config.d_model, draw),
        widths=Widths(realization, output, 8, 8, 8, 20, 8),
        input_step=0.1,
        max_length=64,
        class_names=("zero", "one"),
        preparation={},
        config={"bits": dict.fromkeys(("A", "B", "C", "D", "encoder", "mixing", "decoder"), 2)},
    )


@cache
def make_program(
    realization: str = "leaky", output: str = "delayed", config: ModelConfig = CONFIG
) -> Program:
    network = make_network(realization, output, config)
    return compile_network(network, load_chip("taox-64"), {})


def _answers(labels: Ints, wrong: float, spread: float, chips: int, seed: int) -> Ints:
    draw = np.random.default_rng(seed)
    rates = np.clip(wrong + spread * draw.normal(size=(chips, 1)), 0, 1)
    return np.where(draw.random((chips, len(labels))) < rates, 1 - labels, labels)


def _matrix(answers: Ints, labels: Ints) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in confusion_matrix(answers, labels, 2).tolist())


def make_realization(name: str, harm: float, chips: int = CHIPS) -> RealizationReport:
    labels = np.repeat([0, 1], ITEMS // 2)
    right = labels.copy()
    answers: dict[Stage, Ints] = {
        "software": right,
        "quantized": np.where(np.arange(ITEMS) == 3, 1 - right, right),
        "ideal_chip": np.where(np.arange(ITEMS) == 3, 1 - right, right),
        "programming_error": _answers(labels, 0.2 * harm + 0.01, 0.01, chips, 1),
        "read_noise": _answers(labels, 0.1 * harm + 0.01, 0.0, chips, 2),
        "stuck_devices": _answers(labels, harm, harm, chips, 3),
        "all": _answers(labels, 1.2 * harm, harm, chips, 4),
    }
    program, chip = make_program(name), np.atleast_2d(answers["all"])
    return RealizationReport(
        accuracy=Accuracies(
            float=accuracy(answers["software"], labels),
            quantized=accuracy(answers["quantized"], labels),
            ideal_chip=accuracy(answers["ideal_chip"], labels),
            chip=InstanceAccuracy.from_answers(chip, labels),
        ),
        loss=paired_loss(answers["software"], chip, labels),
        contract=Contract(codes_compared=1_234_567, mismatches=0),
        waterfall=waterfall(answers, labels),
        confusion=Confusion(software=_matrix(right, labels), chip=_matrix(chip, labels)),
        size=measure_size(CONFIG, make_network(name), program),
        resources=measure_resources(program),
    )


def run_fields(**changes: Any) -> dict[str, Any]:
    """The fields of a report that are not numbers of a realization."""
    fields = {
        "recipe": {
            "name": "zero-one",
            "seed": 1,
            "data": {"root": None, "words": ["zero", "one"]},
            "model": {"d_model": 9},
        },
        "provenance": Provenance(
            version="0.1.0",
            commit="0123456789abcdef0123456789abcdef01234567",
            seed=1,
            python="3.13.1",
            torch="2.13.0",
            platform="Linux-6.1-x86_64",
            command="imssa run zero-one --out out/demo --seed 1",
            packages={"numpy": "2.3.0"},
        ),
        "class_names": ("zero", "one"),
        "test_items": ITEMS,
        "chip_instances": CHIPS,
        "chip_name": "taox-64",
        "effects": {"stuck_devices": "1.0 % stuck high, 1.0 % stuck low"},
        "not_modelled": ("wire resistance (IR drop)", "drift with time"),
        "seconds": {"train": 12.3, "quantize": 34.5, "simulate": 6.7},
    }
    return fields | changes


def make_sample(**changes: Any) -> Report:
    parts = {"leaky": make_realization("leaky", 0.03), "direct": make_realization("direct", 0.15)}
    return make_report("leaky", parts, **run_fields(**changes))


def make_trace(*, states: int = 8, **words: str) -> KernelTrace:
    length = 60
    steps = np.arange(length)
    rates = 0.15 * (1 + np.arange(states))
    clean = np.sin(np.outer(steps, rates)) * np.exp(-steps / 40)[:, None] * 80
    noise = np.random.default_rng(1).normal(0, 4, (length, states + 1))
    text = {
        "kernel": "kernel 0 of layer 0",
        "sequence": "0_george_3",
        "chip": "taox-64, all errors on, chip 0",
        "unit": "DAC steps",
    }
    return KernelTrace(
        **(text | words),
        steps=steps,
        float_states=clean,
        chip_states=clean + noise[:, 1:],
        float_output=clean.sum(1),
        chip_output=clean.sum(1) + noise[:, 0],
    )


def make_map(program: Program, number: int) -> ConductanceMap:
    draw = np.random.default_rng(number)
    contents = program.arrays[number]
    target = pair_targets(contents.codes, contents.siemens_per_step)
    target[~np.repeat(contents.written, 2, axis=1)] = np.nan
    off = 1e-6 * np.exp(0.8 + 1.1 * draw.normal(size=target.shape))
    actual = np.where(np.isnan(target), off, target + draw.normal(0, 3e-6, target.shape))
    defects = draw.choice(np.array([0, 1, -1], np.int8), target.shape, p=(0.98, 0.01, 0.01))
    actual = np.where(defects > 0, 150e-6, np.where(defects < 0, 0.0, np.abs(actual)))
    return ConductanceMap(number, "taox-64, chip 0", target, actual, defects, 150e-6)


def make_poles() -> Poles:
    draw = np.random.default_rng(3)
    angle, decay = draw.uniform(0, 0.6, 36), draw.uniform(0.005, 0.2, 36)
    poles = np.exp(-decay + 1j * angle)
    return Poles("leaky", poles, np.round(poles * 32) / 32)


def make_pictures(**words: str) -> Pictures:
    program = make_program()
    traces = (make_trace(states=8, **words), make_trace(chip="taox-64, no errors"))
    arrays = tuple(make_map(program, number) for number in range(len(program.arrays)))
    return Pictures(traces, arrays, make_poles())
