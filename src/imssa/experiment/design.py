"""What an experiment needs, asked before anything is trained or written."""

from imssa.data import KINDS, open_source
from imssa.errors import DataError, DesignRuleError
from imssa.experiment.own_map import own_map
from imssa.experiment.recipe import Recipe
from imssa.kernels.codes import code_max
from imssa.mapping.dense import MapShape, packed_tiles
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
    auxiliary = recipe.auxiliary
    if auxiliary.kind is not None and auxiliary.root is None and KINDS[auxiliary.kind].needs_root:
        raise DataError(
            given=f"auxiliary.kind = {auxiliary.kind!r} without auxiliary.root",
            rule="recordings of this format lie in a folder or file of yours",
            remedy="Name it: --set auxiliary.root=DIR. Or train without: --set 'auxiliary={}'.",
        )
    if auxiliary.wanted:
        try:
            open_source(auxiliary.data(recipe.data))
        except DataError as error:
            raise DataError(
                given=f"auxiliary recordings: {error.given}",
                rule=error.rule,
                remedy=f"{error.remedy} Or train without them: --set 'auxiliary={{}}'.",
            ) from error


def require_chip(recipe: Recipe) -> None:
    """The network must fit the chip, and the chip's defect map, where one is named, must be at hand.

    Raises:
        DesignRuleError: Naming what the network needs.
        FileFormatError: A map that cannot be read, or is not one of such a chip.
    """
    require_room(recipe)
    own_map(recipe.chip)


def require_room(recipe: Recipe) -> None:
    """Refuses a chip that is too small; the compiler's rules would only do so after training.

    Raises:
        DesignRuleError: Naming what the network needs.
    """
    chip = recipe.chip
    kernels, states = recipe.size_on_chip
    lines = states + 1
    if kernels_per_array(lines, chip) < 1:
        rule = (
            f"a kernel of {states} states needs {lines} word lines and "
            f"{2 * lines} bit lines, an array of {chip.name} has {chip.arrays.word_lines} and "
            f"{chip.arrays.bit_lines}"
        )
        remedy = "Lower model.d_state, or name a chip with larger arrays."
    else:
        layers = [(kernels, lines)] * recipe.model.n_layers
        maps = _arrays_of_maps(recipe)
        fault = too_small(layers, chip, recipe.layout, maps)
        if fault is None:
            return
        rule = f"its {fault}"
        needed = pack(layers, chip, recipe.layout).arrays + maps
        remedy = f"Lower model.d_model, set another layout, or chip.arrays.count = {needed}."
    raise DesignRuleError(given=f"recipe {recipe.name!r}", rule=rule, remedy=remedy)


def _arrays_of_maps(recipe: Recipe) -> int:
    """Arrays of the linear maps that are to stand on some, as far as their sizes are known by now."""
    parts, bits, lines = recipe.quantization.parts, recipe.quantization.bits, recipe.chip.arrays
    (d_model, _), features = recipe.size_on_chip, recipe.data.front_end.n_features
    sizes = {"decoder": (2, d_model)}  # two classes or more
    sizes |= {f"mixing.{n}": (d_model, d_model) for n in range(recipe.model.n_layers)}
    if features is not None:
        sizes["encoder"] = (d_model, features)
    shapes = {
        name: MapShape(*size, code_max(getattr(bits, name.split(".")[0])), lines.word_lines)
        for name, size in sizes.items()
        if getattr(parts, name.split(".")[0]) == "analog"
    }
    tiles = packed_tiles(shapes, recipe.chip, 0)
    return max((tile.array + 1 for tile in tiles), default=0)
