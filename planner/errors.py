"""Exceptions of the planner."""


class PlannerError(ValueError):
    """Raised when fields, boxes or settings cannot be planned with; the text is one sentence for a person."""
