"""What an experiment needs, asked before anything is trained or written."""

from imssa.data import open_source
from imssa.errors import DesignRuleError
from imssa.experiment.recipe import Recipe
from imssa.mapping.layout import kernels_per_array
from imssa.mapping.packing import pack
from imssa.mapping.rules import too_small


def require_data(recipe: Recipe) -> None:
    """Refuses data of the user's that are not there or not complete.

    Raises:
        DataError: Saying what is missing and where to get it.
    """
    if recipe.data.root is not None:
        open_source(recipe.data)


def require_room(recipe: Recipe) -> None:
    """Refuses a chip that is too small; the compiler's rules would only do so after training.

    Raises:
        DesignRuleError: Naming what the network needs.
    """
    chip = recipe.chip
    lines = recipe.model.d_state + 1
    if kernels_per_array(lines, chip) < 1:
        rule = (
            f"a kernel of {recipe.model.d_state} states needs {lines} word lines and "
            f"{2 * lines} bit lines, an array of {chip.name} has {chip.arrays.word_lines} and "
            f"{chip.arrays.bit_lines}"
        )
        remedy = "Lower model.d_state, or name a chip with larger arrays."
    else:
        layers = [(recipe.model.d_model, lines)] * recipe.model.n_layers
        fault = too_small(layers, chip, recipe.layout)
        if fault is None:
            return
        rule = f"its {fault}"
        needed = pack(layers, chip, recipe.layout).arrays
        remedy = f"Lower model.d_model, set another layout, or chip.arrays.count = {needed}."
    raise DesignRuleError(given=f"recipe {recipe.name!r}", rule=rule, remedy=remedy)
