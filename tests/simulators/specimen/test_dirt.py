"""Dirt that only electrons show, and cells without fluorescence."""

from typing import Any

import numpy as np

from simulators.specimen.grid import Floats, Grid
from simulators.specimen.specimen import SimulatedSpecimen
from tests.simulators.conftest import MakeConfig

NO_CELLS = {"cells_per_field": 0, "section_shift_um": 0, "section_rotation_deg": 0}
PLACE = Grid(np.array([[0.4, 0.0, -40.0], [0.0, -0.4, 40.0]]), (200, 200))


def images(make_config: MakeConfig, **specimen: Any) -> tuple[Floats, Floats]:
    """Fluorescence and stain in the middle of the first section."""
    made = SimulatedSpecimen(make_config(specimen={**NO_CELLS, **specimen}))
    return made.fluorescence(PLACE), made.stain(PLACE)


def test_only_electrons_show_dirt_and_knife_marks(make_config: MakeConfig) -> None:
    light, stain = images(make_config, dirt_per_field=30, knife_marks_per_field=10)
    assert not light.any()
    assert stain.min() < 0.05
    assert stain.max() > 0.9


def test_resin_has_the_grey_and_the_clouds_that_are_configured(make_config: MakeConfig) -> None:
    _, stain = images(make_config, resin_stain=0.6, resin_texture_percent=5)
    assert abs(float(stain.mean()) - 0.6) < 0.03
    assert 0.03 < float(stain.std()) < 0.07


def test_cells_without_label_are_in_the_electron_image_only(make_config: MakeConfig) -> None:
    light, stain = images(make_config, cells_per_field=12, unlabelled_percent=100)
    assert not light.any()
    assert float((stain > 0.25).mean()) > 0.02
    config = make_config(specimen={**NO_CELLS, "cells_per_field": 12, "unlabelled_percent": 100})
    assert SimulatedSpecimen(config).truth("S0001") == ()


def test_labelled_cells_stay_as_they_are_when_others_have_no_label(make_config: MakeConfig) -> None:
    whole, _ = images(make_config, cells_per_field=12)
    some, _ = images(make_config, cells_per_field=12, unlabelled_percent=40)
    assert 0 < float((some > 0).mean()) < float((whole > 0).mean())
    # Where cells touch, the light of both adds up.
    assert np.isclose(some[some > 0], whole[some > 0], rtol=1e-5).mean() > 0.98
