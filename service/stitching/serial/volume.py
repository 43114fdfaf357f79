"""The volume of a cell and its strip: slices laid on the reference, plane after plane."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.registration.rigid import Rigid, plane_of_pixels, warp_matrix
from service.image_files.images import Pixels
from service.pictures.stitched import SLICE_PX, Picture, Slice, draw_strip, save_jpeg
from service.stitching.documents import Registered, SlicePlace, TrackDocument
from service.stitching.grounds import Ground, Run
from service.stitching.section import read_cell
from service.stitching.writing import BAND_ROWS, ImageFacts, write_image

_SURE = (Registered.REFERENCE, Registered.ELECTRONS)
_GREY_PERCENTILES = (0.1, 99.9)
"""Grey levels of 16-bit images that become 0 and 255."""
_EVERY_PX = 8
"""Pixels of which one is looked at for the grey levels."""


@dataclass(slots=True)
class _Planes:
    """Planes of a volume, one after another; keeps a small picture of each."""

    run: Run
    grounds: Mapping[str, Ground]
    places: Sequence[SlicePlace]
    left_um: float
    top_um: float
    pixel_um: float
    shape: tuple[int, int]
    grey_levels: tuple[int, int]
    small: list[Picture | None] = field(default_factory=list)

    def bands(self) -> Iterator[Pixels]:
        for place in self.places:
            plane = np.zeros(self.shape, np.uint8)
            if place.cell is not None:
                plane = self._plane(self.grounds[place.cell], Rigid(place.rotation_rad, place.shift_um))
            self.small.append(None if place.cell is None else self._shrunk(plane))
            yield from (plane[top : top + BAND_ROWS] for top in range(0, self.shape[0], BAND_ROWS))

    def _plane(self, ground: Ground, to_reference: Rigid) -> Picture:
        image = read_cell(self.run, ground)
        rows, columns = self.shape
        middle = self.left_um + columns / 2 * self.pixel_um, self.top_um - rows / 2 * self.pixel_um
        motion = Rigid(0.0, (-middle[0], -middle[1])).after(to_reference)
        source = (image.shape[0], image.shape[1]), ground.canvas.pixel_size_m * 1e6
        matrix = warp_matrix(motion, source, (self.shape, self.pixel_um))
        turned = cv2.warpAffine(
            _to_8_bits(image, self.grey_levels), matrix, (columns, rows), flags=cv2.INTER_CUBIC
        )
        return np.asarray(turned, dtype=np.uint8)

    def _shrunk(self, plane: Picture) -> Picture:
        share = min(1.0, SLICE_PX / max(plane.shape))
        rows, columns = (max(1, round(side * share)) for side in plane.shape)
        return np.asarray(cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def write_track(
    run: Run,
    track: str,
    fingerprint: str,
    grounds: Mapping[str, Ground],
    places: Sequence[SlicePlace],
    thickness_nm: float | None,
    folder: Path,
) -> TrackDocument:
    """Write the volume and the strip of a cell.

    Parameters
    ----------
    run : Run
    track, fingerprint : str
    grounds : mapping of str to Ground
        Of its cells, by name.
    places : sequence of SlicePlace
        Of all sections from its first to its last.
    thickness_nm : float or None
        Distance of two sections, where it is known.
    folder : Path

    Raises
    ------
    ImageError
        An image went away meanwhile.
    OSError
        The disk refuses the results.
    """
    pixel_um = (
        min(grounds[place.cell].canvas.pixel_size_m for place in places if place.cell is not None) * 1e6
    )
    corners = np.concatenate(
        [_corners(grounds[place.cell], place) for place in places if place.cell is not None]
    )
    (left, bottom), (right, top) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    shape = max(1, round((top - bottom) / pixel_um)), max(1, round((right - left) / pixel_um))
    planes = _Planes(run, grounds, places, left, top, pixel_um, shape, _grey_levels(run, grounds, places))
    unsure = [place.section for place in places if place.registered not in (*_SURE, Registered.MISSING)]
    facts = ImageFacts(
        name=track,
        planes=len(places),
        axis="Z",
        size_px=(shape[1], shape[0]),
        dtype="uint8",
        pixel_size_m=pixel_um * 1e-6,
        center_m=None,
        spacing_m=None if thickness_nm is None else thickness_nm * 1e-9,
        channels=(),
        notes={
            "track": track,
            "sections": " ".join(place.section for place in places),
            "missing": " ".join(place.section for place in places if place.cell is None),
            "not_registered_by_electrons": " ".join(unsure),
            "grey_levels": " ".join(map(str, planes.grey_levels)),
        },
    )
    volume, strip = f"{track}.ome.tiff", f"{track}.jpg"
    written = write_image(folder / volume, facts, planes.bands())
    save_jpeg(folder / strip, _strip(places, planes))
    return TrackDocument(
        track=track,
        fingerprint=fingerprint,
        volume=volume,
        strip=strip,
        sha256=written.sha256,
        size_bytes=written.size_bytes,
        size_px=facts.size_px,
        pixel_size_nm=pixel_um * 1e3,
        thickness_nm=thickness_nm,
        grey_levels=planes.grey_levels,
        slices=tuple(places),
    )


def _strip(places: Sequence[SlicePlace], planes: _Planes) -> Picture:
    known = np.concatenate([small[small > 0] for small in planes.small if small is not None])
    low, high = np.percentile(known, (0.5, 99.5)) if known.size else (0.0, 255.0)
    slices = []
    for place, small in zip(places, planes.small, strict=True):
        grey = None
        if small is not None:
            stretched = np.clip((small.astype(np.float32) - low) * (255 / max(high - low, 1.0)), 0, 255)
            grey = np.where(small > 0, stretched, 0).astype(np.uint8)
        slices.append(Slice(place.section, grey, place.registered in _SURE))
    shown = next(one.grey for one in slices if one.grey is not None)
    return draw_strip(slices, planes.pixel_um * planes.shape[1] / shown.shape[1])


def _corners(ground: Ground, place: SlicePlace) -> NDArray[np.float64]:
    """Return the corners of the image of a cell in the plane of the reference, um."""
    width, height = ground.canvas.size_px
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], dtype=np.float64)
    plane = plane_of_pixels(corners, (height, width), ground.canvas.pixel_size_m * 1e6)
    return Rigid(place.rotation_rad, place.shift_um).apply(plane)


def _grey_levels(run: Run, grounds: Mapping[str, Ground], places: Sequence[SlicePlace]) -> tuple[int, int]:
    """Return the grey levels that become 0 and 255: those of 8 bits stay as they are."""
    shown = [grounds[place.cell] for place in places if place.cell is not None]
    if all(tile.dtype == "uint8" for ground in shown for tile, _ in ground.placed):
        return 0, 255
    samples = [read_cell(run, ground)[::_EVERY_PX, ::_EVERY_PX] for ground in shown]
    known = np.concatenate([sample[sample > 0] for sample in samples])
    if not known.size:
        return 0, 65535
    low, high = np.percentile(known, _GREY_PERCENTILES)
    return int(low), max(int(high), int(low) + 1)


def _to_8_bits(image: Pixels, grey_levels: tuple[int, int]) -> Picture:
    if image.dtype == np.uint8:
        return np.asarray(image, dtype=np.uint8)
    low, high = grey_levels
    levels = np.clip((image.astype(np.float32) - low) * (255 / (high - low)), 1, 255)
    return np.where(image > 0, levels, 0).astype(np.uint8)
