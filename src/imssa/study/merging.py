"""Folders of one study, written by shards on several machines, become one."""

import json
import shutil
from pathlib import Path

from imssa.errors import OutputError, StudyError
from imssa.study.contents import by_content
from imssa.study.definition import Study
from imssa.study.engine import known_plan
from imssa.study.folder import StudyFolder, open_study
from imssa.study.ledger import Ledger
from imssa.study.plan import Standing
from imssa.study.shards import WHOLE
from imssa.study.table import write_results


def merge(roots: list[Path], out: Path) -> Standing:
    """Unites the outcomes and the stages of folders in one, and writes its results.

    Args:
        roots: The folders; they stay as they are.
        out: Where; may be one of them, or a new one.

    Returns:
        How far the study is then.

    Raises:
        StudyError: A folder holds no study, or another one.
        OutputError: The folder cannot be written.
    """
    folders = [open_study(root, None, write=False) for root in roots]
    study = folders[0].study
    for folder in folders[1:]:
        _require_alike(folders[0], folder)
    target = open_study(out, study)
    with target.held(WHOLE), Ledger(target.ledger(WHOLE)) as ledger:
        known = target.outcomes()
        for folder in folders:
            new = {t: o for t, o in folder.outcomes().items() if t not in known or known[t].error}
            ledger.add(new.values())
            known |= new
            _bring(folder, target)
        plan = known_plan(target)
        outcomes = target.outcomes()
        write_results(target.root, study.columns, plan.rows, outcomes)
    return plan.standing(outcomes)


def _require_alike(first: StudyFolder, other: StudyFolder) -> None:
    """Refuses another study; the same one may have its data under other paths."""
    a, b = (_by_content(folder.study) for folder in (first, other))
    if a == b:
        return
    data = [set(folder.study.contents.known.values()) for folder in (first, other)]
    rule, remedy = (
        "they hold different studies, or different versions of one",
        "Merge folders that were run from the same study file.",
    )
    if data[0] != data[1]:
        rule = "their data differ: in names, sizes or bytes of the files below the data's root"
        remedy = "Run the shards on copies of the same data, without further files beside them."
    raise StudyError(given=f"{other.root} and {first.root}", rule=rule, remedy=remedy)


def _by_content(study: Study) -> str:
    content = {**study.to_json(), "data": None}
    return json.dumps(by_content(content, study.contents.known), default=str)


def _bring(source: StudyFolder, target: StudyFolder) -> None:
    """Copies finished stages that the target lacks, each file whole or not at all."""
    if source.root.resolve() == target.root.resolve():
        return
    for path in sorted(source.stages.glob("*/*.safetensors")):
        other = target.stages / path.relative_to(source.stages)
        if other.exists() or path.name.startswith("."):
            continue
        part = other.with_name(f".{other.name}.copy")
        try:
            other.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, part)
            part.replace(other)
        except OSError as error:
            raise OutputError(
                given=str(other),
                rule=f"it cannot be written ({error.strerror or error})",
                remedy="Make room and merge again.",
            ) from error
