"""Settings of a SECOM driven through Odemis."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from config.base import Frozen

Role = Annotated[
    str, Field(min_length=1, max_length=80, description="Role of the component, as in the microscope file.")
]


class OdemisRoles(Frozen):
    """Roles of the components, as in the microscope file of Odemis."""

    camera: Role = "ccd"
    light: Role = "light"
    filter: Role = "filter"
    stage: Role = "stage"
    ebeam: Role = "e-beam"
    sem_detector: Role | None = Field(
        None,
        description="Role of the detector of the electron images; null: bs-detector if there is one, else"
        " se-detector, else a detector that the e-beam affects.",
    )
    chamber: Role = "chamber"
    focus: Role = Field(
        "focus", description="Role of the objective drive; used for fluorescence.autofocus_um."
    )


Blanking = Literal["blanker", "external", "parked"]
"""Way of keeping the beam off the specimen between scans; see `OdemisConfig.blanking`."""


class OdemisConfig(Frozen):
    """Settings of `driver: odemis`."""

    python: str = Field(
        "/usr/bin/python3", min_length=1, max_length=4096, description="Python interpreter with Odemis."
    )
    roles: OdemisRoles = OdemisRoles()
    emission_nm: float = Field(
        515.0,
        ge=300,
        le=1100,
        description="Wavelength passed by the emission filter, nm; the narrowest such filter is used.",
    )
    light_w_for_1_w_per_cm2: float = Field(
        0.1, gt=0, le=100, description="Measured power of the source that gives 1 W/cm2 at the specimen, W."
    )
    fluorescence_position: str | None = Field(
        None,
        min_length=1,
        max_length=80,
        description="Name of the chamber position for fluorescence; null: the position nearest to"
        " chamber.fluorescence_pressure_pa.",
    )
    high_vacuum_position: str | None = Field(
        None,
        min_length=1,
        max_length=80,
        description="Name of the chamber position for high vacuum; null: the position nearest to"
        " chamber.high_vacuum_pa.",
    )
    blanking: Blanking = Field(
        "blanker",
        description="Way of keeping the beam off the specimen between scans. blanker: by the blanker of the"
        " e-beam. external: the SEM blanks by itself while its external scan is off. parked: not at all; the"
        " scan generator parks the beam beside the field, and a person keeps it off during fluorescence.",
    )
    hfw_at_magnification_1_mm: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="Horizontal field width at magnification 1, mm, of an SEM whose magnification is set by"
        " hand; null: Odemis sets the field of view.",
    )
    camera_rotation_mrad: float = Field(
        0.0,
        ge=-100,
        le=100,
        description="Rotation of the frames of the camera about their centres, counter-clockwise, mrad; from"
        " `ilemtrack calibrate --from-odemis`.",
    )
    camera_scale: tuple[float, float] = Field(
        (1.0, 1.0),
        description="True pixel size of the camera over the reported one, x and y, unitless; from"
        " `ilemtrack calibrate --from-odemis`.",
    )
    budget_factor: float = Field(
        1.2,
        ge=1,
        le=10,
        description="Longest time of a call over its estimate, unitless; budget_extra_s is added.",
    )
    budget_extra_s: float = Field(
        20.0, ge=0.1, le=600, description="Time added to the longest time of a call, s."
    )
    quick_s: float = Field(
        3.0,
        ge=0.1,
        le=60,
        description="Longest time of a call that waits for nothing, such as a read-back or blanking, s.",
    )
    start_s: float = Field(
        60.0, ge=1, le=600, description="Longest time to start the process with Odemis, s."
    )

    @field_validator("camera_scale")
    @classmethod
    def _scale_in_range(cls, camera_scale: tuple[float, float]) -> tuple[float, float]:
        if not all(0.98 <= v <= 1.02 for v in camera_scale):
            raise ValueError("must be two numbers from 0.98 to 1.02")
        if abs(camera_scale[0] / camera_scale[1] - 1) > 0.005:
            raise ValueError("must be two numbers within 0.5 % of each other")
        return camera_scale
