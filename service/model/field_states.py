"""Life cycle of a field (one FM position): a table of allowed transitions."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from service.errors import IllegalTransitionError


class FieldState(StrEnum):
    """Life of a field (one FM position)."""

    PENDING = "pending"
    SAVED = "saved"
    """Its frame is on disk, fsynced."""
    DETECTED = "detected"
    PLANNED = "planned"
    FAILED = "failed"


TRANSITIONS: Mapping[FieldState, frozenset[FieldState]] = MappingProxyType(
    {
        FieldState.PENDING: frozenset({FieldState.SAVED, FieldState.FAILED}),
        FieldState.SAVED: frozenset({FieldState.DETECTED, FieldState.FAILED}),
        FieldState.DETECTED: frozenset({FieldState.PLANNED, FieldState.FAILED}),
        # Back only by `service.store.retry_failed`.
        FieldState.PLANNED: frozenset({FieldState.DETECTED}),
        FieldState.FAILED: frozenset({FieldState.SAVED, FieldState.PENDING}),
    }
)


def check(old: FieldState, new: FieldState) -> None:
    """Refuse a transition that is not in the table.

    Raises
    ------
    IllegalTransitionError
    """
    if new not in TRANSITIONS[old]:
        allowed = ", ".join(sorted(TRANSITIONS[old])) or "nothing: it is an end state"
        raise IllegalTransitionError(f"a field cannot go from '{old}' to '{new}'; possible: {allowed}")
