"""Recorded frames of several files, folders and patterns, as people name them."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.errors import FrameError
from drivers.recorded.frame import RecordedFrame
from drivers.recorded.listed.frames import list_frames, read_listed
from drivers.recorded.listed.listing import notices_of
from drivers.recorded.listed.ngff import is_zarr, ngff_images
from drivers.recorded.tiff import read_frames

SUFFIXES = (".tif", ".tiff", ".btf", ".tf2", ".tf8", ".png")
"""Files that count as images of a folder."""
_MAX_FILES = 100_000
_DEEPEST, _MOST_LOOKED, _MOST_SHOWN = 2, 2_000, 3
"""Levels of folders in which images are looked for to suggest them, folders looked into, and those shown."""
_WITHOUT_FLUORESCENCE = ("pictures", "stitched", "em")
"""Folders of a run without fluorescence: they are suggested last."""
_SHARE_OF_MEMORY = 0.6
"""Largest share of the computer's memory for frames; detection needs some beside them. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """Files of frames, in order.

    Attributes
    ----------
    paths : tuple of Path
    notices : tuple of str
        What people must know of their order.
    """

    paths: tuple[Path, ...]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collection:
    """Frames of several files, in order.

    Attributes
    ----------
    frames : tuple of RecordedFrame
    notices : tuple of str
        What people must know of how they were read.
    """

    frames: tuple[RecordedFrame, ...]
    notices: tuple[str, ...] = ()


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Return a sort key by which s2 comes before s10."""
    parts = re.split(r"(\d+)", str(path).casefold())
    return [(0, int(part[:4000]), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def image_files(given: Sequence[Path], ordered: bool = False) -> ImageFiles:
    """Return the files that people mean by files, folders and patterns such as ``section_*.tiff``.

    A folder stands for the images in it, but not for those in its folders; a pattern, also of folders, for
    what it fits; both in natural order (s2 before s10). A folder of OME-Zarr stands for its image, or for
    those of its collection. Files keep the order in which they are given.

    Parameters
    ----------
    given : sequence of Path
    ordered : bool
        The order matters, and people are warned of one that is not natural.

    Raises
    ------
    FrameError
        A folder holds no image, a pattern fits none, or a file is named twice.
    """
    paths: list[Path] = []
    for one in given:
        if one.is_dir():
            paths += _of_folder(one)
        elif not one.exists() and any(map(_is_pattern, one.parts)):
            for found in _of_pattern(one):
                paths += _of_folder(found) if found.is_dir() else [found]
        else:
            paths.append(one)
    if len(paths) > _MAX_FILES:
        raise FrameError(f"{paths[0]}: is one of {len(paths)} images; at most {_MAX_FILES} are read at once")
    seen: set[Path] = set()
    for path in paths:
        if (real := path.absolute()) in seen:
            raise FrameError(f"{path}: is named twice; name every image once")
        seen.add(real)
    return ImageFiles(tuple(paths), _order_notice(paths) if ordered else ())


def read_collection(
    paths: Sequence[Path], pixel_size_nm: float | None = None, channel: str | None = None
) -> Collection:
    """Read the frames of several files; see `read_frames`.

    Raises
    ------
    FrameError
        Also if none holds the channel, or if the files hold several channels of a series and none is chosen.
    """
    frames: list[RecordedFrame] = []
    held = 0
    for path in paths:
        if path.is_dir():
            found = tuple(read_listed(one) for one in list_frames(path, pixel_size_nm, channel))
        else:
            found = read_frames(path, pixel_size_nm, channel)
        frames += found
        held += sum(frame.pixels.nbytes for frame in found)
        if held > _memory_bytes() * _SHARE_OF_MEMORY:
            raise FrameError(
                f"{path}: with the images before it needs {held / 1e9:.1f} GB of memory, too much for this"
                " computer; take fewer at once"
            )
    notices = notices_of(paths, frames, channel)
    return Collection(tuple(frames), notices)


def _memory_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_folder(folder: Path) -> list[Path]:
    if is_zarr(folder):
        return ngff_images(folder)
    found = sorted((one for one in folder.iterdir() if _is_image(one)), key=natural_key)
    if not found:
        deeper = said_of_folders(folder, _is_image)
        raise FrameError(f"{folder}: holds no image; those are {', '.join(SUFFIXES)}, .zarr{deeper}")
    return [path for one in found for path in (ngff_images(one) if one.is_dir() else [one])]


def said_of_folders(folder: Path, is_wanted: Callable[[Path], bool]) -> str:
    """Return in words which folders of a folder hold what it does not hold itself; empty if none does.

    Parameters
    ----------
    folder : Path
    is_wanted : callable
        Returns True for a file, or folder that counts as a file, that is looked for.
    """
    among: list[Path] = []
    level = [folder]
    looked = 0
    for _ in range(_DEEPEST):
        level = [one for each in level for one in _folders(each)]
        for one in level:
            looked += 1
            if looked <= _MOST_LOOKED and any(is_wanted(each) for each in _entries(one)):
                among.append(one)
    if not among:
        return ""
    among.sort(key=lambda one: one.relative_to(folder).parts[0] in _WITHOUT_FLUORESCENCE)
    shown = ", ".join(str(one.relative_to(folder)) for one in among[:_MOST_SHOWN])
    more = f" and {len(among) - _MOST_SHOWN} more" if len(among) > _MOST_SHOWN else ""
    pattern = f"; or by a pattern, such as '{among[0].parent}/*'" if len(among) > 1 else ""
    return f". Its folders do: {shown}{more}. Name those you mean{pattern}"


def _folders(folder: Path) -> list[Path]:
    found = (one for one in _entries(folder) if one.is_dir() and not one.name.startswith("."))
    return sorted((one for one in found if not is_zarr(one)), key=natural_key)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        # What may not be read is not suggested.
        return []


def _is_image(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    return is_zarr(path) if path.is_dir() else path.suffix.lower() in SUFFIXES


def _is_pattern(part: str) -> bool:
    return any(letter in part for letter in "*?[")


def _of_pattern(pattern: Path) -> list[Path]:
    fixed = next(n for n, part in enumerate(pattern.parts) if _is_pattern(part))
    base, varied = Path(*pattern.parts[:fixed]), pattern.parts[fixed:]
    found = sorted(base.glob("/".join(varied)), key=natural_key)
    if not any(part.startswith(".") for part in varied):
        # As a shell does.
        found = [one for one in found if not any(part.startswith(".") for part in one.parts[fixed:])]
    if not found:
        raise FrameError(f"{pattern}: fits no file")
    return found


def _order_notice(paths: Sequence[Path]) -> tuple[str, ...]:
    natural = sorted(paths, key=natural_key)
    wrong = next((n for n, (one, other) in enumerate(zip(paths, natural, strict=True)) if one != other), None)
    if wrong is None:
        return ()
    return (
        f"the images are taken in the order given, in which {paths[wrong].name} stands where"
        f" {natural[wrong].name} would by its number; give the folder, or the pattern in quotes, for natural"
        " order",
    )
