"""Where a broker is, and what it is shown: certificates and passwords, read anew for each connection."""

import errno
import ipaddress
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from actorrec.errors import ConfigError, RemoteError
from actorrec.sections.device import MqttSection

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_MAX_PASSWORD_BYTES: Final = 65_535  # of the protocol


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker's place in the network.

    Attributes:
        host: Name or number.
        port: Of TCP.
        encrypted: Whether TLS is spoken there.
    """

    host: str
    port: int
    encrypted: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.encrypted else 'mqtt'}://{host}:{self.port}"

    @property
    def on_this_machine(self) -> bool:
        """Whether what is sent there passes no network."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def broker_address(settings: MqttSection) -> BrokerAddress:
    """Where the broker is.

    Raises:
        ConfigError: If the settings do not say, or do not go together.
    """
    try:
        parts = urlsplit(settings.url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in _PORTS or port == 0:
        hint = "mqtt.url is mqtts://HOST or mqtt://HOST, with :PORT where it is another than usual"
        raise ConfigError(f"no address of a broker: {settings.url!r}", hint=hint)
    encrypted = parts.scheme == "mqtts"
    if not encrypted and (settings.ca_file or settings.cert_file or settings.key_file):
        raise ConfigError("certificates are set, but mqtt:// is not encrypted", hint="mqtt.url: mqtts://…")
    if settings.key_file and not settings.cert_file:
        raise ConfigError("mqtt.key_file without mqtt.cert_file", hint="a key belongs to a certificate")
    if (settings.password.get_secret_value() or settings.password_file) and not settings.username:
        raise ConfigError("a password for the broker, but no user's name", hint="set mqtt.username")
    return BrokerAddress(host, port or _PORTS[parts.scheme], encrypted)


def tls_context(settings: MqttSection) -> ssl.SSLContext:
    """Who is believed, and who this program says it is.

    Raises:
        RemoteError: If a file is missing or is not what it should be; it may be replaced while the program runs.
    """
    try:
        _refuse_pipes(settings.ca_file)
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ValueError) as error:
        raise _unreadable("certificates", settings.ca_file, error, "mqtt.ca_file") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.cert_file:
        try:
            _refuse_pipes(settings.cert_file, settings.key_file)
            # Without a password given, the library would ask for one on the terminal.
            context.load_cert_chain(settings.cert_file, settings.key_file, password=lambda: "")
        except (OSError, ValueError) as error:
            about = f"{settings.cert_file} with {settings.key_file}" if settings.key_file else settings.cert_file
            raise _unreadable("certificate", about, error, "mqtt.cert_file and mqtt.key_file") from None
    return context


def password(settings: MqttSection) -> str | None:
    """The password, from its file where there is one; None for none.

    Raises:
        RemoteError: If the file cannot be read.
    """
    if settings.password_file is None:
        return settings.password.get_secret_value() or None
    try:
        _refuse_pipes(settings.password_file)
        with settings.password_file.open("rb") as file:
            text = file.read(_MAX_PASSWORD_BYTES + 1).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else "not UTF-8"
        raise _unreadable("password", settings.password_file, reason, "mqtt.password_file") from None
    if not text or len(text.encode()) > _MAX_PASSWORD_BYTES:
        reason = "it is empty" if not text else "it is too long"
        raise _unreadable("password", settings.password_file, reason, "mqtt.password_file")
    return text


def _refuse_pipes(*paths: Path | None) -> None:
    """Opening a pipe waits for somebody who writes, without a word, and a device may have no end.

    Raises:
        OSError: If something is neither a file nor a folder, whose own error says more; or if it is not there.
    """
    for path in paths:
        if path is not None and not (path.is_dir() or stat.S_ISREG(path.stat().st_mode)):
            raise OSError(errno.EINVAL, "not a file")


def _unreadable(what: str, path: Path | str | None, reason: object, setting: str) -> RemoteError:
    if isinstance(reason, ssl.SSLError):
        reason = f"not what it should be ({reason.reason or 'no certificate in it'})"
    elif isinstance(reason, OSError):
        reason = reason.strerror or str(reason)
    return RemoteError(f"{what} {path}: {reason}", hint=f"look at {setting}")
