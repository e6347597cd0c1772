"""Commands that look at files and machines: inspect, evaluate, check, import, doctor."""

from pathlib import Path
from typing import Annotated

import typer

from imssa.cli.console import Shown
from imssa.cli.main import app
from imssa.cli.running import Json, Quiet, Seed

FilePath = Annotated[Path, typer.Argument(metavar="FILE", help="A model, network or program.")]


@app.command()
def inspect(file: FilePath, *, as_json: Json = False) -> None:
    """Show what a file holds: a model, a quantized network, a program, a simulation."""
    from imssa.cli.tables import described, plain_description

    description = described(file)
    shown = Shown(as_json=as_json, quiet=False)
    shown.result(plain_description(description), *description.tables)


@app.command()
def evaluate(
    file: FilePath,
    *,
    kind: Annotated[str, typer.Option("--data", help="Format of the recordings.")],
    root: Annotated[Path | None, typer.Option(help="Folder of the recordings.")] = None,
    part: Annotated[
        str, typer.Option(help="test (official split), train, validation or all.")
    ] = "test",
    instances: Annotated[int, typer.Option(min=1, help="Chip instances of a program.")] = 50,
    seed: Seed = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Accuracy of a model, a quantized network or a program on recordings.

    For instance: imssa evaluate out/demo/program.safetensors --data bundled-zero-one
    """
    from imssa.cli.tables import accuracy_table
    from imssa.experiment.evaluate import evaluate_file

    shown = Shown(as_json=as_json, quiet=quiet)
    found = evaluate_file(file, kind, root, part, instances, seed or 0)
    shown.result(found, accuracy_table(found))


@app.command()
def check(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A model, network or program, or a run's folder.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Prove that equal ways to compute agree: convolution, scan, step, and integer codes.

    On a model: convolution, scan and step, with the largest relative difference. On a quantized
    network: the training forward, the network and its program on an ideal chip, code by code. On a
    program: the step-by-step executor and the fused simulation, noise off and on.
    """
    from imssa.cli.tables import check_table, plain_checks
    from imssa.errors import CheckFailedError
    from imssa.experiment.checks import check_path

    checks = check_path(path)
    Shown(as_json=as_json, quiet=False).result(plain_checks(checks), check_table(checks))
    failed = [c.name for c in checks if not c.passed]
    if failed:
        raise CheckFailedError(
            given=str(path),
            rule=f"these do not agree: {'; '.join(failed)}",
            remedy="Please report this with the file.",
        )


@app.command(name="import")
def import_(
    checkpoint: Annotated[Path, typer.Argument(help="A .pt, .ckpt, .safetensors or .npz file.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="Where to write the layers (.safetensors).")],
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


@app.command()
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
