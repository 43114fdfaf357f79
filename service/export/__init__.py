"""Exports of a run for other programs: OME-Zarr, the SECOM layout of render-ws importers, Fiji."""
