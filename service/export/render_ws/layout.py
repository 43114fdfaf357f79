"""Items of an export for render-ws: ``S001/{CLEM-grid,EM-grid}/tile-00000x00000.tif``.

`S001` is the first section in the order of cutting: importers make layers of these numbers. CLEM-grid has the
fluorescence and the overviews, EM-grid the frames. An importer refuses a stack of several pixel sizes: others
than the first are projects of their own, in folders ``pixels-20nm``.
"""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import tifffile

from service.errors import ImageError, InputError
from service.export.contents import ElectronImage, RunContents, SavedFrame, SectionContents
from service.export.folder import ExportFolder
from service.export.image_facts import ImageFacts, read_facts
from service.export.items import Item, digest, size_of
from service.export.places import Affine, frame_affine, image_affine
from service.export.render_ws.secom_xml import ELECTRONS, FLUORESCENCE, TileFacts, secom_xml
from service.image_files.images import Pixels, read_pixels

_MADE_AS = 1
"""Raised when items are made in another way: those of earlier exports are then made again."""
_MOST_SECTIONS = 999
"""Importers look for S and three digits."""
_DIGITS = 100_000
"""Importers look for five digits of a column and of a row."""
_OVERVIEW_ROW = 50_000
"""First row of overviews, in the folder of the fluorescence: no section has as many rows of fields."""
_PAGE_NAME_TAG = 285


class RenderWs:
    """The format `render-ws`."""

    def section_items(
        self,
        run: RunContents,  # noqa: ARG002
        section: SectionContents,
        folder: ExportFolder,
    ) -> Iterator[Item]:
        """List the items of a section.

        Raises
        ------
        InputError
            The layout has no number for the section.
        """
        if section.number > _MOST_SECTIONS:
            raise InputError(
                f"{section.section.id}: is section {section.number} in the order of cutting; the layout for"
                f" render-ws has room for {_MOST_SECTIONS}: choose others with --section"
            )
        for frame in section.frames:
            name = f"CLEM-grid/tile-{frame.column:05d}x{frame.row:05d}.tif"
            project = _project(folder, "fluorescence", frame.place.pose.pixel_size_m[0])
            write = partial(_write_frame, frame)
            made_from = _MADE_AS, frame.sha256, frame.place
            yield Item(
                f"{project}S{section.number:03d}/{name}",
                frame.field.id,
                write,
                partial(digest, made_from),
                size_of(frame.file),
            )
        for grid, images in (("CLEM-grid", section.overviews), ("EM-grid", section.images)):
            for image in images:
                yield _image_item(folder, f"S{section.number:03d}/{grid}", section, image)

    def run_items(self, run: RunContents, folder: ExportFolder) -> Iterator[Item]:  # noqa: ARG002
        """List the table of sections."""
        rows = [f"S{one.number:03d},{one.section.id},{one.section.index}" for one in run.sections]
        text = "\n".join(["folder,section,z", *rows, ""])
        yield Item(
            "sections.csv",
            "sections",
            lambda path: _write_text(path, text),
            lambda: digest(_MADE_AS, text),
        )


def _image_item(folder: ExportFolder, where: str, section: SectionContents, image: ElectronImage) -> Item:
    rows, columns = divmod(image.number, _DIGITS)
    if image in section.overviews:
        rows += _OVERVIEW_ROW
    project = _project(folder, where.rpartition("/")[2], image.job.pixel_size_m)
    return Item(
        f"{project}{where}/tile-{columns:05d}x{rows:05d}.tif",
        image.job.id,
        partial(_write_image, image),
        partial(digest, _MADE_AS, image.sha256, image.center_m),
        size_of(image.file),
    )


def _project(folder: ExportFolder, stack: str, pixel_size_m: float) -> str:
    """Return the folder of a project, with a slash: none for the pixel size that came first in a stack."""
    name = f"{pixel_size_m * 1e9:.6g}nm"
    return "" if folder.kept(f"pixels of {stack}", name) == name else f"pixels-{name}/"


def _write_frame(frame: SavedFrame, path: Path) -> None:
    facts, pixels = read_facts(frame.file), read_pixels(frame.file, frame.sha256)
    if facts.excitation_nm is None:
        raise ImageError(f"{frame.file}: does not state its excitation, by which importers name its stack")
    pose = frame.place.pose
    x_um, y_um = (round(size * 1e6, 10) for size in pose.pixel_size_m)
    place = frame_affine(pose, frame.place.size_px)
    _write_tile(path, pixels, facts, frame.field.id, FLUORESCENCE, (x_um, y_um), place, frame.field.index)


def _write_image(image: ElectronImage, path: Path) -> None:
    facts, pixels = read_facts(image.file), read_pixels(image.file, image.sha256)
    size_um = round(image.job.pixel_size_m * 1e6, 10)
    name = f"{image.job.section}/{image.job.id}"
    place = image_affine(image.center_m, (pixels.shape[1], pixels.shape[0]), image.job.pixel_size_m)
    _write_tile(path, pixels, facts, name, ELECTRONS, (size_um, size_um), place, image.number)


def _write_tile(
    path: Path,
    pixels: Pixels,
    facts: ImageFacts,
    name: str,
    page: str,
    pixel_size_um: tuple[float, float],
    place: Affine,
    number: int,
) -> None:
    if facts.taken_at is None:
        raise ImageError(f"{name}: its file does not state when it was taken, by which importers sort tiles")
    # Importers refuse two tiles of one time: below the milliseconds it tells tiles apart.
    milliseconds = timedelta(microseconds=facts.taken_at.microsecond % 1000)
    taken_at = facts.taken_at - milliseconds + timedelta(microseconds=number % 1000)
    fluorescent = page == FLUORESCENCE
    tile = TileFacts(
        page,
        f"{name}; the position is that of the corner of the first pixel",
        taken_at,
        facts.detector,
        (pixels.shape[1], pixels.shape[0]),
        str(pixels.dtype),
        pixel_size_um,
        place,
        facts.excitation_nm if fluorescent else None,
        facts.emission_nm if fluorescent else None,
    )
    tifffile.imwrite(
        path,
        pixels,
        ome=False,
        metadata=None,
        description=secom_xml(tile),
        photometric="minisblack",
        software="ilemtrack",
        extratags=[(_PAGE_NAME_TAG, "s", 0, page, True)],
    )


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
