"""Saving of figures and pictures, without a display."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from service.errors import InputError
from service.logs import get_logger

log = get_logger(__name__)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; an existing file is overwritten.

    Raises
    ------
    InputError
        Raised when the file cannot be written.
    """
    FigureCanvasAgg(figure)
    try:
        figure.savefig(path, format="png", dpi=130)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def save_or_log(folder: Path, name: str, write: Callable[[Path], None]) -> None:
    """Write a picture, whole or not at all; log any error."""
    path = folder / f"{name}.png"
    try:
        folder.mkdir(exist_ok=True)
        part = path.with_name(f"{name}.part")
        write(part)
        part.replace(path)
    except Exception as error:
        log.error("picture not drawn", picture=name, error=str(error), exc_info=True)
