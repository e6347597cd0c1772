"""Identical items in different parts of a split: what was trained on is tested again."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from imssa.data.config import DataConfig
from imssa.data.loading import open_source, split_items
from imssa.data.sources import Source
from imssa.data.splits import Split
from imssa.errors import DataError

TOLERATED: Final = 0.005
"""Share of the tested items that may lie in other parts of a split of one's own. It bounds by how much the
accuracy can be too high: half a percent is less than the spread from one training to the next."""
SHOWN: Final = 2


@dataclass(frozen=True)
class Twins:
    """Items whose content lies in another part too.

    Attributes:
        tested: Test items that are in the training or validation part as well.
        of: Test items.
        validated: Validation items that are in the training part as well.
        examples: Some of them, each with the item that it equals.
    """

    tested: int
    of: int
    validated: int
    examples: tuple[tuple[str, str], ...]

    @property
    def share(self) -> float:
        """Of the test items."""
        return self.tested / self.of

    @property
    def in_words(self) -> str:
        """How many there are, and two of them."""
        shown = " and ".join(f"{a} = {b}" for a, b in self.examples)
        return (
            f"{self.tested:,} of {self.of:,} test items ({self.share:.2%}) are identical to items of the "
            f"training or validation part, for instance {shown}"
        )


def twins_across(source: Source, split: Split) -> Twins:
    """Compares the content of all items, by their fingerprints.

    Example:
        >>> from imssa.data.config import DataConfig
        >>> config = DataConfig()
        >>> source = open_source(config)
        >>> split = split_items(source, config, np.random.default_rng(0))
        >>> twins_across(source, split).tested
        0
    """
    content = source.contents()
    train, validation, test = ([(content[n], n) for n in part.names] for part in split.parts)
    trained, seen = _first(train), _first([*train, *validation])
    tested = [(name, seen[found]) for found, name in test if found in seen]
    validated = [(name, trained[found]) for found, name in validation if found in trained]
    return Twins(len(tested), len(test), len(validated), tuple((tested or validated)[:SHOWN]))


def _first(named: Iterable[tuple[bytes, str]]) -> dict[bytes, str]:
    """The first item of each content."""
    found: dict[bytes, str] = {}
    for content, name in named:
        found.setdefault(content, name)
    return found


def told_twins(config: DataConfig, found: Twins) -> tuple[str, ...]:
    """What is to be said of twins; a split of one's own that makes many is refused.

    Public data have some, and their published splits are what others report: those are never refused.
    A split of one's own is, from ``TOLERATED`` on.

    Raises:
        DataError: So many that the accuracy on the test part would mean little.
    """
    if found.tested and config.split != "official" and found.share > TOLERATED:
        raise DataError(
            given=f"data of {config.root or config.kind} with split = {config.split!r}",
            rule=found.in_words,
            remedy="Take one of each pair out (`imssa data check` lists them), or keep together what "
            "belongs together: split = 'hash' never parts items of one group, which array files name as "
            "`groups`, and speaker_pattern finds in the names of files.",
        )
    told = []
    if found.tested:
        told.append(f"{found.in_words}. Accuracy may be too high by up to {found.share:.2%}.")
    elif found.validated:
        pairs = " and ".join(f"{a} = {b}" for a, b in found.examples)
        told.append(
            f"{found.validated:,} validation items are identical to training items, for instance {pairs}."
        )
    return tuple(told)


def check_twins(config: DataConfig, generator: np.random.Generator) -> tuple[str, ...]:
    """Splits the items of a recipe without making features; what is to be said of twins.

    Raises:
        DataError: The items cannot be read or split, or too many tested items are in other parts.
    """
    source = open_source(config)
    return told_twins(config, twins_across(source, split_items(source, config, generator)))
