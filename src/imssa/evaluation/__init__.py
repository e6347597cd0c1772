"""Numbers of a run; `imssa.evaluation.page` makes its page, and loads matplotlib and jinja2."""

from imssa.evaluation.converter_use import converter_use
from imssa.evaluation.effects import chip_pictures, ir_drop, read_noise
from imssa.evaluation.held import held_blocks, held_poles, impulse_responses
from imssa.evaluation.intervals import doubts, wilson_interval
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
from imssa.evaluation.picture_files import load_pictures, save_pictures
from imssa.evaluation.pictures import (
    ConductanceMap,
    ConverterUse,
    ImpulseResponses,
    IrDrop,
    KernelTrace,
    Pictures,
    Poles,
    ReadSpread,
    Skipped,
    WritingLaw,
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
    "ConverterUse",
    "Estimate",
    "ImpulseResponses",
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
    "converter_use",
    "crossed_estimate",
    "doubts",
    "held_blocks",
    "held_poles",
    "impulse_responses",
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
    "writing_law",
]
