import shutil
from pathlib import Path

import pytest

from imssa.data import fsdd
from imssa.errors import DataError
from tests.data.samples import NO_PUBLISHED, PUBLISHED


@pytest.fixture
def own_digits(digits: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return shutil.copytree(digits, tmp_path / "recordings")


def test_files_come_in_order_and_of_the_words_asked_for(digits: Path) -> None:
    files = fsdd.read(digits, ("one",))
    assert [file.name for file in files[:3]] == ["1_george_0", "1_george_1", "1_george_2"]
    assert len(files) == 300
    assert {file.label for file in files} == {"one"}


def test_other_files_are_left_alone(own_digits: Path) -> None:
    (own_digits / "README.md").write_text("hello")
    assert len(fsdd.read(own_digits, ("zero", "one"))) == 600


def test_further_speakers_are_read_if_complete(own_digits: Path) -> None:
    for file in sorted(own_digits.glob("?_theo_*.wav")):
        shutil.copy(file, own_digits / file.name.replace("theo", "zoe"))
    assert len(fsdd.read(own_digits, ("zero", "one"))) == 700
    (own_digits / "1_zoe_49.wav").unlink()
    with pytest.raises(DataError, match="1 of 700 recordings are missing, the first 1_zoe_49"):
        fsdd.read(own_digits, ("zero", "one"))


@pytest.mark.parametrize(
    "name", ["0_eve", "zero_eve_1", "0_eve_50", "0_eve_01", "0_Eve_1", "00_eve_1", "0_eve_1_2"]
)
def test_wrong_names_are_refused(name: str) -> None:
    with pytest.raises(DataError, match=f"named '{name}': names are digit_speaker_index"):
        fsdd.parse_name(name)


def test_wrong_name_in_the_folder_is_refused(own_digits: Path) -> None:
    (own_digits / "hello.wav").write_bytes(b"x")
    with pytest.raises(DataError, match=r"'hello'.*Rename the file, or move it out"):
        fsdd.read(own_digits, ("zero",))


def test_missing_recordings_are_counted(own_digits: Path) -> None:
    (own_digits / "1_lucas_7.wav").unlink()
    (own_digits / "1_theo_9.wav").unlink()
    with pytest.raises(DataError, match=r"2 of 600 .* the first 1_lucas_7. Get .*github.com"):
        fsdd.read(own_digits, ("zero", "one"))


def test_missing_folder_says_where_to_get_the_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: this is not a folder. Get the data set from"):
        fsdd.read(tmp_path / "nowhere", ("zero",))
    with pytest.raises(DataError, match="data root None"):
        fsdd.read(None, ("zero",))


def test_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the folder holds no wav file. Get the data set"):
        fsdd.read(tmp_path, ("zero",))


def test_folder_above_is_told_apart(digits: Path) -> None:
    with pytest.raises(DataError, match=r"no wav file. Name the folder .*recordings"):
        fsdd.read(digits.parent, ("zero",))


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason=NO_PUBLISHED)
def test_published_data_set_is_complete() -> None:
    files = fsdd.read(PUBLISHED, fsdd.WORDS)
    assert len(files) == 3000
    assert [file.name for file in (files[0], files[-1])] == ["0_george_0", "9_yweweler_49"]
