"""Metadata of our own ONNX files: a JSON text under a key, of which every value is checked."""

import json
from typing import Any, TypeVar

import onnx
from google.protobuf.message import DecodeError
from pydantic import BaseModel, ValidationError

from detection.errors import DetectionError

About = TypeVar("About", bound=BaseModel)


def model_of(data: bytes, not_ours: str) -> onnx.ModelProto:
    """Parse an ONNX file; nothing in it is run.

    Raises
    ------
    DetectionError
        Raised when it is none; begins with `not_ours`.
    """
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
    except DecodeError:
        raise DetectionError(f"{not_ours}, or a damaged one") from None
    return proto


def about_of(
    proto: onnx.ModelProto, key: str, version: int, schema: type[About], kind: str, not_ours: str
) -> About:
    """Read and check what a file of ours says of itself.

    Parameters
    ----------
    proto : ModelProto
    key : str
        Of the metadata.
    version : int
        The one that this program reads.
    schema : type of BaseModel
    kind : str
        Name of such a model, for the sentences.
    not_ours : str
        Beginning of the sentence about another program's file.

    Raises
    ------
    DetectionError
        Raised when it is not ours, damaged or of another version; one sentence.
    """
    texts = [entry.value for entry in proto.metadata_props if entry.key == key]
    if len(texts) != 1:
        raise DetectionError(not_ours)
    try:
        raw: Any = json.loads(texts[0])
    except (ValueError, RecursionError):
        raise DetectionError(f"{not_ours}, or a damaged one: what it says of itself is no JSON") from None
    found = raw.get("version") if isinstance(raw, dict) else None
    if found != version:
        raise DetectionError(
            f"it is a {kind} of version {found!r}; this program reads {version}: train again"
        )
    try:
        return schema.model_validate(raw)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise DetectionError(f"it is a damaged {kind}: its {where} is out of range or missing") from None
