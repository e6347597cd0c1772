"""What holds for every format; a new one is tested by being listed in KINDS."""

from pathlib import Path

import pytest

from imssa.data import KINDS, Request
from imssa.data.front_ends import FRONT_ENDS
from imssa.errors import DataError


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
