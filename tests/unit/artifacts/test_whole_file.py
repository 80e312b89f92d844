"""Files written whole or not at all."""

import fcntl
import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest

from actorrec.artifacts.whole_file import ensure_writable, write_whole
from actorrec.errors import ArtifactError


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_bytes_land_in_a_new_folder_with_the_mode_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_whole(tmp_path / "a" / "b" / "new", b"content")
    assert (tmp_path / "a" / "b" / "new").read_bytes() == b"content"
    assert (tmp_path / "a" / "b" / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fill(out: BinaryIO) -> None:
        out.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(ArtifactError, match=r"cannot write .*file: No space left on device") as caught:
        write_whole(path, fill)
    assert "free some space" in caught.value.hint
    assert (path.read_text(), names_in(tmp_path)) == ("old", ["file"])


def test_a_link_is_followed_and_a_device_stays_a_device(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_whole(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"content"
    write_whole(Path(os.devnull), b"content")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize("name", ["folder", "file/below", "x" * 300])
def test_where_nothing_can_be_written_is_known_before(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match="cannot write"):
        ensure_writable(tmp_path / name)
    with pytest.raises(ArtifactError, match="cannot write"):
        write_whole(tmp_path / name, b"")
    assert names_in(tmp_path) == ["file", "folder"]


def test_asking_leaves_nothing(tmp_path: Path) -> None:
    ensure_writable(tmp_path / "file")
    ensure_writable(Path(os.devnull))
    assert names_in(tmp_path) == []


def test_what_a_killed_writer_left_goes_with_the_next_file_beside_it_and_nothing_else(tmp_path: Path) -> None:
    dead, living, another = (tmp_path / name for name in (".partial-" + "0" * 12, ".partial-" + "1" * 12, ".partial-x"))
    for path in (dead, living, another):
        path.touch()
    with living.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        write_whole(tmp_path / "file", b"content")
    assert names_in(tmp_path) == [living.name, another.name, "file"]
