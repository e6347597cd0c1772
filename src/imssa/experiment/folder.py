"""The folder of an experiment: one recipe, the files of its stages, resumable at any of them."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from imssa.errors import FileFormatError, OutputError
from imssa.experiment.places import locked, require_writable
from imssa.experiment.recipe import Recipe, load_recipe
from imssa.program import Program, load_program
from imssa.program.files import write_atomically
from imssa.quantization.config import Realization

STAGES: Final = ("train", "quantize", "compile", "simulate", "report")
FILES: Final[dict[str, tuple[str, ...]]] = {
    "train": ("model.safetensors",),
    "quantize": ("quantized.safetensors",),
    "compile": ("program.safetensors",),
    "simulate": ("simulation.safetensors", "pictures.safetensors"),
    "report": ("report.json", "report.html"),
}
"""The files that each stage leaves; those of the middle three once a realization."""
LOGS: Final = {"train": "training.jsonl", "quantize": "quantized-training.jsonl"}
"""What trainings tell of their epochs; only the report looks at them, and can do without."""
LEFT: Final = (*LOGS.values(), *(name for names in FILES.values() for name in names))
"""All files and logs that stages leave."""
SIMULATION: Final = "imssa.simulation"
"""Kind of the files that the simulation leaves."""
ONCE: Final = ("train", "report")
HEAD: Final = "# Every key of the recipe whose results lie here; written by imssa.\n"


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
    def begun(self) -> bool:
        """Whether the folder holds its recipe: nothing is written before the data could be read."""
        there = any((place / "recipe.toml").exists() for place in (self.work, self.root))
        return there and not _difference(self)

    @contextmanager
    def made(self) -> Iterator[None]:
        """Makes the folder; takes it away again if what is inside fails and has kept nothing.

        Raises:
            OutputError: It cannot be made.
        """
        new = [place for place in (self.work, self.root) if not place.exists()]
        try:
            self.work.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                given=f"--out {self.root}",
                rule=f"it cannot be written ({error.strerror})",
                remedy="Name a folder that you may write to.",
            ) from error
        try:
            yield
        except BaseException:
            for place in new:
                with suppress(OSError):
                    place.rmdir()
            raise

    def begin(self) -> None:
        """Writes the recipe; the results of another one are thrown away.

        Raises:
            OutputError: Another process is at work here, or the folder cannot be written.
        """
        with locked(self.work):
            if _difference(self):
                _forget_everything(self)
            text = (HEAD + self.recipe.to_toml()).encode()
            write_atomically(self.work / "recipe.toml", text)
            write_atomically(self.root / "recipe.toml", text)

    @property
    def model(self) -> Path:
        """The float network."""
        return self.outputs("train")[0]

    @property
    def realizations(self) -> tuple[Realization, ...]:
        """The recipe's own realization, then those it compares with."""
        return (self.recipe.quantization.realization, *self.recipe.evaluation.compare)

    def of(self, realization: str) -> Path:
        """Where the files of a realization lie: the recipe's own at the top."""
        own = realization == self.recipe.quantization.realization
        return self.root if own else self.root / "realizations" / realization

    def outputs(self, stage: str) -> tuple[Path, ...]:
        """The files that a stage leaves; it is finished when all exist."""
        places = [self.root] if stage in ONCE else [self.of(r) for r in self.realizations]
        return tuple(place / name for place in places for name in FILES[stage])

    def logs(self, stage: str) -> dict[str, Path]:
        """The logs of a stage's trainings, by realization or "float"."""
        if stage == "train":
            return {"float": self.root / LOGS[stage]}
        places = self.realizations if stage in LOGS else ()
        return {r: self.of(r) / LOGS[stage] for r in places}

    def log(self, stage: str, realization: str) -> Path:
        """Where a training tells of its epochs."""
        return self.logs(stage)[realization]

    def finished(self, stage: str) -> bool:
        """Whether a stage has left all its files."""
        return all(path.exists() for path in self.outputs(stage))

    def require(self, stage: str) -> None:
        """Refuses to go on when a stage lacks what it works on; nothing is removed before.

        Raises:
            OutputError: An earlier stage is unfinished; names the one to run first.
            FileFormatError: A program is damaged, or for another chip.
        """
        for earlier in STAGES[: STAGES.index(stage)]:
            if not self.finished(earlier):
                raise OutputError(
                    given=f"{self.root} for stage {stage!r}",
                    rule=f"stage {earlier!r} is not finished there",
                    remedy=f"Run `imssa {earlier} --out {self.root}` first, or `imssa run`.",
                )
        if STAGES.index(stage) > STAGES.index("compile"):
            for realization in self.realizations:
                self.program(realization)

    def program(self, realization: str) -> Program:
        """The program of a realization.

        Raises:
            FileFormatError: Damaged, or compiled for another chip than the recipe's.
        """
        path = self.of(realization) / "program.safetensors"
        program = load_program(path)
        if program.chip != self.recipe.chip:
            raise FileFormatError(
                given=f"{path}, compiled for {program.chip.name}",
                rule=f"the recipe's chip {self.recipe.chip.name} is another one or has changed",
                remedy=f"Compile for it: `imssa compile --out {self.root}`.",
            )
        return program

    def forget(self, stages: tuple[str, ...]) -> None:
        """Removes the files, checkpoints and times of stages, the last one first."""
        for stage in reversed(stages):
            for path in (
                *self.outputs(stage),
                *self.logs(stage).values(),
                *self.work.glob(f"{stage}-*.checkpoint"),
            ):
                path.unlink(missing_ok=True)
        self._write_seconds({s: v for s, v in self.seconds().items() if s not in stages})

    def sweep(self) -> None:
        """Removes the temporary files of a process that was killed while it wrote."""
        places = [self.root, *(self.of(r) for r in self.realizations)]
        left = [path for place in places for n in LEFT for path in place.glob(f".{n}.*")]
        for path in (*left, *self.root.glob(".recipe.toml.*"), *self.work.glob(".*")):
            path.unlink(missing_ok=True)
        for path in self.work.glob("*.tmp"):
            path.unlink(missing_ok=True)

    def checkpoint(self, stage: str, realization: str) -> Path:
        """Where a training keeps its state."""
        return self.work / f"{stage}-{realization}.checkpoint"

    def seconds(self) -> dict[str, float]:
        """Time that each stage took, interrupted runs included."""
        try:
            found = json.loads((self.work / "seconds.json").read_text())
            return {str(k): float(v) for k, v in found.items()}
        except (OSError, ValueError, TypeError, AttributeError):  # missing or damaged: only times
            return {}

    @contextmanager
    def timed(self, stage: str, before: float = 0.0) -> Iterator[None]:
        """Adds the time inside, and what it took before, to that of a stage, also when interrupted."""
        start = time.perf_counter() - before
        try:
            yield
        finally:
            seconds = self.seconds()
            seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start
            self._write_seconds(seconds)

    def _write_seconds(self, seconds: dict[str, float]) -> None:
        write_atomically(self.work / "seconds.json", json.dumps(seconds).encode())


def open_folder(
    root: Path, recipe: Recipe | None, *, force: bool = False, dry_run: bool = False
) -> Folder:
    """Opens a folder for a recipe, or for the recipe that it holds.

    Nothing is written to a folder that is new, or holds another recipe's results: ``Folder.begin`` does
    once the data could be read.

    Args:
        root: The folder.
        recipe: None: the one in the folder.
        force: Whether results of another recipe may be thrown away, later.
        dry_run: Only check.

    Raises:
        OutputError: Not a folder, not writable, no recipe, or the results of another recipe.
        RecipeError: The folder's recipe is damaged.
    """
    require_writable(root)
    shown = root / "recipe.toml"
    if shown.exists() and not shown.read_bytes().startswith(HEAD.encode()):
        raise OutputError(
            given=str(root),
            rule="its recipe.toml was not written by imssa, and would be overwritten",
            remedy=f"Use another folder, for instance `imssa run {shown} --out {root / 'results'}`.",
        )
    if (root / "study.json").exists():
        raise OutputError(
            given=str(root),
            rule="it holds a study, whose files would mix with those of a run",
            remedy="Use another --out.",
        )
    if recipe is None:
        if not shown.exists():
            raise OutputError(
                given=str(root),
                rule="it holds no recipe.toml, and no recipe was given",
                remedy="Name a recipe, for instance `imssa run zero-one --out DIR`.",
            )
        recipe = load_recipe(shown)
    folder = Folder(root, recipe)
    found = _difference(folder)
    if found and not force:
        raise OutputError(
            given=str(root),
            rule=f"it holds the results of another recipe ({found})",
            remedy="Use another --out, or --force to throw those results away.",
        )
    if folder.begun and not dry_run:
        folder.begin()  # the copy that is there to be read may have been edited
    return folder


def _difference(folder: Folder) -> str:
    """In what the recipe of a folder's results differs from the wanted one; empty: in nothing.

    The copy in ``work`` counts: the other one is there to be read, and may have been edited.
    """
    paths = [place / "recipe.toml" for place in (folder.work, folder.root)]
    path = next((p for p in paths if p.exists()), None)
    if path is None:
        return ""
    try:
        theirs = load_recipe(path)
    except Exception:  # noqa: BLE001  # an older or damaged recipe differs, whatever it says
        return "its recipe.toml is of another version or damaged"
    a, b = (_flat(r.model_dump(mode="json")) for r in (theirs, folder.recipe))
    keys = [key for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key)]
    more = f", and {len(keys) - 1} more keys" if len(keys) > 1 else ""
    return (
        f"{keys[0]} is {a.get(keys[0])!r} there and {b.get(keys[0])!r} here{more}" if keys else ""
    )


def _flat(value: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, inner in value.items():
        name = f"{prefix}{key}"
        flat |= _flat(inner, f"{name}.") if isinstance(inner, dict) else {name: inner}
    return flat


def _forget_everything(folder: Folder) -> None:
    """Removes all that any recipe leaves, and nothing else; the feature cache serves all."""
    places = [folder.root, *(folder.root / "realizations" / r for r in get_args(Realization))]
    for path in (*(p / n for p in places for n in LEFT), *folder.work.glob("*.checkpoint")):
        path.unlink(missing_ok=True)
    for path in (folder.work / "seconds.json", folder.root / "recipe.toml"):
        path.unlink(missing_ok=True)
    (folder.work / "recipe.toml").unlink(missing_ok=True)
