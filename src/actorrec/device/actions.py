"""What is to be done to a system, as data: shown first, then done."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorrec.device.places import USER


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do what with a file or folder.

    Attributes:
        mode: Its permission bits.
        user: Owner, by name.
        group: By name.
    """

    mode: int
    user: str = "root"
    group: str = "root"

    def __str__(self) -> str:
        return f"{self.mode:04o} {self.user}:{self.group}"


FOR_ALL: Final = Access(0o644)
PROGRAM: Final = Access(0o755)
FOR_GROUP: Final = Access(0o640, group=USER)
OF_SERVICE: Final = Access(0o750, USER, USER)


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """A folder; its parents, where they are not there, are for everybody to read."""

    path: Path
    access: Access
    why: str


@dataclass(frozen=True, slots=True)
class WriteFile:
    """A file, whole; what was there is replaced, a link too."""

    path: Path
    content: bytes
    access: Access
    why: str


@dataclass(frozen=True, slots=True)
class CopyFile:
    """A file of this machine, whole; what was there is replaced."""

    path: Path
    source: Path
    access: Access
    why: str


@dataclass(frozen=True, slots=True)
class SetAccess:
    """What is there stays, but others may read it."""

    path: Path
    access: Access
    why: str


@dataclass(frozen=True, slots=True)
class MakeLink:
    """A symbolic link."""

    path: Path
    target: str
    why: str


@dataclass(frozen=True, slots=True)
class Remove:
    """A file or a link; a folder with all that is in it."""

    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Run:
    """A program of the system.

    Attributes:
        user: As whom, where that is another: what it does to files of theirs, it does with their rights alone.
    """

    arguments: tuple[str, ...]
    why: str
    user: str | None = None


Action = MakeFolder | WriteFile | CopyFile | SetAccess | MakeLink | Remove | Run


def told(action: Action) -> tuple[str, str, str]:
    """What is done, to what, and why: a row for people."""
    match action:
        case Run(arguments, why, user):
            return "run" if user is None else f"run as {user}", " ".join(arguments), why
        case MakeFolder(path, access, why):
            return "make", f"{path}/ ({access})", why
        case WriteFile(path, _, access, why):
            return "write", f"{path} ({access})", why
        case CopyFile(path, source, access, why):
            return "copy", f"{source} to {path} ({access})", why
        case SetAccess(path, access, why):
            return "let read", f"{path} ({access})", why
        case MakeLink(path, target, why):
            return "link", f"{path} to {target}", why
        case Remove(path, why):
            return "remove", str(path), why
