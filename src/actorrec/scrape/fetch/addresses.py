"""Which addresses may be reached: the public ones, and those a setting names."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from actorrec.errors import ConfigError

Address = IPv4Address | IPv6Address

# Not public by the IANA registries of special-purpose addresses; ``is_global`` of some Python versions lets them pass.
_NOT_PUBLIC: Final = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",  # public by number, yet the metadata service of a cloud
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")


class AddressRules:
    """Says whether an address may be connected to.

    Args:
        allowed: Networks (``127.0.0.0/8``, ``fd00::/8``) that may be reached though they are not public.

    Raises:
        ConfigError: If one of them is no network.
    """

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed: list[IPv4Network | IPv6Network] = []
        for entry in allowed:
            try:
                self._allowed.append(ip_network(entry, strict=False))
            except ValueError:
                hint = "write an address or a network, such as 127.0.0.0/8"
                raise ConfigError(f"fetch.allow_addresses: {entry!r} is no network", hint=hint) from None

    def permits(self, text: str) -> bool:
        """Whether this address (as a resolver wrote it) is public or allowed; what cannot be read is not."""
        try:
            address = ip_address(text)
        except ValueError:
            return False
        inner = _embedded(address) or address
        if any(candidate in network for network in self._allowed for candidate in (address, inner)):
            return True
        return is_public(address)


def is_public(address: Address) -> bool:
    """Whether anybody on the internet would reach the same machine under this address."""
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped, 6to4, NAT64."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None
