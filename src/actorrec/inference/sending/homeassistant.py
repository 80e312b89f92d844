"""What Home Assistant is told, so that a device and what it says appear there by themselves.

One retained message announces the device with all its entities: device-based MQTT discovery, of Home Assistant 2024.12
and newer (https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload). The entities read the events that
are published anyway. Names of people are only ever data of those; the device's name stands in templates in a form in
which it can be nothing but text.
"""

import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final

from actorrec import __version__
from actorrec.manifests.events import HEALTH_SUBTOPIC
from actorrec.sections import MqttSection

AVAILABILITY_SUBTOPIC: Final = "availability"
ONLINE: Final = b"online"
OFFLINE: Final = b"offline"
_MAX_ID: Final = 64
_MAX_STATE: Final = 250  # characters: Home Assistant keeps 255
_SPARE_S: Final = 30.0
_Entity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Announced:
    """What is announced.

    Attributes:
        topic: Of detections; health is below it.
        device: Its name, as in its events.
        model_id: What it runs.
        heartbeat_s: Within which a detection comes even where nothing changes; None where none is promised, as of
            folders of pictures.
        health_s: Within which health comes.
    """

    topic: str
    device: str
    model_id: str
    heartbeat_s: float | None
    health_s: float


def availability_topic(topic: str, device: str) -> str:
    """Where ``ONLINE`` is published, retained, and ``OFFLINE`` as the will: of this device alone, as others may share
    the topic."""
    return f"{topic}/{AVAILABILITY_SUBTOPIC}/{_object_id(device)}"


def discovery_message(settings: MqttSection, announced: Announced) -> tuple[str, bytes]:
    """The announcement, to be published retained: topic and payload."""
    payload = {
        "device": {
            "identifiers": [_object_id(announced.device)],
            "name": announced.device,
            "manufacturer": "actorrec",
            "model": announced.model_id,
            "sw_version": __version__,
        },
        "origin": {"name": "actorrec", "sw_version": __version__},
        "availability_topic": availability_topic(announced.topic, announced.device),
        "payload_available": ONLINE.decode(),
        "payload_not_available": OFFLINE.decode(),
        "qos": 1,
        "components": _entities(announced),
    }
    return _config_topic(settings, announced.device), json.dumps(payload).encode()


def _config_topic(settings: MqttSection, device: str) -> str:
    return f"{settings.discovery_prefix}/device/{_object_id(device)}/config"


def _object_id(device: str) -> str:
    """Letters, digits, ``_`` and ``-``, as topics of announcements may have; never the same for two devices."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", device)[:_MAX_ID]
    if plain == device:
        return f"actorrec-{plain}"
    return f"actorrec-{plain}-{hashlib.sha256(device.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _entities(announced: Announced) -> dict[str, _Entity]:
    seen = _in_view(announced)
    health = _of_health(announced)
    found: dict[str, _Entity] = {}
    for key, entity in (seen | health).items():
        found[key] = entity | {"unique_id": f"{_object_id(announced.device)}_{key}"}
    return found


def _in_view(announced: Announced) -> dict[str, _Entity]:
    """Who is there, from detections; an answer to somebody's request and a failed look say nothing of that."""
    ours = f"{_ours(announced.device, 'detection')} and value_json.reason != 'request' and not value_json.error"
    names = "value_json.faces|map(attribute='name')|select('string')|unique(true)|join(', ')"
    who = f"(({names})[:{_MAX_STATE}]) or ('somebody' if value_json.faces else 'nobody')"
    count = "value_json.faces|count + value_json.left_out|default(0)"
    strangers = "value_json.faces|selectattr('decided', 'ne', false)|rejectattr('person_id')|list"
    common = {"state_topic": announced.topic} | _expiry(announced.heartbeat_s)
    return {
        "who": common | _text("In view", ours, who) | {"icon": "mdi:account-eye"},
        "faces": common | _number("Faces", ours, count) | {"icon": "mdi:face-recognition"},
        "stranger": common | _yes_or_no("Somebody unknown", ours, strangers) | {"icon": "mdi:account-question"},
    }


def _of_health(announced: Announced) -> dict[str, _Entity]:
    ours = _ours(announced.device, "health")
    first_trouble = f"(value_json.trouble[0][:{_MAX_STATE}]) if value_json.trouble else 'none'"
    common: _Entity = {"state_topic": f"{announced.topic}/{HEALTH_SUBTOPIC}", "entity_category": "diagnostic"}
    common |= _expiry(announced.health_s)
    rate = "value_json.camera.fps if value_json.camera else none"
    return {
        "problem": common | _yes_or_no("Problem", ours, "value_json.trouble") | {"device_class": "problem"},
        "trouble": common | _text("Trouble", ours, first_trouble),
        "fps": common | _number("Frames a second", ours, rate) | {"unit_of_measurement": "fps"},
        "frame_ms": common
        | _number("Time for a frame", ours, "value_json.ms_p50")
        | {"device_class": "duration", "unit_of_measurement": "ms"},
        "temperature": common
        | _number("Temperature", ours, "value_json.temperature_c")
        | {"device_class": "temperature", "unit_of_measurement": "°C"},
    }


def _text(name: str, condition: str, value: str) -> _Entity:
    # An empty text would become the state: what is not meant for the entity leaves it as it is.
    template = f"{{% if {condition} %}}{{{{ {value} }}}}{{% else %}}{{{{ this.state }}}}{{% endif %}}"
    return {"platform": "sensor", "name": name, "value_template": template}


def _number(name: str, condition: str, value: str) -> _Entity:
    # A number that is missing is rendered as None, which Home Assistant takes for "unknown"; nothing leaves it.
    template = f"{{% if {condition} %}}{{{{ {value} }}}}{{% endif %}}"
    return {"platform": "sensor", "name": name, "state_class": "measurement", "value_template": template}


def _yes_or_no(name: str, condition: str, items: str) -> _Entity:
    template = f"{{% if {condition} %}}{{{{ 'ON' if {items} else 'OFF' }}}}{{% endif %}}"
    return {"platform": "binary_sensor", "name": name, "value_template": template}


def _expiry(interval_s: float | None) -> _Entity:
    """After two messages that did not come, a state is no longer known."""
    return {} if interval_s is None else {"expire_after": math.ceil(2 * interval_s + _SPARE_S)}


def _ours(device: str, kind: str) -> str:
    """Whether it is an event of this device; others may publish to the same topic, and anything."""
    ours = f"value_json is mapping and value_json.get('device') == {_literal(device)}"
    return f"{ours} and value_json.get('event') == '{kind}'"


def _literal(text: str) -> str:
    """A text of a template in which nothing stands as it is that could end it or mean more."""
    escaped = (c if c.isascii() and (c.isalnum() or c in "_-.:") else f"\\U{ord(c):08x}" for c in text)
    return f'"{"".join(escaped)}"'
