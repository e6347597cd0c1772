"""Trials are known by what their data hold, not by where these lie."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from imssa.errors import DataError, StudyError
from imssa.experiment.recipe import recipe_content
from imssa.study import contents
from imssa.study.contents import fingerprint
from imssa.study.definition import Study, load_study, study_of
from imssa.study.folder import open_study
from imssa.study.merging import merge
from tests.cli.calls import done, refusal
from tests.study import tiny
from tests.study.ledgers import measured
from tests.study.results import numbers


def write(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


FILES = {"zero/a.wav": b"1234", "zero/b.wav": b"5678", "one/a.wav": b"abcd"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "data", FILES)


def test_a_copy_elsewhere_and_later_is_the_same(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "copy" / "inner")
    os.utime(tmp_path / "copy" / "inner" / "one" / "a.wav", (1, 1))
    write(tmp_path / "copy" / "inner", {".DS_Store": b"x", ".cache/y": b"z"})
    assert fingerprint(tmp_path / "copy" / "inner") == fingerprint(data)
    (tmp_path / "link").symlink_to(data)
    assert fingerprint(tmp_path / "link") == fingerprint(data)


@pytest.mark.parametrize(
    "changes",
    [{"one/a.wav": b"abce"}, {"one/a.wav": b"abcde"}, {"one/b.wav": b""}, {"one/a.mp3": b"abcd"}],
)
def test_other_data_under_the_same_path_are_others(data: Path, changes: dict[str, bytes]) -> None:
    before = fingerprint(data)
    write(data, changes)
    assert fingerprint(data) != before


def test_renamed_files_are_others_and_a_renamed_root_is_not(data: Path, tmp_path: Path) -> None:
    before = fingerprint(data)
    (data / "zero" / "b.wav").rename(data / "zero" / "c.wav")
    assert fingerprint(data) != before
    alone = write(tmp_path, {"a.npz": b"values", "b.npz": b"values", "c.npz": b"other!"})
    found = [fingerprint(alone / name) for name in ("a.npz", "b.npz", "c.npz")]
    assert found[0] == found[1] != found[2]


def test_large_files_are_read_in_pieces_with_both_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_BYTES", 64)
    path, found = tmp_path / "large", set()
    for place in (0, 999, None):
        content = bytearray(1000)
        if place is not None:
            content[place] = 1
        path.write_bytes(content)
        found.add(fingerprint(path))
    assert len(found) == 3


def test_folders_that_link_to_themselves_end(data: Path) -> None:
    (data / "zero" / "up").symlink_to(data)
    assert fingerprint(data)


def test_nothing_there(tmp_path: Path) -> None:
    assert fingerprint(tmp_path / "none") is None
    assert fingerprint(write(tmp_path / "hidden", {".a": b"x"})) is None


def of_data(root: Path, section: str = "data") -> Study:
    """A study of data in a folder; a word folder needs no more to be asked for its identities."""
    split = {"data.split": "hash"} if section == "data" else {}
    settings = {**tiny.SETTINGS, f"{section}.kind": "folder", **split}
    content: dict[str, Any] = tiny.content(set=settings)
    return study_of(content, recipe_content("zero-one"), "tiny", {f"{section}.root": str(root)})


def ids(study: Study) -> list[dict[str, str]]:
    return [study.subject(point).ids for point in study.points]


@pytest.mark.parametrize("section", ["data", "auxiliary"])
def test_the_path_of_data_determines_no_stage_and_their_content_all(
    data: Path, tmp_path: Path, section: str
) -> None:
    shutil.copytree(data, tmp_path / "copy")
    before = ids(of_data(data, section))
    assert ids(of_data(tmp_path / "copy", section)) == before
    write(data, {"one/a.wav": b"abce"})
    for a, b in zip(before, ids(of_data(data, section)), strict=True):
        assert not {name for name in a if a[name] == b[name]}


def test_shards_of_two_machines_merge(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "copy")
    first = measured(tmp_path / "a", of_data(data)).root
    second = measured(tmp_path / "b", of_data(tmp_path / "copy")).root
    expected = numbers(first)
    shutil.rmtree(data)  # what was measured is known without its data
    shutil.rmtree(tmp_path / "copy")
    standing = merge([first, second], tmp_path / "whole")
    assert standing.done == standing.trials == 37
    assert numbers(tmp_path / "whole") == expected
    assert "37 of 37" in done("study", "show", tmp_path / "whole").out


def test_shards_of_different_data_do_not_merge(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "copy")
    write(tmp_path / "copy", {"one/c.wav": b"more"})
    first = measured(tmp_path / "a", of_data(data)).root
    second = measured(tmp_path / "b", of_data(tmp_path / "copy")).root
    with pytest.raises(StudyError, match="their data differ"):
        merge([first, second], tmp_path / "whole")


def test_a_folder_goes_on_with_moved_data_and_not_with_changed_ones(
    data: Path, tmp_path: Path
) -> None:
    root = measured(tmp_path / "a", of_data(data)).root
    data.rename(tmp_path / "moved")
    assert open_study(root, of_data(tmp_path / "moved")).study.contents.known
    write(tmp_path / "moved", {"one/a.wav": b"abce"})
    with pytest.raises(StudyError, match="its data hold something else now"):
        open_study(root, of_data(tmp_path / "moved"))


def test_missing_data_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    words = ("study", "run", "stuck", "--set", f"data.root={tmp_path / 'none'}")
    assert "there is no such folder or file" in refusal(*words, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(DataError):
        open_study(tmp_path / "out", load_study("stuck", [f"data.root={tmp_path / 'none'}"]))
