"""What a device looks at, what it says, and to whom."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, SecretStr

from actorrec.sections.base import Section


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_TYPED_AS_NUMBER: Final = BeforeValidator(_as_text)
"""In a file, ``0`` and ``5`` without quotes are numbers. A password is not read so: ``0123`` would be another."""


class CameraSection(Section):
    """What ``infer --loop`` looks at where it is a camera.

    ``source`` is a number (a camera of V4L2), ``rpicam``, an address (rtsp, rtsps, http, https), a film or a picture.
    Size and rate are asked of the camera, which may give others; frames come to the loop at ``fps`` at most.
    """

    source: Annotated[str, _TYPED_AS_NUMBER] = Field(default="", max_length=4096)
    width_px: int = Field(default=1280, ge=64, le=7680)
    height_px: int = Field(default=720, ge=48, le=4320)
    fps: float = Field(default=10.0, gt=0, le=120)
    timeout_s: float = Field(default=10.0, ge=1, le=300)  # without a frame for so long, a camera is opened anew
    max_wait_s: float = Field(default=60.0, ge=1, le=3600)  # the longest pause between two tries to open it


class TrackingSection(Section):
    """How faces are followed and when a name is decided.

    Faces are searched for every ``detect_every_s``, sooner where something moves that is no known face, half as often
    where only decided faces move, and followed between. ``decide_looks`` are the looks at one face (each embeds it
    once) that a decision takes, ``look_again_s`` the time to the next look at a face that is decided. ``sure`` is the
    confidence from which a face gets a name: more than a photo takes, since the name stands for as long as the face is
    in view.
    """

    detect_every_s: float = Field(default=1.0, ge=0, le=60)
    decide_looks: int = Field(default=3, ge=1, le=50)
    sure: float = Field(default=0.97, gt=0.5, lt=1)
    look_again_s: float = Field(default=2.0, ge=0, le=600)
    forget_s: float = Field(default=2.0, ge=0, le=60)  # a face that is not seen for so long has left


class EventsSection(Section):
    """What is said of a camera's frames, and how often.

    A detection is said when who is in view changes, and every ``heartbeat_s``; ``max_per_s`` bounds it. ``include``
    adds pictures of faces or their embeddings, which are personal data, to what leaves the device.
    """

    heartbeat_s: float = Field(default=60.0, ge=1, le=86400)
    max_per_s: float = Field(default=2.0, gt=0, le=100)
    include: tuple[Literal["crops", "embeddings"], ...] = ()
    jsonl: Path | None = None
    jsonl_max_bytes: int = Field(default=64 * 2**20, ge=2**16)  # then the file before it is replaced by it


class MqttSection(Section):
    """A broker that results go to. ``url`` is ``mqtts://host`` or ``mqtt://host``, with a port where it is another.

    The topic is ``cloud.results_topic``. ``requests`` lets others name pictures below ``request_directory`` on
    ``TOPIC/request``. ``home_assistant`` announces the device to Home Assistant.
    """

    url: str = Field(
        default="", examples=["mqtts://broker.lan"], pattern=r"^(mqtts?://[A-Za-z0-9.\-_\[\]:]{1,255}(:\d{1,5})?/?)?$"
    )
    username: str = Field(default="", max_length=1024)
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    client_id: str = Field(default="", max_length=128)
    protocol: Annotated[Literal["auto", "5", "3.1.1"], _TYPED_AS_NUMBER] = "auto"
    keepalive_s: int = Field(default=30, ge=5, le=3600)
    timeout_s: float = Field(default=10.0, ge=1, le=300)
    max_message_bytes: int = Field(default=128 * 1024, ge=1024, le=2**20)
    home_assistant: bool = False
    discovery_prefix: str = Field(
        default="homeassistant", pattern=r"^[0-9A-Za-z_.-]+(/[0-9A-Za-z_.-]+)*$", max_length=249
    )
    requests: bool = False
    request_directory: Path | None = None


class SpoolSection(Section):
    """Where results wait while they cannot be sent. ``folder`` is the device's state folder by default."""

    folder: Path | None = None
    max_messages: int = Field(default=20_000, ge=10, le=10_000_000)
    max_bytes: int = Field(default=64 * 2**20, ge=2**16, le=2**34)


class PreviewSection(Section):
    """The live page (``infer --loop --preview``), on this machine alone. Port 0 takes a free one."""

    port: int = Field(default=0, ge=0, le=65535)
    fps: float = Field(default=5.0, gt=0, le=30)
