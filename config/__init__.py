"""The configuration: frozen models, profiles, and reading them."""
