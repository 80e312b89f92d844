"""Addresses as they may be shown."""

import json

import pytest

from actorrec.passwords import shown_value, without_passwords


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("rtsp://u:pw@h:554/live", "rtsp://…@h:554/live"),
        ("rtsp://u:p@w/p@h/live", "rtsp://…@h/live"),
        ("http://h/user=admin&password=pw/x?token=pw&n=pw", "http://h/user=…&password=…/x?token=…&n=…"),
        ("camera.source: rtsp://u:pw@h/ and https://u:pw@g", "camera.source: rtsp://…@h/ and https://…@g"),
        ("mqtts://broker.lan:8883/", "mqtts://broker.lan:8883/"),
        ("user@host a=b :// x://", "user@host a=b :// x://"),
    ],
)
def test_what_opens_a_door_is_left_out(given: str, shown: str) -> None:
    assert without_passwords(given) == shown
    assert without_passwords(shown) == shown


def test_json_stays_json_whatever_the_password_holds() -> None:
    given = {"Camera": 'rtsp://u:"p\\w"@h/x', "list": [1, None, "http://u:pw@h"]}
    shown = {"Camera": "rtsp://…@h/x", "list": [1, None, "http://…@h"]}
    assert shown_value(given) == shown
    assert json.loads(without_passwords(json.dumps(given))) == shown
