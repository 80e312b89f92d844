"""The program that a service is made of: where it is installed, and whether the service's user can reach it."""

import pwd
import stat
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import actorrec
from actorrec.errors import ConfigError

_ELSEWHERE = (
    "install it where everybody may read it: sudo python3 -m venv /opt/actorrec, "
    "sudo /opt/actorrec/bin/pip install with the extras edge and mqtt, sudo /opt/actorrec/bin/actorrec device install"
)


@dataclass(frozen=True, slots=True)
class Program:
    """An installed program.

    Attributes:
        python: Its interpreter; in an environment, that one's.
        package: Folder of its modules.
        scripts: Folder that pip puts ``actorrec`` into.
    """

    python: Path
    package: Path
    scripts: Path

    @classmethod
    def this(cls) -> "Program":
        """The one that runs."""
        package = Path(actorrec.__file__).resolve().parent
        return cls(Path(sys.executable), package, Path(sysconfig.get_path("scripts")))

    def check_reachable(self) -> None:
        """Others than its owner must be able to run it.

        Raises:
            ConfigError: If a folder on the way, or the program itself, is closed to them.
        """
        for path in (self.python, self.python.resolve(), self.package):
            closed = first_closed(path)
            if closed is not None:
                what = f"{closed} is closed to others"
                raise ConfigError(f"the service's user cannot reach the program: {what}", hint=_ELSEWHERE)

    def of_others(self) -> str:
        """A line for people where another user than root may change the program: what root then types is theirs."""
        for path in (self.python.parent, self.package):
            owner = path.stat().st_uid
            if owner != 0:
                whose = f"{path} belongs to {_user_name(owner)}, who decides what the service and `sudo actorrec` do"
                return f"{whose}; {_ELSEWHERE}"
        return ""


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def first_closed(path: Path) -> Path | None:
    """The first folder on the way, or the path itself, that users beside owner and group cannot enter or read."""
    for folder in reversed(path.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    mode = path.stat().st_mode
    needed = stat.S_IROTH | stat.S_IXOTH
    return None if mode & needed == needed else path
