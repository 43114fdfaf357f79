"""Frames of files that are found and not read yet, in TIFF, PNG and OME-Zarr."""
