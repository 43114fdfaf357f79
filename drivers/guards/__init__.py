"""Refusals and checks that every driver shares: limits, read-back, the guard of a scan."""
