"""What holds for every format; a new one is tested by being listed in KINDS."""

from pathlib import Path

import pytest

from imssa.data import KINDS
from imssa.errors import DataError


@pytest.mark.parametrize("kind", KINDS)
def test_format_is_listed_under_its_own_name(kind: str) -> None:
    found = KINDS[kind]
    assert found.kind == kind
    assert len(set(found.words)) == len(found.words) >= 2
    assert found.rate_hertz > 0


@pytest.mark.parametrize("kind", KINDS)
def test_folder_that_is_not_there_is_refused(kind: str, tmp_path: Path) -> None:
    found = KINDS[kind]
    with pytest.raises(DataError, match="data root"):
        found.read(tmp_path / "nowhere", found.words)
