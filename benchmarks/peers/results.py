"""Results as files for programs."""

import json
from pathlib import Path
from typing import Any


def write_json(path: Path, found: dict[str, Any]) -> None:
    """Writes a result whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)
