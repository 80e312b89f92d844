"""Ctrl-C where a library drops it."""

import subprocess
import sys

SWALLOWS = """
import sys, time
from actorrec.cli.interrupts import insistent_interrupts
try:
    with insistent_interrupts():
        print("ready", flush=True)
        try:
            time.sleep(300)
        except KeyboardInterrupt:
            pass  # as a callback inside TensorFlow's converter does
        time.sleep(300)
except KeyboardInterrupt:
    time.sleep(2.5)  # disarmed: what follows is not interrupted again
    sys.exit(130)
"""


def test_a_dropped_interrupt_comes_again_until_the_work_stops() -> None:
    with subprocess.Popen([sys.executable, "-c", SWALLOWS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(2)
        assert process.wait(timeout=120) == 130
