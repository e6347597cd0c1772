"""How cells are written: the laws on offer, one of which a chip description names."""

from typing import Annotated

from pydantic import Field

from imssa.hardware.statistical import (
    GaussianProgramming,
    PolynomialProgramming,
    UniformProgramming,
)
from imssa.hardware.write_verify import WriteVerifyProgramming

Programming = Annotated[
    GaussianProgramming | UniformProgramming | PolynomialProgramming | WriteVerifyProgramming,
    Field(discriminator="law"),
]
