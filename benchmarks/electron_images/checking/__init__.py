"""Frames by which the checks of electron images are judged: kinds of specimen, scan and column."""
