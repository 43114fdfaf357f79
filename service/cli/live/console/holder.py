"""Section lists and overviews in the folder of the console, for the page Holder."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from service.cli.live.console.worker import Worker
from service.console.computer.holder import (
    HolderMap,
    Landmark,
    OverviewPicture,
    SafeArea,
    SessionSettings,
)
from service.errors import InputError
from service.input_files import files_to_choose

LISTS = (".yaml", ".yml", ".json", ".csv", ".tsv", ".magc")
PICTURES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")
_MOST_FILES = 2000
_LONGEST_FIND_S = 900.0
"""Longest search for sections, s: one of 1910 x 3600 px takes 20 s of processor time."""


class HolderHere:
    """Files that the worker reads and writes; see `service.console.computer.holder.HolderFiles`.

    Parameters
    ----------
    worker : Worker
    folder : Path
        Has the lists, the overviews and the configurations.
    configurations : callable
        Returns the names of the configurations that are offered.
    """

    def __init__(self, worker: Worker, folder: Path, configurations: Callable[[], list[str]]) -> None:
        self._worker, self._folder, self._configurations = worker, folder, configurations

    def lists(self) -> list[str]:
        """Return the files that may be section lists or landmarks."""
        return self._files(LISTS)

    def overviews(self) -> list[str]:
        """Return the pictures that may be overviews."""
        return self._files(PICTURES)

    def read(self, name: str) -> HolderMap:
        """Read a section list."""
        return _map(self._worker.ask("holder_read", name=_offered(name, self.lists())))

    def find(self, overview: str) -> HolderMap:
        """Find the sections in an overview."""
        chosen = _offered(overview, self.overviews())
        return _map(self._worker.ask("holder_find", longest_s=_LONGEST_FIND_S, overview=chosen))

    def landmarks(self, name: str) -> tuple[Landmark, ...]:
        """Read landmarks."""
        found = self._worker.ask("holder_landmarks", name=_offered(name, self.lists()))
        return TypeAdapter(tuple[Landmark, ...]).validate_python(found)

    def picture(self, overview: str) -> OverviewPicture:
        """Return an overview for the browser."""
        found = self._worker.ask("holder_picture", overview=_offered(overview, self.overviews()))
        return TypeAdapter(OverviewPicture).validate_python(found)

    def safe_area(self, shown: HolderMap, configuration: str) -> SafeArea:
        """Return the safe area of a configuration over the sections."""
        chosen = _offered(configuration, self._configurations())
        found = self._worker.ask(
            "holder_safe_area",
            unit=shown.unit,
            landmarks=[asdict(one) for one in shown.landmarks],
            configuration=chosen,
        )
        return TypeAdapter(SafeArea).validate_python(found)

    def save(self, shown: HolderMap, name: str, replace: bool) -> str:
        """Write a section list."""
        return str(self._worker.ask("holder_save", shown=asdict(shown), name=name, replace=replace))

    def configure(self, source: str, settings: SessionSettings, replace: bool) -> str:
        """Write a configuration with the sections of a list."""
        _offered(settings.configuration, self._configurations())
        return str(
            self._worker.ask(
                "holder_configure",
                source=_offered(source, self.lists()),
                settings=asdict(settings),
                replace=replace,
            )
        )

    def _files(self, endings: tuple[str, ...]) -> list[str]:
        return files_to_choose(self._folder, endings, _MOST_FILES)


def _map(found: Any) -> HolderMap:
    return TypeAdapter(HolderMap).validate_python(found)


def _offered(name: str, names: list[str]) -> str:
    """Return a name if it is one of those that are offered: no other file is opened."""
    if name not in names:
        raise InputError(f"there is no file {name} here" if name else "choose a file first")
    return name
