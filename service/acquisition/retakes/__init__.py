"""Electron images are checked as they are taken, and a bad frame is taken again where that helps."""
