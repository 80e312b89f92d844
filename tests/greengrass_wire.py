"""REST-JSON as the service model says it: which operation a request is, what it carries, and how errors are told."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from aws_shapes import faults
from job_logs import RefusalError
from sites.server import Asked, Reply, as_json

_SCOPE: Final = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_MODELS: Final = {"greengrass": "greengrassv2", "iot": "iot"}


@dataclass(frozen=True, slots=True)
class Call:
    """A request, understood.

    Attributes:
        service: ``greengrassv2`` or ``iot``.
        operation: As the service names it.
        given: Its members by name, blobs as bytes.
    """

    service: str
    operation: str
    region: str
    given: dict[str, Any]


@cache
def service_model(service: str) -> Any:
    """botocore's model."""
    import botocore.session

    return botocore.session.get_session().get_service_model(service)


@cache
def _routes(service: str) -> tuple[tuple[str, re.Pattern[str], Any], ...]:
    model = service_model(service)
    operations = [model.operation_model(name) for name in model.operation_names]
    found = [(each.http["method"], _path(each.http["requestUri"]), each) for each in operations]
    return tuple(sorted(found, key=lambda route: route[1].pattern.count("(?P")))  # plain words before variables


def _path(uri: str) -> re.Pattern[str]:
    plain = uri.partition("?")[0]
    parts = re.split(r"(\{[^}]+\})", plain)
    return re.compile("".join(_part(part) if part.startswith("{") else re.escape(part) for part in parts))


def _part(part: str) -> str:
    name = part.strip("{}")
    return f"(?P<{name[:-1]}>.+)" if name.endswith("+") else f"(?P<{name}>[^/]+)"


def understood(asked: Asked) -> Call:
    """Which call a request is, held against the model.

    Raises:
        RefusalError: For an unknown path, an unsigned request, or members that the model does not allow.
    """
    scope = _SCOPE.search(asked.headers.get("authorization", ""))
    if scope is None or scope[2] not in _MODELS:
        raise RefusalError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    service = _MODELS[scope[2]]
    for method, path, operation in _routes(service):
        if method == asked.method and (found := path.fullmatch(asked.path)):
            given = _members(operation, asked, found.groupdict())
            if wrong := list(_wrong(operation, given)):
                code = "ValidationException" if service == "greengrassv2" else "InvalidRequestException"
                raise RefusalError(code, f"{len(wrong)} validation error detected: {'; '.join(wrong)}")
            return Call(service, operation.name, scope[1], given)
    raise RefusalError("UnknownOperationException", f"{asked.method} {asked.path} is no operation of {service}", 404)


def _wrong(operation: Any, given: Mapping[str, Any]) -> Iterator[str]:
    if operation.input_shape is not None:
        yield from faults(operation.input_shape, given, operation.name)


def _members(operation: Any, asked: Asked, uri: Mapping[str, str]) -> dict[str, Any]:
    shape, given = operation.input_shape, {}
    by_place: dict[tuple[str, str], tuple[str, Any]] = {}
    for name, member in (shape.members if shape else {}).items():
        place = member.serialization.get("location", "body")
        by_place[place, member.serialization.get("name", name)] = (name, member)
    for key, text in uri.items():
        name, member = by_place["uri", key]
        given[name] = _typed(member, unquote(text))
    for key, texts in parse_qs(asked.raw_query, keep_blank_values=True).items():
        name, member = by_place.get(("querystring", key), (key, None))
        listed = member is not None and member.type_name == "list"
        given[name] = texts if listed or member is None else _typed(member, texts[-1])
    for (place, key), (name, member) in by_place.items():
        if place == "header" and key.lower() in asked.headers:
            given[name] = _typed(member, asked.headers[key.lower()])
    return given | _body(shape, asked, by_place)


def _body(shape: Any, asked: Asked, by_place: Mapping[tuple[str, str], tuple[str, Any]]) -> dict[str, Any]:
    if shape is None or not asked.body:
        return {}
    if (payload := shape.serialization.get("payload")) and shape.members[payload].type_name != "structure":
        return {payload: asked.body}
    try:
        sent = json.loads(asked.body)
    except ValueError:
        raise RefusalError("SerializationException", "the body is not JSON") from None
    if payload:
        return {payload: sent}
    found = {}
    for key, value in sent.items():
        name, member = by_place.get(("body", key), (key, None))
        found[name] = base64.b64decode(value) if member is not None and member.type_name == "blob" else value
    return found


def _typed(member: Any, text: str) -> Any:
    match member.type_name:
        case "integer" | "long":
            return int(text)
        case "boolean":
            return text == "true"
    return text


def answered(call: Call, answer: Mapping[str, Any]) -> Reply:
    """An answer, itself held against the model: a fake that says what the service cannot say misleads."""
    operation = service_model(call.service).operation_model(call.operation)
    answer = {key: value for key, value in answer.items() if value or key != "tags"}  # the model has no empty tags
    wrong = [] if operation.output_shape is None else list(faults(operation.output_shape, answer, call.operation))
    assert not wrong, wrong
    status = int(operation.http.get("responseCode", 200))
    return Reply(b"", status) if status == 204 else as_json(answer, status)


def told(error: RefusalError, call: Call | None = None) -> Reply:
    """An error, in the status that the model gives it."""
    status = error.status
    if call is not None:
        for shape in service_model(call.service).operation_model(call.operation).error_shapes:
            if shape.name == error.code:
                status = shape.metadata.get("error", {}).get("httpStatusCode", status)
    reply = as_json({"message": error.message, "Message": error.message}, status)
    return Reply(reply.body, status, reply.content_type, {"x-amzn-ErrorType": f"{error.code}:"})


def page(found: list[Any], given: Mapping[str, Any], key: str, otherwise: int = 50) -> dict[str, Any]:
    """A page of a list, and where the next begins."""
    token = given.get("nextToken", "0")
    if not token.isdigit() or int(token) > len(found):
        raise RefusalError("ValidationException", "The nextToken is not valid.")
    last = int(token) + given.get("maxResults", otherwise)
    return {key: found[int(token) : last], **({"nextToken": str(last)} if last < len(found) else {})}
