"""Effect of the planned frames of chosen cells on a cell that is left out."""

from collections.abc import Sequence

from drivers.pose import RectM
from planner.cover.imaged_ground import Imaged
from planner.geometry.rects import grown, overlap
from service.model.targets import Beside


def beside(rect_m: RectM, frames_m: Sequence[RectM], reach_m: float) -> Beside:
    """Return the effect of frames on a cell that none of them is for.

    Parameters
    ----------
    rect_m : RectM
        The cell as found.
    frames_m : sequence of RectM
        Ground of the frames as planned.
    reach_m : float
        Distance beyond a planned frame within which the beam may bleach: guard and halo.
    """
    near = [frame for frame in frames_m if overlap(grown(frame, reach_m), rect_m)]
    if not near:
        return Beside.CLEAR
    return Beside.IMAGED if Imaged(near).shows(rect_m) else Beside.TOUCHED
