"""Sources of a chip's numbers: the comments beside them in the TOML text of its description."""

import re
from pathlib import Path
from typing import Final, NamedTuple

KEY: Final = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"))*)\s*=")
HEADER: Final = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
TOKEN: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}]|\n',
    re.DOTALL,
)


def source_comments(text: str) -> dict[str, str]:
    r"""What stands beside each key of a TOML text, by its dotted name.

    The comment on the lines of a key itself; else the lines of comment right above it; else what
    stands beside or above its section's header; else nothing.

    Args:
        text: Valid TOML.

    Example:
        >>> source_comments("# measured\n[a]\nx = 1\ny = '#2'  # guessed\n")
        {'a.x': 'measured', 'a.y': 'guessed'}
    """
    found: dict[str, str] = {}
    section, of_section, above = "", "", list[str]()
    for statement in _statements(text):
        header, key = HEADER.fullmatch(statement.code.strip()), KEY.match(statement.code)
        if header:
            section = _plain(header[1])
            of_section = statement.comment or " ".join(above)
        elif key:
            name = f"{section}.{_plain(key[1])}" if section else _plain(key[1])
            found[name] = statement.comment or " ".join(above) or of_section
        if not statement.code.strip() and statement.comment:
            above.append(statement.comment)
        else:
            above = []
    return found


class _Statement(NamedTuple):
    """A line, or the lines of one value: its code, and its comments in one."""

    code: str
    comment: str


def _statements(text: str) -> list[_Statement]:
    """The text cut at line ends outside of strings and brackets."""
    found, code, comments, depth, place = [], "", list[str](), 0, 0
    for token in TOKEN.finditer(text if text.endswith("\n") else text + "\n"):
        piece = token[0]
        code += text[place : token.start()]
        place = token.end()
        if piece.startswith("#"):
            comments.append(piece.lstrip("#").strip())
        elif piece == "\n" and depth == 0:
            found.append(_Statement(code, " ".join(c for c in comments if c)))
            code, comments = "", []
        else:
            code += piece
            depth += (piece in set("[{")) - (piece in set("]}"))
    return found


def _plain(name: str) -> str:
    """A dotted name without quotes and spaces."""
    return ".".join(part.strip().strip("\"'") for part in name.split("."))


def source_of(name: str, comments: dict[str, str]) -> str | None:
    """The comment of a key or of the table it is written in; None: the text has no such key."""
    while name:
        if name in comments:
            return comments[name]
        name = name.rpartition(".")[0]
    return None


def chip_sources(name_or_path: str) -> dict[str, str]:
    """Comments beside the keys of a shipped chip or of a file, which was loaded before."""
    from imssa.hardware.loading import preset_names, preset_text

    if name_or_path in preset_names():
        return source_comments(preset_text(name_or_path))
    return source_comments(Path(name_or_path).read_text("utf-8"))
