"""Boxes in stage metres in, SEM frames out."""
