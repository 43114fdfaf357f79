"""Slow changes of a run in words."""

from collections.abc import Mapping

from service.model.images.trends import Quantity, Trend

_NAMES: Mapping[Quantity, str] = {
    Quantity.LIGHT: "the background of the fluorescence",
    Quantity.CELLS: "the brightness of the cells",
    Quantity.LIGHT_DETAIL: "the fine detail of the fluorescence",
    Quantity.ELECTRON_NOISE: "the noise of the electron images",
    Quantity.ELECTRON_DETAIL: "the sharpness of the electron images",
}

_TO_DO: Mapping[Quantity, tuple[str, str]] = {
    Quantity.LIGHT: (
        "The light gets weaker, or the gain of the camera was changed: measure the power of the light.",
        "Stray light, another gain of the camera, or more light than at the start: look at the frames.",
    ),
    Quantity.CELLS: (
        "Fluorescence fades, or light, vapour or focus are no longer those of the start, unless these"
        " sections only have dimmer cells: look at the frames of both before the beam is there.",
        "Nothing.",
    ),
    Quantity.LIGHT_DETAIL: (
        "The objective loses its focus, or drifts: focus it, or set fluorescence.autofocus_um.",
        "Nothing.",
    ),
    Quantity.ELECTRON_NOISE: (
        "The beam gets weaker, or brightness and contrast of the detector were changed.",
        "The beam gets stronger, or brightness and contrast of the detector were changed.",
    ),
    Quantity.ELECTRON_DETAIL: (
        "The beam loses its focus or its stigmation: focus it, or set session.autofocus: true.",
        "Nothing.",
    ),
}
"""Likely cause, and advice, for a quantity that falls and for one that rises."""


def trend_says(trend: Trend) -> str:
    """Return a change, with its size and the sections that were compared."""
    lower = trend.ratio < 1
    # A rise by more than half is better said as a factor.
    by = f"{1 - trend.ratio:.0%} lower" if lower else f"{trend.ratio:.2g} times as high"
    as_in = "than in" if lower else "as in"
    what = _NAMES[trend.quantity]
    return (
        f"{what} is {by} in the latest sections, up to {trend.latest}, {as_in} the first, from {trend.first}"
    )


def trend_to_do(trend: Trend) -> str:
    """Return the likely cause, and what a person does."""
    return _TO_DO[trend.quantity][trend.ratio > 1]
