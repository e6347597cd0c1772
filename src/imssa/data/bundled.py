"""The 600 recordings of "zero" and "one" that come with the package.

They are those of the Free Spoken Digit Dataset, as FLAC without loss in one archive; its licence
(CC BY-SA 4.0) and its authors stand beside it in ``LICENSE-fsdd.txt``.
"""

import importlib.resources
import zipfile
from pathlib import Path
from typing import Final

from imssa.data import fsdd
from imssa.data.recording_source import RecordingSource
from imssa.data.recordings import RecordingFile
from imssa.data.sources import DataFormat, Request, chosen_classes
from imssa.errors import DataError

ARCHIVE: Final = "fsdd-zero-one.zip"
WORDS: Final = ("zero", "one")


def read(root: Path | None, words: tuple[str, ...]) -> tuple[RecordingFile, ...]:
    """Reads the bundled recordings of some words.

    Args:
        root: None; the recordings lie in the package.
        words: Words of ``WORDS``.

    Returns:
        Files sorted by word, speaker and take.

    Raises:
        DataError: A folder was named, or the archive is missing or damaged.

    Example:
        >>> len(read(None, ("zero",)))
        300
    """
    if root is not None:
        raise DataError(
            given=f"data root {root}",
            rule="the bundled recordings lie in the package",
            remedy="Leave root out.",
        )
    return read_archive(importlib.resources.files("imssa.data") / "bundled" / ARCHIVE, words)


def read_archive(
    archive: "importlib.resources.abc.Traversable", words: tuple[str, ...]
) -> tuple[RecordingFile, ...]:
    """Reads recordings of some words from an archive of FLAC files; see ``read``.

    Raises:
        DataError: The archive is missing, damaged or incomplete.
    """
    try:
        with archive.open("rb") as stream, zipfile.ZipFile(stream) as opened:
            contents = [(Path(name).stem, opened.read(name)) for name in opened.namelist()]
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise DataError(
            given=f"archive {archive.name}",
            rule=f"the bundled recordings are missing or damaged ({error})",
            remedy="Install imssa again.",
        ) from error
    return fsdd.select(contents, words, archive.name)


def open_bundled(request: Request) -> RecordingSource:
    """The bundled recordings as a source; see ``read``."""
    words = chosen_classes(WORDS, request.words, "the package")
    return RecordingSource(read(request.root, words), words, fsdd.RATE_HERTZ)


FORMAT: Final = DataFormat(
    kind="bundled-zero-one",
    corpus=fsdd.CORPUS,
    words=WORDS,
    needs_root=False,
    front_ends=fsdd.FORMAT.front_ends,
    splits=fsdd.FORMAT.splits,
    open=open_bundled,
    licence=fsdd.LICENCE,
    where="in the package",
)
