"""Fixtures that every test may use; being here also makes the modules beside this file importable."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from actorrec.types import UInt8Image
from aws_models import shared_models
from aws_requests import valid_requests
from real_faces import data_dir
from s3_servers import aws_keys, moto_url

__all__ = ["aws_keys", "moto_url", "shared_models", "valid_requests"]

os.environ["ACTORREC_SYSTEM_CONFIG"] = ""  # what this machine is set up to look at is none of the tests' business
# No search for pydantic's plugins among all that is installed, each time a program of the tests starts.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

# A shell that runs the tests in the background (`make test &`, nohup) ignores Ctrl-C for them, and so for the programs
# that they start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real photos that ACTORREC_TEST_DATA names; skips without it."""
    return data_dir()


@pytest.fixture
def gradient() -> UInt8Image:
    """A picture of 40 × 24 px that is different in every corner, soft enough for any codec."""
    x, y = np.meshgrid(np.linspace(0, 255, 40), np.linspace(0, 255, 24))
    return np.stack([x, y, 255 - x / 2 - y / 2], axis=2).astype(np.uint8)
