"""Lines of a YAML document, for errors that name the place to mend."""

from collections.abc import Sequence
from typing import Any

import yaml

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def line_of(text: str, keys: Sequence[int | str]) -> int | None:
    """Return the line of a value, or of the last of its keys that is there; counted from 1.

    Parameters
    ----------
    text : str
        Document that was read without an error.
    keys : sequence of int or str
        Way to the value; words that are no key of the document are passed over.

    Returns
    -------
    int or None
        None if not even the first key is there.
    """
    node = yaml.compose(text, Loader=_Loader)
    found = None
    for key in keys:
        step = _step(node, key)
        if step is not None:
            found, node = step
    return found


def _step(node: yaml.Node | None, key: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(key):
                return name.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        value = node.value[key]
        return value.start_mark.line + 1, value
    return None
