"""Shipped recipes by name; light, for the command line's help and completion."""

from importlib import resources

from imssa.errors import RecipeError


def recipe_names() -> tuple[str, ...]:
    """Names of the shipped recipes.

    Example:
        >>> "zero-one" in recipe_names()
        True
    """
    return names_in("recipes")


def names_in(folder: str) -> tuple[str, ...]:
    """Names of the TOML files that the package ships in a folder, in alphabetical order."""
    held = resources.files("imssa") / folder
    return tuple(
        sorted(f.name.removesuffix(".toml") for f in held.iterdir() if f.name.endswith(".toml"))
    )


def recipe_text(name: str) -> str:
    """A shipped recipe as it is written, with its comments.

    Raises:
        RecipeError: There is none of that name.
    """
    if name not in recipe_names():
        raise RecipeError(
            given=f"recipe {name!r}",
            rule="no shipped recipe has that name",
            remedy=f"Name one of: {', '.join(recipe_names())}.",
        )
    return (resources.files("imssa") / "recipes" / f"{name}.toml").read_text("utf-8")


def recipe_comment(text: str) -> str:
    r"""The comment at the head of a recipe: what it shows and how long it takes.

    Example:
        >>> recipe_comment("# One thing.\n# Another.\nname = 'x'  # a name")
        'One thing. Another.'
    """
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return " ".join(lines)
