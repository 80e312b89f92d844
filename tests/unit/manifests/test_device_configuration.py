"""What the configuration of a component may say; hostile until it is checked."""

from typing import Any

import pytest

from actorrec.manifests.component_settings import ComponentSettings, with_changes

DEFAULTS = ComponentSettings()


@pytest.mark.parametrize("topic", ["a/b/c/d/e/f/g", "x" * 249])
def test_the_longest_topics_leave_room_for_health(topic: str) -> None:
    settings, refused = with_changes(DEFAULTS, {"PublishResultsOnTopic": topic})
    assert (settings.topic, refused) == (topic, ())
    _, (line,) = with_changes(DEFAULTS, {"PublishResultsOnTopic": f"{topic}/h"})
    assert "it must be a topic: letters, digits" in line


def test_nothing_said_changes_nothing() -> None:
    assert with_changes(DEFAULTS, {}) == (DEFAULTS, ())


def test_everything_said_as_aws_says_it() -> None:
    settings, refused = with_changes(
        DEFAULTS,
        {
            "accessControl": {"aws.greengrass.ipc.mqttproxy": {}},
            "ImageName": "cats/cat.jpeg",
            "ImageDirectory": "/srv/pictures",
            "InferenceInterval": "3600",
            "PublishResultsOnTopic": "our/results",
            "HealthInterval": 5,
            "Shadow": "previous",
            "UseCamera": "false",
        },
    )
    assert refused == ()
    assert settings == ComponentSettings(
        ImageName="cats/cat.jpeg",
        ImageDirectory="/srv/pictures",
        InferenceInterval=3600.0,
        PublishResultsOnTopic="our/results",
        HealthInterval=5.0,
        Shadow="previous",
        UseCamera="false",
    )


@pytest.mark.parametrize("value", ["0.1", 0.1, " 7 ", 86400, "86400.0", "1e1"])
def test_seconds_as_text_or_number(value: object) -> None:
    settings, refused = with_changes(DEFAULTS, {"InferenceInterval": value})
    assert (settings.inference_interval_s, refused) == (float(value), ())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ImageName", "../secret.jpg"),
        ("ImageName", "a/../../secret.jpg"),
        ("ImageName", "/etc/passwd"),
        ("ImageName", "a//b.jpg"),
        ("ImageName", "..\\secret.jpg"),
        ("ImageName", "a\0.jpg"),
        ("ImageName", "a\n.jpg"),
        ("ImageName", "x" * 256),
        ("ImageName", 7),
        ("ImageName", None),
        ("ImageDirectory", "relative"),
        ("ImageDirectory", "/a\0b"),
        ("ImageDirectory", "/" + "x" * 5000),
        ("ImageDirectory", ["/a"]),
        ("InferenceInterval", "0"),
        ("InferenceInterval", -1),
        ("InferenceInterval", "nan"),
        ("InferenceInterval", float("inf")),
        ("InferenceInterval", "soon"),
        ("InferenceInterval", True),
        ("InferenceInterval", {"s": 1}),
        ("InferenceInterval", "9" * 5000),
        ("HealthInterval", "0.5"),
        ("HealthInterval", 86401),
        ("PublishResultsOnTopic", ""),
        ("PublishResultsOnTopic", "a/#"),
        ("PublishResultsOnTopic", "a/+/b"),
        ("PublishResultsOnTopic", "$aws/things/x/shadow/update"),
        ("PublishResultsOnTopic", "/a"),
        ("PublishResultsOnTopic", "a b"),
        ("PublishResultsOnTopic", "a\n"),
        ("PublishResultsOnTopic", "x" * 250),
        ("PublishResultsOnTopic", "a/b/c/d/e/f/g/h"),
        ("Shadow", "on"),
        ("Shadow", True),
        ("UseCamera", "yes"),
        ("Camera", "concat:a|b"),
        ("Camera", "file:///etc/passwd"),
        ("Camera", "rtsp://a b"),
        ("Camera", "../film.mp4"),
        ("Camera", -1),
        ("Camera", True),
        ("UseCamera", 0),
        ("imagename", "a.jpg"),
        ("Extra", 1),
        ("__class__", "x"),
        ("\x1b[2J", "x"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_leaves_the_rest(key: str, value: Any) -> None:
    settings, refused = with_changes(
        DEFAULTS, {key: value, "HealthInterval" if key != "HealthInterval" else "Shadow": 9}
    )
    assert settings == (DEFAULTS if key == "HealthInterval" else DEFAULTS.model_copy(update={"health_interval_s": 9.0}))
    line = refused[0]
    assert line.isprintable()
    assert len(line) < 400
    assert key in line or ascii(key) in line


@pytest.mark.parametrize(
    "camera", ["0", "12", "rpicam", "rpicam:1", "rtsp://u:p@cam.lan:554/s?x=1", "https://cam.lan/v", "/srv/film.mp4"]
)
def test_a_camera_is_a_number_a_name_an_address_or_a_path(camera: str) -> None:
    settings, refused = with_changes(DEFAULTS, {"UseCamera": True, "Camera": camera})
    assert (settings.use_camera, settings.camera, refused) == ("true", camera, ())


def test_a_camera_s_number_may_come_back_as_one_and_a_password_is_never_told() -> None:
    assert with_changes(DEFAULTS, {"Camera": 1})[0].camera == "1"
    _, (line,) = with_changes(DEFAULTS, {"Camera": "ftp://user:hunter2@cam/"})
    assert "hunter2" not in line


@pytest.mark.parametrize("given", [None, [], "ImageName", 7, [["ImageName", "a.jpg"]]])
def test_what_is_no_set_of_keys_changes_nothing(given: object) -> None:
    assert with_changes(DEFAULTS, given) == (DEFAULTS, ("the configuration is not a set of keys",))
