"""Recipes: shipped ones load, changes apply, a resolved recipe reads back as itself."""

from pathlib import Path

import pytest

from imssa.errors import RecipeError
from imssa.experiment.design import require_room
from imssa.experiment.recipe import Recipe, load_recipe
from imssa.experiment.shipped import recipe_names
from imssa.hardware import load_chip


def shipped(name: str, *changes: str) -> Recipe:
    """A shipped recipe; data that is not bundled comes from some folder."""
    return load_recipe(name, [*(["data.root=/recordings"] if name != "zero-one" else []), *changes])


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipe_loads_and_its_chip_has_room(name: str) -> None:
    recipe = shipped(name)
    assert recipe.name == name
    assert recipe.description
    require_room(recipe)


def test_shipped_zero_one_is_the_demo_of_the_issue() -> None:
    recipe = shipped("zero-one")
    assert (recipe.model.d_model, recipe.model.d_state) == (9, 8)
    assert set(recipe.quantization.bits.model_dump().values()) == {2}
    assert recipe.chip == load_chip("taox-64")
    assert recipe.chip.arrays.count == 3
    assert recipe.chip.stuck is not None
    assert recipe.chip.stuck.high_rate == recipe.chip.stuck.low_rate == 0.01
    assert recipe.evaluation.chip_instances >= 50
    assert {recipe.quantization.realization, *recipe.evaluation.compare} == {"leaky", "direct"}


@pytest.mark.parametrize("name", recipe_names())
def test_resolved_recipe_reads_back_as_itself(name: str, tmp_path: Path) -> None:
    recipe = shipped(name, "chip.stuck=off", "model.dt_min=2e-3")
    path = tmp_path / "recipe.toml"
    path.write_text(recipe.to_toml(), encoding="utf-8")
    assert load_recipe(path) == recipe
    assert load_recipe(path).to_toml() == recipe.to_toml()


def test_changes_are_toml_or_text() -> None:
    recipe = shipped(
        "zero-one",
        "seed=7",
        "description=two words",
        'evaluation.compare=["direct", "incremental"]',
        "data.validation_share = 0.2",
        "quantization.noise.read_noise=false",
    )
    assert recipe.seed == 7
    assert recipe.description == "two words"
    assert recipe.evaluation.compare == ("direct", "incremental")
    assert recipe.data.validation_share == 0.2
    assert not recipe.quantization.noise.read_noise


def test_chip_is_a_preset_with_changes() -> None:
    chip = shipped("zero-one", "chip.stuck.high_rate=0.05", "chip.read_noise=off").chip
    assert chip.stuck is not None
    assert (chip.stuck.high_rate, chip.stuck.low_rate) == (0.05, 0.01)
    assert chip.read_noise is None
    assert chip.programming == load_chip("taox-64").programming


def test_another_law_replaces_the_whole_of_the_preset() -> None:
    change = 'chip.programming={law = "uniform", tolerance_siemens = 5e-6}'
    chip = shipped("zero-one", change).chip
    assert chip.programming is not None
    assert chip.programming.model_dump() == {"law": "uniform", "tolerance_siemens": 5e-6}


def test_realization_is_exchanged() -> None:
    recipe = shipped("zero-one")
    other = recipe.with_realization("direct")
    assert other.quantization.realization == "direct"
    assert other.quantization.model_copy(update={"realization": "leaky"}) == recipe.quantization


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("sed", "seed"),
        ("model.d_stat", "model.d_state"),
        ("data.front_end.n_mel", "data.front_end.n_mels"),
        ("quantization.bits.mixin", "quantization.bits.mixing"),
        ("chip.presets", "chip.preset"),
        ("chip.arrays.counts", "chip.arrays.count"),
        ("chip.stuck.high", "chip.stuck.high_rate"),
        ("chip.read_noise.slop", "chip.read_noise.slope"),
    ],
)
def test_unknown_key_names_the_nearest(key: str, nearest: str) -> None:
    with pytest.raises(RecipeError, match=f"{key}: unknown key; did you mean {nearest}\\?"):
        shipped("zero-one", f"{key}=1")


def test_unknown_key_like_nothing() -> None:
    with pytest.raises(RecipeError, match="  - qqqq: unknown key\n"):
        shipped("zero-one", "qqqq=1")


def test_missing_chip(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\n')
    with pytest.raises(RecipeError, match=r"1 fault\n  - chip: Field required"):
        load_recipe(path)


def test_recipe_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match="it is no text"):
        load_recipe(path)
