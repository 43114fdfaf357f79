"""Settings of the optical overview of the holder."""

from typing import Literal

from pydantic import Field

from config.base import Frozen
from config.odemis import Role


class HolderConfig(Frozen):
    """Optical overview of the holder, as `ilemtrack overview` takes it with the fluorescence camera."""

    light: Literal["reflected", "transmitted", "fluorescence"] = Field(
        "reflected", description="Kind of light that shows the sections."
    )
    wavelength_nm: float = Field(
        594.0,
        ge=300,
        le=1100,
        description="Wavelength of that light, nm; one that the fluorophore hardly absorbs bleaches least.",
    )
    filter_nm: float | None = Field(
        None,
        ge=300,
        le=1100,
        description="Wavelength passed by the emission filter meanwhile, nm; null: wavelength_nm.",
    )
    power_density_w_per_cm2: float = Field(
        0.01, gt=0, le=100, description="Power density of that light at the specimen, W/cm2."
    )
    exposure_s: float = Field(0.02, gt=0, le=60, description="Exposure time of one tile, s.")
    em_gain: float = Field(1.0, ge=1, le=300, description="Electron-multiplying gain; 1: none.")
    overlap_percent: float = Field(
        15.0, ge=5, le=50, description="Overlap of neighbouring tiles, by which they are stitched, percent."
    )
    pixel_size_um: float = Field(
        1.0,
        gt=0,
        le=50,
        description="Smallest pixel of the stitched overview, um; large overviews have larger ones.",
    )
    odemis_light: Role | None = Field(
        None, description="Role of that light in Odemis, such as brightlight; null: odemis.roles.light."
    )
    odemis_light_w_for_1_w_per_cm2: float | None = Field(
        None,
        gt=0,
        le=100,
        description="Measured power of that light that gives 1 W/cm2 at the specimen, W; null:"
        " odemis.light_w_for_1_w_per_cm2.",
    )

    @property
    def dose_j_per_cm2(self) -> float:
        """Light dose of one exposure, J/cm2."""
        return self.power_density_w_per_cm2 * self.exposure_s
