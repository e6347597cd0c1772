"""Chips: the interface, the simulated chip, the step-by-step executor, the fused simulation, the stream."""

from imssa.crossbar.chip import Chip, SimulatedChip
from imssa.crossbar.drivers import driver_names, load_driver
from imssa.crossbar.executor import execute, write_program
from imssa.crossbar.fused import ProgrammedChips, simulate
from imssa.crossbar.stream import Stream
from imssa.crossbar.trace import Trace

__all__ = [
    "Chip",
    "ProgrammedChips",
    "SimulatedChip",
    "Stream",
    "Trace",
    "driver_names",
    "execute",
    "load_driver",
    "simulate",
    "write_program",
]
