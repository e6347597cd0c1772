"""What a network learns: its training part, and auxiliary recordings beside it."""

import numpy as np

from imssa.data import (
    FrontEnd,
    Normalization,
    SequenceDataset,
    load,
    load_dataset,
    open_source,
)
from imssa.data.splits import fewer
from imssa.errors import DataError
from imssa.experiment.recipe import Recipe
from imssa.kernels.random import Key
from imssa.places import AnyPath

Prepared = tuple[FrontEnd, Normalization]
"""How features are made: as those of the recipe's own data."""


def learned(
    recipe: Recipe,
    own: SequenceDataset,
    prepared: Prepared,
    key: Key,
    cache: AnyPath | None = None,
) -> SequenceDataset:
    """The training part; auxiliary recordings, if the recipe wants any, behind it.

    Their classes that are not its own have the labels from its number of classes on. Of the same data
    only what is in its training part is taken; a copy of a recording that is learned or judged anyway
    never is.

    Args:
        recipe: The recipe.
        own: Its training part.
        prepared: Front end and normalization of it.
        key: That splits the recipe's data.
        cache: Folder of the feature cache; None: none.

    Raises:
        DataError: They cannot be read, nothing is left, or they have other features than the own data.
    """
    auxiliary = recipe.auxiliary
    if not auxiliary.wanted:
        return own
    front_end, normalization = prepared
    config = auxiliary.data(recipe.data).model_copy(update={"front_end": front_end})
    if auxiliary.kind is None:
        more = load(config, key.numpy(), cache).train
    else:
        more = load_dataset(config, cache)
    known, found = (open_source(data).contents() for data in (recipe.data, config))
    taken = {*known.values()}
    more = more.subset([n for n, name in enumerate(more.names) if found[name] not in taken])
    if auxiliary.items is not None:
        more = fewer(more, auxiliary.items, key.child("auxiliary").numpy())
    _require_fitting(recipe, own, more)
    return _joined(own, normalization.apply_to(more))


def _require_fitting(recipe: Recipe, own: SequenceDataset, more: SequenceDataset) -> None:
    given = f"auxiliary recordings of {recipe.auxiliary.kind or recipe.data.kind}"
    if not len(more):
        raise DataError(
            given=given,
            rule="all of them are learned or judged anyway",
            remedy="Name further words or data under auxiliary, or leave it out.",
        )
    if more.n_features != own.n_features:
        raise DataError(
            given=f"{given} with {more.n_features} features a frame",
            rule=f"the recipe's own data have {own.n_features}",
            remedy="Name data with as many.",
        )


def _joined(own: SequenceDataset, more: SequenceDataset) -> SequenceDataset:
    """Both, padded to the longer; classes of one name are one class."""
    names = (*own.class_names, *(n for n in more.class_names if n not in own.class_names))
    of_more = np.array([names.index(name) for name in more.class_names], np.int64)
    length = max(own.features.shape[1], more.features.shape[1])
    padded = [
        np.pad(part.features, ((0, 0), (0, length - part.features.shape[1]), (0, 0)))
        for part in (own, more)
    ]
    return SequenceDataset(
        features=np.concatenate(padded),
        lengths=np.concatenate([own.lengths, more.lengths]),
        labels=np.concatenate([own.labels, of_more[more.labels]]),
        names=(*own.names, *(f"auxiliary {name}" for name in more.names)),
        groups=(*own.groups, *more.groups),
        takes=np.concatenate([own.takes, more.takes]),
        class_names=names,
    )
