"""The default detector: significance against noise, recall first."""
