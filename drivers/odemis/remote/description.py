"""Description of the components of Odemis, for people and for the check at the start; changes nothing."""

from typing import Any

from odemis import model

from drivers.odemis.remote.backend import starting
from drivers.odemis.remote.components import WorkerError, plain

BESIDE = ("lens", "ebeam-focus", "align")
"""Roles that no session needs, but that are of interest to people."""

CORRECTIONS = {
    str(getattr(model, name)): name.removeprefix("MD_")
    for name in dir(model)
    if name.startswith("MD_") and name.endswith("_COR")
}
"""Metadata with the fine alignment that Odemis keeps; frames carry it unapplied."""


def description(roles: dict[str, str]) -> dict[str, Any]:
    """Describe the microscope.

    Parameters
    ----------
    roles : dict
        Of `config.odemis.OdemisRoles`.

    Returns
    -------
    dict
        ``microscope`` (name, role, version), ``parts`` (each of ours, None where it is missing), ``beside``
        (the same for `BESIDE`, where there), ``components`` (role, name and state of all), ``roles`` and
        ``ghosts`` (what did not start, with the reason).

    Raises
    ------
    WorkerError
        The back-end is still starting: kind ``starting``.
    """
    microscope = model.getMicroscope()
    unready = starting(microscope.ghosts.value)
    if unready is not None:
        raise WorkerError(*unready)
    components = [_component(c) for c in model.getComponents()]
    others = {role: _part(role) for role in BESIDE if role not in roles.values()}
    return {
        "microscope": {
            "name": str(microscope.name),
            "role": str(microscope.role),
            "version": plain(getattr(microscope, "swVersion", None)),
        },
        "parts": {part: _part(role) for part, role in roles.items()},
        "beside": {role: found for role, found in others.items() if found is not None},
        "components": sorted(components, key=lambda c: (c["role"] or "~", c["name"])),
        "roles": sorted(c["role"] for c in components if c["role"]),
        "ghosts": {str(name): str(why) for name, why in microscope.ghosts.value.items()},
    }


def _component(component: Any) -> dict[str, Any]:
    return {
        "name": str(component.name),
        "role": str(component.role) if component.role else None,
        "state": _state(component),
    }


def _state(component: Any) -> str | None:
    try:
        return str(component.state.value) if model.hasVA(component, "state") else None
    except Exception as error:  # noqa: BLE001 - that it does not answer is its state
        return f"does not answer ({type(error).__name__})"


def _part(role: str) -> dict[str, Any] | None:
    try:
        component = model.getComponent(role=role)
    except LookupError:
        return None
    result: dict[str, Any] = {
        "name": str(component.name),
        "settings": {},
        "axes": {},
        "corrections": {},
        "shape": None,
    }
    try:
        result["settings"] = {name: _setting(va) for name, va in model.getVAs(component).items()}
        axes = getattr(component, "axes", {})
        if isinstance(axes, dict):
            result["axes"] = {name: _axis(axis) for name, axis in axes.items()}
        metadata = dict(component.getMetadata())
        result["corrections"] = {CORRECTIONS[k]: plain(v) for k, v in metadata.items() if k in CORRECTIONS}
        result["shape"] = plain(getattr(component, "shape", None))
    except Exception as error:  # noqa: BLE001 - one that is dead must not hide the others
        return result | {"error": f"{type(error).__name__}: {error}"}
    return result


def _setting(va: Any) -> dict[str, Any]:
    result = {"value": plain(va.value), "unit": plain(va.unit), "readonly": bool(va.readonly)}
    for name in ("range", "choices"):
        # Not every kind of setting has both; a proxy raises for the one it lacks.
        try:
            limit = plain(getattr(va, name))
        except AttributeError:
            continue
        if limit is not None:
            result[name] = limit
    return result


def _axis(axis: Any) -> dict[str, Any]:
    limits = {name: plain(getattr(axis, name, None)) for name in ("unit", "range", "choices")}
    return {name: limit for name, limit in limits.items() if limit is not None}
