"""Speech Commands: ``FOLDER/WORD/SPEAKER_nohash_TAKE.wav``, one second at 16 kHz.

The published parts are listed in ``validation_list.txt`` and ``testing_list.txt``. Where these lists are
absent, the rule by which they were made is applied: h = SHA-1 of the speaker's name as a number,
p = 100 (h mod 2^27) / (2^27 - 1); p < 10 is validation, p < 20 is test, the rest is training.

The test archives hold the test part alone: use the split "hash" there.

Source: P. Warden, Speech Commands, 2018 (arXiv 1804.03209), section 7.1, and README of v0.02.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from imssa.data.folder import audio_files, class_folders
from imssa.data.recording_source import RecordingSource
from imssa.data.recordings import RecordingFile
from imssa.data.sources import DataFormat, Request, chosen_classes
from imssa.errors import DataError

WORDS: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"),
    *("bed", "bird", "cat", "dog", "happy", "house", "marvin", "sheila", "tree", "wow"),
    *("backward", "follow", "forward", "learn", "visual"),
)
"""The words of v0.02."""
RATE_HERTZ: Final = 16000
WHERE: Final = "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz"
GET_IT: Final = f"Name the folder that holds a sub-folder for each word; get it from {WHERE}."
LISTS: Final = {"validation": "validation_list.txt", "test": "testing_list.txt"}
LARGEST: Final = 2**27 - 1
SHARE_PERCENT: Final = 10.0
_NAME: Final = re.compile(r"(?P<speaker>[0-9a-f]{8})_nohash_(?P<take>[0-9]{1,4})\.wav")


def official_part(speaker: str) -> str:
    """The part of a speaker by the published rule.

    Example:
        >>> official_part("0bac8a71")
        'test'
    """
    number = int(hashlib.sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16)
    percent = number % (LARGEST + 1) * (100.0 / LARGEST)
    if percent < SHARE_PERCENT:
        return "validation"
    return "test" if percent < 2 * SHARE_PERCENT else "train"


def open_speech_commands(request: Request) -> RecordingSource:
    """The recordings of some words.

    Raises:
        DataError: The folder or a word is missing, a file's name is wrong, or one list is missing.
    """
    folders = class_folders(request.root, GET_IT)
    unknown = sorted(set(folders) - set(WORDS))
    if unknown:
        raise DataError(
            given=f"folder {unknown[0]!r} in {request.root}",
            rule="Speech Commands has no such word",
            remedy="Move it out, or set kind = 'folder'.",
        )
    there = tuple(word for word in WORDS if word in folders)
    classes = chosen_classes(there, request.words, f"data root {request.root}")
    part = _parts(folders[classes[0]].parent)
    files = tuple(_files({word: folders[word] for word in classes}, part))
    return RecordingSource(files, classes, RATE_HERTZ)


def _files(folders: dict[str, Path], part: Callable[[str, str], str]) -> Iterator[RecordingFile]:
    for word, folder in folders.items():
        for file in audio_files(folder):
            match = _NAME.fullmatch(file.name)
            if match is None:
                raise DataError(
                    given=f"recording {file}",
                    rule="names are SPEAKER_nohash_TAKE.wav, the speaker eight hexadecimal digits",
                    remedy="Move it out, or set kind = 'folder'.",
                )
            name, who = f"{word}/{file.name}", match["speaker"]
            yield RecordingFile(name, word, who, int(match["take"]), file, part(name, who))


def _parts(root: Path) -> Callable[[str, str], str]:
    """(name, speaker) -> part: by the lists, or by the rule where there is none."""
    found = {part: root / name for part, name in LISTS.items() if (root / name).is_file()}
    if not found:
        return lambda _name, speaker: official_part(speaker)
    if len(found) < len(LISTS):
        raise DataError(
            given=f"data root {root}",
            rule=f"of {' and '.join(LISTS.values())} one is missing",
            remedy="Get it, or move the other out: parts then follow the published rule.",
        )
    listed = {name: part for part, file in found.items() for name in _lines(file)}
    return lambda name, _speaker: listed.get(name, "train")


def _lines(file: Path) -> list[str]:
    try:
        return [line.strip() for line in file.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            given=f"list {file}", rule="it is no readable text", remedy=GET_IT
        ) from error


FORMAT: Final = DataFormat(
    kind="speech-commands",
    corpus="Speech Commands",
    words=None,
    needs_root=True,
    front_ends=("log-mel",),
    splits=("official", "hash", "speaker"),
    open=open_speech_commands,
    licence="CC BY 4.0",
    where=WHERE,
)
