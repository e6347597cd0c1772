"""Runs the command line as `python -m imssa`."""

from imssa.cli import app

if __name__ == "__main__":
    app(prog_name="imssa")
