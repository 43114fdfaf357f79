"""Frames and saved ground that the boxes of a review lie on."""

from collections.abc import Iterable
from functools import reduce
from itertools import groupby
from pathlib import Path

from drivers.pose import frame_rect
from planner.geometry.rects import hull
from service.errors import ImageError, RefusedChoiceError
from service.image_files.images import read_fm
from service.model.specimen import Cell, Field, FieldState, FramePlace
from service.planning.review.margins import Ground
from service.store.store import Store

_SEEN = (FieldState.DETECTED, FieldState.PLANNED)


class Grounds:
    """Frames of the fields of a session, each looked up once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, dict[str, Ground]] = {}

    def of(self, cell: Cell) -> Ground:
        """Return the ground of a cell.

        Raises
        ------
        RefusedChoiceError
            The place of a frame is not known: it is of an earlier version, and its file cannot be read.
        """
        return self.of_field(cell.section, cell.field)

    def of_field(self, section: str, field: str) -> Ground:
        """Return the ground of a cell of a field; see `of`."""
        if section not in self._known:
            self._known[section] = self._of_fields(self._store.specimen.fields(section=section))
        return self._known[section][field]

    def read_all(self) -> None:
        """Read the fields of all sections at once."""
        fields = self._store.specimen.fields()
        for section, own in groupby(fields, key=lambda field: field.section):
            self._known[section] = self._of_fields(own)

    def _of_fields(self, fields: Iterable[Field]) -> dict[str, Ground]:
        saved = [one for one in fields if one.image is not None]
        if not saved:
            return {}
        places = {one.id: frame_place(self._store, one) for one in saved}
        seen = [places[one.id] for one in saved if one.state in _SEEN] or list(places.values())
        whole = reduce(hull, (frame_rect(place.pose, place.shape) for place in seen))
        return {name: Ground(place, whole) for name, place in places.items()}


def known_place(store: Store, field: Field) -> FramePlace | None:
    """Return size and pose of the frame of a field; None without a frame, or where nothing says its place."""
    if field.image is None:
        return None
    try:
        return frame_place(store, field)
    except RefusedChoiceError:
        return None


def frame_place(store: Store, field: Field) -> FramePlace:
    """Return size and pose of the frame of a field, from its file if the store does not know them.

    Raises
    ------
    RefusedChoiceError
        The file cannot be read.
    """
    if field.frame is not None:
        return field.frame
    try:
        pixels, pose, _ = read_fm(Path(store.folder) / str(field.image), None)
    except (ImageError, OSError) as error:
        raise RefusedChoiceError(f"the frame of {field.id} is not known: {error}") from error
    return FramePlace((pixels.shape[1], pixels.shape[0]), pose)
