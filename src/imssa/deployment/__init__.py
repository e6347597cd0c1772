"""From a chip of unknown defects to one that runs a network: over the chip interface alone."""

from imssa.deployment.deploy import deploy
from imssa.deployment.scan import scan

__all__ = ["deploy", "scan"]
