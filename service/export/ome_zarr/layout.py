"""Items of an OME-Zarr export: ``S0001.ome.zarr/{fm/F000,em/J000001,overviews/J000002,OME}``.

Each section is a collection in the layout of bioformats2raw, version 3: `OME` lists its images.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import zarr

from service.export.contents import ElectronImage, RunContents, SavedFrame, SectionContents
from service.export.folder import ExportFolder
from service.export.image_facts import ImageFacts, read_facts
from service.export.items import Item, digest, size_of
from service.export.ome_zarr.images import ImageLook, write_image, write_labels
from service.export.ome_zarr.metadata import GREY, collection_xml, colour_of, write_group
from service.export.places import frame_affine, image_affine
from service.export.upright import upright_grid
from service.image_files.images import read_pixels

_MADE_AS = 1
"""Raised when items are made in another way: those of earlier exports are then made again."""


class OmeZarr:
    """The format `ome-zarr`."""

    def section_items(
        self, run: RunContents, section: SectionContents, folder: ExportFolder
    ) -> Iterator[Item]:
        """List the items of a section."""
        root = f"{section.section.id}.ome.zarr"
        groups = {"fm": section.frames, "em": section.images, "overviews": section.overviews}
        used = [name for name, images in groups.items() if images]
        if not used:
            return
        yield _group(root, {"bioformats2raw.layout": 3})
        for name in used:
            yield _group(f"{root}/{name}")
        for frame in section.frames:
            yield _frame_item(f"{root}/fm/{frame.name}", run, frame)
        for name in ("em", "overviews"):
            for image in groups[name]:
                if isinstance(image, ElectronImage):
                    yield _image_item(f"{root}/{name}/{image.job.id}", run, image)
        paths = [f"fm/{frame.name}" for frame in section.frames]
        paths += [f"em/{image.job.id}" for image in section.images]
        paths += [f"overviews/{image.job.id}" for image in section.overviews]
        collection = partial(_in_place, folder.path / root, tuple(paths))
        yield Item(
            f"{root}/OME",
            section.section.id,
            lambda path: _write_collection(path, folder.path / root, collection()),
            lambda: digest(_MADE_AS, collection()),
        )

    def run_items(self, run: RunContents, folder: ExportFolder) -> Iterator[Item]:  # noqa: ARG002
        """List nothing: sections share no items."""
        yield from ()


def _group(path: str, ome: dict[str, object] | None = None) -> Item:
    """Return the metadata of a group, without the images in it."""

    def write(part: Path) -> None:
        scratch = part.with_name("group")
        write_group(scratch, ome)
        (scratch / "zarr.json").rename(part)

    return Item(f"{path}/zarr.json", path, write, lambda: digest(_MADE_AS, ome))


def _frame_item(path: str, run: RunContents, frame: SavedFrame) -> Item:
    grid = upright_grid(frame_affine(frame.place.pose, frame.place.size_px), frame.place.size_px)

    def write(part: Path) -> None:
        facts = read_facts(frame.file)
        pixels = read_pixels(frame.file, frame.sha256)
        notes = {
            **_notes(run, frame.field.image, frame.sha256, facts),
            "field": frame.field.id,
            "rotation_rad": frame.place.pose.rotation_rad,
            "resampled": grid.resampled,
        }
        excitation = "" if facts.excitation_nm is None else f" {facts.excitation_nm:g} nm"
        look = ImageLook(
            frame.field.id,
            f"fluorescence{excitation}",
            colour_of(facts.emission_nm),
            grid.pixel_size_um,
            grid.offset_um,
            notes,
        )
        write_image(part, grid.pixels(pixels), look)
        del pixels
        write_labels(part, frame.cells, grid)

    made_from = (_MADE_AS, run.run, frame.sha256, frame.field.image, frame.place, frame.cells)
    return Item(path, frame.field.id, write, lambda: digest(made_from), size_of(frame.file))


def _image_item(path: str, run: RunContents, image: ElectronImage) -> Item:
    def write(part: Path) -> None:
        facts = read_facts(image.file)
        pixels = read_pixels(image.file, image.sha256)
        size_um = facts.pixel_size_um or (image.job.pixel_size_m * 1e6,) * 2
        place = image_affine(image.center_m, (pixels.shape[1], pixels.shape[0]), size_um[0] * 1e-6)
        notes = {
            **_notes(run, image.source, image.sha256, facts),
            "job": image.job.id,
            "kind": image.job.kind.value,
            "covers": list(image.job.covers),
        }
        name = f"{image.job.section}/{image.job.id}"
        look = ImageLook(name, facts.detector or "electrons", GREY, size_um, place.offset_um, notes)
        write_image(part, pixels, look)

    made_from = (_MADE_AS, run.run, image.sha256, image.source, image.center_m, image.job.covers)
    return Item(path, image.job.id, write, lambda: digest(made_from), size_of(image.file))


def _notes(run: RunContents, file: str | None, sha256: str, facts: ImageFacts) -> dict[str, object]:
    """Return the origin of an image, and what its file says of it."""
    return {
        "run": run.run,
        "file": file,
        "sha256": sha256,
        "taken_at": None if facts.taken_at is None else facts.taken_at.isoformat(),
        "y": "minus y of the stage",
        "facts": dict(facts.notes),
    }


def _in_place(root: Path, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return the images of a collection that are there: one that could not be read is not."""
    return tuple(path for path in paths if (root / path).is_dir())


def _write_collection(part: Path, root: Path, paths: tuple[str, ...]) -> None:
    write_group(part, {"series": list(paths)})
    images = {}
    for path in paths:
        array = zarr.open_array(root / path / "0", mode="r")
        height, width = array.shape
        images[path] = path.rpartition("/")[2], str(array.dtype), (width, height)
    (part / "METADATA.ome.xml").write_bytes(collection_xml(images))
