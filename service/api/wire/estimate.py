"""What the method `estimate` puts on the wire."""

from config.base import Frozen
from service.planning.estimate import Extent


class WayRow(Frozen):
    """What it takes to image the whole array in one way; see `service.planning.estimate.Way`."""

    method: str
    chosen: bool
    frames: int
    beam_s: float
    electron_s: float
    data_bytes: int
    exposed_m2: float
    mean_dose_per_nm2: float
    finish_at: str


class EstimateResult(Frozen):
    """What is left of the session; see `service.planning.estimate.SessionEstimate`."""

    extent: Extent
    measured: tuple[str, ...]
    left_s: float
    fluorescence_s: float
    pumping_s: float
    electron_s: float
    focus_s: float
    finish_at: str
    frames_left: int
    beam_left_s: float
    data_left_bytes: int
    dose_per_nm2: float
    dose_mc_per_cm2: float
    ways: tuple[WayRow, ...]
