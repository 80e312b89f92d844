"""The configuration of the component as a device has it: from the cloud, so nothing in it is believed unchecked."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError

from actorrec.manifests.base import Record, RelativeName

_NOT_OURS: Final = frozenset({"accessControl"})
_SECRET: Final = frozenset({"Camera"})  # an address may hold a password
# AWS IoT takes 256 bytes and seven slashes; health adds some of both.
_LONGEST_TOPIC: Final = 249
_TOPIC: Final = re.compile(r"[0-9A-Za-z_.-]+(/[0-9A-Za-z_.-]+){0,6}")


def _number(value: object) -> object:
    """Numbers, and texts that are numbers: AWS's own components write "3600"."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("it must be a number of seconds")
    return value


def _absolute(path: str) -> str:
    if path and (not Path(path).is_absolute() or not path.isprintable()):
        raise ValueError("it must be a whole path, from / on")
    return path


def _plain(name: str) -> str:
    if not name.isprintable():
        raise ValueError("it must be a plain file name")
    return name


def _topic(topic: str) -> str:
    if len(topic) > _LONGEST_TOPIC or not _TOPIC.fullmatch(topic):
        raise ValueError(
            f"it must be a topic: letters, digits, _ . - and at most six / between them, {_LONGEST_TOPIC} in all"
        )
    return topic


def _switch(value: object) -> object:
    """Texts, as in AWS's own components, and what a device makes of them."""
    return str(value).lower() if isinstance(value, bool | str) else value


def _as_text(value: object) -> object:
    """A camera's number may come back as one."""
    return str(value) if type(value) is int else value


def _camera(camera: str) -> str:
    if not _CAMERA.fullmatch(camera):
        raise ValueError("it must be a number, rpicam, an address (rtsp, rtsps, http, https), or a whole path")
    return camera


_CAMERA: Final = re.compile(r"\d{1,3}|rpicam(:\d)?|(rtsps?|https?)://[!-~]+|/[ -~]+")
_Interval = Annotated[float, BeforeValidator(_number)]


class ComponentSettings(Record):
    """What a device is told, by the names that AWS's own inference components use where they have one.

    Attributes:
        image_name: A picture, inside ``image_directory``.
        image_directory: Folder; empty for that of the program's own sample.
        inference_interval_s: From one look to the next.
        topic: Of detections.
        health_interval_s: From one health event to the next.
        shadow: ``previous``: the bundle that ran before runs beside the live one, and their differences are counted.
        use_camera: Whether a camera is looked through instead of at pictures.
        camera: Which one.
        heartbeat_interval_s: From one detection to the next while nothing changes before a camera.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    image_name: Annotated[RelativeName, AfterValidator(_plain)] | Literal[""] = Field(
        default="", alias="ImageName", max_length=255
    )
    image_directory: Annotated[str, AfterValidator(_absolute)] = Field(
        default="", alias="ImageDirectory", max_length=4096
    )
    inference_interval_s: _Interval = Field(default=10.0, alias="InferenceInterval", ge=0.1, le=86400)
    topic: Annotated[str, AfterValidator(_topic)] = Field(
        default="ml/tflite/image-classification", alias="PublishResultsOnTopic"
    )
    health_interval_s: _Interval = Field(default=60.0, alias="HealthInterval", ge=1, le=86400)
    shadow: Literal["off", "previous"] = Field(default="off", alias="Shadow")
    use_camera: Annotated[Literal["true", "false"], BeforeValidator(_switch)] = Field(
        default="false", alias="UseCamera"
    )
    camera: Annotated[str, BeforeValidator(_as_text), AfterValidator(_camera)] = Field(
        default="0", alias="Camera", max_length=1024
    )
    heartbeat_interval_s: _Interval = Field(default=60.0, alias="HeartbeatInterval", ge=1, le=86400)


def with_changes(base: ComponentSettings, given: object) -> tuple[ComponentSettings, tuple[str, ...]]:
    """Settings with what a configuration says on top; a key that cannot be used leaves the setting as it was.

    Args:
        base: What holds where nothing is said.
        given: The configuration, of any shape.

    Returns:
        The settings, and one line for each key that was not used.
    """
    if not isinstance(given, Mapping):
        return base, ("the configuration is not a set of keys",)
    values = base.model_dump(by_alias=True)
    refused: list[str] = []
    for key, value in given.items():
        if key in _NOT_OURS:
            continue
        if key not in values:
            refused.append(f"there is no key {_shown(key)}")
            continue
        try:
            ComponentSettings.model_validate(values | {key: value})
        except ValidationError as error:
            what = "what is set" if key in _SECRET else _shown(value)
            refused.append(f"{key} cannot be {what}: {_reason(error)}")
        else:
            values[key] = value
    return ComponentSettings.model_validate(values), tuple(refused)


def _reason(error: ValidationError) -> str:
    """One reason in words, without the value."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return str(first["msg"]).removeprefix("Value error, ")


def _shown(value: Any) -> str:
    """A value that nobody vouches for, short and without anything that could move a cursor."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "…"
