"""Netlists with the currents that ngspice found, and the script that made them."""
