"""A frame's pixels in, scored boxes out."""
