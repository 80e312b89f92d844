"""Users without a home folder."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from actorrec.errors import ConfigError
from actorrec.faces.fetch import default_cache_dir
from actorrec.home import expanded, state_folder
from actorrec.scrape.work import open_work_folder


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize(
    "work",
    [
        default_cache_dir,
        lambda: expanded("~/photos"),
        lambda: open_work_folder(None, "x").__enter__(),
        lambda: state_folder("x"),
    ],
)
def test_no_home_folder_is_one_error_that_says_what_to_set(work: Callable[[], object]) -> None:
    with pytest.raises(ConfigError, match=r"no (such )?home folder") as caught:
        work()
    assert "HOME" in caught.value.hint


def test_a_home_of_nobody_is_named() -> None:
    with pytest.raises(ConfigError, match="~nosuchuser/x: there is no such home folder"):
        expanded(Path("~nosuchuser/x"))


def test_state_is_kept_where_the_user_says_or_in_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert state_folder("device") == tmp_path / "state" / "actorrec" / "device"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_folder("device").is_relative_to(tmp_path)
