"""A whole microscope in a process of its own: one specimen behind a simulated Odemis and a Quanta server."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from config.loading import load
from config.model import Config
from drivers.quanta.client import QuantaClient
from simulators.odemis_backend.backend import Questions
from simulators.odemis_backend.faults import Faults
from simulators.servers import CONFIGURATION
from tests.forked import SERVERS, Forked

QUICK: dict[str, dict[str, Any]] = {
    "layout": {"sections": 3, "columns": 3, "fields": [2, 1], "pitch_um": 150, "first_um": [-150, 0]},
    "fluorescence": {"frame_px": [256, 256], "exposure_s": 0.05},
    # Lower than the allowed ground of a field, all of which would be scanned quicker than its cells.
    "sem": {"pixel_size_nm": 66, "dwell_us": 10, "max_scan_px": [1536, 580]},
    "planner": {"method": "greedy"},
    "stage": {"settle_s": 0.0},
    "session": {"min_free_disk_gb": 0},
    "odemis": {"quick_s": 60, "budget_extra_s": 300},
    "simulator": {
        "stage_speed_mm_per_s": 50,
        "stage_settle_s": 0,
        "pump_to_high_vacuum_min": 0.005,
        "pump_to_partial_min": 0.005,
        "scan_overhead_s": 0,
    },
}
"""Small frames and quick devices: a session in seconds of real time.

Both servers compute in real time, and late on a busy computer: the deadlines of their clients are long, and
so is the dwell time, since a scan goes on frame by frame until the client has asked for the last one.
"""


def profile(**changes: dict[str, Any]) -> Config:
    """Return the profile of the real machine, with `QUICK` and then `changes` in its parts."""
    data = load("quanta250-secom").model_dump(mode="json")
    data["quanta"] = {"poll_s": 0.02, "call_timeout_s": 120}
    data["simulator"]["specimen"] |= {"cells_per_field": 1, "seed": 5}
    for part, values in QUICK.items():
        data[part] |= values
    for part, values in changes.items():
        data[part] |= values
    return Config.model_validate(data)


class Servers:
    """The process; it can be killed and started again, and its specimen stays the same.

    Parameters
    ----------
    folder : Path
        Short enough for the path of a socket.
    config : Config
        What is true of specimen and microscope.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        self.folder = folder
        self._given = folder / "given.yaml"
        self._given.write_text(yaml.safe_dump(config.model_dump(mode="json")))
        self._port = 0
        self.faults = Faults(folder / "faults.json")
        self.start()

    def start(self) -> None:
        """Start it."""
        arguments = ("--config", self._given, "--folder", self.folder, "--port", self._port)
        self._process = Forked(SERVERS, *arguments)
        first, second = self._process.wait_for_lines(2)
        assert "a simulated microscope" in first
        assert CONFIGURATION in second
        quanta = self.config.quanta
        assert quanta is not None
        self._port = int(quanta.endpoint.rpartition(":")[2])
        self._questions = Questions(self.folder)

    @property
    def config(self) -> Config:
        """Return the configuration that finds both servers."""
        return load(self.folder / CONFIGURATION)

    def truth(self) -> dict[str, Any]:
        """Return the true state of the simulated microscope."""
        return self._questions.truth()

    def ask(self, *question: Any) -> Any:
        """Ask the back-end of Odemis something."""
        return self._questions.ask(*question)

    def quanta(self, method: str) -> Any:
        """Ask the Quanta server something."""
        quanta = self.config.quanta
        assert quanta is not None
        client = QuantaClient(quanta.endpoint, 120)
        return client.urgent((method, {}))[0]

    def kill(self) -> None:
        """Kill it, as a crash does."""
        self._questions.close()
        self._process.close()


@contextmanager
def servers(config: Config) -> Iterator[Servers]:
    """Servers that are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ilem-") as folder:
        made = Servers(Path(folder), config)
        try:
            yield made
        finally:
            made.kill()
