"""Who is told when something happens, and when the watchdog acts."""

from typing import Literal, get_args

from pydantic import Field, SecretStr

from config.base import Frozen

AlarmKind = Literal[
    "fault", "stalled", "finished", "disk", "needs_review", "review", "paused", "restarted", "watchdog"
]

EVERY_KIND: tuple[AlarmKind, ...] = get_args(AlarmKind)


class NotifyConfig(Frozen):
    """Notifications by Apprise. URLs hold passwords: they are never shown, logged or copied."""

    urls: tuple[SecretStr, ...] = Field(
        (),
        max_length=20,
        description="As in Apprise: mailto://, slack://, json://... Better in urls_file or the environment"
        " (ILEMTRACK_NOTIFY_URLS): the copy of this file in the run folder is without them.",
    )
    urls_file: str | None = Field(
        None, min_length=1, max_length=4000, description="A file with one such URL a line."
    )
    events: tuple[AlarmKind, ...] = Field(EVERY_KIND, description="Of what somebody is told.")


class WatchdogConfig(Frozen):
    """The second process, which puts the microscope safe when the daemon has died or is frozen."""

    enabled: bool = Field(True, description="Watch the daemon from a process of its own.")
    silent_s: float = Field(
        15.0, ge=2, le=600, description="A daemon without a heartbeat for so long is killed, s."
    )
