"""Electron overviews in a session: taken, compared with the fluorescence, and followed by the frames."""
