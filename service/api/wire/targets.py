"""Parameters and results of the methods that choose the cells to image."""

from config.base import Frozen
from config.work import TargetsConfig
from service.api.wire.messages import Identifier, Limit
from service.api.wire.queue import SteerParams
from service.model.targets import Beside, LeftOut


class TargetsParams(Frozen):
    """Selection of cells; `after` is the last identifier of the page before."""

    limit: Limit = 100
    after: Identifier | None = None
    chosen: bool | None = None
    """True for chosen cells only, false for those left out only."""


class PreviewParams(Frozen):
    """A rule to try."""

    rule: TargetsConfig


class SetTargetsParams(SteerParams):
    """A rule in place of the one in force."""

    rule: TargetsConfig


class TargetRow(Frozen):
    """One cell through all sections that show it."""

    target: str
    """Its track; for a cell without a track, the cell itself."""
    brightness_adu: float | None
    """Median over its sections, grey levels above the background; null if not measured."""
    size_um: float
    """Root of width times height, in its largest section."""
    sections: int
    """Number of sections that show it."""
    first_section: str
    last_section: str
    alone_s: float
    """Time of its electron images if no frame is shared with another cell."""
    chosen: bool
    left_out: LeftOut | None
    """Reason why it is left out; null if it is chosen."""
    beside: Beside | None
    """Strongest effect of the frames of other cells in any section; null if chosen or not planned yet."""


class TargetPage(Frozen):
    """Some cells; `after` asks for the next ones, null at the end."""

    targets: tuple[TargetRow, ...]
    after: str | None


class Targets(Frozen):
    """The choice in force. `by`, `reason` and `at` are null for that of the configuration."""

    rule: TargetsConfig
    by: str | None
    reason: str | None
    at: str | None
    """Wall clock, ISO 8601, UTC."""
    cells: int
    chosen: int
    left_out: dict[LeftOut, int]
    electron_s: float | None
    """Time of the electron images of the chosen cells, by their plans; null while sections are planned."""
    all_s: float | None
    """The same if no cell was left out."""
    open: bool
    """True while the choice can be changed: in the review."""


class TargetsPreview(Frozen):
    """Effect of a rule, without a change; names are the first hundred."""

    cells: int
    chosen: int
    left_out: dict[LeftOut, int]
    added: int
    added_names: tuple[str, ...]
    dropped: int
    dropped_names: tuple[str, ...]
    most_s: float
    """Upper limit of the time of the electron images; the plan that follows may be shorter."""
    electron_s: float | None
    all_s: float | None
