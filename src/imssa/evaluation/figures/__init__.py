"""Figures as SVG text: the same input gives the same text."""

from imssa.evaluation.figures.accuracy import draw_confusion, draw_instances, draw_waterfall
from imssa.evaluation.figures.chip import draw_conductance, draw_poles, draw_trace
from imssa.evaluation.figures.demand import draw_bytes, draw_operations

__all__ = [
    "draw_bytes",
    "draw_conductance",
    "draw_confusion",
    "draw_instances",
    "draw_operations",
    "draw_poles",
    "draw_trace",
    "draw_waterfall",
]
