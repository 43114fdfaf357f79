"""Values between the page Tune and the program that runs the detector."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

Value = str | float | bool
Colour = Literal["green", "blue", "amber", "red"]
Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1), px of the frame."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of detection, as its model has it.

    Attributes
    ----------
    key : str
        In the configuration, under ``detection``.
    kind : {'number', 'choice', 'switch'}
    value : str, float or bool
        Of the configuration.
    says : str
        Meaning and unit.
    low, high : float
        Range of a number.
    options : tuple of str
        Of a choice.
    only_for : tuple of str
        Kinds of detectors that use it; empty for all.
    """

    key: str
    kind: Literal["number", "choice", "switch"]
    value: Value
    says: str
    low: float = 0.0
    high: float = 1.0
    options: tuple[str, ...] = ()
    only_for: tuple[str, ...] = ()

    def is_used_by(self, detector: str) -> bool:
        """Return True if a detector, by its name in the configuration, uses it."""
        return not self.only_for or detector.partition(":")[0] in self.only_for


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """A frame to try.

    Attributes
    ----------
    file : str
        One of those that are offered, or one that `Tuner.keep` has returned.
    page : int
        From 1.
    pixel_size_nm : float or None
        None for that of the file.
    channel : str
        Empty for the only one.
    """

    file: str
    page: int = 1
    pixel_size_nm: float | None = None
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A frame and the settings that are tried on it, on top of those of a configuration."""

    frame: FrameChoice
    configuration: str
    settings: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes of one meaning."""

    name: str
    colour: Colour
    dashed: bool
    boxes_px: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One step: a picture over the whole frame, boxes over it, and what its darkest and brightest mean."""

    title: str
    png: str
    """Base64."""
    scale: str
    groups: tuple[Boxes, ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of a detector on a frame, and their result.

    Attributes
    ----------
    size_px : (int, int)
        Width and height of the frame.
    pages : int
        Pages of the file.
    panels : tuple of Panel
    cells, imaged, doubtful : int
        Cells found, imaged, and imaged with a wider margin.
    imaged_fraction : float
        Part of the frame.
    warnings : tuple of str
    elapsed_ms : float
        Of the detector alone.
    """

    size_px: tuple[int, int]
    pages: int
    panels: tuple[Panel, ...]
    cells: int
    imaged: int
    doubtful: int
    imaged_fraction: float
    warnings: tuple[str, ...] = field(default=())
    elapsed_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Electron images of a frame.

    Attributes
    ----------
    method : str
        Of the planner.
    frames : int
    total_s, raster_s : float
        Time of these frames, with moves; of a full raster.
    fields : int
        Fields of the configuration.
    """

    method: str
    frames: int
    total_s: float
    raster_s: float
    fields: int


class Tuner(Protocol):
    """A program that runs detectors beside the console, and stays warm. Calls wait, some for seconds.

    Each raises `InputError`, one sentence, for what a person can mend.
    """

    def images(self) -> list[str]:
        """Return the images that are offered: those in the folder of the console and in its subfolders."""
        ...

    def keep(self, name: str, data: bytes) -> str:
        """Keep the file of a frame of a run, and return its name for a `FrameChoice`."""
        ...

    def settings(self, configuration: str) -> tuple[Setting, ...]:
        """Return the settings of detection of a configuration."""
        ...

    def steps(self, trial: Trial) -> Steps:
        """Run the detector."""
        ...

    def cost(self, trial: Trial, quick: bool) -> Cost:
        """Plan the electron frames; `quick` by the fastest method, which takes a little more beam time."""
        ...

    def save(self, trial: Trial, name: str, by: str, replace: bool) -> str:
        """Write a configuration with these settings beside the others, and return the name of its file.

        An existing file is refused unless `replace`; the file is loaded again before it counts.
        """
        ...
