"""Facts about SBEMimage: its dialect, its session file, its coordinates, its logs."""
