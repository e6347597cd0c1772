"""The float network of a recipe, trained as a convolution; on more classes first if it asks for that."""

from pathlib import Path

import numpy as np

from imssa.data import DataConfig, Normalization, SequenceDataset, front_end_from, load, open_source
from imssa.errors import DataError
from imssa.experiment.folder import FIRST_LOG
from imssa.experiment.recipe import Recipe
from imssa.experiment.stages import Features, one_thread, silent, split_key
from imssa.kernels.random import Key
from imssa.models import ModelConfig, S4DClassifier, parameter_groups
from imssa.training import Progress, fit, float_loss

Parts = tuple[SequenceDataset, SequenceDataset]
"""Training and validation part."""


@one_thread()
def train(
    recipe: Recipe,
    features: Features,
    progress: Progress = silent,
    checkpoint: Path | None = None,
    log: Path | None = None,
) -> S4DClassifier:
    """Trains the float network of a recipe.

    With ``pretraining.words`` a network of the same size learns these first; all of it but the decoder
    is where the training starts.

    Args:
        recipe: The recipe.
        features: Of its data.
        progress: Told after each epoch.
        checkpoint: Where the state is kept; that of the pretraining beside it.
        log: Where epochs are told; those of the pretraining beside it.
    """
    key = Key.root(recipe.seed).child("float")
    parts = features.split.train, features.split.validation
    model = _network(recipe, parts[0], key)
    if recipe.pretraining.words is not None:
        more, own = pretraining_parts(recipe, features), key.child("pretraining")
        first = _network(recipe, more[0], own)
        epochs = {"epochs": recipe.pretraining.epochs}
        settings = recipe.float_training.model_copy(update=epochs)
        longer = recipe.model_copy(update={"float_training": settings})
        places = (
            checkpoint and checkpoint.with_name(f"{checkpoint.stem}-first.checkpoint"),
            log and log.with_name(FIRST_LOG),
        )
        _fit(first, longer, more, own, progress, *places)
        _start_from(model, first)
    _fit(model, recipe, parts, key, progress, checkpoint, log)
    return model.eval()


def pretraining_parts(recipe: Recipe, features: Features) -> Parts:
    """What is learned first: its words, without any recording on which the network is judged later.

    Raises:
        DataError: Nothing is left to learn from.
    """
    front_end = front_end_from(features.preparation["front_end"])
    changes = {"words": recipe.pretraining.words, "front_end": front_end, "train_items": None}
    split = load(recipe.data.model_copy(update=changes), split_key(recipe.seed).numpy())
    mean, std = (np.array(features.preparation[name], np.float32) for name in ("mean", "std"))
    judged = _judged(recipe, features)
    heard = _contents(recipe.data.model_copy(update={"words": recipe.pretraining.words}))
    left = [
        Normalization(mean, std).apply_to(
            part.subset(
                [n for n, name in enumerate(part.names) if not {name, heard[name]} & judged]
            )
        )
        for part in (split.train, split.validation)
    ]
    if not len(left[0]):
        raise DataError(
            given=f"pretraining.words = {list(recipe.pretraining.words or ())}",
            rule="no recording of these is left that the network is not judged on",
            remedy="Name further words of the data set, or leave pretraining out.",
        )
    return left[0], left[1]


def _judged(recipe: Recipe, features: Features) -> set[str | bytes]:
    """Names and contents of what the network is judged on."""
    contents = _contents(recipe.data)
    names = {*features.split.validation.names, *features.split.test.names}
    return {*names, *(contents[name] for name in names)}


def _contents(config: DataConfig) -> dict[str, bytes]:
    """Fingerprint of each item by its name."""
    source = open_source(config)
    return {
        item.name: found for item, found in zip(source.items, source.fingerprints(), strict=True)
    }


def _network(recipe: Recipe, part: SequenceDataset, key: Key) -> S4DClassifier:
    """An untrained network for the features and classes of a part."""
    config = ModelConfig(
        **recipe.model.model_dump(),
        n_features=part.n_features,
        n_classes=len(part.class_names),
    )
    return S4DClassifier(config, key.child("start").torch())


def _start_from(model: S4DClassifier, first: S4DClassifier) -> None:
    """Copies all of a network but its decoder."""
    held = {k: v for k, v in first.state_dict().items() if not k.startswith("decoder.")}
    model.load_state_dict({**model.state_dict(), **held})


def _fit(
    model: S4DClassifier,
    recipe: Recipe,
    parts: Parts,
    key: Key,
    progress: Progress,
    checkpoint: Path | None,
    log: Path | None,
) -> None:
    settings = recipe.float_training
    rates = (settings.learning_rate, settings.state_space_learning_rate, settings.weight_decay)
    fit(
        model,
        float_loss(model),
        parameter_groups(model, *rates),
        parts,
        settings,
        key=key,
        augmentation=recipe.data.augmentation,
        checkpoint=checkpoint,
        log=log,
        progress=progress,
    )
