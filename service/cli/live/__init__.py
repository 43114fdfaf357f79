"""Commands that speak to a daemon or a microscope."""
