"""What a machine offers, set against what a session wants: one line a fact."""

from dataclasses import dataclass
from enum import StrEnum


class Fit(StrEnum):
    """Whether a session can be run with what is offered."""

    YES = "yes"
    DOUBTFUL = "doubtful"
    """It can, and a person should look first."""
    NO = "no"


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that a machine has or is asked for.

    Attributes
    ----------
    part : str
        Which device it is of: ``microscope``, ``stage``, ``light``, ``filter``, ``camera``, ``objective``,
        ``sem`` or ``chamber``.
    name : str
    says : str
        What is there and what is wanted, in one sentence.
    fit : Fit
    do : str
        What to do about it; empty where it fits.
    """

    part: str
    name: str
    says: str
    fit: Fit = Fit.YES
    do: str = ""


def judged(part: str, name: str, says: str, fits: bool, do: str, otherwise: Fit = Fit.NO) -> Offer:
    """Return an offer that fits, or that does not and `do` mends; `otherwise` says how badly it does not."""
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
    """Return a value with its unit as people say it: ``quantity(6e-05, "s")`` is ``60 us``."""
    if unit not in ("m", "s", "A", "V", "W", "Hz") or value == 0:
        return f"{value:.4g} {unit}".rstrip()
    size, prefix = next((p for p in _PREFIXES if abs(value) >= p[0] * 0.9999), _PREFIXES[-1])
    return f"{value / size:.4g} {prefix}{unit}"
