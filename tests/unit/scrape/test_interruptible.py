"""Ctrl-C around coroutines."""

import subprocess
import sys

# Ctrl-C at the last moment before they begin.
EARLY = """
import asyncio, signal, sys
from actorrec.scrape.interruptible import run

def interrupted(frame, event, _):
    if frame.f_code.co_name == "pythons_own_interrupts":
        sys.settrace(None)
        signal.raise_signal(signal.SIGINT)

async def work():
    print("began")

sys.settrace(interrupted)
try:
    run(work())
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_an_interrupt_before_they_begin_leaves_no_warning() -> None:
    done = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
