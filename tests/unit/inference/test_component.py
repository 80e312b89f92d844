"""From configurations to plans: defaults key by key at the start, all or nothing afterwards."""

import json
from pathlib import Path
from typing import Any

import pytest

from actorrec.errors import ConfigError, RemoteError
from actorrec.inference.component import CommandLine, ComponentPlan, configured_sources, read_defaults
from actorrec.inference.plan import LoopPlan
from actorrec.inference.troubles import Troubles
from actorrec.manifests.component_settings import ComponentSettings
from actorrec.sections import Config

DEFAULTS = ComponentSettings(InferenceInterval=3.0, PublishResultsOnTopic="a/b")
PROGRAM = Path("/program")


class Nucleus:
    """Says the configuration that a test gives it, or fails."""

    def __init__(self, given: Any) -> None:
        self.given = given
        self.failing = False

    def configuration(self) -> object:
        if self.failing:
            raise RemoteError("no connection")
        return self.given


def planned(nucleus: Nucleus | None, given: CommandLine | None = None) -> tuple[ComponentPlan, list[str]]:
    said: list[str] = []
    return ComponentPlan(DEFAULTS, PROGRAM, nucleus, given or CommandLine(), Config(), Troubles(said.append)), said


def test_without_a_nucleus_the_defaults_go() -> None:
    component, said = planned(None)
    plan = component.first()
    assert plan == LoopPlan(("/program/sample.jpg",), 3.0, 60.0, "a/b", shadow=False)
    assert component.newer(plan) is plan
    assert said == []


def test_the_command_line_goes_before_the_configuration() -> None:
    component, _ = planned(
        Nucleus({"InferenceInterval": "9", "ImageDirectory": "/d"}), CommandLine(("x.jpg",), interval_s=0.5)
    )
    plan = component.first()
    assert (plan.sources, plan.interval_s) == (("x.jpg",), 0.5)
    camera = Nucleus({"UseCamera": "true", "Camera": "3", "HeartbeatInterval": "7"})
    assert planned(camera, CommandLine(("x.jpg",)))[0].first().camera.source == ""
    plan = planned(camera)[0].first()
    assert (plan.sources, plan.camera.source, plan.events.heartbeat_s) == ((), "3", 7.0)
    assert planned(camera, CommandLine(camera="4"))[0].first().camera.source == "4"


def test_at_the_start_a_wrong_key_has_its_default_and_is_told() -> None:
    component, said = planned(Nucleus({"InferenceInterval": "soon", "Shadow": "previous", "Colour": 1}))
    assert component.first() == LoopPlan(("/program/sample.jpg",), 3.0, 60.0, "a/b", shadow=True)
    (line,) = component.troubles.lines
    assert said == [line]
    assert "InferenceInterval" in line
    assert "'Colour'" in line


def test_an_update_with_anything_wrong_in_it_changes_nothing_until_it_is_right() -> None:
    nucleus = Nucleus({"InferenceInterval": "5"})
    component, said = planned(nucleus)
    plan = component.first()
    nucleus.given = {"InferenceInterval": "6", "Shadow": "perhaps"}
    assert component.newer(plan) is plan
    assert component.newer(plan) is plan
    assert len(said) == len(component.troubles.lines) == 1
    assert "Shadow" in said[0]
    assert "nothing is changed" in said[0]
    nucleus.given = {"InferenceInterval": "6", "Shadow": "previous"}
    newer = component.newer(plan)
    assert (newer.interval_s, newer.shadow) == (6.0, True)
    assert component.troubles.lines == []


def test_a_refused_update_that_is_taken_back_is_no_trouble_any_more() -> None:
    nucleus = Nucleus({"InferenceInterval": "5"})
    component, _ = planned(nucleus)
    plan = component.first()
    nucleus.given = {"InferenceInterval": "never"}
    assert component.newer(plan) is plan
    nucleus.given = {"InferenceInterval": "5"}
    assert component.newer(plan) == plan
    assert component.troubles.lines == []


def test_a_nucleus_that_does_not_answer_changes_nothing_and_is_asked_again() -> None:
    nucleus = Nucleus({"InferenceInterval": "5"})
    nucleus.failing = True
    component, said = planned(nucleus)
    plan = component.first()
    assert plan.interval_s == 3.0
    assert component.newer(plan) is plan
    assert len(said) == 1
    nucleus.failing = False
    assert component.newer(plan).interval_s == 5.0
    assert component.troubles.lines == []


@pytest.mark.parametrize(
    "camera", ["/etc", "/tmp/door.jpg", "rtsp://[", "http://host:99999/", "http://@", "\u0663", "/a: b"], ids=ascii
)
def test_a_camera_that_none_can_be_made_of_ends_nothing(camera: str) -> None:
    nucleus = Nucleus({"InferenceInterval": "5"})
    component, _ = planned(nucleus)
    plan = component.first()
    nucleus.given = {"UseCamera": "true", "Camera": camera}
    assert component.newer(plan) is plan
    (line,) = component.troubles.lines
    assert "Camera" in line
    assert line.endswith("nothing is changed")
    at_start, _ = planned(nucleus)
    assert at_start.first().camera.source == "0"
    assert at_start.troubles.lines[0].endswith("the default goes instead")


def test_an_update_after_which_there_is_nothing_to_look_at_changes_nothing() -> None:
    nucleus = Nucleus({"ImageDirectory": "/d"})
    component = ComponentPlan(DEFAULTS, None, nucleus, CommandLine(), Config(), Troubles(lambda _: None))
    plan = component.first()
    nucleus.given = {}
    assert component.newer(plan) is plan
    assert "no picture to look at is configured; nothing is changed" in component.troubles.lines[0]


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ({}, "/program/sample.jpg"),
        ({"ImageName": "a/b.jpg"}, "/program/a/b.jpg"),
        ({"ImageDirectory": "/pictures"}, "/pictures"),
        ({"ImageDirectory": "/pictures", "ImageName": "door.jpg"}, "/pictures/door.jpg"),
    ],
)
def test_what_is_looked_at(given: dict[str, str], source: str) -> None:
    assert configured_sources(ComponentSettings(**given), PROGRAM) == (source,)


def test_a_program_without_a_sample_must_be_told_what_to_look_at() -> None:
    with pytest.raises(ConfigError, match="no picture to look at"):
        configured_sources(ComponentSettings(), None)
    assert configured_sources(ComponentSettings(ImageDirectory="/d"), None) == ("/d",)


def test_defaults_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "component.json"
    path.write_text(json.dumps({"InferenceInterval": "7", "accessControl": {}}))
    troubles = Troubles(lambda _: None)
    assert read_defaults(path, troubles) == ComponentSettings(InferenceInterval=7.0)
    assert troubles.lines == []


@pytest.mark.parametrize("content", ['{"Colour": 1, "InferenceInterval": "7"}', "[]", "null"])
def test_what_cannot_be_a_default_is_told_and_left_out(tmp_path: Path, content: str) -> None:
    path = tmp_path / "component.json"
    path.write_text(content)
    troubles = Troubles(lambda _: None)
    expected = ComponentSettings(InferenceInterval=7.0) if "7" in content else ComponentSettings()
    assert read_defaults(path, troubles) == expected
    assert len(troubles.lines) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b" " * 2_000_000])
def test_defaults_that_are_not_json_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "component.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"component\.json"):
        read_defaults(path, Troubles(print))
    with pytest.raises(ConfigError, match="cannot read the defaults"):
        read_defaults(tmp_path / "missing.json", Troubles(print))
