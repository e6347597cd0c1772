"""Where output goes: results on standard output, progress on the other, no colours in files."""

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
import torch

from tests.cli.calls import Outcome, call, command, done, process, tiny

ESCAPE = "\x1b"


def json_of(*words: object) -> Outcome:
    """A call with --json: exactly one object, nothing else on standard output."""
    outcome = done(*words, "--json")
    text = outcome.out
    assert text.startswith("{\n")
    assert json.JSONDecoder().raw_decode(text)[1] == len(text.rstrip("\n"))
    assert "NaN" not in text
    return outcome


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Parameters as the public S4D code saves them."""
    path = tmp_path / "public.pt"
    values = {
        "layers.0.kernel.log_dt": torch.full((2,), -4.0),
        "layers.0.kernel.log_A_real": torch.full((2, 3), -0.7),
        "layers.0.kernel.A_imag": torch.arange(6.0).reshape(2, 3),
        "layers.0.kernel.C": torch.ones(2, 3, 2),
        "layers.0.D": torch.ones(2),
    }
    torch.save({"state_dict": values}, path)
    return path


def test_json_of_running_commands(folder: Path) -> None:
    run = json_of("run", "--out", folder).value
    assert set(run) == {"report", "page", "accuracy", "warnings"}
    assert "cannot be told from always the same answer" in run["warnings"][0]  # of so few epochs
    for stage in ("compile", "simulate"):
        value = json_of(stage, "--out", folder).value
        assert value["stage"] == stage
        assert all(Path(file).is_file() for file in value["files"])
    assert set(json_of("report", "--out", folder).value["accuracy"]) == {"leaky", "direct"}
    value = json_of("run", "--out", folder, "--dry-run").value
    assert value["stages_to_run"] == []
    assert value["recipe"]["name"] == "zero-one"


def test_json_of_looking_commands(finished: Path, checkpoint: Path, tmp_path: Path) -> None:
    for name in ("model", "quantized", "program", "simulation", "pictures"):
        assert json_of("inspect", finished / f"{name}.safetensors").value["kind"]
    assert json_of("check", finished / "program.safetensors").value["checks"]
    model = finished / "model.safetensors"
    found = json_of("evaluate", model, "--data", "bundled-zero-one").value
    assert found["items"] == 60
    assert json_of("import", checkpoint, "--out", tmp_path / "layers.safetensors").value["checks"]
    assert json_of("doctor").value["findings"]


def test_json_of_a_refusal_is_empty(tmp_path: Path) -> None:
    outcome = call("run", "zero-won", "--out", tmp_path, "--json")
    assert outcome.code == 2
    assert not outcome.out
    assert outcome.err.startswith("Error: ")


def test_progress_and_quiet(folder: Path) -> None:
    outcome = done("simulate", "--out", folder)
    assert outcome.err.splitlines() == [
        f"simulate ({name}) {told}"
        for name in ("leaky", "direct")
        for told in ("5/5: all", "3/3: each chip compiled for, trimmed and recalibrated")
    ]
    assert outcome.out.splitlines()[0] == str(folder / "simulation.safetensors")
    assert not done("simulate", "--out", folder, "--quiet").err


def test_table_and_page_of_a_report(folder: Path) -> None:
    outcome = done("report", "--out", folder)
    for stage in ("software", "quantized", "ideal chip", "stuck devices", "all together"):
        assert stage in outcome.out
    assert outcome.out.splitlines()[-1] == f"Page: {folder / 'report.html'}"


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("settings", [{"PYTHONIOENCODING": "ascii"}, C_LOCALE])
def test_a_terminal_of_plain_letters_shows_what_it_can(
    folder: Path, settings: dict[str, str]
) -> None:
    """The waterfall has minus signs, a chip has micro signs, a name has what the user likes."""
    points = json.loads((folder / "report.json").read_text())["waterfall"]
    assert any(p["accuracy"] < points[0]["accuracy"] for p in points)
    shown = process("report", "--out", folder, **settings)
    assert shown.returncode == 0, shown.stderr
    assert re.search(r" -\d+\.\d ", shown.stdout)
    assert "uS" in process("chip", "list", **settings).stdout
    refused = process("inspect", "\N{GREEK SMALL LETTER OMEGA}.safetensors", **settings)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert "?.safetensors" in refused.stderr


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    outcome = done("run", *tiny(out), "--dry-run")
    assert "Would run: train, quantize, compile, simulate, report" in outcome.out
    assert "d_model = 3" in outcome.out
    assert not out.exists()


def test_dry_run_refuses_what_the_run_would(folder: Path) -> None:
    outcome = call("run", "zero-one", "--out", folder, "--dry-run")
    assert outcome.code == 2
    assert "it holds the results of another recipe" in outcome.err


def on_a_terminal(*words: object, **environment: str) -> str:
    """What a command shows on a terminal."""
    main, other = pty.openpty()
    kept = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    run = subprocess.Popen(
        command(*words),
        stdout=other,
        stderr=other,
        env={**kept, "TERM": "xterm-256color", **environment},
    )
    os.close(other)
    shown = b""
    while True:
        try:
            part = os.read(main, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(main)
    run.wait(timeout=60)
    return shown.decode()


def colours(text: str) -> bool:
    """Whether any colour is set; bold and cursor movements are none."""
    return any(f"{ESCAPE}[{code}" in text for code in ("1;3", "3", "9"))


def test_colours_on_a_terminal_only() -> None:
    words = ("inspect", "none.safetensors")
    assert colours(on_a_terminal(*words))
    assert not colours(on_a_terminal(*words, NO_COLOR="1"))
    assert ESCAPE not in call(*words).err
    assert ESCAPE not in done("--help").out


def test_bars_on_a_terminal(folder: Path) -> None:
    shown = on_a_terminal("simulate", "--out", folder)
    assert "simulate (leaky)" in shown
    assert "3/3" in shown
