"""A split for data as they lie: the first that leaves items of every class in all three parts."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from imssa.data.config import DataConfig
from imssa.data.dataset import SequenceDataset
from imssa.data.kinds import KINDS
from imssa.data.loading import open_source, split_items
from imssa.data.sources import Source
from imssa.data.splits import Split, least_heard
from imssa.errors import DataError

TEST_SHARES: Final = (0.2, 0.3, 0.4)
VALIDATION_SHARES: Final = (0.1, 0.2, 0.3)
LARGEST_TEST: Final = 0.6
LARGEST_FACTOR: Final = 2.0
"""Where speakers are few, a hash of them may take this many times more or fewer items than were asked for."""


@dataclass(frozen=True, eq=False)
class SuggestedSplit:
    """A split that can be made.

    Attributes:
        config: The data as they are split; without a pattern of speakers where none are kept apart.
        source: Their items.
        split: The parts, without features.
        keys: What a recipe says of the split.
    """

    config: DataConfig
    source: Source
    split: Split
    keys: dict[str, Any]

    @property
    def tested_apart(self) -> bool:
        """Whether it is known who is heard, and that nobody who is tested is trained on."""
        return _apart(self.split.test, self.split.train)

    @property
    def validated_apart(self) -> bool:
        """Whether nobody who is validated is trained on."""
        return _apart(self.split.validation, self.split.train)


def suggested_split(
    config: DataConfig, source: Source, generator: np.random.Generator
) -> SuggestedSplit | None:
    """The first split that leaves items of every class in all three parts; None: none does.

    Tried in this order: the published one; a hash of the speakers, where it gives each part speakers of its
    own and about the shares that were asked for; one to some speakers left out; any hash of the speakers; a
    hash of names.

    Args:
        config: The data; its own split is not looked at.
        source: Their items.
        generator: Draws the validation part, as in ``load``; it is left as it was.
    """
    for keys, even in _candidates(config, source):
        made = config.model_copy(update=keys)
        split = _whole(source, made, deepcopy(generator))
        if split is not None and (not even or _even(split, made)):
            return SuggestedSplit(made, source, split, keys)
    if config.speaker_pattern is None:
        return None
    loose = config.model_copy(update={"speaker_pattern": None})
    return suggested_split(loose, open_source(loose), generator)


def _candidates(config: DataConfig, source: Source) -> Iterator[tuple[dict[str, Any], bool]]:
    """Keys of splits, and whether their parts must be even."""
    splits, groups = KINDS[config.kind].splits, [item.group for item in source.items]
    if "official" in splits:
        for share in VALIDATION_SHARES:
            yield {"split": "official", "validation_share": share}, False
    if all(groups) and "hash" in splits:
        yield from ((keys, True) for keys in _hashed())
    known = [group for group in groups if group]
    if len(set(known)) > 1 and "speaker" in splits:
        left_out = least_heard(known)
        for share in VALIDATION_SHARES:
            keys = {"split": "speaker", "test_speakers": left_out, "validation_share": share}
            yield keys, False
    if "hash" in splits:
        yield from ((keys, False) for keys in _hashed())


def _hashed() -> Iterator[dict[str, Any]]:
    for share in TEST_SHARES:
        for validation in VALIDATION_SHARES:
            yield {"split": "hash", "test_share": share, "validation_share": validation}


def _whole(source: Source, config: DataConfig, generator: np.random.Generator) -> Split | None:
    """None: it cannot be made, a class is missing from a part, or most is tested."""
    try:
        split = split_items(source, config, generator)
    except DataError:
        return None
    whole = all(len(np.unique(part.labels)) == len(source.class_names) for part in split.parts)
    return split if whole and len(split.test) <= LARGEST_TEST * len(source.items) else None


def _even(split: Split, config: DataConfig) -> bool:
    """Whether each part has speakers of its own, and about the share of the items that was asked for."""
    train, validation, test = map(len, split.parts)
    tested = test / (train + validation + test) / config.test_share
    validated = validation / (train + validation) / config.validation_share
    near = all(1 / LARGEST_FACTOR < ratio < LARGEST_FACTOR for ratio in (tested, validated))
    return near and _apart(split.validation, split.train)


def _apart(part: SequenceDataset, train: SequenceDataset) -> bool:
    return all(part.groups) and not set(part.groups) & set(train.groups)
