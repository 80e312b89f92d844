"""A file of settings that changes while the loop runs: what is right in it is taken, what is wrong is told."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from actorrec.config import Config, load_config
from actorrec.errors import ConfigError
from actorrec.inference.live_settings import LIVE, NOT_OF_THE_LOOP, LiveSettings, with_live_changes
from actorrec.inference.settings_file import MAX_BYTES, check_settings_file
from actorrec.inference.troubles import Troubles
from patience import PATIENCE_S


class Watched:
    """Settings in a file, a clock that jumps from one look to the next, and what was told."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self._now_s = path, 0.0
        self.said: list[str] = []
        self.troubles = Troubles(self.said.append)
        path.write_text(text)
        first = self._load()
        self.live = LiveSettings(
            self._load, path, first, troubles=self.troubles, every_s=1.0, clock=lambda: self._now_s
        )
        assert self.settled() is None

    def write(self, text: str | bytes) -> None:
        beside = self.path.with_name("beside")
        beside.write_bytes(text.encode() if isinstance(text, str) else text)
        beside.replace(self.path)

    def settled(self) -> Config | None:
        """What comes of three looks, each of which is waited for."""
        found = None
        for _ in range(3):
            self._now_s += 1.0
            until_s = time.monotonic() + PATIENCE_S
            found = self.live.poll() or found
            while self.live.reading:
                assert time.monotonic() < until_s
                time.sleep(0.001)
            found = self.live.poll() or found
        return found

    def _load(self) -> Config:
        return load_config(self.path, environ={}, flags={"events.max_per_s": 3.0}).config


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "config.yaml", "tracking:\n  look_again_s: 5\n")


def test_what_can_be_taken_is_taken_and_flags_go_before_it(watched: Watched) -> None:
    watched.write("tracking:\n  look_again_s: 7\nevents:\n  heartbeat_s: 30\n  max_per_s: 1\n")
    config = watched.settled()
    assert config is not None
    assert (config.tracking.look_again_s, config.events.heartbeat_s, config.events.max_per_s) == (7, 30, 3)
    assert watched.settled() is None
    assert watched.troubles.lines == []


def test_what_waits_for_a_restart_is_told_until_it_is_put_back(watched: Watched) -> None:
    watched.write("camera:\n  source: '7'\n  fps: 4\nmqtt:\n  password: hush\n")
    config = watched.settled()
    assert config is not None
    assert (config.camera.fps, config.camera.source, config.tracking.look_again_s) == (4, "", 2)
    assert config.mqtt.password.get_secret_value() == ""
    assert watched.troubles.lines == ["settings that wait for a restart: camera.source, mqtt.password"]
    watched.write("camera:\n  fps: 4\n")
    assert watched.settled() is None
    assert watched.troubles.lines == []
    assert not any("hush" in line for line in watched.said)


def test_settings_of_other_stages_are_no_matter(watched: Watched) -> None:
    watched.write("tracking:\n  look_again_s: 5\ntraining:\n  epochs: 3\n")
    assert watched.settled() is None
    assert watched.troubles.lines == []


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tracking:\n  look_again_s: -1\n", "tracking.look_again_s"),
        ("tracking:\n  loook_again_s: 1\n", "did you mean 'tracking.look_again_s'"),
        ("surprise: {a: 1}\n", "unknown section 'surprise'"),
        ("tracking: [\n", "is not YAML"),
        (b"\xff\xfe\x00", "is not YAML"),
        ("[" * 5000, "too deep"),
        (bomb(), "grows with aliases"),
        ("a: &a [*a]", "did you mean|unknown section|must hold keys|aliases"),
        ("#" * (MAX_BYTES + 1), "more than 65,536 bytes"),
        ("tracking:\n  look_again_s: " + "9" * 5000 + "\n", "configuration file"),
        ("tracking:\n  look_again_s: 2024-99-99\n", "configuration file"),
        ("tracking: !!python/object/apply:os.system ['true']\n", "is not YAML"),
        ("- 1\n", "must hold sections"),
    ],
    ids=["value", "key", "section", "yaml", "utf-8", "deep", "bomb", "loop", "huge", "long", "date", "tag", "list"],
)
def test_what_is_wrong_changes_nothing_and_is_told_until_it_is_right(
    watched: Watched, text: str | bytes, said: str
) -> None:
    watched.write(text)
    assert watched.settled() is None
    (line,) = watched.troubles.lines
    assert re.search(said, line) and line.startswith("the configuration file: "), line
    watched.write("tracking:\n  look_again_s: 6\n")
    config = watched.settled()
    assert config is not None and config.tracking.look_again_s == 6
    assert watched.troubles.lines == []


def test_a_file_that_vanishes_changes_nothing_and_is_told(watched: Watched) -> None:
    watched.path.unlink()
    assert watched.settled() is None
    assert [line.split(":")[0] for line in watched.troubles.lines] == ["the configuration file"]
    watched.write("tracking:\n  look_again_s: 5\n")
    assert watched.settled() is None
    assert watched.troubles.lines == []


def test_without_a_file_nothing_ever_changes() -> None:
    live = LiveSettings(Config, None, Config(), troubles=Troubles(print))
    assert live.poll() is None


def test_a_file_is_read_once_it_has_settled(watched: Watched) -> None:
    watched.write("tracking:\n  look_again_s: 8\n")
    for modified_s in range(1, 5):
        os.utime(watched.path, (modified_s, modified_s))
        watched._now_s += 1.0
        assert watched.live.poll() is None and not watched.live.reading
    assert watched.settled() is not None


@pytest.mark.parametrize("put", [lambda path: path.mkdir(), lambda path: os.mkfifo(path)], ids=["folder", "pipe"])
def test_what_is_no_file_is_refused(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path / "config.yaml")
    with pytest.raises(ConfigError, match="no regular file"):
        check_settings_file(tmp_path / "config.yaml")


def test_anchors_in_measure_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("camera: {width_px: &w 640}\nevents: {include: &i [crops]}\npreview: {port: *w}\n")
    check_settings_file(path)


def test_every_name_in_the_tables_is_a_setting() -> None:
    sections = Config.model_fields
    for name in LIVE:
        section, _, key = name.partition(".")
        assert key == "*" or key in type(getattr(Config(), section)).model_fields, name
    assert set(sections) >= NOT_OF_THE_LOOP
    assert not {name.partition(".")[0] for name in LIVE} & NOT_OF_THE_LOOP


def test_nothing_differs_from_itself() -> None:
    assert with_live_changes(Config(), Config()) == (Config(), [])
