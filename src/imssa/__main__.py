"""Runs the command line as `python -m imssa`."""

from imssa.cli import main

if __name__ == "__main__":
    main()
