"""Names of the shipped recipes; light, for the command line's help and completion."""

from importlib import resources


def recipe_names() -> tuple[str, ...]:
    """Names of the shipped recipes.

    Example:
        >>> recipe_names()
        ('spoken-digits', 'zero-one')
    """
    folder = resources.files("imssa") / "recipes"
    return tuple(
        sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))
    )
