"""What the README shows is what the files hold, and its example runs."""

import re
import runpy
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

import imssa
from tests.cli.calls import SETTINGS, done

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE, ONE_CHIP = (ROOT / "examples" / name for name in ("01_zero_one.py", "02_one_chip.py"))


def test_filled_parts_are_what_the_files_hold() -> None:
    fill = [sys.executable, str(ROOT / "scripts" / "fill_readme.py"), "--check"]
    assert subprocess.run(fill, check=False).returncode == 0, "run scripts/fill_readme.py"


@pytest.mark.parametrize("example", [EXAMPLE, ONE_CHIP])
def test_examples_in_the_readme_are_the_files(example: Path) -> None:
    assert f"```python\n{example.read_text(encoding='utf-8')}```\n" in README


@pytest.fixture
def few_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes of few epochs here; as they stand under `make proof`."""
    load = imssa.load_recipe

    def load_small(name: str, changes: Iterable[str] = ()) -> imssa.Recipe:
        return load(name, [*SETTINGS, *changes])

    monkeypatch.setattr(imssa, "load_recipe", load_small)


@pytest.mark.usefixtures("few_epochs")
def test_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["ideal chip", "taox-64"]
    assert imssa.load_program(tmp_path / "zero-one.safetensors").class_names == ("zero", "one")


@pytest.mark.slow
def test_example_of_one_chip(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ONE_CHIP), run_name="__main__")
    found = re.findall(r"([\d.]+)%", capsys.readouterr().out)
    blind, *others = (float(percent) for percent in found)
    assert len(others) == 3
    assert blind < min(others)
    assert min(others) >= 98


@pytest.mark.proof
def test_example_as_it_stands(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, str(EXAMPLE)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    ideal, chip = (float(found) for found in re.findall(r"([\d.]+)% on average", run.stdout))
    assert ideal >= 98
    assert chip >= 95


def test_files_that_the_readme_names_exist() -> None:
    named = re.findall(
        r"\]\((?!http)([^)]+)\)|`((?:examples|scripts|src|benchmarks)/[^` ]+)`", README
    )
    assert named
    assert [name for pair in named for name in pair if name and not (ROOT / name).exists()] == []


def test_commands_that_the_readme_shows_exist() -> None:
    blocks = "".join(re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL))
    shown = set(re.findall(r"^imssa ([a-z]+)", blocks, flags=re.MULTILINE))
    assert {"run", "check", "inspect", "evaluate", "import"} <= shown
    for name in shown:
        done(name, "--help")
