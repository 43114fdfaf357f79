"""A microscope behind a simulated back-end of Odemis, for tests: real processes, real sockets."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.model import Config
from drivers.microscope import Microscope
from drivers.odemis.client import OdemisClient
from drivers.odemis.microscope import odemis_microscope
from simulators.errors import BackendError
from simulators.odemis_backend.backend import BackendClock, OdemisBackend
from tests.drivers.contract import Bench
from tests.drivers.patience import Patience

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
        self.backend = OdemisBackend(folder, self.config_for("unused"))
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
        return Bench(self.config, self.clock, self.fresh(), PLACES_M)

    def close(self) -> None:
        self.client.close()
        self.backend.close()


@contextmanager
def rig(settings: dict[str, Any]) -> Iterator[OdemisRig]:
    with tempfile.TemporaryDirectory(prefix="ilem-") as folder:
        made = OdemisRig(Path(folder), settings)
        try:
            yield made
        finally:
            made.close()
