"""Saving of figures of Matplotlib, without a display."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from service.errors import InputError
from service.store.durable import whole_file


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; an existing file is overwritten.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    FigureCanvasAgg(figure)
    try:
        with whole_file(path) as file:
            figure.savefig(file, format="png", dpi=130)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
