"""The stages as functions: comparisons that can fail, effects, one kernel in floats."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import torch

from imssa.crossbar.trace import require_chip
from imssa.data import SequenceDataset
from imssa.errors import DataError, DesignRuleError, RecipeError
from imssa.evaluation import STAGES as WATERFALL
from imssa.evaluation import load_pictures
from imssa.experiment.checks import check_path, check_program
from imssa.experiment.design import require_data, require_room
from imssa.experiment.float_training import train
from imssa.experiment.pictures import float_recurrence, liveliest
from imssa.experiment.quantized_training import quantize
from imssa.experiment.recipe import load_recipe
from imssa.experiment.results import effects_in_words
from imssa.experiment.stages import (
    EFFECTS,
    Comparison,
    batches,
    compare_codes,
    float_answers,
    load_features,
)
from imssa.hardware import EFFECTS as CHIP_EFFECTS
from imssa.hardware import load_chip, preset_names
from imssa.models import ModelConfig, S4DClassifier
from imssa.program import load_program
from imssa.quantization.convert import convert, load_network
from imssa.quantization.network import QuantizedNetwork
from tests.cli.calls import SETTINGS

LENGTHS = np.array([2, 3])


NAMES = ("state", "answer")


def codes() -> dict[str, np.ndarray]:
    return {"state": np.arange(24).reshape(2, 3, 4), "answer": np.array([[0], [1]])}


def test_equal_codes_have_no_mismatch() -> None:
    assert compare_codes(NAMES, codes(), codes(), LENGTHS) == Comparison(5 * 4 + 2, 0)


def test_one_wrong_code_is_found() -> None:
    other = codes()
    other["state"][1, 2, 3] += 1
    assert compare_codes(NAMES, codes(), other, LENGTHS).mismatches == 1
    other["answer"][0] = 1
    assert compare_codes(NAMES, codes(), other, LENGTHS).mismatches == 2


def test_steps_beyond_a_sequence_do_not_count() -> None:
    other = codes()
    other["state"][0, 2] += 1
    assert compare_codes(NAMES, codes(), other, LENGTHS).mismatches == 0
    shorter = {**codes(), "state": codes()["state"][:, :2]}
    assert compare_codes(NAMES, codes(), shorter, np.array([2, 2])) == Comparison(2 * 2 * 4 + 2, 0)


def small_part(items: int) -> SequenceDataset:
    generator = np.random.default_rng(4)
    return SequenceDataset(
        features=4 * generator.standard_normal((items, 1, 3)).astype(np.float32).repeat(10, 1),
        lengths=np.full(items, 10),
        labels=np.arange(items) % 2,
        names=tuple(map(str, range(items))),
        groups=("",) * items,
        takes=np.arange(items),
        class_names=("no", "yes"),
    )


def test_batches_hold_each_item_once(monkeypatch: pytest.MonkeyPatch) -> None:
    part = small_part(7)
    assert [batch is part for batch in batches(part)] == [True]
    assert [batch.names for batch in batches(part, 30)] == [("0", "3", "6")]  # of 70 frames
    monkeypatch.setattr("imssa.experiment.stages.BATCH_FRAMES", 29)
    assert [len(batch) for batch in batches(part)] == [2, 2, 2, 1]
    assert sum((batch.names for batch in batches(part)), ()) == part.names


def test_batches_change_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    part, config = small_part(40), ModelConfig(n_features=3, n_classes=2, d_model=4)
    model = S4DClassifier(config, torch.Generator().manual_seed(1)).eval()
    answers = float_answers(model, part)
    assert 0 < answers.sum() < 40
    monkeypatch.setattr("imssa.experiment.stages.BATCH_FRAMES", 1)
    assert np.array_equal(float_answers(model, part), answers)


def test_missing_codes_are_no_agreement() -> None:
    other = codes()
    del other["state"]
    with pytest.raises(KeyError, match="state"):
        compare_codes(NAMES, codes(), other, LENGTHS)


def test_comparisons_add_up() -> None:
    assert Comparison(3, 1) + Comparison(4, 0) == Comparison(7, 1)


def test_waterfall_switches_one_effect_on_at_a_time_and_then_all() -> None:
    assert list(EFFECTS) == list(WATERFALL[2:])
    assert EFFECTS["ideal_chip"] == ()
    assert set(EFFECTS["all"]) == set(CHIP_EFFECTS)
    for chip in map(load_chip, preset_names()):
        assert chip.only(*EFFECTS["all"]) == chip


def test_effects_in_words() -> None:
    words = effects_in_words(load_chip("taox-64"))
    assert words["stuck_devices"] == "1.0% stuck high, 1.0% stuck low"
    assert words["programming_error"] == "sigma 3.23 \N{MICRO SIGN}S a device, 2.2% of the window"
    assert "new at each read" in words["read_noise"]
    assert effects_in_words(load_chip("taox-64").only()) == {}


@pytest.mark.parametrize("name", preset_names())
def test_effects_of_every_preset_have_words(name: str) -> None:
    chip = load_chip(name)
    words = effects_in_words(chip)
    assert ("programming_error" in words) == (chip.programming is not None)
    assert ("read_noise" in words) == (chip.read_noise is not None)


def test_room_for_many_layers_is_what_the_layout_needs() -> None:
    recipe = load_recipe("zero-one", ["model.n_layers=2", "chip.arrays.count=6"])
    require_room(recipe)
    with pytest.raises(DesignRuleError, match="its 18 kernels need 6 arrays"):
        require_room(load_recipe("zero-one", ["model.n_layers=2"]))


def test_errors_of_the_devices_may_differ_and_nothing_else(finished: Path) -> None:
    program = load_program(finished / "program.safetensors")
    require_chip(program, program.chip.only())
    more = program.chip.arrays.model_copy(update={"count": 9})
    require_chip(program, program.chip.model_copy(update={"arrays": more}))
    weaker = program.chip.model_copy(update={"read_voltage_volt": 0.1})
    with pytest.raises(DesignRuleError, match=r"read_voltage_volt 0\.2 and 0\.1"):
        require_chip(program, weaker)


@pytest.fixture(params=["", "realizations/direct"])
def network(request: pytest.FixtureRequest, finished: Path) -> QuantizedNetwork:
    return load_network(finished / request.param / "quantized.safetensors")


def test_kernel_in_floats_is_that_of_scipy(network: QuantizedNetwork) -> None:
    """Its answer to an impulse, from the poles and residues alone."""
    u = np.zeros(30, np.int64)
    u[0] = 50
    states, output = float_recurrence(network, 0, 1, u)
    pairs = states.reshape(len(u), -1, 2)
    layer = network.layers[0]
    modes = pairs[..., 0] + 1j * pairs[..., 1]
    poles = modes[1] / modes[0]
    for mode, pole in enumerate(poles):
        expected = scipy.signal.lfilter([1.0], [1.0, -pole], u.astype(complex)) / 50
        np.testing.assert_allclose(modes[:, mode], modes[0, mode] * expected, rtol=1e-9, atol=1e-9)
    C = layer.C[1, :, 0] - 1j * layer.C[1, :, 1]
    before = np.concatenate([np.zeros((1, len(poles))), modes[:-1]])
    np.testing.assert_allclose(output, (before @ C).real + layer.D[1] * u, rtol=1e-9, atol=1e-9)


def test_pictures_show_the_ideal_and_the_noisy_chip(finished: Path) -> None:
    pictures = load_pictures(finished / "pictures.safetensors")
    ideal, noisy = pictures.traces
    assert ideal.chip == "taox-64, no errors"
    assert noisy.chip == "taox-64, all errors on, chip 0"
    np.testing.assert_array_equal(ideal.float_states[0], noisy.float_states[0])
    (array,) = pictures.conductances
    assert array.target_siemens.shape == (64, 64)
    assert pictures.skipped == ()
    assert pictures.ir_drop is not None
    drop = pictures.ir_drop
    assert "phase 0 of the program, step " in drop.drive
    current = drop.drive_volt @ array.actual_siemens
    read = drop.ideal_ampere != 0
    assert read.any()
    np.testing.assert_allclose(drop.ideal_ampere[read], current[read], rtol=1e-9)


def test_perturbed_program_fails_its_check(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison of executor and fused simulation can fail."""
    program = load_program(finished / "program.safetensors")
    monkeypatch.setattr(
        "imssa.experiment.checks.execute",
        lambda program, chip, inputs, *rest: _executed(program, chip, -inputs, *rest),
    )
    assert not all(check.passed for check in check_program(program))


def _executed(*arguments: object) -> object:
    from imssa.crossbar import execute

    return execute(*arguments)  # type: ignore[arg-type]


def test_all_checks_of_the_run_pass_and_name_their_realization(finished: Path) -> None:
    checks = check_path(finished)
    assert all(check.passed for check in checks)
    assert {check.name.split(": ")[0] for check in checks} >= {"layer 0", "direct"}


def test_training_does_not_depend_on_the_callers_threads() -> None:
    recipe = load_recipe("zero-one", [*SETTINGS, "float_training.epochs=1"])
    features = load_features(recipe)
    threads, weights = torch.get_num_threads(), []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            weights.append(train(recipe, features).state_dict())
            assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_missing_folder_of_recordings_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    recipe = load_recipe("spoken-digits", [f"data.root={tmp_path / 'nowhere'}"])
    with pytest.raises(DataError, match="this is not a folder"):
        require_data(recipe)


def test_without_epochs_in_codes_nothing_is_learned(tmp_path: Path) -> None:
    recipe = load_recipe("zero-one", ["float_training.epochs=1", "quantized_training.epochs=0"])
    features = load_features(recipe)
    model = train(recipe, features)
    log = tmp_path / "log.jsonl"
    first = convert(quantize(recipe, model, features, log=log))
    again = convert(quantize(recipe.model_copy(update={"seed": 5}), model, features))
    assert not log.exists()
    assert np.array_equal(first.layers[0].A, again.layers[0].A)
    with pytest.raises(RecipeError, match="only training in codes may be left out"):
        load_recipe("zero-one", ["float_training.epochs=0"])


def test_the_kernel_that_is_drawn_is_the_one_that_moves_most(network: QuantizedNetwork) -> None:
    layer = network.layers[0]
    even = replace(
        layer,
        output_multiplier=np.ones_like(layer.output_multiplier),
        output_shift=np.zeros_like(layer.output_shift),
    )
    readout = np.zeros((9, len(layer.D)), np.int64)
    readout[:, 0], readout[::2, 2] = 50, 3  # much, but always the same; less, and moving
    assert liveliest(even, readout) == 2
