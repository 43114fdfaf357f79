"""Reading of configurations from YAML files and from built-in profiles."""

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from config.choices import profile_names
from config.documents.lines import line_of
from config.documents.plain import plain
from config.documents.text_files import read_text
from config.documents.yaml_documents import parse_yaml
from config.errors import ConfigError
from config.layout import GridLayout
from config.model import Config

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

MOST_BYTES = 4_000_000
"""Largest file; a list of a thousand sections with their outlines and 30 fields each has 1 MB."""


def load(name_or_path: str | Path) -> Config:
    """Read a configuration.

    Parameters
    ----------
    name_or_path : str or Path
        The name of a profile (``simulator``) or a YAML file.

    Raises
    ------
    ConfigError
        The file is missing, is not YAML, or breaks a rule; the message names file, key and allowed range.
    """
    name = str(name_or_path)
    if name in profile_names():
        text = (files("config") / "profiles" / f"{name}.yaml").read_text(encoding="utf-8")
    else:
        try:
            text = read_text(Path(name), MOST_BYTES)
        except FileNotFoundError:
            profiles = ", ".join(profile_names())
            raise ConfigError(f"{name}: no such file, and no profile of that name ({profiles})") from None
        except OSError as error:
            raise ConfigError(f"{name}: cannot be read ({error.strerror})") from None
    return parse(text, name)


def parse(text: str, source: str) -> Config:
    """Read a configuration from YAML text; `source` names it in errors."""
    try:
        data = parse_yaml(text)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None
    if data is None:
        data = {}
    if not isinstance(data, Mapping):
        raise ConfigError(f"{source}: a configuration is a mapping of keys, not a {type(data).__name__}")
    try:
        # Strict, like JSON: `yes` or "60" is not a number.
        return Config.model_validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        raise ConfigError(f"{source}: {explain(error, text)}") from None
    except (RecursionError, ValueError, TypeError):
        raise ConfigError(f"{source}: not valid YAML (a key that is no word, or a number too long)") from None


def dump(config: Config) -> str:
    """Return a configuration as YAML text that `parse` reads back unchanged; secrets are hidden."""
    data = config.model_dump(mode="json")
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


def explain(error: ValidationError, text: str | None = None) -> str:
    """Return one sentence on the first error, and the number of further ones; it shows no secrets.

    Parameters
    ----------
    error : ValidationError
    text : str, optional
        YAML that the values come from, to name the line.
    """
    first = error.errors(include_url=False)[0]
    keys = [part for part in first["loc"] if part not in ("grid", "list")]
    key = ".".join(map(str, keys)) or "the whole"
    message = plain(first)
    if first["type"] == "extra_forbidden":
        message = "unknown key"
        if str(first["loc"][-1]).isdecimal() and first["input"] is None:
            # {pixel_size_nm: 16,5} is a key with 16 and a key 5 without a value.
            message += "; numbers have a decimal point, not a comma"
    elif first["type"] == "union_tag_not_found":
        message = "must say its kind: grid or list"
    elif first["type"] == "union_tag_invalid":
        key += ".kind"
        message = f"must be grid or list, not {first['ctx']['tag']!r}"
    elif (limits := _range(first["loc"])) and first["type"] in _OUT_OF_RANGE:
        message = f"must be {limits}, not {_short(first['input'])}"
    elif (
        first["type"] != "missing"
        and first["loc"][:1] != _SECRET
        and isinstance(first["input"], (str, int, float, bool, type(None)))
    ):
        given = _short(first["input"])
        message = f"{message[0].lower()}{message[1:]}, not {given}"
        if isinstance(first["input"], str) and _COMMA.fullmatch(first["input"]):
            message += "; write a decimal point"
    if first["type"] == "extra_forbidden" and first["loc"][:1] == _SECRET:
        key = "notify"
    line = None if text is None else line_of(text, keys)
    after = [] if line is None else [f"line {line}"]
    if error.error_count() > 1:
        after.append(f"and {error.error_count() - 1} more")
    said = f"{key[:200]}: {message[:500]}"
    if first["loc"][:1] not in _ENDPOINTS:
        said = _URL.sub("(a URL)", said)
    return said + (f" ({', '.join(after)})" if after else "")


_SECRET = ("notify",)
"""Part of the configuration that holds passwords."""
_ENDPOINTS = (("quanta",), ("api",))
"""Parts whose URLs are addresses without secrets."""
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
"""URLs of notifications, wherever a slip of the pen has put them."""


_COMMA = re.compile(r"[-+]?\d+,\d+")
"""A number as written in many languages."""


def _short(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    try:
        text = repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:60]}..."


_OUT_OF_RANGE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


def _range(keys: tuple[int | str, ...]) -> str:
    """Return the allowed range of a number in words, from its model; empty if there is none."""
    model: Any = Config
    bounds: list[Any] = []
    for key in keys:
        if key == "grid":
            model = GridLayout
        elif isinstance(model, type) and issubclass(model, BaseModel) and key in model.model_fields:
            bounds = list(model.model_fields[str(key)].metadata)
            model = _model_of(model.model_fields[str(key)].annotation)
    words = []
    for name, word in (("ge", "from"), ("gt", "above"), ("le", "to"), ("lt", "below")):
        words += [f"{word} {getattr(bound, name):g}" for bound in bounds if hasattr(bound, name)]
    if len(words) == 2 and words[0].startswith("above"):
        words[1] = words[1].replace("to ", "and at most ")
    return " ".join(words)


def _model_of(annotation: Any) -> Any:
    """Return the model of an optional part (``X | None``), or else the annotation itself."""
    parts = [part for part in get_args(annotation) if isinstance(part, type) and issubclass(part, BaseModel)]
    return parts[0] if len(parts) == 1 else annotation
