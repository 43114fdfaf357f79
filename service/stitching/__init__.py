"""Electron images of a cell, a field or a track, joined: stitched, laid over fluorescence, registered through sections."""
