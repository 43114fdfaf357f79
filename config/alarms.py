"""Notifications, and the watchdog."""

from typing import Literal, get_args

from pydantic import Field, SecretStr

from config.base import Frozen

AlarmKind = Literal[
    "fault",
    "stalled",
    "finished",
    "disk",
    "needs_review",
    "review",
    "paused",
    "restarted",
    "watchdog",
    "trend",
]

EVERY_KIND: tuple[AlarmKind, ...] = get_args(AlarmKind)


class NotifyConfig(Frozen):
    """Notifications by Apprise. URLs hold passwords: they are never shown, logged or copied."""

    urls: tuple[SecretStr, ...] = Field(
        (),
        max_length=20,
        description="Apprise URLs: mailto://, slack://, json://... Better kept in urls_file or in the"
        " environment (ILEMTRACK_NOTIFY_URLS): the copy of this file in the run folder omits them.",
    )
    urls_file: str | None = Field(
        None, min_length=1, max_length=4000, description="File with one such URL per line."
    )
    events: tuple[AlarmKind, ...] = Field(EVERY_KIND, description="Kinds of event to notify of.")


class WatchdogConfig(Frozen):
    """A second process, which makes the microscope safe if the daemon dies or hangs."""

    enabled: bool = Field(True, description="Watch the daemon from a second process.")
    silent_s: float = Field(
        15.0, ge=2, le=600, description="Kill a daemon without a heartbeat for this long, s."
    )
