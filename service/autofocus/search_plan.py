"""Steps of a search for the focus of the light."""

STEPS = 9
"""Heights that are looked at where nothing is known."""


SHORT_STEPS = 5
"""The same about a height that is expected, at the same distance from each other."""


MOVE_S = 1.0
"""Estimate for the objective to get from one to the next."""
