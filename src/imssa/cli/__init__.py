"""The command line: thin, over `imssa.experiment`; libraries are loaded when a command runs."""

from imssa.cli.main import app, main

__all__ = ["app", "main"]
