"""Electron images that are bad: the frame is taken again where that helps, or left to a person."""
