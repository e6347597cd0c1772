"""The compiler: design rules, layout, program."""

from imssa.mapping.compiler import compile_network

__all__ = ["compile_network"]
