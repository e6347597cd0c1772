"""Shards: parts of a study that several processes divide among them."""

import re
from dataclasses import dataclass
from typing import Final

from imssa.errors import StudyError


@dataclass(frozen=True)
class Shard:
    """One part of a study that several processes divide among them.

    Attributes:
        number: From 1.
        of: How many parts.
    """

    number: int = 1
    of: int = 1

    @classmethod
    def parsed(cls, text: str) -> "Shard":
        """Of a text like 2/8.

        Raises:
            StudyError: It is none.

        Example:
            >>> Shard.parsed("2/8")
            Shard(number=2, of=8)
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        shard = cls(*map(int, found.groups())) if found else cls(0)
        if not 1 <= shard.number <= shard.of:
            raise StudyError(
                given=f"--shard {text}",
                rule="a shard is i/n, with i from 1 to n",
                remedy="Write for instance --shard 1/8, up to --shard 8/8.",
            )
        return shard

    @property
    def name(self) -> str:
        """As a file's name."""
        return f"{self.number}-of-{self.of}"


WHOLE: Final = Shard()
