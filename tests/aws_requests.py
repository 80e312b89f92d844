"""Every request to AWS that the tests' own process makes is held against the service's model, patterns included."""

import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest

from aws_shapes import faults


class InvalidRequestError(AssertionError):
    """A request that the service would refuse, whatever moto says to it."""


def _check(params: dict[str, Any], model: Any, **_: object) -> None:
    given = {name: value for name, value in params.items() if name != "Body"}  # a stream has no length to look at
    shape = model.input_shape
    wrong = [] if shape is None else list(faults(shape, given, model.name))
    wrong = [fault for fault in wrong if fault != f"{model.name}.Body is missing"]
    if wrong:
        raise InvalidRequestError(f"{model.service_model.service_name}: {'; '.join(wrong)}")


@pytest.fixture(autouse=True, scope="session")
def valid_requests() -> Iterator[None]:
    """Hook into botocore's own list of what every new client listens to."""
    if importlib.util.find_spec("botocore") is None:
        yield
        return
    from botocore import handlers

    hook = ("provide-client-params", _check)
    handlers.BUILTIN_HANDLERS.append(hook)
    yield
    handlers.BUILTIN_HANDLERS.remove(hook)
