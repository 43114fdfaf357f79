"""Recorded fluorescence frames as a device, and the files that hold them."""
