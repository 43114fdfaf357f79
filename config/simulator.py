"""Settings of the simulated microscope and its specimen."""

from typing import Literal, Self

from pydantic import Field, model_validator

from config.base import Frozen
from config.layout import ListLayout


class SpecimenConfig(Frozen):
    """A block with fluorescent cells, cut into serial sections."""

    seed: int = Field(1, ge=0, le=2**32 - 1, description="Seed of the specimen.")
    pattern: Literal["cytoplasmic", "nuclear", "punctate"] = Field(
        "cytoplasmic", description="Labelled part of a cell."
    )
    cells_per_field: float = Field(8.0, ge=0, le=200, description="Mean number of cells visible in a field.")
    cell_radius_um: float = Field(7.0, gt=0.2, le=40, description="Mean radius of a cell, um.")
    cell_radius_sd_um: float = Field(1.0, ge=0, le=20, description="Standard deviation of the radius, um.")
    section_thickness_nm: float = Field(200.0, ge=10, le=5000, description="Thickness of a section, nm.")
    brightness_photons: float = Field(
        60.0, gt=0, le=1e5, description="Mean signal of a cell, photons per pixel and second."
    )
    brightness_sd_percent: float = Field(
        35.0, ge=0, le=100, description="Standard deviation of the signal, percent."
    )
    background_photons: float = Field(
        20.0, ge=0, le=1e5, description="Background at the edge of a frame, photons per pixel and second."
    )
    bell_photons: float = Field(
        25.0,
        ge=0,
        le=1e5,
        description="Background added at the centre of the bell, photons per pixel and second.",
    )
    debris_per_field: float = Field(
        0.0, ge=0, le=500, description="Mean number of fluorescent specks in a field."
    )
    folds_per_section: float = Field(0.0, ge=0, le=20, description="Mean number of folds in a section.")
    lumps_percent: float = Field(
        0.0,
        ge=0,
        le=50,
        description="Standard deviation of the autofluorescence of the resin across the block, percent.",
    )
    unlabelled_percent: float = Field(
        0.0, ge=0, le=100, description="Share of the cells without fluorescence, percent."
    )
    resin_stain: float = Field(
        0.13,
        ge=0,
        le=1,
        description="Grey of empty resin in electron images, on the scale of stain; cells have about 0.4.",
    )
    resin_texture_percent: float = Field(
        0.8, ge=0, le=20, description="Standard deviation of the clouds in the resin, percent of full scale."
    )
    dirt_per_field: float = Field(
        0.0, ge=0, le=500, description="Mean number of particles in a field that only electrons show."
    )
    knife_marks_per_field: float = Field(
        0.0, ge=0, le=100, description="Mean number of scratches across a field that only electrons show."
    )
    section_shift_um: float = Field(
        3.0, ge=0, le=500, description="Standard deviation of the position of a section, um."
    )
    section_rotation_deg: float = Field(
        1.0, ge=0, le=180, description="Standard deviation of the rotation of a section, degrees."
    )


class ScanFaultsConfig(Frozen):
    """Share of the electron images that have a fault, each by itself."""

    blank_percent: float = Field(0.0, ge=0, le=100, description="Scans without a beam, percent.")
    truncated_percent: float = Field(
        0.0, ge=0, le=100, description="Scans of which the beam is lost on the way, percent."
    )
    frozen_percent: float = Field(
        0.0, ge=0, le=100, description="Scans that give the image of the scan before, percent."
    )
    saturated_percent: float = Field(
        0.0, ge=0, le=100, description="Scans of which the detector shows most pixels at its end, percent."
    )
    defocus_percent: float = Field(
        0.0,
        ge=0,
        le=100,
        description="Scans before which the height of the specimen changes, until the next such, percent.",
    )
    drift_percent: float = Field(
        0.0, ge=0, le=100, description="Scans in which the specimen drifts steadily, percent."
    )
    jump_percent: float = Field(
        0.0, ge=0, le=100, description="Scans in which the specimen moves suddenly, percent."
    )
    charging_percent: float = Field(
        0.0, ge=0, le=100, description="Scans with steps of grey between rows, percent."
    )


class SimulatorConfig(Frozen):
    """Behaviour of the simulated devices."""

    specimen: SpecimenConfig = SpecimenConfig()
    scan_faults: ScanFaultsConfig = ScanFaultsConfig()
    layout: ListLayout | None = Field(
        None,
        description="Where the sections truly lie, if that is not `layout`; written by `dry-run --overview`.",
    )
    read_noise_electrons: float = Field(
        60.0, ge=0, le=1000, description="Read noise before division by the EM gain, electrons."
    )
    quantum_efficiency: float = Field(0.9, gt=0, le=1, description="Photoelectrons per photon.")
    electrons_per_adu: float = Field(
        10.0, gt=0, le=1000, description="Electrons per grey level, after the EM gain."
    )
    dust_spots: int = Field(
        0, ge=0, le=100, description="Number of bright spots at fixed positions of the camera."
    )
    defocus_um: float = Field(
        0.0, ge=0, le=20, description="Position of the objective at which it is in focus, um."
    )
    stage_speed_mm_per_s: float = Field(1.0, gt=0, le=50, description="Speed of the stage, mm/s.")
    stage_settle_s: float = Field(0.3, ge=0, le=60, description="Settling time after a move, s.")
    stage_error_um: float = Field(
        0.3, ge=0, le=50, description="Standard deviation between true position and read-back, um."
    )
    beam_error_um: float = Field(
        0.03,
        ge=0,
        le=10,
        description="Standard deviation of the place of a scan where the beam moves, on each axis, um.",
    )
    stage_backlash_um: float = Field(
        0.0,
        ge=0,
        le=50,
        description="Shortfall of a move towards -x or -y, which the read-back does not show, um.",
    )
    pump_to_high_vacuum_min: float = Field(4.0, ge=0, le=120, description="Time to pump to high vacuum, min.")
    pump_to_partial_min: float = Field(
        2.0, ge=0, le=120, description="Time to reach partial pressure, or to vent, min."
    )
    scan_overhead_s: float = Field(1.5, ge=0, le=60, description="Time of a frame beyond its dwell time, s.")
    charging_percent: float = Field(
        0.0,
        ge=0,
        le=50,
        description="Standard deviation of the slow change of grey across an electron image, percent.",
    )
    plate_height_um: float = Field(
        0.0,
        ge=-200,
        le=200,
        description="Height of the plate at stage position [0, 0] above the height in focus, um.",
    )
    plate_tilt_mrad: tuple[float, float] = Field(
        (0.0, 0.0), description="Slope of the plate along x and y, mrad."
    )
    plate_bow_um: float = Field(
        0.0,
        ge=-200,
        le=200,
        description="Additional height of the plate 10 mm from stage position [0, 0], um.",
    )
    autofocus_noise_um: float = Field(
        0.5, ge=0, le=50, description="Standard deviation of the automatic focus of the beam, um."
    )
    autofocus_wrong_percent: float = Field(
        0.0, ge=0, le=100, description="Share of automatic focuses that are 20 to 80 um off, percent."
    )
    autofocus_fails_percent: float = Field(
        0.0, ge=0, le=100, description="Share of automatic focuses that find nothing, percent."
    )

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.specimen.cell_radius_sd_um >= self.specimen.cell_radius_um:
            raise ValueError("specimen.cell_radius_sd_um must be below specimen.cell_radius_um")
        if any(abs(tilt) > 50 for tilt in self.plate_tilt_mrad):
            raise ValueError("plate_tilt_mrad must be two numbers from -50 to 50")
        return self
