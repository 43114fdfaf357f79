"""Refusals of values that a device does not have, before anything moves."""

from drivers.errors import OutOfRangeError

LONGEST_EXPOSURE_S = 600.0
"""The limit of `config.light.fluorescence.FluorescenceConfig.exposure_s`."""
EM_GAIN = (1.0, 300.0)
"""The limits of `config.light.fluorescence.FluorescenceConfig.em_gain`."""


def require_within(name: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Refuse a value outside a range, and NaN.

    Raises
    ------
    OutOfRangeError
    """
    if not low <= value <= high:
        shown = f" {unit}" if unit else ""
        raise OutOfRangeError(f"{name} {value:g}{shown} is not from {low:g} to {high:g}{shown}")


def require_positive(name: str, value: float, most: float, unit: str) -> None:
    """Refuse a value that is not above 0 and at most `most`, and NaN.

    Raises
    ------
    OutOfRangeError
    """
    if not 0 < value <= most:
        raise OutOfRangeError(f"{name} {value:g} {unit} is not above 0 and at most {most:g} {unit}")


def require_exposure(exposure_s: float) -> None:
    """Refuse an exposure time of a camera that is not above 0 and at most 600 s.

    Raises
    ------
    OutOfRangeError
    """
    require_positive("exposure", exposure_s, LONGEST_EXPOSURE_S, "s")


def require_em_gain(em_gain: float) -> None:
    """Refuse an electron-multiplying gain that is not from 1 to 300.

    Raises
    ------
    OutOfRangeError
    """
    require_within("EM gain", em_gain, *EM_GAIN)


def require_in_stage_range(
    target_m: tuple[float, float], range_m: tuple[tuple[float, float], tuple[float, float]]
) -> None:
    """Refuse a stage position outside the range of an axis, and NaN.

    Parameters
    ----------
    target_m : (float, float)
        x and y, m.
    range_m : ((float, float), (float, float))
        Lowest and highest x, and y, m.

    Raises
    ------
    OutOfRangeError
    """
    for axis, value, (low, high) in zip("xy", target_m, range_m, strict=True):
        if not low <= value <= high:
            raise OutOfRangeError(
                f"{axis} = {value * 1e3:g} mm is outside the range of the stage,"
                f" {low * 1e3:g} to {high * 1e3:g} mm"
            )
