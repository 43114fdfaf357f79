"""Folders of a session: that of the run, and that of the runtime; the settings kept in the first."""
