"""Peers are installed by pip into environments of their own; what cannot be installed is said."""

import os
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """What pip is to install, call after call.

    Attributes:
        name: Name and version; also the folder's name.
        installs: Arguments of ``pip install``, one tuple a call, in order.
        packages: Packages whose versions are recorded.
    """

    name: str
    installs: tuple[tuple[str, ...], ...]
    packages: tuple[str, ...] = ()


def default_cache() -> Path:
    """Where environments are kept unless the user names a folder."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return home / "imssa-benchmarks"


def clean_environment(threads: int) -> dict[str, str]:
    """Variables for another interpreter: its own packages, this many threads in BLAS and OpenMP."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    variables = {**os.environ, **dict.fromkeys(names, str(threads))}
    variables.pop("PYTHONPATH", None)
    return variables


def interpreter_of(environment: Environment, cache: Path) -> Path | str:
    """The environment's interpreter, made if it is not there; or why there is none."""
    folder = cache / environment.name.replace("==", "-")
    python = folder / "bin" / "python"
    if (folder / "installed").is_file():
        return python
    try:
        venv.create(folder, with_pip=True, clear=True)
        # build tools that pip put there come before those of the system
        path = os.pathsep.join((str(folder / "bin"), os.environ.get("PATH", os.defpath)))
        variables = {**clean_environment(os.cpu_count() or 1), "PATH": path}
        for options in environment.installs:
            command = [str(python), "-m", "pip", "install", "--quiet", *options]
            subprocess.run(  # noqa: S603
                command, check=True, capture_output=True, text=True, env=variables
            )
    except subprocess.CalledProcessError as error:
        return _reason(error.stderr or "")
    except OSError as error:
        return str(error)
    (folder / "installed").touch()
    return python


def _reason(text: str) -> str:
    """The line of pip's message that says most: the last with the word error, else the last."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower()]
    return (telling or lines or ["no message"])[-1]


def versions_in(python: Path, packages: tuple[str, ...]) -> dict[str, str]:
    """Installed versions of some packages, asked of an environment's interpreter."""
    script = (
        "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    )
    command = [str(python), "-c", script, *packages]
    done = subprocess.run(  # noqa: S603
        command, check=True, capture_output=True, text=True, env=clean_environment(1)
    )
    return dict(zip(packages, done.stdout.split(), strict=True))
