"""What the rule of phases says of kernels on arrays, cell by cell."""

from collections import defaultdict
from itertools import combinations
from typing import Any


def broken(places: Any, word_lines: int, pairs: int) -> list[str]:
    """Every way in which places break the rule; places have layer, phase, array, rows and columns."""
    faults = []
    owner: dict[tuple[int, int, int], int] = {}
    groups = defaultdict(list)
    lines = []
    for number, place in enumerate(places):
        rows, columns = place.rows.line.tolist(), place.columns.line.tolist()
        lines.append((set(rows), set(columns)))
        if len(set(rows)) != len(rows) or len(set(columns)) != len(columns):
            faults.append(f"{number} uses a line twice")
        if not (0 <= min(rows) <= max(rows) < word_lines and 0 <= min(columns)):
            faults.append(f"{number} lies outside")
        if max(columns) >= pairs:
            faults.append(f"{number} lies outside")
        for row in rows:
            for column in columns:
                if owner.setdefault((place.array, row, column), number) != number:
                    faults.append(f"{number} stands on another kernel")
        groups[place.array, place.layer, place.phase].append(number)
    for (array, _, _), members in groups.items():
        for one, other in combinations(members, 2):
            if lines[one][0] & lines[other][0] or lines[one][1] & lines[other][1]:
                faults.append(f"{one} and {other} share a line in a phase")
            for rows, columns in (
                (lines[one][0], lines[other][1]),
                (lines[other][0], lines[one][1]),
            ):
                if any((array, row, column) in owner for row in rows for column in columns):
                    faults.append(f"{one} and {other} cross a kernel")
    return faults
