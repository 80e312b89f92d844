"""Keys in the settings: shown as a mask, written nowhere."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic import SecretStr
from typer.testing import CliRunner

from actorrec.cli.config import register
from actorrec.config import load_config, provenance
from actorrec.errors import ConfigError

KEY = "5f0c-not-to-be-seen"
ENVIRON = {"ACTORREC_SOURCES__TMDB_KEY": KEY}


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """What a command sets up for its process is not left to the tests after this one."""
    logger = logging.getLogger("actorrec")
    handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)


def run(*arguments: str) -> str:
    app = typer.Typer()
    register(app)
    done = CliRunner().invoke(app, arguments, env={**ENVIRON, "COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.output


def test_a_file_of_settings_holds_no_key_and_no_mask_and_loads_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    run("config", "init", str(path))
    written = path.read_text()
    assert KEY not in written and "*" not in written
    assert "tmdb_key: ''\n" in written
    assert load_config(path, environ={}).config.sources.tmdb_key.get_secret_value() == ""


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_key_is_shown_as_a_mask_with_where_it_came_from(form: tuple[str, ...]) -> None:
    shown = run("config", "show", *form)
    assert KEY not in shown
    assert str(SecretStr(KEY)) in shown and "environment ACTORREC_SOURCES__TMDB_KEY" in shown


def test_a_cameras_password_is_neither_shown_nor_written(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    environ = {"ACTORREC_CAMERA__SOURCE": f"rtsp://admin:{KEY}@10.0.0.9/live", "COLUMNS": "200"}
    app = typer.Typer()
    register(app)
    for arguments in (["show"], ["show", "--json"], ["init", str(path)]):
        done = CliRunner().invoke(app, ["config", *arguments], env=environ)
        assert done.exit_code == 0 and KEY not in done.output
        assert arguments[0] == "init" or "rtsp://…@10.0.0.9/live" in done.output
    assert KEY not in path.read_text()
    assert load_config(path, environ={}).config.camera.source == ""
    assert provenance(load_config(environ=environ).config) == provenance(
        load_config(environ={"ACTORREC_CAMERA__SOURCE": "rtsp://admin:another@10.0.0.9/live"}).config
    )


def test_a_key_that_is_no_text_is_refused_without_being_shown(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("sources:\n  tmdb_key: [123456]\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ={})
    assert "123456" not in caught.value.in_full and "sources.tmdb_key" in caught.value.message
    path.write_text(f"mqtt: [pi, {KEY}]\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ={})
    assert KEY not in caught.value.in_full and "must hold keys, not a list" in caught.value.message
