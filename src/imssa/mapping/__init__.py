"""The compiler: design rules, layout, defects, program."""

from imssa.mapping.compiler import compile_network
from imssa.mapping.layout import Layout
from imssa.mapping.losses import Losses, require_served
from imssa.mapping.packing import Packing, pack
from imssa.mapping.tailored import Measures, Tailored, TailoredCompiler

__all__ = [
    "Layout",
    "Losses",
    "Measures",
    "Packing",
    "Tailored",
    "TailoredCompiler",
    "compile_network",
    "pack",
    "require_served",
]
