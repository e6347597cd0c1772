"""Tables of the cost model against publications, and of mutated files, from results/."""

from typing import Any


def costs(found: Any) -> list[list[str]]:
    """Rows of benchmarks/cost_model.py: each published figure, and the model's as multiples of it.

    Args:
        found: What results/cost_model.json holds.
    """
    rows = [["publication", "figure", "published", "model, low to high", "typical", "in range"]]
    for case in found["cases"]:
        for row in case["rows"]:
            factor = row["factor"]
            rows.append(
                [
                    case["case"],
                    row["figure"],
                    f"{row['published']:.3g} {row['unit']}",
                    f"{factor['low']:.2g} to {factor['high']:.3g}",
                    f"{factor['typical']:.2f}",
                    "yes" if row["within"] else "no",
                ]
            )
    return rows


def readers(found: Any) -> str:
    """What became of the mutated files, in a sentence.

    Args:
        found: What results/reader_fuzz.json holds.
    """
    return (
        f"{found['files']:,} mutated files of {len(found['by_reader'])} layouts: {found['read']:,} were read, "
        f"{found['refused']:,} refused with a clear error, none hung or crashed; the slowest took "
        f"{found['slowest_seconds']:.2f} s, and a process at most {found['peak_bytes'] / 2**20:.0f} MiB.\n"
    )
