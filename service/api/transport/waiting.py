"""Requests that wait for their answer: the client that has had least of the server's time is next."""

MOST_WAITING = 256
_MOST_BYTES = 8 * 1024 * 1024
"""Requests received and not answered, and their bytes; the rest waits on the side of the clients."""


class Waiting:
    """Waiting requests, in order for each client; a flood of one delays others by one answer at most."""

    def __init__(self) -> None:
        self._requests: list[tuple[int, list[bytes]]] = []
        self._bytes = 0
        self._spent_s: dict[bytes, float] = {}
        """Recent time by peer, the first frame of a request."""

    def has_room(self) -> bool:
        """Return True if another request may be received."""
        return len(self._requests) < MOST_WAITING and self._bytes < _MOST_BYTES

    def put(self, number: int, frames: list[bytes]) -> None:
        """Add a request that came over a connection."""
        self._requests.append((number, frames))
        self._bytes += sum(map(len, frames))

    def take(self) -> tuple[int, list[bytes]] | None:
        """Return the connection and frames of the next request to answer, None if there is none."""
        if not self._requests:
            return None
        # The first of the least: requests of one client stay in order.
        n = min(range(len(self._requests)), key=lambda n: self._spent_s.get(self._requests[n][1][0], 0.0))
        number, frames = self._requests.pop(n)
        self._bytes -= sum(map(len, frames))
        return number, frames

    def spent(self, peer: bytes, seconds: float) -> None:
        """Note the time that an answer took."""
        self._spent_s[peer] = self._spent_s.get(peer, 0.0) + seconds

    def fade(self) -> None:
        """Forget half of what was spent; call it from time to time."""
        self._spent_s = {peer: spent / 2 for peer, spent in self._spent_s.items() if spent > 1e-3}

    def __len__(self) -> int:
        """Return the number of waiting requests."""
        return len(self._requests)
