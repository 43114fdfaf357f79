"""Stitched images of a section: of each field and cell, and fluorescence on electrons for each cell."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from service.image_files.images import Pixels
from service.pictures.stitched import draw_light_on_electrons, save_jpeg
from service.stitching.canvas import bands, covered, dtype_of, pieces_on
from service.stitching.documents import ImageRecord, SectionDocument, fingerprint
from service.stitching.grounds import Ground, Run, Wanted, grounds_of
from service.stitching.light import light_on
from service.stitching.placing.neighbours import Errors, place
from service.stitching.seams import seams_of_image
from service.stitching.tiles import TileReader, tiles_of
from service.stitching.writing import BAND_ROWS, ImageFacts, Written, sync, write_image

DOCUMENT = "section.json"


@dataclass(slots=True)
class SectionImages:
    """Images of a section.

    Attributes
    ----------
    document : SectionDocument
    images : list of ImageRecord
        Those that were wanted.
    cells : dict
        Ground of each cell of which something is imaged, also of those that were not wanted.
    made, unchanged : int
        Images that were made, and those that were there.
    """

    document: SectionDocument
    images: list[ImageRecord] = field(default_factory=list)
    cells: dict[str, Ground] = field(default_factory=dict)
    made: int = 0
    unchanged: int = 0


def stitch_section(
    run: Run, section: str, wanted: Wanted, note: Callable[[str], None] = lambda _: None
) -> SectionImages | None:
    """Stitch the images of a section; what is there and unchanged stays.

    Parameters
    ----------
    run : Run
    section : str
    wanted : Wanted
    note : callable
        Called with a sentence when the section is done.

    Returns
    -------
    SectionImages or None
        None for a section without any finished electron image.

    Raises
    ------
    ImageError
        An image went away meanwhile.
    OSError
        The disk refuses the results.
    """
    reader = TileReader(run.store.folder)
    document = _settled(run, section, reader)
    if not document.tiles:
        return None
    found = SectionImages(document)
    new: dict[str, ImageRecord] = {}
    kept: dict[str, ImageRecord] = {}
    for ground in grounds_of(run, document):
        if ground.cell is not None:
            found.cells[ground.name] = ground
        names = wanted.fields if ground.cell is None else wanted.cells
        for file, print_, make in _files(run, ground, reader):
            record = document.images.get(file)
            if names is not None and ground.name not in names:
                kept |= {} if record is None else {file: record}
                continue
            path = run.folder(section) / file
            if record is not None and record.fingerprint == print_ and _is_there(path, record):
                found.unchanged += 1
            else:
                record = new[file] = _record(document, ground, print_, make(path, document), file)
            kept[file] = record
            found.images.append(record)
    if kept != document.images:
        sync(run.folder(section), new)
        # Images of which nothing is left, such as those of a damaged frame, are no longer listed.
        found.document = document.model_copy(update={"images": kept})
        found.document.write(run.folder(section) / DOCUMENT)
    found.made = len(new)
    note(f"{section}: {found.made} images made, {found.unchanged} unchanged")
    return found


def read_cell(run: Run, ground: Ground) -> Pixels:
    """Return the electron image of a cell, all of it.

    Raises
    ------
    ImageError
    """
    return _whole(ground, TileReader(run.store.folder))


def _settled(run: Run, section: str, reader: TileReader) -> SectionDocument:
    """Return the positions of the tiles of a section: those that are known, or else found now."""
    tiles = tiles_of(run.store, section)
    errors = Errors(run.config.stage.position_error_um * 1e-6, run.config.sem.beam_error_um * 1e-6)
    print_ = fingerprint(section, tiles.tiles, errors)
    path = run.folder(section) / DOCUMENT
    known = SectionDocument.read(path)
    if known is not None and known.fingerprint == print_ and known.left_out == tiles.left_out:
        return known
    placed = place(tiles.tiles, reader, errors)
    document = SectionDocument(
        section=section,
        fingerprint=print_,
        tiles=placed.tiles,
        settled_m=placed.centers_m,
        seams=placed.seams,
        left_out=tiles.left_out,
        images={} if known is None else known.images,
    )
    if document.tiles:
        path.parent.mkdir(parents=True, exist_ok=True)
        document.write(path)
    return document


Maker = Callable[[Path, SectionDocument], Written]


def _files(run: Run, ground: Ground, reader: TileReader) -> Iterator[tuple[str, str, Maker]]:
    """Yield each file of a ground: its name, its fingerprint, and the function that makes it."""
    yield (
        ground.file,
        ground.fingerprint,
        lambda path, document: _write_electrons(path, ground, document, reader),
    )
    if ground.cell is None or ground.to_sem is None:
        return
    to_sem = ground.to_sem
    fields = [(one.id, one.sha256) for one in run.store.specimen.fields(section=ground.cell.section)]
    print_ = fingerprint(
        ground.fingerprint, to_sem.matrix.tolist(), to_sem.shift_m.tolist(), to_sem.by, fields
    )
    yield f"{ground.stem}-overlay.ome.tiff", print_, lambda path, _: _write_overlay(path, run, ground, reader)


def _write_electrons(path: Path, ground: Ground, document: SectionDocument, reader: TileReader) -> Written:
    pieces = pieces_on(ground.canvas, ground.placed)
    seams = seams_of_image(ground.canvas, pieces, document.seams)
    notes: dict[str, object] = {
        ground.kind: ground.name,
        "jobs": " ".join(tile.job for tile, _ in ground.placed),
        "jobs_found_bad": " ".join(tile.job for tile, _ in ground.placed if tile.bad),
        "seams": seams.seams,
        "seams_measured": seams.measured,
        "seams_contradicted": seams.contradicted,
    }
    for name, found in (("by_read_back", seams.by_read_back), ("as_stitched", seams.as_stitched)):
        if found is not None:
            notes |= {
                f"seam_median_nm.{name}": f"{found.median_nm:.1f}",
                f"seam_worst_nm.{name}": f"{found.worst_nm:.1f}",
            }
    facts = _facts(ground, 1, str(dtype_of([piece.tile for piece in pieces])), (), notes)
    return write_image(path, facts, bands(ground.canvas, pieces, reader, BAND_ROWS))


def _write_overlay(path: Path, run: Run, ground: Ground, reader: TileReader) -> Written:
    assert ground.cell is not None
    assert ground.to_sem is not None
    electrons = _whole(ground, reader)
    light = light_on(ground.canvas, ground.cell, run.store, ground.to_sem)
    picture = draw_light_on_electrons(electrons, light, ground.canvas.pixel_size_m * 1e6)
    save_jpeg(_picture(path), picture)
    # One type for both: the larger one; grey levels stay as they are.
    channels = [electrons, np.zeros_like(electrons) if light is None else light]
    dtype = np.result_type(*channels)
    proven_m = ground.to_sem.proven_m
    notes: dict[str, object] = {
        "cell": ground.name,
        "light": "none" if light is None else "interpolated",
        "light_placed_by": ground.to_sem.by,
        "light_proven_um": "" if proven_m is None else f"{proven_m * 1e6:.3f}",
    }
    # Interpolated fluorescence and the upper bytes of the electrons hold little: a quarter is left.
    facts = replace(_facts(ground, 2, str(dtype), ("electrons", "fluorescence"), notes), compressed=True)
    return write_image(path, facts, _rows([one.astype(dtype) for one in channels]))


def _rows(planes: list[Pixels]) -> Iterator[Pixels]:
    for plane in planes:
        yield from (plane[top : top + BAND_ROWS] for top in range(0, plane.shape[0], BAND_ROWS))


def _whole(ground: Ground, reader: TileReader) -> Pixels:
    pieces = pieces_on(ground.canvas, ground.placed)
    (image,) = bands(ground.canvas, pieces, reader, ground.canvas.size_px[1])
    return image


def _facts(
    ground: Ground, planes: int, dtype: str, channels: tuple[str, ...], notes: dict[str, object]
) -> ImageFacts:
    return ImageFacts(
        name=ground.name,
        planes=planes,
        axis="C",
        size_px=ground.canvas.size_px,
        dtype=dtype,
        pixel_size_m=ground.canvas.pixel_size_m,
        center_m=ground.canvas.center_m,
        spacing_m=None,
        channels=channels,
        notes=notes,
    )


def _record(
    document: SectionDocument, ground: Ground, print_: str, written: Written, file: str
) -> ImageRecord:
    pieces = pieces_on(ground.canvas, ground.placed)
    record = ImageRecord(
        kind=ground.kind,
        name=ground.name,
        fingerprint=print_,
        sha256=written.sha256,
        size_bytes=written.size_bytes,
        jobs=tuple(tile.job for tile, _ in ground.placed),
        bad=tuple(tile.job for tile, _ in ground.placed if tile.bad),
        size_px=ground.canvas.size_px,
        pixel_size_nm=ground.canvas.pixel_size_m * 1e9,
        center_m=ground.canvas.center_m,
        covered=covered(ground.canvas, pieces),
        seams=seams_of_image(ground.canvas, pieces, document.seams),
        whole=ground.whole,
    )
    if file == ground.file or ground.to_sem is None:
        return record
    proven_m = ground.to_sem.proven_m
    proven_um = None if proven_m is None else proven_m * 1e6
    return record.model_copy(
        update={"kind": "overlay", "light_by": ground.to_sem.by, "light_proven_um": proven_um}
    )


def _is_there(path: Path, record: ImageRecord) -> bool:
    if record.kind == "overlay" and not _picture(path).is_file():
        return False
    return path.is_file() and path.stat().st_size == record.size_bytes


def _picture(path: Path) -> Path:
    """Return the path of the picture beside an overlay."""
    return path.with_name(path.name.replace(".ome.tiff", ".jpg"))
