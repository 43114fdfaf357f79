"""Connection to a microscope before a session, with all that it reports about itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from config.model import Config
from drivers.clock import Clock
from drivers.errors import DriverError
from drivers.microscope import FluorescenceHalf, Microscope
from drivers.odemis.client import OdemisClient
from drivers.odemis.errors import (
    MicroscopeIncompleteError,
    OdemisNotRunningError,
    OdemisStartError,
    OdemisStartingError,
)
from drivers.odemis.microscope import connected, connected_fluorescence, describe, missing_parts
from drivers.odemis.survey.survey import survey as odemis_survey
from drivers.offers import Fit, Offer
from drivers.quanta.client import QuantaClient
from drivers.quanta.joining import joined
from drivers.quanta.microscope import quanta_devices
from drivers.quanta.survey import SERVER
from drivers.quanta.survey import survey as quanta_survey
from simulators.microscope import SimulatedMicroscope


@dataclass(slots=True)
class Reached:
    """Parts of a microscope that answer.

    Attributes
    ----------
    devices : Microscope or None
        None if too much of it is missing.
    offers : list of Offer
        Its parts, compared with those that a session needs.
    odemis : dict or None
        Self-description of Odemis, in SI units; None if it does not answer, or is not queried.
    """

    devices: Microscope | None = None
    offers: list[Offer] = field(default_factory=list)
    odemis: dict[str, Any] | None = None


@contextmanager
def reached(config: Config, clock: Clock) -> Iterator[Reached]:
    """Connect and query; set, blank and switch nothing, as another program may be at work.

    Parameters
    ----------
    config : Config
    clock : Clock
    """
    result = Reached()
    odemis, quanta = None, None
    try:
        found: Microscope | FluorescenceHalf | None
        if config.driver == "odemis":
            odemis = OdemisClient(config.odemis, only_looks=True)
            found = _ask_odemis(config, clock, odemis, result)
        else:
            found = SimulatedMicroscope(config, clock).devices
            result.offers.append(_simulated(with_real_sem=config.quanta is not None))
        if isinstance(found, Microscope):
            result.devices = found
        if config.quanta is not None:
            quanta = _ask_quanta(config, clock, result, found)
        yield result
    finally:
        if odemis is not None:
            odemis.close()
        if quanta is not None:
            quanta.close()


def _ask_odemis(
    config: Config, clock: Clock, client: OdemisClient, result: Reached
) -> Microscope | FluorescenceHalf | None:
    python = config.odemis.python
    try:
        said = client.start()
    except OdemisStartError as error:
        do = f"install Odemis for {python}, or set odemis.python to the Python in which `import odemis` works"
        result.offers.append(Offer("microscope", "Odemis", str(error), Fit.NO, do))
        return None
    version = str(said.get("odemis", "unknown"))
    try:
        described = result.odemis = describe(client)
    except OdemisNotRunningError as error:
        do = "`odemis-start`, or `odemisd FILE.odm.yaml`; /var/log/odemis.log says why it ended"
        result.offers.append(Offer("microscope", "Odemis", str(error), Fit.NO, do))
        return None
    except OdemisStartingError as error:
        do = "wait until it has started; /var/log/odemis.log says what it waits for"
        result.offers.append(Offer("microscope", "Odemis", str(error), Fit.NO, do))
        return None
    except DriverError as error:
        says = f"Odemis {version} is installed, but its back-end does not answer: {error}"
        do = "start the back-end (`odemis-start` or `odemisd FILE.odm.yaml`); /var/log/odemis.log says why"
        result.offers.append(Offer("microscope", "Odemis", says, Fit.NO, do))
        return None
    described["version"], described["python"] = version, str(said.get("python", "unknown"))
    result.offers += odemis_survey(config, described, version)
    if missing_parts(config, described):
        return None
    try:
        if config.quanta is not None:
            return connected_fluorescence(config, clock, client, described)
        return connected(config, clock, client, described)
    except MicroscopeIncompleteError:
        # Reported by its offers.
        return None
    except DriverError as error:
        do = "look into /var/log/odemis.log and start Odemis again"
        result.offers.append(
            Offer("microscope", "Odemis", f"a component does not answer: {error}", Fit.NO, do)
        )
    return None


def _ask_quanta(
    config: Config, clock: Clock, result: Reached, found: Microscope | FluorescenceHalf | None
) -> QuantaClient | None:
    quanta = config.quanta
    if quanta is None:
        return None
    devices = None
    if found is not None:
        devices, driven = joined(found, config, quanta, clock)
    else:
        driven = quanta_devices(config, quanta, clock)
    offers = list(quanta_survey(driven.client, config, quanta))
    result.offers += offers
    there = any(offer.name == SERVER and offer.fit is Fit.YES for offer in offers)
    result.devices = devices if there else None
    return driven.client


def _simulated(with_real_sem: bool) -> Offer:
    if not with_real_sem:
        return Offer("microscope", "driver", "simulator: no hardware is queried")
    says = "fluorescence is simulated while `quanta:` drives a real SEM: `ilemtrack run` refuses that"
    do = "set `driver: odemis`, or remove `quanta:` for the simulator"
    return Offer("microscope", "driver", says, Fit.NO, do)
