"""Folders of one study, written by shards on several machines, become one."""

import json
import shutil
from pathlib import Path

from imssa.errors import OutputError, StudyError
from imssa.study.engine import Standing, known_plan
from imssa.study.folder import WHOLE, StudyFolder, open_study
from imssa.study.ledger import Ledger
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
        if json.dumps(folder.study.to_json()) != json.dumps(study.to_json()):
            raise StudyError(
                given=f"{folder.root} and {folders[0].root}",
                rule="they hold different studies, or different versions of one",
                remedy="Merge folders that were run from the same study file.",
            )
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
