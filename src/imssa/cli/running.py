"""Commands that run experiments: demo, run, and the single stages."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from imssa.cli.console import Shown, command_line
from imssa.cli.main import app
from imssa.cli.options import (
    RUN_PANEL,
    STAGE_PANEL,
    CalibrationData,
    CalibrationRoot,
    CompileFor,
    Defects,
    DryRun,
    Figures,
    Force,
    ForWires,
    Json,
    LargestError,
    NetworkPath,
    Out,
    Overwrite,
    PlacedAs,
    Quiet,
    RecipeName,
    Seed,
    Set,
    Tables,
    Tiny,
)

if TYPE_CHECKING:
    from imssa.evaluation import Report
    from imssa.experiment.folder import Folder

TINY = (
    "float_training.epochs=2",
    "quantized_training.epochs=2",
    "evaluation.chip_instances=3",
)


@app.command(rich_help_panel=RUN_PANEL)
def demo(
    *,
    out: Out = Path("out/demo"),
    tiny: Tiny = False,
    seed: Seed = None,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Spoken zero and one, from recordings to the answers of fifty simulated chips.

    Trains a small S4D network on bundled recordings, shrinks it to ternary weights, compiles it
    onto three 64x64 arrays, runs it there, and writes a page that says where accuracy went.
    """
    changes = _changes(list(TINY) if tiny else None, seed)
    folder = _folder("zero-one", out, changes, force=force)
    _run(folder, None, Shown(as_json=as_json, quiet=quiet))


@app.command(rich_help_panel=RUN_PANEL)
def run(  # noqa: PLR0913  # one argument an option
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

    The folder keeps its recipe with every key (recipe.toml): copy and edit that to make your own.
    """
    shown = Shown(as_json=as_json, quiet=quiet)
    folder = _folder(recipe, out, _changes(changes, seed), force=force, dry_run=dry_run)
    if dry_run:
        _show_plan(folder, shown)
    else:
        _run(folder, None, shown)


@app.command(rich_help_panel=STAGE_PANEL)
def train(  # one argument an option
    recipe: RecipeName = None,
    *,
    out: Out,
    changes: Set = None,
    seed: Seed = None,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Stage 1: train the float network of a recipe as a convolution.

    Like every stage, it can be run again; the results of later stages are then removed.
    """
    folder = _folder(recipe, out, _changes(changes, seed), force=force)
    _run(folder, "train", Shown(as_json=as_json, quiet=quiet))


def _later_stage(name: str, teaches: str) -> None:
    """Adds the command of a stage that goes on in a folder."""

    def command(*, out: Out, as_json: Json = False, quiet: Quiet = False) -> None:
        _run(_folder(None, out, []), name, Shown(as_json=as_json, quiet=quiet))

    app.command(name=name, help=teaches, rich_help_panel=STAGE_PANEL)(command)


_later_stage("quantize", "Stage 2: train the network in integer codes, under the chip's errors.")


@app.command(name="compile", rich_help_panel=STAGE_PANEL)
def compile_(  # noqa: PLR0913  # one argument an option
    network: NetworkPath = None,
    *,
    out: Out,
    chip: CompileFor = None,
    layout: PlacedAs = None,
    defects: Defects = None,
    largest_error: LargestError = None,
    for_wires: ForWires = False,
    kind: CalibrationData = None,
    root: CalibrationRoot = None,
    force: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Stage 3: compile the integer network to a program for the chip.

    With NETWORK, a file or the folder of a run: for any chip, into the program file --out.
    For one chip with a measured defect map the program is tailored to it; what the defects still
    cost is printed, and more than can be served is refused:

        imssa compile out/demo --chip taox-64 --defects map.npz --out program.safetensors
    """
    shown = Shown(as_json=as_json, quiet=quiet)
    if network is not None:
        asked = (chip, layout, defects, largest_error, for_wires, kind, root)
        _compile(network, out, asked, shown, force=force)
        return
    given = (chip, layout, defects, largest_error, kind, root)
    if force or for_wires or any(value is not None for value in given):
        raise _without_a_network()
    _run(_folder(None, out, []), "compile", shown)


_later_stage("simulate", "Stage 4: run the program on simulated chips, each error alone and all.")


@app.command(rich_help_panel=STAGE_PANEL)
def report(
    *,
    out: Out,
    figures: Figures = None,
    tables: Tables = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Stage 5: write report.json and report.html; print the waterfall.

    The page is one file that asks for nothing outside. Its figures and tables as files for a paper:

        imssa report --out out/demo --figures paper/figures --tables paper/data
    """
    shown = Shown(as_json=as_json, quiet=quiet)
    folder = _folder(None, out, [])
    _run(folder, "report", shown, figures, tables)


def _without_a_network() -> Exception:
    from imssa.errors import RecipeError

    return RecipeError(
        given="an option of compiling for another chip without a network",
        rule="a run's own stage compiles for the chip of its recipe",
        remedy="Name the network too: a quantized.safetensors, or the folder of a run.",
    )


def _compile(
    network: Path, out: Path, asked: tuple[Any, ...], shown: Shown, *, force: bool
) -> None:
    """Compiles a network file and shows what came of it; ``asked`` are the members of ``Wanted``."""
    from imssa.cli.array_tables import compiled_tables, plain_compiled
    from imssa.experiment.compiling import Wanted, compile_file

    compiled = compile_file(network, out, Wanted(*asked), command_line.get(), force=force)
    tables = compiled_tables(compiled)
    shown.result(plain_compiled(compiled, out), *tables, f"Wrote {out}")


def _changes(changes: list[str] | None, seed: int | None) -> list[str]:
    return [*(changes or []), *([] if seed is None else [f"seed={seed}"])]


def _folder(
    recipe: str | None, out: Path, changes: list[str], *, force: bool = False, dry_run: bool = False
) -> "Folder":
    from imssa.errors import RecipeError
    from imssa.experiment.folder import open_folder
    from imssa.experiment.recipe import load_recipe
    from imssa.training.distributed import leads

    if recipe is None and changes:
        raise RecipeError(
            given="--set or --seed without a recipe",
            rule="the folder's own recipe is not changed",
            remedy="Name the recipe too.",
        )
    chosen = None if recipe is None else load_recipe(recipe, changes)
    return open_folder(out, chosen, force=force, dry_run=dry_run or not leads())


def _run(
    folder: "Folder",
    stage: str | None,
    shown: Shown,
    figures: Path | None = None,
    tables: Path | None = None,
) -> None:
    """Runs one stage, or all that are not finished, and shows what came of it."""
    from imssa.experiment.run import Runner
    from imssa.training.distributed import leads

    if not leads():  # one of several processes: the first shows and writes for all
        shown = Shown(as_json=False, quiet=True)
    runner = Runner(folder, shown.stage, command_line.get(), shown.warning)
    with shown.progress():
        if stage is None:
            runner.run()
        else:
            runner.stage(stage)
    if not leads():
        return
    if stage in {None, "report"}:
        _show_report(folder, shown, _written(folder, figures, tables or figures))
    else:
        files = [str(path) for path in folder.outputs(str(stage))]
        shown.result({"stage": stage, "files": files}, *files)


def _show_plan(folder: "Folder", shown: Shown) -> None:
    from imssa.data.twins import check_twins
    from imssa.experiment.design import require_chip, require_data
    from imssa.experiment.folder import STAGES
    from imssa.experiment.stages import split_key

    recipe = folder.recipe
    require_data(recipe)
    require_chip(recipe)
    for warning in check_twins(recipe.data, split_key(recipe.seed).numpy()):
        shown.warning(warning)
    todo = [stage for stage in STAGES if not (folder.begun and folder.finished(stage))]
    value = {"recipe": folder.recipe.model_dump(mode="json"), "stages_to_run": todo}
    shown.result(value, folder.recipe.to_toml(), f"Would run: {', '.join(todo) or 'nothing'}")


def _written(folder: "Folder", figures: Path | None, tables: Path | None) -> list[Path]:
    """Figures and tables as files, where they are asked for."""
    from imssa.experiment.results import write_files

    return write_files(folder, figures, tables) if figures or tables else []


def _show_report(folder: "Folder", shown: Shown, files: list[Path]) -> None:
    from imssa.evaluation import load_report, waterfall_table

    file, page = folder.outputs("report")
    report = load_report(file)
    value = {"report": str(file), "page": str(page), "accuracy": _accuracies(report)}
    value |= {"files": [str(path) for path in files]} if files else {}
    value |= {"warnings": report.warnings} if report.warnings else {}
    doubts = (f"Warning: {warning}" for warning in report.warnings)
    wrote = [f"Wrote {len(files)} files of figures and tables"] if files else []
    shown.result(value, waterfall_table(report), *doubts, f"Page: {page}", *wrote)


def _accuracies(report: "Report") -> dict[str, Any]:
    return {
        name: part.model_dump(mode="json")["accuracy"] for name, part in report.realizations.items()
    }
