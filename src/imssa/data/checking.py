"""A look at a whole data set before anything is trained: what is there, and what is odd."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from imssa.data.config import DataConfig
from imssa.data.loading import open_source, split_items
from imssa.data.sources import PARTS, Seen, Source
from imssa.data.suggested_split import SuggestedSplit, suggested_split
from imssa.errors import DataError


@dataclass(frozen=True)
class Spread:
    """Smallest, median and largest of some numbers."""

    smallest: float
    median: float
    largest: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread | None":
        """Of any numbers; None: there is none."""
        if not values:
            return None
        return cls(min(values), float(np.median(values)), max(values))


@dataclass(frozen=True)
class DataCheck:
    """What a look at a data set showed.

    Attributes:
        kind: Its format.
        split: The split that was looked at; where none was published, the one that is suggested.
        split_keys: What a recipe says of it.
        items: How many there are.
        counts: Items of each class in each part.
        groups: Groups (speakers) in each part; 0: not known.
        shared_groups: Groups that lie in the test part and in another.
        frames: Samples, frames or spikes an item.
        seconds: Durations; None: items have no clock.
        rates_hertz: Sampling rates there are.
        measures: Loudness, rates or ranges of the items, by a name that says the unit.
        twins: Pairs of items with the same content: both names, whether they lie in different
            parts, whether their classes differ.
        faults: Items with something wrong or odd, and what.
        split_fault: Why the split of the recipe cannot be made; empty: it can.
        unread: Files that lie beside the items and are not read.
    """

    kind: str
    split: str
    split_keys: dict[str, Any]
    items: int
    counts: dict[str, dict[str, int]]
    groups: dict[str, int]
    shared_groups: tuple[str, ...]
    frames: Spread | None
    seconds: Spread | None
    rates_hertz: tuple[int, ...]
    measures: dict[str, Spread]
    twins: tuple[tuple[str, str, bool, bool], ...]
    faults: tuple[tuple[str, str], ...]
    split_fault: str
    unread: tuple[str, ...] = ()

    @property
    def leaks(self) -> int:
        """Pairs of equal items in different parts."""
        return sum(apart for _, _, apart, _ in self.twins)


@dataclass(frozen=True)
class Looked:
    """A data set that was looked at: what was found, and the numbers of each item behind it.

    Attributes:
        check: What was found.
        source: The items.
        part: Part of each item, by its name.
        looks: What each item showed.
    """

    check: DataCheck
    source: Source
    part: dict[str, str]
    looks: tuple[Seen, ...]


def check_data(config: DataConfig, generator: np.random.Generator) -> DataCheck:
    """What a look at every item of a data set shows; see ``look_at``."""
    return look_at(config, generator).check


def look_at(config: DataConfig, generator: np.random.Generator) -> Looked:
    """Looks at every item of a data set.

    Args:
        config: Which data and which split. Where the published one is asked for and there is none, the one
            that `imssa new` would propose.
        generator: Draws the validation part, as in ``load``.

    Raises:
        DataError: The data cannot be read at all.
    """
    source = open_source(config)
    config, part, split_fault = _parts(source, config, generator)
    looks = tuple(source.looks())
    check = DataCheck(
        kind=config.kind,
        split=config.split,
        split_keys=_split_keys(config),
        items=len(source.items),
        counts=_counts(source, part),
        groups=_groups(source, part),
        shared_groups=_shared_groups(source, part),
        frames=Spread.of([float(look.frames) for look in looks]),
        seconds=Spread.of([look.seconds for look in looks if look.seconds is not None]),
        rates_hertz=tuple(sorted({look.rate_hertz for look in looks if look.rate_hertz})),
        measures=_measures(looks),
        twins=_twins(source, part),
        faults=_faults(source, looks),
        split_fault=split_fault,
        unread=source.unread(),
    )
    return Looked(check, source, part, looks)


def _measures(looks: tuple[Seen, ...]) -> dict[str, Spread]:
    found = defaultdict(list)
    for look in looks:
        for name, value in look.measures.items():
            found[name].append(value)
    spreads = {name: Spread.of(values) for name, values in found.items()}
    return {name: spread for name, spread in spreads.items() if spread is not None}


def _parts(
    source: Source, config: DataConfig, generator: np.random.Generator
) -> tuple[DataConfig, dict[str, str], str]:
    """The split that is looked at, the part of each item by its name, and why there are none."""
    try:
        found = _suggested(source, config, generator)
        if found is not None:
            config = found.config
        split = split_items(source, config, generator) if found is None else found.split
    except DataError as error:
        return config, {item.name: item.part or "all" for item in source.items}, str(error)
    parts = zip(PARTS, split.parts, strict=True)
    return config, {name: part for part, data in parts for name in data.names}, ""


def _suggested(
    source: Source, config: DataConfig, generator: np.random.Generator
) -> SuggestedSplit | None:
    """Another split than the one asked for, where that is the publisher's and there is none.

    An excerpt whose items are all tested (an archive of test files, say) has none either.
    """
    parts = {item.part for item in source.items}
    published = all(parts) and len(parts) > 1
    asked = config.split != "official" or published
    return None if asked else suggested_split(config, source, generator)


def _split_keys(config: DataConfig) -> dict[str, Any]:
    """The keys that a split of its kind reads."""
    own = {"hash": ("test_share",), "speaker": ("test_speakers",), "fold": ("fold",)}
    names = {"split", *own.get(config.split, ()), "validation_share"}
    return config.model_dump(mode="json", include=names)


def _counts(source: Source, part: dict[str, str]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {name: Counter() for name in source.class_names}
    for item in source.items:
        found[item.label][part[item.name]] += 1
    return {label: dict(counts) for label, counts in found.items()}


def _groups(source: Source, part: dict[str, str]) -> dict[str, int]:
    found = defaultdict(set)
    for item in source.items:
        found[part[item.name]].add(item.group)
    return {name: len(groups - {""}) for name, groups in found.items()}


def _shared_groups(source: Source, part: dict[str, str]) -> tuple[str, ...]:
    tested, others = (
        {item.group for item in source.items if item.group and (part[item.name] == "test") is test}
        for test in (True, False)
    )
    return tuple(sorted(tested & others))


def _twins(source: Source, part: dict[str, str]) -> tuple[tuple[str, str, bool, bool], ...]:
    """Each item with the first that has the same content."""
    first: dict[bytes, int] = {}
    found = []
    for number, content in enumerate(source.fingerprints()):
        other = first.setdefault(content, number)
        if other != number:
            a, b = source.items[other], source.items[number]
            found.append((a.name, b.name, part[a.name] != part[b.name], a.label != b.label))
    return tuple(found)


def _faults(source: Source, looks: tuple[Seen, ...]) -> tuple[tuple[str, str], ...]:
    pairs = zip(source.items, looks, strict=True)
    return tuple((item.name, fault) for item, look in pairs for fault in look.faults)
