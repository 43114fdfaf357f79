"""Settings of detection, saved as a configuration of their own."""

import os
import re
import tempfile
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from config.choices import profile_names
from config.documents.text_files import read_text
from config.documents.yaml_documents import parse_yaml
from config.errors import ConfigError
from config.loading import MOST_BYTES, load
from service.cli.live.console.tuner_trial import tried_config
from service.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


def save(trial: Mapping[str, Any], name: str, by: str, replace: bool) -> str:
    """Write the configuration of a trial into the working folder, and return the name of its file.

    All but the tried settings stays as in the file that it is made from, secrets too; comments are lost. The
    new file is loaded again before it takes its place, and is readable to as few as the old one.

    Parameters
    ----------
    trial : mapping
    name : str
        Of the file, without ``.yaml``.
    by : str
        Person, for its first line.
    replace : bool
        False to refuse a file that exists.

    Raises
    ------
    ConfigError, InputError
    """
    if not _NAME.fullmatch(name):
        raise InputError("a name has letters, digits, - and _, at most 60, such as dim_cells")
    if name in profile_names():
        raise InputError(f"{name} is a profile that comes with ilemtrack; choose another name")
    path, base = Path(f"{name}.yaml"), str(trial["configuration"])
    if path.exists() and not replace:
        raise InputError(f"{path} exists")
    wanted = tried_config(trial)
    values = _raw(base)
    detection = dict(values.get("detection") or {})
    defaults = load(base).detection
    detection |= {key: value for key, value in trial["settings"].items() if getattr(defaults, key) != value}
    text = yaml.safe_dump(values | {"detection": detection}, sort_keys=False, allow_unicode=True)
    said = "".join(letter for letter in by if letter.isprintable())
    when = f"{datetime.now():%Y-%m-%d %H:%M}"
    head = f"# Made from {base} by {said} on {when}, with the page Tune of the console.\n"
    mode = 0o644 if base in profile_names() else Path(base).stat().st_mode & 0o777
    try:
        handle, made = tempfile.mkstemp(prefix=f".{name}-", suffix=".yaml", dir=".")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(head + text)
                stream.flush()
                os.fchmod(stream.fileno(), mode)
                os.fsync(stream.fileno())
            if load(made) != wanted:
                raise InputError("the new file does not say what was tried; nothing was saved")
            if replace:
                Path(made).replace(path)
            else:
                # Fails if somebody else has made it meanwhile.
                path.hardlink_to(made)
        finally:
            Path(made).unlink(missing_ok=True)
    except FileExistsError:
        raise InputError(f"{path} exists") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    return str(path)


def _raw(base: str) -> dict[str, Any]:
    """Return a configuration as its file has it."""
    if base in profile_names():
        text = (files("config") / "profiles" / f"{base}.yaml").read_text(encoding="utf-8")
    else:
        text = read_text(Path(base), MOST_BYTES)
    try:
        found = parse_yaml(text)
    except ConfigError as error:
        raise ConfigError(f"{base}: {error}") from None
    return dict(found or {})
