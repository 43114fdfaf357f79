"""The field of view of the beam: set as such, or through the magnification."""

import math

from drivers.odemis.remote.components import Part, WorkerError

_SAME_REFERENCE = 0.01
"""Relative difference allowed between the configured field at magnification 1 and that of Odemis.

Chosen by hand: above rounding, far below the difference of another machine.
"""


class FieldOfView:
    """The horizontal field of view of the scan generator at scale 1.

    Parameters
    ----------
    beam : Part
    at_magnification_1_m : float or None
        Field at magnification 1, of an SEM whose magnification Odemis only copies; None where Odemis sets
        the field.
    """

    def __init__(self, beam: Part, at_magnification_1_m: float | None) -> None:
        self._beam = beam
        self._reference_m = at_magnification_1_m

    @property
    def readonly(self) -> bool:
        """True where a program cannot set it."""
        return bool(self._beam.setting(self._name()).readonly)

    def value_m(self) -> float:
        """Return the present width, m."""
        if self._by_field():
            return float(self._beam.read("horizontalFoV"))
        return self._reference() / float(self._beam.read("magnification"))

    def most_m(self) -> float:
        """Return the largest width, m."""
        if self.readonly:
            return self.value_m()
        limits = self._beam.setting(self._name()).range
        return float(limits[1]) if self._by_field() else self._reference() / float(limits[0])

    def put(self, width_m: float) -> None:
        """Set the width, and read back; a magnification must be that of the SEM itself.

        Raises
        ------
        WorkerError
        """
        if self._by_field():
            self._beam.put("horizontalFoV", width_m)
        else:
            self._beam.put("magnification", self._reference() / width_m)

    def magnification_for(self, width_m: float) -> float | None:
        """Return the magnification that a person must set at the SEM; None where Odemis sets the field."""
        return None if self._by_field() else self._reference() / width_m

    def _by_field(self) -> bool:
        return self._beam.has("horizontalFoV")

    def _name(self) -> str:
        if self._by_field():
            return "horizontalFoV"
        if self._reference_m is None:
            raise WorkerError(
                "not-ready",
                f"the {self._beam.role} of this microscope has no horizontalFoV; if its magnification is set"
                " by hand, set odemis.hfw_at_magnification_1_mm",
            )
        return "magnification"

    def _reference(self) -> float:
        """Return the field at magnification 1, m, once it agrees with that in the file of Odemis."""
        self._name()
        assert self._reference_m is not None
        size_m, width = self._beam.read("pixelSize")[0], self._beam.component().shape[0]
        odemis_m = size_m * width * self._beam.read("magnification")
        if not math.isclose(odemis_m, self._reference_m, rel_tol=_SAME_REFERENCE):
            raise WorkerError(
                "not-ready",
                f"odemis.hfw_at_magnification_1_mm is {self._reference_m * 1e3:g}, Odemis calculates with"
                f" {odemis_m * 1e3:g} mm (hfw_nomag of its microscope file): correct the one that is wrong",
            )
        return self._reference_m
