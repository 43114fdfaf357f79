"""The reference of the settings, made from the models of the configuration."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from config.model import Config
from docs_tools.reference.cells import cell, table

_HEAD = """# Every setting

Made from the program by `python -m docs_tools`. A configuration is one YAML file; what it leaves out has
the default. `ilemtrack config show > my.yaml` writes a whole one with these descriptions as comments,
`ilemtrack config check my.yaml` checks it, and `ilemtrack config schema` prints the JSON Schema, with which
editors complete and check while you type. An unknown key, or a value out of its range, is refused in one
sentence. The defaults are those of the profile `simulator`.
"""

UNITS = {
    "_w_for_1_w_per_cm2": "W",
    "_w_per_cm2": "W/cm2",
    "_mm_per_s": "mm/s",
    "_nm": "nm",
    "_um": "um",
    "_mm": "mm",
    "_hfw_at_magnification_1_mm": "mm",
    "_us": "us",
    "_s": "s",
    "_min": "min",
    "_days": "days",
    "_deg": "degrees",
    "_mrad": "mrad",
    "_percent": "percent",
    "_px": "px",
    "_bits": "bits",
    "_kv": "kV",
    "_pressure_pa": "Pa",
    "_vacuum_pa": "Pa",
    "_current_pa": "pA",
    "_gb": "GB",
    "_mb": "MB",
    "_adu": "grey levels",
    "_electrons": "electrons",
    "_photons": "photons/px/s",
}
"""Units by the end of a name, the longest end first where two fit."""


def settings() -> str:
    """Return the page with every setting: unit, default, range and description."""
    parts = [_HEAD, *_sections("", [Config])]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def unit(name: str) -> str:
    """Return the unit of a setting by its name, empty if it has none."""
    ends = [end for end in UNITS if name.endswith(end)]
    return UNITS[max(ends, key=len)] if ends else ""


def _sections(path: str, models: list[type[BaseModel]], said: str = "") -> Iterator[str]:
    """Yield the headings and tables of a part, then of the parts within it."""
    yield f"## {path}" if path else "## The top of the file"
    if said:
        yield cell(said)
    if path in _SAME:
        yield f"It has the settings of [`{_SAME[path]}`](#{_SAME[path]})."
        return
    inner: dict[str, FieldInfo] = {}
    for model in models:
        if len(models) > 1:
            (kind,) = get_args(model.model_fields["kind"].annotation)
            yield f"With `kind: {kind}`: {cell(model.__doc__ or '')}"
        rows = []
        for name, field in model.model_fields.items():
            if models_in(field.annotation):
                inner[name] = field
            elif not (name == "kind" and len(models) > 1):
                rows.append(_row(name, field))
        if rows:
            yield table(["setting", "unit", "default", "range", "description"], rows)
    for name, field in inner.items():
        found = models_in(field.annotation)
        text = cell(field.description or found[0].__doc__ or "")
        absent = " Not there by default." if field.default is None else ""
        yield from _sections(f"{path}.{name}".lstrip("."), found, text + absent)


_SAME = {"simulator.layout": "layout"}
"""Parts that have the settings of another."""


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that a type names, anywhere in it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models_in(argument)]


def _row(name: str, field: FieldInfo) -> list[str]:
    return [
        f"`{name}`",
        unit(name),
        _default(field),
        _range(field) or _choices(field.annotation),
        cell(field.description or ""),
    ]


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()
    return f"`{text}`"


def _range(field: FieldInfo) -> str:
    """Return the limits of a number, `above` where the limit itself is not allowed."""
    words = []
    for name, word in (("ge", "from"), ("gt", "above"), ("le", "to"), ("lt", "below")):
        words += [f"{word} {getattr(bound, name):.12g}" for bound in field.metadata if hasattr(bound, name)]
    return " ".join(words)


def _choices(annotation: Any) -> str:
    """Return the values of a choice, also of one in a tuple."""
    if annotation is bool:
        return "`true`, `false`"
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    return next((found for argument in get_args(annotation) if (found := _choices(argument))), "")
