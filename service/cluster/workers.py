"""A function over many values, with the results in the order of the values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Lost:
    """In place of a result: every worker that took the value died.

    Attributes
    ----------
    says : str
        One sentence without the name of the value.
    """

    says: str


class Workers(Protocol):
    """Whoever does the work; results do not depend on how many they are, or on where."""

    @property
    def elsewhere(self) -> bool:
        """True if files may look different where the work is done."""
        ...

    def each(self, function: Callable[[T], R], values: Sequence[T]) -> Iterator[R | Lost]:
        """Yield the result for each value, in their order.

        Parameters
        ----------
        function : callable
            A function of a module, or a partial one: workers import it by its name.
        values : sequence
        """
        ...


class Here:
    """The work is done in this process, one value after the other. Implements `Workers`."""

    @property
    def elsewhere(self) -> bool:
        """False."""
        return False

    def each(self, function: Callable[[T], R], values: Sequence[T]) -> Iterator[R | Lost]:
        """Yield the result for each value; see `Workers.each`."""
        for value in values:
            yield function(value)


HERE = Here()
"""Keeps nothing, so that one is enough."""
