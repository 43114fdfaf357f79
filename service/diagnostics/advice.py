"""Part of the doctor's report for each check, with advice for when it fails."""

POINTS = {
    "devices": (
        "session",
        "fix what is missing above, then run `ilemtrack doctor` again; until then check at the SEM"
        " that the beam is blanked",
    ),
    "stage": ("stage", "switch the stage and its program on, then run `ilemtrack doctor` again"),
    "stage moves": (
        "stage",
        "move it by hand to the middle of the safe area; look for an obstacle, or for tiny moves"
        " that are ignored (stage.arrival_tolerance_um, quanta.least_move_um)",
    ),
    "chamber": ("chamber", "look at the vacuum at the SEM; pump or vent there until it reaches a state"),
    "before you start": ("session", "`ilemtrack doctor` says what to do about it"),
    "column": ("sem", "check that the program that drives the SEM runs and answers: its server, or Odemis"),
    "beam": (
        "sem",
        "blank the beam on the SEM, or in Odemis (e-beam, blanker: blanked), and close what unblanks it",
    ),
    "blanking": ("sem", "do not start a session: switch the beam off at the SEM and look at the blanker"),
    "light": ("light", "switch the light off in Odemis, and close its streams: it bleaches"),
    "light off": ("light", "do not start a session: switch the light engine off by hand"),
    "scan size": ("sem", "set sem.frame_px, sem.presets_px and sem.pixel_size_nm to what the SEM offers"),
    "reach of the beam": ("sem", "lower sem.beam_reach_um to what the SEM offers; [0, 0]: the stage moves"),
    "beam shift": ("sem", "lower sem.beam_shift_range_um to what the SEM offers"),
    "focus of the light": ("objective", "set fluorescence.autofocus_um to 0 and focus by hand"),
    "focus of the beam": ("sem", "set session.autofocus to false and focus by hand"),
    "cooling": (
        "camera",
        "check the temperature of the camera yourself; wait until it has reached its setting",
    ),
    "in use": (
        "session",
        "`ilemtrack status` shows what it does; another session can start when it has ended",
    ),
    "layout": ("session", "correct `layout` in the configuration"),
    "plan": ("session", "correct `sem` and `planner` in the configuration; `ilemtrack config check`"),
    "detector": ("session", "correct detection.detector, or put its file there"),
    "who is told": ("session", "correct notify.urls_file, or make that file readable"),
    "safe area": (
        "session",
        "correct `layout`, or widen stage.safe_x_mm and stage.safe_y_mm as far as the stage can safely move",
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
"""Part and advice by the name of the check; `other clocks` cannot fail."""

WHILE_DRIVEN = {
    "beam": "nothing while its session scans (`ilemtrack status`); otherwise blank the beam on the SEM",
    "light": "nothing while its session takes fluorescence (`ilemtrack status`); otherwise switch it off",
}
"""Advice while another ilemtrack drives the microscope."""
