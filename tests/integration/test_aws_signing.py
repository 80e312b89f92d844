"""A Ctrl-C while a request to AWS is signed is one, also where ``awscrt`` is installed."""

import subprocess
import sys

import pytest

pytest.importorskip("boto3")

from own_environ import own_environ
from s3_servers import FAKE_KEYS

INTERRUPTED = """
import io, signal, traceback
from actorrec.aws.session import AwsSession
from actorrec.sections import AwsSection

class Body(io.BytesIO):
    def read(self, *size):
        signal.raise_signal(signal.SIGINT)
        return super().read(*size)

    def readinto1(self, room):
        signal.raise_signal(signal.SIGINT)
        return super().readinto1(room)

client = AwsSession(AwsSection(region="eu-west-1", endpoint_url="http://127.0.0.1:9", attempts=1)).client("s3")
try:
    client.put_object(Bucket="bucket", Key="key", Body=Body(b"body"))
except KeyboardInterrupt as error:
    print(*(frame.name for frame in traceback.extract_tb(error.__traceback__)))
"""


def test_an_interrupt_while_a_request_is_signed_is_raised_and_nothing_is_printed() -> None:
    environ = {**own_environ("AWS_"), **FAKE_KEYS}
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], env=environ, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.stderr == ""
    assert "add_auth" in done.stdout.split()
