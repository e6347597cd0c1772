"""What a subject's program takes on its chip, by the cost model."""

from typing import Final

from imssa.cost import Range, cost_of, total
from imssa.study.config import Cost
from imssa.study.stages import Stages, Subject

ANY_HERTZ: Final = 100.0
"""The cost model wants a rate of time steps, but neither number depends on it: idle power is left out."""


def cost(what: Cost, stages: Stages, subject: Subject) -> Range:
    """Energy in joules or time in seconds of a time step.

    Line voltages and conductances are those that the cost model assumes, so that the program alone
    determines the number.

    Args:
        what: Which of the two.
        stages: Of the study.
        subject: Network and chip.
    """
    design = cost_of(stages.program(subject), rate_hertz=ANY_HERTZ).chip
    return total(design.step_joule if what == "energy" else design.step_seconds)
