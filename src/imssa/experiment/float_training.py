"""The float network of a recipe, trained as a convolution."""

from pathlib import Path

from imssa.data import SequenceDataset
from imssa.experiment.recipe import Recipe
from imssa.experiment.stages import Features, one_thread, silent
from imssa.kernels.random import Key
from imssa.models import ModelConfig, S4DClassifier, parameter_groups
from imssa.training import Progress, fit, float_loss


@one_thread()
def train(
    recipe: Recipe,
    features: Features,
    progress: Progress = silent,
    checkpoint: Path | None = None,
    log: Path | None = None,
) -> S4DClassifier:
    """Trains the float network of a recipe.

    Args:
        recipe: The recipe.
        features: Of its data.
        progress: Told after each epoch.
        checkpoint: Where the state is kept.
        log: Where epochs are told.

    Returns:
        The network; what tells auxiliary classes is thrown away.
    """
    key = Key.root(recipe.seed).child("float")
    classes = len(features.split.train.class_names)
    model = _network(recipe, features.learned, key)
    settings = recipe.float_training
    rates = (settings.learning_rate, settings.state_space_learning_rate, settings.weight_decay)
    fit(
        model,
        float_loss(model, classes),
        parameter_groups(model, *rates),
        (features.learned, features.split.validation),
        settings,
        key=key,
        augmentation=recipe.data.augmentation,
        checkpoint=checkpoint,
        log=log,
        progress=progress,
    )
    return _for_classes(model, classes).eval()


def _network(recipe: Recipe, part: SequenceDataset, key: Key) -> S4DClassifier:
    """An untrained network for the features and classes of a part."""
    config = ModelConfig(
        **recipe.model.model_dump(),
        n_features=part.n_features,
        n_classes=len(part.class_names),
    )
    return S4DClassifier(config, key.child("start").torch())


def _for_classes(model: S4DClassifier, classes: int) -> S4DClassifier:
    """The network for the first of its classes."""
    config = model.config.model_copy(update={"n_classes": classes})
    fewer = S4DClassifier(config, Key.root(0).torch())
    held = model.state_dict()
    of_decoder = {n: held[n][:classes] for n in held if n.startswith("decoder.")}
    fewer.load_state_dict({**held, **of_decoder})
    return fewer
