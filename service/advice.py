"""What to do about a point that does not stand well, for each name that a point of the preflight has."""

_ADVICE = {
    "devices": "mend what is missing above, then run `ilemtrack doctor` again; until then look at the SEM"
    " whether the beam is blanked",
    "stage": "switch the stage and its program on, then run `ilemtrack doctor` again",
    "stage moves": "move it by hand to the middle of the safe area; look for what blocks it, or for tiny"
    " moves that do not happen (stage.arrival_tolerance_um, quanta.least_move_um)",
    "chamber": "look at the vacuum on the SEM; pump or vent it there until a state is reached",
    "column": "see that what drives the SEM runs, and answers: the server beside it, or Odemis",
    "beam": "blank the beam on the SEM, or in Odemis (e-beam, blanker: blanked), and close what unblanks it",
    "blanking": "do not begin: switch the beam off at the SEM and look at the blanker",
    "light": "switch the light off in Odemis, and close its streams: it bleaches",
    "light off": "do not begin: switch the light engine off by hand",
    "scan size": "set sem.frame_px, sem.presets_px and sem.pixel_size_nm to what the SEM offers",
    "beam shift": "lower sem.beam_shift_range_um to what the SEM offers",
    "focus of the light": "set fluorescence.autofocus_um to 0 and focus by hand",
    "focus of the beam": "set session.autofocus to false and focus by hand",
    "cooling": "look at the temperature of the camera yourself; wait until it is as cold as it is set to be",
    "layout": "correct `layout` in the configuration",
    "safe area": "correct `layout`, or widen stage.safe_x_mm and stage.safe_y_mm as far as the stage may go",
    "calibration": "measure at least 4 points in both images, and run `ilemtrack calibrate points.csv`",
    "disk": "delete or move old runs, or name another disk with --out",
    "write speed": "name a faster disk with --out",
    "clock": "set the clock of this computer (timedatectl set-ntp true)",
    "notifications": "correct notify.urls_file or ILEMTRACK_NOTIFY_URLS",
}


def advice(name: str) -> str:
    """Return what to do, in one sentence; of every point that can stand badly there is one."""
    return _ADVICE[name]
