"""What systemd is told, by a real socket of the kind that it listens on."""

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actorrec.inference.service_notify import ServiceManager
from patience import PATIENCE_S

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is of Linux")


class Manager:
    """Listens as systemd does."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1))
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        """What has come since the last time."""
        said = []
        while True:
            try:
                said.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return said


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    address = f"@actorrec-test-{uuid.uuid4().hex}" if request.param == "abstract" else str(tmp_path / "notify")
    made = Manager(address)
    with made.socket:
        yield made


def test_a_life_as_systemd_hears_it(manager: Manager) -> None:
    environ = {"NOTIFY_SOCKET": manager.address, "PATH": "/bin"}
    service = ServiceManager.from_environ(environ)
    assert service.listens
    service.status("loading\nthe  model")
    service.ready()
    service.reloading()
    service.stopping()
    said = manager.heard()
    assert said[:2] == ["STATUS=loading the model", "READY=1"] and said[3:] == ["STOPPING=1"]
    assert said[2].startswith("RELOADING=1\nMONOTONIC_USEC=")


def test_a_child_does_not_know_the_manager(manager: Manager) -> None:
    environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "PATH": "/bin"}
    ServiceManager.from_environ(environ)
    assert environ == {"PATH": "/bin"}


def clock_of(times: list[float]) -> Callable[[], float]:
    remaining = iter(times)
    return lambda: next(remaining)


def test_it_says_that_it_is_alive_at_most_every_third_of_the_interval(manager: Manager) -> None:
    environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    service = ServiceManager.from_environ(environ, clock=clock_of([100.0, 101.0, 109.9, 110.0, 111.0, 130.0]))
    heard = []
    for _ in range(6):
        service.alive()
        heard.append(len(manager.heard()))
    assert heard == [1, 0, 0, 1, 0, 1]


@pytest.mark.parametrize(
    "watchdog",
    [{}, *({"WATCHDOG_USEC": each} for each in ("0", "²", "x")), {"WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}],
    ids=["none", "zero", "no ascii", "no number", "another's"],
)
def test_without_a_watchdog_of_ours_it_never_says_that_it_is_alive(manager: Manager, watchdog: dict[str, str]) -> None:
    service = ServiceManager.from_environ({"NOTIFY_SOCKET": manager.address, **watchdog})
    service.alive()
    service.ready()
    assert manager.heard() == ["READY=1"]


@pytest.mark.parametrize(
    "address", ["", "@", "relative", "vsock:2:1234", "/" + "x" * 200, "/nobody/is/here", "@nobody\0here"]
)
def test_where_nobody_listens_nothing_happens(address: str) -> None:
    service = ServiceManager.from_environ({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000"})
    service.ready()
    service.alive()
    service.status("")
    service.stopping()


def test_a_manager_that_does_not_read_holds_nobody_up(manager: Manager) -> None:
    service = ServiceManager(manager.address)
    for _ in range(2000):
        service.ready()
    assert 0 < len(manager.heard()) < 2000
    service.stopping()
    assert manager.heard() == ["STOPPING=1"]


def test_a_program_started_by_ours_inherits_neither_socket_nor_name(manager: Manager) -> None:
    code = (
        "import subprocess, sys; from actorrec.inference.service_notify import ServiceManager;"
        "service = ServiceManager.from_environ(); assert service.listens; service.ready();"
        'asked = \'import os; print(sorted(k for k in os.environ if k.startswith(("NOTIFY", "WATCHDOG"))),'
        ' sum(os.readlink(f"/proc/self/fd/{n}").startswith("socket") for n in range(3, 32)'
        ' if os.path.islink(f"/proc/self/fd/{n}")))\';'
        "sys.exit(subprocess.run([sys.executable, '-c', asked], close_fds=False).returncode)"
    )
    environ = {**os.environ, "NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1000000"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stdout) == (0, "[] 0\n"), done.stderr
    assert manager.heard() == ["READY=1"]
