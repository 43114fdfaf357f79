"""File descriptors of this process: connections never use those that images and the store need."""

import resource

_RESERVED = 512
"""For images, database, logs, devices and other processes: some dozens in practice, the rest is a margin."""

_ENOUGH = 65536
"""As in the systemd unit; beyond that, a higher limit has no use."""

_SOCKETS = 2
"""Listening sockets of the API."""


def raise_limit() -> int:
    """Raise the limit of this process as far as its user may, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft if soft != resource.RLIM_INFINITY else _ENOUGH


def share(each: int) -> int:
    """Return the number of connections, of `each` descriptors, that one listening socket may have.

    Half of what is not reserved: the other half is for a burst, before it is cut.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _ENOUGH if soft == resource.RLIM_INFINITY else soft
    return max(4, (limit - _RESERVED) // (2 * _SOCKETS * each))
