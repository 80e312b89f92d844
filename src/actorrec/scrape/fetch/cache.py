"""Pages kept between runs, by the rules of HTTP (RFC 9111): fresh ones are not asked for, stale ones checked."""

import logging
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
from hishel import AsyncSqliteStorage, CacheOptions
from hishel.httpx import AsyncCacheTransport

from actorrec.home import home
from actorrec.scrape.fetch.urls import has_secret

_MAX_BYTES: Final = 256 * 2**20
_KEPT_S: Final = 30 * 24 * 3600.0
_FILE: Final = "pages-2.db"  # 2 as in hishel 2, whose tables they are

# The database holds the headers of requests too. Only those that are known to be no secret may get there.
_STORED_HEADERS: Final = frozenset(
    {"accept", "accept-encoding", "accept-language", "host", "referer", "user-agent", "connection"}
)
_LOG: Final = logging.getLogger(__name__)


def cacheable(request: httpx.Request) -> bool:
    """Whether this request may be written down: a GET without a key in its address or headers."""
    return (
        request.method == "GET"
        and not has_secret(request.url)
        and all(name.lower() in _STORED_HEADERS for name in request.headers)
    )


@asynccontextmanager
async def open_cache(
    folder: Path | None, transport: httpx.AsyncBaseTransport, max_page_bytes: int
) -> AsyncIterator[httpx.AsyncBaseTransport]:
    """Answer from the cache where HTTP allows it, else through ``transport``.

    A cache that cannot be used (no space, no access) is done without, with a warning; a damaged one is begun anew.
    """
    path = (folder or _default_folder()) / _FILE
    if not _usable(path):
        yield transport
        return
    # Its own words for a cache that fails are a traceback; all that follows from it is another request.
    logging.getLogger("hishel").setLevel(logging.CRITICAL + 1)
    storage = AsyncSqliteStorage(
        database_path=path, default_ttl=_KEPT_S, max_stream_size=max_page_bytes, max_size=_MAX_BYTES
    )
    try:
        await storage.get_entries("")  # refuses tables of another making
    except RuntimeError as error:
        _LOG.warning("no cache of pages in %s: %s", path, error)
        await storage.close()
        yield transport
        return
    kept = AsyncCacheTransport(transport, storage, CacheOptions(shared=False, supported_methods=["GET"]))
    try:
        yield _Cached(kept, transport)
    finally:
        await storage.close()


class _Cached(httpx.AsyncBaseTransport):
    """Answers whole, and without the cache where that loses in mid-answer what it has promised."""

    def __init__(self, kept: AsyncCacheTransport, direct: httpx.AsyncBaseTransport) -> None:
        self._kept = kept
        self._direct = direct

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = None
        try:
            response = await self._kept.handle_async_request(request)
            await response.aread()
            return response
        except (RuntimeError, sqlite3.Error):  # another run dropped the entry, or the disk fails
            return await self._direct.handle_async_request(request)
        finally:
            if response is not None:
                await response.aclose()


def _default_folder() -> Path:
    caches = os.environ.get("XDG_CACHE_HOME") or home() / ".cache"
    return Path(caches) / "actorrec" / "http"


def _usable(path: Path) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            _open(path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # damaged, or no database at all
            for leftover in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                leftover.unlink(missing_ok=True)
            _open(path)
    except (OSError, sqlite3.Error) as error:
        _LOG.warning("no cache of pages in %s: %s", path.parent, error)
        return False
    return True


def _open(path: Path) -> None:
    """Find out whether SQLite can write there."""
    connection = sqlite3.connect(path, timeout=5)
    try:
        connection.execute("PRAGMA user_version = 2")
    finally:
        connection.close()
