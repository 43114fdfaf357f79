"""The state of the back-end, by the names that Odemis has for it."""

import os
from multiprocessing.connection import Client
from pathlib import Path

BACKEND_RUNNING = "RUNNING"
BACKEND_STARTING = "STARTING"
BACKEND_DEAD = "DEAD"
BACKEND_STOPPED = "STOPPED"


def get_backend_status() -> str:
    """Return the state of the back-end, over a connection of its own."""
    path = os.environ["ILEMTRACK_SIMULATED_ODEMIS"]
    if not Path(path).exists():
        return BACKEND_STOPPED
    try:
        with Client(path, family="AF_UNIX") as connection:
            connection.send(("ghosts",))
            _, ghosts = connection.recv()
    except (EOFError, OSError):
        return BACKEND_DEAD
    return BACKEND_STARTING if ghosts else BACKEND_RUNNING
