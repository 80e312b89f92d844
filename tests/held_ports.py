"""Ports for servers that come and go."""

import os
import socket
import sys
import weakref


def held_port(owner: object) -> int:
    """A port of loopback on which nothing listens.

    While its owner lives, it may be listened on there, and the system gives it to nobody else: neither to another
    test's server nor to a client that connects to somewhere.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = int(held.getsockname()[1])
        if sys.platform == "linux":  # elsewhere, what is bound cannot be bound once more to be listened on
            weakref.finalize(owner, os.close, held.detach())
    return port
