"""What is installed, what works, what is missing and how to get it."""

import os
import platform
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: "ok", "missing" (optional) or "broken".
        detail: Version, or how to get it.
    """

    name: str
    state: str
    detail: str


def examine() -> list[Finding]:
    """Looks at packages, compiled kernels, ngspice and accelerators."""
    return [
        Finding("Python", "ok", f"{platform.python_version()} on {platform.platform()}"),
        _package("imssa"),
        *(_package(name) for name in _needed()),
        _tried("compiled kernels", _kernels),
        _tried("kernel cache", _cache),
        _tried("shipped files", _shipped),
        _ngspice(),
        _accelerator(),
    ]


def _needed() -> list[str]:
    """The libraries that imssa asks for, from its own metadata."""
    asked = [line for line in requires("imssa") or [] if "extra ==" not in line]
    return sorted(re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in asked)


def _package(name: str) -> Finding:
    try:
        return Finding(name, "ok", version(name))
    except PackageNotFoundError:
        return Finding(name, "broken", f"run: pip install {name}")


def _tried(name: str, look: Callable[[], Finding]) -> Finding:
    """A look that may fail in any way where the installation is broken."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the finding
        return Finding(name, "broken", f"{type(error).__name__}: {error}")


def _kernels() -> Finding:
    """Compiles and runs a loop against a published vector (Random123: Philox4x32-10 of zeros)."""
    from imssa.kernels.random import first_words

    found = [f"{int(w):08x}" for w in first_words(0, 0, 0)]
    if found != ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]:
        return Finding("compiled kernels", "broken", f"wrong random numbers {found}")
    return Finding("compiled kernels", "ok", f"right random numbers; {os.cpu_count()} cores")


def _cache() -> Finding:
    """Whether compiled kernels are kept between runs."""
    from imssa.kernels import random

    chosen = os.environ.get("NUMBA_CACHE_DIR")
    place = Path(chosen) if chosen else Path(random.__file__).parent
    if os.access(place, os.W_OK):
        return Finding("kernel cache", "ok", "writable")
    remedy = "compiled anew in each run; set NUMBA_CACHE_DIR to a folder that you may write to"
    return Finding("kernel cache", "missing", remedy)


def _ngspice() -> Finding:
    found = shutil.which("ngspice")
    if found is None:
        return Finding("ngspice", "missing", "only for circuit checks: apt-get install ngspice")
    return Finding("ngspice", "ok", found)


def _accelerator() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("GPU", "ok", torch.cuda.get_device_name())
    return Finding("GPU", "missing", "not needed: everything runs on the CPU")


def _shipped() -> Finding:
    from imssa.data import DataConfig, load_dataset
    from imssa.experiment.shipped import recipe_names
    from imssa.hardware import load_chip, preset_names

    for name in preset_names():
        load_chip(name)
    recordings = len(load_dataset(DataConfig()))
    names = f"recipes {', '.join(recipe_names())}; chips {', '.join(preset_names())}"
    return Finding("shipped files", "ok", f"{recordings} recordings; {names}")
