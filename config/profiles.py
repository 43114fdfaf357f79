"""Names of the profiles that come with the program; loads no model of the configuration."""

from importlib.resources import files

DEFAULT_PROFILE = "simulator"


def profile_names() -> tuple[str, ...]:
    """Names of the profiles that come with the program."""
    folder = files("config") / "profiles"
    return tuple(sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml")))
