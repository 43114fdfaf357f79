"""The command that takes the optical overview of the holder."""
