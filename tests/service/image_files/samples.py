"""Images of every kind that is saved, with what their files must say."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from drivers.fluorescence import FmFrame, FmSettings
from drivers.pose import Pose
from drivers.sem import BeamSettings, ScanImage
from service.image_files.facts import Acquisition, ImageKind, LightChannel, LightPath, Provenance
from service.image_files.images import Pixels, SavedImage
from service.image_files.saving import save_em, save_fm, save_holder_overview

RNG = np.random.default_rng(18)
PIXELS = RNG.integers(0, 4096, (150, 130), dtype=np.uint16)
GREY = RNG.integers(0, 256, (150, 130), dtype=np.uint8)
POSE = Pose((1.25e-3, -3.5e-3), (0.178e-6, 0.178e-6), rotation_rad=0.01, flip_x=True)
FRAME = FmFrame(PIXELS, POSE, FmSettings(2.0, 100.0, 488.0, 0.5), 200.0, 12.5)
BANDED = replace(FRAME, binning=(1, 1), emission_band_nm=(500.0, 550.0))
BEAM = BeamSettings(2500.0, 3.5, 30 * 1e-6, 5.8e-3, "vCD", 1e-10, ("aperture_m", "detector"))
SCAN = ScanImage(GREY, (1e-3, 2e-3), 16.5 / 1e9, 60 / 1e6, "nonce", BEAM)
TAKEN_AT = datetime(2026, 11, 29, 10, 20, 30, 400_000, tzinfo=UTC)
LIGHT_PATH = LightPath(40.0, 0.95, "iXon", 525.0)
ORIGIN = Provenance("0.1.0", "quanta250-secom (Odemis)", "20261129-102000-run-1a2b", "run")
IN_VAPOUR = Acquisition(TAKEN_AT, ORIGIN, 200.0)
IN_VACUUM = Acquisition(TAKEN_AT, ORIGIN, 1.2e-3)
HOSTILE = 'µ-Kamera <1> & "Co" ]]> \x00\x07\x1b\ud800\uffff\n\t 細胞 \U0001f52c &#181; &lt;'
LONG = "x" * 1000


@dataclass(frozen=True, slots=True)
class Sample:
    """A saved image, and what was saved."""

    saved: SavedImage
    pixels: Pixels
    pixel_size_um: float
    center_m: tuple[float, float]
    excitation_nm: float | None = None
    emission_nm: float | None = None

    @property
    def path(self) -> Path:
        return self.saved.path


def save_samples(folder: Path) -> dict[str, Sample]:
    """Save one image of every kind, and some with names that nobody should give."""

    def fm(
        name: str, frame: FmFrame, path: LightPath = LIGHT_PATH, kind: ImageKind = ImageKind.FLUORESCENCE
    ) -> Sample:
        saved = save_fm(folder / f"{name}.ome.tiff", frame, "S0001", name, path, IN_VAPOUR, kind=kind)
        lit = path.light == "fluorescence"
        return Sample(saved, frame.pixels, 0.178, POSE.center_m, 488.0, 525.0 if lit else None)

    def em(
        name: str, image: ScanImage, compress: bool = False, acquisition: Acquisition = IN_VACUUM
    ) -> Sample:
        path = folder / f"{name}.ome.tiff"
        saved = save_em(path, image, "S0001", name, ("c1", "c2"), acquisition, compress=compress)
        return Sample(saved, image.pixels, 0.0165, SCAN.center_m)

    reflected = replace(LIGHT_PATH, light="reflected")
    channel = LightChannel(reflected, 594.0, 0.01, 1.0, exposure_s=0.02)
    holder = save_holder_overview(
        folder / "overview.ome.tiff", PIXELS, (0.0, 0.0), 1e-6, channel, IN_VAPOUR, {"tiles": 4}
    )
    named = replace(LIGHT_PATH, camera=HOSTILE)
    strange = replace(SCAN, nonce=HOSTILE, beam=replace(BEAM, detector=LONG + HOSTILE))
    nowhere = Acquisition(TAKEN_AT, Provenance("not installed", HOSTILE))
    return {
        "frame": fm("frame", FRAME),
        "banded": fm("banded", BANDED),
        "binned": fm("binned", replace(BANDED, binning=(3, 3), emission_band_nm=(0.0, 550.0))),
        "tile": fm("tile", FRAME, reflected, ImageKind.HOLDER_TILE),
        "hostile frame": fm("hostile", FRAME, named),
        "electron": em("electron", SCAN),
        "electron, 16 bit": em("electron16", replace(SCAN, pixels=PIXELS)),
        "compressed": em("compressed", SCAN, compress=True),
        "hostile electron": em("strange", strange, acquisition=nowhere),
        "overview": Sample(holder, PIXELS, 1.0, (0.0, 0.0), 594.0),
    }
