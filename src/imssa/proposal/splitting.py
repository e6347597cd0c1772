"""Which items are trained on, chosen on, and tested on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from imssa.data import KINDS, DataConfig, Split
from imssa.data.loading import split_items
from imssa.data.sources import PARTS
from imssa.data.splits import least_heard
from imssa.data.twins import told_twins, twins_across
from imssa.errors import DataError
from imssa.experiment.stages import split_key
from imssa.proposal.choices import Choice, counted
from imssa.proposal.facts import Facts, without_speakers

TEST_SHARES: Final = (0.2, 0.3, 0.4)
VALIDATION_SHARES: Final = (0.1, 0.2, 0.3)
LARGEST_TEST: Final = 0.6
ODD_SHARES: Final = 2.0
"""Where speakers are few, a hash of them may test many more or fewer items than were asked for."""
ANOTHER: Final = (
    "The division that came with the data is not used, since a class is missing from one of its parts: what it "
    "tests may be trained on here. Leave that class out, or set data.split = 'official'."
)
SEED: Final = 0


@dataclass(frozen=True)
class Parts:
    """A split, and what it leaves.

    Attributes:
        facts: The data as they are split; without speakers where these cannot be kept apart.
        keys: What a recipe says of it.
        counts: Items of each part.
        warnings: What is to be said of identical items in different parts.
    """

    facts: Facts
    keys: dict[str, Any]
    counts: dict[str, int]
    warnings: tuple[str, ...] = ()

    def choices(self) -> list[Choice]:
        """The keys with their reasons."""
        split, counts = str(self.keys["split"]), self.counts
        left = ", ".join(f"{n:,} {part}" for part, n in counts.items())
        how = {
            "official": "as published with the data",
            "hash": "by a hash of the speaker: who is tested is heard in no other part"
            if self.facts.speakers
            else "by a hash of the item's name; nothing tells who is heard",
            "speaker": "speakers are few, so whole ones are left out",
        }[split]
        found = [Choice("data.split", split, f"{how}; {left}")]
        reasons = {
            "test_share": "share of the speakers" if self.facts.speakers else "share of the items",
            "test_speakers": f"of {counted(self.facts.speakers, 'speaker')}",
            "validation_share": f"of the rest; leaves {counts['validation']:,} to select the model on{self._heard()}",
        }
        return found + [
            Choice(f"data.{key}", self.keys[key], reason)
            for key, reason in reasons.items()
            if key in self.keys
        ]

    def _heard(self) -> str:
        """Whether those who are validated are heard in the training, where the names tell."""
        if not self.facts.speakers or self.keys["split"] == "official":
            return ""
        return ", of other speakers" if self.keys["split"] == "hash" else ", of the same speakers"


def choose_split(facts: Facts) -> Parts:
    """The first split that leaves items of every class in all three parts.

    Tried in this order: the published one; a hash of the speakers, where it gives each part speakers of its
    own and about the share that was asked for; speakers left out; a hash of names.

    Raises:
        DataError: None does, or many tested items would be identical to others.
    """
    for candidate, keys in _candidates(facts):
        config = candidate.config.model_copy(update=keys)
        split = _split(candidate, config)
        if split is not None:
            warnings = told_twins(config, twins_across(candidate.source, split))
            if keys["split"] != "official" and any(
                item.part == "test" for item in facts.source.items
            ):
                warnings = (*warnings, ANOTHER)
            sizes = {name: len(part) for name, part in zip(PARTS, split.parts, strict=True)}
            return Parts(candidate, keys, sizes, warnings)
    label = min(facts.counts, key=facts.counts.__getitem__)
    raise DataError(
        given=f"data with {facts.counts[label]} items of class {label!r}",
        rule="too few for a training, a validation and a test part, each with items of every class",
        remedy="Record more of it, or leave the class out.",
    )


def _candidates(facts: Facts) -> Iterator[tuple[Facts, dict[str, Any]]]:
    splits = KINDS[facts.kind].splits
    if "official" in splits:
        for share in VALIDATION_SHARES:
            yield facts, {"split": "official", "validation_share": share}
    if facts.speakers and "hash" in splits:
        yield from ((facts, keys) for keys in _hashed())
    if facts.speakers > 2 and "speaker" in splits:
        left_out = least_heard(item.group for item in facts.source.items)
        for share in VALIDATION_SHARES:
            keys = {"split": "speaker", "test_speakers": left_out, "validation_share": share}
            yield facts, keys
    if "hash" in splits:
        loose = without_speakers(facts) if facts.config.speaker_pattern else facts
        yield from ((loose, keys) for keys in _hashed())


def _hashed() -> Iterator[dict[str, Any]]:
    for share in TEST_SHARES:
        for validation in VALIDATION_SHARES:
            yield {"split": "hash", "test_share": share, "validation_share": validation}


def _split(facts: Facts, config: DataConfig) -> Split | None:
    """None: it cannot be made, a class is missing from a part, or few speakers make it lopsided."""
    try:
        split = split_items(facts.source, config, split_key(SEED).numpy())
    except DataError:
        return None
    whole = all(len(np.unique(part.labels)) == facts.n_classes for part in split.parts)
    if not whole or len(split.test) > LARGEST_TEST * facts.items:
        return None
    if facts.speakers and config.split == "hash" and not _even(split, config.test_share):
        return None
    return split


def _even(split: Split, test_share: float) -> bool:
    """Whether validation and training share no speaker, and the test part is near the share asked for."""
    tested = len(split.test) / sum(len(part) for part in split.parts)
    apart = not set(split.validation.groups) & set(split.train.groups)
    return apart and 1 / ODD_SHARES < tested / test_share < ODD_SHARES
