"""OME-Zarr 0.5: a collection of images for each section, with the cells as labels."""
