"""A recipe as TOML, each value with its reason beside it."""

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Final

import tomli_w

from imssa.proposal.choices import Choice

WIDTH: Final = 100
COLUMN: Final = 32
"""Where comments begin, as far as values leave room."""


def recipe_text(choices: Sequence[Choice], head: str, warnings: Iterable[str] = ()) -> str:
    """The text of a recipe.

    Args:
        choices: Those of one table side by side.
        head: What the comment at the top says.
        warnings: More lines of it.

    Example:
        >>> print(recipe_text([Choice("seed", 0), Choice("data.kind", "ts", "three items")], "Hello."))
        # Hello.
        seed = 0
        <BLANKLINE>
        [data]
        kind = "ts"                     # three items
        <BLANKLINE>
    """
    lines = [f"# {line}" for text in (head, *warnings) for line in _lines(text)]
    section = ""
    for choice in choices:
        if choice.section != section:
            section = choice.section
            lines += ["", f"[{section}]"]
        lines += _line(choice)
    return "\n".join(lines) + "\n"


def _lines(text: str) -> list[str]:
    return wrap(text, WIDTH - 2, break_on_hyphens=False, break_long_words=False)


def _line(choice: Choice) -> list[str]:
    """A key and its value, the reason beside it or, where it is too long, above."""
    code = tomli_w.dumps({choice.name: choice.value}).strip()
    if not choice.reason:
        return [code]
    beside = f"{code:<{COLUMN - 1}} # {choice.reason}"
    if "\n" not in code and len(beside) <= WIDTH:
        return [beside]
    return [*(f"# {line}" for line in _lines(choice.reason)), code]
