"""What pytest leaves out where an optional library is missing: modules cannot be searched for examples."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("triton") else ["src/imssa/kernels/scan_triton_*.py"]
