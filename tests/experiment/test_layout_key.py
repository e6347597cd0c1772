"""The recipe's one key for how kernels share arrays."""

import json
from pathlib import Path

import pytest

from imssa.errors import DesignRuleError, FileFormatError, RecipeError
from imssa.experiment.design import require_chip, require_room
from imssa.experiment.recipe import load_recipe


@pytest.mark.parametrize(
    ("layout", "arrays"), [('"one-shot"', 21), ('"phased"', 3), ('"fewest-phases"', 21), ("7", 5)]
)
def test_a_layout_decides_how_many_arrays_a_chip_needs(layout: str, arrays: int) -> None:
    def require(count: int) -> None:
        changes = ["data.root=x", f"layout={layout}", f"chip.arrays.count={count}"]
        require_room(load_recipe("spoken-digits", changes))

    require(arrays)
    with pytest.raises(DesignRuleError, match=rf"chip.arrays.count = {arrays}\.") as caught:
        require(arrays - 1)
    assert f"its 63 kernels need {arrays} arrays in" in str(caught.value)


def test_the_key_survives_the_resolved_recipe() -> None:
    assert load_recipe("zero-one").layout == "one-shot"
    assert 'layout = "phased"' in load_recipe("zero-one", ["layout=phased"]).to_toml()


@pytest.mark.parametrize("layout", ["0", "true", "2.5", '"dense"'])
def test_other_layouts_are_refused(layout: str) -> None:
    with pytest.raises(RecipeError, match="layout"):
        load_recipe("zero-one", [f"layout={layout}"])


def test_fewer_phases_than_layers_are_refused() -> None:
    recipe = load_recipe("zero-one", ["layout=1", "model.n_layers=2"])
    with pytest.raises(DesignRuleError, match="2 layers take"):
        require_room(recipe)


@pytest.mark.parametrize("layout", [0, -3, "sideways", 1.5, True])
def test_a_wrong_layout_is_one_fault_in_plain_words(layout: object) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("zero-one", [f"layout={json.dumps(layout)}"])
    assert "1 fault" in str(caught.value)
    assert "one-shot, phased, fewest-phases, or the most phases of a time step" in str(caught.value)


def test_a_missing_defect_map_is_noticed_before_training(tmp_path: Path) -> None:
    changes = [f"chip.defect_map={json.dumps(str(tmp_path / 'none.npz'))}", "chip.stuck=off"]
    recipe = load_recipe("zero-one", changes)
    with pytest.raises(FileFormatError, match="cannot be read"):
        require_chip(recipe)


def test_arrays_of_linear_maps_are_asked_for_before_training() -> None:
    parts = [f'quantization.parts.{part}="analog"' for part in ("encoder", "mixing", "decoder")]

    def require(count: int) -> None:
        changes = ["data.root=x", "layout=one-shot", f"chip.arrays.count={count}", *parts]
        require_room(load_recipe("spoken-digits", changes))

    require(25)  # as many as the compiler takes
    with pytest.raises(
        DesignRuleError, match=r"63 kernels need 21 arrays .* and its linear maps 4"
    ):
        require(24)
