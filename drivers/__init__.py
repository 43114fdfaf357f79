"""What hardware must offer, and the hardware itself."""
