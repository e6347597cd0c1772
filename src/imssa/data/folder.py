"""Any folder of class sub-folders with recordings: ``FOLDER/CLASS/*.wav`` (or flac, ogg).

All recordings have one channel; they have one rate, or the front end names one (``rate_hertz``).
Nothing says which are tested, so the split is made by a hash of the speaker, found by
``speaker_pattern`` in the file's name, or of the file's name.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from imssa.data.recording_source import RecordingSource
from imssa.data.recordings import RecordingFile
from imssa.data.sources import DataFormat, Request, chosen_classes, require_root
from imssa.errors import DataError

ENDINGS: Final = (".wav", ".flac", ".ogg")
GET_IT: Final = "Name a folder with a sub-folder of wav, flac or ogg files for each class."


def class_folders(root: Path | None, get_it: str) -> dict[str, Path]:
    """The sub-folders that hold recordings, by name; names that begin with "." or "_" are left out.

    Raises:
        DataError: The folder is missing or cannot be read.
    """
    folder = require_root(root, get_it, folder=True)
    try:
        return {f.name: f for f in sub_folders(folder) if audio_files(f)}
    except OSError as error:
        rule = f"it cannot be read ({error.strerror})"
        raise DataError(given=f"data root {root}", rule=rule, remedy=get_it) from error


def sub_folders(folder: Path) -> list[Path]:
    """The sub-folders that may be classes, by name: none whose name begins with "." or "_"."""
    return sorted(f for f in folder.iterdir() if f.is_dir() and f.name[0] not in "._")


def audio_files(folder: Path) -> list[Path]:
    """The recordings in a folder, by name; none whose name begins with a dot."""
    files = (f for f in folder.iterdir() if f.suffix.lower() in ENDINGS and f.is_file())
    return sorted(f for f in files if not f.name.startswith("."))


def open_folder(request: Request) -> RecordingSource:
    """The recordings of a folder.

    Raises:
        DataError: It is missing, holds no two classes, or a file's name has no speaker.
    """
    folders = class_folders(request.root, GET_IT)
    _require_recordings(request, folders)
    classes = chosen_classes(folders, request.words, f"data root {request.root}")
    files = tuple(_files({name: folders[name] for name in classes}, request.speaker_pattern))
    return RecordingSource(files, classes, None)


def _require_recordings(request: Request, folders: dict[str, Path]) -> None:
    """Refuses a folder of a class without recordings: it would be missing without a word."""
    inside = sub_folders(request.root) if request.root is not None else []
    empty = [f.name for f in inside if f.name not in folders]
    if folders and empty and request.words is None:
        raise DataError(
            given=f"folder {empty[0]!r} in {request.root}",
            rule=f"the folder of a class holds recordings ({', '.join(ENDINGS)})",
            remedy="Put recordings into it, begin its name with an underscore, or move it out.",
        )


def _files(folders: dict[str, Path], pattern: str | None) -> Iterator[RecordingFile]:
    takes: Counter[tuple[str, str]] = Counter()
    for label, folder in folders.items():
        for file in audio_files(folder):
            who = "" if pattern is None else _speaker(file, pattern)
            yield RecordingFile(f"{label}/{file.name}", label, who, takes[label, who], file)
            takes[label, who] += 1


def _speaker(file: Path, pattern: str) -> str:
    found = re.search(pattern, file.name)
    if found is None or not found[1]:
        raise DataError(
            given=f"recording {file}",
            rule=f"speaker_pattern = {pattern!r} finds no speaker in its name",
            remedy="Change the pattern, or rename the file.",
        )
    return found[1]


FORMAT: Final = DataFormat(
    kind="folder",
    corpus="folder",
    words=None,
    needs_root=True,
    front_ends=("log-mel",),
    splits=("hash", "speaker"),
    open=open_folder,
    licence="that of the recordings",
    where="your own",
)
