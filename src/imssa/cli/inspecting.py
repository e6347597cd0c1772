"""Commands that look at files and machines: inspect, evaluate, check, import, doctor."""

from pathlib import Path
from typing import Annotated

import typer

from imssa.cli.console import Shown
from imssa.cli.main import app
from imssa.cli.options import FILE_PANEL, AnyFile, Json, Quiet


@app.command(rich_help_panel=FILE_PANEL)
def inspect(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A model, network or program, or a run's folder."),
    ],
    *,
    figures: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="For a program: write pictures of its arrays there, who lives where, weight "
            "codes, stuck devices.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a file holds: a model, a quantized network, a program, a simulation; of a run, its last.

    Checks every checksum on the way.
    """
    from imssa.cli.tables import described

    description = described(file)
    plain, files = description.plain, list[str]()
    if figures is not None:
        from imssa.cli.tables import drawn

        files = [str(path) for path in drawn(file, figures)]
        plain = {**plain, "figures": files}
    Shown(as_json=as_json, quiet=False).result(plain, *description.tables, *files)


@app.command(rich_help_panel=FILE_PANEL)
def evaluate(  # noqa: PLR0913  # one argument an option
    file: AnyFile,
    *,
    kind: Annotated[
        str, typer.Option("--data", help="Format of the data; `imssa data list` shows them.")
    ],
    root: Annotated[
        Path | None, typer.Option(help="Folder or file of data that are not bundled.")
    ] = None,
    part: Annotated[
        str, typer.Option(help="test (official split), train, validation or all.")
    ] = "test",
    chip: Annotated[
        str | None,
        typer.Option(
            help="For a program: a preset or a TOML file whose device errors replace those of the "
            "program's chip; arrays, converters and window must be the same."
        ),
    ] = None,
    instances: Annotated[int, typer.Option(min=1, help="Chip instances of a program.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Of the chip instances.")] = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Accuracy of a model, a quantized network or a program on recordings.

    For instance: imssa evaluate out/demo/program.safetensors --data bundled-zero-one
    """
    from imssa.cli.tables import accuracy_table
    from imssa.experiment.evaluate import Asked, evaluate_file

    shown = Shown(as_json=as_json, quiet=quiet)
    with shown.progress():
        asked = Asked(kind, root, part, chip, instances, seed)
        found = evaluate_file(file, asked, shown.stage("evaluate"))
    shown.result(found, accuracy_table(found))


@app.command(rich_help_panel=FILE_PANEL)
def check(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A model, network or program, or a run's folder.")
    ],
    *,
    chips: Annotated[int, typer.Option(min=1, help="Chip instances of the long runs.")] = 100,
    as_json: Json = False,
) -> None:
    """Prove that equal ways to compute agree: convolution, scan, step, and integer codes.

    On a model: convolution, scan and step, with the largest relative difference. On a quantized
    network: the training forward, the network and its program on an ideal chip, code by code. On a
    program: the step-by-step executor and the fused simulation, noise off and on; and long runs, on
    the ideal chip and on many with errors: after a full-scale burst and then silence, which modes
    never come to rest? They are named; that fails no check.
    """
    from dataclasses import asdict

    from imssa.cli.array_tables import rest_table, restless_lines
    from imssa.cli.tables import check_table, plain_checks
    from imssa.errors import CheckFailedError
    from imssa.experiment.checks import check_path, rests_in

    checks, rests = check_path(path), rests_in(path, chips)
    plain = {**plain_checks(checks), "silence": [asdict(rest) for rest in rests]}
    tables = [check_table(checks), *([rest_table(rests)] if rests else [])]
    Shown(as_json=as_json, quiet=False).result(plain, *tables, *restless_lines(rests))
    failed = [c.name for c in checks if not c.passed]
    if failed:
        raise CheckFailedError(
            given=str(path),
            rule=f"these do not agree: {'; '.join(failed)}",
            remedy="Are these files of one run? If so, please report this with them.",
        )


@app.command(name="import", rich_help_panel=FILE_PANEL)
def import_(
    checkpoint: Annotated[Path, typer.Argument(help="A .pt, .ckpt, .safetensors or .npz file.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="The file to write (.safetensors).")],
    output: Annotated[str, typer.Option(help="current (the public code) or delayed.")] = "current",
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    as_json: Json = False,
) -> None:
    """Import S4D layers of the public code: log_dt, log_A_real, A_imag, C (as pairs), D.

    Each layer's kernel is compared with the public formula before it is written.
    """
    from imssa.cli.tables import check_table, plain_checks
    from imssa.experiment.importing import import_layers

    checks = import_layers(checkpoint, out, output, force=force)
    shown = Shown(as_json=as_json, quiet=False)
    shown.result({"file": str(out), **plain_checks(checks)}, check_table(checks), f"Wrote {out}")


@app.command(rich_help_panel=FILE_PANEL)
def doctor(*, as_json: Json = False) -> None:
    """Show versions, what works, what is missing and how to get it."""
    from imssa.cli.tables import doctor_table
    from imssa.errors import CheckFailedError
    from imssa.experiment.doctor import examine

    findings = examine()
    value = {"findings": [vars(f) for f in findings]}
    Shown(as_json=as_json, quiet=False).result(value, doctor_table(findings))
    broken = [f.name for f in findings if f.state == "broken"]
    if broken:
        raise CheckFailedError(
            given="this installation",
            rule=f"broken: {', '.join(broken)}",
            remedy="Reinstall imssa.",
        )
