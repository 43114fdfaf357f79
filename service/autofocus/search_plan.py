"""Steps of a search for the focus of the light. All chosen by hand; not measured."""

STEPS = 9
"""Heights of a search without a known plane."""

SHORT_STEPS = 5
"""Heights of a search around an expected height, with the same spacing."""

MOVE_S = 1.0
"""Estimated time of the objective from one height to the next."""
