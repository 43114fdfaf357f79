"""Tiles through a simulated back-end of Odemis."""

import pytest

from drivers.odemis.microscope import odemis_microscope
from service.acquisition.holder.tile_camera import TileCamera
from service.mapping.tiles.taking import holder_light
from service.safety.deadlines import guarded
from tests.drivers.odemis.bench import rig
from tests.service.mapping.tiles.simulated import settings

PLACES_M = ((-90e-6, 60e-6), (0.0, 0.0))


def test_tiles_are_taken_in_the_light_of_the_holder_with_the_beam_blanked() -> None:
    with rig(settings() | {"driver": "odemis"}) as odemis:
        odemis.fresh()
        lit = holder_light(odemis.config)
        devices = guarded(odemis_microscope(lit, odemis.clock, odemis.client))
        devices.sem.blank()
        camera = TileCamera(lit, devices, odemis.clock)
        for place in PLACES_M:
            frame, _ = camera.take(place)
            assert frame.pose.center_m == pytest.approx(place, abs=1e-9)
            # The filter passes the light itself.
            assert frame.emission_band_nm == pytest.approx((500, 700))
            assert frame.pixels.mean() > 220
        truth = odemis.backend.truth()
        assert (truth["blanked"], truth["light"], truth["exposures"]) == (True, False, 0)
