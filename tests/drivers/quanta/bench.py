"""A Quanta-style server on the simulated microscope, and our driver at the other end of its socket."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.model import Config
from config.quanta import QuantaConfig
from drivers.clock import Clock
from drivers.microscope import Microscope
from drivers.quanta.client import QuantaClient
from drivers.quanta.microscope import QuantaDevices, quanta_devices
from simulators.microscope import SimulatedMicroscope
from simulators.quanta.machine import QuantaMachine
from simulators.quanta.server import QuantaServer, quanta_microscope
from tests.drivers.patience import Patience


@dataclass(frozen=True)
class QuantaBench:
    """Both ends."""

    quanta: QuantaDevices
    devices: Microscope
    """SEM, stage and chamber of the server, fluorescence of the same simulated microscope."""
    microscope: SimulatedMicroscope
    machine: QuantaMachine
    config: QuantaConfig
    clock: Clock

    def fault(self, name: str, value: object = True) -> None:
        """Switch a fault on, as anybody can who talks to the server."""
        self.quanta.client.urgent(("fault", {"name": name, "value": value}))


@contextmanager
def quanta_bench(
    config: Config,
    clock: Clock,
    path: Path | None = None,
    call_timeout_s: float = 20.0,
    now_s: Callable[[], float] | None = None,
) -> Iterator[QuantaBench]:
    microscope, followed = quanta_microscope(config, clock)
    machine = QuantaMachine(config, microscope.devices, followed)
    with QuantaServer(machine, followed, path) as server:
        quanta = QuantaConfig(endpoint=server.endpoint, call_timeout_s=call_timeout_s)
        client = QuantaClient(server.endpoint, call_timeout_s, now_s or Patience(lambda: server.hanging > 0))
        driven = quanta_devices(config, quanta, clock, client=client)
        light = microscope.devices
        devices = Microscope(light.camera, light.light, driven.stage, driven.sem, driven.chamber, driven.sem)
        try:
            yield QuantaBench(driven, devices, microscope, machine, quanta, clock)
        finally:
            driven.client.close()
