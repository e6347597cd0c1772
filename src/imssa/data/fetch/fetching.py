"""From the name of a public data set to its files in a folder, whole or not at all.

What is on its way lies in ``FOLDER/.fetching``: parts of downloads, whole downloads, what is being
unpacked. A process that is killed leaves it there, and the next fetch goes on. ``FOLDER/fetched.json``
is written after each file: where it came from, its SHA-256, and the names that it was unpacked to.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from imssa.data.fetch.download import PAUSES, Progress, Wanted, download, require_tools
from imssa.data.fetch.published import PublishedFile, PublishedSet
from imssa.data.fetch.unpacking import unpack
from imssa.errors import DataError, OutputError
from imssa.places import held

STATE: Final = ".fetching"
RECORD: Final = "fetched.json"
SCHEMA: Final = "imssa.fetched/1"


@dataclass(frozen=True)
class FetchedFile:
    """A file that was fetched.

    Args:
        url: Where it came from.
        sha256: Of the file as it was downloaded.
        published: Whether a checksum was published that it was held against; if not, it was
            trusted, and later fetches must give the same.
        size: In bytes, as downloaded.
        names: What it was unpacked to, below the folder.
    """

    url: str
    sha256: str
    published: bool
    size: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Fetched:
    """A data set that was fetched.

    Args:
        name: Of the set.
        files: By the names of the downloads.
    """

    name: str
    files: dict[str, FetchedFile]

    def holds(self, said: PublishedFile, folder: Path) -> bool:
        """Whether one file was fetched, and what it held is still there."""
        found = self.files.get(said.name)
        return found is not None and all((folder / name).is_file() for name in found.names)


def fetch(
    wanted: PublishedSet,
    folder: Path,
    stage: Callable[[str], Progress],
    *,
    mirror: str | None = None,
    force: bool = False,
    pauses: tuple[float, ...] = PAUSES,
) -> Fetched:
    """Downloads and unpacks a data set; goes on where an earlier call stopped.

    Args:
        wanted: Which.
        folder: Where its files shall lie; made when missing.
        stage: Name of a file -> who is told of its progress.
        mirror: Address of a folder that holds the files; None: as published.
        force: Fetch it again, also into a folder that holds other things.
        pauses: Seconds to wait before each further attempt after a break.

    Raises:
        DataError: No network, a file that is not the published one, or a hostile archive.
        MissingToolError: pooch is not installed.
        OutputError: The folder cannot be written, or holds other things.
    """
    plan = plan_fetch(wanted, folder, mirror=mirror, force=force)
    found = plan.found
    if not plan.urls:
        return found
    with _state(folder) as state:
        for said in wanted.files:
            if said.name not in plan.urls:
                continue
            known = said.checksum or _trusted(plan.found, said)
            target = Wanted(plan.urls[said.name], state / said.name, said.size, known)
            _require_room(folder, said)
            download(target, stage(said.name), pauses)
            one = _unpacked(target, said, folder, state)
            found = replace(found, files={**found.files, said.name: one})
            _write_record(folder, found)
            target.file.unlink()
        shutil.rmtree(folder / STATE, ignore_errors=True)
    return found


@dataclass(frozen=True)
class Plan:
    """What a fetch will do.

    Args:
        found: What earlier fetches of the set brought.
        urls: Where each file that is still to come lies, by its name.
    """

    found: Fetched
    urls: dict[str, str]


def plan_fetch(
    wanted: PublishedSet, folder: Path, *, mirror: str | None = None, force: bool = False
) -> Plan:
    """All that can be refused before the network is asked; writes nothing.

    Args:
        wanted: Which.
        folder: Where its files shall lie.
        mirror: As in ``fetch``.
        force: As in ``fetch``.

    Raises:
        MissingToolError: pooch is not installed.
        OutputError: The folder cannot be written, holds other things, or has no room.
    """
    earlier = read_record(folder)
    if not force:
        _require_own(folder, earlier, wanted)
    done = earlier if earlier is not None and earlier.name == wanted.name else None
    found = done or Fetched(wanted.name, {})
    urls = {
        said.name: said.url if mirror is None else f"{mirror.rstrip('/')}/{said.name}"
        for said in wanted.files
        if force or not found.holds(said, folder)
    }
    if urls:
        require_tools()
        existing = _require_writable(folder)
        for said in wanted.files:
            if said.name in urls:
                _require_room(existing, said)
    return Plan(found, urls)


def _require_writable(folder: Path) -> Path:
    """The nearest folder above that exists; refused where nothing can be made in it."""
    existing = next(p for p in (folder, *folder.absolute().parents) if p.exists() or p.is_symlink())
    if not existing.is_dir():
        raise _unwritable(folder, f"{existing} is a file")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise _unwritable(folder, f"you may not write to {existing}")
    return existing


def _require_own(folder: Path, earlier: Fetched | None, wanted: PublishedSet) -> None:
    """Refuses a folder with things that no fetch of this set brought."""
    if not folder.exists():
        return
    if not folder.is_dir():
        rule = "this is no folder"
    elif earlier is not None and earlier.name != wanted.name:
        rule = f"the data set {earlier.name} lies there"
    elif earlier is None and any(p.name != STATE for p in folder.iterdir()):
        rule = "it holds other things"
    else:
        return
    raise OutputError(given=str(folder), rule=rule, remedy="Name a new folder, or add --force.")


def _trusted(done: Fetched, said: PublishedFile) -> str | None:
    """The checksum of an earlier fetch."""
    found = done.files.get(said.name)
    return None if found is None else f"sha256:{found.sha256}"


def _require_room(folder: Path, said: PublishedFile) -> None:
    free = shutil.disk_usage(folder).free
    if said.size is not None and free < said.size:
        raise OutputError(
            given=str(folder),
            rule=f"{said.name} has {said.size} bytes, and {free} are free there",
            remedy="Make room, or name a folder on another disk.",
        )


@contextmanager
def _state(folder: Path) -> Iterator[Path]:
    """The folder of what is on its way, for one process at a time."""
    state = folder / STATE
    with held(state, str(folder), busy="another process is fetching into it"):
        try:
            yield state
        except OSError as error:
            raise _unwritable(folder, error.strerror or str(error)) from error


def _unwritable(folder: Path, reason: str) -> OutputError:
    return OutputError(
        given=str(folder),
        rule=f"it cannot be written ({reason})",
        remedy="Name a folder that you may write to, on a disk with room.",
    )


def _unpacked(target: Wanted, said: PublishedFile, folder: Path, state: Path) -> FetchedFile:
    """Unpacks a whole download beside its place and moves the files there, one rename each."""
    fresh = state / "unpacked"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        names = unpack(target.file, said, fresh)
    except DataError:
        target.file.unlink()  # the next fetch gets it anew
        raise
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (fresh / name).replace(folder / name)
    return FetchedFile(
        url=target.url,
        sha256=sha256_of(target.file),
        published=said.checksum is not None,
        size=target.file.stat().st_size,
        names=tuple(names),
    )


def sha256_of(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_record(folder: Path) -> Fetched | None:
    """What was fetched into a folder; None: nothing, or its record is damaged."""
    try:
        held = json.loads((folder / RECORD).read_text("utf-8"))
        if held["schema"] != SCHEMA:
            return None
        files = {
            name: FetchedFile(**{**one, "names": tuple(one["names"])})
            for name, one in held["files"].items()
        }
        return Fetched(held["name"], files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write_record(folder: Path, found: Fetched) -> None:
    temporary = folder / STATE / RECORD
    text = json.dumps({"schema": SCHEMA, **asdict(found)}, indent=1, sort_keys=True)
    with temporary.open("w", encoding="utf-8") as out:
        out.write(text + "\n")
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(folder / RECORD)
