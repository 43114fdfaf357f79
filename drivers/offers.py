"""Results of a survey: what a machine offers, compared with what a session needs."""

from dataclasses import dataclass
from enum import StrEnum


class Fit(StrEnum):
    """Verdict on one offer."""

    YES = "yes"
    DOUBTFUL = "doubtful"
    """Usable, but a person should look first."""
    NO = "no"


@dataclass(frozen=True, slots=True)
class Offer:
    """One property that a machine has or a session needs.

    Attributes
    ----------
    part : str
        Device it belongs to: ``microscope``, ``stage``, ``light``, ``filter``, ``camera``, ``objective``,
        ``sem`` or ``chamber``.
    name : str
    says : str
        What is there and what is needed, in one sentence.
    fit : Fit
    do : str
        Advice; empty where the offer fits.
    """

    part: str
    name: str
    says: str
    fit: Fit = Fit.YES
    do: str = ""


def judged(part: str, name: str, says: str, fits: bool, do: str, otherwise: Fit = Fit.NO) -> Offer:
    """Return an offer that fits, or one with the advice `do` and the verdict `otherwise`."""
    return Offer(part, name, says) if fits else Offer(part, name, says, otherwise, do)


_PREFIXES = (
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "u"),
    (1e-9, "n"),
    (1e-12, "p"),
)


def quantity(value: float, unit: str) -> str:
    """Return a value with a unit prefix: ``quantity(6e-05, "s")`` is ``60 us``."""
    if unit not in ("m", "s", "A", "V", "W", "Hz") or value == 0:
        return f"{value:.4g} {unit}".rstrip()
    size, prefix = next((p for p in _PREFIXES if abs(value) >= p[0] * 0.9999), _PREFIXES[-1])
    return f"{value / size:.4g} {prefix}{unit}"
