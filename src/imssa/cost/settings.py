"""What the model cannot know from a program and must be told."""

from dataclasses import dataclass, field
from typing import Any

from imssa.cost.constants import Constants, load_constants
from imssa.cost.prices import Prices
from imssa.cost.technology import Technology
from imssa.errors import RecipeError


@dataclass(frozen=True)
class Settings:
    """How the periphery is laid out; none of it is in a chip description.

    Attributes:
        pairs_per_adc: Neighbouring bit-line pairs that take turns at one converter.
        lanes: Arithmetic lanes of the digital side, one operation each at a time.
        technology: Process of converters and digital side.
        constants: What single actions cost.
    """

    pairs_per_adc: int = 8
    lanes: int = 16
    technology: Technology = field(default_factory=Technology)
    constants: Constants = field(default_factory=load_constants)

    def __post_init__(self) -> None:
        if min(self.pairs_per_adc, self.lanes) < 1:
            raise RecipeError(
                given=f"pairs_per_adc = {self.pairs_per_adc}, lanes = {self.lanes}",
                rule="both count something, at least one",
                remedy="Give 1 or more.",
            )

    @property
    def prices(self) -> Prices:
        """Constants in the process."""
        return Prices(self.constants, self.technology)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "pairs_per_adc": self.pairs_per_adc,
            "lanes": self.lanes,
            "node_nm": self.technology.node_nm,
            "supply_volt": self.technology.volt,
        }
