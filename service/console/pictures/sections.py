"""The sections of a run, read from the API."""

from typing import Any

from service.console.view import View

_MOST_PAGES = 50


async def read_sections(view: View) -> list[dict[str, Any]]:
    """Return the rows of all sections, in the order of cutting.

    Raises
    ------
    ApiError, NoDaemonError, InputError
    """
    rows: list[dict[str, Any]] = []
    after = None
    for _ in range(_MOST_PAGES):
        page = await view.recent("sections.list", after=after)
        rows += page["sections"]
        after = page["after"]
        if after is None:
            break
    return rows
