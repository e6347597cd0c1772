"""The integer network of a recipe, trained in codes."""

from pathlib import Path

import torch

from imssa.experiment.recipe import Recipe
from imssa.experiment.stages import Features, one_thread, silent, tensors
from imssa.kernels.random import Key
from imssa.models import S4DClassifier, pruned
from imssa.quantization.prepare import prepare
from imssa.quantization.prepared import PreparedClassifier
from imssa.training import Progress, fit, quantized_groups, taught_loss


@one_thread()
def quantize(
    recipe: Recipe,
    model: S4DClassifier,
    features: Features,
    progress: Progress = silent,
    checkpoint: Path | None = None,
    log: Path | None = None,
) -> PreparedClassifier:
    """Trains the network in codes, with the float network, pruned, as start, and whole as teacher.

    Auxiliary recordings are learned here too: of classes that are not its own, what the teacher says.

    Returns:
        The trained network in codes; `convert` freezes it. Without epochs: as calibration made it
        (post-training quantization).
    """
    split = features.split
    key = Key.root(recipe.seed).child("quantized", recipe.quantization.realization)
    prepared = prepare(
        pruned(model, recipe.pruning, *tensors(split.train), torch.tensor(split.train.labels)),
        recipe.quantization,
        recipe.chip,
        *tensors(split.train),
        class_names=split.train.class_names,
        preparation=features.preparation,
    )
    settings = recipe.quantized_training
    if settings.epochs == 0:
        return prepared.eval()
    fit(
        prepared,
        taught_loss(prepared, model, settings),
        quantized_groups(prepared, settings),
        (features.learned, split.validation),
        settings,
        key=key,
        augmentation=recipe.data.augmentation,
        after_step=prepared.project,
        checkpoint=checkpoint,
        log=log,
        progress=progress,
    )
    return prepared.eval()
