"""Settings of the light: fluorescence, and the optical overview of the holder."""
