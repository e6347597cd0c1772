"""The array type that all functions of this folder hand on."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
