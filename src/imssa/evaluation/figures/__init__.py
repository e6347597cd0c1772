"""Figures as SVG text: the same input gives the same text."""

from imssa.evaluation.figures.accuracy import draw_confusion, draw_instances, draw_waterfall
from imssa.evaluation.figures.chip import (
    draw_poles,
    draw_response,
    draw_trace,
    tell_poles,
    tell_response,
)
from imssa.evaluation.figures.converters import draw_converters, tell_converters
from imssa.evaluation.figures.costs import draw_costs
from imssa.evaluation.figures.demand import draw_bytes, draw_operations
from imssa.evaluation.figures.devices import (
    draw_actual_against_target,
    draw_conductance,
    draw_programming_error,
    tell_actual_against_target,
    tell_conductance,
    tell_programming_error,
)
from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.reads import draw_read_noise, tell_read_noise
from imssa.evaluation.figures.training import draw_training, tell_training
from imssa.evaluation.figures.wires import draw_ir_drop, tell_ir_drop

__all__ = [
    "Drawing",
    "draw_actual_against_target",
    "draw_bytes",
    "draw_conductance",
    "draw_confusion",
    "draw_converters",
    "draw_costs",
    "draw_instances",
    "draw_ir_drop",
    "draw_operations",
    "draw_poles",
    "draw_programming_error",
    "draw_read_noise",
    "draw_response",
    "draw_trace",
    "draw_training",
    "draw_waterfall",
    "tell_actual_against_target",
    "tell_conductance",
    "tell_converters",
    "tell_ir_drop",
    "tell_poles",
    "tell_programming_error",
    "tell_read_noise",
    "tell_response",
    "tell_training",
]
