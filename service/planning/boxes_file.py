"""Reading of the input of ``ilemtrack plan``, from a file or from standard input."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from config.loading import explain
from service.errors import InputError
from service.input_files import read_json
from service.planning.from_detections import Places, are_detections, values_of
from service.planning.request import BoxRequest, NamedRect, PlanRequest

MAX_FILE_BYTES = 32_000_000
STANDARD_INPUT = Path("-")


def read_boxes(path: Path, places: Places | None = None) -> PlanRequest:
    """Read fields and boxes, or what ``ilemtrack detect --json`` prints.

    Parameters
    ----------
    path : Path
        ``-`` for standard input.
    places : Places, optional
        Of detections.

    Raises
    ------
    InputError
        Raised when the file is missing, too large, no JSON, or invalid; names the file and the key.
    """
    source = "standard input" if path == STANDARD_INPUT else str(path)
    document = read_json(path, MAX_FILE_BYTES)
    if not isinstance(document, dict):
        raise InputError(f"{source}: the document must be an object with v, section, fields and boxes")
    if are_detections(document):
        document = values_of(document, places or Places(), source)
    elif places is not None and (places.centers_m or places.section or places.alignments):
        raise InputError(
            f"{source}: --field, --section and --alignment are for detections; this names its own fields"
        )
    try:
        request = PlanRequest.model_validate(document)
    except ValidationError as error:
        raise InputError(f"{source}: {explain(error)}") from None
    everything: Sequence[tuple[str, Sequence[NamedRect | BoxRequest]]] = (
        ("fields", request.fields),
        ("boxes", request.boxes),
    )
    for kind, items in everything:
        if (twice := _first_twice(items)) is not None:
            raise InputError(f"{source}: {kind}: the id {twice!r} comes twice; every one must differ")
    return request


def _first_twice(items: Sequence[NamedRect]) -> str | None:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            return item.id
        seen.add(item.id)
    return None
