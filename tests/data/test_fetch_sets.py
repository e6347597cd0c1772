"""Whole data sets: from a server on this machine to a folder that the readers know."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imssa.data import KINDS, DataConfig, load_dataset
from imssa.data.fetch import SETS, PublishedFile, PublishedSet, fetch, published, read_record
from imssa.data.fetch.published import MOST_BYTES
from imssa.errors import DataError, OutputError
from tests.data.files import TEST_LINES, TRAIN_LINES, TS_HEADER
from tests.data.test_fetch_unpacking import zipped
from tests.data.web import Site, served

PARTS = {
    "Made_TRAIN.ts": (TS_HEADER + "\n".join(TRAIN_LINES)).encode(),
    "Made_TEST.ts": (TS_HEADER + "\n".join(TEST_LINES)).encode(),
}


def two_files(address: str) -> PublishedSet:
    """A data set in two archives, neither with a published checksum."""
    files = tuple(PublishedFile(f"{address}/{name}.zip", "zip", wanted=r".*\.ts") for name in PARTS)
    return PublishedSet("made", "ts", "a set", "a licence", "somebody", files)


@pytest.fixture
def site() -> Iterator[Site]:
    archives = {
        f"{name}.zip": zipped({name: content, "about.txt": b"x"}) for name, content in PARTS.items()
    }
    with served(archives) as found:
        yield found


def stage(_name: str) -> Callable[[int, int, str], None]:
    return lambda _done, _total, _text: None


def get(site: Site, folder: Path, *, force: bool = False) -> None:
    fetch(two_files(site.address), folder, stage, force=force, pauses=())


def test_a_set_is_fetched_and_read(site: Site, tmp_path: Path) -> None:
    get(site, tmp_path / "new")
    names = {p.name for p in (tmp_path / "new").iterdir()}
    assert names == {*PARTS, "fetched.json"}
    config = DataConfig.model_validate({"kind": "ts", "root": tmp_path / "new"})
    assert len(load_dataset(config)) == 6
    record = read_record(tmp_path / "new")
    assert record is not None
    assert [one.published for one in record.files.values()] == [False, False]
    get(site, tmp_path / "new")
    assert len(site.asked) == 2


def test_what_was_deleted_is_fetched_again(site: Site, tmp_path: Path) -> None:
    get(site, tmp_path)
    (tmp_path / "Made_TEST.ts").unlink()
    get(site, tmp_path)
    assert (tmp_path / "Made_TEST.ts").read_bytes() == PARTS["Made_TEST.ts"]
    assert len(site.asked) == 3


def test_a_first_fetch_is_trusted_and_later_ones_must_agree(site: Site, tmp_path: Path) -> None:
    get(site, tmp_path)
    get(site, tmp_path, force=True)
    site.files["Made_TEST.ts.zip"] = zipped({"Made_TEST.ts": b"another"})
    with pytest.raises(DataError, match=r"does not have the checksum sha256:[0-9a-f]{64}"):
        get(site, tmp_path, force=True)
    assert (tmp_path / "Made_TEST.ts").read_bytes() == PARTS["Made_TEST.ts"]


def test_a_fetch_that_broke_off_goes_on(site: Site, tmp_path: Path) -> None:
    site.breaks = [10**9, 40]
    with pytest.raises(DataError, match="broke off"):
        get(site, tmp_path)
    record = read_record(tmp_path)
    assert record is not None
    assert list(record.files) == ["Made_TRAIN.ts.zip"]
    get(site, tmp_path)
    assert site.asked == [None, None, "bytes=40-"]
    assert {p.name for p in tmp_path.iterdir()} == {*PARTS, "fetched.json"}


def test_a_damaged_archive_is_fetched_anew(site: Site, tmp_path: Path) -> None:
    good = site.files["Made_TEST.ts.zip"]
    site.files["Made_TEST.ts.zip"] = good[:-30]
    with pytest.raises(DataError, match="it is damaged, or no zip file"):
        get(site, tmp_path)
    site.files["Made_TEST.ts.zip"] = good
    get(site, tmp_path)
    assert (tmp_path / "Made_TEST.ts").is_file()


KILLED = """
import sys
from pathlib import Path
from tests.data.test_fetch_sets import stage, two_files
from imssa.data.fetch import fetch
import imssa.data.fetch.fetching as fetching

def stuck(*_):
    print("unpacking", flush=True)
    sys.stdin.read()

fetching.unpack = stuck
fetch(two_files(sys.argv[1]), Path(sys.argv[2]), stage)
"""


def test_a_killed_process_leaves_what_can_go_on(site: Site, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, site.address, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        env=os.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "unpacking\n"
        with pytest.raises(OutputError, match="another process is fetching into it"):
            get(site, tmp_path)
        process.send_signal(signal.SIGKILL)
    assert {p.name for p in tmp_path.iterdir()} == {".fetching"}
    get(site, tmp_path)
    assert len(site.asked) == 2
    assert {p.name for p in tmp_path.iterdir()} == {*PARTS, "fetched.json"}


def test_folders_with_other_things_are_left_alone(site: Site, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"it holds other things\. Name a new folder, or add"):
        get(site, tmp_path)
    get(site, tmp_path, force=True)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    other = published("mnist")
    with pytest.raises(OutputError, match="the data set made lies there"):
        fetch(other, tmp_path, stage, mirror=site.address)
    with pytest.raises(OutputError, match="this is no folder"):
        get(site, tmp_path / "mine.txt")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": "imssa.fetched/1"}', "\x00"])
def test_a_damaged_record_is_no_record(text: str, tmp_path: Path) -> None:
    (tmp_path / "fetched.json").write_text(text)
    assert read_record(tmp_path) is None


def test_a_full_disk_is_told_before_the_download(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(OutputError, match="has 9912422 bytes, and 1000 are free there"):
        fetch(published("mnist"), tmp_path, stage, mirror=site.address)


def test_every_set_is_described_in_full() -> None:
    for name, found in {**SETS, "uea:X": published("uea:X")}.items():
        assert found.name == name
        assert found.kind in KINDS
        assert found.licence
        assert found.cite
        for said in found.files:
            assert said.url.startswith("https://")
            assert re.fullmatch(r"(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})?", said.checksum or "")
            assert (said.size or 1) < MOST_BYTES
            re.compile(said.wanted)
        assert len({said.name for said in found.files}) == len(found.files)


@pytest.mark.parametrize("name", ["imagenet", "uea:../x", "uea:"])
def test_unknown_sets_are_refused(name: str) -> None:
    with pytest.raises(DataError, match=re.escape(name)):
        published(name)


def test_record_is_plain_json(site: Site, tmp_path: Path) -> None:
    get(site, tmp_path)
    held = json.loads((tmp_path / "fetched.json").read_text())
    assert held["name"] == "made"
    assert held["files"]["Made_TRAIN.ts.zip"]["names"] == ["Made_TRAIN.ts"]
