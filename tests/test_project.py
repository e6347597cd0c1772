"""The package as a whole: light to import, small files, nothing left out of the wheel."""

import ast
import pkgutil
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import jaxtyping
import pytest

import imssa

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "imssa"
HEAVY = {"matplotlib", "numba", "scipy", "torch"}


def modules_after(code: str) -> set[str]:
    """The top-level modules that a new interpreter holds after `code`."""
    script = (
        f"{code}\nimport sys\nprint('modules:', *{{name.split('.')[0] for name in sys.modules}})"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split()[1:])


def test_import_is_light() -> None:
    modules = modules_after("import imssa")
    assert "imssa" in modules
    assert not modules & HEAVY


def test_help_is_light() -> None:
    modules = modules_after(
        "import runpy, sys\n"
        "sys.argv = ['imssa', '--help']\n"
        "try:\n"
        "    runpy.run_module('imssa', run_name='__main__')\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code"
    )
    assert "typer" in modules
    assert not modules & HEAVY


@pytest.mark.parametrize("name", imssa.__all__)
def test_public_name_loads(name: str) -> None:
    assert getattr(imssa, name) is not None
    assert name in dir(imssa)


def test_public_names_agree_with_what_type_checkers_see() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    seen = {
        alias.name: node.module
        for branch in tree.body
        if isinstance(branch, ast.If)
        for node in ast.walk(branch)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == imssa._HOMES
    assert set(imssa.__all__) == {*seen, "__version__"}


def test_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Crossbars'; its public names are"):
        getattr(imssa, "Crossbars")  # noqa: B009


def test_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert imssa.__version__ == version("imssa") == project["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {imssa.__version__}\n" in citation
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changelog, flags=re.MULTILINE)
    assert newest is not None
    assert newest[1] == imssa.__version__


def test_annotations_of_all_but_kernels_are_checked(pytestconfig: pytest.Config) -> None:
    option = pytestconfig.getoption("--jaxtyping-packages")
    checked = {name.strip() for name in option.split(",")}
    modules = {f"imssa.{module.name}" for module in pkgutil.iter_modules([str(PACKAGE)])}
    assert modules - checked == {"imssa.__main__", "imssa.kernels"}


def test_annotations_are_checked_while_testing() -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        imssa.ImssaError(given=1, rule="a rule", remedy="A remedy.")  # type: ignore[arg-type]


def test_no_file_is_over_500_lines() -> None:
    lines = {path: len(path.read_bytes().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert PACKAGE / "__init__.py" in lines
    assert {str(path): count for path, count in lines.items() if count > 500} == {}


@pytest.mark.slow
def test_wheel_holds_every_file(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "imssa/py.typed" in files
    assert shipped == files
