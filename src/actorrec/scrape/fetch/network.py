"""The way out: connects only to addresses that were checked after the name was resolved."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import httpcore
import httpx

from actorrec.errors import ConfigError, ItemError
from actorrec.scrape.fetch.addresses import AddressRules
from actorrec.scrape.fetch.retry import TryAgain

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port → addresses as text; raises ``socket.gaierror``."""

_MOST_ADDRESSES: Final = 4  # of one host that are tried
_KEEP_ALIVE_S: Final = 15.0


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """Ask the operating system; it also reads the decimal, octal and hexadecimal ways to write an IPv4 address."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name, drops every address that is not permitted, and connects to the very rest.

    A name is resolved once per connection and never again after the check, so a name server that changes its answer
    gains nothing.
    """

    def __init__(self, rules: AddressRules, resolver: Resolver) -> None:
        self._rules = rules
        self._resolver = resolver
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a permitted address of the host.

        Raises:
            ItemError: ``private-address`` or ``unknown-host``.
        """
        addresses = await self._permitted(host, port, timeout)
        share = timeout / len(addresses) if timeout else None
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(addresses[-1], port, share, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _permitted(self, host: str, port: int, timeout: float | None) -> list[str]:
        found = [host] if _is_literal(host) else await self._resolve(host, port, timeout)
        permitted = [address for address in found if self._rules.permits(address)]
        if not permitted:
            hint = "fetch.allow_addresses lists networks that may be reached all the same"
            shown = ", ".join(found[:_MOST_ADDRESSES])
            raise ItemError("private-address", f"{host} leads to {shown}, which is not a public address", hint=hint)
        return permitted[:_MOST_ADDRESSES]

    async def _resolve(self, host: str, port: int, timeout: float | None) -> Sequence[str]:
        try:
            async with asyncio.timeout(timeout):
                found = await self._resolver(host, port)
        except TimeoutError:
            raise TryAgain("dns", "unknown-host", f"no answer about the name {host} in {timeout:g} s") from None
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise TryAgain("dns", "unknown-host", f"the name {host} cannot be looked up now") from None
            raise ItemError("unknown-host", f"there is no host named {host}") from None
        except UnicodeError:
            raise ItemError("unknown-host", f"{host!r} cannot be the name of a host") from None
        if not found:
            raise ItemError("unknown-host", f"the host {host} has no address")
        return found


def open_pool(
    rules: AddressRules, resolver: Resolver, ca_file: Path | None, connections: int
) -> httpcore.AsyncConnectionPool:
    """A pool of guarded HTTP/1.1 connections; proxies of the environment are not used.

    Raises:
        ConfigError: If ``ca_file`` holds no certificate.
    """
    context = httpx.create_ssl_context(trust_env=False)
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"fetch.ca_file: no certificate can be read from {ca_file}: {error}") from None
    return httpcore.AsyncConnectionPool(
        ssl_context=context,
        max_connections=None,  # the limiter bounds those in use; idle ones of other hosts must not be in their way
        max_keepalive_connections=2 * connections,
        keepalive_expiry=_KEEP_ALIVE_S,
        network_backend=GuardedBackend(rules, resolver),
    )


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
