"""Splits into training, validation and test parts; nothing lies in two of them."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Int64

from imssa.data.dataset import SequenceDataset
from imssa.errors import DataError

FOLDS: Final = 10
TAKES_PER_FOLD: Final = 5


@dataclass(frozen=True, eq=False)
class Split:
    """The three parts of a data set.

    Args:
        train: What training sees; at least one item.
        validation: What choices are made on; may be empty.
        test: What results are measured on, and nothing else; at least one item.

    Raises:
        DataError: An item lies in two parts, training or test part is empty, or the parts have
            different classes or features.
    """

    train: SequenceDataset
    validation: SequenceDataset
    test: SequenceDataset

    def __post_init__(self) -> None:
        _check_disjoint(self)
        _check_filled(self)
        _check_alike(self)

    @property
    def parts(self) -> tuple[SequenceDataset, SequenceDataset, SequenceDataset]:
        """Training, validation and test part."""
        return self.train, self.validation, self.test


def split_official(
    dataset: SequenceDataset, validation_share: float, generator: np.random.Generator
) -> Split:
    """The split that was published with the data.

    Args:
        dataset: The data set; its ``parts`` are that split.
        validation_share: Share of the training items that becomes the validation part; not used
            where a validation part was published too.
        generator: Draws which ones.

    Raises:
        DataError: There is no such split, a part is empty, or the share is not in 0 to 1.
    """
    if not dataset.parts:
        raise DataError(
            given="split = 'official'",
            rule="no split was published with these data",
            remedy="Set split = 'hash'.",
        )
    parts = np.array(dataset.parts, dtype=str)
    return _split(dataset, parts == "test", validation_share, generator, parts == "validation")


def split_hash(
    dataset: SequenceDataset,
    test_share: float,
    validation_share: float,
    generator: np.random.Generator,
) -> Split:
    """Tests on the groups (speakers), or items without a group, whose names hash low.

    An item is tested if the first eight bytes of the SHA-256 of its group's name (its own name, if
    it has no group), divided by 2^64, lie below ``test_share``. So an item stays in its part
    whatever else is added or left out, and all of a group lie in one part. Groups
    are drawn for validation in the same way from the next ``validation_share`` of the rest.

    Args:
        dataset: The data set.
        test_share: Share of the groups that is tested.
        validation_share: Share of the other groups that becomes the validation part.
        generator: Draws the validation part of items that have no group.

    Raises:
        DataError: A part is empty, or a share is not in 0 to 1.
    """
    keys = [group or name for group, name in zip(dataset.groups, dataset.names, strict=True)]
    places = np.array([_place(key) for key in keys])
    test = places < test_share
    if not all(dataset.groups):
        return _split(dataset, test, validation_share, generator)
    validation = ~test & (places < test_share + (1 - test_share) * validation_share)
    return _split(dataset, test, validation_share, generator, validation)


def _place(key: str) -> float:
    """A number from 0 to 1 that depends on a name alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64


def fewer(dataset: SequenceDataset, items: int, generator: np.random.Generator) -> SequenceDataset:
    """At most so many items, of each class about as many, in the order they had."""
    if items >= len(dataset):
        return dataset
    order = generator.permutation(len(dataset))
    rank = np.empty(len(dataset), np.int64)
    for label in range(len(dataset.class_names)):
        own = order[dataset.labels[order] == label]
        rank[own] = np.arange(len(own))
    return dataset.subset(np.sort(order[np.argsort(rank[order], kind="stable")[:items]]))


def split_fold(
    dataset: SequenceDataset, fold: int, validation_share: float, generator: np.random.Generator
) -> Split:
    """One of ten folds of the recording index: fold f tests takes 5 f to 5 f + 4.

    Args:
        dataset: The data set.
        fold: 0 to 9; fold 0 is the official split of the spoken digits.
        validation_share: Share of the training recordings that becomes the validation part.
        generator: Draws which ones.

    Raises:
        DataError: There is no such fold, a part is empty, or the share is not in 0 to 1.
    """
    if not 0 <= fold < FOLDS:
        raise DataError(
            given=f"fold = {fold}",
            rule=f"there are {FOLDS} folds, counted from 0",
            remedy=f"Choose a fold from 0 to {FOLDS - 1}.",
        )
    test = dataset.takes // TAKES_PER_FOLD == fold
    return _split(dataset, test, validation_share, generator)


def split_by_speaker(
    dataset: SequenceDataset,
    test_speakers: tuple[str, ...],
    validation_share: float,
    generator: np.random.Generator,
) -> Split:
    """Tests on speakers who are in no other part.

    Args:
        dataset: The data set; its groups are the speakers.
        test_speakers: Whose recordings are the test part, in small or capital letters.
        validation_share: Share of the other recordings that becomes the validation part.
        generator: Draws which ones.

    Raises:
        DataError: A speaker is unknown, a part is empty, or the share is not in 0 to 1.
    """
    known = sorted(set(dataset.groups) - {""})
    wanted = {speaker.casefold() for speaker in test_speakers}
    there = {speaker.casefold() for speaker in known}
    unknown = [speaker for speaker in test_speakers if speaker.casefold() not in there]
    if unknown:
        raise DataError(
            given=f"test speaker {unknown[0]!r}",
            rule="the data set has no such speaker" if known else "nothing says who is heard",
            remedy=f"Choose from {', '.join(known)}." if known else "Set split = 'hash'.",
        )
    test = np.array([group.casefold() in wanted for group in dataset.groups])
    return _split(dataset, test, validation_share, generator)


def least_heard(groups: Iterable[str], share: float = 0.2) -> tuple[str, ...]:
    """As many groups as make a share of the items, those with the fewest items first.

    Example:
        >>> least_heard(["eve"] * 6 + ["ann"] * 2 + ["bob"] * 4)
        ('ann', 'bob')
    """
    heard = Counter(groups)
    chosen: list[str] = []
    for group, _ in sorted(heard.items(), key=lambda pair: (pair[1], pair[0])):
        if chosen and sum(heard[g] for g in chosen) >= share * heard.total():
            break
        chosen.append(group)
    return tuple(chosen)


def _split(
    dataset: SequenceDataset,
    test: Bool[np.ndarray, " items"],
    validation_share: float,
    generator: np.random.Generator,
    validation: Bool[np.ndarray, " items"] | None = None,
) -> Split:
    if not 0 <= validation_share < 1:
        raise DataError(
            given=f"validation_share = {validation_share:g}",
            rule="the validation part is a share of the training recordings, 0 to below 1",
            remedy="Set for instance validation_share = 0.1.",
        )
    if validation is None or not validation.any():
        validation = _stratified(dataset, np.flatnonzero(~test), validation_share, generator)
    train = ~test & ~validation
    return Split(*(dataset.subset(np.flatnonzero(part)) for part in (train, validation, test)))


def _stratified(
    dataset: SequenceDataset,
    candidates: Int64[np.ndarray, " candidates"],
    share: float,
    generator: np.random.Generator,
) -> Bool[np.ndarray, " items"]:
    """Mask of the share of each (label, group), to the nearest whole item, drawn in sorted order."""
    strata: dict[tuple[int, str], list[int]] = defaultdict(list)
    for index in candidates:
        strata[int(dataset.labels[index]), dataset.groups[index]].append(int(index))
    chosen = np.zeros(len(dataset), bool)
    for _, indices in sorted(strata.items()):
        by_name = sorted(indices, key=lambda index: dataset.names[index])
        count = min(int(share * len(by_name) + 0.5), len(by_name) - 1)
        chosen[generator.permutation(by_name)[:count]] = True
    return chosen


def _check_disjoint(split: Split) -> None:
    seen: set[str] = set()
    for part in split.parts:
        both = sorted(seen.intersection(part.names))
        if both:
            raise DataError(
                given=f"a split with {both[0]} in two parts",
                rule="no item lies in two parts",
                remedy="Split the data set by distinct indices.",
            )
        seen.update(part.names)


def _check_filled(split: Split) -> None:
    for name, part in (("training", split.train), ("test", split.test)):
        if not len(part):
            raise DataError(
                given=f"a split with an empty {name} part",
                rule="training and test part hold at least one item",
                remedy="Choose other test speakers or another fold, or give more recordings.",
            )


def _check_alike(split: Split) -> None:
    if len({(part.class_names, part.n_features) for part in split.parts}) > 1:
        raise DataError(
            given="a split whose parts have different classes or features",
            rule="all parts come from one data set",
            remedy="Make the parts with SequenceDataset.subset.",
        )
