"""Fluorescence that is no cell."""

from typing import Any

import numpy as np
import pytest

from simulators.specimen.grid import Grid
from simulators.specimen.specimen import SimulatedSpecimen
from tests.simulators.conftest import MakeConfig

NO_CELLS = {"cells_per_field": 0, "section_shift_um": 0, "section_rotation_deg": 0}
FIELD_UM = 90.0


def light(
    make_config: MakeConfig, section: int = 0, **specimen: Any
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Light of a field in the middle of a section, photons per pixel and second."""
    config = make_config(specimen={**NO_CELLS, **specimen})
    pixels = 512
    pitch = FIELD_UM / pixels
    x0 = 400.0 * section - FIELD_UM / 2
    matrix = np.array([[pitch, 0.0, x0], [0.0, -pitch, FIELD_UM / 2]])
    return SimulatedSpecimen(config).fluorescence(Grid(matrix, (pixels, pixels)))


def test_there_are_none_unless_asked_for(make_config: MakeConfig) -> None:
    assert not light(make_config).any()


def test_lumps_scatter_as_configured_about_nothing(make_config: MakeConfig) -> None:
    image = light(make_config, lumps_percent=10, background_photons=20, bell_photons=20)
    assert image.std() == pytest.approx(3.0, rel=0.15)
    assert abs(image.mean()) < 1.0


def test_lumps_never_take_more_than_the_background_gives(make_config: MakeConfig) -> None:
    image = light(make_config, lumps_percent=50, background_photons=5, bell_photons=100)
    assert image.min() == pytest.approx(-4.5)


def test_lumps_go_on_from_section_to_section(make_config: MakeConfig) -> None:
    one, two = (light(make_config, section=n, lumps_percent=10) for n in (0, 1))
    assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.9


def test_debris_is_small_bright_and_of_one_section(make_config: MakeConfig) -> None:
    images = [light(make_config, section=n, debris_per_field=20) for n in (0, 1)]
    for image in images:
        covered = float((image > 0).mean())
        # Twenty specks of about a square micrometre on 8100.
        assert 0.0005 < covered < 0.02
        assert image.max() > 10
    assert not ((images[0] > 0) & (images[1] > 0)).sum() > 0.5 * (images[0] > 0).sum()


def test_the_same_seed_gives_the_same_artefacts(make_config: MakeConfig) -> None:
    kinds = {"debris_per_field": 5, "folds_per_section": 2, "lumps_percent": 5}
    np.testing.assert_array_equal(light(make_config, **kinds), light(make_config, **kinds))
    assert not np.array_equal(light(make_config, **kinds), light(make_config, seed=6, **kinds))


def test_a_fold_doubles_the_resin_along_a_band(make_config: MakeConfig) -> None:
    image = light(make_config, folds_per_section=12, background_photons=20)
    assert image.max() >= 20
    assert 0.01 < float((image > 10).mean()) < 0.5


def test_artefacts_are_not_in_the_truth_and_leave_the_cells_alone(make_config: MakeConfig) -> None:
    plain = make_config(specimen={"cells_per_field": 5})
    dirty = make_config(specimen={"cells_per_field": 5, "debris_per_field": 9, "lumps_percent": 9})
    before, after = (SimulatedSpecimen(config).truth("S0001") for config in (plain, dirty))
    assert [cell.id for cell in before] == [cell.id for cell in after]
