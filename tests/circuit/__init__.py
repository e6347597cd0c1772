"""Wires of arrays: against a dense solve, against ngspice, and against physics."""
