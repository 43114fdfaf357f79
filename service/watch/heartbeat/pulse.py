"""Heartbeat by another way than a file: an abstract Unix socket of the daemon, which nobody can remove.

The watchdog asks here before it takes a daemon for frozen whose file stands still or is gone.
"""

import json
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

from pydantic import ValidationError

from service.logs import Seldom, get_logger
from service.watch.heartbeat.beat import Beat

log = get_logger(__name__)

_ANSWER_S = 5.0
"""Longest wait for an answer; chosen by hand, not measured."""
_AGAIN_S = 0.2
"""Wait after a connection that could not be accepted; chosen by hand, not measured."""
_MOST_BYTES = 4096
_CREDENTIALS = struct.Struct("3i")
"""``struct ucred`` of Linux: process, user, group."""


class Pulse:
    """Answers each connection with the last heartbeat, on a thread of its own.

    Parameters
    ----------
    last : callable
        Returns the last heartbeat.
    """

    def __init__(self, last: Callable[[], Beat]) -> None:
        self._last = last
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._seldom = Seldom()

    def start(self) -> None:
        """Start to answer; without a socket the file is the only way."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(_name(self._last()))
            listening.listen()
        except OSError as error:
            listening.close()
            log.error("no second heartbeat", error=str(error))
            return
        self._socket = listening
        self._thread = threading.Thread(target=self._serve, args=(listening,), name="pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop answering; the name is free then, unless somebody who asks is served too long."""
        self._over.set()
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None
        if self._thread is not None:
            # Its wait keeps the name until it returns: another heart of this process could not take it.
            self._thread.join(_ANSWER_S + _AGAIN_S)
            self._thread = None

    def _serve(self, listening: socket.socket) -> None:
        while True:
            try:
                asking, _ = listening.accept()
            except OSError as error:
                # One without free file descriptors must not look frozen for the rest of the run.
                if self._over.wait(_AGAIN_S):
                    return
                self._seldom.write(log.error, "a question for the heartbeat failed", error=str(error))
                continue
            with suppress(OSError), asking:
                asking.settimeout(_ANSWER_S)
                asking.sendall(self._last().model_dump_json().encode())


def ask(known: Beat) -> Beat | None:
    """Return the heartbeat that the process of a known one gives now; None if it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(_ANSWER_S)
            asking.connect(_name(known))
            who = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            # Anybody may take a name; only the process itself has its number.
            if _CREDENTIALS.unpack(who)[0] != known.pid:
                return None
            answer = b""
            while len(answer) < _MOST_BYTES and (part := asking.recv(_MOST_BYTES)):
                answer += part
        beat = Beat.model_validate(json.loads(answer))
    except (OSError, ValueError, ValidationError):
        return None
    return beat if (beat.pid, beat.started) == (known.pid, known.started) else None


def _name(beat: Beat) -> str:
    return f"\0ilemtrack/heart/{beat.pid}/{beat.started}"
