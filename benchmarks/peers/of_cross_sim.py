"""CrossSim's analog core as a contestant, from a folder with its sources."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from server import Contestant, serve

sys.path.insert(0, sys.argv[2])

from simulator import AnalogCore, CrossSimParameters  # from the folder just named


class CrossSim(Contestant):
    """A balanced core of one array; vectors stand in columns."""

    settings = {  # noqa: RUF012
        "core.style": "BALANCED, ONE_SIDED, currents subtracted in the array",
        "xbar.device": "infinite on/off ratio; NormalIndependentDevice for writing and reading",
        "xbar.dac.mvm, xbar.adc.mvm": "SignMagnitudeDAC and SignMagnitudeADC, calibrated ranges",
    }

    def _parameters(self, noisy: bool) -> Any:
        work, parameters = self.work, CrossSimParameters()
        parameters.core.style = "BALANCED"
        parameters.core.balanced.style = "ONE_SIDED"
        parameters.core.balanced.subtract_current_in_xbar = True
        parameters.core.mapping.inputs.mvm.min = -1.0
        parameters.core.mapping.inputs.mvm.max = 1.0
        device = parameters.xbar.device
        device.infinite_on_off_ratio = True
        for law, share in ((device.programming_error, "programming"), (device.read_noise, "read")):
            law.enable = noisy
            law.model = "NormalIndependentDevice"
            law.magnitude = float(work[share])
        dac, adc = parameters.xbar.dac.mvm, parameters.xbar.adc.mvm
        dac.model, adc.model = "SignMagnitudeDAC", "SignMagnitudeADC"
        dac.bits = adc.bits = int(work["bits"])
        dac.signed = adc.signed = True
        adc.adc_range_option = "CALIBRATED"
        # currents of devices at the window's top: the largest weight is 1 there
        adc.calibrated_range = np.array([-1.0, 1.0]) * float(work["full_scale"])
        return parameters

    def tile(self, variant: str, noisy: bool) -> Callable[[Any], Any]:
        """A core with the weights written."""
        del variant
        core = AnalogCore(self.work["weights"].T.astype(float), params=self._parameters(noisy))
        return core.matmat  # type: ignore[no-any-return]

    def native(self, signal: Any, variant: str) -> Any:
        """Vectors in columns."""
        del variant
        return np.ascontiguousarray(signal.T, float)

    def signal(self, output: Any) -> Any:
        """Vectors in rows."""
        return np.asarray(output).T


if __name__ == "__main__":
    serve(CrossSim)
