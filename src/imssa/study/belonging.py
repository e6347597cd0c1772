"""What a folder may be used for: its results belong to one study, and are never lost to another.

A study goes on in its folder while every trial that was measured there is still one of its own: axes,
values, chips and measures may be added. Anything else needs consent, and then what was there is set
aside in a folder ``earlier-1``, ``earlier-2`` and so on, itself the folder of a study.
"""

import json
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from imssa.errors import OutputError, StudyError
from imssa.experiment.places import locked
from imssa.program.files import write_atomically
from imssa.study.axes import flat
from imssa.study.contents import ROOTS, by_content
from imssa.study.ledger import Outcome, as_line
from imssa.study.table import CSV, PARQUET
from imssa.study.work import DEFINITION

OWN: Final = (
    *("stages", "ledger", "work", "figures", "report.html", DEFINITION, PARQUET, CSV),
    *("work-*", "earlier-*", ".*"),
)
"""Names in the folder of a study."""

FREE: Final = ("study.question", "study.figure", "study.name")
"""Keys of a definition that no trial depends on."""

NAMED: Final = 3
"""Most files or keys that an error lists."""


def require_place(root: Path) -> None:
    """Refuses a folder without a study that holds something else.

    Raises:
        StudyError: Naming what it holds.
    """
    if not root.is_dir():
        return
    others = sorted(p.name for p in root.iterdir() if not any(map(p.match, OWN)))
    if not others:
        return
    found = f"{', '.join(others[:NAMED])}{' and more' if len(others) > NAMED else ''}"
    run = "recipe.toml" in others
    raise StudyError(
        given=f"--out {root}",
        rule=f"it holds a run of a recipe ({found})" if run else f"it holds other files ({found})",
        remedy=f"Name a folder of its own, for instance --out {root / 'study'}.",
    )


def difference(held: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """In what definitions of one folder differ, as far as trials depend on it; empty: in nothing.

    Args:
        held: That of ``study.json``.
        new: The one that is to be run.
    """
    a, b = (_told(definition) for definition in (held, new))
    keys = [key for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key)]
    told = [_in_words(key, a.get(key), b.get(key)) for key in keys[:NAMED]]
    more = [f"{len(keys) - NAMED} more keys"] if len(keys) > NAMED else []
    return "; ".join([*told, *more])


def _told(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition flat, with what data hold in place of their paths."""
    known = definition.get("data", {})
    content = {key: definition[key] for key in ("study", "recipe")}
    plain = json.loads(json.dumps(by_content(content, known), default=str))
    return {key: value for key, value in flat(plain) if not key.startswith(FREE)}


def _in_words(key: str, there: Any, here: Any) -> str:
    if key.endswith(tuple(ROOTS)):
        return "its data hold something else now: names, sizes or bytes of their files differ"
    return f"{key} is {_value(there)} there and {_value(here)} here"


def _value(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def refused(root: Path, strangers: int, measured: int, why: str) -> StudyError:
    """The refusal of a study to which trials in a folder do not belong.

    Args:
        root: The folder.
        strangers: How many do not.
        measured: How many it holds.
        why: In what its definition differs; empty: in nothing.
    """
    return StudyError(
        given=f"--out {root}, which holds {measured} measured trials",
        rule=f"{strangers} of them are none of this study as it is now "
        f"({why or 'they were measured by another version of imssa, or of other data'})",
        remedy="Use another --out, or add --force to set them aside in "
        f"{root / 'earlier-N'} and go on with the others. Adding to a grid "
        "or random search needs neither; a guided search can only take more points.",
    )


def not_known(root: Path, strangers: int) -> StudyError:
    """The refusal to show a folder none of whose trials are of its study.

    Args:
        root: The folder.
        strangers: How many trials it holds.
    """
    kept = next((path for path in (root / PARQUET, root / CSV) if path.exists()), root / "ledger")
    return StudyError(
        given=str(root),
        rule=f"its {strangers} measured trials are none of its study as this version of imssa computes it",
        remedy=f"Use the version that measured them, or read {kept}, which is left as it is; or run the "
        "study in another folder.",
    )


def set_aside(root: Path, kept: Mapping[str, Outcome]) -> Path:
    """Copies results to a folder of their own, then leaves only those that belong to the study.

    Args:
        root: The folder.
        kept: Outcomes that stay.

    Returns:
        The new folder: definition, ledgers, results.

    Raises:
        OutputError: It cannot be written, or another process is at work there.
    """
    with ExitStack() as held:
        for place in sorted(root.glob("work-*-of-*")):
            held.enter_context(locked(place))
        try:
            return _moved(root, kept)
        except OSError as error:
            raise OutputError(
                given=str(root),
                rule=f"it cannot be written ({error.strerror or error})",
                remedy="Make room, or name another --out.",
            ) from error


def _moved(root: Path, kept: Mapping[str, Outcome]) -> Path:
    """Copied whole before anything goes: a kill in between loses nothing."""
    number = 1
    while (root / f"earlier-{number}").exists():
        number += 1
    target, part = root / f"earlier-{number}", root / f".earlier-{number}"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(root / "ledger", part / "ledger")
    tables = [root / name for name in (PARQUET, CSV) if (root / name).exists()]
    for path in (root / DEFINITION, *tables):
        if path.exists():
            shutil.copy2(path, part / path.name)
    part.rename(target)
    ledgers = sorted((root / "ledger").glob("*.jsonl"))
    write_atomically(ledgers[0], "".join(map(as_line, kept.values())).encode())
    for path in (*ledgers[1:], *tables):
        path.unlink(missing_ok=True)
    return target
