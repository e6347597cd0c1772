"""How long `imssa demo` takes, as a whole process and by stage.

    python benchmarks/demo_time.py [--json FILE] [--tiny]

The main job of `make demo` after installation: bundled recordings to report, two realizations, fifty
chip instances. The first run of a new installation also compiles the loops; ``--cold`` does so again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from imssa.experiment.provenance import provenance
from imssa.kernels.parallel import worker_count


def main() -> None:
    """Runs the demo in a new folder and prints its times."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tiny", action="store_true", help="two epochs and three chips")
    parser.add_argument("--cold", action="store_true", help="compile all loops anew")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "demo"
        command = [sys.executable, "-m", "imssa", "demo", "--out", str(out), "--quiet", "--json"]
        command += ["--tiny"] if chosen.tiny else []
        cache = {"NUMBA_CACHE_DIR": str(Path(folder) / "cache")} if chosen.cold else {}
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **cache})  # noqa: S603
        seconds = time.perf_counter() - start
        stages = json.loads((out / "report.json").read_text())["seconds"]
    result = {
        "benchmark": "demo_time",
        "seconds": seconds,
        "seconds_by_stage": stages,
        "tiny": chosen.tiny,
        "cold": chosen.cold,
        "cores": worker_count(),
        "provenance": provenance(0),
    }
    print(f"imssa demo: {seconds:.1f} s on {result['cores']} cores (target: at most 120)")
    for stage, value in stages.items():
        print(f"  {stage:10} {value:6.1f} s")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
