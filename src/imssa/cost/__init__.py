"""Energy, time and area of a program as ranges, with constants from publications."""

from imssa.cost.constants import Constant, Constants, load_constants
from imssa.cost.drives import Drives, assumed_drives, measured_drives
from imssa.cost.model import cost_of
from imssa.cost.prices import Prices
from imssa.cost.processor import ProcessorCost, measure_processor
from imssa.cost.ranges import Number, Parts, Range, added, total
from imssa.cost.report import BreakEven, CostReport, Design
from imssa.cost.settings import Settings
from imssa.cost.technology import Technology

__all__ = [
    "BreakEven",
    "Constant",
    "Constants",
    "CostReport",
    "Design",
    "Drives",
    "Number",
    "Parts",
    "Prices",
    "ProcessorCost",
    "Range",
    "Settings",
    "Technology",
    "added",
    "assumed_drives",
    "cost_of",
    "load_constants",
    "measure_processor",
    "measured_drives",
    "total",
]
