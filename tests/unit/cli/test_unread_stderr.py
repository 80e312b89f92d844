"""A standard error that nobody reads."""

import os
import subprocess
import sys

from patience import PATIENCE_S

PROGRAM = """
import sys
from actorrec.cli.streams import never_wait_for_stderr
never_wait_for_stderr()
for number in range(1000):
    print(f"{number:03d}" + "é" * 200, file=sys.stderr)
print("went on", flush=True)
sys.stdin.readline()
print("read again", file=sys.stderr)
"""


def test_the_program_goes_on_and_says_how_much_was_left_out() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C"},
    ) as program:
        assert program.stdin and program.stdout and program.stderr
        assert program.stdout.readline() == b"went on\n"
        first = os.read(program.stderr.fileno(), 2**20).decode().splitlines()
        _, rest = program.communicate(b"\n", timeout=PATIENCE_S)
    assert 20 < len(first) < 1000
    assert first == [f"{number:03d}" + "é" * 200 for number in range(len(first))]
    assert rest.decode() == f"[{1000 - len(first)} lines were left out: nobody read them]\nread again\n"
    assert program.returncode == 0
