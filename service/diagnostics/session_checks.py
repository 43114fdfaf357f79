"""All checks before a session, as `doctor`, `preflight` and `run` make them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from config.model import Config
from drivers.clock import SystemClock
from drivers.microscope import Microscope
from drivers.offers import Fit, Offer
from service.diagnostics.checks import Check, Level
from service.diagnostics.computer_checks import clock_check, disk_checks
from service.diagnostics.connection import reached
from service.diagnostics.preflight import (
    device_checks,
    notification_check,
    plan_checks,
    settings_checks,
)
from service.model.specimen import Field
from service.session.folders.run_folder import has_hardware
from service.store.database import utc_now
from service.watch.notifier import Notifier, notification_urls

LEVELS = {Fit.YES: Level.OK, Fit.DOUBTFUL: Level.WARN, Fit.NO: Level.RED}
"""Level of a check by the verdict on an offer."""


def survey_checks(config: Config) -> list[Check]:
    """Survey the microscope as `doctor` does, and return what does not fit; none for a simulated one.

    Nothing is set, moved or switched. A survey without trouble gives a single check.
    """
    if not has_hardware(config):
        return []
    with reached(config, SystemClock()) as microscope:
        offers = list(microscope.offers)
    return list(offer_checks(offers))


def offer_checks(offers: Sequence[Offer]) -> Iterator[Check]:
    """Yield a check for each offer that does not fit, with its advice; one check if all fit."""
    unfit = [offer for offer in offers if offer.fit is not Fit.YES]
    for offer in unfit:
        says = f"{offer.part}, {offer.name}: {offer.says}"
        yield Check("survey", LEVELS[offer.fit], f"{says}; {offer.do}" if offer.do else says)
    if not unfit:
        yield Check("survey", Level.OK, f"all {len(offers)} points fit; `ilemtrack doctor` lists them")


def own_checks(config: Config, fields: Sequence[Field], folder: Path, now: datetime) -> Iterator[Check]:
    """Yield the checks that need no device: settings, plan, disk and clock.

    Parameters
    ----------
    config : Config
    fields : sequence of Field
    folder : Path
        Folder of the session; must exist.
    now : datetime
        Wall clock, UTC.
    """
    yield from settings_checks(config)
    yield from plan_checks(config, fields, now.date())
    yield from disk_checks(config, folder, fields)
    yield clock_check(now, None)


def everything(
    config: Config, devices: Microscope, fields: Sequence[Field], folder: Path, run: str
) -> list[Check]:
    """Return all checks before a session, the survey and the notification test included.

    Parameters
    ----------
    config : Config
    devices : Microscope
    fields : sequence of Field
    folder : Path
        Folder of the session; must exist.
    run : str
        Named in the test message.

    Raises
    ------
    InputError
        Raised when the configuration of notifications is invalid.
    """
    notifier = Notifier(notification_urls(config.notify), config.notify.events, run)
    checks = [
        *survey_checks(config),
        *device_checks(devices, config),
        *own_checks(config, fields, folder, utc_now()),
        notification_check(notifier),
    ]
    notifier.close(0.0)
    return checks
