"""Tables for people and files for programs."""

import json
from pathlib import Path
from typing import Any


def write_json(path: Path, found: dict[str, Any]) -> None:
    """Writes a result whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


def table(found: dict[str, Any]) -> str:
    """Contestants, rows and parts of a closed-loop run as aligned text."""
    lines = [_contestant(name, state) for name, state in found["contestants"].items()]
    lines.append(
        f"{'work':36}{'who':20}{'how':19}{'threads':>8}{'got':>5}{'ms':>11}{'ratio':>7}{'least':>7}  target"
    )
    previous = ""
    for row in found["rows"]:
        case = row["case"] if row["case"] != previous else ""
        previous = row["case"]
        scaled = "  scaled" if row["scaled_by"] != 1 else ""
        lines.append(
            f"{case:36}{row['name']:20}{row['variant']:19}{row['threads']:8}"
            f"{_cores(row):>5}"
            f"{1e3 * row['seconds']:11.3f}{row['ratio']:7.3g}{row['ratio_of_least']:7.3g}"
            f"  {_target(row)}{scaled}"
        )
    lines.append("ours, by part:")
    lines += [f"  {part:50}{1e3 * value:12.4f} ms" for part, value in found["parts"].items()]
    lines += [f"failed: {key}: {why}" for key, why in found["failed"].items()]
    return "\n".join(lines) + "\n"


def _contestant(name: str, state: dict[str, Any]) -> str:
    text = f"{name}: {state['state']}"
    versions = ", ".join(f"{key} {value}" for key, value in state.get("versions", {}).items())
    if versions:
        text += f" ({versions})"
    for variant, result in state.get("checks", {}).items():
        if "failed" in result:
            text += f"\n  {variant}: check failed: {result['failed']}"
        else:
            text += (
                f"\n  {variant}: without errors {100 * result['codes_equal']:.2f} % of codes equal"
                f" ours, the rest within {result['largest_difference_codes']};"
                f" read noise {result['read_noise_to_ours']:.3f} of ours"
            )
    return text


def _cores(row: dict[str, Any]) -> str:
    return "" if row["cores_got"] is None else f"{row['cores_got']:.1f}"


def _target(row: dict[str, Any]) -> str:
    if "target" not in row:
        return ""
    return f">= {row['target']:.3g}: {'reached' if row['reached'] else 'missed'}"
