"""Any folder of class sub-folders with recordings: ``FOLDER/CLASS/*.wav`` (or flac, ogg).

All recordings have one channel; they have one rate, or the front end names one (``rate_hertz``).
Nothing says which are tested, so the split is made by a hash of the speaker, found by
``speaker_pattern`` in the file's name, or of the file's name.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from imssa.data.recording_source import RecordingSource
from imssa.data.recordings import RecordingFile
from imssa.data.sources import DataFormat, Request, chosen_classes, require_root
from imssa.data.speaker_names import speaker
from imssa.errors import DataError

ENDINGS: Final = (".wav", ".flac", ".ogg")
OTHER_SOUND: Final = (
    ".mp3",
    ".m4a",
    ".mp4",
    ".aac",
    ".wma",
    ".opus",
    ".aif",
    ".aiff",
    ".au",
    ".amr",
    ".webm",
    ".caf",
    ".3gp",
)
"""Sound that is not read."""
SHOWN: Final = 5
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
    chosen = {name: folders[name] for name in classes}
    return FolderSource(tuple(_files(chosen, request.speaker_pattern)), chosen)


class FolderSource(RecordingSource):
    """The recordings in the folders of classes.

    Args:
        files: In a fixed order.
        folders: Of the classes, by name.
    """

    def __init__(self, files: tuple[RecordingFile, ...], folders: dict[str, Path]) -> None:
        super().__init__(files, tuple(folders), None)
        self.folders = folders

    def unread(self) -> tuple[str, ...]:
        """Sound beside the folders of classes, within folders in them, or of kinds that are not read.

        Nothing behind a link or a name that begins with a dot, nor in a folder beside those of the classes.
        """
        root = next(iter(self.folders.values())).parent
        found = [
            *root.iterdir(),
            *(f for folder in self.folders.values() for f in folder.rglob("*")),
        ]
        names = (file.relative_to(root) for file in found if _is_sound(file))
        return tuple(sorted(str(name) for name in names if not _is_read(name)))


def _is_sound(file: Path) -> bool:
    return file.suffix.lower() in (*ENDINGS, *OTHER_SOUND) and not file.name.startswith(".")


def _is_read(name: Path) -> bool:
    """Whether a file, by its path below the data's root, is one of a class; hidden ones are nobody's."""
    direct = len(name.parts) == 2 and name.suffix.lower() in ENDINGS
    return direct or any(part.startswith(".") for part in name.parts)


def _require_recordings(request: Request, folders: dict[str, Path]) -> None:
    """Refuses a folder of a class without recordings: it would be missing without a word."""
    inside = sub_folders(request.root) if request.root is not None else []
    empty = [folder for folder in inside if folder.name not in folders]
    if folders and empty and request.words is None:
        raise DataError(
            given=f"folder {empty[0].name!r} in {request.root}",
            rule=f"the folder of a class holds recordings ({', '.join(ENDINGS)}){_but(empty[0])}",
            remedy="Put or convert recordings into it, begin its name with an underscore, or move it out.",
        )


def _files(folders: dict[str, Path], pattern: str | None) -> Iterator[RecordingFile]:
    takes: Counter[tuple[str, str]] = Counter()
    for label, folder in folders.items():
        for file in audio_files(folder):
            who = "" if pattern is None else _speaker(file, pattern)
            yield RecordingFile(f"{label}/{file.name}", label, who, takes[label, who], file)
            takes[label, who] += 1


def _speaker(file: Path, pattern: str) -> str:
    who = speaker(pattern, file.name)
    if who is None:
        raise DataError(
            given=f"recording {file}",
            rule=f"speaker_pattern = {pattern!r} finds no speaker in its name",
            remedy="Change the pattern, or rename the file.",
        )
    return who


def told_unread(names: tuple[str, ...]) -> str:
    """What is to be said of sound that is not read.

    Example:
        >>> print(told_unread(("yes/1.mp3", "yes/old/2.wav")))
        Not read: yes/1.mp3 and yes/old/2.wav. Only .wav, .flac and .ogg files that lie in the folder of a class are.
    """
    shown = list(names[:SHOWN])
    if len(names) > SHOWN:
        shown.append(f"{len(names) - SHOWN:,} more")
    those = " and ".join((", ".join(shown[:-1]), shown[-1])) if len(shown) > 1 else shown[0]
    read = f"{', '.join(ENDINGS[:-1])} and {ENDINGS[-1]}"
    return f"Not read: {those}. Only {read} files that lie in the folder of a class are."


def other_sound(folder: Path) -> Path | None:
    """A file in a folder whose sound is of a kind that is not read."""
    files = (f for f in sorted(folder.iterdir()) if f.suffix.lower() in OTHER_SOUND)
    return next(files, None)


def _but(folder: Path) -> str:
    other = other_sound(folder)
    return "" if other is None else f"; {other.name} is not of these kinds"


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
