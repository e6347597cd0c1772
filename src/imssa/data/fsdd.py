"""The Free Spoken Digit Dataset: a folder of ``{digit}_{speaker}_{index}.wav``.

Source: https://github.com/Jakobovski/free-spoken-digit-dataset (CC BY-SA 4.0): 3,000 recordings,
8 kHz, ten digits, six speakers, indices 0 to 49; the official test part is the indices 0 to 4.
"""

import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from imssa.data.recording_source import RecordingSource
from imssa.data.recordings import RecordingFile
from imssa.data.sources import DataFormat, Request, chosen_classes
from imssa.errors import DataError

WORDS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPEAKERS: Final = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
TAKES: Final = 50
TESTED_TAKES: Final = 5
"""Takes 0 to 4 are the official test part."""
RATE_HERTZ: Final = 8000
GET_IT: Final = (
    "Get the data set from https://github.com/Jakobovski/free-spoken-digit-dataset "
    "and name its folder 'recordings'."
)
_NAME: Final = re.compile(r"(?P<digit>[0-9])_(?P<speaker>[a-z]+)_(?P<take>[0-9]|[1-4][0-9])")


def parse_name(name: str) -> tuple[str, str, int]:
    """Word, speaker and take from the name of a recording, without the file's ending.

    Raises:
        DataError: The name is not of the form digit_speaker_index, index 0 to 49.

    Example:
        >>> parse_name("7_jackson_32")
        ('seven', 'jackson', 32)
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise DataError(
            given=f"recording named {name!r}",
            rule="names are digit_speaker_index with a digit 0-9, a speaker of the letters a-z "
            f"and an index 0-{TAKES - 1}",
            remedy="Rename the file, or move it out of the folder.",
        )
    return WORDS[int(match["digit"])], match["speaker"], int(match["take"])


def select(
    contents: Iterable[tuple[str, Path | bytes]], words: tuple[str, ...], where: str
) -> tuple[RecordingFile, ...]:
    """The recordings of some words, complete and in order.

    Args:
        contents: Name and bytes, or name and file, of every recording there is.
        words: The words wanted.
        where: What error messages call the place.

    Returns:
        Files sorted by word (in the order of ``WORDS``), speaker and take.

    Raises:
        DataError: A name is wrong, or a take of a speaker is missing.
    """
    files = []
    for name, content in contents:
        label, speaker, take = parse_name(name)
        if label in words:
            part = "test" if take < TESTED_TAKES else "train"
            files.append(RecordingFile(name, label, speaker, take, content, part))
    _check_complete(files, words, where)
    return tuple(sorted(files, key=lambda f: (WORDS.index(f.label), f.speaker, f.take)))


def _check_complete(files: list[RecordingFile], words: tuple[str, ...], where: str) -> None:
    """Every published speaker, and every other one found, has all takes of all words."""
    speakers = sorted({*SPEAKERS, *(file.speaker for file in files)})
    found = {file.name for file in files}
    digits = [digit for digit, word in enumerate(WORDS) if word in words]
    wanted = [f"{d}_{s}_{t}" for d, s, t in itertools.product(digits, speakers, range(TAKES))]
    missing = [name for name in wanted if name not in found]
    if missing:
        raise DataError(
            given=f"{where} with {len(found)} recordings of {', '.join(words)}",
            rule=f"{len(missing)} of {len(wanted)} recordings are missing, the first {missing[0]}",
            remedy=GET_IT,
        )


def read(root: Path | None, words: tuple[str, ...]) -> tuple[RecordingFile, ...]:
    """Reads the recordings of some words from a folder.

    Args:
        root: The folder that holds the wav files; other files in it are left alone.
        words: Words of ``WORDS``.

    Returns:
        Files sorted by word, speaker and take.

    Raises:
        DataError: The folder is missing or holds no wav file, a name is wrong, or a
            recording is missing.
    """
    if root is None or not root.is_dir():
        raise DataError(given=f"data root {root}", rule="this is not a folder", remedy=GET_IT)
    wavs = sorted(root.glob("*.wav"))
    if not wavs:
        inner = root / "recordings"
        raise DataError(
            given=f"data root {root}",
            rule="the folder holds no wav file",
            remedy=f"Name the folder {inner}." if inner.is_dir() else GET_IT,
        )
    return select(((wav.stem, wav) for wav in wavs), words, str(root))


def open_digits(request: Request) -> RecordingSource:
    """The recordings of a folder as a source; see ``read``."""
    words = chosen_classes(WORDS, request.words, f"data root {request.root}")
    return RecordingSource(read(request.root, words), words, RATE_HERTZ)


CORPUS: Final = "Free Spoken Digit Dataset"
LICENCE: Final = "CC BY-SA 4.0"
FORMAT: Final = DataFormat(
    kind="fsdd",
    corpus=CORPUS,
    words=WORDS,
    needs_root=True,
    front_ends=("log-mel",),
    splits=("official", "fold", "speaker", "hash"),
    open=open_digits,
    licence=LICENCE,
    where="https://github.com/Jakobovski/free-spoken-digit-dataset, folder recordings",
)
