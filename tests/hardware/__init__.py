"""Chip descriptions and device laws, against what is published."""
