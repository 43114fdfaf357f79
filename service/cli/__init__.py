"""The command line, `ilemtrack`."""
