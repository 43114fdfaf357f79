"""Saving of the pictures of a run."""

from collections.abc import Callable
from pathlib import Path

from service.logs import get_logger

log = get_logger(__name__)


def save_or_log(folder: Path, name: str, write: Callable[[Path], None]) -> None:
    """Write a picture; log any error.

    Parameters
    ----------
    folder : Path
    name : str
    write : callable
        Writes the file whole or not at all, as `service.store.durable` does.
    """
    path = folder / f"{name}.png"
    try:
        folder.mkdir(exist_ok=True)
        write(path)
    except Exception as error:
        log.error("picture not drawn", picture=name, error=str(error), exc_info=True)
