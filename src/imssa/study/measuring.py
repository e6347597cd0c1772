"""What is asked of a subject: whether each recording is answered rightly, network by network, chip by chip."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import numpy as np
from jaxtyping import Bool

from imssa.crossbar import ProgrammedChips, SimulatedChip, simulate
from imssa.crossbar.executor import write_program
from imssa.data import SequenceDataset
from imssa.deployment import Calibration, recalibrate, scan, trim
from imssa.errors import DataError
from imssa.experiment.stages import float_answers, quantized_answers
from imssa.kernels.random import Key
from imssa.mapping import TailoredCompiler
from imssa.study.config import ON_CHIPS, Answering, Measure
from imssa.study.stages import Stages, Subject

Right = Bool[np.ndarray, " items"]


def required(stages: Stages, subject: Subject, measure: Measure) -> SequenceDataset:
    """The recordings that are asked.

    Raises:
        DataError: There are none.
    """
    part = stages.part(subject, measure.part)
    if not len(part):
        raise DataError(
            given=f"measure.part = {measure.part!r}",
            rule="the data have no recordings in that part",
            remedy="Ask the test part, or set data.validation_share.",
        )
    return part


def measured(
    what: Answering, stages: Stages, subject: Subject, chips: tuple[int, ...], measure: Measure
) -> Iterator[Right]:
    """Which recordings each chip answers rightly; of what has no chips, once.

    Args:
        what: What answers.
        stages: Of the study.
        subject: Network and chip.
        chips: Numbers of the chip instances; not used where nothing is on chips.
        measure: The study's settings.
    """
    part = required(stages, subject, measure)
    numbers = chips if what in ON_CHIPS else (0,)
    for answers in _MEASURES[what](stages, subject, numbers, part, measure):
        yield np.asarray(answers == part.labels)


def _float(stages: Stages, subject: Subject, _: Any, part: SequenceDataset, __: Any) -> Any:
    yield float_answers(stages.float_network(subject), part)


def _quantized(stages: Stages, subject: Subject, _: Any, part: SequenceDataset, __: Any) -> Any:
    yield quantized_answers(stages.network(subject), part)


def _ideal(stages: Stages, subject: Subject, _: Any, part: SequenceDataset, __: Any) -> Any:
    program, inputs = stages.program(subject), _inputs(stages, subject, part)
    chip, one = program.chip.only(), np.zeros(1, np.int64)
    yield from simulate(program, chip, Key.root(0), one, inputs, part.lengths).answers


def _blind(
    stages: Stages, subject: Subject, chips: tuple[int, ...], part: SequenceDataset, _: Any
) -> Any:
    program, inputs = stages.program(subject), _inputs(stages, subject, part)
    numbers = np.array(chips, np.int64)
    yield from simulate(
        program, subject.chip, key_of(subject), numbers, inputs, part.lengths
    ).answers


def _compiled(
    stages: Stages, subject: Subject, chips: tuple[int, ...], part: SequenceDataset, _: Any
) -> Any:
    inputs, key = _inputs(stages, subject, part), key_of(subject)
    compiler = _compiler(stages, subject)
    for number in chips:
        defects = scan(SimulatedChip(subject.chip, key, number), subject.chip)
        program, one = compiler.compile(defects, {}).program, np.array([number])
        yield simulate(program, subject.chip, key, one, inputs, part.lengths).answers[0]


def _recalibrated(
    stages: Stages,
    subject: Subject,
    chips: tuple[int, ...],
    part: SequenceDataset,
    measure: Measure,
) -> Any:
    network, inputs = stages.network(subject), _inputs(stages, subject, part)
    compiler = _compiler(stages, subject)
    train, key = stages.part(subject, "train"), Key.root(subject.recipe.seed)
    calibration = Calibration.drawn(network, train, measure.calibration_per_class, key)
    for number in chips:
        device = SimulatedChip(subject.chip, key_of(subject), number)
        tailored = compiler.compile(scan(device, subject.chip), {})
        write_program(tailored.program, device)
        program = trim(compiler, tailored, device).tailored.program
        fitted = recalibrate(program, network, calibration.on(device), calibration).program
        one = np.array([number])
        written = ProgrammedChips(fitted, subject.chip, device.key, one, device.arrays)
        yield written.run(inputs, part.lengths).answers[0]


def _compiler(stages: Stages, subject: Subject) -> TailoredCompiler:
    return TailoredCompiler(stages.network(subject), subject.chip, subject.recipe.layout)


def _inputs(stages: Stages, subject: Subject, part: SequenceDataset) -> Any:
    return stages.network(subject).input_codes(part.features)


def key_of(subject: Subject) -> Key:
    """Key of the chip instances, the same as in a run of the recipe."""
    return Key.root(subject.recipe.seed).child("chip")


_MEASURES: Final[dict[Answering, Callable[..., Iterable[Any]]]] = {
    "float": _float,
    "quantized": _quantized,
    "ideal": _ideal,
    "blind": _blind,
    "compiled": _compiled,
    "recalibrated": _recalibrated,
}
