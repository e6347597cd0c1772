"""Numbers, figures and the page of a run; matplotlib and jinja2 are loaded when a page is made."""

from imssa.evaluation.effects import chip_pictures, ir_drop, read_noise
from imssa.evaluation.intervals import wilson_interval
from imssa.evaluation.metrics import (
    STAGES,
    Estimate,
    InstanceAccuracy,
    Stage,
    WaterfallRow,
    accuracy,
    accuracy_estimate,
    confusion_matrix,
    crossed_estimate,
    paired_loss,
    unseen_error_bound,
    waterfall,
)
from imssa.evaluation.page import write_page
from imssa.evaluation.pictures import (
    ConductanceMap,
    IrDrop,
    KernelTrace,
    Pictures,
    Poles,
    ReadSpread,
    Skipped,
    WritingLaw,
    load_pictures,
    save_pictures,
)
from imssa.evaluation.report import (
    Accuracies,
    Confusion,
    Contract,
    Provenance,
    RealizationReport,
    Report,
    load_report,
    make_report,
    save_report,
)
from imssa.evaluation.resources import Resources, measure_resources
from imssa.evaluation.size import Size, measure_size
from imssa.evaluation.terminal import waterfall_table
from imssa.evaluation.writing import writing_law

__all__ = [
    "STAGES",
    "Accuracies",
    "ConductanceMap",
    "Confusion",
    "Contract",
    "Estimate",
    "InstanceAccuracy",
    "IrDrop",
    "KernelTrace",
    "Pictures",
    "Poles",
    "Provenance",
    "ReadSpread",
    "RealizationReport",
    "Report",
    "Resources",
    "Size",
    "Skipped",
    "Stage",
    "WaterfallRow",
    "WritingLaw",
    "accuracy",
    "accuracy_estimate",
    "chip_pictures",
    "confusion_matrix",
    "crossed_estimate",
    "ir_drop",
    "load_pictures",
    "load_report",
    "make_report",
    "measure_resources",
    "measure_size",
    "paired_loss",
    "read_noise",
    "save_pictures",
    "save_report",
    "unseen_error_bound",
    "waterfall",
    "waterfall_table",
    "wilson_interval",
    "write_page",
    "writing_law",
]
