"""Health messages of programs that know more than this one."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from actorrec.manifests.events import HealthEvent, RunningModel, ShadowCount, read_health

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
EVENT = HealthEvent(
    id="1", device="pi-1", at=NOW, model=RunningModel(model_id="m", bundle="a" * 64), version="1", started_at=NOW,
    frames=3, unreadable=1, failures=0, trouble=["no room"],
    shadow=ShadowCount(bundle="b" * 64, frames=3, faces=2, disagreements=1),
)  # fmt: skip


def message(**changes: Any) -> bytes:
    return json.dumps(EVENT.model_dump(mode="json") | changes).encode()


def test_what_a_later_program_adds_is_left_alone() -> None:
    more = {"model": {"model_id": "m", "bundle": "a" * 64, "size": 4}, "mood": {"frames": [1, {"x": None}]}}
    shadow = {"bundle": "b" * 64, "frames": 3, "faces": 2, "disagreements": 1, "agreements": 1, "0": 0}
    assert read_health(message(**more, shadow=shadow)) == EVENT
    assert read_health(message()) == EVENT


@pytest.mark.parametrize(
    "body",
    [
        message(mood="good", frames=-1), message(mood="good", schema_version=2), message(shadow={"frames": 1, "x": 1}),
        message(event="detection"), b"", b"[]", b"{", b"\xff", b"[" * 9000, b'{"a":' * 9000,
        b'{"frames": 1e999, "x": NaN}',
    ],
)  # fmt: skip
def test_what_is_no_health_message_stays_none(body: bytes) -> None:
    with pytest.raises(ValidationError):
        read_health(body)
