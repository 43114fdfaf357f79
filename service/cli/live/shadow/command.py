"""Work of `ilemtrack replay RUN_DIR`: settings, pictures and output."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from rich.progress import Progress as Bar

from config.loading import explain, load
from config.model import Config
from drivers.pose import Pose, RectM, to_pixels
from service.analysis.detectors import with_absolute_model, with_detector
from service.cli.consoles import people
from service.cli.exit_status import FAILURES, OK
from service.cli.live.shadow.ahead import ahead_of_shadow
from service.cli.live.shadow.tables import print_shadow
from service.cli.output import print_json, tell
from service.errors import ImageError, InputError
from service.image_files.images import read_fm
from service.model.specimen import Field
from service.pictures.overlay import write_png
from service.pictures.shadow import BoxPx4, Mark, Marks, draw_shadow
from service.session.folders.run_folder import RunFolder, open_existing
from service.shadow.compare import Fate, Judged
from service.shadow.replay import shadow_of
from service.shadow.result import ComparedSection, shadow_document

_OF_THE_RUN = ("layout", "fluorescence", "calibration", "driver", "simulator")
"""Parts of a configuration that another detector or policy cannot change: the fluorescence is taken."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Settings of a shadow as given on the command line; None leaves those of the run."""

    config: str | None
    detector: str | None
    serial: bool
    scheduler: str | None = None
    workers: int | None = None


def replay_run(run_dir: Path, asked: Asked, out: Path | None, as_json: bool) -> int:
    """Put another detector or policy over a run, print the comparison, and return the exit status.

    Raises
    ------
    InputError
        The run or the settings cannot be used, or `out` is no new or empty folder outside the run.
    """
    folder, info = open_existing(run_dir)
    if out is not None:
        _make(out, folder)
    with Bar(console=people, transient=True, disable=not people.is_terminal) as bar:
        task = bar.add_task("detecting", total=None)
        shadow = shadow_of(
            folder,
            info,
            lambda kept: chosen(kept, asked),
            None if out is None else _drawing(folder, out),
            lambda done, total: bar.update(task, completed=done, total=total),
            ahead_of_shadow(folder, asked.scheduler, asked.workers),
        )
    if as_json:
        print_json(shadow_document(shadow))
    else:
        print_shadow(shadow, out)
    return FAILURES if shadow.failed else OK


def chosen(kept: Config, asked: Asked) -> Config:
    """Return the configuration of a shadow: that asked for, on the specimen and the frames of the run.

    Raises
    ------
    InputError
        The settings do not go together.
    """
    wanted = kept if asked.config is None else load(asked.config)
    values = wanted.model_dump() | {name: kept.model_dump()[name] for name in _OF_THE_RUN}
    if not asked.serial:
        values["detection"]["serial"] = False
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise InputError(explain(error)) from None
    return with_absolute_model(config if asked.detector is None else with_detector(config, asked.detector))


def _make(out: Path, run: RunFolder) -> None:
    """Make the folder of the pictures; never inside the run, which stays as it is."""
    if out.resolve().is_relative_to(run.path.resolve()):
        raise InputError(f"{out}: lies in the folder of the run, which is left as it is; name another folder")
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InputError(f"{out}: exists and is not an empty folder; name another one with --out")
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be made ({error.strerror})") from error


def _drawing(run: RunFolder, out: Path) -> Callable[[Field, ComparedSection], None]:
    def draw(field: Field, section: ComparedSection) -> None:
        try:
            pixels, pose, _ = read_fm(run.path / str(field.image), field.sha256)
        except (ImageError, OSError) as error:
            tell(f"warning: no picture of {field.id}: {error}")
            return
        shape = pixels.shape[0], pixels.shape[1]

        def boxes(cells: Iterable[Judged]) -> list[Mark]:
            """Return the cells that the field shows, also those of neighbouring fields."""
            placed = ((one, _box_px(pose, shape, one.cell.rect_m)) for one in cells)
            return [Mark(box, _label(one)) for one, box in placed if _shows(shape, box)]

        marks = Marks(
            kept=boxes(one for one in section.of_run if one.fate is Fate.KEPT),
            partly=boxes(one for one in section.of_run if one.fate is Fate.PARTLY),
            lost=boxes(section.lost),
            gained=boxes(section.gained),
        )
        write_png(out / f"{field.id.replace('/', '_')}.png", draw_shadow(pixels, marks))

    return draw


def _box_px(pose: Pose, shape: tuple[int, int], rect_m: RectM) -> BoxPx4:
    x0, y0, x1, y1 = rect_m
    corners = to_pixels(pose, shape, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))
    left, top = corners.min(axis=0).round().astype(int).tolist()
    right, bottom = corners.max(axis=0).round().astype(int).tolist()
    return left, top, right, bottom


def _shows(shape: tuple[int, int], box: BoxPx4) -> bool:
    return box[2] > 0 and box[3] > 0 and box[0] < shape[1] and box[1] < shape[0]


def _label(one: Judged) -> str:
    return f"{one.cell.id.rpartition('/')[2]} {one.cell.confidence:.2f}"
