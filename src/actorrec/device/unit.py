"""The unit of systemd: what the service may do, which is little, and how it is kept alive."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorrec.device.places import CONFIG, MARK, USER
from actorrec.errors import ConfigError

_PLAIN: Final = re.compile(r"/[A-Za-z0-9_./+@ -]+")
_HOMES: Final = (Path("/home"), Path("/root"), Path("/run/user"))
"""What ProtectHome= hides."""


@dataclass(frozen=True, slots=True)
class Service:
    """What differs from device to device.

    Attributes:
        python: Interpreter of the environment that the program is installed in.
        groups: Whose devices it may open, beside its own.
        reads: What it must read that may lie in somebody's home folder.
        backoff: Whether this systemd (254 or newer) can wait longer after each failure.
    """

    python: Path
    groups: Sequence[str] = ("video",)
    reads: Sequence[Path] = ()
    backoff: bool = False

    @property
    def protect_home(self) -> str:
        """Home folders are hidden unless the program, or what it reads, lies in one."""
        in_a_home = any(path.is_relative_to(home) for path in (self.python, *self.reads) for home in _HOMES)
        return "read-only" if in_a_home else "yes"


def unit_text(service: Service) -> str:
    """The whole file.

    Raises:
        ConfigError: If the interpreter's path cannot stand in it.
    """
    groups = f"SupplementaryGroups={' '.join(service.groups)}\n" if service.groups else ""
    restart = "RestartSec=2\nRestartSteps=6\nRestartMaxDelaySec=60" if service.backoff else "RestartSec=10"
    command = f"{_word(service.python)} -I -m actorrec infer --loop --config {CONFIG}"
    return _UNIT.format(
        mark=MARK, user=USER, groups=groups, restart=restart, command=command, protect_home=service.protect_home
    )


def sysusers_text() -> str:
    """The service's user and group, for systemd-sysusers."""
    return f'{MARK} the user of actorrec.service.\nu {USER} - "actorrec" /var/lib/{USER}\n'


def tmpfiles_text() -> str:
    """Owners and modes, for systemd-tmpfiles: an image is made where the user does not exist yet.

    By its name, systemd-tmpfiles does not touch root's bundle in a folder of another user; from the folder on, it does.
    """
    return f"""{MARK} who may read what.
d /var/lib/{USER} 0750 {USER} {USER}
Z /var/lib/{USER} - - {USER}
z {CONFIG} 0640 root {USER}
"""


def _word(path: Path) -> str:
    """As one word of an ExecStart= line, in which much has a meaning.

    Raises:
        ConfigError: If it cannot stand there.
    """
    if not _PLAIN.fullmatch(str(path)):
        raise ConfigError(
            f"{path}: a service cannot be started from there", hint="letters, digits, blanks and _ . + @ -"
        )
    return f'"{path}"'


_UNIT: Final = """\
{mark} what is changed here is lost at the next install; `systemctl edit actorrec` adds to it.
[Unit]
Description=Names for the people that a camera sees (actorrec)
After=network.target
# Whatever happens, it is started again: it never gives up.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
Restart=always
{restart}
# A first start reads the nets and proves the bundle; a net on a small device may keep it silent for a while.
TimeoutStartSec=300
WatchdogSec=120
KillSignal=SIGTERM
KillMode=mixed
TimeoutStopSec=10
# Results go where the settings say. Names of people do not belong into the system's log, where stdout would go.
StandardOutput=null
StandardError=journal

User={user}
Group={user}
{groups}UMask=0027
ConfigurationDirectory=actorrec
StateDirectory=actorrec
StateDirectoryMode=0750
CacheDirectory=actorrec
CacheDirectoryMode=0750
RuntimeDirectory=actorrec
RuntimeDirectoryMode=0750
# `actorrec device status` says how it ended while it waits to be started again.
RuntimeDirectoryPreserve=restart
WorkingDirectory=%S/actorrec
Environment=HOME=%S/actorrec XDG_STATE_HOME=%S XDG_CACHE_HOME=%C
MemoryMax=75%
# A bundle that eats memory while it is tried, in a process of its own, ends that process and not the service.
OOMPolicy=continue
# What a crash leaves of its memory would hold faces.
LimitCORE=0

# The cameras: V4L2; libcamera also wants media controllers and memory that devices share. /dev/vcio says whether a
# Raspberry Pi is held back. Nothing else of /dev but null, zero, random and the like. Not tried with every camera:
# where one is missing, `systemctl edit actorrec` adds a DeviceAllow=.
DevicePolicy=closed
DeviceAllow=char-video4linux rw
DeviceAllow=char-media rw
DeviceAllow=char-dma_heap rw
DeviceAllow=/dev/vcio rw

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome={protect_home}
PrivateTmp=yes
PrivateMounts=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
KeyringMode=private
LockPersonality=yes
# libcamera hears of cameras by netlink; brokers and cameras may be anywhere, so addresses are not restricted.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
# MemoryDenyWriteExecute is not set: on x86-64 the shipped nets run with it, but what makes code while it runs (libffi,
# nets on other processors, a camera's own libraries) was not tried on a Raspberry Pi, and would fail there alone.

[Install]
WantedBy=multi-user.target
"""
