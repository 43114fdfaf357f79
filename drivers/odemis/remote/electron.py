"""Beam, blanker and scan generator, as the worker drives them."""

import math
from typing import Any

from drivers.guards.conditions import BLANKER, MAGNIFICATION, Conditions, Watch, plain_of
from drivers.guards.freshness import Asked
from drivers.odemis.remote.blanking import Blanking
from drivers.odemis.remote.components import NONCE, Part, WorkerError, about, fresh, plain, read_of, same
from drivers.odemis.remote.detectors import electron_detector
from drivers.odemis.remote.field_of_view import FieldOfView

_DRAINED_PX = (16, 16)
_TRIES = 4

_OF_THE_BEAM = {
    "accelerating voltage": "accelVoltage",
    "beam current": "probeCurrent",
    "beam power": "power",
    "dwell time": "dwellTime",
    MAGNIFICATION: "magnification",
    "scan rotation": "rotation",
    "spot size": "spotSize",
}
_OF_THE_DETECTOR = {
    "detector bits": "bpp",
    "detector brightness": "brightness",
    "detector contrast": "contrast",
    "detector gain": "gain",
}
"""Settings that stay the same in the course of a scan, by the names that people use."""


class Electron:
    """The electron half.

    Parameters
    ----------
    roles : dict
        Of `config.odemis.OdemisRoles`.
    blanking : str
        Of `config.odemis.Blanking`.
    hfw_at_magnification_1_m : float or None
        See `FieldOfView`.
    """

    def __init__(
        self,
        roles: dict[str, Any],
        blanking: str = "blanker",
        hfw_at_magnification_1_m: float | None = None,
    ) -> None:
        self._roles = roles
        self._beam = Part(roles["ebeam"])
        self._stage = Part(roles["stage"])
        self._found: Part | None = None
        self._blanking = Blanking(self._beam, blanking)
        self._field = FieldOfView(self._beam, hfw_at_magnification_1_m)
        self.left_automatic = False
        """True once the blanker was put back to automatic: blanking at the end would undo that."""

    def blank(self) -> dict[str, Any]:
        """Blank and read back."""
        self.left_automatic = False
        self._blanking.close()
        return self.state()

    def state(self) -> dict[str, Any]:
        """Return the state of the blanker; an automatic blanker does not count as blanked."""
        return {"blanked": self._blanking.closed(), "automatic": self._blanking.is_automatic()}

    def leave_automatic(self) -> dict[str, Any]:
        """Put the blanker back to automatic and read it back; by the caller nothing is scanned."""
        self._blanking.leave_automatic()
        self.left_automatic = self._blanking.is_automatic()
        return self.state()

    def set_beam(self, voltage_v: float, spot_size: float, current_a: float) -> dict[str, Any]:
        """Blank, and set the settings of the column that Odemis has; returns `column`."""
        self.blank()
        if self._beam.has("accelVoltage"):
            self._beam.put("accelVoltage", voltage_v, tolerance=0.02)
        # A machine has one of the two: where it has a current, setting the spot would change both.
        if self._beam.has("spotSize"):
            self._beam.put("spotSize", spot_size, tolerance=0.02)
        elif self._beam.has("probeCurrent"):
            self._beam.put("probeCurrent", current_a, tolerance=0.2)
        return self.column()

    def column(self) -> dict[str, Any]:
        """Read the column back; None for settings that this microscope does not have."""
        names = {"voltage_v": "accelVoltage", "spot_size": "spotSize", "current_a": "probeCurrent"}
        return {
            key: plain(self._beam.read(name)) if self._beam.has(name) else None for key, name in names.items()
        }

    def largest(self, pixel_size_m: float) -> dict[str, Any]:
        """Return the field that the beam can scan, px of the given size, and if a scan can move in it.

        ``magnification`` is the one that a person must set at the SEM; None where Odemis sets the field.
        """
        shape = list(self._beam.component().shape[:2])
        movable = self._beam.has("translation") and not self._beam.setting("translation").readonly
        step = self._step(pixel_size_m)
        magnification = self._field.magnification_for(pixel_size_m * shape[0] / step)
        return {
            "size_px": plain([n // step for n in shape]),
            "movable": movable,
            "magnification": plain(magnification),
        }

    def prepare(
        self, size_px: list[int], pixel_size_m: float, dwell_s: float, shift_m: list[float]
    ) -> dict[str, Any]:
        """Set up a scan, blanked, and return what was read back.

        The order matters: the scale rescales the resolution, and too large values are clipped silently.
        """
        self.blank()
        beam = self._beam
        if beam.has("rotation") and abs(math.remainder(beam.read("rotation"), 2 * math.pi)) > 1e-3:
            raise WorkerError(
                "not-ready", f"the scan is rotated by {beam.read('rotation'):g} rad; set it to 0"
            )
        width = beam.component().shape[0]
        resolution = beam.setting("resolution")
        wanted_fov_m = pixel_size_m * (size_px[0] if resolution.readonly else width)
        step = self._step(pixel_size_m) if not resolution.readonly else width / size_px[0]
        if not resolution.readonly:
            wanted_fov_m /= step
        if not self._field.readonly:
            self._field.put(wanted_fov_m)
        beam.setting("scale").value = (step, step)
        if not resolution.readonly:
            resolution.value = tuple(size_px)
        if not same(beam.read("resolution"), tuple(size_px), 0):
            raise WorkerError(
                "range",
                f"this microscope scans {plain(beam.read('resolution'))} pixels, not {size_px}; list its"
                " sizes in sem.presets_px",
            )
        if not same(beam.read("scale"), (step, step), 1e-3):
            raise WorkerError("range", f"the scan generator set the scale {plain(beam.read('scale'))}")
        self._shift(shift_m)
        beam.put("dwellTime", dwell_s, tolerance=0.02)
        found_m = self._field.value_m() / width * beam.read("scale")[0]
        if not math.isclose(found_m, pixel_size_m, rel_tol=1e-3):
            raise WorkerError("range", f"the pixels would be {found_m:g} m, not {pixel_size_m:g} m, wide")
        self._check_size(size_px)
        return {"pixel_size_m": plain(found_m), "dwell_s": plain(beam.read("dwellTime"))}

    def drain(self, nonce: str) -> dict[str, Any]:
        """Scan a few pixels, blanked, until a frame is ours: then no earlier frame is still to come."""
        self.blank()
        beam = self._beam
        resolution = beam.setting("resolution")
        if not resolution.readonly:
            resolution.value = _DRAINED_PX
        dwell = beam.setting("dwellTime")
        dwell.value = dwell.range[0]
        component = self._detector().component()
        component.updateMetadata({NONCE: nonce})
        asked = Asked.now()
        for number in range(_TRIES):
            frame = component.data.get(asap=False)
            try:
                proof = fresh(frame.metadata, nonce, asked)
            except WorkerError:
                continue
            if proof is not None or number > 0:
                return {"orphans": number}
        raise WorkerError("failed", f"the SEM gave {_TRIES} images of earlier scans")

    def scan(self, nonce: str, size_px: list[int]) -> Any:
        """Unblank, scan once as prepared, blank; returns the metadata of the image, and the image.

        Nothing is repeated: an image of another scan is an error.
        """
        component = self._detector().component()
        self._check_size(size_px)
        component.updateMetadata({NONCE: nonce})
        blanking = self._blanking
        watch = Watch(
            self._conditions(blanking.opened()), lambda: self._conditions(blanking.reading()), self.blank
        )
        asked = Asked.now()
        try:
            blanking.open()
            with watch:
                frame = component.data.get(asap=False)
            at_the_end = self._reading_at_the_end()
        finally:
            self.blank()
        watch.note(self._conditions(at_the_end))
        result = about(frame.metadata) | {"seen": [plain_of(one) for one in watch.seen]}
        try:
            proof = fresh(frame.metadata, nonce, asked)
            if tuple(frame.shape) != (size_px[1], size_px[0]):
                raise WorkerError("failed", f"an image of shape {tuple(frame.shape)}, not {size_px[::-1]}")
        except WorkerError as error:
            # Not raised: what was seen meanwhile counts for the ledger.
            return result | {"problem": str(error)}, frame
        return result | {"problem": None, "proof": proof or "order"}, frame

    def _reading_at_the_end(self) -> Any:
        try:
            return self._blanking.reading()
        except Exception:  # noqa: BLE001 - of any kind; the scan must give its image
            return None

    def _conditions(self, blanker: Any) -> Conditions:
        """Return the conditions of a scan; what does not answer is None."""
        beam = self._beam
        size, fov_m = read_of(beam, "resolution"), read_of(beam, "horizontalFoV")
        scale, shift_px = read_of(beam, "scale"), read_of(beam, "translation")
        position = read_of(self._stage, "position")
        field_m = shift_m = None
        if fov_m is not None:
            pixel_m = fov_m / beam.component().shape[0]
            if size is not None and scale is not None:
                field_m = size[0] * scale[0] * pixel_m, size[1] * scale[1] * pixel_m
            if shift_px is not None:
                shift_m = shift_px[0] * pixel_m, -shift_px[1] * pixel_m
        settings = {name: plain(read_of(beam, key)) for name, key in _OF_THE_BEAM.items() if beam.has(key)}
        detector = self._detector()
        settings |= {
            name: plain(read_of(detector, key)) for name, key in _OF_THE_DETECTOR.items() if detector.has(key)
        }
        stage_m = None if position is None else (position["x"], position["y"])
        return Conditions(stage_m, field_m, shift_m, settings | {BLANKER: blanker})

    def _detector(self) -> Part:
        """Return the detector of the images, looked for when first used.

        Raises
        ------
        LookupError
            There is none.
        """
        if self._found is None:
            role = electron_detector(self._roles)
            if role is None:
                raise LookupError("no detector of electron images")
            self._found = Part(role)
        return self._found

    def _check_size(self, size_px: list[int]) -> None:
        found = self._beam.read("resolution")
        if tuple(found) != tuple(size_px):
            raise WorkerError("range", f"the scan generator set {plain(found)} pixels, not {size_px}")

    def _step(self, pixel_size_m: float) -> float:
        """Return the scale for a pixel size: 1, unless the field of view cannot be made that large."""
        beam = self._beam
        wanted_m, most_m = pixel_size_m * beam.component().shape[0], self._field.most_m()
        step = max(1.0, wanted_m / most_m)
        if self._field.readonly and not math.isclose(wanted_m / most_m, step, rel_tol=1e-3):
            raise WorkerError(
                "range",
                f"the field of view of {most_m:g} m, set on the machine, is too wide for pixels of"
                f" {pixel_size_m:g} m",
            )
        return float(step)

    def _shift(self, shift_m: list[float]) -> None:
        """Move the scan in its field: image centre = stage + (tx * px, -ty * px), px at scale 1."""
        beam = self._beam
        if not beam.has("translation") or beam.setting("translation").readonly:
            if any(shift_m):
                raise WorkerError(
                    "range",
                    "this microscope cannot shift a scan: set sem.beam_shift_range_um to 0 and"
                    " sem.beam_reach_um to [0, 0]",
                )
            return
        size = beam.read("pixelSize")
        wanted = (shift_m[0] / size[0], -shift_m[1] / size[1])
        setting = beam.setting("translation")
        setting.value = wanted
        if any(abs(f - w) > 0.01 for f, w in zip(setting.value, wanted, strict=True)):
            raise WorkerError(
                "range", f"the scan generator set the shift {plain(setting.value)} px, not {wanted}"
            )
