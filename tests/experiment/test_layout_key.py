"""The recipe's one key for how kernels share arrays."""

import pytest

from imssa.errors import DesignRuleError, RecipeError
from imssa.experiment.design import require_room
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
