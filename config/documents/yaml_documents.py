"""Safe reading of YAML: bounded in size, depth and repetition, and with errors that quote nothing."""

import re
from typing import Any

import yaml

from config.errors import ConfigError

_MOST_DEPTH = 50
_MOST_REPEATED = 10_000
"""Values that aliases may repeat; nested ones multiply ('billion laughs')."""
_INT = re.compile(r"[-+]?(0|[1-9][0-9_]*)|0x[0-9a-fA-F_]+")
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*|[-+]?\.[0-9][0-9_]*|[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
"""Numbers as people write them: 1e-3 is one, which YAML 1.1 takes for text; 010 is not 8, and 1:30 not 90."""
_REPLACED = {f"tag:yaml.org,2002:{name}" for name in ("timestamp", "int", "float")}
_UNREADABLE = (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError)
"""Errors of PyYAML on values that do not fit their tag."""
_QUOTED = re.compile(r"'(?!<)[^']{2,}'|\"[^\"]{2,}\"")

# The parser in C is ten times as fast; every wheel of PyYAML for Linux has it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str) -> Any:
    """Return the values of a YAML document; dates are text.

    Raises
    ------
    ConfigError
        Raised when it is no YAML, is nested too deeply, or repeats itself too often. The message has the
        line, and nothing of the text, which may hold passwords.
    """
    try:
        _check_size(text)
        return yaml.load(text, Loader=_UniqueKeyLoader)
    except ConfigError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f"line {mark.line + 1}: "
        problem = _QUOTED.sub("...", str(error.problem or error.context or "is damaged"))
        at = [] if mark is None else text.splitlines()[mark.line : mark.line + 1]
        if mark is not None and at and at[0].startswith("\t", mark.column):
            problem = "a tab; indent with spaces"
        raise ConfigError(f"not valid YAML ({line}{' '.join(problem.split())[:200]})") from None
    except yaml.reader.ReaderError as error:
        raise ConfigError(f"not valid YAML (a character that is none of text at {error.position})") from None
    except (yaml.YAMLError, *_UNREADABLE):
        raise ConfigError("not valid YAML (a value does not fit its tag)") from None
    except RecursionError:
        raise ConfigError("not valid YAML (nested too deeply)") from None


def _check_size(text: str) -> None:
    """Count the values that a document stands for, from its events, which are read without building any."""
    counts: list[int] = [0]
    anchors: list[str | None] = [None]
    sizes: dict[str, int] = {}
    repeated = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in anchors:
                raise ConfigError("not valid YAML (a value contains itself)")
            size = sizes.get(event.anchor or "", 0)
            repeated += size
            counts[-1] += size
        elif isinstance(event, yaml.ScalarEvent):
            counts[-1] += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            counts.append(1)
            anchors.append(event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            size, anchor = counts.pop(), anchors.pop()
            counts[-1] += size
            if anchor is not None:
                sizes[anchor] = size
        if len(counts) > _MOST_DEPTH:
            raise ConfigError("not valid YAML (nested too deeply)")
        if repeated > _MOST_REPEATED:
            raise ConfigError(f"not valid YAML (its aliases repeat more than {_MOST_REPEATED} values)")


class _UniqueKeyLoader(_Loader):  # type: ignore[misc]
    """A YAML loader that rejects duplicate keys and reads 1e-3 as a number and dates as text."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except _UNREADABLE:
            kind = node.tag.rsplit(":", 1)[-1]
            raise yaml.constructor.ConstructorError(
                None, None, f"no value that can be read as {kind[:20]}", node.start_mark
            ) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, "<< is not read; write its keys", key_node.start_mark
                )
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (list, dict, set)):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a word", key_node.start_mark
                )
            if key in seen:
                named = f"the key {key} twice" if re.fullmatch(r"\w{1,40}", str(key)) else "a key twice"
                raise yaml.constructor.ConstructorError(None, None, named, key_node.start_mark)
            seen.add(key)
        return dict(super().construct_mapping(node, deep))


_UniqueKeyLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
    for first, resolvers in _UniqueKeyLoader.yaml_implicit_resolvers.items()
}
for _tag, _number in (("int", _INT), ("float", _FLOAT)):
    _UniqueKeyLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_number.pattern})$"), list("-+.0123456789")
    )
