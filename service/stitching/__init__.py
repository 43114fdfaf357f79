"""Electron images joined: fields and cells stitched, cells laid on fluorescence and through sections."""
