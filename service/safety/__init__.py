"""The safe state, and calls that may hang."""
