"""The folder of an experiment: one recipe, the files of its stages, resumable at any of them."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imssa.errors import OutputError
from imssa.experiment.recipe import Recipe, load_recipe
from imssa.program.files import write_atomically

STAGES: Final = ("train", "quantize", "compile", "simulate", "report")


@dataclass(frozen=True)
class Folder:
    """Paths of an experiment's files.

    Attributes:
        root: The folder.
        recipe: What it holds the results of.
    """

    root: Path
    recipe: Recipe

    @property
    def work(self) -> Path:
        """Checkpoints, feature cache, times: needed to resume, not to read the results."""
        return self.root / "work"

    @property
    def model(self) -> Path:
        """The float network."""
        return self.root / "model.safetensors"

    @property
    def realizations(self) -> tuple[str, ...]:
        """The recipe's own realization, then those it compares with."""
        return (self.recipe.quantization.realization, *self.recipe.evaluation.compare)

    def of(self, realization: str) -> Path:
        """Where the files of a realization lie: the recipe's own at the top."""
        own = realization == self.recipe.quantization.realization
        return self.root if own else self.root / "realizations" / realization

    def outputs(self, stage: str) -> tuple[Path, ...]:
        """The files that a stage leaves; it is finished when all exist."""
        if stage == "train":
            return (self.model,)
        if stage == "report":
            return (self.root / "report.json", self.root / "report.html")
        names = {
            "quantize": ("quantized.safetensors",),
            "compile": ("program.safetensors",),
            "simulate": ("simulation.safetensors", "pictures.safetensors"),
        }[stage]
        return tuple(self.of(r) / name for r in self.realizations for name in names)

    def finished(self, stage: str) -> bool:
        """Whether a stage has left all its files."""
        return all(path.exists() for path in self.outputs(stage))

    def require(self, stage: str) -> None:
        """Refuses to go on when an earlier stage is unfinished.

        Raises:
            OutputError: Naming the stage to run first.
        """
        for earlier in STAGES[: STAGES.index(stage)]:
            if not self.finished(earlier):
                raise OutputError(
                    given=f"{self.root} for stage {stage!r}",
                    rule=f"stage {earlier!r} is not finished there",
                    remedy=f"Run `imssa {earlier} --out {self.root}` first, or `imssa run`.",
                )

    def forget(self, stages: tuple[str, ...]) -> None:
        """Removes the files, checkpoints and times of stages."""
        for stage in stages:
            for path in (*self.outputs(stage), *self.work.glob(f"{stage}-*.checkpoint")):
                path.unlink(missing_ok=True)
        self._write_seconds({s: v for s, v in self.seconds().items() if s not in stages})

    def checkpoint(self, stage: str, realization: str) -> Path:
        """Where a training keeps its state."""
        return self.work / f"{stage}-{realization}.checkpoint"

    def seconds(self) -> dict[str, float]:
        """Time that each stage took, interrupted runs included."""
        path = self.work / "seconds.json"
        if not path.exists():
            return {}
        return {str(k): float(v) for k, v in json.loads(path.read_text()).items()}

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds the time inside to that of a stage, also when it is interrupted."""
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = self.seconds()
            seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start
            self._write_seconds(seconds)

    def _write_seconds(self, seconds: dict[str, float]) -> None:
        write_atomically(self.work / "seconds.json", json.dumps(seconds).encode())


def open_folder(root: Path, recipe: Recipe | None, *, force: bool = False) -> Folder:
    """Opens a folder for a recipe, or for the recipe that it holds.

    Args:
        root: The folder; made when missing.
        recipe: None: the one in the folder.
        force: Whether results of another recipe may be thrown away.

    Raises:
        OutputError: Not a folder, not writable, no recipe, or the results of another recipe.
        RecipeError: The folder's recipe is damaged.
    """
    _require_writable(root)
    path = root / "recipe.toml"
    if recipe is None:
        if not path.exists():
            raise OutputError(
                given=str(root),
                rule="it holds no recipe.toml, and no recipe was given",
                remedy="Name a recipe, for instance `imssa run zero-one --out DIR`.",
            )
        return Folder(root, load_recipe(path))
    folder = Folder(root, recipe)
    text = recipe.to_toml()
    if path.exists() and path.read_text("utf-8") != text:
        if not force:
            raise OutputError(
                given=str(root),
                rule=f"it holds the results of another recipe ({_difference(path, recipe)})",
                remedy="Use another --out, or --force to throw those results away.",
            )
        _forget_all(root, path)
    write_atomically(path, text.encode())
    return folder


def _require_writable(root: Path) -> None:
    problem = ""
    if root.exists() and not root.is_dir():
        problem = "it is a file, not a folder"
    else:
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem = f"it cannot be made ({error.strerror})"
        else:
            if not os.access(root, os.W_OK | os.X_OK):
                problem = "you may not write to it"
    if problem:
        raise OutputError(
            given=f"--out {root}", rule=problem, remedy="Name a folder that you may write to."
        )


def _difference(path: Path, recipe: Recipe) -> str:
    """The first key in which a folder's recipe differs."""
    try:
        ours = _flat(recipe.model_dump(mode="json"))
        theirs = _flat(load_recipe(path).model_dump(mode="json"))
    except Exception:  # noqa: BLE001  # an older or damaged recipe differs, whatever it says
        return "its recipe.toml is of another version or damaged"
    keys = [k for k in sorted(ours.keys() | theirs.keys()) if ours.get(k) != theirs.get(k)]
    first = keys[0] if keys else "recipe.toml"
    return f"{first} is {theirs.get(first)!r} there and {ours.get(first)!r} here"


def _flat(value: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, inner in value.items():
        name = f"{prefix}{key}"
        flat |= _flat(inner, f"{name}.") if isinstance(inner, dict) else {name: inner}
    return flat


def _forget_all(root: Path, path: Path) -> None:
    for found in root.rglob("*.safetensors"):
        found.unlink()
    for found in (*root.glob("report.*"), *root.glob("work/*.checkpoint"), path):
        found.unlink()
    (root / "work" / "seconds.json").unlink(missing_ok=True)
