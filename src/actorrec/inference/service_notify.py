"""What systemd wants to hear of a service: the protocol of ``sd_notify(3)``, a datagram for each thing said."""

import os
import socket
import time
from collections.abc import Callable, MutableMapping
from typing import Final, Self

_ADDRESS: Final = "NOTIFY_SOCKET"
_WATCHDOG: Final = "WATCHDOG_USEC"
_WATCHDOG_PID: Final = "WATCHDOG_PID"
_MAX_ADDRESS_BYTES: Final = 107  # sun_path, without the NUL at its end
_MAX_STATUS_CHARS: Final = 200
_PART_OF_INTERVAL: Final = 3  # sd_watchdog_enabled(3) asks for half; a third leaves room for one that is late


class ServiceManager:
    """Tells the manager of services how the program is doing; where none listens, nothing happens, and never an error.

    Args:
        address: Of the manager's socket: a path, or ``@`` and an abstract name; empty for none.
        watchdog_s: The manager kills what does not say that it is alive for so long; None where it does not watch.
        clock: Seconds that only go forward.

    Attributes:
        listens: Whether there is anybody to tell.
    """

    def __init__(
        self, address: str = "", watchdog_s: float | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = address.replace("@", "\0", 1) if address.startswith("@") else address
        self._clock = clock
        self._every_s = None if watchdog_s is None else watchdog_s / _PART_OF_INTERVAL
        self._due_s = float("-inf")
        self.listens = _can_be(address) and hasattr(socket, "AF_UNIX")

    @classmethod
    def from_environ(
        cls, environ: MutableMapping[str, str] | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> Self:
        """The manager that started this program; what names it is taken out, so that no child speaks for us.

        Args:
            environ: ``os.environ`` by default; changed.
            clock: Seconds that only go forward.
        """
        environ = os.environ if environ is None else environ
        address, watchdog, pid = (environ.pop(name, "") for name in (_ADDRESS, _WATCHDOG, _WATCHDOG_PID))
        ours = pid in ("", str(os.getpid()))
        watched = ours and watchdog.isascii() and watchdog.isdigit() and int(watchdog) > 0
        return cls(address, int(watchdog) / 1e6 if watched else None, clock=clock)

    def ready(self) -> None:
        """The program does its work from now on."""
        self._say("READY=1")

    def status(self, text: str) -> None:
        """One line that ``systemctl status`` shows; a longer text is cut."""
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        self._say(f"STATUS={line[:_MAX_STATUS_CHARS]}")

    def alive(self) -> None:
        """Call it as often as the work goes on; said at most every third of what the watchdog allows."""
        if self._every_s is None:
            return
        now_s = self._clock()
        if now_s >= self._due_s:
            self._due_s = now_s + self._every_s
            self._say("WATCHDOG=1")

    def reloading(self) -> None:
        """A new configuration is being taken; ``ready`` says that it was."""
        self._say(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The end has begun."""
        self._say("STOPPING=1")

    def _say(self, message: str) -> None:
        if not self.listens:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:  # no child gets it: sockets are not inherited
                out.setblocking(False)
                out.sendto(message.encode("utf-8", "replace"), self._address)
        except OSError:
            # A manager that has gone, or whose queue is full: the work matters more. A watchdog that has not heard us
            # is told again at once.
            self._due_s = float("-inf")


def _can_be(address: str) -> bool:
    """Only sockets of this machine, as sd_notify has them before its version 254; what is no address is none."""
    encoded = address.encode("utf-8", "surrogateescape")
    return address.startswith(("/", "@")) and 1 < len(encoded) <= _MAX_ADDRESS_BYTES and "\0" not in address
