"""Chip descriptions, the laws of the devices, differential pairs, presets."""

from imssa.hardware.defect_map import DefectMap, read_defect_map, write_defect_map
from imssa.hardware.defects import StuckDevices
from imssa.hardware.description import EFFECTS, ChipDescription
from imssa.hardware.devices import LAW_NAMES
from imssa.hardware.loading import load_chip, preset_names
from imssa.hardware.writing import WrittenDevices, write_devices

__all__ = [
    "EFFECTS",
    "LAW_NAMES",
    "ChipDescription",
    "DefectMap",
    "StuckDevices",
    "WrittenDevices",
    "load_chip",
    "preset_names",
    "read_defect_map",
    "write_defect_map",
    "write_devices",
]
