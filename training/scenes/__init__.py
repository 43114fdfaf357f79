"""Random frames with truth, drawn over far more than any one microscope shows."""
