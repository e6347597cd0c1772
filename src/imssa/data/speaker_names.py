"""Who is heard in a recording, as far as the names of the files tell."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

PATTERNS: Final = (
    r"^([0-9a-f]{8})_nohash_",  # Speech Commands
    r"(?i)(?:speaker|spk|subject|person|user)[-_ ]?([0-9a-z]+)",
    r"^[^-_]+[-_]([A-Za-z][A-Za-z0-9]*)[-_]",  # WORD_SPEAKER_TAKE
    r"^([A-Za-z][A-Za-z0-9]*)[-_]",  # SPEAKER_TAKE
    r"^([0-9]+)[-_][0-9]+",  # SPEAKER-TAKE in numbers
)
"""Ways in which collections of recordings name speakers; the first group is the speaker."""

FEWEST_SPEAKERS: Final = 4
LARGEST_SHARE: Final = 0.5
"""Names that differ in more than half of the files number the files, not the speakers."""
SHARED: Final = 0.8
"""Share of the speakers who must be heard in more than one class."""

ODD_SHARE: Final = 0.1
"""So many names without a speaker are mistakes; more of them are another way to name files."""


def speaker_pattern(names: Iterable[tuple[str, str]]) -> str | None:
    """The pattern of ``PATTERNS`` that finds speakers in file names; None: none does.

    It must match every name and find at least four speakers, most of them in several classes, whose
    names are not those of the classes.

    Args:
        names: (class, file name).

    Example:
        >>> files = [(w, f"{who}_{n}.wav") for w in ("hi", "ho") for who in "abcd" for n in (0, 1)]
        >>> speaker_pattern(files)
        '^([A-Za-z][A-Za-z0-9]*)[-_]'
        >>> speaker_pattern([("hi", "1.wav"), ("ho", "2.wav")])
    """
    found = list(names)
    return next((pattern for pattern in PATTERNS if _fits(pattern, found)), None)


def odd_names(names: Iterable[tuple[str, str]]) -> list[str]:
    """The few names that tell no speaker where all others do; none where there is no such pattern.

    Args:
        names: (class, file name).

    Example:
        >>> files = [(w, f"{who}_{n}.wav") for w in ("hi", "ho") for who in "abcd" for n in (0, 1)]
        >>> odd_names([*files, ("hi", "17.wav")])
        ['17.wav']
    """
    found = list(names)
    for pattern in PATTERNS:
        odd = [name for _, name in found if not re.search(pattern, name)]
        told = [one for one in found if one[1] not in odd]
        if odd and len(odd) <= ODD_SHARE * len(found) and _fits(pattern, told):
            return odd
    return []


def _fits(pattern: str, names: list[tuple[str, str]]) -> bool:
    heard: dict[str, set[str]] = defaultdict(set)
    for label, name in names:
        match = re.search(pattern, name)
        if match is None or match[1].lower() == label.lower():
            return False
        heard[match[1]].add(label)
    shared = sum(len(labels) > 1 for labels in heard.values())
    return FEWEST_SPEAKERS <= len(heard) <= LARGEST_SHARE * len(names) and shared >= SHARED * len(
        heard
    )
