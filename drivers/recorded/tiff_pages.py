"""A first look at a TIFF file: whether it is one, and whether its chain of pages ends."""

import struct
from pathlib import Path
from typing import BinaryIO

from drivers.errors import FrameError

_MAX_PAGES = 100_000
_ENTRY_BYTES = {42: 12, 43: 20}
"""Size of a directory entry in TIFF 6.0 and in BigTIFF."""


def check_pages(path: Path) -> None:
    """Follow the chain of pages from directory to directory, without reading what they hold.

    A chain that bites its tail, or leads out of the file, keeps readers busy for hours.

    Raises
    ------
    FrameError
        The file is no TIFF, holds no page or more than 100 000, or the chain is damaged.
    OSError
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        version = struct.unpack_from(f"{order}H", head, 2)[0] if order and len(head) >= 8 else 0
        if order is None or version not in _ENTRY_BYTES or (version == 43 and len(head) < 16):
            raise FrameError(f"{path}: is no TIFF file")
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
    """Offset of the directory after the one at `offset`, 0 at the end, None where the file is too short."""
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
