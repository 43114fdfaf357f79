"""Spot of the beam's focus: whatever the layout, its footprint reaches no fluorescence that is not saved."""

from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from config.model import Config
from drivers.pose import RectM
from service.autofocus.spot import choose_spot, spot_px
from service.model.jobs import Job
from service.model.specimen import Cell, Field, FieldState, Section
from service.session.stage_frame import StageFrame
from tests.examples import examples

UM = 1e-6
FIELD_UM = 60.0


def config_of(**changes: dict[str, Any]) -> Config:
    parts: dict[str, dict[str, Any]] = {"sem": {"pixel_size_nm": 30, "frame_px": [512, 512], "databar_px": 0}}
    for key, value in changes.items():
        parts[key] = parts.get(key, {}) | value
    return Config.model_validate(parts)


def choose(config: Config, section: Section, *of_section: Any) -> RectM | None:
    return choose_spot(config.sem, StageFrame.of(config), section, *of_section)


def field(section: str, number: int, x_um: float, y_um: float, state: FieldState) -> Field:
    half = FIELD_UM / 2
    rect = ((x_um - half) * UM, (y_um - half) * UM, (x_um + half) * UM, (y_um + half) * UM)
    saved = state not in (FieldState.PENDING, FieldState.FAILED)
    return Field(
        f"{section}/F{number:03d}",
        section,
        number,
        (x_um * UM, y_um * UM),
        rect,
        state,
        image="there" if saved else None,
    )


def cell(number: int, rect: RectM) -> Cell:
    name = f"S0001/F000/c{number:04d}"
    return Cell(name, "S0001/F000", "S0001", (0, 0, 9, 9), None, rect, None, 0.9, "doubtful")


@st.composite
def arrays(draw: st.DrawFn) -> tuple[list[Field], list[Cell]]:
    """A section of four fields that overlap, and neighbours close by; of each the state by chance."""
    states = st.sampled_from([FieldState.PENDING, FieldState.FAILED, FieldState.PLANNED, FieldState.PLANNED])
    step = draw(st.floats(0.7, 1.0)) * FIELD_UM
    own = [
        field("S0001", n, (n % 2) * step, (n // 2) * step, draw(states) if n else FieldState.PLANNED)
        for n in range(4)
    ]
    gap = draw(st.floats(0, 6))
    far = FIELD_UM + gap
    beside = [
        field("S0002", 0, -far, draw(st.floats(-30, 30)), draw(states)),
        field("S0002", 1, step + far, draw(st.floats(-30, 30)), draw(states)),
        field("S0002", 2, draw(st.floats(-30, 30)), -far, draw(states)),
    ]
    places = st.tuples(st.floats(-30, 90), st.floats(-30, 90), st.floats(3, 30), st.floats(3, 30))
    boxes = draw(st.lists(places, max_size=6))
    # Most of the ground has cells, so that the spot is driven into odd corners.
    x, y = draw(st.floats(-35, 60)), draw(st.floats(-35, 60))
    boxes += [(-100, -100, 300, 100 + y), (-100, y + 32, 300, 200), (-100, -100, 100 + x, 300)]
    boxes += [(x + 32, -100, 200, 300)]
    cells = [cell(n, (x * UM, y * UM, (x + w) * UM, (y + h) * UM)) for n, (x, y, w, h) in enumerate(boxes)]
    return own + beside, cells


@examples(60)
@given(
    array=arrays(),
    rotation_mrad=st.floats(-60, 60),
    shear=st.floats(-0.02, 0.02),
    scale=st.floats(0.97, 1.03),
    error_um=st.floats(0.1, 2),
    extra_um=st.floats(0, 1),
    halo_um=st.floats(0, 2),
    angle=st.floats(0, 6.3),
)
def test_the_footprint_of_a_focus_is_on_saved_ground_that_no_cell_has(
    array: tuple[list[Field], list[Cell]],
    rotation_mrad: float,
    shear: float,
    scale: float,
    error_um: float,
    extra_um: float,
    halo_um: float,
    angle: float,
) -> None:
    fields, cells = array
    config = config_of(
        calibration={
            "rotation_mrad": rotation_mrad, "shear": shear, "scale": scale, "shift_um": [40, -30],
        },
        stage={"position_error_um": error_um},
        planner={"guard_um": error_um + extra_um, "tile_overlap_um": 2 * (error_um + extra_um) + 1},
        sem={"beam_halo_um": halo_um},
    )  # fmt: skip
    own = [one for one in fields if one.section == "S0001"]
    pending = [one for one in fields if one.state is FieldState.PENDING]
    spot = choose(config, Section("S0001", 0, (0.0, 0.0)), own, pending, cells, [])
    assume(spot is not None)
    assert spot is not None
    # What the beam does, worked out by itself: upright in the SEM, the stage off by its error, and the halo.
    calibration = StageFrame.of(config).fm_to_sem
    middle = calibration.to_sem(np.array([[(spot[0] + spot[2]) / 2, (spot[1] + spot[3]) / 2]]))[0]
    half = np.array(spot_px(config.sem)) * config.sem.pixel_size_m / 2
    corners = middle + half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    off_m = error_um * UM * np.array([np.cos(angle), np.sin(angle)])
    footprint = shapely.Polygon(calibration.to_fm(corners) + off_m).buffer(halo_um * UM)
    saved = shapely.union_all([shapely.box(*one.rect_m) for one in own if one.image is not None])
    assert footprint.difference(saved.buffer(1e-11)).area < 1e-18
    for one in pending:
        # Its frame may be taken as far off as the stage errs.
        assert not footprint.intersects(shapely.box(*one.rect_m).buffer(error_um * UM - 1e-11))
    for one in (one for one in fields if one.section != "S0001" or one.image is None):
        assert footprint.difference(saved).intersection(shapely.box(*one.rect_m)).area < 1e-18
    for found in cells:
        assert not footprint.intersects(shapely.box(*found.rect_m))


def test_fluorescence_to_be_taken_is_kept_off_by_the_error_of_its_frame() -> None:
    """A strip of 20 um beside a field that is pending: 8 um of spot, 2 x 2 um of reach, and the error."""
    fields = [field("S0001", 0, 0, 0, FieldState.PLANNED)]
    cells = [cell(0, (-30 * UM, -30 * UM, 10 * UM, 30 * UM))]
    section = Section("S0001", 0, (0.0, 0.0))
    for gap_um, fits in ((2.5, True), (1.5, False)):
        # The strip without cells begins at 10 um, less what the spot has to keep off them.
        end = 10 + 2 + 7.68 + 2 + gap_um
        pending = [field("S0002", 0, end + FIELD_UM / 2, 0, FieldState.PENDING)]
        config = config_of(stage={"position_error_um": 1.5}, planner={"guard_um": 1.5})
        spot = choose(config, section, fields, pending, cells, [])
        assert (spot is not None) == fits, gap_um


def test_frames_and_what_is_imaged_are_kept_off_where_they_leave_room() -> None:
    """A strip of 20 um, 60 um long, for a spot of 7.68 um and its reach; then less and less of it."""
    config, section = config_of(), Section("S0001", 0, (0.0, 0.0))
    fields = [field("S0001", 0, 0, 0, FieldState.PLANNED)]

    def frame_to(top_um: float) -> Job:
        rect = (-30 * UM, -30 * UM, 30 * UM, top_um * UM)
        return Job("J000001", "S0001", 1, rect, (0.0, -5e-6), (512, 512), 3e-8, 6e-5, ())

    def bottom_um(cells: list[Cell], frames: list[Job]) -> float:
        spot = choose(config, section, fields, [], cells, frames)
        assert spot is not None
        return spot[1] / UM

    box = (-30 * UM, -30 * UM, 30 * UM, -9 * UM)
    dilated = replace(cell(0, box), image_rect_m=(-30 * UM, -30 * UM, 30 * UM, 5 * UM))
    assert bottom_um([], [frame_to(10)]) > 10
    # A raster leaves no ground: then between what is imaged of the cells, then between the cells.
    assert bottom_um([dilated], [frame_to(30)]) > 5
    all_imaged = replace(dilated, image_rect_m=fields[0].rect_m)
    assert bottom_um([all_imaged], [frame_to(30)]) > -9
    assert choose(config, section, fields, [], [cell(0, fields[0].rect_m)], []) is None


def test_a_spot_lies_inside_the_outline_and_where_the_stage_may_go() -> None:
    fields = [field("S0001", 0, 0, 0, FieldState.PLANNED)]
    left = ((-30 * UM, -30 * UM), (-8 * UM, -30 * UM), (-8 * UM, 30 * UM), (-30 * UM, 30 * UM))
    found = choose(config_of(), Section("S0001", 0, (0, 0), outline_m=left), fields, [], [], [])
    assert found is not None
    assert found[2] <= -8 * UM + 1e-12
    safe = config_of(stage={"safe_x_mm": [0.01, 12]})
    found = choose(safe, Section("S0001", 0, (0, 0)), fields, [], [], [])
    assert found is not None
    assert found[0] >= 10 * UM - 1e-12
    away = config_of(stage={"safe_x_mm": [1, 12]})
    assert choose(away, Section("S0001", 0, (0, 0)), fields, [], [], []) is None


def test_the_spot_is_a_size_that_the_machine_has() -> None:
    assert spot_px(config_of().sem) == (256, 256)
    assert spot_px(config_of(sem={"frame_px": [200, 512]}).sem) == (200, 256)
    presets = [[1024, 884], [512, 442], [768, 512]]
    assert spot_px(config_of(sem={"presets_px": presets}).sem) == (512, 442)
