"""What ``docs/program-format.md`` says, and the same computed by the code."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from imssa.crossbar import SimulatedChip
from imssa.crossbar.executor import _Run
from imssa.kernels.codes import converted, driven
from imssa.kernels.passes import digits, passes_of
from imssa.kernels.random import Key
from imssa.program.operations import BY_NAME, Register
from tests.program.documented import CHIP, documented_program

PAGE = Path(__file__).parents[2] / "docs" / "program-format.md"


def text() -> str:
    """The page."""
    return PAGE.read_text("utf-8")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Fenced blocks of a language: the rest of their first line, and what they hold."""
    for found in re.finditer(rf"^```{language} ?(.*)\n((?:.*\n)*?)```$", text(), re.MULTILINE):
        yield found[1], found[2]


def section(title: str) -> str:
    """What stands below a title, up to the next one."""
    found = re.search(rf"^#+ {re.escape(title)}\n((?:(?!#+ ).*\n)*)", text(), re.MULTILINE)
    assert found is not None, title
    return found[1]


def examples() -> Iterator[tuple[str, str]]:
    """Worked examples: a call, and what it gives."""
    for _, block in blocks("example"):
        for line in block.splitlines():
            call, arrow, result = line.partition(" -> ")
            assert arrow, line
            yield call, result


def worked(call: str) -> Any:
    """What a worked example gives by the code."""
    tree = ast.parse(call, mode="eval").body
    assert isinstance(tree, ast.Call)
    assert isinstance(tree.func, ast.Name)
    given = {str(word.arg): ast.literal_eval(word.value) for word in tree.keywords}
    rule = _OTHERS.get(tree.func.id)
    return _operation(tree.func.id, **given) if rule is None else rule(**given)


def _operation(name: str, bits: int, length: int = 1, **given: Any) -> list[int]:
    """An operation of one record, run by the executor."""
    kind = BY_NAME[name]
    values = {
        f.name: f.name if f.name in {"source", "other", "target"} else np.array(given[f.name])
        for f in fields(kind)
    }
    source = given["source"]
    size = {"Gather": len(given.get("index", ())), "ArgMax": 1}.get(name, len(source))
    held = {"source": source, "other": source, "target": [0] * size}
    held |= {register: codes for register, codes in given.items() if register in held}
    registers = tuple(Register(name, len(codes), bits) for name, codes in held.items())
    program = replace(documented_program(), registers=registers)
    run = _Run(program, SimulatedChip(CHIP, Key.root(0)), np.array([length]), 0)
    run.registers = {name: np.array([codes]) for name, codes in held.items()}
    run.operate((kind(**values),), np.arange(1), 0)
    return [int(code) for code in run.registers["target"][0]]


def _drive(register: list[int], shift: list[int], bits: int) -> list[int]:
    return [int(code) for code in driven(np.array(register), np.array(shift), bits)]


def _convert(acc: list[int], L: list[int], h: list[int], bits: int) -> list[int]:
    scale = np.ldexp(np.array(L, float), -np.array(h))
    return [int(code) for code in converted(np.array(acc, float), scale, bits)]


def _passes(code: int, dac_bits: int, drive: str, polarity: str) -> list[list[int]]:
    two_pass = polarity == "two-pass"
    passes = passes_of(dac_bits, bit_serial=drive == "bit-serial", two_pass=two_pass)
    one = np.array([code])
    return [[int(digits(one, bit, sign)[0]), weight] for bit, sign, weight in passes.tolist()]


_OTHERS: dict[str, Callable[..., Any]] = {"Drive": _drive, "Convert": _convert, "Passes": _passes}
