"""SEM, stage and chamber of one server, put together."""

from dataclasses import dataclass

from config.model import Config
from config.quanta import QuantaConfig
from drivers.clock import Clock
from drivers.interlock import Interlock
from drivers.quanta.chamber import QuantaChamber
from drivers.quanta.client import QuantaClient
from drivers.quanta.sem import QuantaSem
from drivers.quanta.stage import QuantaStage


@dataclass(frozen=True, slots=True)
class QuantaDevices:
    """What a Quanta-style server drives; fluorescence is not among it."""

    sem: QuantaSem
    stage: QuantaStage
    chamber: QuantaChamber
    client: QuantaClient


def quanta_devices(
    config: Config, quanta: QuantaConfig, clock: Clock, interlock: Interlock | None = None
) -> QuantaDevices:
    """Make the devices of a server; nothing is called yet.

    Parameters
    ----------
    config : Config
    quanta : QuantaConfig
    clock : Clock
    interlock : Interlock, optional
        That of the camera, where its driver has one: no move in the middle of an exposure.
    """
    shared = interlock or Interlock()
    client = QuantaClient(quanta.endpoint, quanta.call_timeout_s)
    stage = QuantaStage(client, config.stage, quanta, clock, shared)
    sem = QuantaSem(client, config.sem, quanta, clock, shared, stage)
    chamber = QuantaChamber(client, config.chamber, clock, sem.is_blanked)
    sem.watch(chamber)
    return QuantaDevices(sem, stage, chamber, client)
