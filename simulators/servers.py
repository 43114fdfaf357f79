"""A microscope to try out: one specimen behind a simulated Odemis and a simulated Quanta-style server.

``python -m simulators.servers --small`` serves in real time and writes a configuration that connects to both.
Both servers drive the same microscope. The state that hardware keeps when its servers are killed is kept in
the folder.
"""

import argparse
import tempfile
import threading
from contextlib import suppress
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from config.errors import ConfigError
from config.layout import GridLayout
from config.loading import dump, load
from config.model import Config
from config.quanta import QuantaConfig
from drivers.clock import SystemClock
from drivers.errors import DriverError
from simulators.odemis_backend.faults import Faults
from simulators.odemis_backend.interpreter import SOCKET, write_python
from simulators.odemis_backend.server import Backend, answer_all
from simulators.quanta.machine import QuantaMachine
from simulators.quanta.server import QuantaServer, quanta_microscope

PROFILE = "quanta250-secom"
CONFIGURATION = "try.yaml"
"""Name of the written configuration: the given one, with the addresses of both servers."""

_LONGEST_FOLDER = 90
"""Longest path of the folder, characters: a socket path has at most 107."""
_STOP_LATE_S = 10.0
"""See `QuantaMachine`; chosen by hand, longer than a request takes on a computer with tens of processes."""

_SMALL: dict[str, dict[str, Any]] = {
    "sem": {"pixel_size_nm": 66, "dwell_us": 5},
    "fluorescence": {"exposure_s": 0.2},
    "chamber": {"to_partial_vacuum_min": 0.1, "to_high_vacuum_min": 0.1},
    "simulator": {"pump_to_partial_min": 0.1, "pump_to_high_vacuum_min": 0.1},
}
_SMALL_GRID = {"sections": 2, "fields": [1, 1]}


def small(config: Config) -> Config:
    """Return a session of a minute or two: two sections on a grid, coarse electron images, fast pumps."""
    data = config.model_dump(mode="json")
    for part, changes in _SMALL.items():
        data[part] |= changes
    if isinstance(config.layout, GridLayout):
        data["layout"] |= _SMALL_GRID
    return Config.model_validate(data)


def serve(config: Config, folder: Path, port: int) -> None:
    """Serve one simulated microscope until interrupted.

    Parameters
    ----------
    config : Config
        Configuration of specimen and microscope; its `calibration` is the true one.
    folder : Path
        For the state of the hardware, `CONFIGURATION` and the sockets of Odemis.
    port : int
        Port of the Quanta server on the loopback interface; 0 for any free one.

    Raises
    ------
    DriverError
        The folder holds something else.
    OSError
        A socket cannot be created.
    """
    microscope, clock = quanta_microscope(config, SystemClock(), folder / "microscope.jsonl")
    machine = QuantaMachine(config, microscope.devices, clock, _STOP_LATE_S)
    backend = Backend(config, clock, Faults(folder / "faults.json"), lambda _: microscope)
    (folder / SOCKET).unlink(missing_ok=True)
    with (
        Listener(str(folder / SOCKET), family="AF_UNIX", backlog=16) as listener,
        QuantaServer(machine, clock, port=port) as server,
    ):
        threading.Thread(target=answer_all, args=(backend, listener), daemon=True).start()
        written = _write_configuration(config, folder, server.endpoint)
        print(f"a simulated microscope at {server.endpoint} and {folder}; Ctrl-C ends it", flush=True)
        print(f"ilemtrack doctor --config {written}", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


def _write_configuration(config: Config, folder: Path, endpoint: str) -> Path:
    data = config.model_dump(mode="json")
    data["driver"] = "odemis"
    data["odemis"]["python"] = str(write_python(folder))
    data["quanta"] = (data["quanta"] or QuantaConfig().model_dump(mode="json")) | {"endpoint": endpoint}
    path = folder / CONFIGURATION
    path.write_text(dump(Config.model_validate(data)), encoding="utf-8")
    return path


def main() -> None:
    """Serve as the command line asks."""
    parser = argparse.ArgumentParser(description="A simulated SECOM in a Quanta: Odemis and a Quanta server.")
    parser.add_argument("--config", default=PROFILE, help="a YAML file or a profile")
    parser.add_argument("--small", action="store_true", help="a session of a minute or two")
    parser.add_argument(
        "--folder", type=Path, help="folder for the state of the microscope; a new one by default"
    )
    parser.add_argument("--port", type=int, default=7521, help="port of the Quanta server; 0: any")
    chosen = parser.parse_args()
    folder = (chosen.folder or Path(tempfile.mkdtemp(prefix="ilemtrack-"))).absolute()
    if len(str(folder)) > _LONGEST_FOLDER:
        parser.error(
            f"--folder {folder}: its path is too long for a socket; at most {_LONGEST_FOLDER} characters"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        config = load(chosen.config)
        with FileLock(folder / ".lock").acquire(timeout=0):
            serve(small(config) if chosen.small else config, folder, chosen.port)
    except Timeout:
        parser.error(f"--folder {folder}: another simulated microscope is running there")
    except (ConfigError, DriverError) as error:
        parser.error(str(error))
    except (OSError, OverflowError) as error:
        parser.error(f"--folder {folder}, --port {chosen.port}: {error}")


if __name__ == "__main__":
    main()
