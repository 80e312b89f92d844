"""A loop that is asked to end while the program is still being loaded ends well."""

import signal
import subprocess
import sys

import pytest

from own_environ import own_environ

PROGRAM = """
import sys, time

class Loading:
    def find_spec(self, name, *_):
        if name == "typer":
            print("loading", flush=True)
            while True:  # a signal that comes just before a call that waits is seen after it
                time.sleep(0.05)

sys.meta_path.insert(0, Loading())
from actorrec.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("arguments", "number", "code", "said"),
    [
        (["infer", "--camera", "0", "--loop"], signal.SIGTERM, 0, ""),
        (["infer", "--camera", "0", "--loop"], signal.SIGINT, 0, ""),
        (["infer", "door.jpg"], signal.SIGTERM, -signal.SIGTERM, ""),
        (["infer", "door.jpg"], signal.SIGINT, 130, "stopped\n"),
    ],
)
def test_an_early_end(arguments: list[str], number: signal.Signals, code: int, said: str) -> None:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    with subprocess.Popen(
        command, env=own_environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "loading\n"
        program.send_signal(number)
        assert program.communicate(timeout=120) == ("", said)
    assert program.returncode == code
