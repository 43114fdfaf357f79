"""Exceptions of the configuration."""


class ConfigError(ValueError):
    """Raised when a configuration cannot be read or breaks a rule; the message is one sentence."""
