"""The application and its entry point: exit 0 done, 1 our failure or a failed check, 2 yours."""

import sys
from typing import Annotated

import typer

from imssa.cli.console import show_error
from imssa.errors import ImssaError

app = typer.Typer(
    name="imssa",
    help=(
        "State-space sequence models from training to memristive in-memory-compute chips.\n\n"
        "Start with `imssa demo`: spoken zero and one on three simulated 64x64 arrays."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _version(value: bool) -> None:  # noqa: FBT001  # typer's callback
    if value:
        from importlib.metadata import version

        typer.echo(f"imssa {version('imssa')}")
        raise typer.Exit


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


def main() -> None:
    """Runs the command line."""
    import imssa.cli.inspecting
    import imssa.cli.running  # noqa: F401  # both add their commands to the application

    try:
        app()
    except ImssaError as error:
        show_error(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        show_error("interrupted. Finished stages and epochs are kept: the same command resumes.")
        sys.exit(130)
