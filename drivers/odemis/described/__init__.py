"""Conclusions from a description by Odemis, before any device is constructed."""
