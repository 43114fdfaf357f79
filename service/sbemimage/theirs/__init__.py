"""What we know of SBEMimage: its dialect, its session file, its coordinates, its logs."""
