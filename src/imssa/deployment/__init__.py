"""From a chip of unknown defects to one that runs a network: over the chip interface alone."""

from imssa.deployment.calibration import Calibration
from imssa.deployment.deploy import deploy
from imssa.deployment.fits import Parts
from imssa.deployment.modes import ModeReading, read_modes
from imssa.deployment.readback import KernelReading, read_back
from imssa.deployment.recalibrate import Recalibrated, RegisterError, recalibrate
from imssa.deployment.scan import scan
from imssa.deployment.trim import Trimmed, require_stable, trim

__all__ = [
    "Calibration",
    "KernelReading",
    "ModeReading",
    "Parts",
    "Recalibrated",
    "RegisterError",
    "Trimmed",
    "deploy",
    "read_back",
    "read_modes",
    "recalibrate",
    "require_stable",
    "scan",
    "trim",
]
