"""Unpacking what came from elsewhere: nothing outside the folder, no links, bounded size."""

import gzip
import io
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, NoReturn, Protocol, runtime_checkable

from imssa.data.fetch.published import PublishedFile
from imssa.errors import DataError, OutputError

MOST_FILES: Final = 500_000
MOST_TIMES: Final = 60
"""Unpacked bytes to packed ones. Spikes, recordings and images shrink to a tenth at best."""
LEAST_BYTES: Final = 2**24
"""Allowed whatever the packed size."""
CHUNK: Final = 2**20
MOST_HEADER: Final = 2**20
"""Names and notes inside a tar file that are read at once."""
_DAMAGED: Final = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile),
    *(ValueError, NotImplementedError, RuntimeError, UnicodeError, OverflowError),
)


@runtime_checkable
class _Readable(Protocol):
    """What bytes can be read from, a number at a time."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        ...


@dataclass
class _Allowance:
    """Bytes and files that may still be unpacked."""

    archive: Path
    bytes_left: int
    files_left: int

    def refuse(self, rule: str, cause: Exception | None = None) -> NoReturn:
        """Refuses the archive.

        Raises:
            DataError: Always.
        """
        raise DataError(
            given=str(self.archive),
            rule=rule,
            remedy="It is not the published file: tell whoever runs the server, or get it elsewhere.",
        ) from cause

    def take(self, count: int) -> None:
        """Counts bytes that were unpacked.

        Raises:
            DataError: There are too many.
        """
        self.bytes_left -= count
        if self.bytes_left < 0:
            self.refuse("it unpacks to far more than such files hold")

    def take_file(self) -> None:
        """Counts a file.

        Raises:
            DataError: There are too many.
        """
        self.files_left -= 1
        if self.files_left < 0:
            self.refuse(f"it holds more than {MOST_FILES} files")


class _Bounded(io.RawIOBase):
    """A stream of which no more than the allowance is read, and never much at once.

    tarfile reads names and notes in one piece of whatever size their header says.
    """

    def __init__(self, inner: gzip.GzipFile, allowance: _Allowance) -> None:
        self._inner, self._allowance = inner, allowance
        self._furthest = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= MOST_HEADER:
            self._allowance.refuse(f"a name or note in it has {size} bytes")
        found = self._inner.read(size)
        self._count()
        return found

    def seek(self, place: int, whence: int = 0, /) -> int:
        if whence != 0 or place - self._furthest > self._allowance.bytes_left:
            self._allowance.refuse("it unpacks to far more than such files hold")
        found = self._inner.seek(place)
        self._count()
        return found

    def tell(self) -> int:
        return self._inner.tell()

    def _count(self) -> None:
        here = self._inner.tell()
        self._allowance.take(max(0, here - self._furthest))
        self._furthest = max(here, self._furthest)


def unpack(archive: Path, said: PublishedFile, folder: Path) -> list[str]:
    """Unpacks an archive into an empty folder.

    Args:
        archive: The file.
        said: How it is packed, and what of it is wanted.
        folder: Made here.

    Returns:
        The names of the files, below the folder, sorted.

    Raises:
        DataError: It is damaged, holds nothing that is wanted, or is hostile: a place outside the
            folder, a link or device, a name twice, or far too much.
        OutputError: The folder cannot be written.
    """
    most = max(LEAST_BYTES, MOST_TIMES * archive.stat().st_size)
    allowance = _Allowance(archive, most, MOST_FILES)
    names = set[str]()
    try:
        for name, stream in _members(archive, said, allowance):
            kept = _kept(name, said, allowance)
            if kept is None:
                continue
            if kept.lower() in names:
                allowance.refuse(f"it holds {kept!r} twice")
            names.add(kept.lower())
            allowance.take_file()
            _write(stream, folder / kept, allowance)
    except _DAMAGED as error:
        rule = f"it is damaged, or no {said.container} file ({_short(error)})"
        allowance.refuse(rule, error)
    except OSError as error:
        raise OutputError(
            given=str(folder),
            rule=f"it cannot be written ({error.strerror or error})",
            remedy="Name a folder that you may write to, on a disk with room.",
        ) from error
    if not names:
        allowance.refuse("it holds no file that is looked for")
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


def _write(stream: _Readable, target: Path, allowance: _Allowance) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as out:
        while chunk := stream.read(CHUNK):
            allowance.take(len(chunk))
            out.write(chunk)


def _kept(name: str, said: PublishedFile, allowance: _Allowance) -> str | None:
    """The place of a member below the folder; None: it is not wanted.

    Raises:
        DataError: It would lie outside.
    """
    path = PurePosixPath(name)
    hostile = path.is_absolute() or ".." in path.parts or re.search(r"[\\\x00-\x1f]|^\w:", name)
    if hostile or len(name) > 1000:
        allowance.refuse(f"a file in it would lie outside the folder ({name[:120]!r})")
    parts = path.parts[said.strip :]
    if not parts or any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
        return None
    kept = "/".join(parts)
    return kept if re.fullmatch(said.wanted, kept) else None


def _members(
    archive: Path, said: PublishedFile, allowance: _Allowance
) -> Iterator[tuple[str, _Readable]]:
    match said.container:
        case "zip":
            yield from _of_zip(archive, allowance)
        case "tar":
            yield from _of_tar(archive, allowance)
        case "gzip":
            with gzip.open(archive) as stream:
                yield said.name.removesuffix(".gz"), stream


def _of_zip(archive: Path, allowance: _Allowance) -> Iterator[tuple[str, _Readable]]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
                allowance.refuse(f"it holds a link or device ({member.filename[:120]!r})")
            if member.flag_bits & 1:
                allowance.refuse("it is encrypted")
            if not member.is_dir():
                with opened.open(member) as stream:
                    yield member.filename, stream


def _of_tar(archive: Path, allowance: _Allowance) -> Iterator[tuple[str, _Readable]]:
    with (
        gzip.open(archive) as inner,
        tarfile.open(fileobj=_Bounded(inner, allowance), mode="r:") as opened,
    ):
        while (member := opened.next()) is not None:
            # else it keeps every header, for looking names up
            opened.members = []  # type: ignore[attr-defined]  # not in the stubs
            if member.isdir():
                continue
            plain = member.isreg() and not member.issparse()
            stream = opened.extractfile(member) if plain else None
            if stream is None:
                allowance.refuse(f"it holds a link or device ({member.name[:120]!r})")
            yield member.name, stream
        while inner.read(CHUNK):  # to the end, where gzip's checksum stands
            allowance.take(CHUNK)
