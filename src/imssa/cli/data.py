"""The sub-application `data`: other modules add its commands."""

import typer

from imssa.cli.main import app
from imssa.cli.options import FILE_PANEL

data_app = typer.Typer(
    help="Data sets: the formats that are known, what a folder holds, spikes from recordings.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(data_app, name="data", rich_help_panel=FILE_PANEL)
