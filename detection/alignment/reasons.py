"""Reasons for which an alignment proves nothing."""

from enum import StrEnum


class NotProven(StrEnum):
    """Reason for which an alignment proves nothing."""

    NO_CELLS = "no_cells"
    """The fluorescence shows too few cells, or too small ones."""
    NOTHING_SHOWN = "nothing_shown"
    """The overview shows nothing: it is black, white, or has no contrast."""
    WRONG_FIELD = "wrong_field"
    """The overview does not cover the cells at its pixel size."""
    AMBIGUOUS = "ambiguous"
    """Another position fits about as well, or unrelated images fit each other about as well."""
    JUMPED = "jumped"
    """The best position is further off than the machine can be."""
    HALVES_DISAGREE = "halves_disagree"
    """Two halves of the cells, registered apart, lie at different positions."""
    NOT_PRECISE = "not_precise"
    """The cells show the position, but not precisely enough."""
