"""Contents of an export: the images of a run that are saved for good, and where they lie."""

from dataclasses import dataclass
from pathlib import Path

from drivers.pose import FmToSem
from service.model.jobs import Job
from service.model.specimen import Cell, Field, FramePlace, Section


@dataclass(frozen=True, slots=True)
class LeftOutImage:
    """An image that is not exported, and why."""

    image: str
    reason: str


@dataclass(frozen=True, slots=True)
class SavedFrame:
    """The saved fluorescence of a field, with its cells.

    Attributes
    ----------
    field : Field
    file : Path
    sha256 : str
    place : FramePlace
    column, row : int
        Its place among the fields of the section, from the top left; ``(index, 0)`` where they form no grid.
    cells : tuple of Cell
    """

    field: Field
    file: Path
    sha256: str
    place: FramePlace
    column: int
    row: int
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        """Name within its section, ``F000``."""
        return self.field.id.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class ElectronImage:
    """The image of a job that is done.

    Attributes
    ----------
    job : Job
    source : str
        Its path in the folder of the run.
    file : Path
    sha256 : str
    center_m : (float, float)
        Of the ground that it shows, as fluorescence sees it.
    """

    job: Job
    source: str
    file: Path
    sha256: str
    center_m: tuple[float, float]

    @property
    def number(self) -> int:
        """Number of the job: 12 for ``J000012``."""
        return int(self.job.id[1:])


@dataclass(frozen=True, slots=True)
class SectionContents:
    """Saved images and cells of one section.

    Attributes
    ----------
    section : Section
    frames : tuple of SavedFrame
    images : tuple of ElectronImage
        Frames and focus frames, by the number of their job.
    overviews : tuple of ElectronImage
    left_out : tuple of LeftOutImage
        Frames of which nothing says where they lie.
    fields : tuple of Field
        All, also those without fluorescence.
    jobs : tuple of Job
        Frames and focus frames that were planned, in the order of the queue, whatever became of them; empty
        for formats of images.
    ready : frozenset of str
        Of these, the ones that wait for the beam, with all fluorescence near them saved.
    """

    section: Section
    frames: tuple[SavedFrame, ...]
    images: tuple[ElectronImage, ...]
    overviews: tuple[ElectronImage, ...]
    left_out: tuple[LeftOutImage, ...] = ()
    fields: tuple[Field, ...] = ()
    jobs: tuple[Job, ...] = ()
    ready: frozenset[str] = frozenset()

    @property
    def number(self) -> int:
        """Place in the order of cutting, from 1."""
        return self.section.index + 1


@dataclass(frozen=True, slots=True)
class RunContents:
    """Saved images and cells of a run.

    Attributes
    ----------
    run : str
    folder : Path
        Of the run.
    ended : bool
        False if the session may still add to it.
    fm_to_sem : FmToSem
    keep_free_gb : float
        Space that the session keeps free on its disk, GB (1e9 bytes).
    pixel_size_m : float
        Of electron images, as configured.
    fluorescence_s : float
        Exposure time of a field, as configured.
    sections : tuple of SectionContents
        In the order of cutting.
    """

    run: str
    folder: Path
    ended: bool
    fm_to_sem: FmToSem
    keep_free_gb: float
    pixel_size_m: float
    fluorescence_s: float
    sections: tuple[SectionContents, ...]
