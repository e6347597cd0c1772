"""What is asked of a subject: whether each recording is answered rightly, network by network, chip by chip."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import numpy as np
from jaxtyping import Bool

from imssa.crossbar import simulate
from imssa.data import SequenceDataset
from imssa.deployment import Calibration
from imssa.errors import DataError
from imssa.experiment.stages import float_answers, quantized_answers
from imssa.experiment.tailoring import TailoredChips
from imssa.kernels.random import Key
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
    tailored, inputs = _tailored(stages, subject), _inputs(stages, subject, part)
    for number in chips:
        yield tailored.compiled(number).answers(inputs, part.lengths)


def _trimmed(
    stages: Stages, subject: Subject, chips: tuple[int, ...], part: SequenceDataset, _: Any
) -> Any:
    tailored, inputs = _tailored(stages, subject), _inputs(stages, subject, part)
    for number in chips:
        yield tailored.trimmed(tailored.compiled(number)).answers(inputs, part.lengths)


def _recalibrated(
    stages: Stages,
    subject: Subject,
    chips: tuple[int, ...],
    part: SequenceDataset,
    measure: Measure,
) -> Any:
    network, inputs = stages.network(subject), _inputs(stages, subject, part)
    train, key = stages.part(subject, "train"), Key.root(subject.recipe.seed)
    calibration = Calibration.drawn(network, train, measure.calibration_per_class, key)
    tailored = _tailored(stages, subject)
    for number in chips:
        chip = tailored.trimmed(tailored.compiled(number))
        chip = tailored.recalibrated(chip, calibration)
        yield chip.answers(inputs, part.lengths)


def _tailored(stages: Stages, subject: Subject) -> TailoredChips:
    network, layout = stages.network(subject), subject.recipe.layout
    return TailoredChips(network, subject.chip, layout, key_of(subject))


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
    "trimmed": _trimmed,
    "recalibrated": _recalibrated,
}
