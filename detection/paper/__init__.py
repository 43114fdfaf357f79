"""The detector of Delpiano et al. 2018."""
