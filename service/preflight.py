"""What must be right before anything moves or shines."""

from config.model import Config
from drivers.microscope import Microscope
from service.disk import shortage
from service.records import Field
from service.run_folder import RunFolder


def problems(config: Config, devices: Microscope, folder: RunFolder, fields: list[Field]) -> list[str]:
    """Why the session must not begin, a sentence each; empty if it may.

    Raises
    ------
    DriverError
        A device does not answer.
    """
    found = []
    if not devices.sem.is_blanked():
        found.append("the beam is not blanked")
    if devices.light.is_on():
        found.append("the light is on")
    width, height = config.fluorescence.frame_px
    lack = shortage(folder.path, len(fields) * width * height * 2, config.session.min_free_disk_gb)
    if lack is not None:
        found.append(lack)
    wanted, offered = config.sem.specimen_px, devices.sem.max_scan_px()
    if wanted[0] > offered[0] or wanted[1] > offered[1]:
        found.append(f"sem.frame_px asks for scans of {wanted[0]} x {wanted[1]} px, the SEM offers {offered}")
    wanted_um, offered_um = config.sem.beam_shift_range_um, devices.sem.max_beam_shift_m() * 1e6
    if wanted_um > offered_um + 1e-6:
        found.append(f"sem.beam_shift_range_um asks for {wanted_um:g} um, the SEM offers {offered_um:g} um")
    if config.fluorescence.autofocus_um > 0 and devices.light_focus is None:
        found.append("fluorescence.autofocus_um: the objective of this microscope is not driven")
    if config.session.autofocus and devices.focus is None:
        found.append("session.autofocus: this microscope has no automatic focus")
    return found
