"""Chip descriptions, the laws of the devices, differential pairs, presets."""

from imssa.hardware.description import ChipDescription, load_chip, preset_names
from imssa.hardware.devices import StuckDevices

__all__ = ["ChipDescription", "StuckDevices", "load_chip", "preset_names"]
