"""Light, emission filter and camera, as the worker drives them."""

from typing import Any

from drivers.guards.conditions import Conditions, Watch, plain_of
from drivers.guards.freshness import Asked
from drivers.odemis.remote.components import NONCE, Part, WorkerError, about, fresh, plain, read_of
from drivers.odemis.survey.bands import intervals_m, passes

_TRIES = 4
"""Frames taken before giving up: frames of calls that were killed come first."""


class Optical:
    """The fluorescence half.

    Parameters
    ----------
    roles : dict
        Of `config.odemis.OdemisRoles`.
    """

    def __init__(self, roles: dict[str, Any]) -> None:
        self._light = Part(roles["light"])
        self._filter = Part(roles["filter"])
        self._camera = Part(roles["camera"])
        self._stage = Part(roles["stage"])

    def on(
        self, excitation_nm: float, power_w: float, emission_nm: float, timeout_s: float
    ) -> dict[str, Any]:
        """Move the filter in, then switch one source on; returns its number and the powers read back, W."""
        source = self._source(excitation_nm)
        power = self._light.setting("power")
        most_w = power.range[1][source]
        if not 0 < power_w <= most_w:
            raise WorkerError("range", f"{power_w:g} W is not above 0 and at most {most_w:g} W of the source")
        self.off()
        band = self._put_filter(emission_nm, timeout_s)
        wanted = [power_w if n == source else 0.0 for n in range(len(power.value))]
        try:
            # A new list: setting one element of the value would go through to the hardware.
            found = self._light.put("power", wanted, tolerance=0.05)
        except BaseException:
            self.off()
            raise
        return {"source": source, "power_w": plain(found), "band": band}

    def off(self) -> dict[str, Any]:
        """Switch every source off and read back."""
        power = self._light.setting("power")
        power.value = [0.0] * len(power.value)
        state = self.state()
        if state["on"]:
            raise WorkerError("failed", f"the light stays on: {state['power_w']} W")
        return state

    def state(self) -> dict[str, Any]:
        """Return the powers of all sources, W, and True if any is on."""
        found = list(self._light.read("power"))
        return {"on": any(value > 0 for value in found), "power_w": plain(found)}

    def expose(self, exposure_s: float, em_gain: float, size_px: list[int], nonce: str) -> Any:
        """Take one frame that began after this call; returns its metadata, and the frame."""
        camera = self._camera
        if camera.has("binning"):
            camera.put("binning", (1, 1))
        self._put_size((size_px[0], size_px[1]))
        exposure = camera.put("exposureTime", exposure_s, tolerance=0.02)
        gain = self._put_gain(em_gain)
        bands_m = self._bands_m()
        component = camera.component()
        component.updateMetadata({NONCE: nonce})
        watch = Watch(self._conditions(), self._conditions)
        asked = Asked.now()
        with watch:
            result, frame = self._fresh_frame(component, nonce, asked)
        watch.note(self._conditions())
        read = {"exposure_s": plain(exposure), "em_gain": gain, "bands_m": bands_m}
        return result | read | {"seen": [plain_of(one) for one in watch.seen]}, frame

    def _fresh_frame(self, component: Any, nonce: str, asked: Asked) -> Any:
        why = "no frame with a mark or a date"
        for number in range(_TRIES):
            frame = component.data.get(asap=False)
            try:
                proof = fresh(frame.metadata, nonce, asked)
            except WorkerError as problem:
                why = str(problem)
                continue
            # A frame without proof is fresh if another one was discarded before it.
            if proof is not None or number > 0:
                return about(frame.metadata) | {"proof": proof or "order", "orphans": number}, frame
        raise WorkerError("failed", f"the camera gave {_TRIES} frames of earlier exposures: {why}")

    def _conditions(self) -> Conditions:
        """Return the conditions of an exposure; what does not answer is None."""
        position, names = (
            read_of(self._stage, "position"),
            ("binning", "emGain", "exposureTime", "resolution"),
        )
        settings = {f"camera {name}": plain(read_of(self._camera, name)) for name in names}
        settings |= {"light power": plain(read_of(self._light, "power"))}
        band = read_of(self._filter, "position")
        settings |= {"emission filter": None if band is None else plain(band.get("band"))}
        return Conditions(None if position is None else (position["x"], position["y"]), settings=settings)

    def _source(self, excitation_nm: float) -> int:
        spectra = self._light.read("spectra")
        wanted_m = excitation_nm * 1e-9
        inside = [n for n, s in enumerate(spectra) if s[0] <= wanted_m <= s[-1]]
        if not inside:
            known = ", ".join(f"{s[0] * 1e9:.0f}-{s[-1] * 1e9:.0f}" for s in spectra)
            raise WorkerError("range", f"no light source at {excitation_nm:g} nm; there are {known} nm")
        return min(inside, key=lambda n: abs(spectra[n][len(spectra[n]) // 2] - wanted_m))

    def _bands_m(self) -> list[list[float]]:
        """Return the bands of the filter that is in, m; none where it does not say."""
        component = self._filter.component()
        axes = component.axes if hasattr(component, "axes") else {}
        if not isinstance(axes, dict) or "band" not in axes or not self._filter.has("position"):
            return []
        here = component.position.value["band"]
        return [list(band) for band in intervals_m(dict(axes["band"].choices).get(here))]

    def _put_filter(self, emission_nm: float, timeout_s: float) -> Any:
        component = self._filter.component()
        axes = component.axes if hasattr(component, "axes") else {}
        if not isinstance(axes, dict) or "band" not in axes:
            # The filter does not move.
            return None
        wanted_m = emission_nm * 1e-9
        widths = {
            key: sum(high - low for low, high in intervals_m(band))
            for key, band in dict(axes["band"].choices).items()
            if passes(band, wanted_m)
        }
        if not widths:
            raise WorkerError("range", f"no emission filter passes {emission_nm:g} nm")
        key = min(widths, key=lambda k: widths[k])
        if component.position.value["band"] != key:
            component.moveAbs({"band": key}).result(timeout_s)
        if component.position.value["band"] != key:
            found = component.position.value["band"]
            raise WorkerError("failed", f"the filter stands at {found}, not at {key}")
        return key

    def _put_size(self, size_px: tuple[int, int]) -> None:
        """Set the size of frames; that of some cameras is fixed, and must be the wanted one."""
        resolution = self._camera.setting("resolution")
        if not resolution.readonly:
            self._camera.put("resolution", size_px)
        elif tuple(resolution.value) != size_px:
            raise WorkerError(
                "range",
                f"this camera gives frames of {plain(resolution.value)} px and no others:"
                " set fluorescence.frame_px to that",
            )

    def _put_gain(self, em_gain: float) -> float:
        if self._camera.has("emGain"):
            # 0 is no multiplication; with None the camera would choose one.
            return max(1.0, float(self._camera.put("emGain", 0 if em_gain == 1 else round(em_gain))))
        if em_gain != 1:
            raise WorkerError("range", "this camera has no EM gain: set fluorescence.em_gain to 1")
        return 1.0
