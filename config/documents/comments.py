"""A configuration as YAML with the descriptions of its keys as comments."""

import textwrap
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import BaseModel

_WIDTH = 100


def commented(config: BaseModel) -> str:
    """Return a configuration as YAML that reads back unchanged, with a comment before each key.

    The comments are the descriptions of the models, with the allowed range of numbers; secrets are hidden.
    """
    return "\n".join(_lines(config, config.model_dump(mode="json"), "")) + "\n"


def _lines(model: BaseModel, values: dict[str, Any], indent: str) -> Iterator[str]:
    fields = type(model).model_fields
    for key, value in values.items():
        part = getattr(model, key)
        said = fields[key].description
        if said is None and isinstance(part, BaseModel):
            said = (type(part).__doc__ or "").split("\n\n")[0]
        if not indent:
            yield ""
        yield from _comment(_with_range(" ".join((said or "").split()), fields[key].metadata), indent)
        if isinstance(part, BaseModel) and value:
            yield f"{indent}{key}:"
            yield from _lines(part, value, f"{indent}  ")
        else:
            dumped = yaml.safe_dump({key: value}, sort_keys=False, allow_unicode=True, width=_WIDTH)
            yield from (f"{indent}{line}" for line in dumped.splitlines())


def _comment(text: str, indent: str) -> Iterator[str]:
    start = f"{indent}# "
    if text:
        yield from textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=start)


def _with_range(text: str, metadata: list[Any]) -> str:
    words = []
    for name, word in (("ge", "from"), ("gt", "above"), ("le", "to"), ("lt", "below")):
        words += [f"{word} {getattr(bound, name):g}" for bound in metadata if hasattr(bound, name)]
    bounds = " ".join(words).replace("above 0 to", "above 0 and at most")
    return f"{text.rstrip('.')}; {bounds}." if bounds else text
