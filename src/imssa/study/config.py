"""What a study is, as its TOML file says it."""

from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from imssa.hardware import EFFECTS

Answering = Literal["float", "quantized", "ideal", "blind", "compiled", "trimmed", "recalibrated"]
"""What answers: the float network, the integer network, its program on an ideal chip, on chips of
unknown defects, on chips scanned and compiled for, on these trimmed, and on these recalibrated."""

Cost = Literal["energy", "step_seconds"]
"""What a time step of the program takes on its chip: energy in joules, time in seconds."""

Measured = Answering | Cost
ANSWERING: Final[tuple[Answering, ...]] = get_args(Answering)
COSTS: Final[tuple[Cost, ...]] = get_args(Cost)
MEASURED: Final[tuple[Measured, ...]] = (*ANSWERING, *COSTS)
ON_CHIPS: Final[tuple[Measured, ...]] = ("blind", "compiled", "trimmed", "recalibrated")
Label = int | float | bool | str


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Span(_Frozen):
    """Values between two ends.

    Attributes:
        low: First value.
        high: Last value; whole numbers at both ends mean whole numbers between.
        steps: How many values; None: any between, for random and guided search.
        log: Whether neighbours have one ratio, not one difference.
    """

    low: int | float
    high: int | float
    steps: int | None = Field(default=None, ge=2)
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> "Span":
        if self.low >= self.high or (self.log and self.low <= 0):
            above = ", and above zero for a logarithmic one" if self.log else ""
            msg = f"a range goes from low to a larger high{above}"
            raise ValueError(msg)
        return self

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)


class Search(_Frozen):
    """Which points of the axes are visited.

    Attributes:
        kind: "grid": all; "random": some; "guided": those that an optimizer asks for.
        number: How many points; a grid has as many as it has.
        seed: Of the random choice.
        goal: What a guided search raises.
        together: Points that a guided search asks for at once, whatever the number of processes.
    """

    kind: Literal["grid", "random", "guided"] = "grid"
    number: int | None = Field(default=None, ge=1)
    seed: int = Field(default=0, ge=0)
    goal: Answering | None = None
    together: int = Field(default=4, ge=1)

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> "Search":
        faults = []
        if (self.number is None) != (self.kind == "grid"):
            needs = (
                "visits every point: leave number out" if self.kind == "grid" else "needs number"
            )
            faults.append(f"a {self.kind} search {needs}")
        if (self.goal is None) != (self.kind != "guided"):
            needs = "needs a goal" if self.kind == "guided" else "has no goal: leave it out"
            faults.append(f"a {self.kind} search {needs}")
        if faults:
            raise ValueError("; ".join(faults))
        return self


class Measure(_Frozen):
    """What is measured at each point.

    Attributes:
        accuracies: Of what; the last three on every chip instance.
        costs: Of the compiled program, by the cost model.
        chips: Chip instances.
        effects: Errors of the chip that are on, of `imssa.hardware.EFFECTS`; None: all that its
            description has.
        part: Which recordings are asked. A search that chooses by its results takes "validation".
        calibration_per_class: Training recordings of each class for "recalibrated".
    """

    accuracies: tuple[Answering, ...] = Field(
        default=("float", "quantized", "ideal", "blind"), min_length=1
    )
    costs: tuple[Cost, ...] = ()
    chips: int = Field(default=20, ge=1)
    effects: tuple[str, ...] | None = None
    part: Literal["validation", "test"] = "test"
    calibration_per_class: int = Field(default=32, ge=1)

    @model_validator(mode="after")
    def _known_and_once(self) -> "Measure":
        lists: dict[str, tuple[str, ...]] = {"accuracies": self.accuracies, "costs": self.costs}
        faults = [
            f"{key} names {name} twice"
            for key, names in lists.items()
            for name in sorted({n for n in names if names.count(n) > 1})
        ]
        unknown = [e for e in self.effects or () if e not in EFFECTS]
        if unknown:
            faults.append(f"effects has no {', '.join(unknown)}; choose from {', '.join(EFFECTS)}")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def measures(self) -> tuple[Measured, ...]:
        """All that is measured."""
        return (*self.accuracies, *self.costs)


class Drawing(_Frozen):
    """How the study's figure is laid out; axes by name, or "measure".

    Attributes:
        x: Axis along the figure, or a cost: then one dot a point; None: the first one.
        lines: One line for each combination of these; None: "measure" where several were measured,
            and the second axis.
        panels: One panel for each value of this; None: of the third axis, if there is one. The axis
            "seed" is none of these unless it is named: seeds are averaged over.
        x_label: Words below the axis.
        measures: Which are drawn; None: all.
        scale: What x is multiplied by for the figure, for instance 1e6 for uS.
    """

    x: str | None = None
    lines: tuple[str, ...] | None = None
    panels: str | None = None
    x_label: str | None = None
    measures: tuple[Measured, ...] | None = None
    scale: float = 1.0


class StudyConfig(_Frozen):
    """A study file.

    Attributes:
        name: Short name.
        question: What it answers, in one sentence.
        recipe: A shipped recipe's name, or a path.
        fixed: ``[set]``: keys of the recipe that differ from it at every point.
        axes: ``[axes]``: values by key of the recipe.
        linked: ``[linked.NAME]``: keys of the recipe that change together, and ``labels``.
        search: Which points are visited.
        measure: What is measured there.
        figure: How it is drawn.
    """

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    question: str = Field(min_length=1)
    recipe: str
    fixed: dict[str, Any] = Field(default={}, alias="set")
    axes: dict[str, Any] = {}
    linked: dict[str, dict[str, Any]] = {}
    search: Search = Search()
    measure: Measure = Measure()
    figure: Drawing = Drawing()

    @model_validator(mode="after")
    def _the_goal_is_measured(self) -> "StudyConfig":
        goal = self.search.goal
        faults = []
        if goal is not None and goal not in self.measure.accuracies:
            faults.append(f"search.goal = {goal!r} is not among measure.accuracies")
        if goal is not None and self.measure.part == "test":
            faults.append(
                "a guided search chooses by what it measures: set measure.part to validation"
            )
        if faults:
            raise ValueError("; ".join(faults))
        return self
