"""A bundle tried in a process of its own: whatever its nets do there, the program that runs goes on.

``python -m actorrec.inference.swap.trial PROGRAM BUNDLE NAME THREADS`` prints one line of JSON, and ends with the
process PROGRAM.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from actorrec.errors import ActorRecError

_NICENESS: Final = 10  # a tenth of a core where frames take all: less, and a large net on a small board never ends
_LIFE_S: Final = 600  # longer than any program waits for it: the system ends it even where nets never come back
_MOST_WRITTEN_BYTES: Final = 1 << 20  # what nets print must not fill anything
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_FAILED: Final = (MemoryError, OSError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


def main(arguments: list[str]) -> int:
    """Try one bundle.

    Args:
        arguments: Process id of the program, path, what to call it in errors, threads of a net.
    """
    program, path, name, threads = arguments
    _step_back(int(program))
    out = _own_output()
    from actorrec.inference.running_bundle import run_bundle  # slow to import: the limits come first

    before_bytes = _peak_bytes()
    said: dict[str, object]
    try:
        run_bundle(Path(path), name=name, num_threads=int(threads), tried=True)
    except ActorRecError as error:
        said = {"reason": error.in_full}
    except _FAILED as error:
        said = {"reason": f"it cannot run: {type(error).__name__}: {error}"}
    else:
        said = {"reason": "", "needs_bytes": _peak_bytes() - before_bytes}
    os.write(out, json.dumps(said).encode() + b"\n")
    return 0


def _step_back(program: int) -> None:
    """Let the program that runs go first, in time and in memory, and end with it."""
    signal.alarm(_LIFE_S)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_WRITTEN_BYTES, _MOST_WRITTEN_BYTES))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")  # where memory runs out, it is this one's end
    if os.getppid() != program:  # it ended before it could take this process with it
        sys.exit(1)
    os.nice(_NICENESS)


def _own_output() -> int:
    """The pipe for the answer; what C++ libraries print goes to stderr from here on."""
    out = os.dup(1)
    os.set_inheritable(out, False)
    os.dup2(2, 1)
    return out


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
