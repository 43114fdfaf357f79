"""Answers of a daemon that a page asks for, without a daemon."""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Answering:
    """Answers calls as a `View` does; `asked` has them all.

    Parameters
    ----------
    **answers : callable
        By method, with ``_`` for the dot: called with the parameters, gives the result.
    """

    def __init__(self, **answers: Callable[..., Any]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def call(self, method: str, **params: Any) -> Any:
        self.asked.append((method, params))
        return self._answers[method.replace(".", "_")](**params)

    async def in_thread(self, work: Callable[..., T], *given: Any, **params: Any) -> T:
        return await at_once(work, *given, **params)

    async def recent(self, method: str, age_s: float = 0.0, **params: Any) -> Any:  # noqa: ARG002
        return await self.call(method, **params)


async def at_once(work: Callable[..., T], *given: Any, **params: Any) -> T:
    """Do some work as `View.in_thread` does, without a thread."""
    return work(*given, **params)


def paged(key: str, pages: list[list[Any]]) -> Callable[..., dict[str, Any]]:
    """Answer with one page after the other; `after` is the number of the next."""

    def page(after: int | None = None, **_: object) -> dict[str, Any]:
        number = after or 0
        return {key: pages[number], "after": number + 1 if number + 1 < len(pages) else None}

    return page
