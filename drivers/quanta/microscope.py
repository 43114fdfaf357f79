"""Construction of the devices behind a Quanta-style server."""

from dataclasses import dataclass

from config.model import Config
from config.quanta import QuantaConfig
from drivers.clock import Clock
from drivers.guards.interlock import Interlock
from drivers.quanta.chamber import QuantaChamber
from drivers.quanta.client import QuantaClient
from drivers.quanta.sem import QuantaSem
from drivers.quanta.stage import QuantaStage
from drivers.stage import Stage


@dataclass(frozen=True, slots=True)
class QuantaDevices:
    """Devices of a Quanta-style server; fluorescence is not among them."""

    sem: QuantaSem
    stage: Stage
    chamber: QuantaChamber
    client: QuantaClient


def quanta_devices(
    config: Config,
    quanta: QuantaConfig,
    clock: Clock,
    interlock: Interlock | None = None,
    under_specimen: Stage | None = None,
    client: QuantaClient | None = None,
) -> QuantaDevices:
    """Construct the devices of a server; makes no call yet.

    Parameters
    ----------
    config : Config
    quanta : QuantaConfig
    clock : Clock
    interlock : Interlock, optional
        Shared with other devices that must not run at the same time, such as the camera.
    under_specimen : Stage, optional
        The stage of another driver, where the server does not drive the one under the specimen.
    client : QuantaClient, optional
        By default a new one for the endpoint of the configuration.
    """
    shared = interlock or Interlock()
    client = client or QuantaClient(quanta.endpoint, quanta.call_timeout_s)
    stage = under_specimen or QuantaStage(client, config.stage, quanta, clock, shared)
    sem = QuantaSem(client, config.sem, quanta, clock, shared, stage)
    chamber = QuantaChamber(client, config.chamber, clock, sem.is_blanked)
    sem.connect(chamber, config.chamber.beam_max_pressure_pa)
    return QuantaDevices(sem, stage, chamber, client)
