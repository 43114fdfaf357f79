"""Pictures of the console: a picture with shapes over it, cells and frames of a field, cached images."""
