"""The compiler: design rules, layout, defects, program."""

from imssa.mapping.compiler import compile_network
from imssa.mapping.losses import Losses, require_served
from imssa.mapping.tailored import Measures, Tailored, TailoredCompiler

__all__ = [
    "Losses",
    "Measures",
    "Tailored",
    "TailoredCompiler",
    "compile_network",
    "require_served",
]
