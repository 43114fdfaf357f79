"""Large pictures that the browser fetches by an address, so that no change of a page sends them again."""

import hashlib
from collections import OrderedDict

from nicegui import app
from starlette.responses import Response

_MOST_KEPT = 8
_KEPT: OrderedDict[str, bytes] = OrderedDict()
_PATH = "/picture"


def address_of(jpeg: bytes) -> str:
    """Return the address of a picture, JPEG; the last eight are kept."""
    name = hashlib.sha256(jpeg).hexdigest()
    _KEPT[name] = jpeg
    _KEPT.move_to_end(name)
    while len(_KEPT) > _MOST_KEPT:
        _KEPT.popitem(last=False)
    return f"{_PATH}/{name}"


@app.get(_PATH + "/{name}")
def _answer(name: str) -> Response:
    found = _KEPT.get(name)
    if found is None:
        return Response(status_code=404)
    return Response(found, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})
