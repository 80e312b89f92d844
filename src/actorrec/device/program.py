"""The program that a service is made of: where it is installed, and whether the service's user can reach it."""

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


def first_closed(path: Path) -> Path | None:
    """The first folder on the way, or the path itself, that users beside owner and group cannot enter or read."""
    for folder in reversed(path.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    mode = path.stat().st_mode
    needed = stat.S_IROTH | stat.S_IXOTH
    return None if mode & needed == needed else path
