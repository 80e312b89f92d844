"""Ctrl-C where a library drops it."""

import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import typer

from actorrec.cli.deploy_desk import _left_running
from actorrec.cli.interrupts import insistent_interrupts
from actorrec.cli.session import Session
from patience import PATIENCE_S

SWALLOWS = """
import sys, time
from actorrec.cli.interrupts import insistent_interrupts
try:
    with insistent_interrupts(0.2):
        try:
            try:
                print("ready", flush=True)
                while True:  # a signal that comes just before a call that waits is seen after it
                    time.sleep(0.05)
            finally:
                try:
                    raise OSError("the network")
                except OSError:
                    time.sleep(0.6)
                print("clean", flush=True)
        except KeyboardInterrupt:
            pass  # as a callback inside TensorFlow's converter does
        time.sleep(300)
except KeyboardInterrupt:
    time.sleep(0.6)  # disarmed: what follows is not interrupted again
    sys.exit(130)
"""

# An alarm at each line of the end: as if the machine had stood still there until it was due.
ALARMED = """
import signal, sys, time
from actorrec.cli.interrupts import insistent_interrupts

def alarmed(frame, event, _):
    if frame.f_code.co_name != "insistent_interrupts":
        return None
    if ending and callable(signal.getsignal(signal.SIGALRM)):
        signal.raise_signal(signal.SIGALRM)
    return alarmed

ending = False
sys.settrace(alarmed)
try:
    with insistent_interrupts(0.05):
        ending = True
        raise KeyboardInterrupt
except KeyboardInterrupt:
    time.sleep(0.3)
    sys.exit(130)
"""


DESTROYED = """
import signal, sys, time
from actorrec.cli.interrupts import insistent_interrupts

class Dying:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

try:
    with insistent_interrupts(0.2):
        Dying()
        time.sleep(300)
except KeyboardInterrupt:
    sys.exit(130)
"""


# What signs a request reads its body from C, which makes an error of its own of whatever is raised meanwhile.
SIGNED = """
import datetime, io, signal, sys
from awscrt.auth import AwsCredentialsProvider, AwsSigningAlgorithm, AwsSigningConfig, aws_sign_request
from awscrt.http import HttpHeaders, HttpRequest
from actorrec.cli.interrupts import insistent_interrupts

class Body(io.BytesIO):
    def readinto1(self, room):
        if "asked" in sys.argv:
            signal.raise_signal(signal.SIGINT)
        raise OSError("the body is gone")

def sign():
    keys = AwsCredentialsProvider.new_static("key", "secret")
    now = datetime.datetime.now(datetime.timezone.utc)
    config = AwsSigningConfig(
        algorithm=AwsSigningAlgorithm.V4, credentials_provider=keys, region="r", service="s", date=now
    )
    headers = HttpHeaders([("host", "h")])
    aws_sign_request(HttpRequest("POST", "/", headers, Body(b"body")), config).result()

try:
    with insistent_interrupts(), insistent_interrupts():  # the command's, and a room's inside it
        sign()
except KeyboardInterrupt as error:
    sys.exit(f"asked {type(error.__cause__).__name__}")
except Exception as error:
    sys.exit(f"failed {type(error).__name__}")
"""

CLEANED = """
import signal
from actorrec.cli.interrupts import insistent_interrupts
try:
    with insistent_interrupts():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            raise OSError("the disk is full")
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize(("argument", "told"), [("asked", "asked AwsCrtError"), ("", "failed AwsCrtError")])
def test_an_error_that_a_library_makes_of_an_interrupt_is_the_interrupt(argument: str, told: str) -> None:
    pytest.importorskip("awscrt")
    done = subprocess.run([sys.executable, "-c", SIGNED, argument], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == told


def test_what_a_clean_up_says_is_told() -> None:
    done = subprocess.run([sys.executable, "-c", CLEANED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "the disk is full\n")


def test_of_an_interrupt_that_a_destructor_drops_nothing_is_printed_and_it_comes_again() -> None:
    done = subprocess.run([sys.executable, "-c", DESTROYED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_a_dropped_interrupt_comes_again_until_the_work_stops_and_leaves_clean_ups_alone() -> None:
    with subprocess.Popen([sys.executable, "-c", SWALLOWS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(2)
        assert process.communicate(timeout=120)[0] == "clean\n"
    assert process.returncode == 130


def test_it_comes_again_also_where_one_alarm_is_not_seen() -> None:
    """Python looks at a signal that comes just before a call that waits only after the call."""
    with suppress(KeyboardInterrupt), insistent_interrupts(300):
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert signal.getitimer(signal.ITIMER_REAL)[1] == 300, "the kernel itself repeats it"
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_an_alarm_that_comes_as_it_ends_is_not_set_again() -> None:
    assert subprocess.run([sys.executable, "-c", ALARMED], check=False).returncode == 130


def test_a_deployment_is_left_running_also_where_the_first_interrupt_was_dropped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    session = Session(Path("none.yaml"), None, as_json=False, quiet=True)
    with pytest.raises(typer.Exit), insistent_interrupts(0.05), _left_running(session, "pis"):
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        time.sleep(PATIENCE_S)
    assert "left running" in capsys.readouterr().err
