"""From a chip of unknown defects to one that runs a network: over the chip interface alone."""

from imssa.deployment.deploy import deploy
from imssa.deployment.readback import KernelReading, read_back
from imssa.deployment.scan import scan

__all__ = ["KernelReading", "deploy", "read_back", "scan"]
