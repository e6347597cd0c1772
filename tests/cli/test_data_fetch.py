"""imssa data fetch: what is shown before and after, and its refusals."""

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from imssa.data.fetch import SETS
from tests.cli.calls import call, done, refusal
from tests.data.files import TEST_LINES, TRAIN_LINES, TS_HEADER
from tests.data.test_fetch_unpacking import zipped
from tests.data.web import Site, served

CONTENT = {
    "Made_TRAIN.ts": (TS_HEADER + "\n".join(TRAIN_LINES)).encode(),
    "Made_TEST.ts": (TS_HEADER + "\n".join(TEST_LINES)).encode(),
    "Made.arff": b"",
}


@pytest.fixture
def site() -> Iterator[Site]:
    with served({"Made.zip": zipped(CONTENT)}) as found:
        yield found


def test_list_names_what_can_be_fetched() -> None:
    assert {*call("data", "list", "--json").value["sets"]} == {*SETS}
    assert "uea:NAME" in call("data", "list").out


def test_plan_and_licence_come_before_the_download(tmp_path: Path) -> None:
    outcome = done("data", "fetch", "shd", "--out", tmp_path / "shd", "--dry-run")
    assert "Licence: CC BY 4.0" in outcome.err
    assert "To be cited: Cramer" in outcome.err
    assert "would fetch https://zenkelab.org/datasets/shd_train.h5.zip" in outcome.out
    assert not (tmp_path / "shd").exists()
    plan = done("data", "fetch", "fsdd", "--out", tmp_path, "--dry-run", "--json").value
    assert plan["root"] == str(tmp_path / "recordings")


def test_from_a_name_to_a_checked_folder(site: Site, tmp_path: Path) -> None:
    words = ("data", "fetch", "uea:Made", "--out", tmp_path / "made", "--mirror", site.address)
    outcome = done(*words)
    assert f'data.kind = "ts", data.root = "{tmp_path / "made"}"' in outcome.out
    assert "none is published: trusted" in outcome.out
    assert "Made.zip" in outcome.err
    found = done(*words, "--json").value
    assert found["files"]["Made.zip"]["unpacked"] == 2
    assert len(site.asked) == 1
    assert done("data", "check", tmp_path / "made", "--json").value["items"] == 6


def test_refusals(site: Site, tmp_path: Path) -> None:
    words = ("data", "fetch", "mnist", "--out", tmp_path / "x", "--quiet", "--mirror", site.address)
    assert "the server answers 404" in refusal(*words)
    site.files["train-images-idx3-ubyte.gz"] = gzip.compress(b"no digits")
    assert "published are 9912422" in refusal(*words)
    assert "none of those that can be fetched" in refusal("data", "fetch", "x", "--out", tmp_path)


def test_a_dry_run_is_refused_where_the_real_call_is(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, file = tmp_path / "used", tmp_path / "file"
    used.mkdir()
    (used / "mine.txt").write_text("mine")
    file.write_text("a file")
    for out in (used, file, file / "below"):
        words = ("data", "fetch", "uea:Made", "--out", out, "--mirror", site.address, "--quiet")
        assert refusal(*words, "--dry-run") == refusal(*words)
    full = SimpleNamespace(free=10)
    monkeypatch.setattr("shutil.disk_usage", lambda _: full)
    large = ("data", "fetch", "mnist", "--out", tmp_path / "new", "--quiet")
    assert refusal(*large, "--dry-run") == refusal(*large)
    assert not (tmp_path / "new").exists()
    assert not site.asked


def test_a_dry_run_without_the_library_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    words = ("data", "fetch", "shd", "--out", tmp_path / "x", "--quiet")
    assert refusal(*words, "--dry-run") == refusal(*words)


def test_a_dry_run_names_what_is_still_to_come_and_from_where(site: Site, tmp_path: Path) -> None:
    words = ("data", "fetch", "uea:Made", "--out", tmp_path / "made", "--mirror", site.address)
    assert done(*words, "--dry-run", "--json").value["urls"] == [f"{site.address}/Made.zip"]
    done(*words)
    assert done(*words, "--dry-run", "--json").value["urls"] == []
    assert "everything is there already" in done(*words, "--dry-run").out


def test_no_network_is_the_users_to_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    with served({}) as gone:
        pass
    monkeypatch.setattr("time.sleep", pauses.append)
    words = ("data", "fetch", "uea:Made", "--out", tmp_path / "x", "--mirror", gone.address)
    outcome = call(*words, "--quiet")
    assert outcome.code == 2
    assert "the server cannot be reached" in outcome.err
    assert pauses == [1.0, 2.0, 4.0]
