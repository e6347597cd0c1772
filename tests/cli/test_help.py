"""Help, completion, versions: quick, and without the heavy libraries."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import imssa
from tests.cli.calls import call, command, done

COMMANDS = (
    "demo",
    "run",
    "train",
    "quantize",
    "compile",
    "simulate",
    "report",
    "inspect",
    "evaluate",
    "check",
    "import",
    "doctor",
    "cost",
)


def test_help_names_every_command_and_the_exit_codes() -> None:
    outcome = done("--help")
    assert [w for w in COMMANDS if not re.search(rf"│ {w} ", outcome.out)] == []
    assert "Exit codes: 0 done, 1 a fault of imssa" in " ".join(outcome.out.split())
    assert outcome.out.index("demo") < outcome.out.index("inspect")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command(name: str) -> None:
    outcome = done(name, "-h")
    assert f"Usage: imssa {name}" in outcome.out
    assert "--json" in outcome.out
    assert not outcome.err


def test_nothing_given_shows_the_help() -> None:
    outcome = call()
    assert outcome.code == 2
    assert "Usage: imssa" in outcome.out + outcome.err


def test_version() -> None:
    assert done("--version").out == f"imssa {imssa.__version__}\n"


def test_no_heavy_library_behind_help_and_completion() -> None:
    script = (
        "import sys\nfrom imssa.cli import main\n"
        "try:\n    main(['run', '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'numba', 'scipy', 'numpy', 'matplotlib'}\n"
        "print('heavy:', *sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "heavy:"


def completions(words: str) -> list[str]:
    """What bash is offered after some words."""
    run = subprocess.run(
        [sys.executable, "-m", "imssa"],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "_IMSSA_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
        },
    )
    return run.stdout.split()


def test_completion_of_commands_options_and_recipes() -> None:
    assert completions("imssa ins") == ["inspect"]
    assert "--dry-run" in completions("imssa run --d")
    assert completions("imssa run zero") == ["zero-one", "zero-one-spikes"]


def test_completion_script_for_bash(tmp_path: Path) -> None:
    words = " ".join(f"'{word}'" for word in command("--show-completion"))
    run = subprocess.run(
        ["bash", "-c", f"{words}; exit $?"],  # noqa: S607  # any bash
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "_IMSSA_COMPLETE=complete_bash" in run.stdout
    script = tmp_path / "completion"
    script.write_text(run.stdout)
    subprocess.run(["bash", "-n", str(script)], check=True)  # noqa: S607  # any bash
