"""Commands around shipped recipes: recipes list, recipes show, recipes copy."""

from pathlib import Path
from typing import Annotated

import typer

from imssa.cli.console import Shown
from imssa.cli.copying import write_copy
from imssa.cli.main import app
from imssa.cli.options import RUN_PANEL, Json

recipes_app = typer.Typer(
    help="Shipped recipes: what each shows and how long it takes, its text, a copy to change.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(recipes_app, name="recipes", rich_help_panel=RUN_PANEL)
Name = Annotated[str, typer.Argument(metavar="NAME", help="A shipped recipe.")]


@recipes_app.command(name="list")
def list_(*, as_json: Json = False) -> None:
    """List the shipped recipes with what each shows."""
    import tomllib

    from rich.table import Table

    from imssa.experiment.shipped import recipe_comment, recipe_names, recipe_text

    table = Table(title="Shipped recipes", show_lines=True)
    for column in ("name", "data", "what it shows"):
        table.add_column(column, no_wrap=column == "name")
    rows = []
    for name in recipe_names():
        text = recipe_text(name)
        kind = tomllib.loads(text)["data"]["kind"]
        table.add_row(name, kind, recipe_comment(text))
        rows.append({"name": name, "data": kind, "comment": recipe_comment(text)})
    Shown(as_json=as_json, quiet=False).result({"recipes": rows}, table)


@recipes_app.command()
def show(name: Name, *, as_json: Json = False) -> None:
    """Print a shipped recipe with its comments."""
    from imssa.experiment.shipped import recipe_text

    text = recipe_text(name)
    Shown(as_json=as_json, quiet=False).result({"name": name, "text": text}, text.rstrip())


@recipes_app.command()
def copy(
    name: Name,
    *,
    out: Annotated[Path, typer.Option("--out", help="Where to write it, a TOML file.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
    as_json: Json = False,
) -> None:
    """Copy a shipped recipe to a file, to change it and run that.

    For instance: imssa recipes copy spoken-digits --out mine.toml
    """
    from imssa.experiment.shipped import recipe_text

    write_copy(recipe_text(name), out, force=force)
    Shown(as_json=as_json, quiet=False).result({"file": str(out)}, str(out))
