"""Keeps compiled code on disk in step with the sources.

numba recompiles a function when its own file changes, not when a function that it calls in another
file does. So compiled code is discarded whenever any source file with compiled loops differs from
the one that it was made from, for instance after an upgrade.
"""

import hashlib
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).resolve().parents[1]
STAMP: Final = "imssa-compiled.sha256"


def sources(package: Path) -> list[Path]:
    """Files with compiled loops."""
    folders = ("kernels", "circuit", "crossbar")
    return [path for folder in folders for path in sorted((package / folder).glob("*.py"))]


def discard_stale(package: Path = PACKAGE) -> bool:
    """Removes compiled code of other sources; gives whether it did.

    A folder that cannot be written is left alone: numba then keeps its code elsewhere.
    """
    files = sources(package)
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()
    stamp = package / "kernels" / "__pycache__" / STAMP
    try:
        if stamp.exists() and stamp.read_text() == digest:
            return False
        folders = {p.parent / "__pycache__" for p in files}
        for found in [f for folder in folders for f in folder.glob("*.nb[ic]")]:
            found.unlink(missing_ok=True)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(digest)
    except OSError:
        return False
    return True
