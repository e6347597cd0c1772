"""Options that several commands share, with their help texts."""

from pathlib import Path
from typing import Annotated

import typer

from imssa.experiment.shipped import recipe_names

Out = Annotated[Path, typer.Option("--out", help="Folder of the results; made when missing.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a key of the recipe, with dots; repeatable."
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="The same as --set seed=N.")]
Force = Annotated[
    bool, typer.Option("--force", help="Throw away the results of another recipe in the folder.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress on standard error.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check everything, show what would run, write nothing.")
]
Tiny = Annotated[
    bool, typer.Option("--tiny", help="Two epochs and three chips: does everything work?")
]
RecipeName = Annotated[
    str | None,
    typer.Argument(
        metavar="[RECIPE]",
        help=f"A TOML file or a shipped recipe ({', '.join(recipe_names())}); "
        "without one: the recipe in the folder --out.",
        autocompletion=lambda: list(recipe_names()),
    ),
]
AnyFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A model, quantized network or program.")
]

RUN_PANEL = "Run an experiment"
STAGE_PANEL = "Single stages, in this order"
CIRCUIT_PANEL = "Look at arrays as circuits"
FILE_PANEL = "Look at files and at this machine"
