"""A server on raw sockets that may break every rule of HTTP, and a fetcher to put in front of it."""

import asyncio
import contextlib
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from actorrec.errors import ItemError
from actorrec.scrape.fetch.client import PoliteFetcher, open_fetcher
from actorrec.sections import FetchSection

Answer = Callable[["Call"], Awaitable[bool | None]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and the way back.

    Attributes:
        count: How often this path was asked for, this time included.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    count: int
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Raw bytes, at once."""
        self.writer.write(data)
        await self.writer.drain()


@dataclass
class HostileServer:
    """What it was asked, and when.

    Attributes:
        connections: How many were opened.
        asked: Method and target of each request.
        times_s: When each request came, monotonic.
    """

    url: str = ""
    port: int = 0
    connections: int = 0
    asked: list[str] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def paths(self) -> list[str]:
        """Every path that was asked for but robots.txt."""
        found = [target.split(" ")[1].split("?")[0] for target in self.asked]
        return [path for path in found if path != "/robots.txt"]


def reply(
    body: bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None, *, length: int | None = None
) -> Answer:
    """An answer; ``length`` lies about its Content-Length."""
    told = {"Content-Length": str(len(body) if length is None else length), **(headers or {})}
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items()) + "\r\n"

    async def answer(call: Call) -> bool:
        await call.send(head.encode() + body)
        return length is None

    return answer


def raw(data: bytes) -> Answer:
    """These bytes, then the connection is closed."""

    async def answer(call: Call) -> None:
        await call.send(data)

    return answer


def in_turn(*answers: Answer) -> Answer:
    """The first answer to the first request for a path, and so on; the last one stays."""

    async def answer(call: Call) -> bool | None:
        return await answers[min(call.count, len(answers)) - 1](call)

    return answer


@asynccontextmanager
async def hostile(
    routes: Mapping[str, Answer], *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[HostileServer]:
    """Serve routes: path → answer, which returns True where the connection stays open; a path not named is 404."""
    server = HostileServer()
    counts: dict[str, int] = {}
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.rstrip().split("\r\n")
                headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, target, _ = first.split(" ")
                path, _, query = target.partition("?")
                server.asked.append(f"{method} {target}")
                server.times_s.append(time.monotonic())
                server.headers.append(headers)
                counts[path] = counts.get(path, 0) + 1
                answer = routes.get(path) or reply(b"not found", 404)
                if not await answer(Call(method, path, query, headers, body, counts[path], writer)):
                    break

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    listening = await asyncio.start_server(connected, host, port, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    server.url = f"{'https' if tls else 'http'}://{host}:{server.port}"
    try:
        yield server
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def fetch_settings(cache: Path, **changes: Any) -> FetchSection:
    """Fast, and allowed to reach loopback."""
    fast = {"allow_addresses": ("127.0.0.0/8",), "rate_per_s": 500.0, "cache_dir": cache}
    return FetchSection.model_validate({**fast, **changes})


@asynccontextmanager
async def both(
    routes: Mapping[str, Answer],
    cache: Path,
    *,
    recovered: Counter[str] | None = None,
    robots: bool = True,
    **changes: Any,
) -> AsyncIterator[tuple[HostileServer, PoliteFetcher]]:
    """A server and a fetcher, which without ``robots`` asks for no robots.txt: nothing but the test's own is timed."""
    async with hostile(routes) as server:
        exempt = {} if robots else {"robots_exempt": (server.url + "/",)}
        async with open_fetcher(fetch_settings(cache, **exempt, **changes), recovered=recovered) as fetcher:
            yield server, fetcher


async def refused(work: Coroutine[Any, Any, object]) -> ItemError:
    """The error that this must end in."""
    with pytest.raises(ItemError) as caught:
        await work
    return caught.value
