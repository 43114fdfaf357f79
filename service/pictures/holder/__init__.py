"""Pictures of the holder: sections in the overview, and landmarks."""
