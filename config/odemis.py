"""Settings of a SECOM driven through Odemis."""

from typing import Annotated

from pydantic import Field

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
    sem_detector: Role = Field("bs-detector", description="Role of the detector of the electron images.")
    chamber: Role = "chamber"
    focus: Role = Field(
        "focus", description="Role of the objective drive; used for fluorescence.autofocus_um."
    )


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
