"""Steps of a detector on a frame, drawn."""
