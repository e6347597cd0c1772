"""From a chip of unknown defects to one that runs: over the chip interface alone."""

from imssa.deployment.scan import scan

__all__ = ["scan"]
