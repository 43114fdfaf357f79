import math
from typing import Any

import cv2
import numpy as np
import pytest

from config.model import Config
from drivers.pose import Pose, to_pixels
from simulators.specimen.grid import Grid
from simulators.specimen.sections import SectionArray
from simulators.specimen.specimen import SimulatedSpecimen
from tests.simulators.conftest import MakeConfig
from tests.simulators.steps import correlation, fm_grid

STILL = {"section_shift_um": 0, "section_rotation_deg": 0}


def test_the_seed_alone_decides(make_config: MakeConfig) -> None:
    config = make_config(sections=20)
    first, second = SimulatedSpecimen(config), SimulatedSpecimen(config)
    places = [(n * 400e-6, 0.0) for n in range(4)]
    forth = [first.fluorescence(fm_grid(config, p)) for p in places]
    second.truth("S0019")
    back = [second.fluorescence(fm_grid(config, p)) for p in reversed(places)][::-1]
    for one, other in zip(forth, back, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [c.id for c in first.truth("S0003")] == [c.id for c in second.truth("S0003")]
    changed = SimulatedSpecimen(make_config(sections=20, specimen={"seed": 6}))
    assert correlation(forth[0], changed.fluorescence(fm_grid(config, places[0]))) < 0.3


def test_a_part_of_a_frame_is_the_same_as_the_frame(make_config: MakeConfig) -> None:
    config = make_config()
    specimen = SimulatedSpecimen(config)
    whole = specimen.fluorescence(fm_grid(config, (0.0, 0.0)))
    um = config.fluorescence.pixel_size_m
    center = ((300 - 256) * um, -(200 - 256) * um)
    part = specimen.fluorescence(Grid.of_pose(Pose(center, (um, um)), (100, 120)))
    inner = whole[150:250, 240:360]
    assert inner.max() > 0
    # Outlines are computed on coarse grids, which lie differently.
    assert np.abs(part - inner).mean() < 0.05 * inner.mean()
    assert correlation(part, inner) > 0.995


@pytest.mark.parametrize(("cells_per_field", "apart"), [(2.0, 80), (8.0, 80), (25.0, 200)])
def test_as_many_cells_are_visible_as_configured(
    make_config: MakeConfig, cells_per_field: float, apart: int
) -> None:
    config = make_config(sections=400, fields=(2, 2), specimen={"cells_per_field": cells_per_field, **STILL})
    specimen = SimulatedSpecimen(config)
    width, height = specimen.sections.half_size_um
    fields = 4 * width * height * 1e-12 / math.prod(config.fluorescence.field_size_m)
    # Sections further apart than a cell is deep are independent of each other.
    sections = range(1, 401, apart)
    found = 0
    for section in (f"S{n:04d}" for n in sections):
        middle = specimen.sections[section].center_um
        for cell in specimen.truth(section):
            off = np.abs(cell.points_m.mean(axis=0) * 1e6 - middle)
            found += bool((off < (width, height)).all())
    expected = cells_per_field * fields * len(sections)
    assert abs(found - expected) < 0.12 * expected + 4 * math.sqrt(expected)


def test_no_cells(make_config: MakeConfig) -> None:
    config = make_config(specimen={"cells_per_field": 0})
    specimen = SimulatedSpecimen(config)
    assert specimen.truth("S0001") == ()
    assert not specimen.fluorescence(fm_grid(config, (0.0, 0.0))).any()
    assert specimen.stain(fm_grid(config, (0.0, 0.0))).max() < 0.3


def test_neighbouring_sections_show_the_same_cells(make_config: MakeConfig) -> None:
    config = make_config(sections=300, specimen=STILL)
    specimen = SimulatedSpecimen(config)

    def at(section: str) -> tuple[float, float]:
        x, y = specimen.sections[section].center_um * 1e-6
        return float(x), float(y)

    images = {s: specimen.fluorescence(fm_grid(config, at(s))) for s in ("S0001", "S0002", "S0011", "S0201")}
    near = correlation(images["S0001"], images["S0002"])
    far = correlation(images["S0001"], images["S0011"])
    assert near > 0.9
    assert near > far > 0.2
    assert abs(correlation(images["S0001"], images["S0201"])) < 0.2
    ids = [{cell.id for cell in specimen.truth(s)} for s in ("S0001", "S0002", "S0201")]
    assert len(ids[0] & ids[1]) >= 0.8 * len(ids[0])
    assert not ids[0] & ids[2]


def test_sections_scatter_about_their_places(make_config: MakeConfig) -> None:
    config = make_config(sections=600, specimen={"section_shift_um": 5, "section_rotation_deg": 2})
    specimen = SimulatedSpecimen(config)
    places = [specimen.sections[f"S{n:04d}"] for n in range(1, 601)]
    wanted = [(n % 10 * 400.0, -(n // 10) * 400.0) for n in range(600)]
    off = np.array([place.center_um for place in places]) - wanted
    assert np.abs(off.mean(axis=0)).max() < 1.0
    assert off.std(axis=0) == pytest.approx([5, 5], rel=0.1)
    turns = np.degrees([place.rotation_rad for place in places])
    assert turns.std() == pytest.approx(2, rel=0.1)
    assert abs(turns.mean()) < 0.4
    assert [place.depth_um for place in places[:2]] == pytest.approx([0.1, 0.3])


def test_every_field_lies_on_its_section(make_config: MakeConfig) -> None:
    config = make_config(sections=30, fields=(1, 1), specimen={"section_rotation_deg": 5})
    specimen = SimulatedSpecimen(config)
    for n in range(30):
        place = specimen.sections[f"S{n + 1:04d}"]
        grid = fm_grid(config, (n % 10 * 400e-6, -(n // 10) * 400e-6)).mapped(place.to_plane)
        u, v = grid.points_um()
        assert np.abs(u).max() < specimen.sections.half_size_um[0]
        assert np.abs(v).max() < specimen.sections.half_size_um[1]


@pytest.mark.parametrize("pattern", ["cytoplasmic", "nuclear", "punctate"])
def test_truth_is_where_the_image_is_bright(make_config: MakeConfig, pattern: str) -> None:
    config = make_config(specimen={"pattern": pattern, "section_rotation_deg": 20})
    specimen = SimulatedSpecimen(config)
    center = specimen.sections["S0002"].center_um * 1e-6
    shape = (700, 700)
    pose = Pose((float(center[0]), float(center[1])), (178e-9, 178e-9))
    image = specimen.fluorescence(Grid.of_pose(pose, shape))
    mask: np.ndarray[Any, Any] = np.zeros(shape, np.uint8)
    for cell in specimen.truth("S0002"):
        assert cell.section == "S0002"
        column, row = np.floor(to_pixels(pose, shape, cell.points_m)).astype(int).T
        inside = (column >= 0) & (column < shape[1]) & (row >= 0) & (row < shape[0])
        mask[row[inside], column[inside]] = 1
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    assert mask.any()
    grown = cv2.dilate(mask, np.ones((5, 5), np.uint8))
    total = float(image.sum())
    outside = float(image[grown == 0].sum())
    assert outside < (0.25 if pattern == "nuclear" else 0.02) * total


def test_patterns_label_what_they_say(make_config: MakeConfig) -> None:
    means = {}
    for pattern in ("cytoplasmic", "nuclear", "punctate"):
        config = make_config(specimen={"pattern": pattern, "brightness_sd_percent": 0, "cells_per_field": 5})
        specimen = SimulatedSpecimen(config)
        image = specimen.fluorescence(fm_grid(config, (0.0, 0.0)))
        means[pattern] = image
    nucleus = means["nuclear"] > 20
    cytoplasm = (means["cytoplasmic"] > 20) & ~nucleus
    brightness = config.simulator.specimen.brightness_photons
    assert nucleus.sum() > 200
    assert means["cytoplasmic"][nucleus].mean() < 0.2 * brightness
    assert means["cytoplasmic"][cytoplasm].mean() == pytest.approx(brightness, rel=0.3)
    assert means["nuclear"][nucleus].mean() == pytest.approx(brightness, rel=0.3)
    assert np.median(means["punctate"][cytoplasm]) < 0.5 * means["punctate"][cytoplasm].mean()


def test_a_cell_is_at_the_same_place_in_both_images(make_config: MakeConfig) -> None:
    config = make_config()
    specimen = SimulatedSpecimen(config)
    grid = fm_grid(config, (0.0, 0.0))
    light, stain = specimen.fluorescence(grid), specimen.stain(grid)
    cells = light > 2
    edge = cv2.dilate(cells.astype(np.uint8), np.ones((5, 5), np.uint8)) != cv2.erode(
        cells.astype(np.uint8), np.ones((5, 5), np.uint8)
    )
    dark = stain > 0.25
    assert (dark == cells)[~edge].mean() > 0.99
    assert cells.any()


def test_ground_between_the_sections_is_bare(make_config: MakeConfig) -> None:
    config = make_config()
    grid = fm_grid(config, (200e-6, 0.0))
    specimen = SimulatedSpecimen(config)
    assert not specimen.fluorescence(grid)[:, 220:290].any()
    assert (specimen.stain(grid)[:, 220:290] > 0.9).all()


def test_an_unknown_section(make_config: MakeConfig) -> None:
    with pytest.raises(KeyError):
        SimulatedSpecimen(make_config()).truth("S9999")


def test_thousands_of_sections(make_config: MakeConfig) -> None:
    config = make_config(sections=5000, fields=(2, 2))
    specimen = SimulatedSpecimen(config)
    assert specimen.truth("S5000")
    assert specimen.truth("S0001")


def test_sections_lie_at_the_angles_of_the_layout() -> None:
    listed = [
        {"id": f"S{n:04d}", "center_um": [800 * n, 0], "angle_deg": angle}
        for n, angle in enumerate((0.0, 130.0, -75.0), start=1)
    ]
    specimen = {"section_rotation_deg": 1, "section_shift_um": 0}
    config = Config.model_validate(
        {"layout": {"kind": "list", "sections": listed}, "simulator": {"specimen": specimen}}
    )
    array = SectionArray(config.layout, config.simulator.specimen, (91.0, 91.0))
    for n, angle in enumerate((0.0, 130.0, -75.0), start=1):
        assert np.degrees(array[f"S{n:04d}"].rotation_rad) == pytest.approx(angle, abs=3.01)
    # However it is turned, the face of the block covers the field.
    half_u, half_v = array.half_size_um
    assert min(half_u, half_v) > 91.0 / 2 * 2**0.5
