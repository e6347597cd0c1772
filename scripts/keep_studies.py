"""Keeps finished studies: results/studies/NAME.json, docs/pictures/studies/NAME.svg, docs/studies.md.

Usage: python scripts/keep_studies.py [--check] [FOLDER...]

A folder is that of `imssa study run`. Without one, the page is made anew from what is kept; with
--check nothing is written, and the exit code is 1 where the page differs from it.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Final

from study_answers import ANSWERS, Means

from imssa.evaluation.figures.svg import WIDTH_PIXELS
from imssa.models import load_model
from imssa.program.files import canonical_json, write_atomically
from imssa.study.axes import flat
from imssa.study.definition import Study
from imssa.study.engine import known_plan
from imssa.study.figure import curves_of, draw_study
from imssa.study.folder import StudyFolder, open_study
from imssa.study.schedule import trainings
from imssa.study.summary import means
from imssa.study.table import Table, table_of

ROOT: Final = Path(__file__).parents[1]
RECORDINGS: Final = "DIR"
DIGITS: Final = 5
HEAD: Final = """# Studies

The shipped studies (`imssa study list`) that were run to their end: what it asks, its figure, and a sentence
that `scripts/study_answers.py` computes from the means in `results/studies/NAME.json`, which also holds
what was run, on how many chips, with which versions. Bars are standard errors over chips and recordings.
The networks are small, 21 kernels trained for some epochs, and one network stands for each training:
differences below about two points are within chance. Minutes are those of one process on a shared core,
trainings included; trainings that studies share are counted in each. To repeat one:

```
imssa study run NAME --set data.root=DIR --out out/NAME
python scripts/keep_studies.py out/NAME
```

For one of your own, start from a shipped one; `adc-bits` names every key of a study's file:

```
imssa study copy adc-bits --out mine.toml
imssa study run mine.toml --set data.root=DIR --out out/mine
```
"""


def kept(folder: StudyFolder) -> dict[str, Any]:
    """The numbers of a finished study, without what belongs to one machine."""
    study, plan, outcomes = folder.study, known_plan(folder), folder.outcomes()
    standing = plan.standing(outcomes)
    if standing.done < standing.trials:
        message = f"{folder.root}: {standing.done} of {standing.trials} trials are done"
        raise SystemExit(message)
    wanted = trainings(plan.groups)
    seconds = sum(outcome.seconds for t, outcome in outcomes.items() if t in _trials(plan.rows))
    for training in wanted:
        kind = "quantized" if training.quantized else "float"
        seconds += _trained(folder.store.place(kind, training.subject.ids[kind]) / "log.jsonl")
    return {
        "study": _plain(study),
        "recipe_sha256": hashlib.sha256(canonical_json(study.content).encode()).hexdigest(),
        "trials": standing.trials,
        "trainings": len({t.subject.ids["quantized"] for t in wanted if t.quantized}),
        "minutes": round(seconds / 60, 1),
        "provenance": _provenance(folder, wanted[0].subject.ids["float"]),
        "means": _means(study, table_of(plan.rows, outcomes)),
    }


def _trials(rows: list[Any]) -> set[str]:
    return {row.trial for row in rows}


def _trained(log: Path) -> float:
    """Seconds of a training's epochs; one without epochs has no log."""
    if not log.exists():
        return 0.0
    return sum(float(json.loads(line)["seconds"]) for line in log.read_text("utf-8").splitlines())


def _plain(study: Study) -> dict[str, Any]:
    """What a study says, without the folder of the recordings."""
    content: dict[str, Any] = json.loads(json.dumps(study.to_json()["study"], default=str))
    fixed = dict(flat(content["set"]))
    if "data.root" in fixed:
        fixed["data.root"] = RECORDINGS
    return {**content, "set": fixed}


def _provenance(folder: StudyFolder, float_id: str) -> dict[str, Any]:
    """Versions and commit that the float network was trained with."""
    _, header = load_model(folder.store.place("float", float_id) / "model.safetensors")
    found: dict[str, Any] = header["provenance"]
    return {key: value for key, value in found.items() if key not in {"platform", "seed"}}


def _means(study: Study, table: Table) -> list[dict[str, Any]]:
    """Means by point and measure."""
    columns = [*study.columns, "measure"]
    return [
        {
            **dict(zip(columns, place, strict=True)),
            "mean": float(f"{mean.mean:.{DIGITS}g}"),
            "standard_error": float(f"{mean.standard_error:.3g}"),
            "chips": mean.chips,
        }
        for place, mean in means(table, columns, study.columns).items()
    ]


def keep(root: Path) -> None:
    """Writes the summary and the figure of a study's folder."""
    folder = open_study(root, None, write=False)
    study, plan = folder.study, known_plan(folder)
    name = study.config.name
    text = json.dumps(kept(folder), ensure_ascii=False)
    text = text.replace('{"', '\n{"').replace("\n", "", 1)  # a line a mean
    write_atomically(ROOT / "results" / "studies" / f"{name}.json", f"{text}\n".encode())
    drawn = draw_study(study, curves_of(study, table_of(plan.rows, folder.outcomes())))
    picture = ROOT / "docs" / "pictures" / "studies" / f"{name}.svg"
    write_atomically(picture, drawn.standalone(WIDTH_PIXELS).encode())


def page(results: Path) -> str:
    """The page of all studies that are kept in a folder."""
    paths = [results / f"{name}.json" for name in ANSWERS]
    return "\n".join([HEAD, *(_part(path) for path in paths if path.exists())])


def _part(path: Path) -> str:
    """What the page says of one study."""
    found, name = json.loads(path.read_text("utf-8")), path.stem
    study, answer = found["study"], ANSWERS[name](Means(found["means"]))
    published = (
        f"\n\nPublished: {answer.claim} Reproduced? {answer.reproduced}" if answer.claim else ""
    )
    return (
        f"## {study['question']}\n\n![{name}](pictures/studies/{name}.svg)\n\n{answer.sentence}{published}\n\n"
        f"`{name}`: recipe `{study['recipe']}`, {_counted(found['trainings'])} in codes, {found['trials']:,} trials, "
        f"{found['minutes']:.1f} minutes.\n"
    )


def _counted(trainings: int) -> str:
    return "one network" if trainings == 1 else f"{trainings} networks"


def main() -> int:
    """Keeps studies, and makes or checks the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folders", metavar="FOLDER", type=Path, nargs="*")
    parser.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    file, results = ROOT / "docs" / "studies.md", ROOT / "results" / "studies"
    if chosen.check:
        return int(not file.exists() or file.read_text("utf-8") != page(results))
    for folder in chosen.folders:
        keep(folder)
    write_atomically(file, page(results).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
