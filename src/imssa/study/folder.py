"""The folder of a study: its definition, its stages, its ledgers, its results."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imssa.errors import FileFormatError, StudyError
from imssa.experiment.places import locked, require_writable
from imssa.program.files import read_header, write_atomically
from imssa.study.belonging import difference, refused, require_place, set_aside
from imssa.study.contents import ROOTS, Contents
from imssa.study.definition import Study, study_of
from imssa.study.ledger import Outcome, read_ledger
from imssa.study.plan import plan_of
from imssa.study.shards import Shard
from imssa.study.store import Store
from imssa.study.work import DEFINITION


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


def open_study(
    root: Path, study: Study | None, *, write: bool = True, force: bool = False
) -> StudyFolder:
    """Opens a folder for a study, or for the one that it holds.

    A study may have grown since: trials that it still has are not repeated. The one in the folder is
    known by what its data held when it was run, also where they are not at hand.

    Args:
        root: The folder; made when missing.
        study: None: the one in the folder.
        write: Whether the study is written there.
        force: Whether measured trials that are none of the study may be set aside.

    Raises:
        StudyError: The folder holds no study, another one, a damaged one, or other files.
        DataError: The study's data are not there.
        OutputError: It cannot be written.
    """
    path = root / DEFINITION
    held = _held(path)
    if study is None:
        found = _study_in(root, held)
    else:
        found = study
        found.contents.require()
        _require_own(root, held, found, force=force)
    if write:
        require_writable(root)
        _require_trials_of(root, held, found, force=force)
        text = f"{json.dumps(found.to_json(), indent=2, default=str)}\n"  # axes keep their order
        if held is None or path.read_text("utf-8") != text:
            write_atomically(path, text.encode())
    elif study is not None:
        _require_trials_of(root, held, found, force=force, dry=True)
    return StudyFolder(root, found)


def _study_in(root: Path, held: dict[str, Any] | None) -> Study:
    """The study that a folder holds, known by what its data held when it was run."""
    if held is None:
        raise StudyError(
            given=str(root),
            rule="it holds no study",
            remedy="Run one first: `imssa study run STUDY.toml --out DIR`.",
        )
    contents = Contents(held.get("data", {}), look=False)
    origin = str(root / DEFINITION)
    return study_of(held["study"], held["recipe"], origin, held.get("changes", {}), contents)


def _require_own(root: Path, held: dict[str, Any] | None, study: Study, *, force: bool) -> None:
    """Refuses a folder of another kind, of another study, and one begun with another --set."""
    if held is None:
        require_place(root)
    elif not force:
        name = held["study"].get("name")
        if name != study.config.name:
            raise StudyError(
                given=f"--out {root} for study {study.config.name}",
                rule=f"it holds the results of study {name}",
                remedy="Use another folder, or add --force to set those results aside.",
            )
        _require_same_changes(root, held, study)


def _require_same_changes(root: Path, held: dict[str, Any], study: Study) -> None:
    """A study goes on as it was begun: another --set would silently mix two studies.

    Of data it counts what they hold, and only once something was measured.
    """
    before, now = held.get("changes", {}), study.changes
    if any(before.get(key) != now.get(key) for key in {*before, *now} - ROOTS):
        raise StudyError(
            given=f"--out {root} with {_as_options(now)}",
            rule=f"its study was begun with {_as_options(before)}",
            remedy="Give the same, or another folder, or add --force to set its results aside.",
        )


def _require_trials_of(
    root: Path, held: dict[str, Any] | None, study: Study, *, force: bool, dry: bool = False
) -> None:
    """All trials measured in a folder must be the study's, or are set aside."""
    folder = StudyFolder(root, study)
    outcomes = folder.outcomes()
    if not outcomes:
        return
    plan = plan_of(study, folder.journal)
    strangers = plan.strangers(outcomes)
    if strangers and not force:
        measured = sum(o.error is None for o in outcomes.values())
        why = "" if held is None else difference(held, study.to_json())
        raise refused(root, len(strangers), measured, why)
    if strangers and not dry:
        own = {row.trial for row in plan.rows}
        set_aside(root, {t: o for t, o in outcomes.items() if t in own})


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
