"""A microscope behind a simulated back-end of Odemis, for tests: real processes, real sockets."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.model import Config
from drivers.microscope import Microscope
from drivers.odemis.client import OdemisClient
from drivers.odemis.microscope import odemis_microscope
from simulators.errors import BackendError
from simulators.odemis_backend.backend import BackendClock
from tests.drivers.contract import PUSH_M, Bench
from tests.drivers.patience import Patience
from tests.forked import forked_workers, odemis_backend

PLACES_M = ((0.0, 0.0), (400e-6, 0.0))


class OdemisRig:
    """A back-end, a client, and microscopes on them, each fresh.

    Parameters
    ----------
    folder : Path
    settings : dict
        Of the configuration.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._settings = settings
        self.backend = odemis_backend(folder, self.config_for("unused"))
        self.config = self.config_for(str(self.backend.python))
        self.clock = BackendClock(self.backend)
        self.client = OdemisClient(self.config.odemis, now_s=Patience(self._hangs, pace=5))

    def config_for(self, python: str) -> Config:
        odemis = {"python": python, "quick_s": 2, "budget_extra_s": 2} | self._settings.get("odemis", {})
        return Config.model_validate(self._settings | {"odemis": odemis})

    def _hangs(self) -> bool:
        try:
            return bool(self.backend.ask("hanging"))
        except (BackendError, OSError, EOFError):
            # A back-end that was killed answers nobody any more.
            return True

    def fresh(self) -> Microscope:
        """Another microscope, as when the program starts, with the processes that there are."""
        self.backend.reset(self.config)
        return odemis_microscope(self.config, self.clock, self.client)

    def bench(self) -> Bench:
        devices = self.fresh()
        return Bench(self.config, self.clock, devices, PLACES_M, self._in_scans(), self._in_exposures())

    def _in_scans(self) -> dict[str, Callable[[], object]]:
        """Return actions of another client of Odemis, such as its own window."""
        roles = self.config.odemis.roles
        settings: dict[str, tuple[str, str, object]] = {
            "blanker changed from False to True": (roles.ebeam, "blanker", True),
            "the scanned field changed from": (roles.ebeam, "horizontalFoV", 2e-4),
            "the beam shift moved by": (roles.ebeam, "translation", (300.0, 0.0)),
            "spot size changed from": (roles.ebeam, "spotSize", 6.0),
            "accelerating voltage changed from": (roles.ebeam, "accelVoltage", 9e3),
            "dwell time changed from": (roles.ebeam, "dwellTime", 1e-3),
            "detector contrast changed from 0.5 to 0.9": ("bs-detector", "contrast", 0.9),
        }
        return self._pushing() | {words: self._setting(*one) for words, one in settings.items()}

    def _in_exposures(self) -> dict[str, Callable[[], object]]:
        roles = self.config.odemis.roles
        settings: dict[str, tuple[str, str, object]] = {
            "light power changed from": (roles.light, "power", [0.0, 0.0, 0.0]),
            "camera emGain changed from": (roles.camera, "emGain", 7),
            "camera binning changed from": (roles.camera, "binning", (2, 2)),
        }
        turned = {"emission filter changed": lambda: self.backend.ask("move", roles.filter, {"band": 1}, 5.0)}
        return self._pushing() | turned | {words: self._setting(*one) for words, one in settings.items()}

    def _pushing(self) -> dict[str, Callable[[], object]]:
        return {"the stage moved by 60.0 um": lambda: self.backend.ask("push", PUSH_M, 0.0)}

    def _setting(self, role: str, name: str, value: object) -> Callable[[], object]:
        return lambda: self.backend.ask("set", role, name, value)

    def close(self) -> None:
        self.client.close()
        self.backend.close()


@contextmanager
def rig(settings: dict[str, Any]) -> Iterator[OdemisRig]:
    with tempfile.TemporaryDirectory(prefix="ilem-") as folder, forked_workers():
        made = OdemisRig(Path(folder), settings)
        try:
            yield made
        finally:
            made.close()
