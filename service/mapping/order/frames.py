"""Fluorescence frames of the sections of a list, from a folder."""

import math
from pathlib import Path

from detection.registration.section_frame import SectionFrame
from drivers.recorded.collection import image_files
from drivers.recorded.tiff import read_frames
from service.errors import InputError
from service.mapping.values import SectionList


def read_section_frames(folder: Path, found: SectionList) -> list[SectionFrame]:
    """Return the first frame of each section, named by it in the file or by the beginning of its name.

    Raises
    ------
    InputError
        Raised when a section has no frame, or its angle is unknown.
    FrameError
        Raised when a file cannot be read.
    """
    pages: dict[str, SectionFrame] = {}
    for path in image_files([folder], ordered=True).paths:
        page = read_frames(path, None)[0]
        name = page.section or path.name[:5]
        pixels = page.pixels[:: -1 if page.flip_y else 1, :: -1 if page.flip_x else 1]
        pages.setdefault(
            name,
            SectionFrame(
                name, pixels, page.pixel_size_m[0] * 1e6, page.offset_adu, rotation_rad=page.rotation_rad
            ),
        )
    frames = []
    for one in found.sections:
        if one.id not in pages:
            raise InputError(f"{folder}: has no frame of section {one.id}; its name begins with {one.id}")
        if one.rotation_deg is None:
            raise InputError(f"the angle of section {one.id} is unknown; pictures are compared upright")
        page_of = pages[one.id]
        frames.append(
            SectionFrame(
                one.id,
                page_of.pixels,
                page_of.pixel_size_um,
                page_of.offset_adu,
                rotation_rad=page_of.rotation_rad,
                section_angle_rad=math.radians(one.rotation_deg),
            )
        )
    return frames
