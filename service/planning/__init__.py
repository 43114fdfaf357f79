"""Plans of a section, and estimates of time, data and dose."""
