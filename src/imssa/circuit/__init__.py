"""Exact wires: what resistance of lines, drivers and amplifiers does to a crossbar array.

Devices and wires are linear, so an array is one matrix Y with bit-line currents ``voltages @ Y``.
Each name is imported from its module: ``wires`` (``Wires``), ``transfer`` (``transfer_matrix``),
``voltages`` (``node_voltages``), ``sensitivity`` (``sensitivities``), ``netlist`` (``netlist``) and
``ngspice`` (``compare``).
"""

import imssa.kernels  # noqa: F401  # discards stale compiled code before any is loaded
