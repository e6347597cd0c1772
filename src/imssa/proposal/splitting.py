"""Which items are trained on, chosen on, and tested on."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from imssa.data.sources import PARTS
from imssa.data.suggested_split import SuggestedSplit, suggested_split
from imssa.data.twins import told_twins, twins_across
from imssa.errors import DataError
from imssa.evaluation.intervals import FEW_ITEMS
from imssa.experiment.stages import split_key
from imssa.proposal.choices import Choice, counted
from imssa.proposal.facts import Facts

SEED: Final = 0


@dataclass(frozen=True)
class Parts:
    """A split, and what it leaves.

    Attributes:
        facts: The data as they are split.
        keys: What a recipe says of it.
        counts: Items of each part.
        apart: Whether nobody who is tested, and whether nobody who is validated, is heard in the training.
        warnings: What is to be said of it.
    """

    facts: Facts
    keys: dict[str, Any]
    counts: dict[str, int]
    apart: tuple[bool, bool] = (False, False)
    warnings: tuple[str, ...] = ()

    def choices(self) -> list[Choice]:
        """The keys with their reasons."""
        split, counts = str(self.keys["split"]), self.counts
        left = ", ".join(f"{n:,} {part}" for part, n in counts.items())
        how = {
            "official": "as published with the data",
            "hash": "by a hash of the speaker: who is tested is heard in no other part"
            if self.apart[0]
            else "by a hash of the item's name",
            "speaker": "speakers are few, so whole ones are left out",
        }[split]
        found = [Choice("data.split", split, f"{how}; {left}")]
        reasons = {
            "test_share": "share of the speakers" if self.apart[0] else "share of the items",
            "test_speakers": f"of {counted(self.facts.speakers, 'speaker')}",
            "validation_share": f"of the rest; leaves {counts['validation']:,} to select the model on{self._heard()}",
        }
        return found + [
            Choice(f"data.{key}", self.keys[key], reason)
            for key, reason in reasons.items()
            if key in self.keys
        ]

    def _heard(self) -> str:
        """Whether those who are validated are heard in the training, where that is known."""
        if not self.apart[0]:
            return ""
        return ", of other speakers" if self.apart[1] else ", of the same speakers"


def choose_split(facts: Facts) -> Parts:
    """The split that is suggested for the data.

    Raises:
        DataError: None leaves items of every class in all parts, or many tested items would be identical to
            others.
    """
    found = suggested_split(facts.config, facts.source, split_key(SEED).numpy())
    if found is None:
        raise _too_few(facts)
    config = found.config.model_copy(update={"split": facts.config.split})
    sizes = {name: len(part) for name, part in zip(PARTS, found.split.parts, strict=True)}
    return Parts(
        replace(facts, config=config, source=found.source),
        found.keys,
        sizes,
        (found.tested_apart, found.validated_apart),
        tuple(_told(facts, found)),
    )


def _told(facts: Facts, found: SuggestedSplit) -> Iterator[str]:
    """What the user should know of the split."""
    yield from told_twins(found.config, twins_across(found.source, found.split))
    published = Counter(item.part for item in facts.source.items)
    if found.keys["split"] != "official" and published["test"]:
        there = ", ".join(f"{published[part]:,} {part}" for part in PARTS)
        yield (
            f"The division that came with the data ({there}) is not used, since a part of it lacks a class: "
            "what is tested may be trained on here."
        )
    if facts.speakers and not found.tested_apart:
        yield (
            f"{counted(facts.speakers, 'speaker')} are known, but no split keeps them apart and leaves items of "
            "every class in each part: the same voice may be trained on and tested."
        )
    tested, validated = len(found.split.test), len(found.split.validation)
    if tested < FEW_ITEMS:
        yield (
            f"Only {tested} items are tested, each of them {100 / tested:.1f} points of the accuracy, and the "
            f"network is chosen on {validated}."
        )


def _too_few(facts: Facts) -> DataError:
    label = min(facts.counts, key=facts.counts.__getitem__)
    return DataError(
        given=f"data with {facts.counts[label]} items of class {label!r}",
        rule="no split leaves items of every class for training, validation and test",
        remedy="Record more of it, ten or so, or leave the class out.",
    )
