"""Room on the disk: no exposure without room for its data."""

import shutil
from pathlib import Path


def shortage(folder: Path, needed_bytes: float, keep_free_gb: float) -> str | None:
    """Why the next image does not fit, as a sentence; None if it does.

    Parameters
    ----------
    folder : Path
        Where it would go.
    needed_bytes : float
        Its size; 10 % is added.
    keep_free_gb : float
        What is to stay free besides, GB (1e9 bytes).
    """
    free = shutil.disk_usage(folder).free
    needed = needed_bytes * 1.1
    if free < needed + keep_free_gb * 1e9:
        return (
            f"low disk: {free / 1e6:.0f} MB free in {folder}; {needed / 1e6:.0f} MB are needed next"
            f" and {keep_free_gb:g} GB are to stay free"
        )
    return None
