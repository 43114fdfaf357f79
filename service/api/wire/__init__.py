"""Messages of the API: what they hold."""
