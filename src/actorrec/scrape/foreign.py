"""Answers whose shape others define, and may change any day."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from actorrec.errors import SourceError


class Foreign(BaseModel):
    """Base of shapes that others define: keys we do not read are ignored, those we read are checked."""

    model_config = ConfigDict(extra="ignore", frozen=True)


Shape = TypeVar("Shape", bound=Foreign)


def parse_json(source: str, body: bytes, shape: type[Shape], alternatives: str) -> Shape:
    """Check an answer against its shape.

    Args:
        alternatives: What else would serve, for the error's hint.

    Raises:
        SourceError: With the path of the field that is gone or of another type; deep nesting, numbers that are none
            and broken text end here too.
    """
    if not body.strip():
        raise SourceError(source, "the answer is empty", alternatives=alternatives)
    try:
        return shape.model_validate_json(body.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        raise SourceError(source, _shape_error(error), alternatives=alternatives) from None


def gone(field: str) -> str:
    """What is said of a field that an answer lacks."""
    return f"the field '{field}' is gone from the answer; the site has changed"


def _shape_error(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    field, said = ".".join(str(part) for part in first["loc"]), first["msg"]
    if first["type"] == "missing":
        return gone(field)
    if first["type"] == "json_invalid":
        return f"the answer is not JSON ({said.removeprefix('Invalid JSON: ')})"
    if field:
        return f"the field '{field}' is not what it was: {said[0].lower()}{said[1:]}"
    return f"the answer has another shape: {said[0].lower()}{said[1:]}"
