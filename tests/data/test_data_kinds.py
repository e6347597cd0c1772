"""What holds for every format; a new one is tested by being listed in KINDS."""

import re
from pathlib import Path

import pytest

from imssa.data import KINDS, DataConfig, Request, open_source
from imssa.data.front_ends import FRONT_ENDS
from imssa.errors import DataError

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def test_the_page_of_data_names_every_format_with_its_splits() -> None:
    rows = re.findall(r"^\| (`.+?`) \|.*\| (`.+?`) \|$", PAGE, flags=re.MULTILINE)
    told = {kind: row[1] for row in rows for kind in re.findall(r"`([\w-]+)`", row[0])}
    found = {kind: tuple(re.findall(r"`(\w+)`", told[kind])) for kind in KINDS}
    assert found == {kind: known.splits for kind, known in KINDS.items()}


def test_arrays_made_as_the_page_says_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)[0], {})  # noqa: S102
    source = open_source(DataConfig(kind="arrays", root=tmp_path / "sensors.npz"))
    assert (len(source.items), source.class_names) == (60, ("0", "1"))
    assert len({item.group for item in source.items}) == 10


@pytest.mark.parametrize("kind", KINDS)
def test_format_is_listed_under_its_own_name(kind: str) -> None:
    found = KINDS[kind]
    assert found.kind == kind
    assert found.words is None or len(set(found.words)) == len(found.words) >= 2
    assert found.licence
    assert found.where
    assert set(found.front_ends) <= set(FRONT_ENDS)


@pytest.mark.parametrize("kind", KINDS)
def test_folder_that_is_not_there_is_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data root"):
        KINDS[kind].open(Request(tmp_path / "nowhere"))
