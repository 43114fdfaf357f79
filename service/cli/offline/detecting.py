"""Settings, progress and output of `ilemtrack detect`."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from rich.progress import track
from rich.table import Table

from config.choices import Denoising
from config.work import DetectionConfig
from detection.detectors import Detector
from detection.image.frames import Frame, check_frame
from detection.image.hits import Detection
from detection.image.parts import PART_PX
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
        name = _page_name(names, frame)
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


def explain_all(
    folder: Path,
    images: Sequence[Path],
    found: Sequence[tuple[RecordedFrame, Detection]],
    name: str,
    detector: Detector,
) -> None:
    """Draw the steps of a detector on each frame; say so where there are none to show."""
    # They import ONNX and Matplotlib, which load slowly.
    from detection.explanation import explained
    from service.pictures.detection.steps import draw_steps

    names = picture_names(images)
    for frame, detection in found:
        checked = check_frame(frame.pixels, frame.pixel_size_m[0] * 1e6, frame.offset_adu)
        steps = explained(detector, checked)
        if steps is None:
            tell(f"warning: {frame.path} page {frame.page}: {_no_steps(checked, name)}")
            continue
        draw_steps(folder / f"{_page_name(names, frame)}.png", frame.pixels, steps, detection)


def _no_steps(frame: Frame, detector: str) -> str:
    if frame.constant:
        return "no steps to show, as all its pixels are the same"
    if frame.values.size > PART_PX**2:
        return f"no steps to show: they are drawn of frames of up to {PART_PX} x {PART_PX} pixels"
    return f"the detector {detector} has no steps to show; combined, network and recall-first have"


def _page_name(names: Mapping[Path, str], frame: RecordedFrame) -> str:
    return names[frame.path] + (f"_{frame.page:04d}" if frame.page else "")


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
