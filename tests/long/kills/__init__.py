"""SIGKILL at every kind of moment of a session, hundreds of times."""
