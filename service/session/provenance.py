"""Origin of the images of a session, as their files state it."""

from config.model import Config
from service.image_files.facts import Provenance
from service.session.hardware import microscope_name
from service.store.store import Store
from service.version import program_version


def provenance_of(config: Config, store: Store | None) -> Provenance:
    """Return the origin of images that this program takes now.

    Parameters
    ----------
    config : Config
    store : Store or None
        Of the run; None for images of no run, taken with the microscope of the configuration.
    """
    kind = "run" if store is None else store.kind()
    microscope = microscope_name(config, kind)
    if store is None:
        return Provenance(program_version(), microscope)
    return Provenance(program_version(), microscope, store.run_id(), kind)
