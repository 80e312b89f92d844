"""One bounded download over https with the standard library: few redirects, finite waits, no more bytes than asked."""

import http.client
import ipaddress
import urllib.error
import urllib.request
from collections.abc import Generator
from typing import IO, Any, Final
from urllib.parse import urlsplit

from actorrec import __version__
from actorrec.errors import ConfigError, ModelContractError, RemoteError

_CHUNK_BYTES: Final = 1 << 16
_MAX_REDIRECTS: Final = 4
_TIMEOUT_S: Final = 30.0


def download(
    url: str, *, max_bytes: int, hint: str = "", timeout_s: float = _TIMEOUT_S
) -> Generator[bytes, None, None]:
    """Stream a file.

    Args:
        url: https; http only where the host is this machine (a mirror on loopback).
        max_bytes: Longest file that is accepted.
        hint: What the user can do when it fails.
        timeout_s: Longest wait for a connection and for each read.

    Yields:
        The bytes as they come.

    Raises:
        ConfigError: If the URL, or one it redirects to, is neither https nor loopback.
        ModelContractError: If there is more than ``max_bytes``.
        RemoteError: If the server cannot be reached, refuses, or stops half-way.
    """
    _check_url(url)
    handlers: list[urllib.request.BaseHandler] = [_Redirects()]
    if _is_loopback(url):
        handlers.append(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers={"User-Agent": f"actorrec/{__version__}"})  # noqa: S310 (checked)
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=timeout_s) as response:
            yield from _chunks(response, url, max_bytes, hint)
    except urllib.error.HTTPError as error:
        error.close()
        raise RemoteError(f"{url}: the server answers {error.code} {error.reason}", hint=hint) from None
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise RemoteError(f"{url}: the download failed: {reason or type(error).__name__}", hint=hint) from None


def _chunks(response: http.client.HTTPResponse, url: str, max_bytes: int, hint: str) -> Generator[bytes, None, None]:
    stated = response.headers.get("Content-Length", "")
    received = 0
    while chunk := response.read1(_CHUNK_BYTES):
        received += len(chunk)
        if received > max_bytes:
            raise ModelContractError(f"{url}: expected {max_bytes} bytes, the server sends more", hint=hint)
        yield chunk
    if stated.isdigit() and received < int(stated):
        raise RemoteError(f"{url}: the download stopped after {received} of {stated} bytes", hint=hint)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows few redirects, each held to the same rule as the first URL."""

    max_redirections = _MAX_REDIRECTS

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> Any:
        """See the base class; refuses what ``_check_url`` refuses, and loopback from elsewhere."""
        try:
            _check_url(newurl)
            if _is_loopback(newurl) and not _is_loopback(req.full_url):
                raise ConfigError(f"{req.full_url} redirects to this machine: {newurl}")
        except ConfigError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_url(url: str) -> None:
    scheme = urlsplit(url).scheme
    if scheme != "https" and not (scheme == "http" and _is_loopback(url)):
        raise ConfigError(
            f"models are only fetched over https: {url}", hint="http is for mirrors on this machine alone"
        )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
