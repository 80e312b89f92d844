"""What the settings say of places that events go to, and of requests that come from there."""

from pathlib import Path

import pytest

from actorrec.cli.loop_options import LoopOptions
from actorrec.cli.loop_places import plan_by_hand
from actorrec.cli.loop_senders import LoopSenders
from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.inference.troubles import Troubles
from actorrec.sections import MqttSection


def test_requests_without_a_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    options, config = LoopOptions(sources=("a.jpg",)), Config(mqtt=MqttSection(requests=True))
    senders = LoopSenders(options, config, Troubles([].append), None)
    with pytest.raises(ConfigError) as refused:
        senders.publishers(plan_by_hand(options, config), "a-model")
    assert refused.value.hint == "set mqtt.request_directory"
