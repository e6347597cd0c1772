"""One proposed value of a recipe, and why."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Choice:
    """A key of a recipe, its value and the reason.

    Attributes:
        key: With dots, as ``--set`` takes it.
        value: What TOML can hold.
        reason: In words, with the number that was measured; empty: it speaks for itself.
    """

    key: str
    value: Any
    reason: str = ""

    @property
    def section(self) -> str:
        """The table that the key stands in; empty: the top."""
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        """The key within its table."""
        return self.key.rpartition(".")[2]


def counted(number: int, one: str, more: str = "") -> str:
    """A number with its noun.

    Example:
        >>> counted(1, "item"), counted(1200, "item"), counted(2, "class", "classes")
        ('1 item', '1,200 items', '2 classes')
    """
    return f"{number:,} {one if number == 1 else more or one + 's'}"
