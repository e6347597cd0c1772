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
from imssa.data.speaker_names import speakers
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
)
"""Sound that is not read."""
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
    files = tuple(_files(chosen, request.speaker_pattern))
    return RecordingSource(files, classes, None, _left_out(request.root, chosen))


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
    files = [(label, file) for label, folder in folders.items() for file in audio_files(folder)]
    for (label, file), who in zip(files, _speakers(files, pattern), strict=True):
        yield RecordingFile(f"{label}/{file.name}", label, who, takes[label, who], file)
        takes[label, who] += 1


def _speakers(files: list[tuple[str, Path]], pattern: str | None) -> Iterator[str]:
    if pattern is None:
        yield from ("" for _ in files)
        return
    for (_, file), who in zip(files, speakers(pattern, (f.name for _, f in files)), strict=True):
        if who is None:
            raise DataError(
                given=f"recording {file}",
                rule=f"speaker_pattern = {pattern!r} finds no speaker in its name",
                remedy="Change the pattern, or rename the file.",
            )
        yield who


def told_left_out(names: tuple[str, ...]) -> str:
    """What is to be said of sound that is not read.

    Example:
        >>> told_left_out(("yes/1.mp3", "yes/old/2.wav"))[:45]
        'Not read: yes/1.mp3 and 1 more. Of a class, t'
    """
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return (
        f"Not read: {names[0]}{more}. Of a class, the {', '.join(ENDINGS)} "
        "files are that lie in its folder. Convert them, or move them there."
    )


def _left_out(root: Path | None, folders: dict[str, Path]) -> tuple[str, ...]:
    """Sound that lies there and is not read: beside the folders, within folders in them, of other kinds."""
    if root is None:
        return ()
    read = {file for folder in folders.values() for file in audio_files(folder)}
    found = [*root.iterdir(), *(file for folder in folders.values() for file in folder.rglob("*"))]
    names = (
        file.relative_to(root)
        for file in found
        if file.suffix.lower() in (*ENDINGS, *OTHER_SOUND) and file not in read and file.is_file()
    )
    return tuple(sorted(str(n) for n in names if not any(part[0] in "._" for part in n.parts)))


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
