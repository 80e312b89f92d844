"""Requests against botocore's own service model, as strictly as the service would: enums, patterns and lengths too."""

import re
from collections.abc import Iterator
from typing import Any, Final

_CLASSES: Final = {
    r"\p{Upper}": "A-Z", r"\p{Digit}": "0-9", r"\p{Alnum}": "a-zA-Z0-9", r"\p{Graph}": "!-~",
    r"\p{C}": r"\x00-\x1f\x7f",
}  # fmt: skip


def faults(shape: Any, value: Any, where: str = "") -> Iterator[str]:
    """What is wrong with a value of a shape; nothing where it is right."""
    match shape.type_name:
        case "structure":
            yield from (f"{where}.{name} is missing" for name in shape.required_members if name not in value)
            yield from (f"{where}.{name} is not known" for name in value if name not in shape.members)
            for name in value.keys() & shape.members.keys():
                yield from faults(shape.members[name], value[name], f"{where}.{name}")
        case "list":
            yield from _length(len(value), shape.metadata, where)
            for number, member in enumerate(value):
                yield from faults(shape.member, member, f"{where}[{number}]")
        case "map":
            yield from _length(len(value), shape.metadata, where)
            for key, member in value.items():
                yield from faults(shape.key, key, f"{where} key {key!r}")
                yield from faults(shape.value, member, f"{where}[{key!r}]")
        case "string":
            yield from _text(shape.metadata, value, where)
        case "integer" | "long" | "float" | "double":
            yield from _length(value, shape.metadata, where)


def _text(limits: dict[str, Any], value: str, where: str) -> Iterator[str]:
    yield from _length(len(value), limits, where)
    if limits.get("enum") and value not in limits["enum"]:
        yield f"{where}: {value!r} is none of {limits['enum']}"
    if limits.get("pattern") and not re.fullmatch(_as_python(limits["pattern"]), value):
        yield f"{where}: {value!r} does not match {limits['pattern']}"


def _length(size: float, limits: dict[str, Any], where: str) -> Iterator[str]:
    if size < limits.get("min", size) or size > limits.get("max", size):
        yield f"{where}: {size} is not within {limits.get('min')} and {limits.get('max')}"


def _as_python(pattern: str) -> str:
    """The service's patterns are Java's; Python's have no \\p classes."""
    plain = pattern.replace(r"\p{L}\p{M}\p{Z}\p{N}\p{P}", r"\w\W").replace(r"\p{L}\p{Z}\p{N}", r"\w\s")
    for java, python in _CLASSES.items():
        plain = plain.replace(java, python)
    return plain


def recorded(client: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every request that the client makes from now on: operation and parameters."""
    requests: list[tuple[str, dict[str, Any]]] = []

    def record(params: dict[str, Any], model: Any, **_: object) -> None:
        requests.append((model.name, dict(params)))

    client.meta.events.register_last("before-parameter-build.s3", record)
    return requests


def assert_valid(client: Any, requests: list[tuple[str, dict[str, Any]]]) -> None:
    """Every recorded request is one that the service model allows."""
    for operation, parameters in requests:
        shape = client.meta.service_model.operation_model(operation).input_shape
        wrong = list(faults(shape, parameters, operation))
        assert not wrong, wrong
