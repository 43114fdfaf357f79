"""Free disk space: no exposure without room for its data (invariant 7)."""

import shutil
from pathlib import Path

from service import wording


def shortage(folder: Path, needed_bytes: float, keep_free_gb: float) -> str | None:
    """Return a sentence if the next image does not fit on the disk, None if it does.

    Parameters
    ----------
    folder : Path
        Folder of the image.
    needed_bytes : float
        Size of the image, bytes; 10 % is added.
    keep_free_gb : float
        Space to keep free, GB (1e9 bytes).
    """
    free = shutil.disk_usage(folder).free
    needed = needed_bytes * 1.1
    if free < needed + keep_free_gb * 1e9:
        return wording.low_disk(folder, free, needed, keep_free_gb)
    return None
