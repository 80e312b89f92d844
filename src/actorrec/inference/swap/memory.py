"""How much memory is left."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

_SYSTEM: Final = Path("/")


def available_bytes(root: Path = _SYSTEM) -> int | None:
    """What this program can still have without swapping; None where nobody says.

    The kernel's estimate for the machine; less where a control group (a service's ``MemoryMax=``, a container) bounds
    it, and would end the program.

    Args:
        root: Where ``proc`` and ``sys`` are.
    """
    bounds = [*_of_machine(root / "proc/meminfo"), *_of_groups(root)]
    return max(0, min(bounds)) if bounds else None


def _of_machine(meminfo: Path) -> Iterator[int]:
    for name, value in _figures(meminfo):
        if name == "MemAvailable:":
            yield value * 1024


def _of_groups(root: Path) -> Iterator[int]:
    """Of this program's group and those that it is in, as version 2 of control groups has them."""
    own = [line[3:] for line in _lines(root / "proc/self/cgroup") if line.startswith("0::/") and ".." not in line]
    mount = root / "sys/fs/cgroup"
    group = mount / own[0].strip("/") if own else mount
    for folder in (group, *group.parents[: len(group.relative_to(mount).parts)]):  # a container's own is the mount
        most, used = ("".join(_lines(folder / name)) for name in ("memory.max", "memory.current"))
        if most.isdecimal() and used.isdecimal():  # "max" is no bound
            # Pages of files that nobody used of late are given back before anything is ended.
            yield int(most) - int(used) + dict(_figures(folder / "memory.stat")).get("inactive_file", 0)


def _figures(path: Path) -> Iterator[tuple[str, int]]:
    for words in map(str.split, _lines(path)):
        if len(words) > 1 and words[1].isdecimal():
            yield words[0], int(words[1])


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
