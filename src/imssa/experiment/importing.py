"""Layers of the public S4D code, compared with the public formula before they are kept."""

from pathlib import Path
from typing import get_args

import numpy as np

from imssa.errors import OutputError, RecipeError
from imssa.experiment.checks import LENGTH, Check, check_layer
from imssa.experiment.provenance import provenance
from imssa.models import S4D, Output, kernel, read_public_s4d, save_layers

PUBLIC_LIMIT = 1e-5


def import_layers(checkpoint: Path, out: Path, output: str, *, force: bool) -> list[Check]:
    """Reads the layers of a checkpoint, checks them and writes them.

    Args:
        checkpoint: The public parameters.
        out: The file to write.
        output: ``current`` or ``delayed``.
        force: Whether an existing file is overwritten.

    Raises:
        RecipeError: No such convention.
        OutputError: The file exists.
        FileFormatError: A checkpoint that cannot be used.
    """
    if output not in get_args(Output):
        raise RecipeError(
            given=f"--output {output}",
            rule="an output is read current or delayed",
            remedy="Name one of them.",
        )
    if out.exists() and not force:
        raise OutputError(given=str(out), rule="it exists", remedy="Use another name, or --force.")
    layers = read_public_s4d(checkpoint, output="current" if output == "current" else "delayed")
    checks = [check for name, layer in layers for check in _checks(layer, name)]
    save_layers(layers, out, {"provenance": provenance(0), "source": checkpoint.name})
    return checks


def _checks(layer: S4D, name: str) -> list[Check]:
    ours = kernel(layer.discrete(), LENGTH, "current").detach().double().numpy()
    theirs = _public_kernel(layer)
    figure = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    public = Check(f"{name}: kernel = public formula", figure, PUBLIC_LIMIT, ours.size)
    return [public, *check_layer(layer, name)]


def _public_kernel(layer: S4D) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """K_l = 2 Re sum_n C_n (exp(dt A_n) - 1)/A_n exp(dt A_n l), as S4D's minimal code has it."""
    values = {name: p.detach().double().numpy() for name, p in layer.named_parameters()}
    A = -np.exp(values["log_A_real"]) + 1j * values["A_imag"]
    C = values["C"][..., 0] + 1j * values["C"][..., 1]
    step = A * np.exp(values["log_dt"])[:, None]
    powers = np.exp(step[..., None] * np.arange(LENGTH))
    return np.asarray(2 * ((C * (np.exp(step) - 1) / A)[..., None] * powers).sum(1).real)
