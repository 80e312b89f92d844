"""Binding to loopback and running until told to stop."""

import errno
import functools
import os
import secrets
import socket
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

from actorrec.errors import ActorRecError, ConfigError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_TOKEN_BYTES = 32


def serve(app: "ASGIApp", port: int, started: Callable[[str], None]) -> None:
    """Serve a page on 127.0.0.1 until Ctrl-C or SIGTERM, then return.

    Args:
        app: Sees only requests that a ``Guard`` let in.
        port: 0 for a free one.
        started: Told the address with the token as soon as requests are accepted; the address stands in no log.

    Raises:
        ConfigError: If the port is taken or not allowed.
    """
    from actorrec.review.guard import Guard

    with _bound(port) as listening:
        taken = listening.getsockname()[1]
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        listening.listen(128)
        told = functools.partial(started, f"http://127.0.0.1:{taken}/{token}/")
        _server(Guard(app, token=token, port=taken), told).run(sockets=[listening])


def _bound(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} is taken", hint="leave --port out, or --port 0: a free one is found"
            ) from None
        raise ActorRecError(
            f"cannot serve on 127.0.0.1:{port}: {error.strerror or error}", hint="choose a port from 1024 up"
        ) from None
    return listening


def _server(app: "ASGIApp", started: Callable[[], None]) -> Any:
    import uvicorn

    class UntilTold(uvicorn.Server):
        """Ends quietly: uvicorn's own handler raises the signal once more after a clean end."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started()  # not before: a signal now meets the handler below

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            del sig, frame
            self.force_exit = self.should_exit
            self.should_exit = True

    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # a request's line holds the token
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=2,
    )
    return UntilTold(config)
