"""Check of a TIFF file before it is read: its header and its chain of pages."""

import struct
from pathlib import Path
from typing import BinaryIO

from drivers.errors import FrameError

_MAX_PAGES = 100_000
_ENTRY_BYTES = {42: 12, 43: 20}
"""Size of a directory entry in TIFF 6.0 (42) and in BigTIFF (43), bytes."""


def check_pages(path: Path) -> None:
    """Follow the chain of pages from directory to directory, without reading their contents.

    A chain with a loop, or one that leads out of the file, keeps readers busy for hours.

    Raises
    ------
    FrameError
        The file is not a TIFF, holds no page or more than 100 000, or its chain is damaged.
    OSError
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        version = struct.unpack_from(f"{order}H", head, 2)[0] if order and len(head) >= 8 else 0
        if order is None or version not in _ENTRY_BYTES or (version == 43 and len(head) < 16):
            raise FrameError(f"{path}: is not a TIFF file")
        offset = struct.unpack_from(f"{order}I", head, 4)[0]
        if version == 43:
            offset = struct.unpack_from(f"{order}Q", head, 8)[0]
        seen: set[int] = set()
        while offset:
            if offset in seen:
                raise FrameError(f"{path}: is damaged: page {len(seen)} leads back to an earlier one")
            seen.add(offset)
            if len(seen) > _MAX_PAGES:
                raise FrameError(f"{path}: has more than {_MAX_PAGES} pages")
            following = _next(file, offset, order, version, size)
            if following is None:
                raise FrameError(f"{path}: is truncated or damaged: page {len(seen) - 1} is outside of it")
            offset = following
    if not seen:
        raise FrameError(f"{path}: holds no image")


def _next(file: BinaryIO, offset: int, order: str, version: int, size: int) -> int | None:
    """Return the offset of the next directory; 0 at the end, None where the file is too short."""
    count_format, next_format = ("H", "I") if version == 42 else ("Q", "Q")
    if offset + struct.calcsize(count_format) > size:
        return None
    file.seek(offset)
    (count,) = struct.unpack(order + count_format, file.read(struct.calcsize(count_format)))
    at = offset + struct.calcsize(count_format) + count * _ENTRY_BYTES[version]
    if at + struct.calcsize(next_format) > size:
        return None
    file.seek(at)
    (following,) = struct.unpack(order + next_format, file.read(struct.calcsize(next_format)))
    return int(following)
