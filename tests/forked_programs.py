"""Programs that need TensorFlow, forked from one process that has it: to bring it in takes longer than what they do."""

import io
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["actorrec.training.train", "tensorflow", "keras"])


class PausingOutput(io.TextIOWrapper):
    """A stream at which a program stops itself once it says something, until it is told to go on."""

    stop_at = ""

    def write(self, text: str, /) -> int:
        """Write, and stop there."""
        count = super().write(text)
        if self.stop_at and self.stop_at in text:
            self.flush()
            os.kill(os.getpid(), signal.SIGSTOP)
        return count


def start_forked(
    program: Callable[[], int], environ: Mapping[str, str], log: Path, stop_at: str = ""
) -> ForkServerProcess:
    """Start a function of a module's own as a program: with its environment, its output, its exit code and its signals.

    Args:
        program: Imported by name in the new process; returns the exit code.
        environ: Beside what the tests have.
        log: What it says on stdout and stderr.
        stop_at: Words at which it stops until it gets SIGCONT.
    """
    process = _FORKS.Process(target=_run, args=(program, dict(os.environ) | dict(environ), log, stop_at))
    process.start()
    return process


def _run(program: Callable[[], int], environ: Mapping[str, str], log: Path, stop_at: str) -> None:
    os.environ.clear()
    os.environ.update(environ)
    with log.open("wb") as out:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(out.fileno(), stream.fileno())
    sys.stdout, sys.stderr = (PausingOutput(os.fdopen(number, "wb", 0, closefd=False)) for number in (1, 2))
    PausingOutput.stop_at = stop_at
    sys.exit(program())
