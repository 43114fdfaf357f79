"""Sessions that are killed: small, of coarse pixels, and each of another kind."""

from typing import Any

from config.model import Config
from tests.service.sessions import small_config

_REAL_TIME: dict[str, dict[str, Any]] = {
    "layout": {"sections": 3, "fields": [2, 1]},
    "fluorescence": {"exposure_s": 0.05},
    "sem": {"pixel_size_nm": 66, "dwell_us": 6},
    "stage": {"settle_s": 0.0},
    "simulator": {
        "specimen": {"cells_per_field": 6, "seed": 5},
        "stage_settle_s": 0.02,
        "stage_speed_mm_per_s": 20,
        "pump_to_high_vacuum_min": 0.005,
        "pump_to_partial_min": 0.005,
        "scan_overhead_s": 0.02,
    },
}
"""Some 30 frames of a third of a second each."""


def _real_time(**changes: dict[str, Any]) -> Config:
    return small_config(
        **{key: _REAL_TIME.get(key, {}) | changes.get(key, {}) for key in {*_REAL_TIME, *changes}}
    )


DESIGNS: dict[str, Config] = {
    "whole array": _real_time(),
    "section by section, beam focused": _real_time(session={"order": "section", "autofocus": True}),
    "review, bad images": _real_time(
        session={"review": True},
        simulator={"scan_faults": {"blank_percent": 10.0, "truncated_percent": 10.0}},
    ),
    "overviews": _real_time(
        sem={
            "beam_reach_um": [67, 58],
            "max_scan_px": [300, 240],
            "overview": {"take": True, "pixel_size_nm": 400},
        }
    ),
}
"""Taken in turn."""
