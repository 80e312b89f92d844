"""Which addresses are public."""

from ipaddress import ip_address

import pytest

from actorrec.errors import ConfigError
from actorrec.scrape.fetch.addresses import AddressRules, is_public

NOT_PUBLIC = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.255 168.63.129.16
169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1
198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b::a00:1
64:ff9b:1::8.8.8.8 100::1 2001::1 2001:db8::1 2001:10::1 2001:20::1 2002:7f00:1:: 2002:a00:1:: 2002:a9fe:a9fe::
3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fd12:3456::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.1.1.1 128.0.0.1 172.15.0.1 172.32.0.1 192.0.1.1
198.17.0.1 198.20.0.1 208.80.154.224 223.255.255.1 2606:4700::1111 2620:0:861:ed1a::1 2a00:1450::1 ::ffff:8.8.8.8
64:ff9b::808:808 2002:808:808::1
"""


@pytest.mark.parametrize("text", NOT_PUBLIC.split())
def test_not_public(text: str) -> None:
    assert not is_public(ip_address(text))
    assert not AddressRules().permits(text)


@pytest.mark.parametrize("text", PUBLIC.split())
def test_public(text: str) -> None:
    assert is_public(ip_address(text))
    assert AddressRules().permits(text)


@pytest.mark.parametrize("text", ["", "localhost", "2130706433", "0x7f000001", "127.1", "8.8.8.8:80", "8.8.8.08"])
def test_what_is_no_address_is_not_permitted(text: str) -> None:
    assert not AddressRules(("0.0.0.0/0", "::/0")).permits(text)


def test_allowed_networks_are_permitted_and_no_others() -> None:
    rules = AddressRules(("127.0.0.1", "10.1.0.0/16", "fd00::/8"))
    for text in ("127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "fd12::1", "8.8.8.8"):
        assert rules.permits(text), text
    for text in ("127.0.0.2", "::ffff:127.0.0.2", "10.2.0.1", "fe80::1", "::1"):
        assert not rules.permits(text), text


def test_what_is_no_network_is_named() -> None:
    with pytest.raises(ConfigError, match="'localhost' is no network"):
        AddressRules(("127.0.0.0/8", "localhost"))
