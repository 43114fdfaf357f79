"""Settings of fluorescence.

Defaults are those of Delpiano et al., J. Microsc. 271 (2018) 109, 'Data acquisition'.
"""

from typing import Self

from pydantic import Field, model_validator

from config.base import Frozen


class FluorescenceConfig(Frozen):
    """Fluorescence (FM): light path, camera and exposure."""

    excitation_nm: float = Field(488.0, ge=300, le=900, description="Wavelength of the excitation, nm.")
    power_density_w_per_cm2: float = Field(
        0.5, gt=0, le=100, description="Power density of the excitation at the specimen, W/cm2."
    )
    objective_magnification: float = Field(
        40.0, gt=0, le=200, description="Magnification of the objective, for the record, unitless."
    )
    objective_numerical_aperture: float = Field(
        0.95, gt=0, le=1.7, description="Numerical aperture of the objective, unitless."
    )
    camera: str = Field(
        "Andor iXon 897 Ultra", min_length=1, max_length=80, description="Name of the camera."
    )
    exposure_s: float = Field(2.0, gt=0, le=600, description="Exposure time of one frame, s.")
    em_gain: float = Field(
        100.0, ge=1, le=300, description="Electron-multiplying gain of the EMCCD; 1: none."
    )
    offset_adu: float = Field(
        200.0, ge=0, le=20000, description="Grey level of the camera without light (offset, bias)."
    )
    autofocus_um: float = Field(
        0.0,
        ge=0,
        le=50,
        description="Distance up and down within which the objective is focused before each section, um;"
        " 0: no focusing.",
    )
    frame_px: tuple[int, int] = Field((512, 512), description="Width and height of a frame, px.")
    pixel_size_nm: float = Field(178.0, ge=10, le=5000, description="Pixel size at the specimen, nm.")

    @model_validator(mode="after")
    def _frame_in_range(self) -> Self:
        if not all(16 <= n <= 8192 for n in self.frame_px):
            raise ValueError("frame_px must be two numbers from 16 to 8192")
        return self

    @property
    def pixel_size_m(self) -> float:
        """Pixel size at the specimen, m."""
        return self.pixel_size_nm / 1e9

    @property
    def field_size_m(self) -> tuple[float, float]:
        """Width and height of a field, m."""
        return self.frame_px[0] * self.pixel_size_m, self.frame_px[1] * self.pixel_size_m
