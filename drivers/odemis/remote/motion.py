"""Stage, objective and chamber, as the worker drives them."""

from typing import Any

from drivers.odemis.remote.components import Part, plain


class Motion:
    """Movements of stage, objective and chamber.

    Parameters
    ----------
    roles : dict
        Of `config.odemis.OdemisRoles`.
    """

    def __init__(self, roles: dict[str, Any]) -> None:
        self._stage = Part(roles["stage"])
        self._chamber = Part(roles["chamber"])
        self._focus = Part(roles["focus"])

    def position(self) -> dict[str, Any]:
        """Return the position of the stage, m."""
        found = self._stage.read("position")
        return {"x_m": plain(found["x"]), "y_m": plain(found["y"])}

    def move(self, x_m: float, y_m: float, timeout_s: float) -> dict[str, Any]:
        """Move to a position; the move goes on after the time has run out."""
        self._stage.component().moveAbs({"x": x_m, "y": y_m}).result(timeout_s)
        return self.position()

    def stop_stage(self) -> dict[str, Any]:
        """Stop moving."""
        self._stage.component().stop()
        return {}

    def focus_state(self) -> dict[str, Any]:
        """Return the height of the objective and its range, m; None where they are unknown."""
        found = self._focus.read("position")
        limits = getattr(self._focus.component().axes["z"], "range", None)
        return {"z_m": plain(found["z"]), "range_m": plain(limits)}

    def focus_go_to(self, z_m: float, timeout_s: float) -> dict[str, Any]:
        """Move the objective to a height; the move goes on after the time has run out."""
        self._focus.component().moveAbs({"z": z_m}).result(timeout_s)
        return {}

    def stop_focus(self) -> dict[str, Any]:
        """Stop the objective."""
        self._focus.component().stop()
        return {}

    def chamber_state(self) -> dict[str, Any]:
        """Return the positions of the chamber, the current one, and the pressure, Pa.

        The position changes only at the end of a movement; the pressure is live.
        """
        chamber = self._chamber
        choices = chamber.component().axes["vacuum"].choices
        named = choices.items() if isinstance(choices, dict) else ((key, "") for key in choices)
        return {
            "positions": [[float(key), str(name)] for key, name in named],
            "position_pa": plain(chamber.read("position")["vacuum"]),
            "pressure_pa": plain(chamber.read("pressure")),
        }

    def chamber_go_to(self, position_pa: float, timeout_s: float) -> dict[str, Any]:
        """Go to a position; a return is no proof that it was reached."""
        self._chamber.component().moveAbs({"vacuum": position_pa}).result(timeout_s)
        return self.chamber_state()

    def stop_chamber(self) -> dict[str, Any]:
        """Stop pumping, where the machine supports it."""
        self._chamber.component().stop()
        return {}

    def pressure(self) -> dict[str, Any]:
        """Return the pressure of a chamber that a person operates, Pa; None where nothing measures it."""
        try:
            there = self._chamber.has("pressure")
        except LookupError:
            there = False
        return {"pressure_pa": plain(self._chamber.read("pressure")) if there else None}
