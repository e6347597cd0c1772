"""What determines a stage: all that changes it, and nothing else."""

from typing import Any

import numpy as np
import pytest

from imssa.experiment.float_training import train
from imssa.experiment.quantized_training import quantize
from imssa.experiment.recipe import Recipe, load_recipe, recipe_content, recipe_with
from imssa.experiment.stages import load_features
from imssa.hardware import EFFECTS
from imssa.quantization.convert import convert
from imssa.study.determined import (
    ONLY_NAMES,
    Section,
    answers_section,
    float_section,
    identity,
    program_section,
    quantized_section,
    recipe_of,
)
from imssa.study.schedule import trainings
from imssa.study.trials import planned
from tests.study.tiny import SETTINGS, SIGMA, study


def identities(recipe: Section) -> dict[str, str]:
    """Hashes of all stages of a recipe's content, the chip measured as it is trained for."""
    chip = recipe["chip"]
    return {
        "float": identity("float", float_section(recipe)),
        "quantized": identity("quantized", quantized_section(recipe)),
        "program": identity("program", program_section(recipe, chip)),
        "answers": identity("answers", answers_section(chip)),
    }


def leaves(content: Any, prefix: str = "") -> list[str]:
    if isinstance(content, dict) and content:
        return [k for name, v in content.items() for k in leaves(v, f"{prefix}{name}.")]
    return [prefix.removesuffix(".")]


def with_other(content: Section, key: str) -> Section:
    """The content with one leaf changed to something else."""
    *path, last = key.split(".")
    changed = {**content}
    inner = changed
    for part in path:
        inner[part] = {**inner[part]}
        inner = inner[part]
    inner[last] = ["another", inner[last]]
    return changed


def whole_recipe() -> Section:
    recipe = recipe_with(recipe_content("zero-one"), {}, "zero-one").model_dump(mode="json")
    recipe["chip"] |= {"drift": {"law": "x"}, "dead_lines": {"word_line_rate": 0.1}}
    recipe["chip"] |= {"readout": {"gain": 0.1}}
    return recipe


def test_every_key_changes_a_stage_or_is_a_name() -> None:
    recipe = whole_recipe()
    before = identities(recipe)
    keys = leaves(recipe)
    assert len(keys) > 80
    silent = set()
    for key in keys:
        if key == "chip.defect_map":  # its content counts, not its path
            continue
        if identities(with_other(recipe, key)) == before:
            silent.add(key)
    assert silent == ONLY_NAMES


def changed_stages(key: str) -> set[str]:
    recipe = whole_recipe()
    before, after = identities(recipe), identities(with_other(recipe, key))
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("key", "stages"),
    [
        ("data.augmentation.time_shift_frames", {"float", "quantized", "program"}),
        ("model.d_state", {"float", "quantized", "program"}),
        ("quantization.bits.A", {"quantized", "program"}),
        ("quantized_training.epochs", {"quantized", "program"}),
        ("pruning.d_model", {"quantized", "program"}),
        ("chip.converters.adc_bits", {"quantized", "program"}),
        ("chip.programming.sigma_siemens", {"quantized", "program", "answers"}),
        ("chip.stuck.high_rate", {"answers"}),
        ("chip.wires.word_line_resistance_ohm", {"answers"}),
        ("chip.off_state.log_sigma", {"answers"}),
        ("chip.age_seconds", {"answers"}),
        ("chip.arrays.count", {"program"}),
        ("chip.arrays.word_lines", {"program"}),
        ("chip.phase_seconds", {"program"}),
        ("layout", {"program"}),
    ],
)
def test_which_stages_see_a_key(key: str, stages: set[str]) -> None:
    assert changed_stages(key) >= stages
    assert "float" in stages or "float" not in changed_stages(key)
    assert changed_stages(key) == stages or key.startswith("data.")


def test_training_sees_read_noise_only_where_it_is_drawn() -> None:
    recipe = whole_recipe()
    for drawn in (True, False):
        recipe["quantization"]["noise"]["read_noise"] = drawn
        before = identities(recipe)["quantized"]
        after = identities(with_other(recipe, "chip.read_noise.slope"))["quantized"]
        assert (before != after) is drawn


def test_one_training_serves_many_measured_chips() -> None:
    axes = {SIGMA: [0.0, 1e-6, 2e-6, 5e-6, 1e-5], "measured.chip.stuck.high_rate": [0.0, 0.1]}
    found = study(axes=axes)
    groups = [
        group
        for point in found.points
        for _, group in planned(point, found.subject(point), found.config.measure)
    ]
    needed = trainings(groups)
    assert [t.quantized for t in needed] == [False, True]
    assert len({t for g in groups for t in g.trials.values()}) == 10 * 2 * 4 + 3
    assert len({g.subject.ids["program"] for g in groups}) == 1


def test_training_for_another_error_is_another_training() -> None:
    found = study(axes={"chip.programming.sigma_siemens": [0.0, 1e-5]})
    ids = [found.subject(point).ids for point in found.points]
    assert ids[0]["float"] == ids[1]["float"]
    assert ids[0]["quantized"] != ids[1]["quantized"]


def arrays_of(recipe: Recipe, of_float: Section, of_quantized: Section) -> list[Any]:
    """All weights of both trainings, each from a recipe of its own."""
    features = load_features(recipe)
    model = train(recipe_of(of_float) if of_float else recipe, features)
    network = convert(
        quantize(recipe_of(of_quantized) if of_quantized else recipe, model, features)
    )
    layer = network.layers[0]
    found = [p.detach().numpy() for p in model.parameters()]
    return [*found, layer.A, layer.B, layer.C, layer.D, layer.multiplier, layer.mixing.weights]


@pytest.mark.slow
@pytest.mark.parametrize("mixing", ["digital", "analog"])
def test_what_a_training_may_not_see_it_does_not_need(mixing: str) -> None:
    settings = {**SETTINGS, "quantization.parts.mixing": mixing, "chip.arrays.count": 4}
    recipe = recipe_with(recipe_content("zero-one"), settings, "tiny")
    content = recipe.model_dump(mode="json")
    whole = arrays_of(recipe, {}, {})
    reduced = arrays_of(recipe, float_section(content), quantized_section(content))
    for a, b in zip(whole, reduced, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_plain_recipe_is_one() -> None:
    recipe = load_recipe("zero-one").model_dump(mode="json")
    chip = recipe_of(quantized_section(recipe)).chip
    assert chip.programming == load_recipe("zero-one").chip.programming
    assert all(getattr(chip, e) is None for e in EFFECTS if e not in {"programming", "read_noise"})
