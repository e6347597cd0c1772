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
Figures = Annotated[
    Path | None,
    typer.Option(
        help="Folder for the page's figures as SVG and PDF; its tables go there too, as CSV."
    ),
]
Tables = Annotated[
    Path | None, typer.Option(help="Folder for the page's tables as CSV, if another one.")
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

NetworkPath = Annotated[
    Path | None,
    typer.Argument(
        metavar="[NETWORK]",
        help="A quantized network or the folder of a run; without one: the stage of the run --out.",
    ),
]
CompileFor = Annotated[
    str | None,
    typer.Option(
        "--chip",
        help="A preset or a TOML file; left out: the chip that the network was trained for.",
    ),
]
Defects = Annotated[
    Path | None,
    typer.Option(
        help="Defect map of the one chip that the program is for, in place of the stuck devices of "
        "the description: an .npz file with integers array_0, array_1, ... of word lines by bit lines "
        "(1 stuck high, 0 sound, -1 stuck low, -2 open), or one such .npy matrix for a single array."
    ),
]
PlacedAs = Annotated[
    str | None,
    typer.Option(
        "--layout",
        help="How kernels share arrays: one-shot (no shared lines, one phase), phased (fewest arrays, "
        "which take turns), fewest-phases, or a number: the most phases of a time step with arrays "
        "working side by side. Left out: as the network's recipe says.",
    ),
]
ForWires = Annotated[
    bool,
    typer.Option(
        "--for-wires",
        help="Choose conductances so that array and wires together hold the weights; the chip needs "
        "a description of its wires.",
    ),
]
LargestError = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        help="Largest predicted relative error of a kernel or linear map that is let through; 0.5 if "
        "left out. A kernel that answers nothing has 1.",
    ),
]
CalibrationData = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="Format of the data (`imssa data list`): on their training part it is judged "
        "whether registers overflow and ADCs clip.",
    ),
]
CalibrationRoot = Annotated[
    Path | None, typer.Option("--root", help="Folder of recordings that are not bundled.")
]
Overwrite = Annotated[bool, typer.Option("--force", help="Overwrite an existing program.")]

RUN_PANEL = "Run an experiment"
STAGE_PANEL = "Single stages, in this order"
CIRCUIT_PANEL = "Look at arrays as circuits"
FILE_PANEL = "Look at files and at this machine"
