"""The ledger: what a killed process or a full disk leaves, and what it does not."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from imssa.errors import OutputError
from imssa.study.ledger import Ledger, Outcome, read_ledger, unpacked


def some(count: int, first: int = 0) -> list[Outcome]:
    rng = np.random.default_rng(first)
    return [
        Outcome.answered(f"t{n}", 0.5, rng.random(60) < 0.5) for n in range(first, first + count)
    ]


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process can grow beyond a size, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_was_added_is_read_again(tmp_path: Path) -> None:
    path, failed = tmp_path / "l.jsonl", Outcome("x", 0.0, error="it broke")
    with Ledger(path) as ledger:
        ledger.add(some(3))
        ledger.add([failed])
    assert list(read_ledger(path).values()) == [*some(3), failed]
    right = np.random.default_rng(0).random(60) < 0.5
    outcome = read_ledger(path)["t0"]
    np.testing.assert_array_equal(unpacked(str(outcome.right), outcome.items), right)
    assert outcome.value == right.mean()


def test_torn_at_any_byte_only_the_last_line_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    with Ledger(path) as ledger:
        ledger.add(some(3))
    whole = path.read_bytes()
    second = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    for size in range(second, len(whole)):
        path.write_bytes(whole[:size])
        assert list(read_ledger(path)) == ["t0", "t1"]
        with Ledger(path) as ledger:
            ledger.add(some(1, 9))
        assert list(read_ledger(path)) == ["t0", "t1", "t9"]


def test_damaged_line_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    with Ledger(path) as ledger:
        ledger.add(some(3))
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], b'{"trial": 3, "what', *lines[2:]]))
    assert list(read_ledger(path)) == ["t0", "t2"]


def test_full_disk_says_so_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    with Ledger(path) as ledger:
        ledger.add(some(3))
        kept = path.stat().st_size
        with (
            room_for(kept + 100),
            pytest.raises(OutputError, match=r"cannot be written \(.*\)\. Make room and run"),
        ):
            ledger.add(some(5, 3))
    assert path.stat().st_size == kept + 100
    assert list(read_ledger(path).values()) == [*some(3), some(5, 3)[0]]  # whole lines stay
    with Ledger(path) as ledger:
        ledger.add(some(5, 3))
    assert list(read_ledger(path).values()) == [*some(3), *some(5, 3)]


def test_no_ledger_is_an_empty_one(tmp_path: Path) -> None:
    assert read_ledger(tmp_path / "none.jsonl") == {}


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        Ledger(tmp_path / "file" / "l.jsonl")
