"""Rounds of a contest, with a made-up contestant that chatters, lags, errs and ends."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
SCRIPT = """
import json, sys
print("hello to all")
if sys.argv[1:] == ["absent"]:
    sys.exit("ImportError: no such simulator")
print("answer: " + json.dumps({"settings": {"bits": 8}}), flush=True)
seconds = {"quick": 1.0, "even": 1.5, "slow": 9.0}
for line in sys.stdin:
    variant = json.loads(line)["variant"]
    if variant == "ends":
        sys.exit("MemoryError: too much")
    answer = {"seconds": seconds[variant]} if variant in seconds else {"error": "ValueError: no"}
    print("thinking")
    print("answer: " + json.dumps(answer), flush=True)
"""


@pytest.fixture
def contest(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("peers.contest")


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    script = tmp_path / "contestant.py"
    script.write_text(SCRIPT)
    return [sys.executable, str(script)]


@pytest.fixture
def process(contest: Any, command: list[str]) -> Iterator[Any]:
    made = contest.Process(command, dict(os.environ), 1)
    yield made
    made.close()


def entries(contest: Any, process: Any, *variants: str) -> list[Any]:
    return [contest.Entry("peer", variant, process, {"job": "loop"}, 2.0) for variant in variants]


def test_slow_ways_are_asked_once_and_failures_keep_their_words(contest: Any, process: Any) -> None:
    asked = entries(contest, process, "slow", "broken", "even", "quick")
    found, failed = contest.compete(asked, 3)
    assert [(e.variant, e.seconds) for e in found] == [
        ("slow", [18.0]),
        ("even", [3.0] * 3),
        ("quick", [2.0] * 3),
    ]
    assert failed == {"peer, broken": "ValueError: no"}
    assert contest.fastest(found, "peer").variant == "quick"
    assert process.settings == {"bits": 8}


def test_a_contestant_that_ends_leaves_its_last_words(contest: Any, process: Any) -> None:
    found, failed = contest.compete(entries(contest, process, "ends", "quick"), 2)
    assert found == []
    assert failed == dict.fromkeys(("peer, ends", "peer, quick"), "MemoryError: too much")


def test_one_that_does_not_start_is_refused_in_its_words(contest: Any, command: list[str]) -> None:
    with pytest.raises(contest.ContestantError, match=r"^ImportError: no such simulator$"):
        contest.Process([*command, "absent"], dict(os.environ), 1)


@pytest.mark.slow
def test_what_pip_cannot_install_is_said_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    environments = importlib.import_module("peers.environments")
    nothing = ("--no-index", "--find-links", str(tmp_path), "imssa-no-such-package==1")
    reason = environments.interpreter_of(environments.Environment("none==1", (nothing,)), tmp_path)
    assert "imssa-no-such-package==1" in reason
    assert not (tmp_path / "none-1" / "installed").exists()
