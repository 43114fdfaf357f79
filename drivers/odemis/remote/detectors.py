"""The detector of the electron images: by its role, or by what the e-beam affects."""

from typing import Any

from odemis import model

PREFERRED = ("bs-detector", "se-detector")
"""Roles that are looked for, in this order: backscattered electrons show the stain."""


def electron_detector(roles: dict[str, Any]) -> str | None:
    """Return the role of the detector of the electron images; None if there is none.

    Parameters
    ----------
    roles : dict
        Of `config.odemis.OdemisRoles`; a role that is set there is taken as it is.
    """
    if roles["sem_detector"] is not None:
        return str(roles["sem_detector"])
    there = {str(c.role): c for c in model.getComponents() if c.role}
    for role in PREFERRED:
        if role in there:
            return role
    beam = there.get(roles["ebeam"])
    if beam is None or not model.hasVA(beam, "affects"):
        return None
    affected = set(beam.affects.value)
    others = sorted(
        role for role, c in there.items() if str(c.name) in affected and role.endswith("-detector")
    )
    return others[0] if others else None


def electron_detectors(roles: dict[str, Any]) -> list[str]:
    """Return the roles of all detectors that may be meant, for people."""
    chosen = electron_detector(roles)
    there = sorted(str(c.role) for c in model.getComponents() if c.role)
    return [role for role in there if role.endswith("-detector") or role == chosen]
