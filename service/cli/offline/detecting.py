"""Settings, progress and output of `ilemtrack detect`."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from rich.progress import track
from rich.table import Table

from config.choices import Denoising
from config.work import DetectionConfig
from detection.image.hits import Detection
from detection.serial.section import SerialSection
from drivers.recorded.tiff import RecordedFrame
from service.archive.frames import numbers, picture_names
from service.cli.consoles import people, results
from service.cli.output import tell
from service.errors import InputError
from service.pictures.montage import draw_montage, shown
from service.pictures.overlay import draw_overlay, write_png

T = TypeVar("T")
MONTAGE = "montage"
"""Name of the picture of all serial sections."""


def with_progress(work: Iterable[T], total: int) -> Iterable[T]:
    """Show the progress of an iteration on a terminal."""
    hidden = not people.is_terminal
    return track(work, "detecting", total=total, console=people, transient=True, disable=hidden)


def draw(
    folder: Path,
    images: Sequence[Path],
    found: Sequence[tuple[RecordedFrame, Detection]],
    sections: Sequence[SerialSection],
) -> None:
    """Draw a picture of each frame, and for serial sections a montage of all."""
    names = picture_names(images)
    for n, (frame, detection) in enumerate(found):
        name = names[frame.path] + (f"_{frame.page:04d}" if frame.page else "")
        tracks = [cell.tracks for cell in sections[n].cells] if sections else None
        picture = draw_overlay(frame.pixels, detection, frame.pixel_size_m[0] * 1e6, tracks)
        write_png(folder / f"{name}.png", picture)
    if sections:
        tiles = [
            shown(frame.pixels, section, frame.pixel_size_m[0] * 1e6)
            for (frame, _), section in zip(found, sections, strict=True)
        ]
        # A frame of that name keeps its own picture.
        montage = MONTAGE if MONTAGE not in names.values() else f"{MONTAGE}_of_sections"
        write_png(folder / f"{montage}.png", draw_montage(tiles))


def print_found(found: Sequence[tuple[RecordedFrame, Detection]], sections: Sequence[SerialSection]) -> None:
    """Print a table of the cells of each frame, and its warnings."""
    for n, (frame, detection) in enumerate(found):
        title = f"{frame.path} page {frame.page}" + (f", {sections[n].section}" if sections else "")
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for heading in ("cell", "box / px", "area to image / px", "confidence", "reason"):
            table.add_column(heading)
        if sections:
            table.add_column("track")
        for index, cell in enumerate(detection.cells):
            image = cell.image_box_px
            row = [
                cell.id,
                "{} {} {} {}".format(*numbers(cell.box_px)),
                "-" if image is None else "{} {} {} {}".format(*numbers(image)),
                f"{cell.confidence:.2f}",
                cell.reason,
            ]
            table.add_row(*row, *([" ".join(sections[n].cells[index].tracks)] if sections else []))
        results.print(table)
        results.print(
            f"{len(detection.cells)} cells, {detection.imaged_fraction:.1%} of the frame to image\n"
        )
        for warning in detection.warnings:
            tell(f"warning: {warning}")


def chosen_settings(
    settings: DetectionConfig, detector: str | None, denoise: Denoising | None, any_pixel_size: bool
) -> DetectionConfig:
    """Return the settings, changed by the options of the command line."""
    given: dict[str, object] = {"any_pixel_size": settings.any_pixel_size or any_pixel_size}
    if detector is not None:
        given["detector"] = detector
    if denoise is not None:
        given["denoise"] = denoise
    try:
        return DetectionConfig.model_validate(settings.model_dump() | given)
    except ValidationError:
        raise InputError(
            f"--detector {detector}: no such detector; choose combined, network, recall-first, paper, an"
            " installed plug-in, or forest:FILE, network:FILE, combined:FILE"
        ) from None


def make_folder(path: Path) -> None:
    """Make a folder for output.

    Raises
    ------
    InputError
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be made ({error.strerror})") from error
