"""The errors of imssa: each says what was given, which rule it broke, and what to do."""

from typing import ClassVar


class ImssaError(Exception):
    """A clear failure: what was given, which rule it broke, what to do.

    Args:
        given: What the user handed in, with the user's own names (file, key, layer, line).
        rule: The rule that it broke.
        remedy: What to do about it.

    Attributes:
        exit_code: What the command line returns: 2 for the user's mistakes, 1 for ours.

    Example:
        >>> str(ImssaError(given="bits = 1", rule="weights need 2 to 8 bits", remedy="Set bits = 2."))
        'bits = 1: weights need 2 to 8 bits. Set bits = 2.'
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, *, given: str, rule: str, remedy: str) -> None:
        self.given = given
        self.rule = rule
        self.remedy = remedy
        super().__init__(f"{given}: {rule}. {remedy}")


class RecipeError(ImssaError):
    """A recipe, a chip description or a setting that breaks its rules."""


class StudyError(ImssaError):
    """A study that breaks its rules, or that does not fit what it is to go on with."""


class DataError(ImssaError):
    """A recording or a data set that cannot be used."""


class FileFormatError(ImssaError):
    """A model, program or checkpoint file that is damaged or of another kind."""


class ShapeError(ImssaError):
    """A tensor whose shape or values do not fit."""


class DesignRuleError(ImssaError):
    """A network that the chip cannot hold; raised before anything is mapped."""


class OutputError(ImssaError):
    """A place that cannot be written, or that holds the results of something else."""


class MissingToolError(ImssaError):
    """An outside program or an optional library that is not installed."""


class CheckFailedError(ImssaError):
    """A check of our own numbers failed: ours to mend, not the user's."""

    exit_code: ClassVar[int] = 1


class TrainingError(ImssaError):
    """Training that cannot go on, for instance a loss that is not a number."""

    exit_code: ClassVar[int] = 1


class TrialsFailedError(ImssaError):
    """A study whose other trials are done: some could not be measured, the results say why."""

    exit_code: ClassVar[int] = 1
