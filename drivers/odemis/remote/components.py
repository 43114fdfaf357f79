"""Components of Odemis by role, and their settings, each checked to exist before it is used.

A proxy of Odemis answers to every name: an attribute that does not exist is a `_RemoteMethod`, so `hasVA` is
called before any is read or set.
"""

import math
from typing import Any

import odemis
from odemis import model

from drivers.guards.freshness import Asked, StaleFrameError

NONCE = "ilemtrack nonce"
"""Key of ours in the metadata of a detector: a frame carries the value last written before it began."""


class WorkerError(Exception):
    """Raised when a request cannot be carried out; `kind` is one of `protocol.KINDS`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Part:
    """One component, looked up when first used.

    Parameters
    ----------
    role : str
    """

    def __init__(self, role: str) -> None:
        self.role = role
        self._component: Any = None

    def component(self) -> Any:
        """Return the component.

        Raises
        ------
        LookupError
            No component has this role.
        """
        if self._component is None:
            self._component = model.getComponent(role=self.role)
        return self._component

    def has(self, name: str) -> bool:
        """Return True if it has a setting (vigilant attribute) of that name."""
        return bool(model.hasVA(self.component(), name))

    def setting(self, name: str) -> Any:
        """Return the setting itself, with its range, choices and `readonly`."""
        if not self.has(name):
            raise WorkerError("not-ready", f"the {self.role} of this microscope has no {name}")
        return getattr(self.component(), name)

    def read(self, name: str) -> Any:
        """Return the value of a setting."""
        return self.setting(name).value

    def put(self, name: str, value: Any, tolerance: float = 1e-3) -> Any:
        """Set, read back, and return what was read.

        Raises
        ------
        WorkerError
            The hardware clipped or rounded the value: kind `range`.
        """
        self.setting(name).value = value
        found = self.read(name)
        if not same(found, value, tolerance):
            raise WorkerError("range", f"the {self.role} set {name} = {plain(found)}, not {plain(value)}")
        return found


def read_of(part: Part, name: str) -> Any:
    """Return the value of a setting; None where there is none, or none can be read now."""
    try:
        return part.read(name) if part.has(name) else None
    except Exception:  # noqa: BLE001 - of any kind; a scan that has begun must give its image
        return None


def same(found: Any, wanted: Any, tolerance: float) -> bool:
    """Return True if two values, or tuples of them, are equal within a relative tolerance."""
    if isinstance(wanted, (tuple, list)):
        return len(found) == len(wanted) and all(
            same(f, w, tolerance) for f, w in zip(found, wanted, strict=True)
        )
    if isinstance(wanted, bool) or not isinstance(wanted, (int, float)):
        return bool(found == wanted)
    return math.isclose(found, wanted, rel_tol=tolerance, abs_tol=1e-12)


def fresh(metadata: dict[str, Any], nonce: str, asked: Asked) -> str | None:
    """Return the proof that a frame began after it was asked for: `nonce` or `date`; None without proof.

    Parameters
    ----------
    metadata : dict
        Of the frame, which came just now.
    nonce : str
        As written into the metadata of the detector before the frame was asked for.
    asked : Asked
        When it was asked for.

    Raises
    ------
    WorkerError
        It is certainly an earlier one: kind `failed`.
    """
    try:
        return asked.proof(metadata.get(model.MD_ACQ_DATE), (metadata.get(NONCE), nonce), Asked.now())
    except StaleFrameError as error:
        raise WorkerError("failed", str(error)) from None


def about(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a frame as plain values; None for those that it lacks."""
    names = {
        "position_m": model.MD_POS,
        "pixel_size_m": model.MD_PIXEL_SIZE,
        "rotation_rad": model.MD_ROTATION,
        "dwell_s": model.MD_DWELL_TIME,
        "exposure_s": model.MD_EXP_TIME,
        "offset_adu": model.MD_BASELINE,
        "date_s": model.MD_ACQ_DATE,
    }
    return {name: plain(metadata.get(key)) for name, key in names.items()}


def odemis_version() -> str:
    """Return the version that Odemis reports."""
    return str(getattr(odemis, "__version__", "unknown"))


def plain(value: Any) -> Any:
    """Return a value as JSON; None for anything but numbers, text, and lists and dictionaries of them."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, (int, float)):
        return value if math.isfinite(value) else None
    if hasattr(value, "item") and getattr(value, "size", 0) == 1:
        return plain(value.item())
    return None
