"""What the machine says of itself: memory, heat, what holds it back, room on the disk."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SYS: Final = Path("/sys")
LITTLE_ROOM_BYTES: Final = 50 * 10**6
"""With less room than this, a state folder is in trouble."""

# Types of thermal zones that tell of the processor, the best first: a Raspberry Pi's (with its older kernels' name),
# Intel's and AMD's, other boards' systems on a chip, the mainboard's. Others are of batteries, radios and disks.
_CPU_ZONES: Final = tuple(
    re.compile(pattern)
    for pattern in (r"cpu[-_]thermal", r"x86_pkg_temp|k10temp|coretemp", r"cpu.*", r"soc.*", r"acpitz")
)
_POSSIBLE_C: Final = (-60.0, 200.0)
# The bits of `vcgencmd get_throttled`, https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
# now in bits 0 to 3, and whether it ever was since the boot in bits 16 to 19.
_THROTTLED: Final = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")
_SINCE_BOOT: Final = 16
_ASK_S: Final = 1.0
_MOST_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class MachineState:
    """A machine at one moment.

    Attributes:
        memory_bytes: What the program holds; None where the system does not say.
        temperature_c: Of the processor, °C; None where the system does not say.
        throttled: What holds a Raspberry Pi back; empty where nothing does.
    """

    memory_bytes: int | None = None
    temperature_c: float | None = None
    throttled: tuple[str, ...] = ()


@dataclass(slots=True)
class Machine:
    """Looks at the machine that the program runs on.

    Attributes:
        sys: Where the kernel shows its devices.
        patience_s: With a program that is asked.
    """

    sys: Path = SYS
    patience_s: float = _ASK_S
    _answers: bool = field(default=True)

    def state(self) -> MachineState:
        """As it is now; asks a program at most once, and never again one that does not answer in time."""
        return MachineState(memory_bytes(), temperature_c(self.sys), throttled_words(self._throttled()))

    def _throttled(self) -> int:
        """The bits; 0 where nobody knows them.

        The program goes first: present kernels call the file deprecated, and write a warning when it is read.
        """
        program = shutil.which("vcgencmd") if self._answers else None
        said = ""
        if program is not None:
            try:
                said = _asked(program, self.patience_s)
            except subprocess.TimeoutExpired:
                self._answers = False
        bits = _bits(said)
        return (_bits(_firmware_file(self.sys)) or 0) if bits is None else bits


def memory_bytes() -> int | None:
    """What the program holds in memory now; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def temperature_c(sys: Path = SYS) -> float | None:
    """Of the processor, °C, one decimal; None where the system does not say.

    Args:
        sys: Where the kernel shows its devices.
    """
    zones = [(_rank(_line(zone / "type")), zone) for zone in sorted(sys.glob("class/thermal/thermal_zone*"))]
    for _, zone in sorted((rank, zone) for rank, zone in zones if rank is not None):
        try:
            celsius = round(int(_line(zone / "temp")) / 1000, 1)  # the kernel gives thousandths
        except ValueError:
            continue
        if _POSSIBLE_C[0] < celsius < _POSSIBLE_C[1]:
            return celsius
    return None


def throttled_words(bits: int) -> tuple[str, ...]:
    """What a Raspberry Pi's firmware says holds it back, in words; what is over goes after what lasts."""
    now = [word for bit, word in enumerate(_THROTTLED) if bits >> bit & 1]
    ever = [word for bit, word in enumerate(_THROTTLED, _SINCE_BOOT) if bits >> bit & 1]
    return (*now, *(f"{word} since boot" for word in ever if word not in now))


def free_bytes(path: Path) -> int | None:
    """Room that the program may still take on the disk of a folder; None where the folder cannot be looked at.

    Args:
        path: A folder; where it is not there yet, the nearest one above it counts.
    """
    for folder in (path, *path.absolute().parents):
        try:
            return shutil.disk_usage(folder).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


def _rank(kind: str) -> int | None:
    return next((rank for rank, pattern in enumerate(_CPU_ZONES) if pattern.fullmatch(kind)), None)


def _line(path: Path) -> str:
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            return file.read(_MOST_CHARS).strip()
    except OSError:
        return ""


def _asked(program: str, patience_s: float) -> str:
    """What ``vcgencmd get_throttled`` says; empty where it may not ask (``/dev/vcio`` is for the group ``video``)."""
    try:
        asked = subprocess.run(
            [program, "get_throttled"], stdin=subprocess.DEVNULL, capture_output=True, timeout=patience_s, check=False
        )
    except OSError:
        return ""
    return asked.stdout[:_MOST_CHARS].decode("ascii", "replace").strip().removeprefix("throttled=")


def _firmware_file(sys: Path) -> str:
    """``soc:firmware`` up to the Pi 4; later boards have the address of the chip in the name."""
    found = sorted(sys.glob("devices/platform/soc*/soc*firmware/get_throttled"))
    return _line(found[0]) if found else ""


def _bits(text: str) -> int | None:
    """Hexadecimal with or without 0x; None for anything else."""
    return int(text, 16) if re.fullmatch(r"(0x)?[0-9a-fA-F]{1,8}", text) else None
