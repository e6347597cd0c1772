"""The sub-application ``imssa data``; the modules named at its end add its commands."""

from importlib import import_module

import typer

from imssa.cli.main import app
from imssa.cli.options import FILE_PANEL

data_app = typer.Typer(help="Data sets: make them.", no_args_is_help=True)
app.add_typer(data_app, name="data", rich_help_panel=FILE_PANEL)


@data_app.callback()
def _group() -> None:
    """Data sets: make them."""


for _name in ("encode",):  # each adds its commands, in this order
    import_module(f"imssa.cli.{_name}")
