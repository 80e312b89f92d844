"""A real broker on loopback: Debian's Mosquitto with the configuration that a test asks for."""

import getpass
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from held_ports import held_port
from patience import PATIENCE_S

_LOG_PLAIN: Final = ("log_type all", "connection_messages true", "set_tcp_nodelay true")


def broker_program(name: str = "mosquitto") -> str:
    """Path of a program of Mosquitto; skips where it is not installed."""
    found = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt install mosquitto mosquitto-clients)")
    return found


def free_port() -> int:
    """A port of loopback on which nothing listens, and none of those that systems hand out unasked."""
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Broker:
    """A Mosquitto that can be stopped, killed and started again with what it had on disk.

    Args:
        folder: For its files.
        lines: Of its configuration, beside the listener's.
        tls: Lines about the listener's certificates; none without TLS.
        program: Path of Mosquitto.

    Attributes:
        port: Where it listens; the same after each start.
    """

    def __init__(self, folder: Path, lines: Sequence[str] = (), *, tls: Sequence[str] = (), program: str = "") -> None:
        self._program = program or broker_program()
        self._folder, self._lines, self._tls = folder, list(lines), list(tls)
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.port = held_port(self)

    @property
    def url(self) -> str:
        """For ``mqtt.url``; certificates are for the name ``localhost``."""
        return f"mqtts://localhost:{self.port}" if self._tls else f"mqtt://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has said."""
        return (self._folder / "log").read_text(errors="replace")

    def start(self, lines: Sequence[str] | None = None) -> "Broker":
        """Start it, with other lines where they are given; returns when it takes connections."""
        self._lines = self._lines if lines is None else list(lines)
        config = self._folder / "mosquitto.conf"
        config.write_text("\n".join(self._configuration()) + "\n")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", str(config)], stdout=log, stderr=log)
        give_up_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                if self._process.poll() is not None or time.monotonic() > give_up_s:
                    pytest.fail(f"no broker: {self.log}")
                time.sleep(0.02)

    def stop(self) -> None:
        """Ask it to end; it writes down what it has to keep."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it without asking."""
        self._end(kill=True)

    def reload(self) -> None:
        """Have it read its lists of users and of rights anew."""
        assert self._process is not None

        self._process.send_signal(signal.SIGHUP)

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill() if kill else process.terminate()
            process.wait(PATIENCE_S)

    def _configuration(self) -> list[str]:
        # Started by root, it would become another user, who may not write to a test's folder.
        user = f"user {getpass.getuser()}"
        own = ["per_listener_settings false", user, f"listener {self.port} 127.0.0.1", *self._tls]
        said = " ".join(self._lines)
        if "allow_anonymous" not in said:
            own.append("allow_anonymous true")
        if "persistence " not in said:
            own += ["persistence true", f"persistence_location {self._folder}/", "autosave_interval 1"]
        return [*own, *_LOG_PLAIN, *self._lines]


@contextmanager
def broker(folder: Path, lines: Sequence[str] = (), *, tls: Sequence[str] = ()) -> Iterator[Broker]:
    """A running broker."""
    made = Broker(folder, lines, tls=tls)
    try:
        yield made.start()
    finally:
        made.kill()


def password_file(folder: Path, **users: str) -> Path:
    """A list of users for ``password_file``."""
    program, path = broker_program("mosquitto_passwd"), folder / "passwords"
    path.touch(mode=0o600)
    for user, word in users.items():
        subprocess.run([program, "-b", str(path), user, word], check=True, capture_output=True)
    return path


class Certificates:
    """An authority of the test's own, and certificates that it signed.

    Args:
        folder: For the files.

    Attributes:
        ca: Certificate of the authority.
        stranger: Certificate of another authority.
    """

    def __init__(self, folder: Path) -> None:
        trustme = pytest.importorskip("trustme")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._authority = folder, trustme.CA()
        self.ca, self.stranger = folder / "ca.pem", folder / "stranger.pem"
        self._authority.cert_pem.write_to_path(str(self.ca))
        trustme.CA().cert_pem.write_to_path(str(self.stranger))

    def issue(self, name: str, **options: object) -> tuple[Path, Path]:
        """Certificate and key for a name; options are trustme's."""
        issued = self._authority.issue_cert(name, **options)
        cert, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        return cert, key

    def lines(self, name: str = "localhost", **options: object) -> list[str]:
        """Lines about a listener that shows a certificate for a name."""
        cert, key = self.issue(name, **options)
        return [f"cafile {self.ca}", f"certfile {cert}", f"keyfile {key}"]
