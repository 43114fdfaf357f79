"""Items of an export for Fiji.

::

    rois/S0001/F000-cells.zip  F000-to-image.zip  F000-frames.zip
    trakem2/em-16.5nm.txt
    bigstitcher/S0001/em/dataset.xml dataset.h5
    bigstitcher/S0001/fm/dataset.xml dataset.h5
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from service.errors import ImageError
from service.export.contents import (
    ElectronImage,
    LeftOutImage,
    RunContents,
    SavedFrame,
    SectionContents,
)
from service.export.fiji.bigstitcher import View, ViewFile, dataset_xml
from service.export.fiji.rois import Outline, cells_found, cells_to_image, frames_exposed, write_rois
from service.export.fiji.trakem2 import import_list
from service.export.folder import ExportFolder
from service.export.items import Item, digest, size_of
from service.export.places import frame_affine, image_affine
from service.image_files.images import read_pixels

_MADE_AS = 1
"""Raised when items are made in another way: those of earlier exports are then made again."""


class Fiji:
    """The format `fiji`."""

    def section_items(
        self,
        run: RunContents,
        section: SectionContents,
        folder: ExportFolder,  # noqa: ARG002
    ) -> Iterator[Item]:
        """List the items of a section."""
        name = section.section.id
        for frame in section.frames:
            for kind, outlines in (
                ("cells", cells_found(frame)),
                ("to-image", cells_to_image(frame)),
                ("frames", frames_exposed(frame, section.images)),
            ):
                yield _rois(f"rois/{name}/{frame.name}-{kind}.zip", frame.field.id, outlines)
        if section.frames:
            yield _dataset(
                f"bigstitcher/{name}/fm", name, [(_frame_view(one), one) for one in section.frames]
            )
        if section.images:
            views = [(_image_view(run, one), one) for one in section.images]
            yield _dataset(f"bigstitcher/{name}/em", name, views)

    def run_items(self, run: RunContents, folder: ExportFolder) -> Iterator[Item]:  # noqa: ARG002
        """List the import lists, one for each pixel size."""
        sizes = {image.job.pixel_size_m for section in run.sections for image in section.images}
        for size_m in sorted(sizes):
            text = import_list(run.sections, size_m, run.folder)
            path = f"trakem2/em-{size_m * 1e9:.6g}nm.txt"
            yield Item(path, "TrakEM2", partial(_write_text, text), partial(digest, _MADE_AS, text))


def _rois(path: str, name: str, outlines: Sequence[Outline]) -> Item:
    made_from = [(one, corners.tolist()) for one, corners in outlines]
    return Item(path, name, lambda part: write_rois(part, outlines), lambda: digest(_MADE_AS, made_from))


def _frame_view(frame: SavedFrame) -> View:
    pose, size_px = frame.place.pose, frame.place.size_px
    width, height = (round(size * 1e6, 10) for size in pose.pixel_size_m)
    return View(frame.field.id, size_px, (width, height), frame_affine(pose, size_px))


def _image_view(run: RunContents, image: ElectronImage) -> View:
    job = image.job
    size_um = round(job.pixel_size_m * 1e6, 10)
    place = image_affine(image.center_m, job.size_px, job.pixel_size_m, run.fm_to_sem)
    return View(f"{job.section}/{job.id}", job.size_px, (size_um, size_um), place)


def _dataset(path: str, name: str, views: Sequence[tuple[View, SavedFrame | ElectronImage]]) -> Item:
    """Return a data set, without the images that cannot be read."""

    def write(part: Path) -> list[LeftOutImage]:
        part.mkdir()
        there, left_out = [], []
        with ViewFile(part / "dataset.h5") as file:
            for view, image in views:
                try:
                    pixels = read_pixels(image.file, image.sha256)
                except ImageError as error:
                    left_out.append(LeftOutImage(view.name, str(error)))
                    continue
                file.add(pixels)
                # Before the next is read: one image is in memory, not two.
                del pixels
                there.append(view)
        if there:
            (part / "dataset.xml").write_bytes(dataset_xml(there, "dataset.h5"))
        return left_out

    made_from = [(view, image.sha256) for view, image in views]
    total = sum(size_of(image.file) for _, image in views)
    return Item(path, name, write, lambda: digest(_MADE_AS, made_from), total)


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
