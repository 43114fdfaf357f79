"""Many objects of a small class at once: crowds have thousands."""

from collections import deque
from collections.abc import Iterable
from itertools import repeat
from typing import Any, TypeVar

Made = TypeVar("Made")


def many(of: type[Made], count: int, **columns: Iterable[Any]) -> list[Made]:
    """Make objects of a frozen dataclass with slots, in a third of the time of one by one.

    Nothing is checked: the caller answers for what `__post_init__` looks at.

    Parameters
    ----------
    of : type
    count : int
    **columns : iterable
        Values of each of its fields, an object each; `itertools.repeat` for one value in all.
    """
    made = list(map(object.__new__, repeat(of, count)))
    for name in of.__dataclass_fields__:  # type: ignore[attr-defined]
        deque(map(of.__dict__[name].__set__, made, columns[name]), maxlen=0)
    return made
