"""Settings of detection, planning, session and API."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from config.base import Frozen
from config.choices import Denoising

PlanMethod = Literal["exact", "greedy", "per-box", "raster"]
"""Methods that turn the cells of a section into SEM frames, the most expensive to compute first."""

Endpoint = Annotated[str, StringConstraints(pattern=r"^(ipc://.{1,100}|tcp://[^\s:]+:\d{1,5})$")]


TargetName = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class DetectionConfig(Frozen):
    """The detector, and the recall-first policy applied to its hits."""

    detector: str = Field(
        "combined",
        pattern=r"^((forest|network|combined):[^\r\n]{1,4000}|[a-z][a-z0-9_.-]{0,60})$",
        description="combined (network and recall-first), network, recall-first, paper, a plug-in, or a"
        " file of `ilemtrack train`: forest:MODEL, network:MODEL, combined:MODEL.",
    )
    denoise: Denoising = Field("none", description="Noise filter for the paper's detector; others need none.")
    any_pixel_size: bool = Field(
        False, description="Allow a forest on frames of another pixel size than it was trained on."
    )
    serial: bool = Field(
        True,
        description="True if the sections are serial sections of one block: cells are tracked through them."
        " If false, every field is analysed by itself.",
    )
    dilate_um: float = Field(0.5, ge=0, le=20, description="Margin around every detected cell, um.")
    side_quantile: float = Field(
        0.97,
        ge=0.5,
        le=0.9999,
        description="Chance for each side of a cell to lie inside what is imaged, for detectors that know it:"
        " the network.",
    )
    doubtful_below: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Confidence below which a hit is doubtful: it is kept, with a wider margin.",
    )
    doubtful_extra_um: float = Field(0.5, ge=0, le=20, description="Additional margin of doubtful hits, um.")
    min_confidence: float = Field(0.03, ge=0, le=1, description="Confidence below which a hit is not imaged.")


class PlannerConfig(Frozen):
    """The planner, which turns boxes into SEM frames."""

    method: PlanMethod = Field(
        "exact",
        description="exact: the cheapest frames, cells stitched where that saves time; greedy: frames around"
        " whole cells, merged; per-box: one frame for each cell; raster: the whole field.",
    )
    context_um: float = Field(
        2.0, ge=0, le=50, description="Width of the surroundings imaged around a cell, um."
    )
    guard_um: float = Field(
        1.5, ge=0, le=50, description="Margin added for the position error of the stage, um."
    )
    tile_overlap_um: float | None = Field(
        None,
        ge=0,
        le=50,
        description="Overlap where frames meet inside a cell, um; null: twice stage.position_error_um, and"
        " .5 um that both frames show then.",
    )
    whole_cell_worth_s: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="Time that may be spent to keep a cell whole in one frame rather than stitch it, s per"
        " cell, for the method exact.",
    )
    raster_where_cheaper: bool = Field(
        True,
        description="Take a full raster of a section where that is faster than frames around its cells, for"
        " the methods exact and greedy.",
    )
    raster_overlap_percent: float = Field(
        10.0,
        ge=0,
        le=50,
        description="Least overlap of the frames of a full raster, percent; up to tile_overlap_um where that"
        " takes no more frames.",
    )
    outline_margin_um: float = Field(
        5.0, ge=0, le=500, description="Largest distance of a frame beyond the outline of its section, um."
    )

    def overlap_um(self, position_error_um: float) -> float:
        """Return the overlap where frames meet inside a cell, um, for a position error of the stage."""
        return self.tile_overlap_um if self.tile_overlap_um is not None else 2 * position_error_um + 0.5


class TargetsConfig(Frozen):
    """The cells to image; each is imaged in all sections that show it.

    Limits apply first, to the cell as a whole: an empty limit lets all pass. `choose` takes from those that
    pass.
    """

    choose: Literal["all", "brightest", "sample", "tracks"] = Field(
        "all",
        description="all; brightest: the `count` brightest; sample: `count` at random; tracks: those named.",
    )
    count: int | None = Field(
        None, ge=1, le=1_000_000, description="Number of cells, for brightest and sample."
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of the sample: the same seed, the same cells.")
    tracks: tuple[TargetName, ...] = Field(
        (), max_length=10_000, description="Names of tracks, or of cells without a track, for tracks."
    )
    min_brightness_adu: float | None = Field(
        None, description="Least brightness above the background, grey levels; median of its sections."
    )
    max_brightness_adu: float | None = Field(
        None, description="Largest brightness above the background, grey levels; median of its sections."
    )
    min_size_um: float | None = Field(
        None,
        ge=0,
        le=10_000,
        description="Least size, um: root of width times height, largest section.",
    )
    max_size_um: float | None = Field(
        None,
        ge=0,
        le=10_000,
        description="Largest size, um: root of width times height, largest section.",
    )
    min_sections: int | None = Field(
        None, ge=1, le=1_000_000, description="Least number of sections that show it."
    )
    max_sections: int | None = Field(
        None, ge=1, le=1_000_000, description="Largest number of sections that show it."
    )

    @property
    def everything(self) -> bool:
        """True if no cell is left out."""
        return self == TargetsConfig(seed=self.seed)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        counted = self.choose in ("brightest", "sample")
        if counted and self.count is None:
            raise ValueError(f"choose: {self.choose} needs count, the number of cells")
        if not counted and self.count is not None:
            raise ValueError("count is for choose: brightest and choose: sample only")
        if (self.choose == "tracks") != bool(self.tracks):
            raise ValueError("choose: tracks and a list of tracks belong together")
        for name in ("brightness_adu", "size_um", "sections"):
            least, most = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if least is not None and most is not None and least > most:
                raise ValueError(f"min_{name} must not be above max_{name}")
        return self


class SessionConfig(Frozen):
    """Order of work, and handling of failures."""

    order: Literal["array", "section"] = Field(
        "array", description="array: all fluorescence first, then one pump-down; section: section by section."
    )
    autofocus: bool = Field(
        False,
        description="Focus the beam once per section, on saved ground without cells; if the machine can.",
    )
    review: bool = Field(False, description="Pause for a review between fluorescence and electron images.")
    retries: int = Field(2, ge=0, le=10, description="Number of retries of a harmless step that failed.")
    retakes: int = Field(
        1,
        ge=0,
        le=3,
        description="Number of times that a frame may be exposed again without a person, where its image is"
        " blank, cut off or out of focus and another scan can help; 0: never.",
    )
    max_failures_in_a_row: int = Field(
        5, ge=1, le=1000, description="Number of failures in a row that make a fault."
    )
    min_free_disk_gb: float = Field(
        2.0, ge=0, le=100_000, description="Free disk space below which the session pauses, GB."
    )
    compress_images: bool = Field(
        False,
        description="Compress images without loss (deflate): a tenth to a third smaller, slower to read.",
    )


class ApiConfig(Frozen):
    """Endpoints of the daemon; by default ipc sockets in the runtime folder of the user.

    Except on ipc and 127.0.0.1 every client needs a key of `ilemtrack keys new`.
    """

    endpoint: Endpoint | None = Field(None, description="Endpoint for requests, ipc:// or tcp://.")
    events_endpoint: Endpoint | None = Field(None, description="Endpoint for events, ipc:// or tcp://.")
    curve: bool = Field(False, description="Require keys on ipc and 127.0.0.1 too.")
    keys_dir: str | None = Field(
        None, min_length=1, max_length=4000, description="Folder of the keys; null: the user's own."
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
