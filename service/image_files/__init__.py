"""Files of fluorescence frames and electron images: OME-TIFF, written and read back."""
