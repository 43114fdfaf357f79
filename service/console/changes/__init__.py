"""Buttons that change a session or its queue, each with its question."""
