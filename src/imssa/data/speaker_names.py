"""Who is heard in a recording, as far as the names of the files tell."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

COMMAND: Final = r"^([0-9a-f]{8})_nohash_"
"""How Speech Commands names speakers."""
AFTER_WORD: Final = r"^[^-_ ]+[-_ ]([^\W\d_][^\W_]*)[-_ ]"
"""WORD_SPEAKER_TAKE: files of a class begin alike, else what comes first is the speaker."""
PATTERNS: Final = (
    COMMAND,
    r"(?i)(?:speaker|spk|subject|person|user)[-_ ]?([0-9a-z]+)",
    AFTER_WORD,
    r"^([^\W\d_][^\W_]*)[-_ ]",  # SPEAKER_TAKE
    r"^([0-9]+)[-_ ][0-9]+",  # SPEAKER-TAKE in numbers
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

    It must match every name and find at least four speakers, most of them in several classes (where names
    are not those of Speech Commands), whose names are not those of the classes.

    Args:
        names: (class, file name).

    Example:
        >>> files = [(w, f"{who}_{n}.wav") for w in ("hi", "ho") for who in "abcd" for n in (0, 1)]
        >>> re.findall(speaker_pattern(files), "eve_7.wav")
        ['eve']
        >>> speaker_pattern([("hi", "1.wav"), ("ho", "2.wav")])
    """
    found = list(names)
    return next((pattern for pattern in PATTERNS if _fits(pattern, found)), None)


def odd_names(names: Iterable[tuple[str, str]]) -> list[str]:
    """The few files whose names tell no speaker where all others do; none where there is no such pattern.

    Args:
        names: (class, file name) of files for which `speaker_pattern` finds none.

    Returns:
        CLASS/NAME of each.

    Example:
        >>> files = [(w, f"{who}_{n}.wav") for w in ("hi", "ho") for who in "abcde" for n in (0, 1)]
        >>> odd_names([*files, ("hi", "17.wav"), ("ho", "ho_3.wav")])
        ['hi/17.wav', 'ho/ho_3.wav']
    """
    found = list(names)
    for pattern in PATTERNS:
        odd = [not _tells(pattern, *one) for one in found]
        if 0 < sum(odd) <= ODD_SHARE * len(found):
            told = [one for one, bad in zip(found, odd, strict=True) if not bad]
            if _fits(pattern, told):
                return ["/".join(one) for one, bad in zip(found, odd, strict=True) if bad]
    return []


def speaker(pattern: str, name: str) -> str | None:
    """Who is heard in a file, in small letters; None: its name does not tell.

    Example:
        >>> [speaker(r"^([A-Za-z]+)_", name) for name in ("Ann_1.wav", "ann_2.wav", "7.wav")]
        ['ann', 'ann', None]
    """
    found = re.search(pattern, name)
    return found[1].casefold() if found and found[1] else None


def _tells(pattern: str, label: str, name: str) -> bool:
    match = re.search(pattern, name)
    return match is not None and match[1].casefold() != label.casefold()


def _fits(pattern: str, names: list[tuple[str, str]]) -> bool:
    heard, before = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for label, name in names:
        match = re.search(pattern, name)
        if match is None or match[1].casefold() == label.casefold():
            return False
        heard[match[1].casefold()].add(label)
        before[label].add(name[: match.start(1)])
    if pattern == AFTER_WORD and any(len(words) > 1 for words in before.values()):
        return False
    shared = sum(len(labels) > 1 for labels in heard.values())
    most = LARGEST_SHARE * len(names)
    known = pattern == COMMAND or shared >= SHARED * len(heard)
    return FEWEST_SPEAKERS <= len(heard) <= most and known
