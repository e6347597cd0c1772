"""From the data section of a recipe to its split data set."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from imssa.data.cache import cached_features
from imssa.data.config import DataConfig
from imssa.data.dataset import SequenceDataset
from imssa.data.kinds import KINDS
from imssa.data.recordings import Recording, RecordingFile, decode, digest
from imssa.data.splits import Split, split_by_speaker, split_fold, split_official


def load(config: DataConfig, generator: np.random.Generator, cache: Path | None = None) -> Split:
    """The split data set of a recipe, with features that are not yet normalized.

    Args:
        config: The data section.
        generator: Draws which training recordings become the validation part.
        cache: Folder of the feature cache; None: none.

    Returns:
        Training, validation and test part.

    Raises:
        DataError: Recordings are missing or cannot be used.
        RecipeError: The front end does not fit the recordings.
        OutputError: The cache cannot be written.
    """
    dataset = load_dataset(config, cache)
    share = config.validation_share
    match config.split:
        case "official":
            return split_official(dataset, share, generator)
        case "speaker":
            return split_by_speaker(dataset, config.test_speakers or (), share, generator)
        case "fold":
            return split_fold(dataset, config.fold or 0, share, generator)


def load_dataset(config: DataConfig, cache: Path | None = None) -> SequenceDataset:
    """The whole data set of a recipe, not split, not normalized.

    Args:
        config: The data section.
        cache: Folder of the feature cache; None: none.

    Raises:
        DataError: Recordings are missing or cannot be used.
        RecipeError: The front end does not fit the recordings.
        OutputError: The cache cannot be written.
    """
    files = _files(config)
    features, lengths = cached_features(
        _decoded(files, config), digest(files), config.front_end, cache
    )
    words = config.chosen_words
    return SequenceDataset(
        features=features,
        lengths=lengths,
        labels=np.array([words.index(file.label) for file in files], np.int64),
        names=tuple(file.name for file in files),
        groups=tuple(file.speaker for file in files),
        takes=np.array([file.take for file in files], np.int64),
        class_names=words,
    )


def read_recordings(config: DataConfig) -> tuple[Recording, ...]:
    """The decoded recordings of a recipe, in the order of ``load_dataset``.

    Raises:
        DataError: Recordings are missing or cannot be used.
    """
    return tuple(_decoded(_files(config), config))


def _files(config: DataConfig) -> tuple[RecordingFile, ...]:
    return KINDS[config.kind].read(config.root, config.chosen_words)


def _decoded(files: tuple[RecordingFile, ...], config: DataConfig) -> Iterator[Recording]:
    rate_hertz = KINDS[config.kind].rate_hertz
    return (decode(file, rate_hertz) for file in files)
