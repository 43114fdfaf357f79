"""Settings of a SECOM before a session, and their return at its end."""
