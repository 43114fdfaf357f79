"""Sections of a holder before a session: a list that a person corrects over its overview."""
