"""What the program does with the microscope: detection, planning, session, API."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from config.base import Frozen
from config.choices import Denoising

PlanMethod = Literal["exact", "greedy", "per-box", "raster"]
"""How the cells of a section become SEM frames, dearest to compute first."""

Endpoint = Annotated[str, StringConstraints(pattern=r"^(ipc://.{1,100}|tcp://[^\s:]+:\d{1,5})$")]


class DetectionConfig(Frozen):
    """Which detector runs, and the recall-first policy on top of it."""

    detector: str = Field(
        "recall-first",
        pattern=r"^(forest:[^\r\n]{1,4000}|[a-z][a-z0-9_.-]{0,60})$",
        description="recall-first, paper, forest:MODEL (a file of `ilemtrack train`), or a plug-in's name.",
    )
    denoise: Denoising = Field("none", description="Before the paper's detector; other detectors need none.")
    any_pixel_size: bool = Field(
        False, description="A forest is used on frames of another pixel size than it was trained on."
    )
    serial: bool = Field(
        True,
        description="Sections are serial sections of one block: cells are followed through them. Without it"
        " every field is detected by itself.",
    )
    dilate_um: float = Field(
        0.5, ge=0, le=20, description="Margin around every cell as found, within which it is imaged, um."
    )
    doubtful_below: float = Field(
        0.5, ge=0, le=1, description="Hits of less confidence are doubtful: kept, and grown further."
    )
    doubtful_extra_um: float = Field(0.5, ge=0, le=20, description="Further margin of doubtful hits, um.")
    min_confidence: float = Field(
        0.03, ge=0, le=1, description="Hits of less confidence are not imaged, with that as the reason."
    )


class PlannerConfig(Frozen):
    """From boxes to SEM frames."""

    method: PlanMethod = Field(
        "exact",
        description="exact: the cheapest frames; greedy: nearly so, sooner; per-box: a frame for every cell;"
        " raster: everything.",
    )
    context_um: float = Field(2.0, ge=0, le=50, description="Surroundings wanted around a cell, um.")
    guard_um: float = Field(1.5, ge=0, le=50, description="Added because the stage may stand off, um.")
    tile_overlap_um: float = Field(
        3.0, ge=0, le=50, description="Overlap of the tiles of what is larger than a frame, um."
    )
    raster_overlap_percent: float = Field(10.0, ge=0, le=50, description="Overlap of a full raster.")
    outline_margin_um: float = Field(
        5.0, ge=0, le=500, description="How far a frame may leave the outline of its section, um."
    )


class SessionConfig(Frozen):
    """Order of work and what happens when something fails."""

    order: Literal["array", "section"] = Field(
        "array", description="All fluorescence first and one pump-down, or section by section."
    )
    autofocus: bool = Field(
        False,
        description="Focus the beam once for each section, on saved ground that no cell needs; where the"
        " machine can.",
    )
    review: bool = Field(False, description="Wait for a person between fluorescence and the beam.")
    retries: int = Field(2, ge=0, le=10, description="Repeats of a harmless step that failed.")
    max_failures_in_a_row: int = Field(5, ge=1, le=1000, description="So many failures make a fault.")
    min_free_disk_gb: float = Field(2.0, ge=0, le=100_000, description="Below it the session pauses, GB.")


class ApiConfig(Frozen):
    """Where the daemon listens. Without endpoints: ipc sockets in the runtime folder of the user.

    Beyond ipc and 127.0.0.1 every client needs a key of `ilemtrack keys new`.
    """

    endpoint: Endpoint | None = Field(None, description="Requests; ipc:// or tcp://.")
    events_endpoint: Endpoint | None = Field(None, description="Events; ipc:// or tcp://.")
    curve: bool = Field(False, description="Demand keys on ipc and 127.0.0.1, too.")
    keys_dir: str | None = Field(
        None, min_length=1, max_length=4000, description="Folder of the keys; that of the user without."
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.endpoint is None) != (self.events_endpoint is None):
            raise ValueError("endpoint and events_endpoint must be set together")
        if self.endpoint is not None and self.endpoint == self.events_endpoint:
            raise ValueError("endpoint and events_endpoint must differ")
        for value in (self.endpoint, self.events_endpoint):
            if value is not None and value.startswith("tcp://"):
                port = value.rsplit(":", 1)[1]
                if not 1 <= int(port) <= 65535:
                    raise ValueError(f"{value}: the port must be from 1 to 65535")
        return self
