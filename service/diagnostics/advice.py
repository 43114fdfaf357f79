"""Where a point belongs in the report of the doctor, and what to do where it does not stand well."""

POINTS = {
    "devices": (
        "session",
        "mend what is missing above, then run `ilemtrack doctor` again; until then look at the SEM"
        " whether the beam is blanked",
    ),
    "stage": ("stage", "switch the stage and its program on, then run `ilemtrack doctor` again"),
    "stage moves": (
        "stage",
        "move it by hand to the middle of the safe area; look for what blocks it, or for tiny moves"
        " that do not happen (stage.arrival_tolerance_um, quanta.least_move_um)",
    ),
    "chamber": ("chamber", "look at the vacuum on the SEM; pump or vent it there until a state is reached"),
    "column": ("sem", "see that what drives the SEM runs, and answers: the server beside it, or Odemis"),
    "beam": (
        "sem",
        "blank the beam on the SEM, or in Odemis (e-beam, blanker: blanked), and close what unblanks it",
    ),
    "blanking": ("sem", "do not begin: switch the beam off at the SEM and look at the blanker"),
    "light": ("light", "switch the light off in Odemis, and close its streams: it bleaches"),
    "light off": ("light", "do not begin: switch the light engine off by hand"),
    "scan size": ("sem", "set sem.frame_px, sem.presets_px and sem.pixel_size_nm to what the SEM offers"),
    "beam shift": ("sem", "lower sem.beam_shift_range_um to what the SEM offers"),
    "focus of the light": ("objective", "set fluorescence.autofocus_um to 0 and focus by hand"),
    "focus of the beam": ("sem", "set session.autofocus to false and focus by hand"),
    "cooling": (
        "camera",
        "look at the temperature of the camera yourself; wait until it is as cold as it is set to be",
    ),
    "in use": (
        "session",
        "`ilemtrack status` says what it does; another session can begin when that one has ended",
    ),
    "layout": ("session", "correct `layout` in the configuration"),
    "plan": ("session", "correct `sem` and `planner` in the configuration; `ilemtrack config check`"),
    "detector": ("session", "correct detection.detector, or put its file where it says"),
    "who is told": ("session", "correct notify.urls_file, or make that file readable"),
    "safe area": (
        "session",
        "correct `layout`, or widen stage.safe_x_mm and stage.safe_y_mm as far as the stage may go",
    ),
    "calibration": (
        "session",
        "measure at least 4 points in both images, and run `ilemtrack calibrate points.csv`",
    ),
    "disk": ("computer", "delete or move old runs, or name another disk with --out"),
    "write speed": ("computer", "name a faster disk with --out"),
    "clock": ("computer", "set the clock of this computer (timedatectl set-ntp true)"),
    "other clocks": ("computer", ""),
}
"""Of each, by its name: the part, and a sentence; that of `other clocks` never stands badly."""

WHILE_DRIVEN = {
    "beam": "nothing while its session scans (`ilemtrack status`); otherwise blank the beam on the SEM",
    "light": "nothing while its session takes fluorescence (`ilemtrack status`); otherwise switch it off",
}
"""Instead, where another ilemtrack drives the microscope."""
