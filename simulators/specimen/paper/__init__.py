"""Synthetic sections of Delpiano et al. 2018."""
