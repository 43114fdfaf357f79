"""The whole configuration of a microscope and a session."""

from typing import Literal, Self

from pydantic import Field, model_validator

from config.base import Frozen
from config.instrument import (
    CalibrationConfig,
    ChamberConfig,
    Driver,
    FluorescenceConfig,
    SemConfig,
    StageConfig,
)
from config.layout import GridLayout, LayoutConfig
from config.simulator import SimulatorConfig
from config.work import ApiConfig, DetectionConfig, PlannerConfig, SessionConfig


class Config(Frozen):
    """Everything that a person may set; one YAML file."""

    v: Literal[1] = 1
    profile: str = Field("unnamed", min_length=1, max_length=80, description="Name for people.")
    driver: Driver = "simulator"
    fluorescence: FluorescenceConfig = FluorescenceConfig()
    sem: SemConfig = SemConfig()
    chamber: ChamberConfig = ChamberConfig()
    stage: StageConfig = StageConfig()
    calibration: CalibrationConfig = CalibrationConfig()
    layout: LayoutConfig = GridLayout()
    detection: DetectionConfig = DetectionConfig()
    planner: PlannerConfig = PlannerConfig()
    session: SessionConfig = SessionConfig()
    api: ApiConfig = ApiConfig()
    simulator: SimulatorConfig = SimulatorConfig()

    @model_validator(mode="after")
    def _guard_covers_stage(self) -> Self:
        if self.planner.guard_um < self.stage.position_error_um:
            raise ValueError("planner.guard_um must not be below stage.position_error_um")
        if self.planner.tile_overlap_um < 2 * self.stage.position_error_um:
            raise ValueError("planner.tile_overlap_um must be at least twice stage.position_error_um")
        return self
