"""The report: every number of a run, as the file ``report.json``."""

import json
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

from pydantic import Field, ValidationError, model_validator

from imssa.errors import FileFormatError
from imssa.evaluation.metrics import (
    FURTHER_STAGES,
    STAGES,
    Estimate,
    InstanceAccuracy,
    WaterfallRow,
)
from imssa.evaluation.records import Count, Fraction, Record
from imssa.evaluation.resources import Resources
from imssa.evaluation.size import Size
from imssa.program.files import read_bytes, write_atomically

SCHEMA: Final = "imssa.report/1"
SHOWN_FAULTS: Final = 5
Matrix = tuple[tuple[Count, ...], ...]


class Provenance(Record):
    """What is needed to repeat a run.

    Attributes:
        version: Of imssa.
        commit: Of the checkout; None for an installed package.
        modified: Whether sources of the checkout differed from it.
        seed: Of all random numbers.
        python: Version.
        torch: Version.
        platform: Operating system and processor.
        command: The exact command line.
        packages: Versions of further packages.
    """

    version: str
    commit: str | None
    modified: bool | None = None
    seed: int
    python: str
    torch: str
    platform: str
    command: str
    packages: dict[str, str] = Field(default_factory=dict)


class Accuracies(Record):
    """Accuracies of one realization, as fractions: float network to noisy chips."""

    software: Fraction = Field(alias="float")
    quantized: Fraction
    ideal_chip: Fraction
    chip: InstanceAccuracy


class Contract(Record):
    """How many integer codes were compared along the chain, and how many differed."""

    codes_compared: Count
    mismatches: Count


class Confusion(Record):
    """Counts of (true class, answered class); the chips' are summed over all instances."""

    software: Matrix
    chip: Matrix


class RealizationReport(Record):
    """All numbers of one realization.

    Attributes:
        accuracy: Fractions of the test recordings.
        loss: Software minus chip on the same recordings, standard error over recordings and chips.
        contract: Comparison of integer codes.
        waterfall: One row a stage, in the order of ``STAGES``, then ``FURTHER_STAGES``.
        confusion: Which classes are taken for which.
        size: Bytes and operations.
        resources: What the program takes on the chip.
    """

    accuracy: Accuracies
    loss: Estimate
    contract: Contract
    waterfall: tuple[WaterfallRow, ...]
    confusion: Confusion
    size: Size
    resources: Resources

    @model_validator(mode="after")
    def _require_stages(self) -> "RealizationReport":
        stages = tuple(row.stage for row in self.waterfall)
        if stages != (*STAGES, *(stage for stage in FURTHER_STAGES if stage in stages)):
            msg = f"the waterfall has the stages {', '.join(stages)}, not {', '.join(STAGES)}"
            raise ValueError(msg)
        return self


class Report(RealizationReport):
    """All numbers of a run; the recipe's own realization stands at the top as well.

    Attributes:
        schema_: ``imssa.report/1``; ``schema`` in JSON and as argument.
        recipe: The resolved recipe.
        provenance: What is needed to repeat the run.
        realization: The recipe's own.
        class_names: What the answers mean.
        test_items: Test recordings.
        chip_instances: Chips behind each noisy figure.
        chip_name: The chip description's name.
        effects: By stage, the strength of the effect in words, for instance "2 %, half high".
        not_modelled: What the simulated chip leaves out, in words.
        warnings: What makes the results doubtful, for instance tested items that were trained on.
        seconds: By stage.
        realizations: The numbers of each realization that was run, the recipe's own among them.
    """

    schema_: Literal["imssa.report/1"] = Field(default=SCHEMA, alias="schema")
    recipe: dict[str, Any]
    provenance: Provenance
    realization: str
    class_names: tuple[str, ...] = Field(min_length=2)
    test_items: int = Field(ge=1)
    chip_instances: int = Field(ge=1)
    chip_name: str
    effects: dict[str, str] = Field(default_factory=dict)
    not_modelled: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: dict[str, float]
    realizations: dict[str, RealizationReport]

    @model_validator(mode="after")
    def _require_agreement(self) -> "Report":
        own = self.realizations.get(self.realization)
        names = RealizationReport.model_fields
        if own is None or any(getattr(own, name) != getattr(self, name) for name in names):
            msg = f"the numbers at the top are not those of realizations.{self.realization}"
            raise ValueError(msg)
        for name, part in self.realizations.items():
            if len(part.accuracy.chip.per_instance) != self.chip_instances:
                msg = f"realizations.{name} has not {self.chip_instances} chip instances"
                raise ValueError(msg)
            for matrix in (part.confusion.software, part.confusion.chip):
                if {len(matrix), *map(len, matrix)} != {len(self.class_names)}:
                    msg = f"realizations.{name} has a confusion matrix of the wrong size"
                    raise ValueError(msg)
        return self


def make_report(realization: str, realizations: dict[str, RealizationReport], **run: Any) -> Report:
    """A report with one realization's numbers at the top.

    Args:
        realization: The recipe's own.
        realizations: The numbers of each realization that was run.
        run: The other fields of ``Report``: recipe, provenance, class_names and so on.
    """
    own = realizations[realization]
    top = {name: getattr(own, name) for name in RealizationReport.model_fields}
    return Report(realization=realization, realizations=realizations, **top, **run)


def report_json(report: Report) -> str:
    """The report as JSON with sorted keys: equal reports give equal text."""
    value = report.model_dump(mode="json")
    return json.dumps(value, sort_keys=True, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def save_report(report: Report, path: Path) -> None:
    """Writes ``report.json``, whole or not at all.

    Raises:
        OutputError: The place cannot be written.
    """
    write_atomically(path, report_json(report).encode())


def load_report(path: Path) -> Report:
    """Reads a report.

    Raises:
        FileFormatError: Missing, damaged, or of another kind or version.
    """
    try:
        value = json.loads(read_bytes(path).decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            given=str(path),
            rule=f"it is no JSON: cut short or damaged ({error})",
            remedy="Write it anew with `imssa report`.",
        ) from error
    schema = value.get("schema") if isinstance(value, dict) else None
    if schema != SCHEMA:
        raise FileFormatError(
            given=f"{path} of schema {schema!r}",
            rule=f"this version of imssa reads {SCHEMA}",
            remedy="Name a report.json, or use the version of imssa that wrote it.",
        )
    try:
        return Report.model_validate(value)
    except ValidationError as error:
        raise FileFormatError(
            given=str(path), rule=_faults(error), remedy="Write it anew with `imssa report`."
        ) from error


def _refuse_constant(name: str) -> NoReturn:
    msg = f"{name} is no number"
    raise ValueError(msg)


def _faults(error: ValidationError) -> str:
    found = [f"{'.'.join(map(str, e['loc'])) or 'report'}: {e['msg']}" for e in error.errors()]
    rest = [f"and {len(found) - SHOWN_FAULTS} more"] if len(found) > SHOWN_FAULTS else []
    return "; ".join(found[:SHOWN_FAULTS] + rest)
