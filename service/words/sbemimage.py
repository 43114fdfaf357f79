"""Answers to SBEMimage in words."""

VERDICTS = {
    "grids": "grids sent",
    "malformed": "paused: the message is no state of SBEMimage",
    "session_at_work": "paused: the session has not ended, and could send its own beam there; let it end, or"
    " `ilemtrack abort` it in its review",
    "fluorescence_missing": "paused: fluorescence is not finished",
    "nothing_left": "paused: no frame is left that SBEMimage has not begun",
    "source_unreadable": "paused: the frames cannot be read",
    "session_file_unreadable": "paused: SBEMimage's session file cannot be read",
    "microtome": "paused: SBEMimage is set to cut with a microtome; sections of an array are not cut",
    "focus_elsewhere": "paused: SBEMimage's autofocus has reference tiles, which would expose other ground;"
    " remove them, or switch it off",
    "template_unfit": "paused: the tiles of grid 0 need an overlap below 40 % and no row shift",
    "tile_too_large": "paused: the tiles of grid 0 are more than twice as long as the largest frame; choose"
    " smaller ones there",
    "plan_changed": "paused: a frame that was offered lies elsewhere now",
    "grid_changed": "paused: a grid of ours has other tiles than grid 0; delete the array grids in SBEMimage",
    "foreign_grid": "paused: a grid has an ROI index from 1000 on and is not ours; delete it in SBEMimage",
    "too_late": "paused: the answer was not ready in time; is a drive slow, or gone?",
    "journal_unwritable": "paused: the journal cannot be written",
    "failed": "paused: an error in ilemtrack; the log has it",
}
"""Answers in words, by their verdict."""


def said(verdict: str, detail: str) -> str:
    """Return an answer as a sentence."""
    return f"{VERDICTS[verdict]} ({detail})" if detail else VERDICTS[verdict]
