"""One request and its answer: a guarded connection, deadlines, and every failure under a name."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import httpcore
import httpx

from actorrec.errors import ItemError
from actorrec.scrape.fetch.bodies import body_of
from actorrec.scrape.fetch.limiter import HostPace
from actorrec.scrape.fetch.retry import AGAIN_STATUSES, TryAgain, retry_after_s
from actorrec.scrape.fetch.urls import masked

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_OVERLOADED: Final = frozenset({429, 503})
_DRAINED_BYTES: Final = 64 * 1024
_DRAIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and headers of an answer whose body is not read yet.

    Attributes:
        headers: Lower-case names; where one comes twice, the last.
    """

    url: httpx.URL
    status: int
    headers: Mapping[str, str]
    raw: httpcore.Response

    @property
    def encoding(self) -> str:
        """How the body is packed."""
        return self.headers.get("content-encoding", "").strip().lower()

    @property
    def pieces(self) -> AsyncIterator[bytes]:
        """The body, as it comes."""
        return body_of(self.raw)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where an answer sends us, as it says it."""

    status: int
    location: str


@asynccontextmanager
async def exchange(
    pool: httpcore.AsyncConnectionPool, request: httpx.Request, *, timeout_s: float, deadline_s: float | None
) -> AsyncIterator[Answer]:
    """Send a request; what goes wrong until the end of the block is told by name.

    Raises:
        ItemError: What another try would not change; the message begins with the address.
        TryAgain: What it might.
    """
    try:
        async with asyncio.timeout(deadline_s):
            raw = await _send(pool, request, timeout_s)
            try:
                yield Answer(request.url, raw.status, _readable(raw.headers), raw)
            finally:
                await raw.aclose()
    except TimeoutError:
        raise ItemError("too-slow", f"{masked(request.url)}: not finished in {deadline_s:g} s") from None
    except httpcore.TimeoutException:
        raise TryAgain("timeout", "timeout", f"{masked(request.url)}: no answer in {timeout_s:g} s") from None
    except httpcore.NetworkError as error:
        raise _connection_error(error, request.url) from None
    except httpcore.ProtocolError as error:
        if "disconnected" in str(error):
            raise TryAgain("connection", "connection", f"{masked(request.url)}: the server hung up") from None
        raise ItemError("bad-response", f"{masked(request.url)}: the answer is not HTTP ({error})") from None
    except ItemError as error:
        raise ItemError(error.reason, f"{masked(request.url)}: {error.message}", hint=error.hint) from None
    except TryAgain as again:
        raise TryAgain(
            again.label, again.reason, f"{masked(request.url)}: {again.message}", wait_s=again.wait_s
        ) from None


async def redirect_of(answer: Answer, ok: frozenset[int], pace: HostPace) -> Redirect | None:
    """None where the status is an answer; the redirect where it is one.

    Raises:
        TryAgain: For an overloaded or failing server.
        ItemError: ``http-…`` for every other status.
    """
    status = answer.status
    again = status in AGAIN_STATUSES and status not in ok
    asked_s = retry_after_s(answer.headers) if again else None
    pace.note(refused=again and status in _OVERLOADED, wait_s=asked_s)
    if status in ok:
        return None
    await _drain(answer)
    if status in REDIRECTS and answer.headers.get("location"):
        return Redirect(status, answer.headers["location"])
    if not again:
        raise ItemError(f"http-{status}", f"the server answers {status}")
    reason = "rate-limited" if status == 429 else f"http-{status}"
    raise TryAgain(str(status), reason, f"the server answers {status}", wait_s=asked_s)


async def _send(pool: httpcore.AsyncConnectionPool, request: httpx.Request, timeout_s: float) -> httpcore.Response:
    url = request.url
    kinds = ("connect", "read", "write", "pool")
    return await pool.handle_async_request(
        httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.content or None,
            extensions={"timeout": dict.fromkeys(kinds, timeout_s)},
        )
    )


async def _drain(answer: Answer) -> None:
    """Read the rest of a small body, so that the connection can serve the next request."""
    length = answer.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) < 9 and int(length) <= _DRAINED_BYTES):
        return
    with suppress(TryAgain, httpcore.TimeoutException, TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in answer.pieces:
                pass


def _readable(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): _text(value) for name, value in headers}


def _text(value: bytes) -> str:
    """UTF-8 where it can be: some servers put bare letters with accents into a Location."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _connection_error(error: BaseException, url: httpx.URL) -> ItemError | TryAgain:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = "fetch.ca_file adds an authority of your own"
            return ItemError("certificate", f"{masked(url)}: {url.host}: {cause.verify_message}", hint=hint)
        cause = cause.__cause__ or cause.__context__
    return TryAgain("connection", "connection", f"{masked(url)}: no connection ({error or 'hung up'})")
