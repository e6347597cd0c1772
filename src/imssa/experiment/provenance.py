"""Where a result comes from."""

import platform
import shutil
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]


@cache
def commit() -> str | None:
    """The commit of the checkout that this package runs from; None for an installed package."""
    git = shutil.which("git")
    if git is None or not (PACKAGE.parents[1] / ".git").exists():
        return None
    command = [git, "-C", str(PACKAGE), "rev-parse", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() or None


@cache
def modified() -> bool | None:
    """Whether tracked files of the checkout differ from its commit; None without a checkout."""
    git = shutil.which("git")
    if git is None or commit() is None:
        return None
    words = ["status", "--porcelain", "--untracked-files=no", "--", "src"]
    command = [git, "-C", str(PACKAGE.parents[1]), *words]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return bool(found.stdout.strip())


def provenance(seed: int) -> dict[str, Any]:
    """Version, commit (and whether sources differ from it), seed, Python, libraries and platform."""
    return {
        "version": version("imssa"),
        "commit": commit(),
        "modified": modified(),
        "seed": seed,
        "python": platform.python_version(),
        "torch": version("torch"),
        "numpy": version("numpy"),
        "numba": version("numba"),
        "platform": platform.platform(),
    }
