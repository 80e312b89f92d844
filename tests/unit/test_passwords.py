"""Addresses as they may be shown."""

import json
from pathlib import Path

import pytest

from actorrec.config import load_config
from actorrec.errors import ConfigError
from actorrec.inference.settings_file import check_settings_file
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mqtt: {password: 'hunter2\n", "found unexpected end of stream (line 2, column 1)"),
        ("mqtt:\n  password: *hunter2\n", "found undefined alias '…' (line 2, column 13)"),
        ("mqtt:\n  password: !hunter2 x\n", "could not determine a constructor for the tag '…' (line 2, column 13)"),
        ("mqtt:\n  password: hunter2: hunter2\n", "mapping values are not allowed here (line 2, column 20)"),
    ],
    ids=["quote", "alias", "tag", "colon"],
)
def test_a_broken_file_of_settings_tells_no_piece_of_itself(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        check_settings_file(path)
        load_config(path)
    assert refused.value.in_full.endswith(f"is not YAML: {said}")
