"""Commands that look for cells in images: detect."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from pydantic import ValidationError
from rich.progress import track
from rich.table import Table

from config.loading import DEFAULT_PROFILE, load
from config.work import Denoising, DetectionConfig
from service.cli.output import people, print_json, results, tell
from service.errors import InputError

if TYPE_CHECKING:
    from detection.image.hits import Detection
    from detection.serial.section import SerialSection
    from drivers.recorded.tiff import RecordedFrame

T = TypeVar("T")
MONTAGE = "montage"

Images = Annotated[list[Path], typer.Argument(help="OME-TIFF or TIFF; of several pages each is a frame.")]
ConfigFile = Annotated[str, typer.Option("--config", help="A YAML file or a profile.")]
PixelSize = Annotated[
    float | None,
    typer.Option("--pixel-size-nm", help="For frames whose file does not tell.", min=10, max=5000),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(detect)


def detect(
    images: Images,
    detector: Annotated[
        str | None, typer.Option(help="recall-first, paper, forest:MODEL, or the name of a plug-in.")
    ] = None,
    denoise: Annotated[Denoising | None, typer.Option(help="Before the paper's detector.")] = None,
    any_pixel_size: Annotated[
        bool, typer.Option("--any-pixel-size", help="Use a forest on other pixel sizes than its own.")
    ] = False,
    config: ConfigFile = DEFAULT_PROFILE,
    pixel_size_nm: PixelSize = None,
    overlay: Annotated[Path | None, typer.Option(help="Folder for pictures with the boxes drawn.")] = None,
    serial: Annotated[
        bool, typer.Option("--serial", help="The frames are serial sections of one stack, in this order.")
    ] = False,
    roi: Annotated[Path | None, typer.Option(help="Folder for Fiji ROI zips of the boxes.")] = None,
    as_json: Json = False,
) -> None:
    """Find the cells in fluorescence frames."""
    from detection.serial.section import as_detection
    from drivers.recorded.tiff import read_frames
    from service.analysis.detectors import open_detector
    from service.archive.frames import detect_recorded, frame_document
    from service.archive.stack import detect_serial, section_names, serial_document
    from service.evaluation.fiji_rois import write_found

    settings = _chosen(load(config).detection, detector, denoise, any_pixel_size)
    finder = open_detector(settings)
    frames = [frame for path in images for frame in read_frames(path, pixel_size_nm)]
    names = section_names(frames) if serial else ()
    for folder in (overlay, roi):
        if folder is not None:
            _make_folder(folder)
    if serial:
        sections = list(_shown(detect_serial(frames, names, settings, finder), len(frames)))
        detections = [as_detection(section) for section in sections]
    else:
        sections = []
        detections = list(_shown((detect_recorded(one, settings, finder) for one in frames), len(frames)))
    found = list(zip(frames, detections, strict=True))
    if overlay is not None:
        _draw(overlay, images, found, sections)
    if roi is not None:
        write_found(roi, [(frame.path, frame.page, detection) for frame, detection in found])
    if as_json:
        if serial:
            documents = [serial_document(*one) for one in zip(frames, sections, strict=True)]
        else:
            documents = [frame_document(*one) for one in found]
        print_json({"v": 1, "detector": settings.detector, "frames": documents})
        return
    _print_found(found, sections)


def _shown(work: Iterable[T], total: int) -> Iterable[T]:
    hidden = not people.is_terminal
    return track(work, "detecting", total=total, console=people, transient=True, disable=hidden)


def _draw(
    folder: Path,
    images: Sequence[Path],
    found: Sequence[tuple["RecordedFrame", "Detection"]],
    sections: Sequence["SerialSection"],
) -> None:
    """Draw a picture of each frame, and of a stack all sections in one."""
    from service.archive.frames import picture_names
    from service.pictures.montage import draw_montage, shown
    from service.pictures.overlay import draw_overlay, write_png

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
        # A file of that name has its own picture.
        montage = MONTAGE if MONTAGE not in names.values() else f"{MONTAGE}_of_sections"
        write_png(folder / f"{montage}.png", draw_montage(tiles))


def _print_found(
    found: Sequence[tuple["RecordedFrame", "Detection"]], sections: Sequence["SerialSection"]
) -> None:
    from service.archive.frames import numbers

    for n, (frame, detection) in enumerate(found):
        title = f"{frame.path} page {frame.page}" + (f", {sections[n].section}" if sections else "")
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for heading in ("cell", "box / px", "to be imaged / px", "confidence", "reason"):
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
            f"{len(detection.cells)} cells, {detection.imaged_fraction:.1%} of the frame to be imaged\n"
        )
        for warning in detection.warnings:
            tell(f"warning: {warning}")


def _chosen(
    settings: DetectionConfig, detector: str | None, denoise: Denoising | None, any_pixel_size: bool
) -> DetectionConfig:
    """Return the settings with what the command line says instead."""
    given: dict[str, object] = {"any_pixel_size": settings.any_pixel_size or any_pixel_size}
    if detector is not None:
        given["detector"] = detector
    if denoise is not None:
        given["denoise"] = denoise
    try:
        return DetectionConfig.model_validate(settings.model_dump() | given)
    except ValidationError:
        raise InputError(
            f"--detector {detector}: that is no name of a detector; there are recall-first, paper,"
            " forest:MODEL and the plug-ins that are installed"
        ) from None


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be made ({error.strerror})") from error
