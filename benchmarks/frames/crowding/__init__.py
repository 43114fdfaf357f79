"""Scenes that fill with cells: made by plain code that shares nothing with the simulators, to judge by."""
