"""The application and its entry point: exit 0 done, 1 our failure or a failed check, 2 yours."""

import shlex
import sys
from importlib import import_module
from typing import Annotated, Final

import typer

from imssa.cli.console import command_line, show_error, write_what_fits
from imssa.errors import ImssaError

INTERRUPTED: Final = 130
"""What typer exits with after Ctrl-C."""

app = typer.Typer(
    name="imssa",
    help=(
        "State-space sequence models from training to memristive in-memory-compute chips.\n\n"
        "Start with `imssa demo`: spoken zero and one on three simulated 64x64 arrays.\n\n"
        "Exit codes: 0 done, 1 a fault of imssa or a failed check, 2 something to mend in what "
        "you gave, 130 interrupted."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> bool:
    if value:
        from importlib.metadata import version

        typer.echo(f"imssa {version('imssa')}")
        raise typer.Exit
    return value


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """State-space sequence models from training to memristive in-memory-compute chips."""
    del version


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line.

    Args:
        arguments: The words after ``imssa``; None: those of this process.
    """
    for name in (
        "running",
        "comparing",
        "recipes",
        "proposing",
        "studying",
        "inspecting",
        "costing",
        "listening",
        "chips",
        "circuits",
        "datasets",
        "encode",
        "fetching",
    ):  # each adds its commands, in this order
        import_module(f"imssa.cli.{name}")
    write_what_fits()
    words = sys.argv[1:] if arguments is None else arguments
    command_line.set(shlex.join(["imssa", *words]))
    try:
        app(words, prog_name="imssa")
    except ImssaError as error:
        show_error(str(error))
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            show_error("interrupted. Finished stages and epochs are kept: run it again to go on.")
        raise
