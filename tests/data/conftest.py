"""What several tests of the data stage share."""

from pathlib import Path

import pytest

from tests.data.samples import write_digits


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete folder of "zero" and "one" in the published form; not to be changed."""
    folder = tmp_path_factory.mktemp("digits") / "recordings"
    write_digits(folder)
    return folder
