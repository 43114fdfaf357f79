"""A store in review: two sections of one field each, with cells of every kind."""

from dataclasses import replace
from pathlib import Path

from config.model import Config
from detection.image.hits import Decision
from drivers.pose import Pose, RectM, box_to_rect
from service.model.phases import SessionEvent
from service.model.review import BoxPx4
from service.model.specimen import Cell, Field, FieldState, FramePlace, Section
from service.planning.review.margins import Ground, sides_px
from service.planning.section import plan_section
from service.store.store import Store
from tests.service.store.stores import UM, WALL, HandClock, record_cells

PIXEL_M = 0.2 * UM
SIZE_PX = (300, 200)
CONFIG = Config.model_validate(
    {
        "planner": {"method": "greedy", "raster_where_cheaper": False},
        "sem": {"pixel_size_nm": 50},
        "session": {"review": True},
    }
)
SECTIONS = ("S0001", "S0002")


def place(section: str) -> FramePlace:
    """Return the frame of a section; that of the second is turned and mirrored."""
    if section == "S0001":
        return FramePlace(SIZE_PX, Pose((0.0, 0.0), (PIXEL_M, PIXEL_M)))
    return FramePlace(SIZE_PX, Pose((300 * UM, 0.0), (PIXEL_M, PIXEL_M), 0.0, True, False))


def found_cell(
    section: str,
    number: int,
    box_px: BoxPx4,
    confidence: float = 0.9,
    reach_um: tuple[float, float, float, float] | None = None,
    decision: Decision = Decision.KEPT,
    tracks: tuple[str, ...] = (),
) -> Cell:
    """Return a cell as the policy of the configuration has it."""
    where = place(section)
    field = f"{section}/F000"
    bare = Cell(
        id=f"{field}/c{number:04d}",
        field=field,
        section=section,
        box_px=box_px,
        image_box_px=None,
        rect_m=box_to_rect(where.pose, where.shape, box_px),
        image_rect_m=None,
        confidence=confidence,
        reason="as found",
        decision=decision,
        tracks=tracks,
        reach_um=reach_um,
    )
    if decision in (Decision.BELOW_FLOOR, Decision.NOISE):
        return bare
    left, top, right, bottom = sides_px(bare, CONFIG.detection, ground(section).pixel_um)
    x0, y0, x1, y1 = box_px
    image = max(0, x0 - left), max(0, y0 - top), min(SIZE_PX[0], x1 + right), min(SIZE_PX[1], y1 + bottom)
    return replace(bare, image_box_px=image, image_rect_m=box_to_rect(where.pose, where.shape, image))


def ground(section: str) -> Ground:
    """Return the ground of a section."""
    where = place(section)
    return Ground(where, box_to_rect(where.pose, where.shape, (0, 0, *SIZE_PX)))


def cells_of(section: str) -> list[Cell]:
    """Return the cells of a section: ordinary, reaching far, doubtful, below the floor, noise."""
    return [
        found_cell(section, 1, (30, 30, 60, 60), tracks=("T0001",)),
        found_cell(section, 2, (150, 40, 190, 70), reach_um=(1.0, 0.2, 3.0, 2.0), tracks=("T0002",)),
        found_cell(section, 3, (60, 140, 90, 160), confidence=0.2),
        found_cell(section, 4, (220, 120, 250, 150), confidence=0.01, decision=Decision.BELOW_FLOOR),
        found_cell(section, 5, (130, 150, 150, 170), confidence=0.3, decision=Decision.NOISE),
    ]


def review_store(path: Path, cells: list[Cell] | None = None, plan: bool = True, run: str = "run-1") -> Store:
    """Return a store in review, with the sections planned or not; `cells` in place of `cells_of`."""
    path.mkdir(parents=True, exist_ok=True)
    store = Store.create(path / "session.sqlite", run, "v: 1\n", "dry-run", HandClock().now_s, lambda: WALL)
    store.specimen.add_sections(
        [Section(name, n, place(name).pose.center_m, n) for n, name in enumerate(SECTIONS)],
        [
            Field(f"{name}/F000", name, 0, place(name).pose.center_m, ground(name).whole_m)
            for name in SECTIONS
        ],
    )
    for name in SECTIONS:
        field = f"{name}/F000"
        store.specimen.set_field(
            field, FieldState.SAVED, image=f"fm/{field}.tiff", sha256="0" * 64, frame=place(name)
        )
        own = cells_of(name) if cells is None else [cell for cell in cells if cell.section == name]
        record_cells(store, field, own)
    for event in (
        SessionEvent.START,
        SessionEvent.PREFLIGHT_PASSED,
        SessionEvent.PARTIAL_VACUUM_REACHED,
        SessionEvent.REVIEW_NEEDED,
    ):
        store.apply(event)
    if plan:
        plan_all(store)
    return store


def plan_all(store: Store, config: Config = CONFIG) -> None:
    """Plan the sections whose plan was withdrawn, as the daemon does in the background."""
    for section in SECTIONS:
        plan_section(config, store, section)


def planned(store: Store) -> list[tuple[str, RectM, tuple[int, int], tuple[str, ...]]]:
    """Return the frames that are queued, with the cells that each is for."""
    return [
        (job.section, job.rect_m, job.size_px, tuple(sorted(job.covers)))
        for job in store.queue.jobs()
        if job.state == "queued"
    ]
