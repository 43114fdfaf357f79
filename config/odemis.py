"""A SECOM that is driven through Odemis: where Odemis is, and which of its parts are ours."""

from typing import Annotated

from pydantic import Field

from config.base import Frozen

Role = Annotated[str, Field(min_length=1, max_length=80, description="As in the microscope file.")]


class OdemisRoles(Frozen):
    """Roles of the components, as in the microscope file of the site."""

    camera: Role = "ccd"
    light: Role = "light"
    filter: Role = "filter"
    stage: Role = "stage"
    ebeam: Role = "e-beam"
    sem_detector: Role = Field("bs-detector", description="Detector of the electron images.")
    chamber: Role = "chamber"
    focus: Role = Field("focus", description="Drive of the objective; for fluorescence.autofocus_um.")


class OdemisConfig(Frozen):
    """The process that speaks to Odemis; read when `driver: odemis`."""

    python: str = Field(
        "/usr/bin/python3", min_length=1, max_length=4096, description="The Python that has Odemis."
    )
    roles: OdemisRoles = OdemisRoles()
    emission_nm: float = Field(
        515.0, ge=300, le=1100, description="The emission filter that passes this, and the least besides, nm."
    )
    light_w_for_1_w_per_cm2: float = Field(
        0.1, gt=0, le=100, description="Power of the source that gives 1 W/cm2 at the specimen, measured, W."
    )
    fluorescence_position: str | None = Field(
        None,
        min_length=1,
        max_length=80,
        description="Name of the chamber position of fluorescence; without one the position nearest"
        " chamber.fluorescence_pressure_pa.",
    )
    high_vacuum_position: str | None = Field(
        None,
        min_length=1,
        max_length=80,
        description="Name of the chamber position of high vacuum; without one the position nearest"
        " chamber.high_vacuum_pa.",
    )
    budget_factor: float = Field(
        1.2, ge=1, le=10, description="A call may take this times its estimate, and budget_extra_s."
    )
    budget_extra_s: float = Field(20.0, ge=0.1, le=600, description="See budget_factor, s.")
    quick_s: float = Field(
        3.0, ge=0.1, le=60, description="Longest call that waits for nothing: a read-back, the blanker, s."
    )
    start_s: float = Field(60.0, ge=1, le=600, description="Longest start of the process with Odemis, s.")
