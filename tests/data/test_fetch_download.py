"""One file over HTTP, from a server on this machine that breaks off, lies and refuses."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from imssa.data.fetch.download import Wanted, download
from imssa.data.fetch.published import MOST_BYTES
from imssa.errors import DataError, MissingToolError, OutputError
from tests.data.web import Site, served

CONTENT = np.random.default_rng(0).bytes(700_001)
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
MD5 = f"md5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}"


def quiet(_done: int, _total: int, _text: str) -> None:
    """No progress is shown."""


def get(
    site: Site,
    folder: Path,
    checksum: str | None = SHA256,
    size: int | None = None,
    *,
    attempts: int = 1,
) -> Path:
    file = folder / "file.bin"
    download(Wanted(f"{site.address}/file.bin", file, size, checksum), quiet, (0.0,) * attempts)
    return file


@pytest.mark.parametrize("checksum", [SHA256, MD5, None])
def test_a_file_comes_whole(checksum: str | None, tmp_path: Path) -> None:
    with served({"file.bin": CONTENT}) as site:
        assert get(site, tmp_path, checksum, len(CONTENT)).read_bytes() == CONTENT
        assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]
        get(site, tmp_path)
        assert site.asked == [None]


def test_progress_is_told(tmp_path: Path) -> None:
    told = []
    with served({"file.bin": bytes(3 * 10**6)}) as site:
        wanted = Wanted(f"{site.address}/file.bin", tmp_path / "file.bin", None, None)
        download(wanted, lambda done, total, text: told.append((done, total, text)))
    assert told[-1] == (3, 3, "3.0 MB")
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)


def test_a_break_is_followed_by_the_rest(tmp_path: Path) -> None:
    with served({"file.bin": CONTENT}) as site:
        site.breaks = [300_000, 200_000]
        assert get(site, tmp_path).read_bytes() == CONTENT
    assert site.asked == [None, "bytes=300000-", "bytes=500000-"]


def test_a_later_call_goes_on(tmp_path: Path) -> None:
    with served({"file.bin": CONTENT}) as site:
        site.breaks, site.statuses = [300_000], []
        with pytest.raises(DataError, match=r"broke off .* 0\.3 MB are kept: run it again"):
            get(site, tmp_path, attempts=0)
        assert not (tmp_path / "file.bin").exists()
        assert get(site, tmp_path, attempts=0).read_bytes() == CONTENT
    assert site.asked == [None, "bytes=300000-"]


def test_a_server_without_parts_starts_anew(tmp_path: Path) -> None:
    with served({"file.bin": CONTENT}) as site:
        site.breaks, site.ranges = [300_000], False
        assert get(site, tmp_path).read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_a_file_that_changed_meanwhile_starts_anew(tmp_path: Path) -> None:
    other = CONTENT[::-1]
    with served({"file.bin": CONTENT}) as site:
        site.breaks = [300_000]
        with pytest.raises(DataError, match="broke off"):
            get(site, tmp_path, None, attempts=0)
        site.files["file.bin"], site.tag = other, '"two"'
        assert get(site, tmp_path, None).read_bytes() == other


def test_a_part_longer_than_the_file_starts_anew(tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(bytes(800_000))
    with served({"file.bin": CONTENT}) as site:
        assert get(site, tmp_path).read_bytes() == CONTENT
    assert site.asked == ["bytes=800000-", None]


@pytest.mark.parametrize("breaks", [[], [300_000]])
def test_a_server_that_tells_no_size(breaks: list[int], tmp_path: Path) -> None:
    with served({"file.bin": CONTENT}) as site:
        site.chunked, site.ranges, site.breaks = True, False, breaks
        assert get(site, tmp_path, None).read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    with served({"file.bin": CONTENT}) as site:
        site.statuses = [503, 500]
        assert get(site, tmp_path, attempts=2).read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(tmp_path: Path) -> None:
    with (
        served({"file.bin": CONTENT + b"?"}) as site,
        pytest.raises(DataError, match=r"does not have the checksum md5:.* thrown away"),
    ):
        get(site, tmp_path, MD5)
    assert not list(tmp_path.iterdir())


def test_a_wrong_size_is_refused_before_anything_comes(tmp_path: Path) -> None:
    with (
        served({"file.bin": CONTENT}) as site,
        pytest.raises(DataError, match="the server has 700001 bytes, published are 5"),
    ):
        get(site, tmp_path, size=5)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/zip"])
def test_a_web_page_is_refused(kind: str, tmp_path: Path) -> None:
    page = b"\n<!DOCTYPE html><title>Please log in</title>"
    with served({"file.bin": page}) as site:
        site.content_type = kind
        with pytest.raises(DataError, match="sends a web page, not the file"):
            get(site, tmp_path, None)
    assert not [p for p in tmp_path.iterdir() if p.suffix != ".json"]


def test_an_endless_answer_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_BYTES < 10**10
    monkeypatch.setattr("imssa.data.fetch.download.MOST_BYTES", 500_000)
    with served({"file.bin": CONTENT}) as site:
        with pytest.raises(DataError, match="has 700001 bytes, more than 500000"):
            get(site, tmp_path, None)
        site.chunked = True
        with pytest.raises(DataError, match="sends more than 500000 bytes"):
            get(site, tmp_path, None)
    assert not (tmp_path / "file.bin.part").exists()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with (
        served({}) as site,
        pytest.raises(DataError, match=r"file\.bin: the server answers 404 Not Found"),
    ):
        get(site, tmp_path)


def test_no_network(tmp_path: Path) -> None:
    with served({}) as site:
        pass
    with pytest.raises(DataError, match="the server cannot be reached") as refused:
        get(site, tmp_path)
    assert refused.value.exit_code == 2


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with (
        served({"file.bin": CONTENT}) as site,
        pytest.raises(OutputError, match="cannot be written"),
    ):
        get(site, tmp_path / "x")


def test_without_pooch_the_line_to_type_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingToolError, match=r"Run: pip install 'imssa\[fetch\]'"):
        download(Wanted("http://127.0.0.1/x", tmp_path / "x", None, None), quiet)
