"""The compiled artefact, its closed list of operations, its rules and its file."""

from imssa.program.program import ArrayContents, Program, load_program, save_program

__all__ = ["ArrayContents", "Program", "load_program", "save_program"]
