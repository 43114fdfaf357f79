"""Search for the cheapest frames: lines, prices of frames, column generation."""
