"""Archives from elsewhere: what is wanted comes out, what is hostile is refused."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imssa.data.fetch.published import Container, PublishedFile
from imssa.data.fetch.unpacking import LEAST_BYTES, unpack
from imssa.errors import DataError

GOOD = {"top/yes/a.wav": b"yes", "top/no/b.wav": b"no" * 1000, "top/README.md": b"about"}


def zipped(files: dict[str, bytes], mode: int = 0) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def tarred(files: dict[str, bytes], **fields: object) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in fields.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def taken(
    tmp_path: Path, content: bytes, container: Container, strip: int = 0, wanted: str = ".*"
) -> dict[str, bytes]:
    archive = tmp_path / "a"
    archive.write_bytes(content)
    said = PublishedFile("https://example.org/digits.gz", container, strip=strip, wanted=wanted)
    out = tmp_path / "out"
    names = unpack(archive, said, out)
    assert names == sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    return {name: (out / name).read_bytes() for name in names}


WRITERS: list[tuple[Container, Callable[[dict[str, bytes]], bytes]]] = [
    ("zip", zipped),
    ("tar", tarred),
]


@pytest.mark.parametrize(("container", "write"), WRITERS)
def test_what_is_wanted_comes_out(
    container: Container, write: Callable[[dict[str, bytes]], bytes], tmp_path: Path
) -> None:
    more = {"top/.DS_Store": b"", "__MACOSX/top/no/b.wav": b"", "./top/sub/": b""}
    content = write({**GOOD, **more})
    found = taken(tmp_path, content, container, 1, r".*\.wav")
    assert found == {"yes/a.wav": b"yes", "no/b.wav": b"no" * 1000}


def test_one_packed_file(tmp_path: Path) -> None:
    assert taken(tmp_path, gzip.compress(b"1234"), "gzip") == {"digits": b"1234"}


@pytest.mark.parametrize(("container", "write"), WRITERS)
@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", "C:\\x", "a\\..\\..\\x", "c:x", "a\nb", "x" * 2000]
)
def test_places_outside_are_refused(
    container: Container, write: Callable[[dict[str, bytes]], bytes], name: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="outside the folder"):
        taken(tmp_path, write({"good.wav": b"1", name: b"2"}), container)
    assert {p.name for p in tmp_path.iterdir()} <= {"a", "out"}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_are_refused(kind: bytes, tmp_path: Path) -> None:
    content = tarred({"x": b""}, type=kind, linkname="/etc/passwd")
    with pytest.raises(DataError, match="a link or device"):
        taken(tmp_path, content, "tar")


def test_links_in_zip_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a link or device"):
        taken(tmp_path, zipped({"x": b"/etc/passwd"}, 0o120777), "zip")


@pytest.mark.parametrize(("container", "write"), WRITERS)
def test_a_name_twice_is_refused(
    container: Container, write: Callable[[dict[str, bytes]], bytes], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="twice"):
        taken(tmp_path, write({"x/a": b"1", "X/A": b"2"}), container)


BOMB = bytes(LEAST_BYTES + 100)


@pytest.mark.parametrize(
    ("container", "content"),
    [
        ("zip", zipped({"a": BOMB})),
        ("tar", tarred({"a": BOMB})),
        ("tar", tarred({f"{n}": BOMB[: 2**20] for n in range(20)})),
        ("gzip", gzip.compress(BOMB, mtime=0)),
    ],
)
def test_bombs_are_refused_in_bounded_space(
    container: Container, content: bytes, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="far more than such files hold"):
        taken(tmp_path, content, container)
    written = sum(p.stat().st_size for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert written <= LEAST_BYTES


def test_a_name_of_exabytes_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**60
    header = info.tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(DataError, match="a name or note in it has"):
        taken(tmp_path, gzip.compress(header + bytes(10_000)), "tar")


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imssa.data.fetch.unpacking.MOST_FILES", 3)
    with pytest.raises(DataError, match="more than 3 files"):
        taken(tmp_path, zipped({f"{n}": b"" for n in range(600)}), "zip")


def test_nothing_wanted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file that is looked for"):
        taken(tmp_path, zipped(GOOD), "zip", wanted=r".*\.h5")


@pytest.mark.parametrize(
    ("container", "content"),
    [("zip", zipped(GOOD)), ("tar", tarred(GOOD)), ("gzip", gzip.compress(b"1" * 1000, mtime=0))],
)
def test_damage_is_refused(container: Container, content: bytes, tmp_path: Path) -> None:
    drawn = np.random.default_rng(0)
    refused = 0
    for trial in range(60):
        changed = bytearray(content)
        for place in drawn.integers(0, len(changed), 3):
            changed[place] ^= 1 << int(drawn.integers(8))
        cut = changed[: int(drawn.integers(len(changed)))] if trial % 2 else changed
        (tmp_path / f"{trial}").mkdir()
        try:
            taken(tmp_path / f"{trial}", bytes(cut), container)
        except DataError:
            refused += 1
    assert refused > 40
