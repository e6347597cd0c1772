"""One file over HTTP, going on where an earlier attempt stopped.

pooch knows checksums and puts a file in its place only when it is whole, but starts anew after every
break. `Resuming` is a downloader for it that keeps what has come (``NAME.part``, and beside it what the
server called that version) and asks for the rest (RFC 9110, sections 13.1.5 and 14).
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from imssa.data.fetch.published import MOST_BYTES
from imssa.errors import DataError, MissingToolError, OutputError

if TYPE_CHECKING:
    import requests

Progress = Callable[[int, int, str], None]
CHUNK: Final = 2**18
PAUSES: Final = (1.0, 2.0, 4.0)
"""Seconds before each further attempt."""
TIMEOUT: Final = (15.0, 60.0)
"""Seconds for a connection, and for the next bytes."""
MEGABYTE: Final = 10**6
_PARTIAL: Final = 206
_PAST_THE_END: Final = 416
_SERVER_BUSY: Final = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Wanted:
    """What is to be downloaded.

    Args:
        url: Where it lies.
        file: Where it goes.
        size: In bytes; None: not known.
        checksum: "md5:..." or "sha256:..."; None: not known.
    """

    url: str
    file: Path
    size: int | None
    checksum: str | None

    def refuse(self, rule: str, cause: Exception | None = None) -> NoReturn:
        """Refuses what the server sent.

        Raises:
            DataError: Always.
        """
        remedy = "Try later, or get the file by hand."
        raise DataError(given=self.url, rule=rule, remedy=remedy) from cause


def download(wanted: Wanted, progress: Progress, pauses: tuple[float, ...] = PAUSES) -> None:
    """Downloads a file and checks it; it is there only once it is whole and right.

    Args:
        wanted: What, and where to.
        progress: Told the megabytes that have come, all of them (0: not known), and a word.
        pauses: Seconds to wait before each further attempt after a break.

    Raises:
        DataError: No network, an answer that is no such file, or a wrong checksum.
        MissingToolError: pooch is not installed.
        OutputError: The folder cannot be written.
    """
    require_tools()
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.WARNING)
    try:
        wanted.file.parent.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(
            wanted.url,
            known_hash=wanted.checksum,
            fname=wanted.file.name,
            path=wanted.file.parent,
            downloader=Resuming(wanted, progress, pauses),
        )
    except requests.RequestException as error:
        raise _unreachable(wanted, error) from error
    except ValueError as error:
        rule = f"what came does not have the checksum {wanted.checksum}; it was thrown away"
        wanted.refuse(rule, error)
    except OSError as error:
        raise OutputError(
            given=str(wanted.file),
            rule=f"it cannot be written ({error.strerror or error})",
            remedy="Name a folder that you may write to, on a disk with room.",
        ) from error


def require_tools() -> None:
    """Refuses to go on without the library that downloads.

    Raises:
        MissingToolError: It is not installed.
    """
    try:
        import pooch  # noqa: F401
        import requests  # noqa: F401  # pooch brings it
    except ImportError as error:
        raise MissingToolError(
            given="imssa data fetch",
            rule="files are downloaded by pooch",
            remedy="Run: pip install 'imssa[fetch]'",
        ) from error


def _unreachable(wanted: Wanted, error: Exception) -> DataError:
    part = _part(wanted.file)
    kept = part.stat().st_size if part.exists() else 0
    more = f" {kept / MEGABYTE:.1f} MB are kept: run it again to go on." if kept else ""
    return DataError(
        given=wanted.url,
        rule=f"the server cannot be reached, or broke off ({type(error).__name__})",
        remedy=f"Check the network, or get the file by hand and unpack it.{more}",
    )


def _part(file: Path) -> Path:
    return file.with_name(file.name + ".part")


class Resuming:
    """A downloader for pooch that goes on after a break, in this run or a later one.

    Args:
        wanted: What is downloaded.
        progress: As in ``download``.
        pauses: As in ``download``.
    """

    def __init__(self, wanted: Wanted, progress: Progress, pauses: tuple[float, ...]) -> None:
        self._wanted, self._progress, self._pauses = wanted, progress, pauses
        self._part = _part(wanted.file)
        self._note = wanted.file.with_name(wanted.file.name + ".part.json")

    def __call__(self, _url: str, output_file: str, _pooch: Any, **_: Any) -> None:
        """Downloads; pooch checks what then lies in ``output_file``."""
        import requests

        pauses = iter(self._pauses)
        while True:
            before = self._there()
            try:
                self._attempt()
            except requests.RequestException:
                # what moved is not counted as a failure
                pauses = iter(self._pauses) if self._there() > before else pauses
                pause = next(pauses, None)
                if pause is None:
                    raise
                time.sleep(pause)
            else:
                break
        self._note.unlink(missing_ok=True)
        self._part.replace(output_file)

    def _there(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _attempt(self) -> None:
        """Gets the rest of the file, or all of it.

        Raises:
            requests.RequestException: The network, or a server that may do better later.
            DataError: An answer that is no such file.
        """
        import requests

        there, version = self._there(), self._version()
        headers = {"Accept-Encoding": "identity"}
        if there:
            headers["Range"] = f"bytes={there}-"
            if version:
                headers["If-Range"] = version
        with requests.get(
            self._wanted.url, headers=headers, stream=True, timeout=TIMEOUT
        ) as answer:
            if answer.status_code == _PAST_THE_END and there:
                self._part.unlink()
                message = "the part that is there does not fit the server's file"
                raise requests.ConnectionError(message)
            self._check(answer)
            start = there if answer.status_code == _PARTIAL else 0
            if start == 0:
                self._note.write_text(json.dumps({"version": _version_of(answer)}))
            self._write(answer, start)

    def _version(self) -> str | None:
        """What the server called the file that the part belongs to."""
        try:
            found = json.loads(self._note.read_text("utf-8"))["version"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if isinstance(found, str) else None

    def _check(self, answer: "requests.Response") -> None:
        if answer.status_code in _SERVER_BUSY:
            answer.raise_for_status()
        if answer.status_code not in {200, _PARTIAL}:
            self._wanted.refuse(f"the server answers {answer.status_code} {answer.reason}")
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            self._wanted.refuse("the server sends a web page, not the file")
        if answer.status_code == _PARTIAL:
            given = answer.headers.get("Content-Range", "")
            if not given.startswith(f"bytes {self._there()}-"):
                self._wanted.refuse(f"the server sends another part ({given[:80]!r})")
        total, size = self._total(answer), self._wanted.size
        if total and size and total != size:
            self._wanted.refuse(f"the server has {total} bytes, published are {size}")
        if (total or 0) > MOST_BYTES:
            self._wanted.refuse(f"the server has {total} bytes, more than {MOST_BYTES}")

    def _throw_away(self, rule: str) -> NoReturn:
        self._part.unlink()
        self._wanted.refuse(rule)

    def _total(self, answer: "requests.Response") -> int | None:
        """Size of the whole file, as far as the answer tells."""
        if answer.status_code == _PARTIAL:
            told = answer.headers.get("Content-Range", "").rpartition("/")[2]
        else:
            told = answer.headers.get("Content-Length", "")
        return int(told) if told.isascii() and told.isdigit() else self._wanted.size

    def _write(self, answer: "requests.Response", start: int) -> None:
        """Appends the answer's bytes from a place on."""
        import requests

        total = self._total(answer)
        done, most = start, total or MOST_BYTES
        with self._part.open("r+b" if start else "wb") as out:
            out.seek(start)
            for chunk in _chunks(answer):
                if done == 0 and chunk.lstrip()[:14].lower().startswith((b"<!doctype", b"<html")):
                    self._throw_away("the server sends a web page, not the file")
                done += len(chunk)
                if done > most:
                    self._throw_away(f"the server sends more than {most} bytes")
                out.write(chunk)
                self._progress(*_megabytes(done, total))
            out.truncate()
        if total is not None and done < total:
            message = f"{done} of {total} bytes came"
            raise requests.ConnectionError(message)


def _megabytes(done: int, total: int | None) -> tuple[int, int, str]:
    text = f"{done / MEGABYTE:.1f} MB"
    return done // MEGABYTE, (total or 0) // MEGABYTE, text


def _version_of(answer: "requests.Response") -> str | None:
    """A strong entity tag, else the date: what If-Range may hold."""
    tag = answer.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        return tag
    return answer.headers.get("Last-Modified")


def _chunks(answer: "requests.Response") -> Iterator[bytes]:
    """The bytes as they are sent, not unpacked; breaks as exceptions of requests."""
    import requests
    import urllib3

    try:
        yield from answer.raw.stream(CHUNK, decode_content=False)
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from error
