from collections.abc import Callable, Iterator

import pytest
import zmq

Raw = Callable[[int], "zmq.Socket[bytes]"]


@pytest.fixture
def raw() -> Iterator[Raw]:
    """Open raw sockets of a kind.

    They are closed after a test that fails, too: the garbage collector might wait for them for ever.
    """
    context = zmq.Context()
    opened: list[zmq.Socket[bytes]] = []

    def one(kind: int) -> zmq.Socket[bytes]:
        opened.append(context.socket(kind))
        return opened[-1]

    yield one
    for each in opened:
        each.close(linger=0)
    context.term()
