"""Notifications by Apprise: e-mail, Slack, a webhook; each delivery is checked.

They are sent from a thread of its own, so that a dead mail server delays nothing. URLs hold passwords: a
channel is named by its number and kind, and no error text that may quote its URL is passed on.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.alarms import AlarmKind, NotifyConfig
from config.documents.text_files import read_text
from config.model import Config
from service.errors import InputError
from service.logs import get_logger
from service.safety.timed_call import TimedCall
from service.watch.alarms import Alarm

log = get_logger(__name__)

URLS_VARIABLE = "ILEMTRACK_NOTIFY_URLS"
_MOST_BYTES = 1_000_000
_HIDDEN = "**********"
"""Placeholder of a secret in the copy of a configuration."""
_SEVERITY = {"finished": "info", "review": "info"}
"""Notification types of Apprise; all others are warnings."""
_EVERY_S: Mapping[str, float] = {"needs_review": 600.0, "stalled": 60.0}
"""Alarms that may come in numbers: at most one message per this many s, with the count of the others."""


Send = Callable[[str, str, str], bool | None]
"""Sends a title and a text of such a severity; returns True if they were delivered."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Longest time of a delivery, and pauses before each try, s."""

    deliver_s: float = 30.0
    pauses_s: tuple[float, ...] = (0.0, 5.0, 30.0)


def notification_urls(config: NotifyConfig) -> list[str]:
    """Return the URLs of the configuration, of its file and of the environment.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    urls = os.environ.get(URLS_VARIABLE, "").split()
    urls += [url.get_secret_value() for url in config.urls]
    if config.urls_file is not None:
        try:
            text = read_text(Path(config.urls_file).expanduser(), _MOST_BYTES)
        except OSError as error:
            raise InputError(
                f"notify.urls_file: {config.urls_file}: cannot be read ({error.strerror})"
            ) from None
        lines = (line.strip() for line in text.splitlines())
        urls += [line for line in lines if line and not line.startswith("#")]
    return [url for url in dict.fromkeys(urls) if url != _HIDDEN]


def with_absolute_file(config: Config) -> Config:
    """Return the configuration with the path of its file of URLs made absolute, for a later resume."""
    if config.notify.urls_file is None:
        return config
    path = str(Path(config.notify.urls_file).expanduser().absolute())
    return config.model_copy(update={"notify": config.notify.model_copy(update={"urls_file": path})})


def withheld(config: NotifyConfig) -> bool:
    """Return True if a configuration is a copy without its URLs."""
    return any(url.get_secret_value() == _HIDDEN for url in config.urls)


class Notifier:
    """Sender of alarms to all channels.

    Parameters
    ----------
    urls : sequence of str
    kinds : sequence of AlarmKind
        Alarms to send.
    run : str
        Named in every message.
    on_failure : callable
        Called on the sending thread with channel and reason when all tries have failed.
    patience : Patience

    Raises
    ------
    InputError
        Apprise does not know one of the URLs, named by its number.
    """

    def __init__(
        self,
        urls: Sequence[str],
        kinds: Sequence[AlarmKind],
        run: str,
        on_failure: Callable[[str, str], None] = lambda *_: None,
        patience: Patience = Patience(),
    ) -> None:
        # Apprise logs what it sends, and where.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        self._channels = [_channel(number, url) for number, url in enumerate(urls, start=1)]
        self._kinds, self._run, self._on_failure, self._patience = kinds, run, on_failure, patience
        self._waiting: queue.Queue[Alarm | None] = queue.Queue()
        self._closing = threading.Event()
        self._last: dict[str, float] = {}
        self._held: dict[str, int] = {}
        self.sent = 0
        self.failed = 0
        self.last_failure: str | None = None
        self._thread = threading.Thread(target=self._serve, name="notifier", daemon=True)
        self._thread.start()

    @property
    def channels(self) -> int:
        """Number of channels; 0 without notifications."""
        return len(self._channels)

    def send(self, alarm: Alarm) -> None:
        """Send an alarm if its kind is wanted; return at once."""
        if self._channels and alarm.kind is not None and alarm.kind in self._kinds:
            self._waiting.put(alarm)

    def test(self) -> list[str]:
        """Send a test message to every channel, once; return a sentence for each that failed."""
        failed = []
        for name, send in self._channels:
            why = self._deliver(name, send, "test", "This is a test: notifications of this run arrive.")
            failed += [f"{name}: {why}"] if why else []
        return failed

    def close(self, limit_s: float) -> None:
        """Send what waits, for at most `limit_s`; does nothing if it is closed."""
        self._closing.set()
        self._waiting.put(None)
        self._thread.join(limit_s)

    def _serve(self) -> None:
        while (alarm := self._waiting.get()) is not None:
            kind = str(alarm.kind)
            now_s = time.monotonic()
            if now_s - self._last.get(kind, -1e9) < _EVERY_S.get(kind, 0.0):
                self._held[kind] = self._held.get(kind, 0) + 1
                continue
            self._last[kind] = now_s
            more = self._held.pop(kind, 0)
            text = f"{alarm.what}\n\n{alarm.done}\n\nTo do: {alarm.to_do}"
            text += f"\n\n({more} more of this kind since the last message.)" if more else ""
            for name, send in self._channels:
                try:
                    self._insist(name, send, kind, text)
                except Exception:
                    # The next channel and the next alarm must go out all the same.
                    log.exception("notification lost", channel=name)

    def _insist(self, name: str, send: Send, kind: str, text: str) -> None:
        why: str | None = None
        for pause_s in self._patience.pauses_s:
            # While the program ends: one try each, without pauses.
            if why is not None and self._closing.is_set():
                break
            self._closing.wait(pause_s)
            why = self._deliver(name, send, kind, text)
            if why is None:
                self.sent += 1
                return
            log.warning("notification failed", channel=name, why=why)
        self.failed += 1
        self.last_failure = f"{name}: {why}"
        self._on_failure(name, str(why))

    def _deliver(self, name: str, send: Send, kind: str, text: str) -> str | None:
        """Send once; return why it was not delivered, None if it was."""
        severity = _SEVERITY.get(kind, "warning")
        title = f"ilemtrack {self._run}: {kind.replace('_', ' ')}"
        call = TimedCall("deliver", lambda: send(title, text, severity))
        if not call.wait(self._patience.deliver_s):
            return f"no answer within {self._patience.deliver_s:g} s"
        try:
            return None if call.outcome() else "the other side did not take it"
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything; it counts as a failure
            # Only the class: the text may quote the URL with its password.
            log.error("notification raised", channel=name, error=type(error).__name__)
            return type(error).__name__


def _channel(number: int, url: str) -> tuple[str, Send]:
    # It loads slowly, and most sessions notify nobody.
    import apprise

    channel = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if channel is None:
        raise InputError(
            f"notify: URL number {number} is none that Apprise knows; see https://github.com/caronc/apprise"
        )

    def send(title: str, text: str, severity: str) -> bool | None:
        return channel.notify(body=text, title=title, notify_type=apprise.NotifyType(severity))

    return f"notification {number} ({channel.service_name})", send
