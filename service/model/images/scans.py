"""Scans of a frame with their images: which of several is used."""

from collections.abc import Sequence

from service.model.images.checks import CheckedImage
from service.model.jobs import Exposure, ExposureState, Job


def scans_of(
    job: Job, exposures: Sequence[Exposure], checked: Sequence[CheckedImage]
) -> list[tuple[Exposure, CheckedImage]]:
    """Return the scans of a job that came to their end, with their images: the best first.

    Those that no check found bad come first, of these the last: a frame that was taken again is not always
    better.

    Parameters
    ----------
    job : Job
    exposures : sequence of Exposure
        Of the job, in order.
    checked : sequence of CheckedImage
        Of the job.
    """
    closed = [row for row in exposures if row.state is ExposureState.CLOSED]
    images = {one.exposure: one for one in checked}
    if closed and job.image is not None:
        # What a version took that recorded no checks.
        last = CheckedImage(closed[-1].id, job.id, job.image, str(job.sha256))
        images.setdefault(closed[-1].id, last)
    found = [(row, images[row.id]) for row in closed if row.id in images]
    return sorted(found, key=lambda one: (not one[1].bad, one[0].id), reverse=True)
