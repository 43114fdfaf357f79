"""Commands on sections of the holder."""
