"""Images of the API, kept in the console: an image with a checksum never changes."""

from collections import OrderedDict
from typing import Any

from service.console.view import View

_MOST_KEPT = 600
"""Images; at most some 200 kB each."""

_kept: OrderedDict[tuple[Any, ...], str] = OrderedDict()


async def image(view: View, method: str, sha256: str, **params: Any) -> str:
    """Return an image of the API as a data address.

    Parameters
    ----------
    view : View
    method : str
        `fields.image` or `queue.image`.
    sha256 : str
        Checksum of the file.
    **params
        Of the method.

    Raises
    ------
    ApiError, NoDaemonError, InputError
    """
    key = (method, sha256, *sorted((name, str(value)) for name, value in params.items()))
    if key not in _kept:
        found = await view.call(method, **params)
        _kept[key] = f"data:image/png;base64,{found['base64']}"
        if len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key]
