"""Whether a chip has room for a network, asked before training, and whether it fits a program."""

from typing import Any

from imssa.errors import DesignRuleError
from imssa.experiment.recipe import Recipe
from imssa.hardware import EFFECTS, ChipDescription
from imssa.mapping.layout import kernels_per_array, one_shot
from imssa.program import Program


def require_room(recipe: Recipe) -> None:
    """Refuses a chip that is too small; the compiler's rules would only do so after training.

    Raises:
        DesignRuleError: Naming what the network needs.
    """
    chip, kernels = recipe.chip, recipe.model.d_model * recipe.model.n_layers
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
        needed = one_shot(layers, chip)[-1].array + 1
        if needed <= chip.arrays.count:
            return
        rule = (
            f"its {kernels} kernels need {needed} arrays in the one-shot layout, {chip.name} has "
            f"{chip.arrays.count}"
        )
        remedy = f"Lower model.d_model, or set chip.arrays.count = {needed}."
    raise DesignRuleError(given=f"recipe {recipe.name!r}", rule=rule, remedy=remedy)


def require_same_chip(program: Program, chip: ChipDescription, name: str) -> None:
    """Refuses a chip that a program was not compiled for; only the devices' errors may differ.

    Args:
        program: The program.
        chip: What it is to run on.
        name: The program's file.

    Raises:
        DesignRuleError: Naming every difference.
    """
    ours, theirs = (_fixed(c) for c in (program.chip, chip))
    faults = [f"{key} {ours[key]} and {theirs[key]}" for key in ours if ours[key] != theirs[key]]
    if len(program.arrays) > chip.arrays.count:
        faults.append(f"it uses {len(program.arrays)} arrays of {chip.arrays.count}")
    if faults:
        raise DesignRuleError(
            given=f"{name}, compiled for {program.chip.name}, on {chip.name}",
            rule=f"program and chip differ in: {'; '.join(faults)}",
            remedy="Compile the network for this chip.",
        )


def _fixed(chip: ChipDescription) -> dict[str, Any]:
    """What the codes of a program rely on: all but names, errors and the number of arrays."""
    left_out = {"name", "source", "age_seconds", *EFFECTS}
    fixed: dict[str, Any] = {}
    for key, value in chip.model_dump(mode="json", exclude=left_out).items():
        parts = value if isinstance(value, dict) else {None: value}
        fixed |= {f"{key}.{name}" if name else key: inner for name, inner in parts.items()}
    del fixed["arrays.count"]
    return fixed
