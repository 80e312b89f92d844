"""The machine's own file of settings: below everything that a user says, and above the defaults."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from actorrec.config import SYSTEM_CONFIG, load_config, system_config
from actorrec.errors import ConfigError


def test_it_is_below_file_environment_and_flag(tmp_path: Path) -> None:
    system, mine = tmp_path / "system.yaml", tmp_path / "mine.yaml"
    system.write_text("training: {epochs: 1, seed: 1, dropout: 0.1, patience: 1}\n")
    mine.write_text("training: {epochs: 2, seed: 2, dropout: 0.2}\n")
    environ = {"ACTORREC_TRAINING__EPOCHS": "3", "ACTORREC_TRAINING__SEED": "3"}
    loaded = load_config(mine, environ=environ, flags={"training.epochs": 4}, system=system)
    training = loaded.config.training
    assert (training.epochs, training.seed, training.dropout, training.patience) == (4, 3, 0.2, 1)
    assert loaded.sources["training.patience"] == f"file {system}"
    assert loaded.sources["training.dropout"] == f"file {mine}"


def test_a_password_of_the_user_goes_before_the_file_that_the_machine_names(tmp_path: Path) -> None:
    system, both = tmp_path / "system.yaml", tmp_path / "both.yaml"
    system.write_text("mqtt: {username: pi, password_file: /etc/actorrec/word}\n")
    environ = {"ACTORREC_MQTT__PASSWORD": "mine"}
    loaded = load_config(environ=environ, system=system)
    assert (loaded.config.mqtt.password.get_secret_value(), loaded.config.mqtt.password_file) == ("mine", None)
    assert set(loaded.sources) == {"mqtt.username", "mqtt.password"}
    loaded = load_config(environ=environ, flags={"mqtt.password_file": "/my/word"}, system=system)
    assert not loaded.config.mqtt.password.get_secret_value()
    assert loaded.config.mqtt.password_file == Path("/my/word")
    both.write_text("mqtt: {username: pi, password_file: /etc/actorrec/word, password: word}\n")
    loaded = load_config(both, environ={})
    assert loaded.config.mqtt.password.get_secret_value() == "word" and loaded.config.mqtt.password_file


def test_a_variable_names_another_or_none() -> None:
    assert system_config({}) == SYSTEM_CONFIG == Path("/etc/actorrec/config.yaml")
    assert system_config({"ACTORREC_SYSTEM_CONFIG": ""}) is None
    assert system_config({"ACTORREC_SYSTEM_CONFIG": "/x.yaml"}) == Path("/x.yaml")
    assert load_config(environ={"ACTORREC_SYSTEM_CONFIG": "/x.yaml"}).sources == {}


def test_it_need_not_be_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none.yaml", tmp_path / "file" / "none.yaml"):
        assert load_config(environ={}, system=path).sources == {}


@pytest.mark.parametrize("text", ["a: [", "trainig: {epochs: 1}", "training: {epochs: none}", "- a"])
def test_what_is_wrong_in_it_is_told_with_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "system.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(environ={}, system=path)
    assert str(path) in caught.value.message


def shown(path: Path, *before: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "ACTORREC_SYSTEM_CONFIG": str(path)}
    line = [*before, sys.executable, "-m", "actorrec", "config", "show", "--json"]
    return subprocess.run(line, env=environ, capture_output=True, text=True, timeout=120)


def test_every_command_takes_it_and_config_show_names_it(tmp_path: Path) -> None:
    path = tmp_path / "system.yaml"
    path.write_text("inference: {bundle: /var/lib/actorrec/bundle.zip}\n")
    done = shown(path)
    assert done.returncode == 0, done.stderr
    assert f'"inference.bundle": "file {path}"' in done.stdout


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root, and setpriv to lose rights"
)
def test_who_may_not_read_it_goes_on_without_and_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "system.yaml"
    path.write_text("inference: {bundle: /other.zip}\nmqtt: {password: not-for-all}\n")
    path.chmod(0o600)
    os.chown(path, 65534, 65534)
    done = shown(path, "setpriv", "--bounding-set=-dac_override,-dac_read_search")
    assert done.returncode == 0, done.stderr
    group = path.group()
    line = f"{path} is for the group {group} to read (sudo usermod -aG {group} USER): going on without it\n"
    assert done.stderr == line
    assert "not-for-all" not in done.stdout and "/other.zip" not in done.stdout
