"""Lists of variable length: what they say they hold, against what h5py reads; promises are refused."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from imssa.data.hdf5 import opened
from imssa.data.hdf5_lists import lengths_said
from imssa.errors import DataError

COUNTS = (3, 0, 7, 1, 5)


def write(path: Path, dtype: Any, **storage: Any) -> None:
    with h5py.File(path, "w") as file:
        kind = h5py.vlen_dtype(np.dtype(dtype))
        lists = file.create_dataset("lists", len(COUNTS), kind, **storage)
        for number, count in enumerate(COUNTS):
            lists[number] = np.arange(1, count + 1).astype(dtype)


@pytest.mark.parametrize("storage", [{}, {"chunks": (2,)}, {"chunks": (2,), "compression": "gzip"}])
def test_lengths_are_those_that_h5py_reads(tmp_path: Path, storage: dict[str, Any]) -> None:
    path = tmp_path / "lists.h5"
    write(path, "float16", **storage)
    with h5py.File(path) as file:
        said = lengths_said(file["lists"], path)
        read = [len(values) for values in file["lists"]]
    assert said[: len(COUNTS)].tolist() == read == list(COUNTS)
    assert said[len(COUNTS) :].sum() == 0
    with opened(path) as held:
        assert held.need("lists", 1, "O").shape == (5,)


@pytest.mark.parametrize("storage", [{}, {"chunks": (5,)}])
def test_a_list_longer_than_its_file_is_refused_unread(
    tmp_path: Path, storage: dict[str, Any]
) -> None:
    path = tmp_path / "lists.h5"
    write(path, "float64", **storage)
    whole = path.read_bytes()
    with h5py.File(path) as file:
        data = file["lists"].id
        place = data.get_chunk_info(0).byte_offset if storage else data.get_offset()
    huge = (2**31 - 1).to_bytes(4, "little")
    path.write_bytes(whole[:place] + huge + whole[place + 4 :])
    with pytest.raises(DataError, match="promise 17179869") as refused, opened(path) as held:
        held.need("lists", 1, "O")
    assert "more than the file has" in str(refused.value)


def test_words_too_long_for_their_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("words", data=["yes", "no"], dtype=h5py.string_dtype())
        place = file["words"].id.get_offset()
    whole = path.read_bytes()
    with opened(path) as held:
        assert held.words("words") == ("yes", "no")
    path.write_bytes(whole[:place] + (2**31).to_bytes(4, "little") + whole[place + 4 :])
    with pytest.raises(DataError, match="promise"), opened(path) as held:
        held.words("words")
