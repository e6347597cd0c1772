"""Folders of studies whose trials were measured, without measuring them."""

from pathlib import Path

import numpy as np

from imssa.study.definition import Study
from imssa.study.engine import known_plan
from imssa.study.folder import StudyFolder, open_study
from imssa.study.ledger import Ledger, Outcome
from imssa.study.shards import WHOLE
from imssa.study.table import write_results


def measured(root: Path, study: Study) -> StudyFolder:
    """A folder in which every trial of a study was measured, with its results."""
    folder = open_study(root, study)
    plan = known_plan(folder)
    right = np.array([True, True, False])
    outcomes = {row.trial: Outcome.answered(row.trial, 0.1, right) for row in plan.rows}
    with Ledger(folder.ledger(WHOLE)) as ledger:
        ledger.add(outcomes.values())
    write_results(root, study.columns, plan.rows, outcomes)
    return folder
