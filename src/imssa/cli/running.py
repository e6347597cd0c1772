"""Commands that run experiments: demo, run, and the single stages."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imssa.cli.console import Shown
from imssa.cli.main import app

if TYPE_CHECKING:
    from imssa.evaluation import Report
    from imssa.experiment.run import Runner

Out = Annotated[Path, typer.Option("--out", help="Folder of the results; made when missing.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe, with dots."),
]
Seed = Annotated[int | None, typer.Option("--seed", help="The same as --set seed=N.")]
Force = Annotated[
    bool, typer.Option("--force", help="Throw away the results of another recipe in the folder.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and show what would run.")]
RecipeName = Annotated[
    str | None,
    typer.Argument(
        metavar="[RECIPE]", help="A TOML file or a shipped recipe; without: the one in --out."
    ),
]

TINY = (
    "float_training.epochs=2",
    "quantized_training.epochs=2",
    "evaluation.chip_instances=3",
)


def _runner(
    recipe: str | None,
    out: Path,
    changes: list[str],
    shown: Shown,
    *,
    force: bool,
) -> "Runner":
    from imssa.errors import RecipeError
    from imssa.experiment.folder import open_folder
    from imssa.experiment.recipe import load_recipe
    from imssa.experiment.run import Runner

    if recipe is None and changes:
        raise RecipeError(
            given="--set or --seed without a recipe",
            rule="the folder's own recipe is not changed",
            remedy="Name the recipe too.",
        )
    chosen = None if recipe is None else load_recipe(recipe, changes)
    return Runner(open_folder(out, chosen, force=force), shown.stage)


def _changes(changes: list[str] | None, seed: int | None) -> list[str]:
    return [*(changes or []), *([] if seed is None else [f"seed={seed}"])]


def _whole(runner: "Runner", shown: Shown) -> None:
    with shown.bars():
        runner.run()
    _show_report(runner, shown)


def _show_report(runner: "Runner", shown: Shown) -> None:
    from imssa.evaluation import load_report, waterfall_table

    root = runner.folder.root
    report = load_report(root / "report.json")
    page = root / "report.html"
    value = {"report": str(root / "report.json"), "page": str(page), **_headline(report)}
    shown.result(value, waterfall_table(report), f"Page: {page}")


def _headline(report: "Report") -> dict[str, Any]:
    return {
        name: part.model_dump(mode="json")["accuracy"] for name, part in report.realizations.items()
    }


@app.command()
def demo(
    *,
    out: Out = Path("out/demo"),
    tiny: Annotated[
        bool, typer.Option("--tiny", help="Two epochs and three chips: does everything work?")
    ] = False,
    seed: Seed = None,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Spoken zero and one, from recordings to the answers of fifty simulated chips.

    Trains a small S4D network on bundled recordings, shrinks it to ternary weights, compiles it
    onto three 64x64 arrays, runs it there, and writes a page that says where accuracy went.
    """
    shown = Shown(as_json=as_json, quiet=quiet)
    changes = _changes(list(TINY) if tiny else [], seed)
    _whole(_runner("zero-one", out, changes, shown, force=force), shown)


@app.command()
def run(
    recipe: RecipeName = None,
    *,
    out: Out,
    changes: Set = None,
    seed: Seed = None,
    force: Force = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run a recipe, or go on with it: starts at the first unfinished stage.

    RECIPE is a TOML file or a shipped recipe, for instance:

        imssa run zero-one --out out/zero-one --set quantization.bits.A=4

        imssa run spoken-digits --out out/digits --set data.root=recordings
    """
    shown = Shown(as_json=as_json, quiet=quiet)
    if dry_run:
        _dry_run(recipe, out, _changes(changes, seed), shown)
        return
    _whole(_runner(recipe, out, _changes(changes, seed), shown, force=force), shown)


def _dry_run(recipe: str | None, out: Path, changes: list[str], shown: Shown) -> None:
    from imssa.experiment.folder import STAGES, Folder
    from imssa.experiment.recipe import load_recipe

    resolved = load_recipe(recipe or out / "recipe.toml", changes)
    folder = Folder(out, resolved)
    todo = [stage for stage in STAGES if not folder.finished(stage)]
    value = {"recipe": resolved.model_dump(mode="json"), "stages_to_run": todo}
    shown.result(value, resolved.to_toml(), f"Would run: {', '.join(todo) or 'nothing'}")


def _stage(stage: str, recipe: str | None, out: Path, changes: list[str], shown: Shown) -> None:
    runner = _runner(recipe, out, changes, shown, force=False)
    with shown.bars():
        runner.stage(stage)
    files = [str(path) for path in runner.folder.outputs(stage)]
    if stage == "report":
        _show_report(runner, shown)
    else:
        shown.result({"stage": stage, "files": files}, *files)


@app.command()
def train(
    recipe: RecipeName = None,
    *,
    out: Out,
    changes: Set = None,
    seed: Seed = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train the float network of a recipe (stage 1); later stages are then to be run anew."""
    _stage("train", recipe, out, _changes(changes, seed), Shown(as_json=as_json, quiet=quiet))


@app.command()
def quantize(
    recipe: RecipeName = None, *, out: Out, as_json: Json = False, quiet: Quiet = False
) -> None:
    """Train the network in integer codes, under the chip's noise (stage 2)."""
    _stage("quantize", recipe, out, [], Shown(as_json=as_json, quiet=quiet))


@app.command(name="compile")
def compile_(
    recipe: RecipeName = None, *, out: Out, as_json: Json = False, quiet: Quiet = False
) -> None:
    """Compile the integer network to a program for the recipe's chip (stage 3)."""
    _stage("compile", recipe, out, [], Shown(as_json=as_json, quiet=quiet))


@app.command()
def simulate(
    recipe: RecipeName = None, *, out: Out, as_json: Json = False, quiet: Quiet = False
) -> None:
    """Run the program on simulated chips, each effect alone and all together (stage 4)."""
    _stage("simulate", recipe, out, [], Shown(as_json=as_json, quiet=quiet))


@app.command()
def report(
    recipe: RecipeName = None, *, out: Out, as_json: Json = False, quiet: Quiet = False
) -> None:
    """Write report.json and report.html, and print the waterfall (stage 5)."""
    _stage("report", recipe, out, [], Shown(as_json=as_json, quiet=quiet))
