"""Settings put back to values that were found earlier, as the worker does it."""

from typing import Any

from drivers.odemis.remote.components import Part, plain, same

_TOLERANCE = 1e-3


class PuttingBack:
    """Puts settings back; what fails is reported, and does not keep the others from it.

    Parameters
    ----------
    roles : dict
        Of `config.odemis.OdemisRoles`.
    """

    def __init__(self, roles: dict[str, str]) -> None:
        self._parts = {part: Part(roles[part]) for part in ("camera", "ebeam", "filter")}

    def put_back(self, settings: dict[str, dict[str, Any]], band: Any, timeout_s: float) -> dict[str, Any]:
        """Set what differs from `settings`, part by part and in their order, then the filter.

        Parameters
        ----------
        settings : dict
            Values by name, by part (``camera``, ``ebeam``).
        band : Any
            Position of the emission filter; None leaves it.
        timeout_s : float
            For the filter, s.

        Returns
        -------
        dict
            ``done`` (names) and ``failed`` (reasons by name).
        """
        done: list[str] = []
        failed: dict[str, str] = {}
        for part, values in settings.items():
            for name, value in values.items():
                wanted = tuple(value) if isinstance(value, list) else value
                self._attempt(f"{self._parts[part].role} {name}", done, failed, part, name, wanted)
        if band is not None:
            try:
                if self._parts["filter"].read("position")["band"] != band:
                    self._parts["filter"].component().moveAbs({"band": band}).result(timeout_s)
                    done.append(f"{self._parts['filter'].role} band")
            except Exception as error:  # noqa: BLE001 - reported
                failed[f"{self._parts['filter'].role} band"] = f"{type(error).__name__}: {error}"
        return {"done": done, "failed": failed}

    def _attempt(
        self, label: str, done: list[str], failed: dict[str, str], part: str, name: str, wanted: Any
    ) -> None:
        try:
            setting = self._parts[part].setting(name)
            if _equal(setting.value, wanted):
                return
            setting.value = wanted
            found = setting.value
            if not _equal(found, wanted):
                failed[label] = f"it reads back {plain(found)}, not {plain(wanted)}"
                return
            done.append(label)
        except Exception as error:  # noqa: BLE001 - reported
            failed[label] = f"{type(error).__name__}: {error}"


def _equal(found: Any, wanted: Any) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return same(found, wanted, _TOLERANCE)
