"""Detectors on single frames, for the page Tune."""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from service.cli.live.console.worker import Worker
from service.console.computer.trials import Cost, Setting, Steps, Trial
from service.errors import InputError
from service.input_files import files_to_choose

SUFFIXES = (".tif", ".tiff", ".png")
_MOST_IMAGES = 2000
_MOST_KEPT = 20


class TunerHere:
    """Detectors run by the worker; see `service.console.computer.trials.Tuner`.

    Parameters
    ----------
    worker : Worker
    folder : Path
        Has the images and the configurations.
    configurations : callable
        Returns the names of the configurations that are offered.
    """

    def __init__(self, worker: Worker, folder: Path, configurations: Callable[[], list[str]]) -> None:
        self._worker, self._folder, self._configurations = worker, folder, configurations
        self._kept: tempfile.TemporaryDirectory[str] | None = None

    def images(self) -> list[str]:
        """Return the images in the folder and in its subfolders, without those of hidden ones."""
        return files_to_choose(self._folder, SUFFIXES, _MOST_IMAGES)

    def keep(self, name: str, data: bytes) -> str:
        """Keep the file of a frame of a run, and return its path."""
        if self._kept is None:
            self._kept = tempfile.TemporaryDirectory(prefix="ilemtrack-tune-")
        folder = Path(self._kept.name)
        path = folder / (hashlib.sha256(name.encode() + data).hexdigest()[:24] + ".ome.tiff")
        if not path.exists():
            for old in sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime)[:-_MOST_KEPT]:
                old.unlink()
            path.write_bytes(data)
        return str(path)

    def settings(self, configuration: str) -> tuple[Setting, ...]:
        """Return the settings of detection of a configuration."""
        self._check(configuration)
        found = self._worker.ask("settings", configuration=configuration)
        return TypeAdapter(tuple[Setting, ...]).validate_python(found)

    def steps(self, trial: Trial) -> Steps:
        """Run the detector."""
        return TypeAdapter(Steps).validate_python(self._worker.ask("steps", trial=self._checked(trial)))

    def cost(self, trial: Trial, quick: bool) -> Cost:
        """Plan the electron frames."""
        found = self._worker.ask("cost", trial=self._checked(trial), quick=quick)
        return TypeAdapter(Cost).validate_python(found)

    def save(self, trial: Trial, name: str, by: str, replace: bool) -> str:
        """Write a configuration with these settings, and return the name of its file."""
        self._check(trial.configuration)
        return str(self._worker.ask("save", trial=asdict(trial), name=name, by=by, replace=replace))

    def close(self) -> None:
        """Delete the frames that were kept; harmless when repeated."""
        if self._kept is not None:
            self._kept.cleanup()
            self._kept = None

    def _checked(self, trial: Trial) -> dict[str, Any]:
        """Return a trial as a message: no other file than an offered one is read."""
        self._check(trial.configuration)
        file = trial.frame.file
        ours = self._kept is not None and Path(file).parent == Path(self._kept.name)
        if not ours and file not in self.images():
            raise InputError(f"there is no image {file} here" if file else "choose a frame first")
        return asdict(trial)

    def _check(self, configuration: str) -> None:
        if configuration not in self._configurations():
            raise InputError(f"there is no configuration {configuration}")
