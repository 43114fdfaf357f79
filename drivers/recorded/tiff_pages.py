"""Checks of a TIFF file before memory is spent on it: its header, its chain of pages, their sizes."""

import struct
from collections.abc import Container, Sequence
from pathlib import Path
from typing import BinaryIO

import tifffile

from drivers.errors import FrameError

_MAX_PAGES = 100_000
_ENTRY_BYTES = {42: 12, 43: 20}
"""Size of a directory entry in TIFF 6.0 (42) and in BigTIFF (43), bytes."""
_MAX_SIDE_PX = 32768
_MAX_BYTES = 512 * 2**20
"""Largest page, bytes; a file of small ones may be larger in proportion to its size on disk."""
_MAX_COMPRESSION = 1500
"""Above the ratio that deflate can achieve (1032:1): a header that claims more is wrong."""
_MAX_MEAN_COMPRESSION = 50
"""Of a whole file; chosen by hand. Camera noise compresses to a half or a third."""
_REDUCED = 1
_MASK = 4
"""Bits of NewSubfileType (TIFF 6.0, section 8): a reduced copy of another page, a transparency mask."""
_BOUNDED = (1, 5, 8, 32773, 32946, 34925, 34926, 50000)
"""Compressions whose output tifffile bounds: none, LZW, deflate, PackBits, LZMA, Zstandard."""
_JPEG, _JPEG_2000 = 7, (33003, 33004, 33005, 34712)


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
            raise FrameError(
                f"{path}: is not a TIFF file or a PNG; save it as OME-TIFF (Fiji opens most formats)"
            )
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


def full_pages(file: tifffile.TiffFile, path: Path) -> list[tuple[int, tifffile.TiffPage]]:
    """Return the pages with their numbers, without thumbnails, reduced copies and masks.

    Raises
    ------
    FrameError
        Nothing but reduced copies, or one that is not reduced.
    """
    numbered = [(n, _page(file, n)) for n in range(len(file.pages))]
    full = [(n, page) for n, page in numbered if not page.subfiletype & (_REDUCED | _MASK)]
    if not full:
        raise FrameError(f"{path}: holds only reduced copies of images; save the images themselves")
    rows, columns = _largest(full)
    for n, page in numbered:
        as_large = page.imagelength >= rows and page.imagewidth >= columns
        if page.subfiletype & _REDUCED and as_large and not file.is_lsm:
            raise FrameError(
                f"{path}: page {n} is marked as a reduced copy but is as large as the others; save it without"
                " the mark, or without the page"
            )
    return full


def refuse_small_copies(
    pages: Sequence[tuple[int, tifffile.TiffPage]], described: Container[int], path: Path
) -> None:
    """Refuse pages that look like reduced copies of others, and are neither marked nor `described` as frames.

    Raises
    ------
    FrameError
    """
    rows, columns = _largest(pages)
    for n, page in pages:
        if n not in described and _is_small_copy((page.imagelength, page.imagewidth), (rows, columns)):
            raise FrameError(
                f"{path}: page {n} ({page.imagewidth} x {page.imagelength} pixels) looks like a reduced copy"
                f" of another page ({columns} x {rows}), and its pixel size is unknown; save the full images"
                " alone"
            )


def _largest(pages: Sequence[tuple[int, tifffile.TiffPage]]) -> tuple[int, int]:
    return max(page.imagelength for _, page in pages), max(page.imagewidth for _, page in pages)


def _page(file: tifffile.TiffFile, number: int) -> tifffile.TiffPage:
    page = file.pages[number]
    return page if isinstance(page, tifffile.TiffPage) else page.aspage()


def _is_small_copy(size: tuple[int, int], full: tuple[int, int]) -> bool:
    """Return True for a smaller image of the same proportions, to a pixel."""
    share = max(size[0] / full[0], size[1] / full[1])
    return share < 0.75 and all(
        abs(own - share * other) <= 1.5 for own, other in zip(size, full, strict=True)
    )


def check_sizes(file: tifffile.TiffFile, pages: Sequence[tuple[int, tifffile.TiffPage]], path: Path) -> None:
    """Compare the sizes in the headers with the bytes in the file.

    Raises
    ------
    FrameError
        A page is truncated, is larger than what is stored could be, or has a compression whose output is not
        bounded; or the file would decode to far more than its size.
    """
    for number, page in pages:
        _check_size(file, page, f"{path}: page {number}")
    claimed, held = sum(_bytes_of(page) for _, page in pages), file.filehandle.size
    if claimed > max(_MAX_BYTES, _MAX_MEAN_COMPRESSION * held):
        raise FrameError(
            f"{path}: claims {claimed / 1e9:.1f} GB of pixels in {len(pages)} pages but holds"
            f" {held / 1e6:.1f} MB; it is damaged, or made to fill the memory"
        )


def _bytes_of(page: tifffile.TiffPage) -> int:
    return page.imagelength * page.imagewidth * page.samplesperpixel * max(page.bitspersample, 8) // 8


def _check_size(file: tifffile.TiffFile, page: tifffile.TiffPage, where: str) -> None:
    rows, columns = page.imagelength, page.imagewidth
    if not (0 < rows <= _MAX_SIDE_PX and 0 < columns <= _MAX_SIDE_PX):
        raise FrameError(f"{where} claims {columns} x {rows} pixels; at most {_MAX_SIDE_PX} a side are read")
    if page.imagedepth > 1:
        raise FrameError(f"{where} is a volume of {page.imagedepth} planes; save one page per plane")
    claimed = rows * columns * page.samplesperpixel * page.bitspersample // 8
    tile = page.tilelength * page.tilewidth * page.bitspersample // 8 if page.is_tiled else 0
    end = max((o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
    held = file.filehandle.size
    stored = sum(page.databytecounts)
    if end > held:
        raise FrameError(f"{where} is truncated: its pixels end at byte {end}, the file at byte {held}")
    plain = page.compression == tifffile.COMPRESSION.NONE
    largest = stored * (1 if plain else _MAX_COMPRESSION)
    if max(claimed, tile) > _MAX_BYTES or claimed > largest:
        raise FrameError(f"{where} claims {columns} x {rows} pixels but holds {stored} bytes of them")
    if page.compression not in _BOUNDED:
        _check_codec(file, page, where)


def _check_codec(file: tifffile.TiffFile, page: tifffile.TiffPage, where: str) -> None:
    """Compare the sizes in the streams of an image format with that of the page."""
    most = max(page.imagelength * page.imagewidth, page.tilelength * page.tilewidth if page.is_tiled else 0)
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        file.filehandle.seek(offset)
        size = _size_in_stream(int(page.compression), file.filehandle.read(min(count, 65536)))
        if size is None:
            name = getattr(page.compression, "name", str(page.compression))
            raise FrameError(
                f"{where} is compressed as {name}, which is not read; save it without compression, or with"
                " LZW or deflate"
            )
        if size > most:
            raise FrameError(f"{where} holds an image larger than it claims; it is damaged")


def _size_in_stream(compression: int, data: bytes) -> int | None:
    """Return the pixels of a JPEG or JPEG 2000 image, from its header; None where there is none."""
    if compression in _JPEG_2000:
        at = data.find(b"\xff\x4f\xff\x51")
        if at < 0 or len(data) < at + 16:
            return None
        width, height = struct.unpack_from(">II", data, at + 8)
        return int(width * height)
    at = 2
    while compression == _JPEG and at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return int(width * height)
        at += 2 + length
    return None
