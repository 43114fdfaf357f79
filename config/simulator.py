"""The simulated microscope and its specimen."""

from typing import Literal, Self

from pydantic import Field, model_validator

from config.base import Frozen


class SpecimenConfig(Frozen):
    """A block with fluorescent cells, cut into serial sections."""

    seed: int = Field(1, ge=0, le=2**32 - 1, description="Another one is another specimen.")
    pattern: Literal["cytoplasmic", "nuclear", "punctate"] = Field(
        "cytoplasmic", description="What of a cell is labelled."
    )
    cells_per_field: float = Field(8.0, ge=0, le=200, description="Mean number visible in a field.")
    cell_radius_um: float = Field(7.0, gt=0.2, le=40, description="Mean radius of a cell, um.")
    cell_radius_sd_um: float = Field(1.0, ge=0, le=20, description="Standard deviation of that, um.")
    section_thickness_nm: float = Field(200.0, ge=10, le=5000, description="Of a section, nm.")
    brightness_photons: float = Field(
        60.0, gt=0, le=1e5, description="Mean signal of a cell, photons per pixel and second."
    )
    brightness_sd_percent: float = Field(
        35.0, ge=0, le=100, description="Standard deviation of that, percent."
    )
    background_photons: float = Field(20.0, ge=0, le=1e5, description="Per pixel and second, at the edge.")
    bell_photons: float = Field(25.0, ge=0, le=1e5, description="Added at the centre of the bell, same unit.")
    debris_per_field: float = Field(0.0, ge=0, le=500, description="Mean number of fluorescent specks.")
    folds_per_section: float = Field(0.0, ge=0, le=20, description="Mean number of wrinkles.")
    lumps_percent: float = Field(
        0.0,
        ge=0,
        le=50,
        description="Standard deviation of the resin's autofluorescence from place to place.",
    )
    section_shift_um: float = Field(
        3.0, ge=0, le=500, description="Scatter of a section about its place, um."
    )
    section_rotation_deg: float = Field(1.0, ge=0, le=180, description="Scatter of its rotation, degrees.")


class SimulatorConfig(Frozen):
    """How the simulated devices behave."""

    specimen: SpecimenConfig = SpecimenConfig()
    read_noise_electrons: float = Field(60.0, ge=0, le=1000, description="Before division by the EM gain.")
    quantum_efficiency: float = Field(0.9, gt=0, le=1, description="Electrons for a photon.")
    electrons_per_adu: float = Field(10.0, gt=0, le=1000, description="After the EM gain.")
    dust_spots: int = Field(
        0, ge=0, le=100, description="Bright spots at fixed places of the camera, the same in every frame."
    )
    defocus_um: float = Field(0.0, ge=0, le=20, description="How far the objective is off its focus, um.")
    stage_speed_mm_per_s: float = Field(1.0, gt=0, le=50, description="Of a move, mm/s.")
    stage_settle_s: float = Field(0.3, ge=0, le=60, description="Until it stands after a move, s.")
    stage_error_um: float = Field(0.3, ge=0, le=50, description="Scatter between stage and read-back, um.")
    stage_backlash_um: float = Field(
        0.0,
        ge=0,
        le=50,
        description="How far short a move towards -x or -y ends, unseen by the read-back, um.",
    )
    pump_to_high_vacuum_min: float = Field(4.0, ge=0, le=120, description="What it takes, minutes.")
    pump_to_partial_min: float = Field(2.0, ge=0, le=120, description="What it takes, minutes.")
    scan_overhead_s: float = Field(1.5, ge=0, le=60, description="Of a frame beside its dwell, s.")
    plate_height_um: float = Field(
        0.0,
        ge=-200,
        le=200,
        description="Of the plate at stage 0, 0 above where the machine is in focus, um.",
    )
    plate_tilt_mrad: tuple[float, float] = Field((0.0, 0.0), description="Rise of the plate along x and y.")
    plate_bow_um: float = Field(
        0.0, ge=-200, le=200, description="How much higher it is 10 mm from there, um."
    )
    autofocus_noise_um: float = Field(
        0.5, ge=0, le=50, description="Standard deviation of the automatic focus of the beam, um."
    )
    autofocus_wrong_percent: float = Field(0.0, ge=0, le=100, description="Focuses that are 20 to 80 um off.")
    autofocus_fails_percent: float = Field(0.0, ge=0, le=100, description="Focuses that find nothing.")

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.specimen.cell_radius_sd_um >= self.specimen.cell_radius_um:
            raise ValueError("specimen.cell_radius_sd_um must be below specimen.cell_radius_um")
        if any(abs(tilt) > 50 for tilt in self.plate_tilt_mrad):
            raise ValueError("plate_tilt_mrad must be two numbers from -50 to 50")
        return self
