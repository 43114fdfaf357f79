"""Cells that touch, told apart."""
