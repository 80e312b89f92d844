"""Which names of the server the guard lets in where the port is not part of them."""

import asyncio

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message

from actorrec.review.guard import Guard


def status(port: int, host: str) -> int:
    """What a page gets that asks for the start of the server under this name."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/token/", "headers": [(b"host", host.encode())]}
    asyncio.run(Guard(PlainTextResponse("in"), token="token", port=port)(scope, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.1:80"])
def test_a_browser_leaves_port_80_out(host: str) -> None:
    assert status(80, host) == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.1:80"])
def test_any_other_port_is_part_of_the_name(host: str) -> None:
    assert status(8123, host) == 403
