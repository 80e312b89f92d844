"""Where a broker is and what it is shown; nothing here needs the library that speaks to it."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from actorrec.errors import ConfigError, RemoteError
from actorrec.inference.sending.mqtt_address import BrokerAddress, broker_address, password, tls_context
from actorrec.sections.device import MqttSection

SECRET = "a-word-that-nobody-may-read"


@pytest.mark.parametrize(
    ("url", "address", "text"),
    [
        ("mqtt://broker.lan", BrokerAddress("broker.lan", 1883, False), "mqtt://broker.lan:1883"),
        ("mqtts://broker.lan/", BrokerAddress("broker.lan", 8883, True), "mqtts://broker.lan:8883"),
        ("mqtts://Broker:1", BrokerAddress("broker", 1, True), "mqtts://broker:1"),
        ("mqtt://[::1]:99", BrokerAddress("::1", 99, False), "mqtt://[::1]:99"),
    ],
)
def test_an_address(url: str, address: BrokerAddress, text: str) -> None:
    assert broker_address(MqttSection(url=url)) == address
    assert str(address) == text


@pytest.mark.parametrize("url", ["", "mqtt://x:0", "mqtt://x:70000", "mqtt://[::1", "mqtt://:"])
def test_no_address(url: str) -> None:
    with pytest.raises(ConfigError, match="no address of a broker"):
        broker_address(MqttSection(url=url))


@pytest.mark.parametrize("url", ["http://x", "mqtt://me:word@x", "mqtt://x/path", "mqtt:// x"])
def test_what_the_settings_do_not_take(url: str) -> None:
    with pytest.raises(ValidationError):
        MqttSection(url=url)


@pytest.mark.parametrize(
    "options",
    [
        {"url": "mqtt://x", "ca_file": "ca.pem"},
        {"url": "mqtts://x", "key_file": "key.pem"},
        {"url": "mqtts://x", "password": SECRET},
    ],
    ids=["certificates without TLS", "key alone", "password alone"],
)
def test_settings_that_do_not_go_together(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as refused:
        broker_address(MqttSection(**options))
    assert SECRET not in refused.value.in_full


@pytest.mark.parametrize(
    ("host", "here"),
    [("localhost", True), ("127.0.0.9", True), ("::1", True), ("192.168.0.2", False), ("localhost.example", False)],
)
def test_what_passes_no_network(host: str, here: bool) -> None:
    assert BrokerAddress(host, 1883, False).on_this_machine is here


def test_a_password_from_its_file_goes_before_one_of_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "word"
    path.write_text("from the file\r\n")
    assert password(MqttSection()) is None
    assert password(MqttSection(username="u", password=SECRET)) == SECRET
    assert password(MqttSection(username="u", password=SECRET, password_file=path)) == "from the file"


@pytest.mark.parametrize("data", [None, b"", b"\n", b"\xff", b"x" * 70_000], ids=["no", "empty", "line", "odd", "long"])
def test_a_password_file_that_cannot_be(data: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "word"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(RemoteError) as refused:
        password(MqttSection(username="u", password_file=path))
    assert "mqtt.password_file" in refused.value.in_full


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(RemoteError, match=r"not a file"):
        password(MqttSection(username="u", password_file=path))
    with pytest.raises(RemoteError, match=r"not a file"):
        tls_context(MqttSection(url="mqtts://x", ca_file=path))
    with pytest.raises(RemoteError, match=r"not a file"):
        tls_context(MqttSection(url="mqtts://x", cert_file=tmp_path, key_file=path))


def test_certificates_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "x.pem"
    for data in (None, b"", b"\xff\0", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(RemoteError, match=r"certificates .*x\.pem"):
            tls_context(MqttSection(url="mqtts://x", ca_file=path))
        with pytest.raises(RemoteError, match=r"certificate .*x\.pem"):
            tls_context(MqttSection(url="mqtts://x", cert_file=path))
