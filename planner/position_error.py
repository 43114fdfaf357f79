"""Errors of position that count for a frame, and the margins that follow from them.

A frame is off its fluorescence by the error of its stage position and, if the beam was moved from there, by
that of the beam. Frames scanned from one stage position share the error of the stage: only that of the beam
remains between them.
"""

from dataclasses import dataclass, replace
from typing import Self

from config.instrument import SemConfig, StageConfig
from config.work import PlannerConfig

MARGIN_UM = 0.5
"""Part of the guard beyond the error of position; decision 18."""


@dataclass(frozen=True, slots=True)
class PositionErrors:
    """Largest errors of position, um.

    Attributes
    ----------
    field_um : float
        Of a stage position against the fluorescence taken there: the error of the stage, or less where it was
        measured.
    stage_um : float
        Of one move of the stage against its read-back.
    beam_um : float
        Of the beam against its offset from the stage position.
    margin_um : float
        Part of the guard beyond these errors.
    seam_um : float
        Overlap that two frames still show if both lie off by their errors.
    """

    field_um: float
    stage_um: float
    beam_um: float
    margin_um: float = MARGIN_UM
    seam_um: float = MARGIN_UM

    @classmethod
    def of(cls, planner: PlannerConfig, sem: SemConfig, stage: StageConfig) -> Self:
        """Return the errors of a configuration, whose guard is for a field that was not measured."""
        margin_um = min(MARGIN_UM, planner.guard_um - stage.position_error_um)
        return cls(
            field_um=planner.guard_um - margin_um,
            stage_um=stage.position_error_um,
            beam_um=sem.beam_error_um,
            margin_um=margin_um,
            seam_um=planner.overlap_um(stage.position_error_um) - 2 * stage.position_error_um,
        )

    def measured(self, proven_um: float) -> Self:
        """Return the errors at a stage position whose overview proves where the field lies.

        The overview itself lies off its place by the error of the beam.
        """
        return replace(self, field_um=proven_um + self.beam_um)

    def guard_um(self, *, beam_moves: bool) -> float:
        """Return the largest distance of a frame from its planned place, margin included.

        Parameters
        ----------
        beam_moves : bool
            True for frames scanned from the stage position of their fluorescence, which share its error;
            false for frames with a stage move of their own.
        """
        if beam_moves:
            return self.field_um + self.beam_um + self.margin_um
        return max(self.field_um, self.stage_um) + self.margin_um

    def overlap_um(self, *, one_position: bool) -> float:
        """Return the overlap that leaves no gap between two frames, from one stage position or from two."""
        return 2 * (self.beam_um if one_position else self.stage_um) + self.seam_um
