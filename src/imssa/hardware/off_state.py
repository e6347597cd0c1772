"""Cells that were never written."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from pydantic import Field

from imssa.hardware.law import MICRO, DeviceLaw, Floats, Surroundings


class LogNormalOffState(DeviceLaw):
    """Cells never written: G = exp(log_median + log_sigma z) uS (Mao et al., Nat. Commun. 2022)."""

    law: Literal["log-normal"] = "log-normal"
    log_median: float
    log_sigma: float = Field(ge=0)

    def conductance(self, normals: Floats) -> Floats:
        """Conductances in siemens of cells never written."""
        return np.asarray(MICRO * np.exp(self.log_median + self.log_sigma * normals))

    def misfits(self, chip: Surroundings) -> Iterator[tuple[str, str]]:
        """The median must lie below the window's top."""
        median = float(MICRO * np.exp(self.log_median))
        if median >= chip.top_siemens:
            yield "log_median", f"the median of {median:g} S is not below g_max_siemens"


OffState = LogNormalOffState
