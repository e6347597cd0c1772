"""Commands around studies: study list, copy, run, show, figure, report, merge."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imssa.cli.console import Shown, command_line
from imssa.cli.copying import write_copy
from imssa.cli.main import app
from imssa.cli.options import RUN_PANEL, DryRun, Figures, Json, Quiet, Set, Tables
from imssa.study.shipped import study_names

if TYPE_CHECKING:
    from imssa.study.definition import Study
    from imssa.study.folder import StudyFolder
    from imssa.study.ledger import Outcome
    from imssa.study.plan import Plan, Standing
    from imssa.study.summary import Mean

SHOWN_ROWS = 40
"""Most rows of the table of means; the files have all."""

study_app = typer.Typer(
    help="Studies: many trials over axes of a recipe, resumable, on all cores or on a cluster.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(study_app, name="study", rich_help_panel=RUN_PANEL)

StudyName = Annotated[
    str,
    typer.Argument(
        metavar="STUDY",
        help=f"A TOML file or a shipped study ({', '.join(study_names())}).",
        autocompletion=lambda: list(study_names()),
    ),
]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a study.")]
Folders = Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Folders of one study.")]
Out = Annotated[Path, typer.Option("--out", help="Folder of the study; made when missing.")]
MergeInto = Annotated[
    Path | None, typer.Option("--out", help="Where they are united; left out: in the first one.")
]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="Processes; left out: one a core. 1: this one alone.")
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Do the I-th of N parts only, for batch systems; trials of one training stay together. "
        "Then unite the folders by `imssa study merge`.",
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS|local:N",
        help="A Dask scheduler whose workers see the folder too, or N processes here.",
    ),
]
SetAside = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Set aside, in FOLDER/earlier-N, measured trials that are none of the study.",
    ),
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Try failed trials again.")]


@study_app.command(name="list")
def list_(*, as_json: Json = False) -> None:
    """List the shipped studies with what each asks."""
    from rich.table import Table

    from imssa.study.shipped import study_content

    table = Table(title="Shipped studies", show_lines=True)
    for column in ("name", "recipe", "question"):
        table.add_column(column, no_wrap=column == "name")
    rows = [
        {key: study_content(name)[key] for key in ("name", "recipe", "question")}
        for name in study_names()
    ]
    for row in rows:
        table.add_row(*row.values())
    Shown(as_json=as_json, quiet=False).result({"studies": rows}, table)


@study_app.command()
def copy(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help=f"A shipped study ({', '.join(study_names())}); adc-bits names every key.",
            autocompletion=lambda: list(study_names()),
        ),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="Where to write it, a TOML file.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
    as_json: Json = False,
) -> None:
    """Copy a shipped study to a file, to change it and run that; adc-bits names every key.

    For instance: imssa study copy adc-bits --out mine.toml
    """
    from imssa.study.shipped import study_text

    write_copy(study_text(name), out, force=force)
    Shown(as_json=as_json, quiet=False).result({"file": str(out)}, str(out))


@study_app.command()
def run(  # noqa: PLR0913  # one argument an option
    study: StudyName,
    *,
    out: Out,
    jobs: Jobs = None,
    shard: ShardOption = None,
    cluster: Cluster = None,
    retry_failed: RetryFailed = False,
    force: SetAside = False,
    changes: Set = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run a study, or go on with it: finished trials and trainings are not repeated.

    For instance:

        imssa study run stuck --set data.root=DIR --out out/stuck

    A study of your own is a TOML file; start from a shipped one, whose comments name every key:
    `imssa study copy adc-bits --out mine.toml`.

    The results are a table in the folder (results.parquet). A trial that fails is recorded there and
    does not stop the study; the exit code is 1 then.

    A study may grow in its folder: add axes, values, chips or measures and run it again. Where trials
    measured there are none of the study any more (another recipe or [set], values taken away, other
    data, another version of imssa) it is refused, unless --force sets them aside. A folder of anything
    else is refused.
    """
    from imssa.study.definition import load_study
    from imssa.study.engine import Options, run_study
    from imssa.study.folder import open_study
    from imssa.study.shards import WHOLE, Shard

    part = WHOLE if shard is None else Shard.parsed(shard)
    shown, loaded = Shown(as_json=as_json, quiet=quiet), load_study(study, changes or ())
    folder = open_study(out, loaded, write=not dry_run, force=force)
    if dry_run:
        _show_standing(folder, shown)
        return
    with shown.progress():
        options = Options(jobs, part, cluster, retry_failed, shown.stage("trials"))
        standing = run_study(folder, options)
    _show_results(folder, standing, shown)
    _refuse_failures(folder, standing)


@study_app.command()
def show(folder: Folder, *, as_json: Json = False) -> None:
    """Show how far a study is and its means; brings its table of results up to date.

    Where the folder holds trials that are none of the study as this version of imssa computes it, the
    table is left as it is.
    """
    from imssa.study.engine import known_plan
    from imssa.study.folder import open_study
    from imssa.study.table import write_results

    found = open_study(folder, None, write=False)
    plan, outcomes = known_plan(found), found.outcomes()
    if not _strangers(found, plan, outcomes):
        write_results(found.root, found.study.columns, plan.rows, outcomes)
    _show_results(found, plan.standing(outcomes), Shown(as_json=as_json, quiet=False))


@study_app.command()
def merge(folders: Folders, *, out: MergeInto = None, as_json: Json = False) -> None:
    """Unite folders in which shards of one study were run.

    For instance: imssa study merge part-1 part-2 --out whole
    """
    from imssa.study.folder import open_study
    from imssa.study.merging import merge as united

    target = folders[0] if out is None else out
    standing = united(folders, target)
    shown = Shown(as_json=as_json, quiet=False)
    _show_results(open_study(target, None, write=False), standing, shown)


@study_app.command()
def figure(
    folder: Folder,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the files; left out: FOLDER/figures.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Draw a study's figure as SVG and PDF, and write its points as CSV."""
    from imssa.study.figure import write_figure
    from imssa.study.folder import open_study

    found = open_study(folder, None, write=False)
    place = folder / "figures" if out is None else out
    files = [str(path) for path in write_figure(found.study, _table(found), place)]
    Shown(as_json=as_json, quiet=False).result({"files": files}, *files)


@study_app.command()
def report(
    folder: Folder,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page; left out: FOLDER/report.html.")
    ] = None,
    figures: Figures = None,
    tables: Tables = None,
    as_json: Json = False,
) -> None:
    """Write a study's page: one HTML file with its answer, figures, means and how to repeat it.

    For instance: imssa study report out/stuck --out stuck.html --figures paper/figures

    A study that is not finished has a page, too, which says how much is done.
    """
    from imssa.evaluation.pages import export, render
    from imssa.experiment.provenance import provenance
    from imssa.program.files import write_atomically
    from imssa.study.folder import open_study
    from imssa.study.page import document_of, material_of

    found = open_study(folder, None, write=False)
    origin = {**provenance(0), "command": command_line.get()}
    document = document_of(material_of(found, origin))
    files = export(document, figures=figures, tables=tables or figures)
    place = folder / "report.html" if out is None else out
    write_atomically(place, render(document).encode())
    value = {"page": str(place), "files": [str(path) for path in files]}
    Shown(as_json=as_json, quiet=False).result(value, f"Page: {place}", *map(str, files))


def _table(folder: "StudyFolder") -> list[dict[str, Any]]:
    from imssa.study.engine import known_plan
    from imssa.study.table import table_of

    plan, outcomes = known_plan(folder), folder.outcomes()
    _strangers(folder, plan, outcomes)
    return table_of(plan.rows, outcomes)


def _strangers(folder: "StudyFolder", plan: "Plan", outcomes: dict[str, "Outcome"]) -> int:
    """How many measured trials are none of the study; refuses a folder with no others.

    Raises:
        StudyError: Nothing in the folder belongs to its study.
    """
    from imssa.study.belonging import not_known

    strangers = len(plan.strangers(outcomes))
    if strangers and not plan.standing(outcomes).done:
        raise not_known(folder.root, strangers)
    return strangers


def _show_standing(folder: "StudyFolder", shown: Shown) -> None:
    from imssa.study.engine import known_plan

    standing = known_plan(folder).standing(folder.outcomes())
    shown.result(standing.as_json(), _in_words(folder.study, standing))


def _show_results(folder: "StudyFolder", standing: "Standing", shown: Shown) -> None:
    from rich.table import Table

    from imssa.study.summary import means
    from imssa.study.table import CSV, PARQUET

    columns = [*folder.study.columns, "measure"]
    found = means(_table(folder), columns, folder.study.columns)
    table = Table(title=folder.study.config.question)
    for name in (*(c.rsplit(".", 1)[-1] for c in columns), "mean", "standard error", "chips"):
        table.add_column(name)
    for place, mean in list(found.items())[:SHOWN_ROWS]:
        told = (*_told(str(place[-1]), mean), str(mean.chips))
        table.add_row(*map(str, place), *told)
    file = next(
        (folder.root / n for n in (PARQUET, CSV) if (folder.root / n).exists()), folder.root
    )
    rows = [{**dict(zip(columns, p, strict=True)), **vars(m)} for p, m in found.items()]
    value = {**standing.as_json(), "results": str(file), "means": rows}
    more = [f"and {len(found) - SHOWN_ROWS} more"] if len(found) > SHOWN_ROWS else []
    shown.result(value, table, *more, _in_words(folder.study, standing), f"Results: {file}")


def _told(measure: str, mean: "Mean") -> tuple[str, str]:
    """A mean and its standard error; costs in joules or seconds, the rest in percent."""
    from imssa.evaluation.words import percent
    from imssa.study.config import COSTS

    if measure in COSTS:
        return f"{mean.mean:.3g} {'J' if measure == 'energy' else 's'}", ""
    return percent(mean.mean), percent(mean.standard_error)


def _in_words(study: "Study", standing: "Standing") -> str:
    failed = f", {len(standing.failed)} failed" if standing.failed else ""
    left = f"; {standing.trainings} trainings to go" if standing.trainings else ""
    return (
        f"{study.config.name}: {standing.points} points, {standing.done} of {standing.trials} trials "
        f"done{failed}{left}"
    )


def _refuse_failures(folder: "StudyFolder", standing: "Standing") -> None:
    from imssa.errors import TrialsFailedError

    if standing.failed:
        reasons = list(dict.fromkeys(standing.failed.values()))
        more = f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else ""
        raise TrialsFailedError(
            given=f"{len(standing.failed)} of {standing.trials} trials in {folder.root}",
            rule=f"they failed: {reasons[0].rstrip('.')}{more}",
            remedy="The results say why, trial by trial; mend it, then add --retry-failed.",
        )
