"""botocore's models of services, read once for all tests: the same files over and over are a second of every ten."""

import importlib.util
from collections.abc import Iterator
from functools import cache

import pytest


@pytest.fixture(autouse=True, scope="session")
def shared_models() -> Iterator[None]:
    """Every new session of botocore in this process takes its models from one loader, which keeps what it read."""
    if importlib.util.find_spec("botocore") is None:
        yield
        return
    from botocore import session

    own = session.create_loader
    session.create_loader = cache(own)
    yield
    session.create_loader = own
