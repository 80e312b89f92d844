"""The folder of one device."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest

from actorrec.artifacts.whole_file import write_whole
from actorrec.errors import ArtifactError
from actorrec.greengrass.device_folder import KEY_FILE, DeviceFolder, DeviceRecord

RECORD = DeviceRecord(
    thing="pi-1", region="us-east-1", group="pis", certificate_id="ab" * 32, certificate_arn="arn", policies=["p"],
    role_alias="a", data_endpoint="d", credential_endpoint="c",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> DeviceFolder:
    made = DeviceFolder(tmp_path / "deep" / "pi-1")
    made.prepare()
    return made


def names(folder: DeviceFolder) -> set[str]:
    return {path.name for path in folder.path.iterdir()}


def test_a_secret_is_closed_to_others_from_its_first_byte(tmp_path: Path) -> None:
    seen: list[int] = []

    def fill(out: BinaryIO) -> None:
        seen.append(stat.S_IMODE(os.fstat(out.fileno()).st_mode))

    before = os.umask(0)
    try:
        write_whole(tmp_path / "key", fill, 0o600)
        write_whole(tmp_path / "open", fill)
    finally:
        os.umask(before)
    assert seen == [0o600, 0o666]
    (tmp_path / "open").chmod(0o644)
    write_whole(tmp_path / "open", b"now a secret", 0o600)  # not in the older file's mode
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o600


def test_what_was_written_is_read_back_and_taken_away(folder: DeviceFolder) -> None:
    assert folder.record() is None and not folder.has_key
    folder.write_certificate(RECORD, "certificate", "public", "private")
    assert DeviceFolder(folder.path).record() == RECORD and DeviceFolder(folder.path).has_key
    assert (folder.path / KEY_FILE).read_text() == "private" and (folder.path / ".gitignore").read_text() == "*\n"
    folder.remove_new()
    assert not folder.path.exists() and folder.path.parent.exists()


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    folder = DeviceFolder(tmp_path)
    folder.prepare()
    folder.write_certificate(RECORD, "certificate", "public", "private")
    folder.remove_new()
    assert names(folder) == {"mine"}


def test_an_earlier_certificate_is_set_aside_and_put_back(folder: DeviceFolder) -> None:
    assert folder.set_aside() is None
    folder.write_certificate(RECORD, "certificate", "public", "private")
    again = DeviceFolder(folder.path)
    aside = again.set_aside()
    assert aside is not None and aside.name == "earlier-abababab" and (aside / KEY_FILE).read_text() == "private"
    again.write_certificate(RECORD, "new", "new", "new")
    again.remove_new()
    again.put_back(aside)
    assert (folder.path / KEY_FILE).read_text() == "private" and not aside.exists() and again.record() == RECORD


@pytest.mark.parametrize("text", ["", "{}", "[]", "\x00", '{"thing": 1}'])
def test_a_record_that_cannot_be_read_is_none(folder: DeviceFolder, text: str) -> None:
    (folder.path / "device.json").write_text(text)
    assert folder.record() is None


def test_a_link_in_place_of_a_key_counts_as_one(folder: DeviceFolder, tmp_path: Path) -> None:
    (folder.path / KEY_FILE).symlink_to(tmp_path / "nowhere")
    assert folder.has_key


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArtifactError, match="cannot write into"):
        DeviceFolder(tmp_path / "file").prepare()
