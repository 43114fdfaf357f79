"""Result of the method `estimate`."""

from service.planning.session_estimate import SessionEstimate


class EstimateResult(SessionEstimate):
    """Time, data and dose that are left of the session."""
