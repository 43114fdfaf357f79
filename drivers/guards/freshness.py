"""Proof that a frame began after it was asked for, also where the computer's clock is set meanwhile.

An exposure cannot be repeated: a good image must not be refused because somebody, or the network, set the
clock while it was scanned.

The process that has Odemis imports this module, too: standard library and Python 3.10 only.
"""

import time
from dataclasses import dataclass

_SET_S = 0.02
"""Difference of the two clocks from which the one on the wall was set, s; both are read one after the other.
Chosen by hand, not measured."""


class StaleFrameError(Exception):
    """Raised when a frame is certainly of an earlier exposure."""


@dataclass(frozen=True)
class Asked:
    """Moment at which a frame was asked for.

    Attributes
    ----------
    wall_s : float
        Wall clock, s since 1970; it may be set forward and back.
    monotonic_s : float
        Clock of the computer that nobody sets, s.
    """

    wall_s: float
    monotonic_s: float

    @classmethod
    def now(cls) -> "Asked":
        """Return this moment."""
        return cls(time.time(), time.monotonic())

    def proof(self, date_s: float | None, marks: tuple[str | None, str], until: "Asked") -> str | None:
        """Return the proof that a frame is not an earlier one: `nonce` or `date`; None without proof.

        Parameters
        ----------
        date_s : float or None
            Date of the frame, s since 1970; None if it has none.
        marks : (str or None, str)
            Mark of the frame, None if it has none, and the one that was given before it was asked for.
        until : Asked
            Moment at which the frame was there.

        Raises
        ------
        StaleFrameError
        """
        by_wall_s, passed_s = until.wall_s - self.wall_s, until.monotonic_s - self.monotonic_s
        was_set = abs(by_wall_s - passed_s) > _SET_S
        if date_s is not None and date_s < self.wall_s and not was_set:
            raise StaleFrameError(f"a frame begun {self.wall_s - date_s:.3g} s before it was asked for")
        found, given = marks
        if found is not None:
            if found != given:
                raise StaleFrameError("a frame with the mark of an earlier one")
            return "nonce"
        # A date to come is of a frame from before the clock was set back.
        dated = date_s is not None and not was_set and date_s <= until.wall_s + _SET_S
        return "date" if dated else None
