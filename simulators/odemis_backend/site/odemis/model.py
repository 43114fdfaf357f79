"""The part of `odemis.model` that a worker uses; standard library and numpy only, as in any client."""

import os
import threading
from multiprocessing.connection import Client
from typing import Any

import numpy as np

MD_ACQ_DATE = "Acquisition date"
MD_BASELINE = "Baseline value"
MD_DWELL_TIME = "Pixel dwell time"
MD_EXP_TIME = "Exposure time"
MD_PIXEL_SIZE = "Pixel size"
MD_POS = "Centre position"
MD_PIXEL_SIZE_COR = "Pixel size cor"
MD_POS_COR = "Centre position cor"
MD_ROTATION = "Rotation"
MD_ROTATION_COR = "Rotation cor"
MD_SHEAR_COR = "Shear cor"


class NotSettableError(AttributeError):
    """Raised when a read-only setting is written."""


class HwError(OSError):
    """Raised when the hardware refuses."""


class CancelledError(Exception):
    """Raised by the result of a movement that was cancelled."""


class CommunicationError(Exception):
    """Raised when a component, or the back-end, does not answer."""


class ConnectionClosedError(CommunicationError):
    """Raised when the other side ended in the middle of a call."""


_CLASSES: dict[str, type[Exception]] = {
    known.__name__: known
    for known in (
        *(NotSettableError, HwError, CancelledError, CommunicationError, ConnectionClosedError),
        *(IndexError, TypeError, ValueError, LookupError, AttributeError, TimeoutError),
    )
}

_local = threading.local()


def _ask(*question: Any) -> Any:
    """Ask one question; each thread has its own connection."""
    try:
        if not hasattr(_local, "connection"):
            _local.connection = Client(os.environ["ILEMTRACK_SIMULATED_ODEMIS"], family="AF_UNIX")
        _local.connection.send(question)
        kind, *rest = _local.connection.recv()
    except (EOFError, OSError) as error:
        raise ConnectionClosedError(f"receiving: connection lost: {error}") from None
    if kind == "ok":
        return rest[0]
    raise _CLASSES.get(rest[0], RuntimeError)(rest[1])


class DataArray(np.ndarray[Any, Any]):
    """An image with metadata."""

    metadata: dict[str, Any]


class VigilantAttribute:
    """One setting of a component, or of the microscope."""

    def __init__(self, role: str, name: str, described: dict[str, Any]) -> None:
        self._role, self._name = role, name
        self.unit = described["unit"]
        self.readonly = described["readonly"]
        self._limits = {key: described[key] for key in ("range", "choices")}

    @property
    def value(self) -> Any:
        """Read it, or write it."""
        return _ask("get", self._role, self._name)

    @value.setter
    def value(self, value: Any) -> None:
        _ask("set", self._role, self._name, value)

    def __getattr__(self, name: str) -> Any:
        if name in ("range", "choices") and self._limits[name] is not None:
            return self._limits[name]
        raise AttributeError(name)


class _RemoteMethod:
    """Attribute of a proxy for an unknown name: no error until it is called."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *arguments: Any, **named: Any) -> Any:  # noqa: ARG002
        raise AttributeError(f"'Component' object has no attribute '{self._name}'")


class Axis:
    """One axis."""

    def __init__(self, limits: dict[str, Any]) -> None:
        self.unit = limits.get("unit")
        for name in ("range", "choices"):
            if name in limits:
                setattr(self, name, limits[name])


class Future:
    """A requested move."""

    def __init__(self, role: str, position: dict[str, Any]) -> None:
        self._role, self._position = role, position

    def result(self, timeout: float | None = None) -> None:
        """Wait until it ends."""
        _ask("move", self._role, self._position, 1e9 if timeout is None else timeout)


class DataFlow:
    """The frames of a detector."""

    def __init__(self, role: str) -> None:
        self._role = role

    def get(self, asap: bool = True) -> DataArray:  # noqa: ARG002
        """Acquire one frame; blocks, without any timeout."""
        pixels, metadata = _ask("frame", self._role)
        frame = np.asarray(pixels).view(DataArray)
        frame.metadata = metadata
        return frame


class Component:
    """A proxy of a component."""

    def __init__(self, role: str, name: str) -> None:
        described = _ask("describe", role)
        self.role, self.name = role, name
        self.shape = described["shape"]
        self.data = DataFlow(role)
        self.vas = {n: VigilantAttribute(role, n, one) for n, one in described["settings"].items()}
        if described["axes"]:
            self.axes = {axis: Axis(limits) for axis, limits in described["axes"].items()}

    def __getattr__(self, name: str) -> Any:
        vas = self.__dict__.get("vas", {})
        return vas[name] if name in vas else _RemoteMethod(name)

    def moveAbs(self, position: dict[str, Any]) -> Future:  # noqa: N802 - the name that it has
        """Request a move; an unknown axis or position is refused at once."""
        _ask("check_move", self.role, position)
        return Future(self.role, position)

    def stop(self) -> None:
        """Stop all axes."""
        _ask("stop", self.role)

    def getMetadata(self) -> dict[str, Any]:  # noqa: N802 - the name that it has
        """Return the metadata that frames carry."""
        return dict(_ask("metadata", self.role))

    def updateMetadata(self, new: dict[str, Any]) -> None:  # noqa: N802 - the name that it has
        """Add to the metadata that frames carry."""
        _ask("update_metadata", self.role, new)


class _Ghosts:
    @property
    def value(self) -> dict[str, Any]:
        """Return the components that did not start, with the reason."""
        return dict(_ask("ghosts"))


class Microscope:
    """The root of all components."""

    role = "secom"
    name = "Simulated SECOM"
    swVersion = "Unknown (Odemis 3.8.0)"  # noqa: N815 - the name that it has
    vas: dict[str, VigilantAttribute] = {}  # noqa: RUF012 - like those of a component
    ghosts = _Ghosts()


def getMicroscope() -> Microscope:  # noqa: N802 - the name that it has
    """Return the microscope."""
    return Microscope()


def getComponents() -> set[Any]:  # noqa: N802 - the name that it has
    """Return all running components, and the microscope."""
    return {Microscope(), *(Component(role, name) for role, name in _ask("roles").items())}


def getComponent(name: str | None = None, role: str | None = None) -> Component:  # noqa: N802
    """Find a component."""
    for known, text in _ask("roles").items():
        if role in (None, known) and name in (None, text):
            return Component(known, text)
    raise LookupError(f"No component with the role {role}")


def getVAs(component: Component) -> dict[str, VigilantAttribute]:  # noqa: N802 - the name that it has
    """Return the settings of a component."""
    return dict(component.vas)


def hasVA(component: Component, name: str) -> bool:  # noqa: N802 - the name that it has
    """Return True if a component has a setting."""
    return name in component.vas
