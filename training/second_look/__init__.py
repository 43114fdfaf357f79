"""Fit the second look to frames that the network has not seen."""
