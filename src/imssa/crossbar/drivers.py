"""Drivers of chips outside this package, found by the entry points of the group ``imssa.chips``.

A driver is a function that takes an address (whatever finds the chip: a host and port, a serial
port, a file) and gives a `Chip`. A package offers it in its ``pyproject.toml``:

    [project.entry-points."imssa.chips"]
    lab = "lab_driver.chip:connect"

``examples/lab_driver`` is such a package, and ``docs/program-format.md`` all that one must know.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, Final

from imssa.crossbar.chip import Chip
from imssa.errors import MissingToolError

GROUP: Final = "imssa.chips"

Driver = Callable[[str], Chip]
"""From an address to a chip."""


def driver_names() -> tuple[str, ...]:
    """The drivers that are installed, by name."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def load_driver(name: str) -> Driver:
    """The driver of a name; what it gives is held to be a `Chip`.

    Raises:
        MissingToolError: None of that name, several, or one that cannot be loaded.
    """
    found = tuple(entry_points(group=GROUP, name=name))
    if len(found) != 1:
        rule = (
            f"{len(found)} installed packages offer it" if found else "no installed package has it"
        )
        raise MissingToolError(
            given=f"chip driver {name!r}",
            rule=f"{rule} (installed: {', '.join(driver_names()) or 'none'})",
            remedy=f"Install one package with an entry point of that name in the group {GROUP}.",
        )
    driver = _loaded(found[0])

    def connect(address: str) -> Chip:
        chip = driver(address)
        if not isinstance(chip, Chip):
            raise _broken(found[0], f"it gives a {type(chip).__name__}, not an imssa.crossbar.Chip")
        return chip

    return connect


def _loaded(point: Any) -> Driver:  # an EntryPoint, of importlib.metadata or of its backport
    try:
        driver: Driver = point.load()
    except (ImportError, AttributeError) as error:
        raise _broken(point, f"it cannot be loaded ({error})") from error
    if not callable(driver):
        raise _broken(point, "it is no function of an address")
    return driver


def _broken(point: Any, rule: str) -> MissingToolError:
    return MissingToolError(
        given=f"chip driver {point.name!r} ({point.value})",
        rule=rule,
        remedy="Ask who made its package, or install it anew.",
    )
