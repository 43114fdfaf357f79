"""Settings of the microscope: SEM, chamber, stage, calibration; for fluorescence see `config.light`.

Defaults are those of Delpiano et al., J. Microsc. 271 (2018) 109, 'Data acquisition', where the paper gives
one.
"""

import math
from datetime import date
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from config.base import Frozen


class OverviewConfig(Frozen):
    """Fast electron overview at each stage position, by which its frames are placed."""

    take: bool = Field(
        False,
        description="Take an overview directly before the frames of each stage position, and place them by"
        " it; needs beam_reach_um.",
    )
    pixel_size_nm: float = Field(100.0, ge=20, le=400, description="Pixel size of an overview, nm.")
    dwell_us: float = Field(1.0, ge=0.025, le=100, description="Dwell time of a pixel of an overview, us.")
    largest_offset_um: float = Field(
        6.0,
        gt=0,
        le=10,
        description="Largest distance between fluorescence and overview that the machine can cause, um; a"
        " field that seems to lie further off is not believed.",
    )

    @property
    def pixel_size_m(self) -> float:
        """Pixel size, m."""
        return self.pixel_size_nm / 1e9

    @property
    def dwell_s(self) -> float:
        """Dwell time of a pixel, s."""
        return self.dwell_us / 1e6


_MOST_OVERVIEW_DOSE = 0.05
"""Largest dose of an overview, as a share of that of an image. Chosen by hand."""


class SemConfig(Frozen):
    """Electron imaging (EM): beam, scan and detector."""

    pixel_size_nm: float = Field(16.5, ge=0.5, le=1000, description="Pixel size of an electron image, nm.")
    frame_px: tuple[int, int] = Field(
        (1536, 1103),
        description="Width and height of a frame, data bar included, px; the largest, unless max_scan_px is"
        " set.",
    )
    max_scan_px: tuple[int, int] | None = Field(
        None,
        description="Largest width and height of a scan, px without data bar; null: that of frame_px.",
    )
    longest_scan_min: float | None = Field(
        None,
        gt=0,
        le=600,
        description="Longest time of one scan, since the image drifts, min; null: no limit.",
    )
    databar_px: int = Field(79, ge=0, le=500, description="Rows of the data bar in that frame, px.")
    presets_px: tuple[tuple[int, int], ...] = Field(
        (),
        max_length=40,
        description="Scan sizes, px without data bar, of a machine that has only those;"
        " empty for one that scans any size up to max_scan_px.",
    )
    dwell_us: float = Field(60.0, ge=0.025, le=10000, description="Dwell time of a pixel, us.")
    accelerating_voltage_kv: float = Field(2.5, ge=0.05, le=30, description="Accelerating voltage, kV.")
    spot_size: float = Field(3.5, ge=1, le=10, description="Spot size of the machine, unitless.")
    beam_current_pa: float = Field(
        100.0, gt=0, le=1e6, description="Beam current at the specimen, from which the dose follows, pA."
    )
    beam_shift_range_um: float = Field(
        0.0,
        ge=0,
        le=500,
        description="Longest beam shift used instead of moving the stage, um; 0: none.",
    )
    beam_reach_um: tuple[float, float] = Field(
        (0.0, 0.0),
        description="Width and height around the stage position within which the scan generator places scans,"
        " so that the beam moves and not the stage, um; [0, 0]: the stage moves to every frame.",
    )
    beam_error_um: float = Field(
        0.1,
        ge=0,
        le=10,
        description="Largest distance of a scan from its place within beam_reach_um, drift included, um.",
    )
    overview: OverviewConfig = OverviewConfig()
    aperture_um: float = Field(30.0, ge=1, le=1000, description="Diameter of the final aperture, um.")
    working_distance_mm: float = Field(
        5.8, ge=0.5, le=60, description="Distance from the pole piece to the section, mm."
    )
    detector: str = Field("vCD", min_length=1, max_length=40, description="Name of the backscatter detector.")
    image_bits: Literal[8, 16] = Field(8, description="Bits per pixel, for estimates of the data size.")
    invert_contrast: bool = Field(True, description="Show heavy stain dark, as in transmission images.")
    overhead_s: float = Field(5.0, ge=0, le=600, description="Time of a frame beyond its dwell time, s.")
    autofocus_s: float = Field(
        30.0, ge=0, le=300, description="Time under the beam of one automatic focus, for estimates, s."
    )
    beam_halo_um: float = Field(
        0.5, ge=0, le=20, description="Width of the margin around a scan that scattered electrons bleach, um."
    )

    @model_validator(mode="after")
    def _frame_in_range(self) -> Self:
        width, height = self.frame_px
        if not (64 <= width <= 65536 and 64 <= height <= 65536):
            raise ValueError("frame_px must be two numbers from 64 to 65536")
        if height - self.databar_px < 64:
            raise ValueError(f"databar_px must leave at least 64 of the {height} rows of frame_px")
        if self.max_scan_px is not None and not all(64 <= side <= 65536 for side in self.max_scan_px):
            raise ValueError("max_scan_px must be two numbers from 64 to 65536")
        for size in self.presets_px:
            if not all(16 <= side <= 65536 for side in size):
                raise ValueError(f"presets_px must be pairs of numbers from 16 to 65536, not {list(size)}")
        if len(set(self.presets_px)) < len(self.presets_px):
            raise ValueError("presets_px must all differ")
        if min(self.specimen_px) < 16:
            raise ValueError(
                f"longest_scan_min leaves no room for a scan: {self.longest_scan_min:g} min at"
                f" {self.dwell_us:g} us per pixel"
            )
        if not all(0 <= side <= 1000 for side in self.beam_reach_um):
            raise ValueError("beam_reach_um must be two numbers from 0 to 1000")
        if (self.beam_reach_um[0] > 0) != (self.beam_reach_um[1] > 0):
            raise ValueError("beam_reach_um must be two numbers above 0, or [0, 0]")
        if self.beam_moves and self.presets_px:
            raise ValueError(
                "beam_reach_um must be [0, 0] with presets_px: a preset has its place at the stage position"
            )
        if self.overview.take and not self.beam_moves:
            raise ValueError(
                "overview.take needs beam_reach_um: after a move of the stage an overview says nothing about"
                " where a frame lands"
            )
        if self.overview.take and self.overview_dose > _MOST_OVERVIEW_DOSE:
            raise ValueError(
                f"overview has {self.overview_dose:.1%} of the dose of an image; larger pixels or a shorter"
                f" dwell_us must bring it to {_MOST_OVERVIEW_DOSE:.0%} at most"
            )
        if self.presets_px and not self.scan_presets_px:
            raise ValueError(
                "presets_px: all of them exceed max_scan_px or take longer than longest_scan_min"
            )
        return self

    @property
    def scan_presets_px(self) -> tuple[tuple[int, int], ...]:
        """Presets within max_scan_px and longest_scan_min."""
        most = self.max_scan_px or (65536, 65536)
        return tuple(
            (width, height)
            for width, height in self.presets_px
            if width <= most[0] and height <= most[1] and width * height <= self._most_pixels
        )

    @property
    def specimen_px(self) -> tuple[int, int]:
        """Largest width and height of a scan, px: of the presets, or else max_scan_px or a frame.

        Scans that would take longer than `longest_scan_min` are narrower and lower in the same proportion.
        """
        if presets := self.scan_presets_px:
            widths, heights = zip(*presets, strict=True)
            return max(widths), max(heights)
        width, height = self.max_scan_px or (self.frame_px[0], self.frame_px[1] - self.databar_px)
        if width * height <= self._most_pixels:
            return width, height
        shrink = math.sqrt(self._most_pixels / (width * height))
        return math.floor(width * shrink), math.floor(height * shrink)

    @property
    def _most_pixels(self) -> float:
        if self.longest_scan_min is None:
            return math.inf
        return self.longest_scan_min * 60e6 / self.dwell_us

    @property
    def beam_moves(self) -> bool:
        """True where the beam moves between frames, and not the stage."""
        return self.beam_reach_um[0] > 0

    def beam_window_um(self, arrival_tolerance_um: float) -> tuple[float, float]:
        """Return width and height of the ground that the beam reaches wherever the stage arrives, um."""
        width_um, height_um = (side - 2 * arrival_tolerance_um for side in self.beam_reach_um)
        return max(0.0, width_um), max(0.0, height_um)

    @property
    def overview_dose(self) -> float:
        """Dose of an overview, as a share of that of an image."""
        area = (self.overview.pixel_size_nm / self.pixel_size_nm) ** 2
        return self.overview.dwell_us / self.dwell_us / area

    @property
    def pixel_size_m(self) -> float:
        """Pixel size of an electron image, m."""
        return self.pixel_size_nm / 1e9

    @property
    def dwell_s(self) -> float:
        """Dwell time of a pixel, s."""
        return self.dwell_us / 1e6


class ChamberConfig(Frozen):
    """Pressures of the specimen chamber, and times for changing them."""

    fluorescence_pressure_pa: float = Field(
        200.0, gt=0, le=1e5, description="Partial pressure of water vapour during fluorescence, Pa."
    )
    fluorescence_tolerance_percent: float = Field(
        20.0, gt=0, le=90, description="Largest deviation from that pressure, percent."
    )
    high_vacuum_pa: float = Field(1e-3, gt=0, le=0.1, description="Pressure of high vacuum, Pa.")
    beam_max_pressure_pa: float = Field(
        1e-2, gt=0, le=1, description="Highest pressure for the beam, whatever state the chamber reports, Pa."
    )
    by_hand: bool = Field(
        False,
        description="A person operates the chamber: the session asks for each pressure, and waits until"
        " somebody confirms it.",
    )
    change_timeout_min: float = Field(30.0, gt=0, le=600, description="Longest time to pump or vent, min.")
    to_partial_vacuum_min: float = Field(
        2.0, ge=0, le=600, description="Time to reach the pressure of fluorescence, for estimates, min."
    )
    to_high_vacuum_min: float = Field(
        4.0, ge=0, le=600, description="Time to reach high vacuum, for estimates, min."
    )

    @model_validator(mode="after")
    def _limits_ordered(self) -> Self:
        if self.high_vacuum_pa > self.beam_max_pressure_pa:
            raise ValueError("beam_max_pressure_pa must not be below high_vacuum_pa")
        return self


class StageConfig(Frozen):
    """Range, accuracy and speed of the stage."""

    safe_x_mm: tuple[float, float] = Field((-12.0, 12.0), description="Allowed range of the stage in x, mm.")
    safe_y_mm: tuple[float, float] = Field((-12.0, 12.0), description="Allowed range of the stage in y, mm.")
    position_error_um: float = Field(
        1.0, ge=0, le=100, description="Largest distance between the true position and the read-back, um."
    )
    arrival_tolerance_um: float = Field(
        2.0,
        gt=0,
        le=100,
        description="Largest distance from the target after a move; beyond it the move failed, um.",
    )
    speed_mm_per_s: float = Field(1.0, gt=0, le=50, description="Speed, for estimates, mm/s.")
    settle_s: float = Field(0.5, ge=0, le=60, description="Wait between a move and an exposure, s.")
    approach_um: tuple[float, float] = Field(
        (0.0, 0.0),
        description="Offset from which the stage approaches every position, against backlash, x and y, um;"
        " [0, 0]: it moves straight there.",
    )
    approach_s: float = Field(1.0, ge=0, le=60, description="Time of that approach, for estimates, s.")
    move_timeout_s: float = Field(60.0, gt=0, le=600, description="Longest time of a move, s.")

    @model_validator(mode="after")
    def _ranges_ordered(self) -> Self:
        for name, (low, high) in (("safe_x_mm", self.safe_x_mm), ("safe_y_mm", self.safe_y_mm)):
            if not -200 <= low < high <= 200:
                raise ValueError(f"{name} must be two growing numbers from -200 to 200")
        if any(abs(v) > 1000 for v in self.approach_um):
            raise ValueError("approach_um must be two numbers from -1000 to 1000")
        return self

    @property
    def safe_area_m(self) -> tuple[float, float, float, float]:
        """Positions that the stage may have, (x0, y0, x1, y1), m."""
        (x0, x1), (y0, y1) = self.safe_x_mm, self.safe_y_mm
        return x0 * 1e-3, y0 * 1e-3, x1 * 1e-3, y1 * 1e-3


class CalibrationConfig(Frozen):
    """FM to SEM calibration: from the FM stage position of a point to that at which the SEM shows it.

    ``sem = shift + R(rotation) @ [[1, shear], [0, 1]] @ (scale * fm)``; applied in ``drivers.pose`` only.
    """

    shift_um: tuple[float, float] = Field((0.0, 0.0), description="Shift in x and y, um.")
    rotation_mrad: float = Field(0.0, ge=-200, le=200, description="Rotation, counter-clockwise, mrad.")
    scale: float = Field(1.0, ge=0.8, le=1.25, description="Distance in the SEM over that in FM, unitless.")
    shear: float = Field(0.0, ge=-0.1, le=0.1, description="Shear of x along y, unitless.")
    measured_on: date | None = Field(
        None, description="Day of the measurement; null for a nominal calibration."
    )
    rms_um: float | None = Field(
        None, ge=0, le=500, description="Root mean square of the residuals of its pairs of points, um."
    )
    max_age_days: int = Field(
        30, ge=1, le=3650, description="Age above which a calibration raises a warning, days."
    )

    @field_validator("shift_um")
    @classmethod
    def _shift_in_range(cls, shift_um: tuple[float, float]) -> tuple[float, float]:
        if any(abs(v) > 500 for v in shift_um):
            raise ValueError("must be two numbers from -500 to 500")
        return shift_um


Driver = Literal["simulator", "odemis"]
"""Hardware driven by a profile; `ilemtrack replay` takes fluorescence from files instead."""
