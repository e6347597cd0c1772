"""State-space sequence models from training to memristive in-memory-compute chips.

The public names are loaded on first use, so that `import imssa` and `imssa --help` stay quick.

Example:
    >>> import imssa
    >>> imssa.ImssaError.__module__
    'imssa.errors'
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imssa.errors import ImssaError

__version__: str

__all__ = ["ImssaError", "__version__"]

# Public name -> the module that defines it, in the order of the flow; one import above and one
# entry of `__all__` each.
_HOMES = {
    "ImssaError": "imssa.errors",
}


def __getattr__(name: str) -> object:
    """Loads a public name on its first use."""
    if name == "__version__":
        from importlib.metadata import version

        value: object = version("imssa")
    elif name in _HOMES:
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
    else:
        message = f"module 'imssa' has no attribute {name!r}; its public names are {__all__}"
        raise AttributeError(message, name=name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Lists the public names, loaded or not."""
    return sorted({*globals(), *__all__})
