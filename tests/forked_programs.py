"""Programs that need TensorFlow, forked from one process that has it: to bring it in takes longer than what they do."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["actorrec.training.train", "tensorflow", "keras"])


def start_forked(program: Callable[[], int], environ: Mapping[str, str], log: Path) -> ForkServerProcess:
    """Start a function of a module's own as a program: with its environment, its output, its exit code and its signals.

    Args:
        program: Imported by name in the new process; returns the exit code.
        environ: Beside what the tests have.
        log: What it says on stdout and stderr.
    """
    process = _FORKS.Process(target=_run, args=(program, dict(os.environ) | dict(environ), log))
    process.start()
    return process


def _run(program: Callable[[], int], environ: Mapping[str, str], log: Path) -> None:
    os.environ.clear()
    os.environ.update(environ)
    with log.open("wb") as out:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(out.fileno(), stream.fileno())
    sys.exit(program())
