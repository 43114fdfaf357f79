"""The complete configuration of a microscope and a session."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from config.alarms import NotifyConfig, WatchdogConfig
from config.base import Frozen
from config.instrument import (
    CalibrationConfig,
    ChamberConfig,
    Driver,
    SemConfig,
    StageConfig,
)
from config.layout import GridLayout, LayoutConfig
from config.light.fluorescence import FluorescenceConfig
from config.light.holder import HolderConfig
from config.odemis import OdemisConfig
from config.quanta import QuantaConfig
from config.simulator import SimulatorConfig
from config.work import ApiConfig, DetectionConfig, PlannerConfig, SessionConfig, TargetsConfig

_FULLEST = 0.75
"""Largest share of a field covered by simulated cells; with more they no longer fit into the block."""


class Config(Frozen):
    """All settings; one YAML file."""

    v: Literal[1] = Field(1, description="Version of the configuration format.")
    profile: str = Field(
        "unnamed", min_length=1, max_length=80, description="Name of the profile, for people."
    )
    driver: Driver = Field(
        "simulator", description="Driver of fluorescence, and without `quanta` of the SEM too."
    )
    quanta: QuantaConfig | None = Field(
        None, description="Server that drives SEM, stage and chamber; null: `driver` does."
    )
    fluorescence: FluorescenceConfig = FluorescenceConfig()
    sem: SemConfig = SemConfig()
    chamber: ChamberConfig = ChamberConfig()
    stage: StageConfig = StageConfig()
    holder: HolderConfig = HolderConfig()
    calibration: CalibrationConfig = CalibrationConfig()
    layout: LayoutConfig = Field(GridLayout(), description="Positions of the sections.")
    detection: DetectionConfig = DetectionConfig()
    targets: TargetsConfig = TargetsConfig()
    planner: PlannerConfig = PlannerConfig()
    session: SessionConfig = SessionConfig()
    api: ApiConfig = ApiConfig()
    notify: NotifyConfig = NotifyConfig()
    watchdog: WatchdogConfig = WatchdogConfig()
    odemis: OdemisConfig = OdemisConfig()
    simulator: SimulatorConfig = SimulatorConfig()

    @model_validator(mode="after")
    def _cells_fit(self) -> Self:
        specimen = self.simulator.specimen
        width_m, height_m = self.fluorescence.field_size_m
        # A field also shows parts of cells whose centres lie around it.
        around_m = 2e-6 * specimen.cell_radius_um
        room_um2 = (width_m + around_m) * (height_m + around_m) * 1e12
        # The mean cut of a sphere has 2/3 of the area of the largest cut.
        cells_um2 = specimen.cells_per_field * 2 / 3 * math.pi * specimen.cell_radius_um**2
        if cells_um2 > _FULLEST * room_um2:
            raise ValueError(
                f"simulator.specimen.cells_per_field: {specimen.cells_per_field:g} cells of radius"
                f" {specimen.cell_radius_um:g} um do not fit into a field of"
                f" {width_m * 1e6:.0f} x {height_m * 1e6:.0f} um; cells may cover {_FULLEST:.0%} of it"
            )
        return self

    @model_validator(mode="after")
    def _scans_exist(self) -> Self:
        if self.quanta is not None and not self.quanta.reduced_area and not self.sem.presets_px:
            raise ValueError(
                "sem.presets_px must name the scan sizes of a machine with quanta.reduced_area: false"
            )
        return self

    @model_validator(mode="after")
    def _a_person_is_asked(self) -> Self:
        """Refuse what only a person can vouch for, unless the session asks one."""
        if self.chamber.by_hand and self.quanta is not None:
            raise ValueError("chamber.by_hand: the server in `quanta` operates the chamber")
        if self._beam_through_odemis and not self.chamber.by_hand:
            if self.odemis.blanking == "parked":
                raise ValueError(
                    "odemis.blanking: parked needs chamber.by_hand: true, since a person must confirm that"
                    " the beam is off during fluorescence"
                )
            if self.odemis.hfw_at_magnification_1_mm is not None:
                raise ValueError(
                    "odemis.hfw_at_magnification_1_mm needs chamber.by_hand: true, since a person must"
                    " confirm the magnification of the SEM"
                )
        if self.beam_is_parked and self.session.order != "array":
            raise ValueError(
                "odemis.blanking: parked needs session.order: array, since a parked beam burns ground beside"
                " its frames: all fluorescence comes before it"
            )
        return self

    @model_validator(mode="after")
    def _cells_fit_in_scans(self) -> Self:
        """Refuse a limit of scans that leaves nothing of a cell beside its surroundings."""
        sem, planner = self.sem, self.planner
        name = "max_scan_px" if sem.max_scan_px is not None else "longest_scan_min"
        width_um, height_um = (side * sem.pixel_size_nm / 1e3 for side in sem.specimen_px)
        if sem.beam_moves:
            window_um = sem.beam_window_um(self.stage.arrival_tolerance_um)
            if window_um[0] < width_um or window_um[1] < height_um:
                name, (width_um, height_um) = "beam_reach_um", map(min, window_um, (width_um, height_um))
        if name != "beam_reach_um" and getattr(sem, name) is None:
            return self
        around_um = 2 * (planner.context_um + planner.guard_um)
        least_um = max(around_um, 2 * planner.overlap_um(self.stage.position_error_um))
        if min(width_um, height_um) <= least_um:
            raise ValueError(
                f"sem.{name}: the largest scan, {width_um:.3g} x {height_um:.3g} um, is too small for a cell:"
                " its surroundings (planner.context_um, planner.guard_um) and the overlap of frames need"
                f" more than {least_um:.3g} um"
            )
        return self

    @model_validator(mode="after")
    def _cells_can_be_chosen(self) -> Self:
        if not self.targets.everything:
            if self.session.order != "array":
                raise ValueError(
                    "targets: cells are chosen among those of all sections, so session.order must be array"
                )
            if self.planner.method == "raster":
                raise ValueError("targets: planner.method: raster images every cell; choose another method")
        return self

    @property
    def beam_is_parked(self) -> bool:
        """True where nothing blanks the beam between scans: it burns ground that no ledger knows."""
        return self._beam_through_odemis and self.odemis.blanking == "parked"

    @property
    def _beam_through_odemis(self) -> bool:
        return self.driver == "odemis" and self.quanta is None

    @model_validator(mode="after")
    def _guard_covers_stage(self) -> Self:
        if self.planner.guard_um < self.stage.position_error_um:
            raise ValueError("planner.guard_um must not be below stage.position_error_um")
        if self.planner.overlap_um(self.stage.position_error_um) < 2 * self.stage.position_error_um:
            raise ValueError("planner.tile_overlap_um must be at least twice stage.position_error_um")
        return self
