"""Trying a bundle from outside: the child process, its time, its answer, its end."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from pydantic import ValidationError

from actorrec.manifests.base import Record

_MODULE: Final = "actorrec.inference.swap.trial"
_MAX_ANSWER_BYTES: Final = 64 * 1024
_MAX_REASON_CHARS: Final = 300
_LOOK_S: Final = 0.2
# A child that reads a hostile file sees no password, key or token of this process.
_PASSED_ON: Final = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "TMPDIR", "TZ",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried, and how long.

    Attributes:
        path: A bundle that nobody changes meanwhile.
        name: What to call it in errors.
        num_threads: Of a net.
        timeout_s: Longest time.
    """

    path: Path
    name: str
    num_threads: int
    timeout_s: float


class Verdict(Record):
    """The answer.

    Attributes:
        reason: Why it is refused; empty where it is not.
        needs_bytes: Memory that it took there; 0 where that is unknown.
    """

    reason: str = ""
    needs_bytes: int = 0


def try_bundle(trial: Trial, go_on: Callable[[], bool], clock: Callable[[], float]) -> Verdict | None:
    """Run a bundle in a process of its own and wait for what comes of it.

    Args:
        trial: What is tried.
        go_on: Asked again and again; as soon as it says no, the process is ended.
        clock: Seconds that only grow.

    Returns:
        The verdict; None where it was not to go on.

    Raises:
        OSError: If no process can be started, or there is no room for what it says.
    """
    with _scratch() as out, _scratch() as err:
        child = _start(trial, out, err)
        try:
            until_s = clock() + trial.timeout_s
            while True:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(_LOOK_S)
                    return _verdict(child.returncode, out, err)
                if not go_on():
                    return None
                if clock() > until_s:
                    return Verdict(reason=f"its trial took longer than {trial.timeout_s:g} s")
        finally:
            _end(child)


def _scratch() -> IO[bytes]:
    """A file for what a child says: in memory where the system has that, for a device may have nowhere to write."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("trial"), "w+b")
    return tempfile.TemporaryFile()


def _start(trial: Trial, out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
    # -P: nothing of the folder in which the program was started is imported; -I would hide a user's own packages.
    flags = ["-I"] if sys.flags.isolated else ["-P"]
    arguments = [str(os.getpid()), str(trial.path), trial.name, str(trial.num_threads)]
    command = [sys.executable, *flags, "-m", _MODULE, *arguments]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        process_group=0,  # a session of its own would be an autogroup to Linux, in which niceness counts for nothing
        env=_environment(os.environ),
    )


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[name] for name in _PASSED_ON if name in environ}


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _verdict(returncode: int, out: IO[bytes], err: IO[bytes]) -> Verdict:
    if returncode < 0:
        return Verdict(reason=f"it crashed the runtime ({_signal_name(-returncode)})")
    out.seek(0)
    try:
        verdict = Verdict.model_validate_json(out.read(_MAX_ANSWER_BYTES))
    except ValidationError:
        return Verdict(reason=one_line(f"its trial came to nothing (exit code {returncode}): {_last_line(err)}"))
    return Verdict(reason=one_line(verdict.reason), needs_bytes=verdict.needs_bytes)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(err: IO[bytes]) -> str:
    size = err.seek(0, os.SEEK_END)
    err.seek(max(0, size - 4096))
    lines = err.read(4096).decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def one_line(text: str) -> str:
    """A reason as it is told: on one line, without control characters, not longer than a person reads."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(line.split())
    return line if len(line) <= _MAX_REASON_CHARS else line[: _MAX_REASON_CHARS - 1] + "…"
