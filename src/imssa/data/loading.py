"""From the data section of a recipe to its split data set."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from imssa.data.cache import cached_features
from imssa.data.config import DataConfig
from imssa.data.dataset import SequenceDataset
from imssa.data.kinds import KINDS
from imssa.data.recording_source import RecordingSource
from imssa.data.recordings import Recording
from imssa.data.sources import Source, wrong_front_end
from imssa.data.splits import (
    Split,
    fewer,
    split_by_speaker,
    split_fold,
    split_hash,
    split_official,
)
from imssa.places import AnyPath


def load(config: DataConfig, generator: np.random.Generator, cache: AnyPath | None = None) -> Split:
    """The split data set of a recipe, with features that are not yet normalized.

    Args:
        config: The data section.
        generator: Draws which training items become the validation part, and which are left out.
        cache: Folder of the feature cache; None: none.

    Returns:
        Training, validation and test part.

    Raises:
        DataError: Items are missing or cannot be used.
        RecipeError: The front end does not fit the items.
        OutputError: The cache cannot be written.
    """
    split = split_dataset(load_dataset(config, cache), config, generator)
    if config.train_items is None:
        return split
    return replace(split, train=fewer(split.train, config.train_items, generator))


def split_items(source: Source, config: DataConfig, generator: np.random.Generator) -> Split:
    """As ``load`` before training items are left out, without features: one zero an item.

    Raises:
        DataError: A part is empty, or the data set has no such split.
    """
    empty = np.zeros((len(source.items), 1, 1), np.float32)
    dataset = dataset_of(source, empty, np.ones(len(source.items), np.int64))
    return split_dataset(dataset, config, generator)


def split_dataset(
    dataset: SequenceDataset, config: DataConfig, generator: np.random.Generator
) -> Split:
    """A data set, split as a recipe asks.

    Raises:
        DataError: A part is empty, or the data set has no such split.
    """
    share = config.validation_share
    match config.split:
        case "official":
            return split_official(dataset, share, generator)
        case "hash":
            return split_hash(dataset, config.test_share, share, generator)
        case "speaker":
            return split_by_speaker(dataset, config.test_speakers or (), share, generator)
        case "fold":
            return split_fold(dataset, config.fold or 0, share, generator)


def load_dataset(config: DataConfig, cache: AnyPath | None = None) -> SequenceDataset:
    """The whole data set of a recipe, not split, not normalized.

    Args:
        config: The data section.
        cache: Folder of the feature cache; None: none. Values that are features already are not
            kept there.

    Raises:
        DataError: Items are missing or cannot be used.
        RecipeError: The front end does not fit the items.
        OutputError: The cache cannot be written.
    """
    source, front_end = open_source(config), config.front_end
    if cache is None or front_end.kind == "none":
        features, lengths = source.features(front_end)
    else:
        features, lengths = cached_features(
            lambda: source.features(front_end), source.digest(), front_end, Path(cache)
        )
    return dataset_of(source, features, lengths)


def dataset_of(source: Source, features: np.ndarray, lengths: np.ndarray) -> SequenceDataset:
    """Features with the names, labels and parts of the items that they were made from."""
    items, numbers = source.items, {name: i for i, name in enumerate(source.class_names)}
    features.setflags(write=False)  # so that the data set need not copy them
    return SequenceDataset(
        features=features,
        lengths=lengths,
        labels=np.array([numbers[item.label] for item in items], np.int64),
        names=tuple(item.name for item in items),
        groups=tuple(item.group for item in items),
        takes=np.array([item.take for item in items], np.int64),
        class_names=source.class_names,
        parts=tuple(item.part for item in items) if all(item.part for item in items) else (),
    )


def open_source(config: DataConfig) -> Source:
    """The items of a recipe, not yet made to features.

    Raises:
        DataError: Items are missing or cannot be used.
    """
    return KINDS[config.kind].open(config.request)


def read_recordings(config: DataConfig) -> tuple[Recording, ...]:
    """The decoded recordings of a recipe, in the order of ``load_dataset``.

    Raises:
        DataError: Recordings are missing or cannot be used.
        RecipeError: The data are no recordings.
    """
    source = open_source(config)
    if not isinstance(source, RecordingSource):
        raise wrong_front_end(config.front_end, "log-mel")
    return tuple(source.recordings())
