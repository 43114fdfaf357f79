"""The computer of the console: runs, detectors on single frames, section lists; interfaces and values."""
