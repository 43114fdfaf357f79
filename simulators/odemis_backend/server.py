"""The process of the back-end: ``python -m simulators.odemis_backend.server FOLDER held|real``.

`FOLDER` holds ``config.json`` and, for faults, ``faults.json``. A connection carries one question at a time,
a tuple; the answer is ``("ok", value)`` or ``("error", class name, text)``.
"""

import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from config.model import Config
from drivers.clock import Clock, SystemClock
from simulators.clock import HeldClock
from simulators.microscope import SimulatedMicroscope
from simulators.odemis_backend.electron import ElectronBeam
from simulators.odemis_backend.faults import Faults
from simulators.odemis_backend.interpreter import SOCKET
from simulators.odemis_backend.motion import Motion
from simulators.odemis_backend.names import MD_ACQ_DATE
from simulators.odemis_backend.optical import Fluorescence
from simulators.odemis_backend.settings import Component

_LOOK_S = 0.01
Gone = Callable[[], bool]


class CommunicationError(Exception):
    """Raised by a setting of a component whose process is dead."""


class ConnectionClosedError(CommunicationError):
    """Raised by get() of a component whose process is dead."""


class Backend:
    """All components, and answers about their true state for tests.

    Parameters
    ----------
    config : Config
    clock : Clock
    faults : Faults
    make : callable
        Returns the microscope of a configuration.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        faults: Faults,
        make: Callable[[Config], SimulatedMicroscope],
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._make = make
        self._orphans: dict[str, Any] = {}
        self._silent = 0
        self._hanging = 0
        self._counting = threading.Lock()
        self._acquiring: dict[str, threading.Lock] = {}
        self._questions: dict[str, Callable[..., Any]] = {
            "roles": self._roles,
            "ghosts": lambda: faults.of("ghosts") or {},
            "describe": self._describe,
            "get": self._get,
            "set": self._set,
            "check_move": lambda role, position: self._component(role).check_move(position),
            "stop": self._stop,
            "update_metadata": lambda role, new: self._component(role).metadata.update(new),
            "metadata": self._metadata,
            "now": clock.now_s,
            "sleep": clock.sleep,
            "truth": self._truth,
            "hanging": lambda: self._hanging,
            "push": lambda x_m, y_m: self._microscope.push_to(x_m, y_m),
            "reset": self._reset,
        }
        if isinstance(clock, HeldClock):
            self._questions |= {
                "hold_next": clock.hold_next,
                "held": clock.held.is_set,
                "release": clock.release,
            }
        self._reset(config.model_dump_json())

    def ask(self, question: tuple[Any, ...], gone: Gone) -> Any:
        """Answer a question; `gone` returns True once the client no longer waits for it."""
        name, *rest = question
        if name in ("get", "set", "frame") and self._stays_silent():
            self._hang(gone)
        if name == "frame":
            return self._frame(rest[0], gone)
        if name == "move":
            return self._move(rest[0], rest[1], rest[2], gone)
        return self._questions[name](*rest)

    def _stays_silent(self) -> bool:
        most = self._faults.of("silent")
        self._silent = 0 if most is None else self._silent + 1
        return most is not None and self._silent <= most

    def _hang(self, gone: Gone) -> None:
        """Never answer: wait until the client is gone. ``hanging`` counts the questions waiting here."""
        with self._counting:
            self._hanging += 1
        pause = threading.Event()
        while not gone():
            pause.wait(_LOOK_S)
        with self._counting:
            self._hanging -= 1
        raise ConnectionClosedError("the client is gone")

    def client_gone(self) -> None:
        """Let the hardware go on by itself after a client was killed."""
        if isinstance(self._clock, HeldClock):
            self._clock.release()

    def _reset(self, config: str) -> None:
        """Start over with a new microscope; the clock goes on."""
        settings = Config.model_validate_json(config)
        roles = settings.odemis.roles
        microscope = self._make(settings)
        beam = ElectronBeam(settings, self._clock, microscope, self._faults)
        optical = Fluorescence(settings, microscope, self._faults)
        motion = Motion(settings, microscope, self._faults)
        found = (
            beam.components(roles.ebeam, roles.sem_detector or "bs-detector")
            + optical.components(roles.light, roles.filter, roles.camera)
            + motion.components()
        )
        self._microscope = microscope
        self._camera_role = roles.camera
        self._beam, self._beam_role, self._light_role = beam, roles.ebeam, roles.light
        self._components = {component.role: component for component in found}
        self._acquiring = {component.role: threading.Lock() for component in found}
        self._orphans.clear()

    def _roles(self) -> dict[str, str]:
        missing = self._faults.of("missing") or ()
        return {role: c.name for role, c in self._components.items() if role not in missing}

    def _component(self, role: str) -> Component:
        if self._faults.strikes("killed", role):
            raise CommunicationError(f"cannot connect: no answer from {role}")
        return self._components[role]

    def _metadata(self, role: str) -> dict[str, Any]:
        kept: dict[str, dict[str, Any]] = self._faults.of("corrections") or {}
        return self._component(role).metadata | kept.get(role, {})

    def _describe(self, role: str) -> dict[str, Any]:
        component = self._components[role]
        without = (self._faults.of("without") or {}).get(role, ())
        settings = {n: s.described() for n, s in component.settings.items() if n not in without}
        if self._faults.of("presets") and role == self._beam_role:
            for name in ("resolution", "translation"):
                settings[name]["readonly"] = True
        if self._faults.of("fixed_frame") and role == self._camera_role:
            settings["resolution"]["readonly"] = True
        return {
            "settings": settings,
            "axes": component.axes,
            "shape": component.shape,
        }

    def _get(self, role: str, name: str) -> Any:
        return self._component(role).settings[name].read()

    def _set(self, role: str, name: str, value: Any) -> None:
        self._component(role).settings[name].set(value)

    def _move(self, role: str, position: dict[str, Any], timeout_s: float, gone: Gone) -> None:
        if self._faults.strikes("result_hangs", role) or self._faults.strikes("killed", role):
            self._hang(gone)
        move = self._component(role).move
        if move is None:
            raise ValueError(f"{role} does not move")
        move(position, timeout_s)

    def _stop(self, role: str) -> None:
        stop = self._component(role).stop
        if stop is not None:
            stop()

    def _frame(self, role: str, gone: Gone) -> Any:
        """Acquire a frame; one whose client is gone goes to the next client that asks."""
        if self._faults.strikes("killed", role):
            raise ConnectionClosedError("receiving: connection lost")
        component = self._component(role)
        if self._faults.strikes("get_hangs", role):
            self._hang(gone)
        with self._acquiring[role]:
            if role in self._orphans:
                return self._orphans.pop(role)
            if component.frame is None:
                raise AttributeError(f"{role} has no data")
            written = {} if self._faults.of("unmarked") else component.metadata
            pixels, metadata = component.frame(written)
            if self._faults.of("undated"):
                metadata.pop(MD_ACQ_DATE)
            if gone():
                self._orphans[role] = (pixels, metadata)
            return pixels, metadata

    def _truth(self) -> dict[str, Any]:
        """Return the true state, whatever the settings read back."""
        devices = self._microscope.devices
        exposures = self._microscope.ground.exposures()
        return {
            "blanked": self._beam.is_kept_off() and devices.sem.is_blanked(),
            "scanning": not devices.sem.is_blanked(),
            "light": devices.light.is_on(),
            "power_w": self._components[self._light_role].settings["power"].read(),
            "exposures": len(exposures),
            "scanned_m": exposures[-1].rect_m if exposures else None,
            "ground": [(exposure.rect_m, exposure.fraction) for exposure in exposures],
            "position_m": devices.stage.position(),
            "chamber": str(devices.chamber.state()),
        }


def serve(folder: Path, clock_name: str) -> None:
    """Serve a back-end for ever."""
    config = Config.model_validate_json((folder / "config.json").read_text())
    clock = HeldClock() if clock_name == "held" else SystemClock()
    faults = Faults(folder / "faults.json")
    backend = Backend(config, clock, faults, lambda settings: SimulatedMicroscope(settings, clock))
    with Listener(str(folder / SOCKET), family="AF_UNIX", backlog=16) as listener:
        print("ready", flush=True)
        answer_all(backend, listener)


def answer_all(backend: Backend, listener: Listener) -> None:
    """Answer each connection on threads of its own, for ever."""
    while True:
        connection = listener.accept()
        threading.Thread(target=_converse, args=(backend, connection), daemon=True).start()


def _converse(backend: Backend, connection: "Connection[Any, Any]") -> None:
    while True:
        try:
            question = connection.recv()
        except (EOFError, OSError):
            return
        answer: list[Any] = []
        ended = threading.Event()
        gone = threading.Event()

        def work(
            question: Any = question, answer: Any = answer, ended: Any = ended, gone: Any = gone
        ) -> None:
            try:
                answer.append(("ok", backend.ask(question, gone.is_set)))
            except Exception as error:  # noqa: BLE001 - every failure goes to the client
                answer.append(("error", type(error).__name__, str(error)))
            ended.set()

        threading.Thread(target=work, daemon=True).start()
        while not ended.wait(_LOOK_S):
            # A client sends nothing while it waits: anything readable is the end of its connection.
            if connection.poll():
                gone.set()
                backend.client_gone()
                return
        try:
            connection.send(answer[0])
        except OSError:
            return


def main() -> None:
    """Serve as the command line asks."""
    serve(Path(sys.argv[1]), sys.argv[2])


if __name__ == "__main__":
    main()
