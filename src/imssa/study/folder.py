"""The folder of a study: its definition, its stages, its ledgers, its results."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from imssa.errors import FileFormatError, StudyError
from imssa.experiment.places import locked, require_writable
from imssa.program.files import read_header, write_atomically
from imssa.study.definition import Study, study_of
from imssa.study.ledger import Outcome, read_ledger
from imssa.study.store import Store
from imssa.study.work import DEFINITION


@dataclass(frozen=True)
class Shard:
    """One part of a study that several processes divide among them.

    Attributes:
        number: From 1.
        of: How many parts.
    """

    number: int = 1
    of: int = 1

    @classmethod
    def parsed(cls, text: str) -> "Shard":
        """Of a text like 2/8.

        Raises:
            StudyError: It is none.

        Example:
            >>> Shard.parsed("2/8")
            Shard(number=2, of=8)
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        shard = cls(*map(int, found.groups())) if found else cls(0)
        if not 1 <= shard.number <= shard.of:
            raise StudyError(
                given=f"--shard {text}",
                rule="a shard is i/n, with i from 1 to n",
                remedy="Write for instance --shard 1/8, up to --shard 8/8.",
            )
        return shard

    @property
    def name(self) -> str:
        """As a file's name."""
        return f"{self.number}-of-{self.of}"


WHOLE: Final = Shard()


@dataclass(frozen=True)
class StudyFolder:
    """Paths of a study's files.

    Attributes:
        root: The folder.
        study: What it holds the results of.
    """

    root: Path
    study: Study

    @property
    def stages(self) -> Path:
        """Networks and programs, by the hash of what determines them."""
        return self.root / "stages"

    @property
    def store(self) -> Store:
        """The store of the stages."""
        return Store(self.stages)

    @property
    def journal(self) -> Path:
        """What a guided search was asked and told."""
        return self.root / "work" / "search.journal"

    def ledger(self, shard: Shard) -> Path:
        """Where a shard's outcomes are appended."""
        return self.root / "ledger" / f"trials-{shard.name}.jsonl"

    def outcomes(self) -> dict[str, Outcome]:
        """All outcomes by trial; one that was measured goes before one that failed."""
        found: dict[str, Outcome] = {}
        for path in sorted((self.root / "ledger").glob("*.jsonl")):
            for trial, outcome in read_ledger(path).items():
                if trial not in found or found[trial].error is not None:
                    found[trial] = outcome
        return found

    def origins(self) -> list[dict[str, Any]]:
        """Provenances of the networks and programs in the store, each once; of damaged ones none."""
        found: list[dict[str, Any]] = []
        for path in sorted(self.stages.glob("*/*.safetensors")):
            try:
                origin = read_header(path).get("provenance")
            except FileFormatError:
                continue
            if isinstance(origin, dict) and "version" in origin and origin not in found:
                found.append(origin)
        return found

    @contextmanager
    def held(self, shard: Shard) -> Iterator[None]:
        """Holds a shard of the folder for this process.

        Raises:
            OutputError: Another process is at work on it, or the folder cannot be written.
        """
        with locked(self.root / f"work-{shard.name}"):
            yield


def open_study(root: Path, study: Study | None, *, write: bool = True) -> StudyFolder:
    """Opens a folder for a study, or for the one that it holds.

    A study of the same name may have changed: trials that it still has are not repeated.

    Args:
        root: The folder; made when missing.
        study: None: the one in the folder.
        write: Whether the study is written there.

    Raises:
        StudyError: The folder holds no study, another one, or a damaged one.
        OutputError: It cannot be written.
    """
    path = root / DEFINITION
    held = _held(path)
    if study is None and held is None:
        raise StudyError(
            given=str(root),
            rule="it holds no study",
            remedy="Run one first: `imssa study run STUDY.toml --out DIR`.",
        )
    name = held and held.get("study", {}).get("name")
    if study is not None and held is not None and name == study.config.name:
        _require_same_changes(root, held.get("changes", {}), study.changes)
    if study is None or held is None or name == study.config.name:
        found = study or study_of(
            (held or {})["study"],
            (held or {})["recipe"],
            str(path),
            (held or {}).get("changes", {}),
        )
    else:
        raise StudyError(
            given=f"--out {root} for study {study.config.name}",
            rule=f"it holds the results of study {name}",
            remedy="Use another folder.",
        )
    if write:
        require_writable(root)
        text = f"{json.dumps(found.to_json(), indent=2, default=str)}\n"  # axes keep their order
        if held is None or path.read_text("utf-8") != text:
            write_atomically(path, text.encode())
    return StudyFolder(root, found)


def _require_same_changes(root: Path, held: dict[str, Any], given: dict[str, Any]) -> None:
    """A study goes on as it was begun: another --set would silently mix two studies."""
    if held != given:
        raise StudyError(
            given=f"--out {root} with {_as_options(given)}",
            rule=f"its study was begun with {_as_options(held)}",
            remedy="Give the same, or another folder.",
        )


def _as_options(changes: dict[str, Any]) -> str:
    return " ".join(f"--set {key}={value}" for key, value in changes.items()) or "no --set"


def _held(path: Path) -> dict[str, Any] | None:
    """The definition in a folder."""
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
        if isinstance(found, dict) and {"study", "recipe"} <= found.keys():
            return found
    except (OSError, ValueError):
        pass
    raise StudyError(
        given=str(path),
        rule="it is damaged, or was not written by imssa",
        remedy="Remove that file and run the study again: finished trials are kept.",
    )
